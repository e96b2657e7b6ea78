#!/usr/bin/env python3
"""writ login, then writ connect --own-account to a server that knows nothing of the enterprise: who is asked when, what is kept, and that no refusal of
the enterprise opens this door. Real processes on loopback, a browser that is a script, nothing installed."""
import json
import os
import pathlib
import queue
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
import checks  # noqa: E402
from checks import check, free_port  # noqa: E402
from foreign import AuthorizationServer, McpServer  # noqa: E402

BIN = pathlib.Path(sys.argv[1]).resolve()
WORK = pathlib.Path(tempfile.mkdtemp(prefix="writ-own-account-"))


PORT, ADMIN = free_port(), free_port()
BASE = f"http://127.0.0.1:{PORT}"
first, second, binding = AuthorizationServer("first"), AuthorizationServer("second"), AuthorizationServer("binding", binds=True)
server, bound_server = McpServer(first), McpServer(binding)

(WORK / "objects").mkdir()
(WORK / "writ.yaml").write_text(f"""base_url: {BASE}
data: data
organisation: Acme
listeners:
  public: {{address: "127.0.0.1:{PORT}"}}
  admin: {{address: "127.0.0.1:{ADMIN}", socket: admin.sock}}
objects: objects
policy: objects
""")
(WORK / "objects/objects.yaml").write_text(f"""groups: [{{id: eng}}, {{id: ops}}]
users:
  - {{id: usr_alice, name: alice, email: alice@acme.example, email_verified: true, groups: [eng], password: alice-password-1}}
resource_authorization_servers: [{{issuer: {BASE}/ras}}]
agents:
  - id: writ-cli
    idp: {{client_id: writ-cli, device_keys: true, redirect_uris: ["http://127.0.0.1/callback"]}}
    resource_authorization_servers: [{{issuer: {BASE}/ras, client_id: writ-cli-at-ras, device_keys: true}}]
servers:
  - id: closed
    resource: {BASE}/mcp/closed
    resource_authorization_server: {BASE}/ras
    upstream: {{url: "{server.url}"}}
    scopes: [{{name: "read", default: true}}]
trusted_issuers:
  - {{issuer: {BASE}/idp, subject: user_id, clients: all, scope_ceiling: all}}
""")
(WORK / "objects/grants.yaml").write_text("grants:\n  - {group: ops, agents: all, servers: [closed], scopes: all, tools: all}\n")

OPENED = WORK / "opened"
PRINTED = []   # by the bridges, for people
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
tools = WORK / "bin"
tools.mkdir()
(tools / "xdg-open").write_text(f'#!/bin/sh\necho "$1" >> "{OPENED}"\nexec "{sys.executable}" "{HERE}/../step_up/browser.py" "$1"\n')
(tools / "xdg-open").chmod(0o755)
CONFIG = WORK / "config"
ENV = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "STEP_UP_STATE": str(WORK / "alice.json"), "WRIT_CONFIG_DIR": str(CONFIG), "WRIT_SOCKET": str(WORK / "admin.sock"), "DISPLAY": ":99"}


def opened():
    return OPENED.read_text().splitlines() if OPENED.exists() else []


def writ(*arguments):
    return subprocess.run([BIN / "writ", *arguments], env=ENV, capture_output=True, text=True, timeout=30)


class Bridge:
    """A host that speaks MCP on stdio; the answer to `initialize` is `hello`."""

    def __init__(self, url, *options):
        self.child = subprocess.Popen([BIN / "writ", "connect", url, *options], env=ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        threading.Thread(target=lambda: [self.lines.put(line) for line in self.child.stdout], daemon=True).start()
        self.id = 0
        self.hello = self.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}})
        if "result" in self.hello:
            self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message):
        self.child.stdin.write(json.dumps(message) + "\n")
        self.child.stdin.flush()

    def request(self, method, params):
        self.id += 1
        self.send({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params})
        while True:
            message = json.loads(self.lines.get(timeout=20))
            if message.get("id") == self.id:
                return message

    def call(self, tool):
        return self.request("tools/call", {"name": tool, "arguments": {}})

    def close(self):
        self.child.stdin.close()
        PRINTED.append(self.child.stderr.read())
        self.child.wait(timeout=20)


def is_done(answer, tool):
    return answer.get("result", {}).get("content", [{}])[0].get("text") == f"done: {tool}"


