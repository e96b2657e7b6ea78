"""SCIM end to end: a request for each cell of the table of what Okta and Entra send, each answer looked at; who may send it; and how access ends by it.

    python3 story.py build/release/bin
"""
import asyncio
import http.client
import json
import socket
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "gateway_threats"))
from revocation import LIMIT, Calls, Stream, Ticking, requests_of  # noqa: E402
from scene import AGENT_SECRET, Checks, Scene  # noqa: E402, F401
from wire import ask, call, get, post  # noqa: E402

from directory import ENTERPRISE, GROUP, USER, Directory, Entra, Okta  # noqa: E402

ADMIN = "admin-token-for-this-test-0123456789"


class World(Scene):
    """The scene with tokens of directories, and people who have a password after they came."""

    def scim_token(self, connector):
        code, out, err = self.writ("connector", "scim-token", connector, "--json")
        if code != 0:
            raise AssertionError(f"writ connector scim-token {connector}: {code} {out} {err}")
        return json.loads(out)["token"]

    def set_password(self, user):
        document = self.admin(f"/admin/v1/users/{user}")
        self.change("PUT", f"/admin/v1/users/{user}", {**document, "password": f"{document['name']}-password"})

    def records(self, event, count=200):
        return self.admin(f"/admin/v1/audit?event={event}&limit={count}")["items"]

    def exchange(self, **parameters):
        return self.token_request("idp", grant_type="urn:ietf:params:oauth:grant-type:token-exchange", requested_token_type="urn:ietf:params:oauth:token-type:id-jag",
                                  audience=f"{self.base}/ras", resource=f"{self.base}/mcp/notes", **parameters)


def error_of(answer):
    """(status as text, scimType) of an error as SCIM has it."""
    is_error = answer["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"] and answer["status"] == str(answer.status) and answer["detail"]
    return (answer["status"], answer["scimType"]) if is_error else None


# ---- the table, a column for each product

def connection_test(okta, entra, checks):
    for name, answer in (("Okta", okta.send("GET", "/Users?startIndex=1&count=2")), ("Okta (older)", okta.send("GET", "/Users?startIndex=1&count=1"))):
        checks.that(f"connection test, {name}: 200 and a list", answer.status == 200 and answer["startIndex"] == 1 and answer["Resources"] == [] and answer["totalResults"] == 0, answer)
    answer = entra.find("Users", 'userName eq "7b2f9c1e-not-there"')
    checks.that("connection test, Entra: 200 and an empty list", answer.status == 200 and answer["totalResults"] == 0 and answer["Resources"] == [], answer)


def create(okta, entra, checks):
    people = {}
    for directory, name in ((okta, "alice@corp.example"), (entra, "erik@corp.example")):
        product = type(directory).__name__
        missing = directory.find("Users", f'userName eq "{name}"')
        made = directory.send("POST", "/Users", directory.user(name))
        found = directory.find("Users", f'userName eq "{name.upper()}"')
        checks.that(f"existence check, {product}: before create nobody, afterwards one, without regard to case", missing["totalResults"] == 0 and found.names == [name], (missing, found))
        location = f"/scim/v2/Users/{made['id']}"
        checks.that(f"create, {product}: 201 with body and Location", made.status == 201 and made["userName"] == name and made.headers["Location"].endswith(location) and made["meta"]["location"] == made.headers["Location"], made)
        checks.that(f"create, {product}: what was sent is there, and no password", made["externalId"] == directory.user(name)["externalId"] and made["name"]["familyName"] == "B" and made["active"] is True
                    and "password" not in made.text and "1mz050nq" not in made.text, made)
        again = directory.send("POST", "/Users", directory.user(name))
        checks.that(f"create, {product}: the same name again is 409 uniqueness", error_of(again) == ("409", "uniqueness"), again)
        shown = directory.send("GET", f"/Users/{made['id']}")
        checks.that(f"read, {product}: as it was made, with ETag", shown.body == made.body and shown.headers["ETag"] == made["meta"]["version"], shown)
        people[name] = made["id"]
    by_external_id = entra.find("Users", 'externalId eq "0a21f0f2-erik@corp.example"')
    checks.that("existence check, Entra: externalId", by_external_id.names == ["erik@corp.example"], by_external_id)
    checks.that("create, Entra: the enterprise extension comes back", entra.send("GET", f"/Users/{people['erik@corp.example']}")[ENTERPRISE] == {"employeeNumber": "701984", "department": "Sales"}, by_external_id)
    return people


