"""G4 to G7, G9, G10, G12, G13, G14 (a token that ends), G20 and G21: what callers may not do, over raw sockets against a server that keeps what it gets.

    python3 caller_threats.py build/release/bin
"""
import base64
import json
import threading
import time

from scene import Scene, run
from wire import MODERN, META, Events, Wire, ask, call, decision, get, modern, post


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def with_head(token, **members):
    head, payload, signature = token.split(".")
    return f"{b64(json.dumps({**json.loads(base64.urlsafe_b64decode(head + '==')), **members}).encode())}.{payload}.{signature}"


def without_signature(token):
    _, payload, _ = with_head(token).split(".")
    return f"{b64(json.dumps({'alg': 'none', 'typ': 'at+jwt'}).encode())}.{payload}."


def tokens(scene, token, checks):
    """G4: the table. `None` as token: the field stands in `fields`."""
    head, payload, signature = token.split(".")
    id_jag = scene.token_request("idp", grant_type="urn:ietf:params:oauth:grant-type:token-exchange", requested_token_type="urn:ietf:params:oauth:token-type:id-jag",
                                 audience=f"{scene.base}/ras", resource=f"{scene.base}/mcp/notes", subject_token=scene.id_tokens["alice"],
                                 subject_token_type="urn:ietf:params:oauth:token-type:id_token")["access_token"]
    raised = b64(json.dumps({**json.loads(base64.urlsafe_b64decode(payload + "==")), "sub": "usr_somebody"}).encode())
    bearer = f"Authorization: Bearer {token}"
    for name, given, fields, wanted in [
        ("missing", None, [], 401), ("in a cookie", None, [f"Cookie: access_token={token}"], 401), ("in a field of its own", None, [f"X-Access-Token: {token}"], 401),
        ("twice", None, [bearer, bearer], 400), ("beside another", None, [bearer, "Authorization: Basic YTpi"], 400), ("two in one field", None, [f"{bearer}, Bearer {token}"], 401),
        ("as if it were bound to a key", None, [f"Authorization: DPoP {token}"], 401), ("with another scheme", None, [f"Authorization: Token {token}"], 401), ("without a scheme", None, [f"Authorization: {token}"], 401), ("empty", None, ["Authorization: Bearer "], 401),
        ("with something behind", None, [f"{bearer} x"], 401), ("for another server", scene.token("alice", "wiki"), [], 401), ("that is an ID token", scene.id_tokens["alice"], [], 401),
        ("that is an ID-JAG", id_jag, [], 401), ("with a flipped signature", f"{head}.{payload}.{signature[:10]}{'A' if signature[10] != 'A' else 'B'}{signature[11:]}", [], 401),
        ("with another payload", f"{head}.{raised}.{signature}", [], 401), ("without signature", without_signature(token), [], 401), ("with its signature cut", f"{head}.{payload}.", [], 401),
        ("of another type", with_head(token, typ="JWT"), [], 401), ("with another key id", with_head(token, kid="x"), [], 401), ("with a key inside", with_head(token, jwk={"kty": "oct", "k": "AA"}), [], 401),
        ("symmetric", with_head(token, alg="HS256"), [], 401), ("that is no token", "abc", [], 401), ("of 64 KB", "a" * 8000, [], 401),
    ]:
        marker = f"of-G4-{name}"
        answer = ask(scene, post(scene, given, call("get_note", {"note": marker}), fields=fields))
        challenge = answer.field("www-authenticate") or ""
        holds = answer.status == wanted and (wanted != 401 or (challenge.startswith("DPoP " if name == "as if it were bound to a key" else "Bearer ") and "resource_metadata=" in challenge)) and not scene.upstream.has_seen(marker)
        checks.that(f"G4 token {name}: {wanted}, and the server is not called", holds, answer)
    in_query = post(scene, None, call("get_note", {"note": "of-G4-query"})).replace(b"/mcp/notes ", f"/mcp/notes?access_token={token} ".encode())
    answer = ask(scene, in_query)
    checks.that("G4 token in the query: 401, and the server is not called", answer.status == 401 and not scene.upstream.has_seen("of-G4-query"), answer)


