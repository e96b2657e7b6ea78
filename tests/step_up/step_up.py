#!/usr/bin/env python3
"""Denied for the sign-in alone → signed in again → allowed, end to end over HTTP: writ serve, writ login, writ connect, an MCP server behind the
gateway, a browser that is a script, and decision points that other people run. Everything on loopback, nothing is installed."""
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
import checks  # noqa: E402
from browser import Browser, totp  # noqa: E402
from checks import check, free_port  # noqa: E402
from mcp_server import Handler, McpServer, serve  # noqa: E402

BIN = pathlib.Path(sys.argv[1]).resolve()
WORK = pathlib.Path(tempfile.mkdtemp(prefix="writ-step-up-"))


class Notes(McpServer):
    TOOLS = ["search", "erase", "publish", "forget", "never", "impossible"]


class Pdp(Handler):
    decision = True
    wait = 0.0
    asked = []

    def do_POST(self):
        body = self.body()
        Pdp.asked.append((self.path, body, self.headers.get("X-Key")))
        time.sleep(Pdp.wait)
        if self.path.endswith("/evaluations"):
            return self.answer(200, {"evaluations": [{"decision": Pdp.decision} for _ in body["evaluations"]]})
        self.answer(200, {"decision": Pdp.decision})


PORT, ADMIN = free_port(), free_port()
BASE = f"http://127.0.0.1:{PORT}"
STATE = WORK / "alice.json"
mcp, pdp = serve(Notes), serve(Pdp)
EVALUATOR = "evaluator-token-0123456789abcdef"

(WORK / "objects").mkdir()
(WORK / "objects/policies").mkdir()
(WORK / "writ.yaml").write_text(f"""base_url: {BASE}
data: data
organisation: Acme
listeners:
  public: {{address: "127.0.0.1:{PORT}"}}
  admin: {{address: "127.0.0.1:{ADMIN}", socket: admin.sock}}
objects: objects
policy: objects
""")
OBJECTS = f"""groups: [{{id: eng}}]
users:
  - {{id: usr_alice, name: alice, email: alice@acme.example, email_verified: true, groups: [eng], password: alice-password-1}}
resource_authorization_servers: [{{issuer: {BASE}/ras}}]
agents:
  - id: writ-cli
    idp: {{client_id: writ-cli, device_keys: true, redirect_uris: ["http://127.0.0.1/callback"]}}
    resource_authorization_servers: [{{issuer: {BASE}/ras, client_id: writ-cli-at-ras, device_keys: true}}]
servers:
  - id: notes
    resource: {BASE}/mcp/notes
    resource_authorization_server: {BASE}/ras
    upstream: {{url: "http://127.0.0.1:{mcp.server_port}/mcp"}}
    first_use: allow
    scopes: [{{name: "notes", default: true}}]
trusted_issuers:
  - {{issuer: {BASE}/idp, subject: user_id, clients: all, scope_ceiling: all}}
api_tokens: [{{id: gateway-of-others, role: evaluator, token: {EVALUATOR}}}]
authentication_levels:
  - {{id: fresh, strength: 1, max_age: 15s}}
  - {{id: mfa, strength: 2, acr: "urn:acme:mfa", expected_amr: [pwd, otp, mfa]}}
  - {{id: key, strength: 3, acr: "urn:acme:key", expected_amr: [hwk]}}
"""
(WORK / "objects/objects.yaml").write_text(OBJECTS)
(WORK / "objects/grants.yaml").write_text("grants:\n  - {group: eng, agents: all, servers: [notes], scopes: all, tools: all}\n")
(WORK / "objects/policies/step-up.cedar").write_text("""
@id("erase-needs-mfa") forbid (principal, action == Writ::Action::"notes/erase", resource) unless { context.auth.amr.contains("mfa") };
@id("publish-needs-a-fresh-sign-in") forbid (principal, action == Writ::Action::"notes/publish", resource) unless { context.auth.age <= duration("15s") };
@id("never-by-any-sign-in") forbid (principal, action == Writ::Action::"notes/never", resource) unless { context.auth.amr.contains("mfa") };
@id("never") forbid (principal, action == Writ::Action::"notes/never", resource);
@id("impossible-here") forbid (principal, action == Writ::Action::"notes/impossible", resource) unless { context.auth.amr.contains("hwk") };
""")

tools = WORK / "bin"
tools.mkdir()
(tools / "xdg-open").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE}/browser.py" "$1"\n')
(tools / "xdg-open").chmod(0o755)
ENV = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "STEP_UP_STATE": str(STATE), "WRIT_CONFIG_DIR": str(WORK / "config"), "WRIT_SOCKET": str(WORK / "admin.sock"), "DISPLAY": ":99"}


def writ(*arguments, timeout=60):
    return subprocess.run([BIN / "writ", *arguments], env=ENV, capture_output=True, text=True, timeout=timeout)