def filters(okta, people, checks):
    for text in ('userName eq "alice@corp.example"', 'externalId eq "00u-alice@corp.example"', f'id eq "{people["alice@corp.example"]}"', 'displayName eq "A B" and userName sw "alice"',
                 'emails.value eq "alice@corp.example"', 'emails[type eq "work"].value eq "alice@corp.example"', 'active eq true and userName eq "alice@corp.example"'):
        answer = okta.find("Users", text)
        checks.that(f"filter: {text}", answer.status == 200 and answer.names == ["alice@corp.example"], answer)
    for text in ("shoeSize eq 1", 'userName like "x"', "userName eq", 'userName eq "x" garbage'):
        answer = okta.find("Users", text)
        checks.that(f"filter that is none: {text}", error_of(answer) == ("400", "invalidFilter"), answer)


def import_pages(okta, checks):
    names = [f"page{number}@corp.example" for number in range(5)]
    ids = [okta.send("POST", "/Users", okta.user(name))["id"] for name in names]
    for collection in ("Users", "Groups"):
        seen, start, total = [], 1, 1
        while start <= total:
            page = okta.send("GET", f"/{collection}?startIndex={start}&count=3")
            total = page["totalResults"]
            seen += [one["id"] for one in page["Resources"]]
            if page["itemsPerPage"] != len(page["Resources"]) or page["startIndex"] != start or not page["Resources"]:
                break
            start += page["itemsPerPage"]
        checks.that(f"import, Okta: all pages of {collection}, each once", len(seen) == total == len(set(seen)) and (collection == "Groups" or set(ids) <= set(seen)), (seen, total))
    counted = okta.send("GET", "/Users?count=0")
    checks.that("import: count=0 counts", counted["totalResults"] == 7 and counted["Resources"] == [], counted)
    for one in ids:
        okta.send("DELETE", f"/Users/{one}")


