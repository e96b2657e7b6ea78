#!/usr/bin/env python3
"""The interactive grant, pushed requests, clients that describe themselves at an address, and devices without a browser, end to end over HTTP: writ serve, an
MCP server behind the gateway, writ login, and people at browsers that are scripts. Everything on loopback, nothing is installed."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
import checks  # noqa: E402
from checks import check, free_port  # noqa: E402
from mcp_server import Handler, McpServer, serve  # noqa: E402
from person import Person, pkce, post, request  # noqa: E402
from service import Service  # noqa: E402

BIN = pathlib.Path(sys.argv[1]).resolve()
WORK = pathlib.Path(tempfile.mkdtemp(prefix="writ-endpoints-"))


mcp = serve(McpServer)


class ClientSite(Handler):
    """Where a client describes itself; what it says is set by the story."""
    document, status, asked = {}, 200, []

    def do_GET(self):
        ClientSite.asked.append(self.path)
        data = json.dumps(ClientSite.document).encode()
        self.send_response(ClientSite.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if ClientSite.status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(data)


clients = serve(ClientSite)
DESCRIBED = f"http://127.0.0.1:{clients.server_port}/client.json"

PORT, ADMIN = free_port(), free_port()
BASE = f"http://127.0.0.1:{PORT}"
IDP, RAS, NOTES, WIKI = BASE + "/idp", BASE + "/ras", BASE + "/mcp/notes", BASE + "/mcp/wiki"
CALLBACK = "http://127.0.0.1:9/callback"
SECRET = "a-secret-of-the-desk-for-tests-only"

(WORK / "objects").mkdir()
(WORK / "writ.yaml").write_text(f"""base_url: {BASE}
data: data
organisation: Acme
listeners:
  public: {{address: "127.0.0.1:{PORT}"}}
  admin: {{address: "127.0.0.1:{ADMIN}", socket: admin.sock}}
resource_as: {{agent: ras}}
clients: {{documents_on_loopback: true}}
objects: objects
policy: objects
""")
(WORK / "objects/objects.yaml").write_text(f"""groups: [{{id: eng}}, {{id: ops}}]
users:
  - {{id: usr_alice, name: alice, groups: [eng], password: alice-password-1}}
  - {{id: usr_bob, name: bob, password: bob-password-1}}
resource_authorization_servers: [{{issuer: {RAS}}}]
trusted_issuers: [{{issuer: {IDP}, subject: user_id, clients: all, scope_ceiling: all}}]
agents:
  - id: ras
    idp: {{client_id: ras, authentication: none, redirect_uris: ["{RAS}/callback"]}}
  - id: inspector
    display_name: Inspector
    resource_authorization_servers: [{{issuer: {RAS}, client_id: inspector, authentication: none, redirect_uris: ["http://127.0.0.1/callback"]}}]
  - id: desk
    display_name: Desk
    idp: {{client_id: desk, secret: {SECRET}, redirect_uris: ["http://127.0.0.1/callback"]}}
    resource_authorization_servers: [{{issuer: {RAS}, client_id: desk-at-ras, secret: {SECRET}, redirect_uris: ["http://127.0.0.1/callback"]}}]
  - id: pushing
    idp: {{client_id: pushing, authentication: none, pushed_only: true, redirect_uris: ["http://127.0.0.1/callback"]}}
  - id: described
    idp: {{client_id: "{DESCRIBED}", authentication: none, metadata_document: true}}
    resource_authorization_servers: [{{issuer: {RAS}, client_id: "{DESCRIBED}", authentication: none, metadata_document: true}}]
  - id: writ-cli
    display_name: writ
    idp: {{client_id: writ-cli, device_keys: true, redirect_uris: ["http://127.0.0.1/callback"]}}
    resource_authorization_servers: [{{issuer: {RAS}, client_id: writ-cli, device_keys: true}}]
servers:
  - id: notes
    resource: {NOTES}
    resource_authorization_server: {RAS}
    interactive_grant: true
    upstream: {{url: "http://127.0.0.1:{mcp.server_port}/mcp"}}
    first_use: allow
    scopes: [{{name: "notes", default: true}}, {{name: "notes:admin"}}]
  - id: wiki
    resource: {WIKI}
    resource_authorization_server: {RAS}
    upstream: {{url: "http://127.0.0.1:{mcp.server_port}/mcp"}}
    first_use: allow
    scopes: [{{name: "wiki", default: true}}]
""")
(WORK / "objects/grants.yaml").write_text("""grants:
  - {group: eng, agents: all, servers: [notes], scopes: [notes], tools: all}
  - {group: eng, agents: all, servers: [wiki], scopes: [wiki], tools: all}