def passthrough(scene, token, checks):
    """G5, G10: what of the client's own head could reach the server."""
    before = len(scene.upstream.seen)
    spoofed = ["X-Forwarded-For: spoofed", "Forwarded: for=spoofed", "X-Forwarded-User: spoofed", "X-Remote-User: spoofed", "X-Real-IP: spoofed", "X-Auth-Request-Email: spoofed", "X-Writ-User: spoofed",
               "X-Amzn-Oidc-Identity: spoofed", "Cf-Access-Jwt-Assertion: spoofed", "Proxy-Authorization: Basic spoofed", "X-Original-URL: /spoofed", "X-Http-Method-Override: spoofed", "Via: 1.1 spoofed"]
    fields = [*spoofed, f"Cookie: token={token}", f"X-Token: {token}", "Connection: keep-alive, Authorization, Mcp-Session-Id, X-Forwarded-User", "Mcp-Param-X: spoofed"]
    with_query = post(scene, token, call("get_note"), fields=fields).replace(b"/mcp/notes ", f"/mcp/notes?token={token} ".encode())
    for request in [post(scene, token, call("get_note"), fields=fields), with_query, modern(scene, token, "tools/call", {"name": "get_note", "arguments": {"note": "x"}},
                    fields=["Mcp-Method: tools/call", "Mcp-Name: get_note", *fields[:-1]]), get(scene, token, fields=fields)]:
        with Wire(scene.port) as wire:
            wire.send(request)
            wire.head()
    seen = scene.upstream.seen[before:]
    checks.that("G5 requests of all kinds reach the server", len(seen) >= 3, len(seen))
    parts = token.split(".")
    checks.that("G5 no part of the client's token reaches the server", not any(part.encode() in request.raw for request in scene.upstream.seen for part in (parts[1], parts[2])))
    checks.that("G5 no Authorization, no cookie", not any(name in request.fields for request in scene.upstream.seen for name in ("authorization", "cookie", "proxy-authorization")))
    checks.that("G10 no identity of the client's own reaches the server", not any(b"spoofed" in request.raw.lower() for request in seen), [request.raw[:600] for request in seen if b"spoofed" in request.raw.lower()][:1])
    checks.that("G10 what `Connection` names is not stripped from what we send", all("host" in request.fields and "accept" in request.fields for request in seen))


def mirrored(scene, token, checks):
    """G6: header and body of a modern request."""
    arguments = {"name": "delete_note", "arguments": {"note": "of-G6"}}
    honest = {"name": "get_note", "arguments": {"note": "of-G6"}}
    for name, params, fields in [
        ("name allowed in the header, denied in the body", arguments, ["Mcp-Method: tools/call", "Mcp-Name: get_note"]), ("another method in the header", arguments, ["Mcp-Method: tools/list", "Mcp-Name: delete_note"]),
        ("no method in the header", honest, ["Mcp-Name: get_note"]), ("no name in the header", honest, ["Mcp-Method: tools/call"]), ("two names", honest, ["Mcp-Method: tools/call", "Mcp-Name: get_note", "Mcp-Name: delete_note"]),
        ("name in other case", honest, ["Mcp-Method: tools/call", "Mcp-Name: Get_Note"]),
    ]:
        answer = ask(scene, modern(scene, token, "tools/call", params, fields=fields))
        code = answer.json().get("error", {}).get("code") if answer.status == 400 else None
        checks.that(f"G6 {name}: 400, -32020", code == -32020 and not scene.upstream.has_seen("of-G6"), answer)
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {**honest, "_meta": {**META, "io.modelcontextprotocol/protocolVersion": "2025-11-25"}}}
    answer = ask(scene, post(scene, token, body, version=MODERN, fields=["Mcp-Method: tools/call", "Mcp-Name: get_note"]))
    checks.that("G6 another version in the body: 400", answer.status == 400 and not scene.upstream.has_seen("of-G6"), answer)