def start_server():
    log = open(WORK / "server.log", "a")
    child = subprocess.Popen([BIN / "writ", "serve", "-c", WORK / "writ.yaml"], stdout=log, stderr=log, env=ENV)
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{BASE}/idp/.well-known/openid-configuration").read()
            return child
        except OSError:
            time.sleep(0.05)
    raise SystemExit("writ serve does not answer: " + (WORK / "server.log").read_text()[-2000:])


class Bridge:
    """A host that speaks MCP on stdio with `writ connect`."""

    def __init__(self, *options):
        self.child = subprocess.Popen([BIN / "writ", "connect", f"{BASE}/mcp/notes", *options], env=ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        threading.Thread(target=lambda: [self.lines.put(line) for line in self.child.stdout], daemon=True).start()
        self.id = 0
        self.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message):
        self.child.stdin.write(json.dumps(message) + "\n")
        self.child.stdin.flush()

    def request(self, method, params, timeout=90):
        self.id += 1
        self.send({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params})
        while True:
            message = json.loads(self.lines.get(timeout=timeout))
            if message.get("id") == self.id:
                return message

    def call(self, tool):
        return self.request("tools/call", {"name": tool, "arguments": {}})

    def close(self):
        self.child.stdin.close()
        self.child.wait(timeout=30)


def state():
    return json.loads(STATE.read_text()) if STATE.exists() else {"pages": []}


def records(**filters):
    out = writ("--json", "audit", "query", "--limit", "200", *[word for name, value in filters.items() for word in (f"--{name}", value)]).stdout
    lines = json.loads(out) if out.lstrip().startswith("[") else [json.loads(line) for line in out.splitlines() if line.strip()]
    return lines


def is_done(answer, tool):
    return answer.get("result", {}).get("content", [{}])[0].get("text") == f"done: {tool}"