""")


def start():
    return Service(BIN / "writ", WORK, lambda: request("GET", RAS + "/jwks").status == 200)


def writ(*arguments):
    done = subprocess.run([BIN / "writ", *arguments], cwd=WORK, env={**os.environ, "WRIT_SOCKET": str(WORK / "admin.sock")}, capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


def metadata(issuer):
    return json.loads(request("GET", issuer.replace(BASE, BASE + "/.well-known/oauth-authorization-server")).text)


def ask(client_id, challenge, resource=NOTES, **more):
    return {"response_type": "code", "client_id": client_id, "redirect_uri": CALLBACK, "code_challenge": challenge, "code_challenge_method": "S256",
            "state": "s1", "resource": resource, **more}


def authorize(person, client_id="inspector", issuer=RAS, **more):
    verifier, challenge = pkce()
    reply = person.go(f"{issuer}/authorize?" + urllib.parse.urlencode(ask(client_id, challenge, **more)), CALLBACK)
    return reply, verifier


def redeem(code, verifier, client_id="inspector", **more):
    return post(RAS + "/token", {"grant_type": "authorization_code", "client_id": client_id, "code": code, "redirect_uri": CALLBACK, "code_verifier": verifier, "resource": NOTES, **more})


def interactive_grant():
    document = metadata(RAS)
    registering = [request("POST", issuer + "/register", "{}", {"Content-Type": "application/json"}).status for issuer in (IDP, RAS)]
    check("nobody registers itself where the configuration does not say so", registering == [404, 404] and "registration_endpoint" not in document and "registration_endpoint" not in metadata(IDP), registering)
    check("the metadata of the resource authorization server offers the code grant", document["response_types_supported"] == ["code"] and "authorization_code" in document["grant_types_supported"] and
          document["code_challenge_methods_supported"] == ["S256"] and document["authorization_response_iss_parameter_supported"] is True, document)
    alice = Person("alice", "alice-password-1")
    reply, verifier = authorize(alice)
    answer = reply.query()
    check("alice signs in at the identity provider and comes back with a code, her state and `iss`", reply.url.startswith(CALLBACK) and "code" in answer and answer.get("state") == "s1" and answer.get("iss") == RAS, reply.text or reply.url)
    check("there was one page: the sign-in", len(alice.pages) == 1, len(alice.pages))
    token = redeem(answer["code"], verifier)
    body = json.loads(token.text)
    check("the code gives an access token and no refresh token", token.status == 200 and body["token_type"] == "Bearer" and body["scope"] == "notes" and "refresh_token" not in body, token.text)
    bearer = {"Authorization": "Bearer " + body.get("access_token", ""), "Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
    initialize = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "i", "version": "1"}}})
    called = request("POST", NOTES, initialize, bearer)
    check("the gateway takes the token", called.status == 200 and "serverInfo" in called.text, called.text)
    again = redeem(answer["code"], verifier)
    check("the code is good once", again.status == 400 and json.loads(again.text)["error"] == "invalid_grant", again.text)
    time.sleep(0.3)
    called = request("POST", NOTES, initialize, bearer)
    check("its replay took the token back", called.status == 401, called.text)

    reply, verifier = authorize(alice)
    check("a second time nobody is asked for anything", "code" in reply.query() and len(alice.pages) == 1, reply.url)
    stolen = redeem(reply.query()["code"], pkce()[0])
    check("a code without its verifier is good for nothing", stolen.status == 400 and json.loads(stolen.text)["error"] == "invalid_grant", stolen.text)

    bob = Person("bob", "bob-password-1")
    answer = authorize(bob)[0].query()
    check("bob is denied by policy, with a code that `writ why` knows", answer.get("error") == "access_denied" and answer.get("denial_code", "").startswith("W-") and "code" not in answer, answer)
    status, said = writ("why", answer.get("denial_code", ""))
    check("`writ why` explains it", status == 0 and "bob" in said, said)
    answer = authorize(Person("alice", "alice-password-1"), resource=WIKI)[0].query()
    check("a server that does not offer it is not to be had this way", answer.get("error") == "unauthorized_client", answer)
    reply, _ = authorize(alice, client_id="nobody")
    check("an unknown client gets a page, and nobody is sent anywhere", reply.status == 400 and "not registered" in reply.text, reply.url)
    reply = alice.go(f"{RAS}/authorize?" + urllib.parse.urlencode(ask("inspector", pkce()[1]) | {"redirect_uri": "https://evil.example/cb"}), CALLBACK)
    check("so does an address that is not registered", reply.status == 400 and "not registered" in reply.text, reply.url)
    verifier, challenge = pkce()
    first = alice.step("GET", f"{RAS}/authorize?" + urllib.parse.urlencode(ask("inspector", challenge)))
    at_idp = alice.step("GET", first.headers["location"])
    elsewhere = Person().step("GET", at_idp.headers["location"])
    check("an answer of the identity provider in another browser is nobody's", elsewhere.status == 400 and "not begun in this browser" in elsewhere.text, elsewhere.text)

    # What was refused by enterprise-managed authorization is not to be had interactively, also after a restart.
    def exchange(person, scope):
        verifier, challenge = pkce()
        back = person.go(f"{IDP}/authorize?" + urllib.parse.urlencode({k: v for k, v in ask("desk", challenge, scope="openid").items() if k != "resource"}), CALLBACK).query()
        basic = {"client_id": "desk", "client_secret": SECRET}
        tokens = json.loads(post(IDP + "/token", {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": CALLBACK, "code_verifier": verifier, **basic}).text)
        return post(IDP + "/token", {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "requested_token_type": "urn:ietf:params:oauth:token-type:id-jag", "audience": RAS, "resource": NOTES,
                                     "subject_token": tokens["id_token"], "subject_token_type": "urn:ietf:params:oauth:token-type:id_token", "scope": scope, **basic})
    refused = exchange(alice, "notes:admin")
    check("enterprise-managed authorization refuses alice `notes:admin`", refused.status == 400 and json.loads(refused.text)["error"] == "invalid_scope", refused.text)
    answer = authorize(alice, client_id="desk-at-ras")[0].query()
    check("then the same agent gets nothing for her by interactive sign-in either", answer.get("error") == "access_denied", answer)
    check("another agent does", "code" in authorize(alice)[0].query())
    global service
    service.stop(signal.SIGKILL)
    service = start()
    answer = authorize(alice, client_id="desk-at-ras")[0].query()
    check("a restart does not forget it", answer.get("error") == "access_denied", answer)
    check("until enterprise-managed authorization says yes", exchange(alice, "notes").status == 200 and "code" in authorize(alice, client_id="desk-at-ras")[0].query())


def sign_in_request(client_id, challenge, **more):
    return {k: v for k, v in ask(client_id, challenge, scope="openid", **more).items() if k != "resource"}


def pushed_requests():
    check("the metadata names where requests are pushed to", json.loads(request("GET", IDP + "/.well-known/openid-configuration").text)["pushed_authorization_request_endpoint"] == IDP + "/par")
    alice = Person("alice", "alice-password-1")
    verifier, challenge = pkce()
    answer = alice.go(f"{IDP}/authorize?" + urllib.parse.urlencode(sign_in_request("pushing", challenge)), CALLBACK).query()
    check("a client whose requests are pushed sends none through a browser", answer.get("error") == "invalid_request", answer)
    pushed = post(IDP + "/par", sign_in_request("pushing", challenge))
    body = json.loads(pushed.text)
    check("a pushed request gets a name for a minute", pushed.status == 201 and body["request_uri"].startswith("urn:ietf:params:oauth:request_uri:") and body["expires_in"] == 60, pushed.text)
    name = urllib.parse.urlencode({"client_id": "pushing", "request_uri": body["request_uri"]})
    reply = alice.go(f"{IDP}/authorize?client_id=desk&" + urllib.parse.urlencode({"request_uri": body["request_uri"]}), CALLBACK)
    check("it is no other client's", reply.status == 400, reply.url)
    answer = alice.go(f"{IDP}/authorize?" + name, CALLBACK).query()
    check("with it the browser gets a code", "code" in answer and answer.get("state") == "s1", answer)
    tokens = post(IDP + "/token", {"grant_type": "authorization_code", "client_id": "pushing", "code": answer.get("code", ""), "redirect_uri": CALLBACK, "code_verifier": verifier})
    check("which is redeemed as any other", tokens.status == 200, tokens.text)
    check("the name is used up", alice.go(f"{IDP}/authorize?" + name, CALLBACK).status == 400)
    wrong = post(IDP + "/par", sign_in_request("pushing", challenge) | {"redirect_uri": "https://evil.example/"})
    check("what the authorization endpoint would refuse is refused at once", wrong.status == 400 and json.loads(wrong.text)["error"] == "invalid_request", wrong.text)
    pushed = json.loads(post(RAS + "/par", ask("inspector", challenge)).text)
    answer = alice.go(f"{RAS}/authorize?" + urllib.parse.urlencode({"client_id": "inspector", "request_uri": pushed.get("request_uri", "")}), CALLBACK).query()
    check("the resource authorization server takes pushed requests too", redeem(answer.get("code", ""), verifier).status == 200, answer)


def client_documents():
    alice = Person("alice", "alice-password-1")
    ClientSite.document = {"client_id": DESCRIBED, "client_name": "Described", "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none"}
    ClientSite.asked.clear()
    verifier, challenge = pkce()
    answer = alice.go(f"{IDP}/authorize?" + urllib.parse.urlencode(sign_in_request(DESCRIBED, challenge)), CALLBACK).query()
    tokens = post(IDP + "/token", {"grant_type": "authorization_code", "client_id": DESCRIBED, "code": answer.get("code", ""), "redirect_uri": CALLBACK, "code_verifier": verifier})
    check("a client that describes itself at an address signs alice in", tokens.status == 200 and "id_token" in tokens.text, tokens.text)
    check("its document was fetched once", ClientSite.asked == ["/client.json"], ClientSite.asked)
    reply, verifier = authorize(alice, client_id=DESCRIBED)
    check("and reaches a server at the resource authorization server", redeem(reply.query().get("code", ""), verifier, client_id=DESCRIBED).status == 200, reply.url)
    reply = alice.go(f"{IDP}/authorize?" + urllib.parse.urlencode(sign_in_request(DESCRIBED, challenge) | {"redirect_uri": "https://evil.example/cb"}), CALLBACK)
    check("only the addresses of its document are returned to", reply.status == 400, reply.url)
    ClientSite.asked.clear()
    stranger = DESCRIBED.replace("client.json", "stranger.json")
    reply = alice.go(f"{IDP}/authorize?" + urllib.parse.urlencode(sign_in_request(stranger, challenge)), CALLBACK)
    check("an address that nobody registered is neither accepted nor asked", reply.status == 400 and not ClientSite.asked, ClientSite.asked)


def devices():
    config = WORK / "device-config"
    child = subprocess.Popen([BIN / "writ", "login", IDP, "--device", "--device-name", "cellar"], env={**os.environ, "WRIT_CONFIG_DIR": str(config)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    code = ""
    try:
        for _ in range(12):
            line = child.stderr.readline().strip()
            if len(line) == 9 and line[4] == "-":
                code = line
                break
        if not check("`writ login --device` shows a code", code, child.stderr.read() if child.poll() is not None else "no code"):
            return
        link = f"{BASE}/device?user_code={code}"
        alice = Person("alice", "alice-password-1")
        page = alice.go(link)
        check("alice opens the link, signs in, and comes back to the code", page.status == 200 and "Connect a device" in page.text and code in page.text, page.text[:300])
        action, form = Person.form_of(page.text)
        wrong = alice.step("POST", action, form | {"user_code": "BBBB-BBBB"})
        check("a wrong code finds no device", wrong.status == 400 and "No device waits" in wrong.text, wrong.text[-500:])
        action, form = Person.form_of(page.text)
        question = alice.step("POST", action, form)
        check("she is shown which agent asks, from where, and the code", question.status == 200 and "Connect writ?" in question.text and "127.0.0.1" in question.text and code in question.text, question.text[-900:])
        action, form = Person.form_of(question.text)
        done = alice.step("POST", action, form | {"answer": "connect"})
        check("she connects it", done.status == 200 and "Connected" in done.text, done.text[-300:])
        out, err = child.communicate(timeout=30)
        check("the command line is signed in with a key of its own", child.returncode == 0 and "cellar" not in err and "dev_" in out, out + err)
        who = subprocess.run([BIN / "writ", "servers"], env={**os.environ, "WRIT_CONFIG_DIR": str(config)}, capture_output=True, text=True, timeout=20)
        check("and sees alice's servers", who.returncode == 0 and "notes" in who.stdout, who.stdout + who.stderr)
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    begun = json.loads(post(IDP + "/device_authorization", {"client_id": "writ-cli", "scope": "openid"}).text)
    poll = lambda: json.loads(post(IDP + "/token", {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": "writ-cli", "device_code": begun["device_code"]}).text).get("error")
    check("a device that waits is told so", poll() == "authorization_pending")
    check("and to ask less often", poll() == "slow_down")
    action, form = Person.form_of(alice.go(begun["verification_uri_complete"]).text)
    action, form = Person.form_of(alice.step("POST", action, form).text)
    alice.step("POST", action, form | {"answer": "deny"})
    time.sleep(10.2)
    check("a device that she denies is told so", poll() == "access_denied")


service = None
try:
    service = start()
    interactive_grant()
    pushed_requests()
    client_documents()
    devices()
except Exception as error:   # an outcome like any other: the log says more
    import traceback
    traceback.print_exc()
    check("the story ran to its end", False, error)
finally:
    if service:
        service.stop()
    if checks.failed:
        print((WORK / "writ.log").read_text()[-3000:])
    shutil.rmtree(WORK, ignore_errors=True)
sys.exit(checks.close())
