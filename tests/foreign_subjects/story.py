"""Foreign people, tenants and details, end to end: each ID-JAG is accepted or refused for the reason that the audit trail says.

    python3 story.py build/release/bin
"""
import base64
import json
import re
import sys
from pathlib import Path
from urllib.parse import urlencode, urljoin

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "policy_story"))
sys.path.insert(0, str(HERE.parent / "upstream_credentials"))
from world import AGENT_SECRET, Checks, World, form_of, free_port  # noqa: E402
from credentials import Browser  # noqa: E402
from issuer import Issuers, Key  # noqa: E402

BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "requested_token_type": "urn:ietf:params:oauth:token-type:id-jag",
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}


class Deployment(World):
    """Of the story's world: the people and what they do. Here with files of its own."""

    def __init__(self, binaries, objects, more="", **words):
        super().__init__(binaries, objects)
        self.replace(**words)
        config = (self.folder / "writ.yaml").read_text()
        (self.folder / "writ.yaml").write_text(config + more)

    def replace(self, **words):
        for file in (self.folder / "deployment").rglob("*.yaml"):
            text = file.read_text()
            for word, value in words.items():
                text = text.replace(word, value)
            file.write_text(text)

    def serve(self):
        self.start([str(self.binaries / "writ"), "serve", "-c", str(self.folder / "writ.yaml")])
        self.wait_for(self.port)

    def redeem(self, assertion, **more):
        return self.token_request("ras", grant_type=BEARER, assertion=assertion, **more)

    def records(self, **query):
        return self.admin("/admin/v1/audit?" + urlencode({"limit": 50, **query}))["items"]

    def json(self, *words):
        code, out, err = self.writ(*words, "--json")
        assert code == 0, (words, code, out, err)
        return json.loads(out)

    def status_of_call(self, token):
        response, _ = self.http("POST", f"{self.base}/mcp/notes", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}),
                                {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"})
        return response.status


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def press(browser, page, url, word, account):
    """The button of that account's form."""
    for form in re.findall(r"<form\b.*?</form>", page, re.S):
        action, fields = form_of(form)
        if action.endswith("/" + word) and fields["account"][1] == account:
            return browser.go("POST", urljoin(url, action), urlencode({name: value for name, (_, value) in fields.items()}))
    raise AssertionError(f"no {word} for {account} in {page[:2000]}")


class Story:
    def __init__(self, checks, company, partner, issuers):
        self.checks, self.company, self.partner, self.issuers = checks, company, partner, issuers
        self.ras, self.notes = f"{company.base}/ras", f"{company.base}/mcp/notes"

    def okta(self, **changes):
        """The shape of Okta's: the client by a name of its own, the audience as a list, claims of its own."""
        shape = {"sub": "00u1alice", "client_id": "wlp8x5q7mvH86KvFJ0g7", "aud": [self.ras], "app_org": "00o1acme", "email": "alice@acme.example", "email_verified": True, "ver": 1}
        return self.issuers.id_jag("okta", self.ras, self.notes, **{**shape, **changes})

    def auth0(self, **changes):
        """The shape of Auth0's: a subject with a bar in it, a tenant, an organisation, `azp`."""
        shape = {"sub": "auth0|carol", "tenant": "dev-acme", "org_id": "org_1", "azp": "desk", "resource": [self.notes]}
        return self.issuers.id_jag("auth0", self.ras, self.notes, **{**shape, **changes})

    def is_accepted(self, sentence, assertion, user, **more):
        answer = self.company.redeem(assertion, **more)
        good = "access_token" in answer and claims_of(answer["access_token"])["sub"] == user and self.company.status_of_call(answer["access_token"]) == 200
        self.checks.that(f"accepted: {sentence}", good, (answer, self.company.records(event="access_token", limit=1)))
        return answer.get("access_token", "")

    def is_refused(self, sentence, assertion, reason, error="invalid_grant", **more):
        answer = self.company.redeem(assertion, **more)
        record = self.company.records(event="access_token", limit=1)[0]
        self.checks.that(f"refused: {sentence}: {reason}", answer.get("error") == error and record["reason"] == reason and record["effect"] == "deny" and "access_token" not in answer, (answer, record))
        return answer

    # ---- who is trusted with what

    def trust(self):
        self.is_accepted("Okta-shaped, of somebody who is linked", self.okta(), "usr_alice")
        self.is_accepted("Auth0-shaped, of somebody who is linked in its tenant", self.auth0(), "usr_carol")
        for sentence, assertion, reason in [
                ("an issuer that nobody configured", self.issuers.id_jag("stranger", self.ras, self.notes, sub="x"), "issuer_not_trusted"),
                ("signed by another trusted issuer", self.okta(key=self.issuers.keys["auth0"]), "unknown_key"),
                ("signed by a key of the same name", self.okta(key=Key(self.issuers.folder.name, "okta2"), iat=None), "unknown_key"),
                ("an ID token in its place", self.okta(typ="JWT"), "wrong_type"),
                ("for another audience", self.okta(aud=[self.ras, "https://other.example"]), "audience_not_us"),
                ("the client by a name that nobody has", self.okta(client_id="wlp8x5q7mvH86KvFJ0g8"), "client_mismatch"),
                ("without the organisation", self.okta(app_org=None), "required_claim_missing"),
                ("of another organisation", self.okta(app_org="00o2other"), "required_claim_missing"),
                ("with a tenant where none is expected", self.okta(tenant="t1"), "tenant_not_expected"),
                ("with a tenant of ours where none is expected", self.okta(aud_tenant="acme"), "audience_tenant_not_expected"),
                ("without the tenant that is expected", self.auth0(tenant=None), "tenant_not_expected"),
                ("of another tenant", self.auth0(tenant="dev-other"), "tenant_not_expected"),
                ("of another organisation at Auth0", self.auth0(org_id="org_2"), "required_claim_missing"),
                ("the same subject at another issuer", self.okta(sub="auth0|carol", email=None), "subject_unknown"),
                ("an account of ours by an issuer that may not name them", self.okta(sub="00u9", email=None, aud_sub="usr_alice"), "subject_unknown"),
                ("an account of ours that contradicts the link", self.okta(aud_sub="usr_bob"), "subject_conflict"),
                ("a subject identifier that contradicts the link", self.okta(sub_id={"format": "opaque", "id": "usr_bob"}), "subject_conflict"),
                ("an address that contradicts the link", self.okta(email="bob@acme.example"), "subject_conflict"),
                ("a subject identifier that is none", self.okta(sub_id={"format": "iss_sub", "iss": "https://x.example"}), "malformed_sub_id"),
                ("of somebody who is disabled", self.okta(sub="00u9", email="dave@acme.example"), "user_disabled"),
                ("a scope that is not registered", self.okta(scope="use everything"), "scope_not_registered")]:
            self.is_refused(sentence, assertion, reason)
        self.is_refused("nothing but a scope above the ceiling", self.okta(scope="admin"), "no_grantable_scope", "invalid_scope")
        answer = self.company.token_request("ras", grant_type=BEARER, assertion=self.okta(client_id="other"), client_id="other", client_secret=AGENT_SECRET)
        self.checks.that("refused: a client that the issuer is not trusted for", answer["error"] == "unauthorized_client", answer)
        self.checks.that("nobody asked the stranger for keys", not [path for path in self.issuers.asked if "stranger" in path], self.issuers.asked)
        once = self.okta()
        self.is_accepted("single use: once", once, "usr_alice")
        self.is_refused("single use: not twice", once, "replayed")
        again = self.auth0()
        self.is_accepted("same client until expiry: once", again, "usr_carol")
        self.is_accepted("same client until expiry: and again", again, "usr_carol")

    # ---- the ceremony

    def ceremony(self):
        company, checks = self.company, self.checks
        bob = {"sub": "00u7bob", "email": "bob@acme.example"}
        self.is_refused("an unknown subject with an address that nobody checked", self.okta(**bob, email_verified=False), "subject_unknown")
        self.is_refused("an unknown subject with an address that the issuer may not speak for", self.okta(sub="00u7bob", email="bob@elsewhere.example"), "subject_unknown")
        answer = self.is_refused("an unknown subject with the address of somebody here", self.okta(**bob), "link_pending")
        code, out, err = company.writ("why", answer.get("denial_code", ""))
        checks.that("pending: the code says why", code == 0 and "link_pending" in out, (answer, code, out, err))
        pending = company.json("account", "list", "--state", "pending")
        checks.that("pending: an administrator sees it", [(one["user_name"], one["subject"], one["email"], one["agent"]) for one in pending] == [("bob", "00u7bob", "bob@acme.example", "desk")], pending)
        account = pending[0]["id"]

        page_url = f"{company.base}/linked-accounts"
        browsers = {}
        for who in ("alice", "bob"):
            browsers[who] = Browser(company)
            status, page, at = browsers[who].sign_in(who, page_url)
            checks.that(f"pending: the page is for people who are signed in ({who})", status == 200 and at == page_url, (status, at, page[-500:]))
        _, page, url = browsers["alice"].go("GET", page_url)
        checks.that("pending: alice sees her own accounts alone", "00u1alice" in page and "00u7bob" not in page, page[-800:])
        _, page, url = browsers["bob"].go("GET", page_url)
        checks.that("pending: bob sees who vouches for whom", "Partner's Okta" in page.replace("&#39;", "'") and "00u7bob" in page and "bob@acme.example" in page, page[-1500:])
        csrf = re.search(r'name="csrf" value="([^"]+)"', browsers["alice"].go("GET", page_url)[1])
        forged = browsers["alice"].go("POST", f"{page_url}/confirm", urlencode({"account": account, "csrf": csrf.group(1) if csrf else ""}))
        checks.that("pending: alice cannot take it", forged[0] == 403 and "no such account" in forged[1], forged)
        strange = browsers["bob"].go("POST", f"{page_url}/confirm", urlencode({"account": account, "csrf": "x"}))
        checks.that("pending: a form from elsewhere confirms nothing", strange[0] == 403, strange)
        self.is_refused("still nobody said so", self.okta(**bob), "link_pending")
        status, page, at = press(browsers["bob"], page, url, "confirm", account)
        checks.that("confirmed: the page says so", status == 200 and at == page_url and "Linked." in page, (status, at, page[-800:]))
        token = self.is_accepted("bob, who said that the account is his", self.okta(**bob), "usr_bob")

        code, out, err = company.writ("account", "unlink", account)
        checks.that("unlinked: by an administrator", code == 0 and "no longer linked to bob" in out, (code, out, err))
        checks.that("unlinked: the token ends at once", company.status_of_call(token) == 401)
        self.is_refused("after the link is gone", self.okta(**bob), "link_pending")
        _, page, url = browsers["bob"].go("GET", page_url)
        status, page, _ = press(browsers["bob"], page, url, "reject", account)
        checks.that("rejected: it is on the page no more", status == 200 and "00u7bob" not in page, page[-800:])
        self.is_refused("after a no", self.okta(**bob), "link_rejected")
        approved = company.json("account", "approve", account)
        checks.that("approved: by an administrator, over the no", approved["state"] == "linked" and approved["user"] == "usr_bob", approved)
        self.is_accepted("bob, whom an administrator linked", self.okta(**bob), "usr_bob")
        self.is_refused("another subject for the same person", self.okta(sub="00u8bob", email="bob@acme.example"), "linked_to_another")
        reasons = [one["reason"] for one in reversed(company.records(event="linked_account"))]
        checks.that("all of it is on record", reasons == ["offered", "linked", "unlinked", "offered", "refused", "linked"], reasons)
        code, out, err = company.writ("account", "approve", "acc_none")
        checks.that("an account that is not there cannot be approved", code == 1, (code, out, err))

    # ---- people who were not there

    def created(self):
        company, checks = self.company, self.checks
        guest = {"sub": "auth0|guest1", "email": "gil@guests.example", "email_verified": True}
        self.is_refused("a guest without a checked address", self.auth0(**{**guest, "email_verified": None}), "email_not_accepted")
        self.is_refused("a guest with an address of the company's", self.auth0(**{**guest, "email": "new@acme.example"}), "email_not_accepted")
        before = len(company.json("user", "list")["items"])
        answer = company.redeem(self.auth0(**guest))
        people = company.json("user", "list")["items"]
        gil = [one for one in people if one["name"] == "gil@guests.example"]
        checks.that("created: a guest, once", len(people) == before + 1 and gil and gil[0]["email_verified"], (answer, people))
        user = gil[0]["id"] if gil else ""
        checks.that("created: with a token, because policy says so", "access_token" in answer and claims_of(answer["access_token"])["sub"] == user, answer)
        self.is_accepted("the guest again", self.auth0(**guest), user)
        checks.that("created: nobody twice", len(company.json("user", "list")["items"]) == before + 1)
        self.is_refused("another guest of the same address", self.auth0(**{**guest, "sub": "auth0|guest2"}), "email_taken")
        code, out, err = company.writ("user", "disable", "gil@guests.example")
        checks.that("created: and disabled like anybody", code == 0, (code, out, err))
        self.is_refused("a guest who was disabled", self.auth0(**guest), "user_disabled")

    # ---- another Writ

    def exchange(self, world, id_token, resources, **more):
        pairs = [*EXCHANGE.items(), ("audience", self.ras), *(("resource", one) for one in resources), ("subject_token", id_token), *more.items(), ("client_id", "desk"), ("client_secret", AGENT_SECRET)]
        _, text = world.http("POST", f"{world.base}/idp/token", urlencode(pairs), {"Content-Type": "application/x-www-form-urlencoded"})
        return json.loads(text)

    def another_writ(self):
        checks, partner = self.checks, self.partner
        pat, quinn = partner.sign_in("pat"), partner.sign_in("quinn")
        issued = self.exchange(partner, pat, [self.notes])
        claims = claims_of(issued["access_token"])
        checks.that("another Writ: says whose tenant, account and address", claims["aud_tenant"] == "acme" and claims["aud_sub"] == "usr_alice" and claims["email_verified"] is True and claims["sub"] != "usr_pat", claims)
        token = self.is_accepted("of another Writ, by the account that it names", issued["access_token"], "usr_alice")
        checks.that("another Writ: its sessions are none of ours", claims_of(token).get("sid", "").startswith("sub_"), claims_of(token))   # a name of ours for what it says of her (signals.md)
        self.is_refused("of another Writ, an account that is not there", self.exchange(partner, quinn, [self.notes])["access_token"], "subject_unknown")
        both = self.exchange(partner, pat, [self.notes, f"{self.company.base}/mcp/wiki"])
        checks.that("several resources: all in the ID-JAG", claims_of(both["access_token"])["resource"] == [self.notes, f"{self.company.base}/mcp/wiki"] and both["scope"] == "use wiki", both)
        self.is_refused("several resources, none of them named", both["access_token"], "resource_ambiguous", "invalid_target")
        self.is_accepted("several resources, of which one is named", both["access_token"], "usr_alice", resource=self.notes)

    # ---- authorization details

    def details(self):
        checks, company, partner = self.checks, self.company, self.partner
        alice = company.sign_in("alice")
        read, remove = {"type": "note_access", "actions": ["read"]}, {"type": "note_access", "actions": ["read", "delete"]}
        for sentence, asked in [("an unknown type", [{"type": "x"}]), ("an unknown member", [{**read, "amount": 1}]), ("a member of the wrong type", [{"type": "note_access", "actions": "read"}]),
                                ("none at all", []), ("a location elsewhere", [{**read, "locations": [f"{company.base}/mcp/wiki"]}]), ("no list", read)]:
            answer = self.exchange(company, alice, [self.notes], authorization_details=json.dumps(asked))
            checks.that(f"details at the IdP: {sentence} is refused", answer.get("error") == "invalid_authorization_details", answer)
        answer = self.exchange(company, alice, [self.notes], authorization_details=json.dumps([read, remove]))
        checks.that("details at the IdP: policy takes some away, and the answer says which are left", answer.get("authorization_details") == [read] and claims_of(answer["access_token"])["authorization_details"] == [read], answer)
        redeemed = company.redeem(answer["access_token"])
        checks.that("details at the RAS: reflected in the answer and in the token", redeemed.get("authorization_details") == [read] and claims_of(redeemed["access_token"])["authorization_details"] == [read], redeemed)
        answer = self.exchange(company, alice, [self.notes], authorization_details=json.dumps([remove]))
        checks.that("details at the IdP: none left is a denial with its code", answer.get("error") == "access_denied" and answer.get("denial_code"), answer)
        pat = partner.sign_in("pat")
        foreign = self.exchange(partner, pat, [self.notes], authorization_details=json.dumps([read, remove]))
        checks.that("details of another Writ: its policy grants both", foreign.get("authorization_details") == [read, remove], foreign)
        redeemed = company.redeem(foreign["access_token"], authorization_details=json.dumps([read]))
        checks.that("details of another Writ: a request may narrow them", redeemed.get("authorization_details") == [read], redeemed)
        foreign = self.exchange(partner, pat, [self.notes], authorization_details=json.dumps([remove]))
        self.is_refused("a request that widens them", foreign["access_token"], "details_parameter_not_granted", "invalid_authorization_details",
                        authorization_details=json.dumps([{"type": "note_access", "actions": ["read", "delete", "share"]}]))
        redeemed = company.redeem(foreign["access_token"])
        checks.that("details of another Writ: our policy takes away what it does not grant", redeemed.get("authorization_details") == [] and "authorization_details" not in claims_of(redeemed["access_token"]), redeemed)
        self.is_refused("details that nobody understands here", self.okta(authorization_details=[{"type": "payment_initiation"}]), "details_not_understood", "invalid_authorization_details")
        types = ["https://types.example/export", "note_access"]
        for path in ("/.well-known/oauth-authorization-server/idp", "/.well-known/oauth-authorization-server/ras", "/.well-known/oauth-protected-resource/mcp/notes"):
            document = json.loads(company.http("GET", company.base + path)[1])
            checks.that(f"metadata names the types: {path}", sorted(document.get("authorization_details_types_supported", [])) == types, document)
        document = json.loads(company.http("GET", f"{company.base}/.well-known/oauth-authorization-server/idp")[1])
        checks.that("metadata: ID-JAGs can be asked for", document["identity_chaining_requested_token_types_supported"] == ["urn:ietf:params:oauth:token-type:id-jag"], document)
        document = company.http("GET", f"{company.base}/.well-known/oauth-authorization-server/ras")[1]
        checks.that("metadata: names the profile, and none of the issuers", "urn:ietf:params:oauth:grant-profile:id-jag" in document and self.issuers.base not in document and partner.base not in document, document)

    # ---- an issuer that is trusted no more

    def distrust(self):
        token = self.is_accepted("Okta-shaped, once more", self.okta(), "usr_alice")
        code, out, err = self.company.writ("issuer", "disable", self.issuers.issuer("okta"))
        self.checks.that("distrusted: the issuer is disabled", code == 0, (code, out, err))
        self.checks.that("distrusted: what it vouched for ends at once", self.company.status_of_call(token) == 401)
        self.is_refused("of an issuer that is disabled", self.okta(), "issuer_disabled")


def main(binaries):
    checks = Checks()
    issuers = Issuers(free_port())
    partner = Deployment(binaries, HERE / "partner", "roles: [idp]\n")
    company = Deployment(binaries, HERE / "deployment", "", ISSUERS=issuers.base, PARTNER=partner.base)
    partner.replace(COMPANY=company.base)
    try:
        company.start([sys.executable, "-B", str(HERE.parent / "policy_story" / "upstream.py"), str(company.upstream_port)])
        company.wait_for(company.upstream_port)
        company.serve()
        partner.serve()
        story = Story(checks, company, partner, issuers)
        for chapter in (story.trust, story.ceremony, story.created, story.another_writ, story.details, story.distrust):
            try:
                chapter()
            except (AssertionError, KeyError, IndexError, AttributeError) as failure:
                checks.that(f"{chapter.__name__}: goes through", False, repr(failure))
    finally:
        company.__exit__()
        partner.__exit__()
        issuers.close()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