def update(okta, entra, people, checks):
    alice, erik = f"/Users/{people['alice@corp.example']}", f"/Users/{people['erik@corp.example']}"
    put = okta.send("PUT", alice, {**okta.user("alice@corp.example", given="Alicia"), "id": people["alice@corp.example"], "title": "Engineer"})
    checks.that("update, Okta by PUT", put.status == 200 and put["name"]["givenName"] == "Alicia" and put["title"] == "Engineer", put)
    patched = okta.patch(alice, {"op": "replace", "value": {"title": "Lead", "name": {"givenName": "Alice"}}})
    checks.that("update, Okta by PATCH without path", patched.status == 200 and patched["title"] == "Lead" and patched["name"] == {"givenName": "Alice", "familyName": "B"}, patched)
    patched = entra.patch(erik, {"op": "Add", "path": "title", "value": "Buyer"}, {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "erik.b@corp.example"},
                          {"op": "Add", "path": "name.honorificPrefix", "value": "Dr"}, {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+1 555"},
                          {"op": "Replace", "path": f"{ENTERPRISE}:department", "value": "Legal"}, {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": people["alice@corp.example"]})
    checks.that("update, Entra by PATCH: paths, brackets, URNs", patched.status == 200 and patched["title"] == "Buyer" and patched["emails"][0]["value"] == "erik.b@corp.example" and patched["name"]["honorificPrefix"] == "Dr"
                and patched["phoneNumbers"] == [{"type": "mobile", "value": "+1 555"}] and patched[ENTERPRISE]["department"] == "Legal" and patched[ENTERPRISE]["manager"]["value"] == people["alice@corp.example"], patched)
    patched = entra.patch(erik, {"op": "Add", "value": {"name.familyName": "Bauer", "displayName": "Erik Bauer", f"{ENTERPRISE}:costCenter": "7"}})
    checks.that("update, Entra by PATCH: dotted names and URNs without path", patched["name"]["familyName"] == "Bauer" and patched["displayName"] == "Erik Bauer" and patched[ENTERPRISE]["costCenter"] == "7", patched)
    patched = entra.patch(erik, {"op": "Remove", "path": "title"}, {"op": "Remove", "path": "displayname"})
    checks.that("update, Entra by PATCH: Remove", patched["title"] is None and patched["displayName"] is None, patched)
    broken = entra.patch(erik, {"op": "Replace", "path": "title", "value": "Boss"}, {"op": "Replace", "path": "noSuchThing", "value": 1})
    checks.that("a PATCH of which one operation fails changes nothing", error_of(broken) == ("400", "invalidPath") and entra.send("GET", erik)["title"] is None, broken)
    version = patched["meta"]["version"]
    stale = entra.patch(erik, {"op": "Add", "path": "title", "value": "x"}, headers={"If-Match": 'W/"0"'})
    unchanged = entra.send("GET", erik, headers={"If-None-Match": version})
    checks.that("ETag: another version is 412, the same one 304", stale.status == 412 and unchanged.status == 304 and unchanged.text == "", (stale, unchanged))


def deactivate(okta, entra, people, checks):
    alice, erik = f"/Users/{people['alice@corp.example']}", f"/Users/{people['erik@corp.example']}"
    for name, off, on in (
        ("Okta by PATCH without path", lambda: okta.patch(alice, {"op": "replace", "value": {"active": False}}), lambda: okta.patch(alice, {"op": "replace", "value": {"active": True}})),
        ("Okta by PUT", lambda: okta.send("PUT", alice, {**okta.user("alice@corp.example"), "active": False}), lambda: okta.send("PUT", alice, okta.user("alice@corp.example"))),
        ("Entra, legacy", lambda: entra.patch(erik, {"op": "Replace", "path": "active", "value": "False"}), lambda: entra.patch(erik, {"op": "Replace", "path": "active", "value": "True"})),
        ("Entra, with the feature flag", lambda: entra.patch(erik, {"op": "replace", "path": "active", "value": False}), lambda: entra.patch(erik, {"op": "replace", "path": "active", "value": True})),
    ):
        gone, back = off(), on()
        checks.that(f"deactivate and reactivate, {name}", gone.status == 200 and gone["active"] is False and back["active"] is True, (gone, back))
    without = {key: value for key, value in okta.user("alice@corp.example").items() if key != "active"}
    okta.patch(alice, {"op": "replace", "value": {"active": False}})
    stays = okta.send("PUT", alice, without)
    okta.patch(alice, {"op": "replace", "value": {"active": True}})
    checks.that("a PUT without `active` does not reactivate", stays["active"] is False, stays)


def delete_user(entra, checks):
    made = entra.send("POST", "/Users", entra.user("gone@corp.example"))
    gone = entra.send("DELETE", f"/Users/{made['id']}")
    after = entra.send("GET", f"/Users/{made['id']}")
    again = entra.send("POST", "/Users", entra.user("gone@corp.example"))
    checks.that("delete, Entra: 204, then 404", gone.status == 204 and error_of(after) == ("404", None), (gone, after))
    checks.that("delete: the same name again is another person", again.status == 201 and again["id"] != made["id"], again)
    entra.send("DELETE", f"/Users/{again['id']}")


def groups(world, okta, entra, people, checks):
    alice, erik = people["alice@corp.example"], people["erik@corp.example"]
    made = okta.send("POST", "/Groups", {"schemas": [GROUP], "displayName": "Okta Team", "members": []})
    checks.that("groups, Okta: POST", made.status == 201 and made["displayName"] == "Okta Team" and made.headers["Location"].endswith(f"/Groups/{made['id']}"), made)
    path = f"/Groups/{made['id']}"
    added = okta.patch(path, {"op": "add", "path": "members", "value": [{"value": alice, "display": "alice@corp.example"}]})
    checks.that("membership, Okta: add", [one["value"] for one in added["members"]] == [alice], added)
    removed = okta.patch(path, {"op": "remove", "path": f'members[value eq "{alice}"]'})
    checks.that("membership, Okta: remove by brackets", removed.status == 200 and removed["members"] is None, removed)
    renamed = okta.patch(path, {"op": "replace", "value": {"id": made["id"], "displayName": "Okta Crew"}})
    checks.that("groups, Okta: rename without path", renamed["displayName"] == "Okta Crew" and renamed["id"] == made["id"], renamed)
    replaced = okta.send("PUT", path, {"schemas": [GROUP], "displayName": "Okta Crew", "members": [{"value": alice}, {"value": erik}]})
    checks.that("membership, Okta: full replace by PUT", {one["value"] for one in replaced["members"]} == {alice, erik}, replaced)
    found = okta.find("Groups", 'displayName eq "okta crew"')
    checks.that("groups, Okta: filter by name", found.names == ["Okta Crew"], found)
    checks.that("groups, Okta: DELETE", okta.send("DELETE", path).status == 204 and okta.send("GET", path).status == 404, path)

    made = entra.send("POST", "/Groups", {"schemas": [GROUP], "externalId": "8aa1a0c0", "displayName": "Entra Team", "meta": {"resourceType": "Group"}})
    path = f"/Groups/{made['id']}"
    checks.that("groups, Entra: POST keeps externalId", made.status == 201 and made["externalId"] == "8aa1a0c0", made)
    added = entra.patch(path, {"op": "Add", "path": "members", "value": [{"value": alice}, {"value": erik}]})
    checks.that("membership, Entra: Add several", added.status == 200 and len(added["members"]) == 2, added)
    removed = entra.patch(path, {"op": "Remove", "path": "members", "value": [{"value": alice}]})
    checks.that("membership, Entra: Remove by value", [one["value"] for one in removed["members"]] == [erik], removed)
    renamed = entra.patch(path, {"op": "Replace", "path": "displayName", "value": "Entra Crew"})
    checks.that("groups, Entra: PATCH of the name", renamed["displayName"] == "Entra Crew", renamed)
    read = entra.send("GET", f"{path}?excludedAttributes=members")
    found = entra.find("Groups", 'displayName eq "Entra Crew"', "&excludedAttributes=members")
    checks.that("groups, Entra: reads without members", read.status == 200 and read["members"] is None and found.names == ["Entra Crew"] and "members" not in found["Resources"][0], (read, found))
    person = entra.send("GET", f"/Users/{erik}")
    checks.that("a person's groups are told", [one["display"] for one in person["groups"]] == ["Entra Crew"], person)
    nobody = entra.patch(path, {"op": "Add", "path": "members", "value": [{"value": "usr_nobody"}]})
    checks.that("membership: nobody is no member", error_of(nobody) == ("400", "invalidValue"), nobody)
    checks.that("groups, Entra: DELETE", entra.send("DELETE", path).status == 204, path)


def discovery(okta, world, checks):
    config = okta.send("GET", "/ServiceProviderConfig")
    checks.that("discovery: ServiceProviderConfig tells the truth", config["patch"]["supported"] and config["filter"] == {"supported": True, "maxResults": 1000} and config["etag"]["supported"] and not config["bulk"]["supported"]
                and not config["sort"]["supported"] and config["authenticationSchemes"][0]["type"] == "oauthbearertoken", config)
    types, schemas = okta.send("GET", "/ResourceTypes"), okta.send("GET", "/Schemas")
    checks.that("discovery: ResourceTypes and Schemas", {one["endpoint"] for one in types["Resources"]} == {"/Users", "/Groups"} and {one["id"] for one in schemas["Resources"]} == {USER, ENTERPRISE, GROUP}, (types, schemas))
    checks.that("no /Bulk, no /Me", okta.send("POST", "/Bulk", {}).status == 501 and okta.send("GET", "/Me").status == 501)


# ---- who may

def callers(world, okta, rival, people, checks):
    alice = f"/Users/{people['alice@corp.example']}"
    deactivation = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "replace", "value": {"active": False}}]}
    for name, token, status, reason in (("no token", "", 401, None), ("a wrong token", "x" * 43, 401, "unknown_token"), ("an administrator's token", ADMIN, 403, "token_of_another_use")):
        stranger = Directory(world.port, token)
        answers = [stranger.send("GET", "/Users"), stranger.send("PATCH", alice, deactivation), stranger.send("GET", "/ServiceProviderConfig")]
        stranger.close()
        recorded = reason is None or world.records("provisioning")[0]["reason"] == reason
        checks.that(f"{name} is refused with {status}", all(error_of(one) == (str(status), None) for one in answers) and recorded, (answers, world.records("provisioning")[:2]))
    theirs = [rival.send("GET", alice), rival.send("PATCH", alice, deactivation), rival.send("PUT", alice, rival.user("alice@corp.example")), rival.send("DELETE", alice)]
    checks.that("another connector's token sees nobody of this one: 404", all(error_of(one) == ("404", None) for one in theirs) and rival.send("GET", "/Users")["totalResults"] == 0, theirs)
    checks.that("and its refused changes are on record", any(one.get("reason") == "not_found" and one.get("actor") == "connector:rival" for one in world.records("provisioning")), world.records("provisioning")[:3])
    checks.that("nor may it take a name or a member", error_of(rival.send("POST", "/Users", rival.user("alice@corp.example"))) == ("409", "uniqueness")
                and error_of(rival.send("POST", "/Groups", {"displayName": "Mine", "members": [{"value": people["alice@corp.example"]}]})) == ("400", "invalidValue"))
    local = next(one for one in world.admin("/admin/v1/users")["items"] if one["name"] == "root")
    checks.that("people and groups of nobody's directory are not there for it", okta.send("DELETE", f"/Users/{local['id']}").status == 404 and okta.send("GET", "/Groups/local").status == 404
                and error_of(okta.send("POST", "/Users", okta.user("root"))) == ("409", "uniqueness"))
    checks.that("alice is as she was", okta.send("GET", alice)["active"] is True)
    other_uses = [socket_request(world, okta.token, "GET", "/admin/v1/users"), socket_request(world, okta.token, "DELETE", f"/admin/v1/users/{local['id']}")]
    evaluation, _ = world.http("POST", f"{world.base}/access/v1/evaluation", "{}", {"Authorization": f"Bearer {okta.token}", "Content-Type": "application/json"})
    checks.that("a directory's token may do nothing else", other_uses == [401, 401] and evaluation.status == 403, (other_uses, evaluation.status))
    plain = world.writ("connector", "scim-token", "plain")
    checks.that("a connector without `scim: true` gets no token", plain[0] == 1 and "scim=true" in plain[2], plain)