log = open(WORK / "server.log", "w")
service = subprocess.Popen([BIN / "writ", "serve", "-c", WORK / "writ.yaml"], stdout=log, stderr=log, env=ENV)
try:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{BASE}/idp/.well-known/openid-configuration").read()
            break
        except OSError:
            time.sleep(0.05)
    else:
        raise SystemExit("writ serve does not answer: " + (WORK / "server.log").read_text()[-2000:])

    login = writ("login", f"{BASE}/idp")
    check("alice signs in at the company's identity provider", login.returncode == 0, login.stderr)

    bridge = Bridge(server.url)
    check("without --own-account a server without EMA is refused, with a sentence", "enterprise-managed" in json.dumps(bridge.hello.get("error", {})), bridge.hello)
    bridge.close()
    check("and nobody was asked", not first.authorized and not first.registered and len(opened()) == 1, opened())

    bridge = Bridge(server.url, "--own-account")
    check("with it the browser opens once, and the tool answers", is_done(bridge.call("look"), "look") and len(first.authorized) == 1 and len(opened()) == 2, (bridge.hello, opened()))
    asked = first.authorized[-1] if first.authorized else {}
    check("asked were the server's scopes and a refresh token, for the server's identifier", set(asked.get("scope", "").split()) == {"read", "offline_access"} and asked.get("resource") == server.url, asked)
    check("registered was a native client with its loopback address", first.registered and first.registered[0]["application_type"] == "native" and first.registered[0]["redirect_uris"][0].startswith("http://127.0.0.1:"), first.registered)
    mode = stat.S_IMODE((CONFIG / "accounts.json").stat().st_mode)
    check("what is kept is its owner's alone", mode == 0o600, oct(mode))

    check("a tool that needs more scope asks once more, for both", is_done(bridge.call("change"), "change") and set(first.authorized[-1]["scope"].split()) == {"read", "write", "offline_access"}, first.authorized[-1])
    before = len(opened())
    refused = [bridge.call("never") for _ in range(4)]
    check("a scope that is never enough ends, and asks no more than once", not any("result" in answer and is_done(answer, "never") for answer in refused) and len(opened()) <= before + 1, (refused[-1], len(opened()) - before))
    check("the other tools still work, without a question", is_done(bridge.call("look"), "look") and len(opened()) <= before + 1, opened())
    bridge.close()

    before = len(opened())
    bridge = Bridge(server.url, "--own-account")
    check("the next start asks nobody: the refresh token is there", is_done(bridge.call("look"), "look") and len(opened()) == before, opened()[before:])
    bridge.close()

    first.refresh_tokens.clear()
    bridge = Bridge(server.url, "--own-account")
    check("one that was withdrawn there is asked for again, once", is_done(bridge.call("look"), "look") and len(opened()) == before + 1, opened()[before:])

    server.authorization_server = second
    check("a server that names another authorization server: registered anew there", is_done(bridge.call("look"), "look") and len(second.registered) == 1 and second.authorized[-1]["client_id"].startswith("second-"), second.registered)
    secrets_of_first = [value for request in first.token_requests for value in (request.get("refresh_token"), request.get("client_id")) if value]
    check("and nothing of the first is seen at the second", not any(value in json.dumps(second.token_requests + second.authorized) for value in secrets_of_first), second.token_requests)
    bridge.close()

    server.authorization_server, server.resource = first, "http://127.0.0.1:1/mcp"
    before, requests = len(opened()), len(first.token_requests)
    bridge = Bridge(server.url, "--own-account")
    check("metadata of another resource ends it", "another resource" in json.dumps(bridge.hello.get("error", {})) and len(opened()) == before and len(first.token_requests) == requests, bridge.hello)
    bridge.close()
    server.resource = None

    bridge = Bridge(f"{BASE}/mcp/closed", "--own-account")
    error = json.dumps(bridge.hello.get("error", {}))
    check("who is denied by the company is denied, with the code", "access_denied" in error and "W-" in error, bridge.hello)
    bridge.close()
    check("and no browser opens for it", len(opened()) == before, opened()[before:])

    bridge = Bridge(bound_server.url, "--own-account")
    check("a server that wants tokens bound to a key gets them", is_done(bridge.call("look"), "look") and len(opened()) == before + 1 and "dpop_jkt" in binding.authorized[-1], (bridge.hello, opened()[before:]))
    bridge.close()
    bridge = Bridge(bound_server.url, "--own-account")
    check("the next start has the same key, so that the refresh token is good", is_done(bridge.call("look"), "look") and len(opened()) == before + 1, (binding.token_requests[-1:], opened()[before:]))
    bridge.close()
    bridge = Bridge(bound_server.url, "--own-account", "--dpop", "never")
    check("without proofs there is no token for it", not is_done(bridge.call("look"), "look"), bridge.hello)
    bridge.close()

    usage = [writ("connect", server.url, "--own-account", "--client-id", "x"), writ("connect", server.url, "--own-account", "--client-metadata", "http://x.example/c"), writ("connect", server.url, "--client-id", "x")]
    check("options that cannot be right are told", all(done.returncode == 2 for done in usage), [(done.returncode, done.stderr) for done in usage])
    check("no token stands in what was printed", first.access_tokens and not any(token in text for text in PRINTED for issuer in (first, second, binding) for token in [*issuer.access_tokens, *issuer.refresh_tokens]), PRINTED)

    out = writ("logout")
    check("with the sign-in go the accounts", out.returncode == 0 and not (CONFIG / "accounts.json").exists(), out.stderr)
finally:
    service.send_signal(signal.SIGTERM)
    try:
        service.wait(timeout=10)
    except subprocess.TimeoutExpired:
        service.kill()
    shutil.rmtree(WORK, ignore_errors=True)
sys.exit(checks.close())