def evaluate(body, path="evaluation", token=EVALUATOR):
    request = urllib.request.Request(f"{BASE}/access/v1/{path}", data=json.dumps(body).encode(), headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


def call_of(tool, **context):
    return {"subject": {"type": "user", "id": "alice"}, "action": {"name": "tools/call", "properties": {"arguments": {}}},
            "resource": {"type": "tool", "id": tool, "properties": {"server": "notes"}}, "context": {"agent": "writ-cli", **context}}


def apply(objects):
    (WORK / "objects/objects.yaml").write_text(objects)
    return writ("apply", "-f", str(WORK / "objects"), "--yes")


server = start_server()
bridge = None
try:
    done = writ("login", f"{BASE}/idp")
    check("writ login signs alice in by password", done.returncode == 0 and state()["pages"] == ["password"], done.stderr)
    bridge = Bridge()
    check("what needs no better sign-in is allowed at once", is_done(bridge.call("search"), "search"), "")

    # ---- denied → step-up → allowed
    answer = bridge.call("erase")
    check("a call that only the sign-in stands against is allowed after one", is_done(answer, "erase"), answer)
    check("the person signed in again with a second factor, enrolled at first need", state()["pages"] == ["password", "password", "enrol"], state()["pages"])
    reasons = [(r.get("reason"), r.get("effect"), r.get("tool")) for r in records()]
    check("the denial is on record with its reason", ("insufficient_user_authentication", "deny", "erase") in reasons, reasons[:12])
    check("so is the call that was allowed", ("allowed", "allow", "erase") in reasons, reasons[:12])
    check("and the sign-in with its second factor", any(r[0] == "password_and_code" for r in reasons), reasons[:12])
    check("the better session is used on, without another question", is_done(bridge.call("erase"), "erase") and len(state()["pages"]) == 3, state()["pages"])

    # ---- a level that would not help is never offered
    pages = len(state()["pages"])
    answer = bridge.call("never")
    decision = answer.get("result", {}).get("_meta", {}).get("writ/decision", {})
    check("where something else stands in the way the denial is a denial", decision.get("kind") == "forbidden" and len(state()["pages"]) == pages, answer)

    # ---- freshness, from a bridge that may open no browser
    time.sleep(16)
    silent = Bridge("--no-browser")
    answer = silent.call("publish")
    message = answer.get("error", {}).get("message", "")
    check("a bridge without a browser names the command", "writ login --max-age 15" in message and answer["error"]["data"]["kind"] == "step_up_needed", answer)
    check("and opens nothing", len(state()["pages"]) == pages, state()["pages"])
    done = writ("login", "--max-age", "15")
    check("the command signs in again, by password and code", done.returncode == 0 and state()["pages"][pages:] == ["password", "code"], done.stderr + str(state()["pages"]))
    answer = silent.call("publish")
    check("then the same call of the same bridge is allowed", is_done(answer, "publish"), answer)
    silent.close()

    # ---- bounded: what this identity provider cannot give is one try and an answer
    pages = len(state()["pages"])
    begun = time.time()
    impossible = Bridge("--no-browser")
    answer = impossible.call("impossible")
    check("what no sign-in here can meet ends in an error that says what is asked for", answer.get("error", {}).get("data", {}).get("acr_values") == "urn:acme:key" and time.time() - begun < 20, answer)
    impossible.close()
    done = writ("login", "--acr-values", "urn:acme:key")
    check("the identity provider says that it cannot", done.returncode != 0 and "did not sign you in" in done.stderr, done.stderr)

    # ---- codes stay spent through kill -9; an administrator resets the factor
    used = totp(state()["secret"], state()["used_step"])
    server.send_signal(signal.SIGKILL)
    server.wait()
    server = start_server()
    sly = Browser(str(STATE))
    sly.state["next_code"] = used
    request = "/idp/authorize?" + urllib.parse.urlencode({"response_type": "code", "client_id": "writ-cli", "redirect_uri": "http://127.0.0.1:1/callback", "scope": "openid",
                                                         "state": "s", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"})
    status, _, page = sly.sign_in(BASE + request)
    check("a code that was used is refused after kill -9 and restart", status == 400 and "used already" in page, f"{status} {page[-600:]}")
    check("for that reason", any(r.get("reason") == "code_replayed" for r in records(event="sign_in")), "")
    done = writ("user", "reset-factor", "alice")
    check("writ user reset-factor forgets the factor", done.returncode == 0 and "forgotten" in done.stdout, done.stdout + done.stderr)
    pages = len(state()["pages"])
    done = writ("login", "--acr-values", "urn:acme:mfa")
    check("the next sign-in that needs one enrols anew", done.returncode == 0 and state()["pages"][pages:] == ["password", "enrol"], done.stderr + str(state()["pages"][pages:]))

    # ---- AuthZEN: this deployment's policy for others
    status, body = evaluate(call_of("search"))
    check("evaluation: allowed", status == 200 and body == {"decision": True}, body)
    status, body = evaluate(call_of("erase"))
    check("evaluation: no, and the sign-in that would help", status == 200 and body["decision"] is False and body["context"]["acr_values"] == "urn:acme:mfa", body)
    status, body = evaluate(call_of("erase", amr=["mfa"]))
    check("evaluation: yes with that sign-in", status == 200 and body == {"decision": True}, body)
    status, body = evaluate({"evaluations": [call_of("search"), call_of("never")]}, "evaluations")
    check("evaluations: in order", [one["decision"] for one in body["evaluations"]] == [True, False], body)
    check("evaluation: who asks needs a token", evaluate(call_of("search"), token="wrong")[0] == 401, "")

    # ---- and decision points elsewhere
    key = WORK / "pdp.key"
    key.write_text("pdp-secret-0123456789abcdef")
    key.chmod(0o600)
    with_pdp = OBJECTS + f"decision_points: [{{id: other, url: \"http://127.0.0.1:{pdp.server_port}/pdp\", servers: [notes], timeout_ms: 400, header: {{name: X-Key, secret_file: \"{key}\"}}}}]\n"
    done = apply(with_pdp)
    check("a decision point is an object like others", done.returncode == 0, done.stdout + done.stderr)
    check("both say yes", is_done(bridge.call("search"), "search") and Pdp.asked and Pdp.asked[-1][2] == "pdp-secret-0123456789abcdef", Pdp.asked[-1:])
    asked = Pdp.asked[-1][1]
    check("it is told who, what, where and how", asked["subject"]["id"] == "usr_alice" and asked["resource"]["id"] == "search" and asked["context"]["agent"] == "writ-cli", asked)
    Pdp.decision = False
    kind = bridge.call("search").get("result", {}).get("_meta", {}).get("writ/decision", {}).get("kind")
    check("its no is a no", kind == "external_denied", kind)
    shown = records(tool="search")[0]
    check("its answer and time are in the record", any("decision_point" in str(value) or name.startswith("decision_point") for name, value in shown.items()), shown)
    count = len(Pdp.asked)
    kind = bridge.call("never").get("result", {}).get("_meta", {}).get("writ/decision", {}).get("kind")
    check("it is not asked what policy denies", kind == "forbidden" and len(Pdp.asked) == count, kind)
    Pdp.decision, Pdp.wait = True, 1.0
    kinds = [bridge.call("search").get("result", {}).get("_meta", {}).get("writ/decision", {}).get("kind") for _ in range(5)]
    check("one that does not answer in time denies", set(kinds) == {"external_unavailable"}, kinds)
    begun = time.time()
    kinds = [bridge.call("search").get("result", {}).get("_meta", {}).get("writ/decision", {}).get("kind") for _ in range(10)]
    check("after some failures it costs nothing and still denies", set(kinds) == {"external_unavailable"} and time.time() - begun < 1.5, f"{kinds} {time.time() - begun:.2f}s")
    Pdp.wait = 0.0
    time.sleep(5.2)
    check("when it is back it is asked again", is_done(bridge.call("search"), "search"), "")
except Exception as error:  # noqa: BLE001: a test that breaks off has failed
    check("the story goes to its end", False, repr(error))
    print((WORK / "server.log").read_text()[-1500:])
finally:
    if bridge:
        bridge.child.kill()
    server.terminate()
    server.wait()
    mcp.shutdown()
    pdp.shutdown()
    shutil.rmtree(WORK, ignore_errors=True)
sys.exit(checks.close())