def differentials(scene, token, checks):
    """G7: bodies that two parsers read differently. get_note is allowed, delete_note is not."""
    good = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_note","arguments":{"note":"x"}}}'
    bad = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_note","arguments":{"note":"of-G7"}}}'
    a = '"arguments":{"note":"of-G7"}'
    for name, body in [
        ("name twice", '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_note","name":"delete_note",%s}}' % a),
        ("name twice, the other way round", '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_note","name":"get_note",%s}}' % a),
        ("name twice, once escaped", '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_note","n\\u0061me":"delete_note",%s}}' % a),
        ("name in another case behind it", '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_note","Name":"delete_note",%s}}' % a),
        ("name in another case before it", '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"NAME":"delete_note","name":"get_note",%s}}' % a),
        ("params twice", '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_note"},"params":{"name":"delete_note",%s}}' % a),
        ("params in another case", '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_note","arguments":{"note":"x"}},"Params":{"name":"delete_note",%s}}' % a),
        ("method twice", '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"delete_note",%s}}' % a),
        ("method in another case", '{"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"tools/call","params":{"name":"delete_note",%s}}' % a),
        ("an argument twice", '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_note","arguments":{"note":"x","note":"of-G7"}}}'),
        ("a batch", f"[{good},{bad}]"), ("a batch of one", f"[{bad}]"), ("two messages", good + bad), ("two lines", good + "\n" + bad), ("trailing bytes", good + "of-G7"), ("a trailing NUL", good + "\x00" + bad),
        ("a byte order mark", "\ufeff" + bad), ("a comment", good[:-1] + "/*of-G7*/}"), ("a trailing comma", good[:-1] + ",}"), ("NaN", good.replace('"x"', "NaN")), ("a lone surrogate", good.replace('"x"', '"\\ud800"')),
        ("single quotes", bad.replace('"', "'")), ("another version", bad.replace('"2.0"', "2.0")), ("60 levels too deep", good.replace('"x"', "[" * 120 + "]" * 120)),
    ]:
        answer = ask(scene, post(scene, token, body))
        is_judged = answer.status in (400, 413) or (answer.status == 200 and (decision(answer) or {}).get("effect") == "deny")
        denied = [request for request in scene.upstream.seen if b"of-G7" in request.raw or b"delete_note" in request.raw]
        checks.that(f"G7 {name}: refused, and the server sees nothing of it", is_judged and not denied, (answer, [request.raw[-300:] for request in denied]))
        scene.upstream.seen = [request for request in scene.upstream.seen if request not in denied]
    ask(scene, post(scene, token, ' { "jsonrpc" : "2.0" , "id":1, "method":"tools\\/call", "params":{"name":"get\\u005fnote", "arguments":{"note":"rewritten\\u0020here"}}} '))
    seen = [request for request in scene.upstream.calls() if b"rewritten here" in request.body]
    checks.that("G7 what goes on is written from what was parsed", len(seen) == 1 and b"\\u" not in seen[0].body and b'"get_note"' in seen[0].body, [request.body for request in seen])