def socket_request(world, token, method, path):
    connection = http.client.HTTPConnection("localhost", timeout=20)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(20)
    connection.sock.connect(str(world.folder / "admin.sock"))
    connection.request(method, path, headers={"Authorization": f"Bearer {token}"})
    status = connection.getresponse().status
    connection.close()
    return status


def adoption(okta, world, checks):
    made = okta.send("POST", "/Users", okta.user("Erin", externalId="00u-erin"))
    erin = world.admin(f"/admin/v1/users/{made['id']}")
    checks.that("who is here already and fits the match rule is adopted, with what an administrator gave", made.status == 201 and erin["provisioned_by"] == "corp" and erin["groups"] == ["local"] and made["groups"] is None, (made, erin))


# ---- access

def membership_is_access(world, okta, people, checks):
    """EN-12: membership counts for the next decision, in both directions; nested groups too."""
    alice = people["alice@corp.example"]
    world.set_password(alice)
    time.sleep(1.1)   # she was switched off and on before: times in tokens have no fractions
    id_token = world.sign_in("alice@corp.example", "openid offline_access")
    subject = {"subject_token": id_token, "subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}
    before = world.exchange(**subject)
    eng = okta.find("Groups", 'displayName eq "Engineering"')["Resources"][0]["id"]
    okta.patch(f"/Groups/{eng}", {"op": "add", "path": "members", "value": [{"value": alice}]})
    within = world.exchange(**subject)
    okta.patch(f"/Groups/{eng}", {"op": "remove", "path": f'members[value eq "{alice}"]'})
    after = world.exchange(**subject)
    checks.that("membership counts for the next ID-JAG and no longer", before.get("error") == "access_denied" and before.get("denial_code") and "access_token" in within and after.get("error") == "access_denied", (before, within, after))
    inner = okta.send("POST", "/Groups", {"schemas": [GROUP], "displayName": "Inner", "members": [{"value": alice}]})
    okta.patch(f"/Groups/{eng}", {"op": "add", "path": "members", "value": [{"value": inner["id"]}]})
    checks.that("so does membership by a nested group", "access_token" in world.exchange(**subject))
    return subject


def no_test_holds_it_up(world, okta, people, checks):
    """Membership that a policy test counts on ends all the same; the record says that the test fails now."""
    alice = people["alice@corp.example"]
    bundle = {"grants.yaml": (world.folder / "deployment" / "grants.yaml").read_text(), "policy-tests.yaml": "tests:\n  - {name: alice may, user: alice@corp.example, agent: desk, server: notes, expect: allow}\n"}
    world.change("PUT", "/admin/v1/policy", {"files": bundle, "reason": "a test that names alice"})
    inner = okta.find("Groups", 'displayName eq "Inner"')["Resources"][0]["id"]
    taken = okta.patch(f"/Groups/{inner}", {"op": "remove", "path": "members"})
    record = world.records("provisioning")[0]
    checks.that("a failing policy test is a warning in the record", taken.status == 200 and record.get("failing_policy_tests") == "1" and record.get("actor") == "connector:corp", (taken, record))
    okta.patch(f"/Groups/{inner}", {"op": "add", "path": "members", "value": [{"value": alice}]})


async def under_load(world, okta, user, token):
    """Streams and calls of the person, and the directory's PATCH in the middle of them."""
    Ticking(world, 0.05)
    kinds = requests_of(world, token)
    streams = [Stream(kind, user) for _ in range(5) for kind in kinds]
    tasks = [asyncio.create_task(stream.follow(world.port, kinds[stream.kind])) for stream in streams]
    calls = Calls(world, token, 100, 8)
    load = asyncio.create_task(calls.run())
    until = time.monotonic() + 10
    while (any(stream.pieces < 2 for stream in streams) or len(calls.done) < 50) and time.monotonic() < until:
        await asyncio.sleep(0.02)
    before = sum(one[3] for one in calls.done)

    def patch():
        answer = okta.patch(f"/Users/{user}", {"op": "replace", "value": {"active": False}})
        return answer, time.monotonic()

    answer, acknowledged = await asyncio.to_thread(patch)
    await asyncio.sleep(1.5)
    calls.stopped = True
    await load
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return answer, acknowledged, streams, calls, before


def deactivation_ends_access(world, okta, people, subject, checks):
    alice = people["alice@corp.example"]
    refresh_token = world.signed_in["refresh_token"]
    id_jag = world.exchange(**subject)["access_token"]
    token = world.access_token(subject["subject_token"])
    ask(world, post(world, token, call("get_note")))
    answer, acknowledged, streams, calls, before = asyncio.run(under_load(world, okta, alice, token))
    allowed_after = [one for one in calls.done if one[3] and one[0] > acknowledged]
    last = max([stream.last_allowed for stream in streams] + [one[1] for one in calls.done if one[3]]) - acknowledged
    end = max(stream.ended or 1e18 for stream in streams) - acknowledged
    checks.that("deactivation under load is acknowledged", answer.status == 200 and answer["active"] is False and before >= 50 and all(stream.pieces > 1 for stream in streams), (answer, before))
    checks.that("no call that began after it is allowed", not allowed_after and any(one[2] == 401 for one in calls.done), allowed_after[:3])
    checks.that("the last allowed byte comes within 1 s of it", last <= LIMIT, last)
    checks.that("every stream has ended within 1 s of it", end <= LIMIT, end)
    code = streams[0].code()
    explained = world.writ("why", code or "none", "--json")
    checks.that("their last event has a denial code that says why", all(stream.code() for stream in streams) and explained[0] == 0 and "user_disabled" in explained[1], (code, explained))
    print(f"      last allowed byte {last * 1000:.0f} ms, last stream ended {end * 1000:.0f} ms after the acknowledged PATCH; {before} calls before")

    def refused():
        return {"ID-JAG for the ID token": world.exchange(**subject),
                "refresh": world.token_request("idp", grant_type="refresh_token", refresh_token=refresh_token),
                "ID-JAG for the refresh token": world.exchange(subject_token=refresh_token, subject_token_type="urn:ietf:params:oauth:token-type:refresh_token"),
                "an ID-JAG from before": world.token_request("ras", grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=id_jag)}

    for name, got in refused().items():
        checks.that(f"deactivated: {name} is refused", got.get("error") == "invalid_grant" and "access_token" not in got, got)
    reasons = {one.get("reason") for event in ("id_jag", "access_token", "token_refreshed") for one in world.records(event, 10)}
    checks.that("each with its reason on record", "user_disabled" in reasons, reasons)
    gateway = ask(world, post(world, token, call("get_note")))
    checks.that("deactivated: the gateway refuses the access token", gateway.status == 401, gateway)

    back = okta.patch(f"/Users/{alice}", {"op": "replace", "value": {"active": True}})
    for name, got in refused().items():
        checks.that(f"reactivated: {name} stays refused", back["active"] is True and got.get("error") == "invalid_grant", got)
    gateway = ask(world, post(world, token, call("get_note")))
    standing = ask(world, get(world, token))
    checks.that("reactivated: the access token from before stays refused", gateway.status == 401 and standing.status == 401, gateway)
    time.sleep(1.1)   # the second in which she was deactivated is over: times in tokens have no fractions
    anew = world.sign_in("alice@corp.example")
    checks.that("reactivated: she signs in anew", "access_token" in world.exchange(subject_token=anew, subject_token_type="urn:ietf:params:oauth:token-type:id_token"))


def administrators_word(world, okta, people, checks):
    """A6: what an administrator switched off no directory switches on."""
    alice = people["alice@corp.example"]
    world.set_active("users", alice, False)
    answers = [okta.patch(f"/Users/{alice}", {"op": "replace", "value": {"active": True}}), okta.send("PUT", f"/Users/{alice}", okta.user("alice@corp.example", given="Alina"))]
    person = world.admin(f"/admin/v1/users/{alice}")
    checks.that("whom an administrator disabled, the directory does not enable; the rest of what it says counts", all(one.status == 200 and one["active"] is False for one in answers) and person["active"] is False
                and answers[1]["name"]["givenName"] == "Alina", (answers, person))
    record = next(one for one in world.records("provisioning") if one.get("user") == alice)
    checks.that("and the record says so", "an administrator said so" in record.get("comment", ""), record)
    world.set_active("users", alice, True)


def deletion_ends_access(world, okta, people, checks):
    alice = people["alice@corp.example"]
    token = world.access_token(world.sign_in("alice@corp.example"))
    allowed = ask(world, post(world, token, call("get_note")))
    gone = okta.send("DELETE", f"/Users/{alice}")
    denied = ask(world, post(world, token, call("get_note")))
    known = [one for one in world.admin("/admin/v1/users")["items"] if one["id"] == alice]
    checks.that("a deleted person's token is refused at once, and nobody is left", allowed.status == 200 and gone.status == 204 and denied.status == 401 and not known, (allowed, gone, denied, known))
    record = next(one for one in world.records("provisioning") if one.get("user") == alice)
    checks.that("the record names the directory and its token", record["reason"] == "remove" and record["actor"] == "connector:corp" and "SCIM DELETE by token scim-corp" in record["comment"], record)


def group_that_policy_names(world, okta, checks):
    eng = okta.find("Groups", 'displayName eq "Engineering"')["Resources"][0]["id"]
    gone = okta.send("DELETE", f"/Groups/{eng}")
    left = world.admin("/admin/v1/groups/eng")
    inside = [one["name"] for one in world.admin("/admin/v1/users")["items"] if "eng" in one.get("groups", [])]
    checks.that("a deleted group that policy names is empty and nobody's", gone.status == 204 and okta.send("GET", f"/Groups/{eng}").status == 404 and not left.get("provisioned_by") and not inside, (gone, left, inside))


def token_that_is_withdrawn(world, okta, checks):
    second = Okta(world.port, world.scim_token("corp"))
    both = [okta.send("GET", "/Users").status, second.send("GET", "/Users").status]
    world.writ("connector", "show", "corp")
    world.change("DELETE", "/admin/v1/api_tokens/scim-corp")
    checks.that("two tokens for rotation, and the withdrawn one is refused at once", both == [200, 200] and okta.send("GET", "/Users").status == 401 and second.send("GET", "/Users").status == 200, both)
    world.change("DELETE", "/admin/v1/api_tokens/scim-corp-2")
    world.change("DELETE", "/admin/v1/api_tokens/scim-rival")
    answer = second.send("GET", "/ServiceProviderConfig")
    checks.that("without any token of a directory there is no SCIM server", answer.status == 404, answer)
    second.close()


def main():
    checks = Checks()
    with World(sys.argv[1], deployment=HERE / "deployment") as world:
        before = Directory(world.port, "x")
        checks.that("before there is a token there is no SCIM server", before.send("GET", "/Users").status == 404)
        before.close()
        token = world.scim_token("corp")
        okta, entra, rival = Okta(world.port, token), Entra(world.port, token), Okta(world.port, world.scim_token("rival"))
        connection_test(okta, entra, checks)
        people = create(okta, entra, checks)
        filters(okta, people, checks)
        import_pages(okta, checks)
        update(okta, entra, people, checks)
        deactivate(okta, entra, people, checks)
        delete_user(entra, checks)
        groups(world, okta, entra, people, checks)
        discovery(okta, world, checks)
        callers(world, okta, rival, people, checks)
        adoption(okta, world, checks)
        subject = membership_is_access(world, okta, people, checks)
        no_test_holds_it_up(world, okta, people, checks)
        deactivation_ends_access(world, okta, people, subject, checks)
        administrators_word(world, okta, people, checks)
        deletion_ends_access(world, okta, people, checks)
        group_that_policy_names(world, okta, checks)
        token_that_is_withdrawn(world, okta, checks)
        for directory in (okta, entra, rival):
            directory.close()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
