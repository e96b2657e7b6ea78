"""Acme's identity provider (A), Quill's resource authorization server and gateway (B), and the identity provider of Acme's rival (C), each a process with
a store of its own: A issues, B redeems, C is refused; what A takes away ends at B within a second, whoever was down when it happened.

    python3 trust_domains.py build/release/bin
"""
import http.client
import json
import socket
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "policy_story")]
from surroundings import Notes, Okta, serve  # noqa: E402
from world import AGENT_SECRET, Checks, World  # noqa: E402

QUILL_TOKEN, OTHER_TOKEN = "token-of-quill-for-this-test-only-01", "token-of-other-for-this-test-only-02"
LIMIT = 1.0
SESSION_REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"


class Deployment(World):
    def __init__(self, binaries, objects, more):
        super().__init__(binaries, objects)
        config = (self.folder / "writ.yaml").read_text()
        (self.folder / "writ.yaml").write_text(config + more)

    def fill(self, **words):
        for file in [*(self.folder / "deployment").rglob("*.yaml"), self.folder / "writ.yaml"]:
            text = file.read_text()
            for word, value in words.items():
                text = text.replace(word, value)
            file.write_text(text)

    def serve(self):
        self.start([str(self.binaries / "writ"), "serve", "-c", str(self.folder / "writ.yaml")])
        self.wait_for(self.port)

    def kill(self):
        """As a power cut would: nothing is said, nothing is finished."""
        server = self.started.pop()
        server.kill()
        server.wait(20)

    def records(self, **query):
        return self.admin("/admin/v1/audit?" + urlencode({"limit": 500, **query}))["items"]

    def ssf(self, method, path, body=None, token=QUILL_TOKEN):
        response, text = self.http(method, f"{self.base}/idp/ssf/{path}", json.dumps(body) if body is not None else None,
                                   {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
        return response.status, json.loads(text) if text else None


class Stream(threading.Thread):
    """A stream at B's gateway: when it last said something allowed, and when it ended."""

    def __init__(self, quill, token, method, body=None):
        super().__init__(daemon=True)
        self.begun, self.last_allowed, self.ended, self.status = threading.Event(), 0.0, 0.0, 0
        self.quill, self.token, self.method, self.body = quill, token, method, body
        self.start()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.quill.port, timeout=60)
        connection.request(self.method, "/mcp/notes", self.body, {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
                                                                  "MCP-Protocol-Version": "2025-11-25"})
        response = connection.getresponse()
        self.status = response.status
        try:
            while self.status == 200:
                line = response.readline()
                if not line:
                    break
                if b"allowed content" in line:
                    self.last_allowed = time.monotonic()
                    self.begun.set()
        except (OSError, http.client.HTTPException):
            pass
        self.ended = time.monotonic()


def wait_until(holds, seconds=10):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return holds()


class Story:
    def __init__(self, checks, acme, quill, rival, okta):
        self.checks, self.acme, self.quill, self.rival, self.okta = checks, acme, quill, rival, okta

    def id_jag(self, company, user):
        answer = company.token_request("idp", grant_type="urn:ietf:params:oauth:grant-type:token-exchange", requested_token_type="urn:ietf:params:oauth:token-type:id-jag",
                                       audience=f"{self.quill.base}/ras", resource=f"{self.quill.base}/mcp/notes", subject_token=company.signed_in[user],
                                       subject_token_type="urn:ietf:params:oauth:token-type:id_token")
        return answer.get("access_token"), answer

    def redeem(self, id_jag):
        return self.quill.token_request("ras", client_id="desk-at-quill", grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=id_jag)

    def token(self, user):
        """As a client does: an ID-JAG of this second may be older than an event of this second, so a refusal is followed by another one."""
        for _ in range(5):
            id_jag, answer = self.id_jag(self.acme, user)
            redeemed = self.redeem(id_jag) if id_jag else answer
            if "access_token" in redeemed:
                return redeemed["access_token"]
            time.sleep(0.5)
        raise AssertionError(f"no access token: {redeemed}")

    def allowed(self, token):
        response, text = self.quill.http("POST", f"{self.quill.base}/mcp/notes", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_note", "arguments": {}}}),
                                         {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"})
        return response.status == 200 and '"done"' in text

    def push(self, token, content_type="application/secevent+jwt"):
        response, text = self.quill.http("POST", f"{self.quill.base}/ras/ssf/events", token, {"Content-Type": content_type})
        return response.status, json.loads(text).get("err") if text else ""

    def last(self, **query):
        return (self.quill.records(event="signal", **query) or [{}])[0]

    def stream_of_quill(self):
        return next((one for one in json.loads(self.acme.writ("signals", "list", "--json")[1])["streams"] if one["audience"] == f"{self.quill.base}/ras"), None)

    # ---- the three of them

    def trust(self):
        check = self.checks.that
        id_jag, answer = self.id_jag(self.acme, "alice")
        check("A issues an ID-JAG for B", id_jag is not None, answer)
        redeemed = self.redeem(id_jag)
        check("B redeems it", "access_token" in redeemed, redeemed)
        self.quill.message(redeemed["access_token"], "tools/list", {})
        check("B's gateway allows a call", self.allowed(redeemed["access_token"]))
        id_jag, answer = self.id_jag(self.rival, "alice")
        check("C issues one, too: it knows B", id_jag is not None, answer)
        refused = self.redeem(id_jag)
        check("B refuses C's ID-JAG", refused.get("error") == "invalid_grant", refused)
        record = self.quill.records(event="access_token", effect="deny")[0]
        check("for its reason, on record", record["reason"] == "issuer_not_trusted" and record["issuer"] == f"{self.rival.base}/idp", record)

    def set_up(self):
        check = self.checks.that
        check("B has made itself a stream at A", wait_until(lambda: self.stream_of_quill() is not None), self.quill.writ("signals", "list"))
        stream = self.stream_of_quill()
        check("by push, to B's endpoint", stream["delivery"] == "push" and stream["endpoint_url"] == f"{self.quill.base}/ras/ssf/events" and stream["status"] == "enabled", stream)
        check("and had it verified: A's event carried B's state", wait_until(lambda: self.last().get("reason") == "stream_verified"), self.quill.records(event="signal"))
        _, document = self.acme.http("GET", f"{self.acme.base}/.well-known/ssf-configuration/idp")
        document = json.loads(document)
        check("A publishes what it is", document["issuer"] == f"{self.acme.base}/idp" and document["spec_version"] == "1_0" and document["default_subjects"] == "ALL", document)
        _, metadata = self.quill.http("GET", f"{self.quill.base}/.well-known/oauth-authorization-server/ras")
        check("B publishes its global token revocation", json.loads(metadata).get("global_token_revocation_endpoint") == f"{self.quill.base}/ras/global-token-revocation", metadata)
        check("who has no token of A's gets nothing", self.acme.ssf("GET", "streams", token="somebody-elses-token-01")[0] == 401)
        subscriptions = json.loads(self.quill.writ("signals", "list", "--json")[1])["subscriptions"]
        check("B shows where its events come from", len(subscriptions) == 1 and subscriptions[0]["issuer"] == f"{self.acme.base}/idp" and "last_problem" not in subscriptions[0], subscriptions)

    # ---- taken away at A, ended at B

    def disable(self, company, user):
        """When it was begun, and when it was acknowledged."""
        begun = time.monotonic()
        code, out, err = company.writ("user", "disable", user)
        if code != 0:
            raise AssertionError(f"cannot disable {user}: {out}{err}")
        return begun, time.monotonic()

    def live(self):
        check = self.checks.that
        alice, bob = self.token("alice"), self.token("bob")
        streams = [Stream(self.quill, alice, "GET"), Stream(self.quill, alice, "POST", json.dumps({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {"name": "watch", "arguments": {}}}))]
        other = Stream(self.quill, bob, "GET")
        check("alice's streams at B live", all(stream.begun.wait(10) for stream in [*streams, other]), [stream.status for stream in streams])
        stale, _ = self.id_jag(self.acme, "alice")
        begun, acknowledged = self.disable(self.acme, "alice")
        calls_end = None
        until = time.monotonic() + 5
        while time.monotonic() < until:
            if not self.allowed(alice):
                calls_end = time.monotonic()
                break
        for stream in streams:
            stream.join(5)
        took = {"calls": (calls_end or 99) - acknowledged, **{f"{stream.method} stream": (stream.ended or 99) - acknowledged for stream in streams}}
        print("      from the acknowledged change at A: " + ", ".join(f"{name} {max(0.0, seconds):.3f} s" for name, seconds in took.items()) + f"; the command itself {acknowledged - begun:.3f} s")
        check("alice is disabled at A: her token ends at B within a second", took["calls"] <= LIMIT, took)
        check("and her live streams", all(seconds <= LIMIT for seconds in took.values()), took)
        check("nothing allowed comes later", all(stream.last_allowed - acknowledged <= LIMIT for stream in streams))
        record = self.last(user="usr_g_alice")
        check("B has it on record", record.get("reason") == "access_ended" and record["effect"] == "allow" and record["issuer"] == f"{self.acme.base}/idp", record)
        refused = self.redeem(stale)
        check("an ID-JAG of before is refused", refused.get("error") == "invalid_grant" and self.quill.records(event="access_token", effect="deny")[0]["reason"] == "issued_before_event", refused)
        id_jag, answer = self.id_jag(self.acme, "alice")
        check("A issues no other", id_jag is None, answer)
        check("bob goes on", self.allowed(bob) and not other.ended)
        delivered = self.acme.records(event="signal", user="usr_alice")
        check("A has on record that it was delivered", any(one.get("reason") == "delivered" for one in delivered), delivered)
        return other

    def session(self, other):
        check = self.checks.that
        token = self.token("bob")
        sessions = self.acme.admin("/admin/v1/sessions?user=bob")["items"]
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.acme.folder / "admin.sock"))
        connection.request("DELETE", f"/admin/v1/sessions/{sessions[0]['sid']}")
        connection.getresponse().read()
        acknowledged = time.monotonic()
        ended = wait_until(lambda: not self.allowed(token), 5)
        took = time.monotonic() - acknowledged
        other.join(5)
        print(f"      from the acknowledged end of the session at A: {took:.3f} s")
        check("an administrator at A ends bob's session: what it gave at B ends within a second", ended and took <= LIMIT and other.ended - acknowledged <= LIMIT, (took, other.ended - acknowledged))
        time.sleep(1.1)   # the next sign-in is later than the event, to the second
        self.acme.signed_in["bob"] = self.acme.sign_in("bob")
        check("who signs in again goes on", self.allowed(self.token("bob")))

    # ---- what does nothing

    def nothing(self):
        check = self.checks.that
        stream = self.stream_of_quill()
        # B's own token shows what A would send: the same stream, polled for a moment.
        status, _ = self.acme.ssf("PATCH", "streams", {"stream_id": stream["id"], "delivery": {"method": "urn:ietf:rfc:8936"}})
        check("a receiver may change its delivery", status == 200)
        self.rival.ssf("POST", "streams", {})
        self.acme.ssf("POST", "streams", {}, OTHER_TOKEN)
        self.disable(self.rival, "carol")
        self.disable(self.acme, "carol")
        _, polled = self.acme.ssf("POST", f"poll/{stream['id']}", {"returnImmediately": True})
        genuine = [text for text in polled["sets"].values()]
        _, other = self.acme.ssf("GET", "streams", token=OTHER_TOKEN)
        _, polled = self.acme.ssf("POST", f"poll/{other[0]['stream_id']}", {"returnImmediately": True}, OTHER_TOKEN)
        for_others = list(polled["sets"].values())
        _, theirs = self.rival.ssf("GET", "streams")
        _, polled = self.rival.ssf("POST", f"poll/{theirs[0]['stream_id']}", {"returnImmediately": True})
        of_rival = list(polled["sets"].values())
        check("A, for another receiver, and C have events to steal", genuine and for_others and of_rival, (genuine, for_others, of_rival))
        bob = self.token("bob")
        token = genuine[0]
        header, payload, signature = token.split(".")
        swapped = "A" if signature[20] != "A" else "B"
        rows = [("forged: another signature", f"{header}.{payload}.{signature[:20]}{swapped}{signature[21:]}", "authentication_failed", "set_bad_signature"),
                ("forged: another payload", f"{header}.{genuine[-1].split('.')[1] if len(genuine) > 1 else payload[::-1]}.{signature}", None, None),
                ("foreign: of C, which B does not trust", of_rival[0], "invalid_issuer", "set_issuer_not_trusted"),
                ("foreign: of A for another receiver", for_others[0], "invalid_audience", "set_wrong_audience"),
                ("an ID-JAG of A", self.id_jag(self.acme, "bob")[0], "invalid_request", "set_wrong_type"),
                ("nothing", "", "invalid_request", "set_malformed")]
        for what, text, code, reason in rows:
            status, error = self.push(text)
            record = self.last()
            check(what + ": refused", status == 400 and (code is None or error == code) and (reason is None or record["reason"] == reason) and record["effect"] == "deny", (status, error, record))
        check("as a form: refused", self.push(token, "application/x-www-form-urlencoded")[0] == 400)
        check("none of it did anything", self.allowed(bob))
        first = [self.push(text)[0] for text in genuine]
        check("the genuine ones, brought by anybody, are obeyed", first == [202] * len(genuine) and self.last(user="usr_g_carol").get("reason") == "access_ended", first)
        records = len(self.quill.records(event="signal", user="usr_g_carol"))
        again = [self.push(text)[0] for text in genuine for _ in range(3)]
        check("replayed they are acknowledged and do nothing", set(again) == {202} and self.last()["reason"] == "set_seen_before" and len(self.quill.records(event="signal", user="usr_g_carol")) == records, again)
        check("bob still goes on", self.allowed(bob))
        status, _ = self.acme.ssf("PATCH", "streams", {"stream_id": stream["id"], "delivery": {"method": "urn:ietf:rfc:8935", "endpoint_url": f"{self.quill.base}/ras/ssf/events"}})
        check("pushed again, what waited arrives, and was there already", status == 200 and wait_until(lambda: self.stream_of_quill()["waiting"] == 0), self.stream_of_quill())

    def held(self):
        """A6: a receiver cannot undo what an administrator did."""
        check = self.checks.that
        stream = self.stream_of_quill()
        code, out, err = self.acme.writ("signals", "disable", stream["id"], "--reason", "incident 7")
        check("an administrator at A disables the stream", code == 0, out + err)
        status, body = self.acme.ssf("POST", "status", {"stream_id": stream["id"], "status": "enabled"})
        check("B's token cannot enable it", status == 403 and self.stream_of_quill()["status"] == "disabled", body)
        check("nor make another", self.acme.ssf("DELETE", f"streams?stream_id={stream['id']}")[0] == 403 and self.acme.ssf("POST", "streams", {})[0] == 409)
        check("B hears of it", wait_until(lambda: self.last().get("reason") == "stream_is_disabled"), self.last())
        code, out, err = self.acme.writ("signals", "enable", stream["id"])
        check("the administrator enables it", code == 0 and self.stream_of_quill()["status"] == "enabled", out + err)

    # ---- whoever was down

    def down(self):
        check = self.checks.that
        bob = self.token("bob")
        self.quill.kill()
        self.disable(self.acme, "bob")
        check("B is down while A disables bob: A keeps the event", wait_until(lambda: self.stream_of_quill()["failures"] > 0, 10) and self.stream_of_quill()["waiting"] >= 1, self.stream_of_quill())
        self.acme.kill()
        self.acme.serve()
        check("also when A is killed", self.stream_of_quill()["waiting"] >= 1, self.stream_of_quill())
        self.quill.serve()
        begun = time.monotonic()
        ended = wait_until(lambda: not self.allowed(bob), 20)
        check("B is back: bob's token of before, which has minutes to live, ends", ended, self.quill.records(event="signal"))
        print(f"      {time.monotonic() - begun:.1f} s after B answers again")
        check("delivered, and nothing waits", wait_until(lambda: self.stream_of_quill()["waiting"] == 0), self.stream_of_quill())
        check("on record", self.last(user="usr_g_bob").get("reason") == "access_ended", self.last())

    # ---- ordered by a provider of another make

    def ordered(self):
        check = self.checks.that
        now = int(time.time())
        numbers = iter(range(1000))
        base = {"iss": self.okta.base, "sub": "00u-alice", "aud": f"{self.quill.base}/ras", "client_id": "desk-at-quill", "resource": f"{self.quill.base}/mcp/notes", "scope": "use"}
        id_jag = lambda **more: self.okta.sign("oauth-id-jag+jwt", {**base, "iat": int(time.time()), "exp": int(time.time()) + 300, "jti": f"j-{next(numbers)}", "auth_time": now - 60, **more})
        redeemed = self.redeem(id_jag())
        check("another provider's ID-JAG is redeemed", "access_token" in redeemed, redeemed)
        token = redeemed["access_token"]
        check("and gives access", self.allowed(token))
        url = f"{self.quill.base}/ras/global-token-revocation"
        claims = {"iss": self.okta.base, "sub": "okta", "aud": url, "iat": now, "exp": now + 300, "jti": "g-1"}
        order = lambda claims, body, type_="global-token-revocation+jwt": self.quill.http("POST", url, json.dumps(body), {"Authorization": f"Bearer {self.okta.sign(type_, claims)}", "Content-Type": "application/json"})[0].status
        named = {"sub_id": {"format": "iss_sub", "iss": self.okta.base, "sub": "00u-alice"}}
        check("a revocation for another URL is refused", order({**claims, "aud": f"{self.quill.base}/ras"}, named) == 401)
        check("of somebody unknown", order({**claims, "jti": "g-2"}, {"sub_id": {**named["sub_id"], "sub": "00u-nobody"}}) == 404)
        check("of another issuer's person", order({**claims, "jti": "g-3"}, {"sub_id": {"format": "iss_sub", "iss": f"{self.acme.base}/idp", "sub": "carol@acme.example"}}) == 404)
        check("none of it did anything", self.allowed(token))
        check("global token revocation is obeyed", order(claims, named) == 204)
        check("at once", not self.allowed(token))
        check("and once", order(claims, named) == 401)
        time.sleep(1.1)
        check("a fresh ID-JAG of the old sign-in is refused", self.redeem(id_jag()).get("error") == "invalid_grant" and self.quill.records(event="access_token", effect="deny")[0]["reason"] == "signed_in_before_revocation")
        check("one of a new sign-in is not", "access_token" in self.redeem(id_jag(auth_time=int(time.time()))))
        token = self.redeem(id_jag(auth_time=int(time.time())))["access_token"]
        event = {"iss": self.okta.base, "aud": f"{self.quill.base}/ras", "iat": int(time.time()), "jti": "s-1", "sub_id": named["sub_id"], "events": {SESSION_REVOKED: {"event_timestamp": int(time.time()), "reason_admin": {"en": "lost"}}}}
        check("its events are obeyed, too", self.push(self.okta.sign("secevent+jwt", event)) == (202, "") and not self.allowed(token))


def main(binaries):
    checks = Checks()
    notes, near = serve(Notes)
    acme = Deployment(binaries, HERE / "acme", "roles: [idp]\nsignals: {transmit: true}\n")
    rival = Deployment(binaries, HERE / "rival", "roles: [idp]\nsignals: {transmit: true}\n")
    quill = Deployment(binaries, HERE / "quill", "roles: [resource_as, gateway]\nsignals: {receive: [{issuer: \"ACME/idp\", token_file: acme.token}]}\n")
    try:
        okta = Okta(quill.folder)
        words = {"ACME": acme.base, "QUILL_TOKEN": QUILL_TOKEN, "OTHER_TOKEN": OTHER_TOKEN, "QUILL": quill.base, "OKTA": okta.base, "NEAR": near, "AGENT_SECRET": AGENT_SECRET}
        for deployment in (acme, rival, quill):
            deployment.fill(**words)
        (quill.folder / "acme.token").write_text(QUILL_TOKEN)
        (quill.folder / "acme.token").chmod(0o600)
        for deployment in (acme, rival, quill):
            deployment.serve()
        acme.signed_in = {user: acme.sign_in(user) for user in ("alice", "bob")}
        rival.signed_in = {"alice": rival.sign_in("alice")}
        story = Story(checks, acme, quill, rival, okta)
        story.trust()
        story.set_up()
        other = story.live()
        story.session(other)
        story.nothing()
        story.held()
        story.ordered()
        story.down()
    finally:
        for deployment in (acme, rival, quill):
            deployment.__exit__()
        notes.shutdown()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