def names(scene, token, checks):
    """G9: 16 names that are nearly `get_note`."""
    look_alikes = ["Get_note", "GET_NOTE", "get_note ", " get_note", "get_note\u0000", "get_note\u200b", "g\u0435t_note", "get_note\n", "\uff47et_note", "get_note\u0301", "get%5Fnote", "get-note", "get_not", "notes/get_note",
                   "get_note/../delete_note", "get_note\u202e"]
    before = len(scene.upstream.calls())
    for name in look_alikes:
        answer = ask(scene, post(scene, token, call(name)))
        denial = decision(answer) or {}
        holds = denial.get("effect") == "deny" and denial.get("kind") == "no_permit" and answer.json()["result"]["isError"] is True
        checks.that(f"G9 {name!r}: denied as what does not exist", holds and len(scene.upstream.calls()) == before, answer)
    for name, value in [("a number", 5), ("a list", ["get_note"]), ("an object", {"x": "get_note"}), ("null", None), ("nothing", "")]:
        answer = ask(scene, post(scene, token, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": value, "arguments": {}}}))
        message = answer.json()
        holds = message.get("error", {}).get("code") == -32602 or (decision(message) or {}).get("effect") == "deny"
        checks.that(f"G9 {name} for a name: refused", holds and len(scene.upstream.calls()) == before, answer)


INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}


def sessions(scene, alice, bob, checks):
    """G12, G13."""
    session = ask(scene, post(scene, alice, INITIALIZE, version=None)).field("mcp-session-id")
    other = ask(scene, post(scene, bob, INITIALIZE, version=None)).field("mcp-session-id")
    checks.that("G12 each principal has a session of our own making", session and other and session != other and not session.startswith("up-"), (session, other))
    before = len(scene.upstream.seen)
    for name, request in [
        ("a call on somebody else's session", post(scene, bob, call("get_note"), session=session)), ("a list", post(scene, bob, {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}, session=session)),
        ("its stream", get(scene, bob, session=session)), ("resuming its stream", get(scene, bob, session=session, last_event_id="1")),
        ("its end", post(scene, bob, "", session=session).replace(b"POST", b"DELETE").replace(b"Content-Length: 0\r\n", b"")), ("a session that nobody has", post(scene, bob, call("get_note"), session="made-up")),
        ("the session at another server", post(scene, scene.token("alice", "wiki"), call("get_note"), server="wiki", session=session)), ("the server's own id", post(scene, alice, call("get_note"), session="up-1")),
    ]:
        answer = ask(scene, request)
        checks.that(f"G12 {name}: 404, and the server sees nothing", answer.status == 404 and len(scene.upstream.seen) == before, answer)
    two = ask(scene, post(scene, alice, call("get_note"), session=session, fields=[f"Mcp-Session-Id: {session}"]))
    checks.that("G12 two session ids: 400", two.status == 400 and len(scene.upstream.seen) == before, two)
    scene.upstream.seen.clear()
    for number in range(20):   # alternating on the same client connections, so that every loop's pool is asked for both
        for token, whose in ((alice, session), (bob, other)):
            ask(scene, post(scene, token, call("get_note", {"note": "alice" if whose == session else "bob"}, number + 10), session=whose))
    of = {name: [request for request in scene.upstream.calls() if name in str(request.message["params"]["arguments"])] for name in ("alice", "bob")}
    connections = {name: {request.connection for request in requests} for name, requests in of.items()}
    upstream_sessions = {name: {request.fields.get("mcp-session-id") for request in requests} for name, requests in of.items()}
    checks.that("G12 the owner's session works all the while", len(of["alice"]) == len(of["bob"]) == 20, {name: len(requests) for name, requests in of.items()})
    checks.that("G13 connections to the server are kept", len(connections["alice"] | connections["bob"]) < 20, connections)
    checks.that("G13 no connection carries two principals", not connections["alice"] & connections["bob"], connections)
    checks.that("G13 each principal has one session at the server", all(len(ids) == 1 for ids in upstream_sessions.values()) and upstream_sessions["alice"] != upstream_sessions["bob"], upstream_sessions)
    both = {name: ask(scene, post(scene, token, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, session=whose)).status for name, token, whose in (("crossed", bob, session), ("own", bob, other))}
    checks.that("G13 a session goes with its principal alone", both == {"crossed": 404, "own": 200}, both)


def arguments(scene, token, checks):
    """G20, G21: a policy forbids `both` where its argument `note` is "secret"."""
    def judged(name, given, wanted):
        answer = ask(scene, post(scene, token, call("both", given)))
        error = answer.json().get("error", {})
        denial = None if error else decision(answer)
        seen = "invalid" if error.get("code") == -32602 else denial["kind"] if denial else "called"
        checks.that(f"{name}: {wanted}", seen == wanted, answer)

    judged("G20 the rule's own value", {"note": "secret"}, "forbidden")
    judged("G20 another value", {"note": "open"}, "called")
    judged("G20 a value of 2 MB", {"note": "s" * (2 << 20)}, "arguments_not_decidable")
    judged("G20 a value that begins as the rule's does, of 70 KB", {"note": "secret" + " " * 70_000}, "arguments_not_decidable")
    for name, value in [("a list", ["secret"]), ("an object", {"x": "secret"}), ("a number", 5), ("null", None)]:
        judged(f"G20 {name} where the schema wants a text", {"note": value}, "invalid")
    judged("G20 20,000 members beside it", {"note": "open", **{f"m{i}": i for i in range(20_000)}}, "arguments_not_decidable")
    for name, given in [
        ("an entity for the value", {"note": {"__entity": {"type": "Writ::User", "id": "alice"}}}), ("an extension for the value", {"note": {"__extn": {"fn": "ip", "arg": "10.0.0.1"}}}),
        ("an expression for the value", {"note": {"__expr": "principal"}}),
    ]:
        judged(f"G21 {name}", given, "invalid")
    for name, given in [
        ("an entity beside the value", {"note": "open", "__entity": {"type": "Writ::User", "id": "alice"}}), ("an extension beside the value", {"note": "open", "__extn": {"fn": "ip", "arg": "10.0.0.1"}}),
        ("a float", {"note": "open", "x": 0.5}), ("null", {"note": "open", "x": None}), ("a list of mixed kinds", {"note": "open", "x": [1, "a"]}),
        ("a member that the schema does not know", {"note": "open", "extra": True}),
    ]:
        judged(f"G21 {name}, where a policy reads arguments", given, "arguments_not_decidable")
    answer = ask(scene, post(scene, token, call("both", {"note": "open", "x": 2**70})))
    checks.that("G21 an integer beyond 64 bits: 400", answer.status == 400, answer)
    checks.that("G20, G21 the server got what was allowed and nothing else", [request.message["params"]["arguments"] for request in scene.upstream.calls("both")] == [{"note": "open"}],
                [str(request.message["params"]["arguments"])[:100] for request in scene.upstream.calls("both")])
    # get_note has no policy that reads arguments: escapes go on as the ordinary members that they are.
    escapes = {"note": "plain", "__entity": {"type": "Writ::User", "id": "alice"}, "x": None}
    ask(scene, post(scene, token, call("get_note", escapes)))
    checks.that("G21 where no policy reads them, escapes are ordinary members", any(request.message["params"]["arguments"] == escapes for request in scene.upstream.calls("get_note")))


class ShortTokens:
    """G14, G4: a deployment whose tokens live 30 s, with one that is used to its end."""

    def __init__(self, binaries):
        self.scene = Scene(binaries, "clock_skew: 0s\nresource_as: {access_token_lifetime: 30s}\n")
        self.ended, self.streams = {}, {}

    def __enter__(self):
        self.scene.__enter__()
        try:
            self.open()
        except BaseException:
            self.scene.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.scene.__exit__()

    def open(self):
        self.token = self.scene.token("alice")
        payload = self.token.split(".")[1]
        self.expires = json.loads(base64.urlsafe_b64decode(payload + "=="))["exp"]
        for name, request in (("GET stream", get(self.scene, self.token)), ("subscription", modern(self.scene, self.token, "subscriptions/listen", {"notifications": {"toolsListChanged": True}}))):
            wire = Wire(self.scene.port, seconds=45)
            wire.send(request)
            self.streams[name] = Events(wire)
            threading.Thread(target=self.follow, args=(name, self.streams[name]), daemon=True).start()

    def follow(self, name, events):
        last = None
        while (message := events.message()) is not None:
            last = message
        self.ended[name] = (time.time(), last)

    def check(self, checks):
        wait = self.expires + 2 - time.time()
        checks.that("G14 streams stand while their token lives", not self.ended and wait < 32, (self.ended, wait))
        time.sleep(max(0, wait))
        for name in self.streams:
            at, last = self.ended.get(name, (0, None))
            checks.that(f"G14 the {name} ends with its token", self.expires - 0.1 <= at <= self.expires + 1.2, (at - self.expires, last))
        checks.that("G14 the end of the subscription is said by its result", (self.ended.get("subscription", (0, {}))[1] or {}).get("result", {}).get("resultType") == "complete", self.ended)
        answer = ask(self.scene, post(self.scene, self.token, call("get_note", {"note": "of-the-expired"})))
        checks.that("G4 token expired: 401, and the server is not called", answer.status == 401 and not self.scene.upstream.has_seen("of-the-expired"), answer)


def all_of(binaries, checks):
    with ShortTokens(binaries) as short, Scene(binaries) as scene:
        alice, bob = scene.token("alice"), scene.token("bob")
        ask(scene, post(scene, alice, call("get_note")))   # Writ learns the tools
        tokens(scene, alice, checks)
        passthrough(scene, alice, checks)
        mirrored(scene, alice, checks)
        differentials(scene, alice, checks)
        names(scene, alice, checks)
        sessions(scene, alice, bob, checks)
        arguments(scene, alice, checks)
        short.check(checks)


if __name__ == "__main__":
    run(all_of)
