#!/usr/bin/env python3
"""Mutual TLS at both token services and the gateway (RFC 8705), and keys that a client publishes and exchanges, end to end: writ serve behind its own TLS, an MCP
server behind the gateway, clients with certificates of three kinds. Everything on loopback, nothing is installed."""
import base64
import http.client
import json
import os
import pathlib
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support"), str(HERE.parent / "oauth_endpoints"), str(HERE.parent / "foreign_subjects")]
import checks  # noqa: E402
from certificates import Authority, self_signed  # noqa: E402
from checks import check, free_port  # noqa: E402
from issuer import Key  # noqa: E402
from mcp_server import Handler, McpServer, serve  # noqa: E402
from person import Person, pkce, post, request  # noqa: E402
from service import Service  # noqa: E402

BIN = pathlib.Path(sys.argv[1]).resolve()
WORK = pathlib.Path(tempfile.mkdtemp(prefix="writ-clients-"))
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
mcp = serve(McpServer)


class KeySite(Handler):
    """Where clients publish their keys; what it says is set by the story."""
    keys, status, asked = {}, 200, []

    def do_GET(self):
        KeySite.asked.append(self.path)
        self.answer(KeySite.status, {"keys": KeySite.keys.get(self.path, [])})


site = serve(KeySite)
KEYS = f"http://127.0.0.1:{site.server_port}"

PORT, ADMIN = free_port(), free_port()
BASE = f"https://localhost:{PORT}"
IDP, RAS, NOTES = BASE + "/idp", BASE + "/ras", BASE + "/mcp/notes"
CALLBACK = "http://127.0.0.1:9/callback"
REGISTRAR = "an-initial-access-token-for-tests-only"

servers, clients, foreign = Authority(WORK / "servers", "Servers CA"), Authority(WORK / "clients"), Authority(WORK / "foreign")
own = servers.issue("writ", "/CN=localhost", "DNS:localhost", "serverAuth")
NAMES = "DNS:desk.acme.example,URI:spiffe://acme.example/desk,IP:192.0.2.7,email:desk@acme.example"
desk = clients.issue("desk", "/O=Acme/CN=desk", NAMES)
renewed = clients.issue("renewed", "/O=Acme/CN=desk", NAMES)
other = clients.issue("other", "/O=Acme/CN=other", "DNS:other.acme.example")
stranger = foreign.issue("desk", "/O=Acme/CN=desk", NAMES)
expired = clients.issue("expired", "/O=Acme/CN=desk", NAMES, begins="20200101000000Z", ends="20200201000000Z")
server_only = clients.issue("server", "/O=Acme/CN=desk", NAMES, "serverAuth")
lone, lone_too, lone_not = (self_signed(WORK, name, "/CN=lone") for name in ("lone", "lone_too", "lone_not"))


def tls(certificate=None):
    context = ssl.create_default_context(cafile=servers.file)
    if certificate:
        context.load_cert_chain(certificate.file, certificate.key)
    return context


(WORK / "objects").mkdir()
(WORK / "writ.yaml").write_text(f"""base_url: {BASE}
data: data
organisation: Acme
authorities: {servers.file}
listeners:
  public:
    address: "127.0.0.1:{PORT}"
    tls: {{certificate: {own.file}, key: {own.key}, client_certificates: {{authorities: {clients.file}}}}}
  admin: {{address: "127.0.0.1:{ADMIN}", socket: admin.sock}}
idp: {{client_registration: {{}}}}
resource_as: {{client_registration: {{without_token: true, waiting_max: 2}}}}
clients: {{documents_on_loopback: true}}
objects: objects
policy: objects
""")
BY_NAME = {"dns": "desk.acme.example", "uri": "spiffe://acme.example/desk", "ip": "192.0.2.7", "email": "desk@acme.example"}
by_name = "".join(f"""  - id: by-{kind}
    idp: {{client_id: by-{kind}, authentication: tls_client_auth, tls_client_auth_san_{kind}: "{name}"}}
""" for kind, name in BY_NAME.items())
(WORK / "objects/objects.yaml").write_text(f"""groups: [{{id: eng}}]
users: [{{id: usr_alice, name: alice, groups: [eng], password: alice-password-1}}]
resource_authorization_servers: [{{issuer: {RAS}}}]
trusted_issuers: [{{issuer: {IDP}, subject: user_id, clients: all, scope_ceiling: all}}]
api_tokens: [{{id: registrar, role: registration, token: {REGISTRAR}}}]
agents:
  - id: desk
    idp: {{client_id: desk, authentication: tls_client_auth, tls_client_auth_subject_dn: "CN=desk, O=Acme", tls_client_certificate_bound_access_tokens: true,
      redirect_uris: ["http://127.0.0.1/callback"]}}
    resource_authorization_servers:
      - {{issuer: {RAS}, client_id: desk-at-ras, authentication: tls_client_auth, tls_client_auth_san_dns: desk.acme.example, tls_client_certificate_bound_access_tokens: true}}
{by_name}  - id: lone
    idp: {{client_id: lone, authentication: self_signed_tls_client_auth, tls_client_certificates: ["{lone.fingerprint()}", "{lone_too.fingerprint()}"],
      redirect_uris: ["http://127.0.0.1/callback"]}}
    resource_authorization_servers:
      - {{issuer: {RAS}, client_id: lone-at-ras, authentication: self_signed_tls_client_auth, tls_client_certificates: ["{lone.fingerprint()}"]}}
  - id: keyed
    idp: {{client_id: keyed, authentication: private_key_jwt, jwks_uri: "{KEYS}/keyed"}}
    resource_authorization_servers: [{{issuer: {RAS}, client_id: keyed-at-ras, authentication: private_key_jwt, jwks_uri: "{KEYS}/keyed"}}]
  - id: silent
    idp: {{client_id: silent, authentication: private_key_jwt, jwks_uri: "{KEYS}/silent"}}
  - id: inside
    idp: {{client_id: inside, authentication: private_key_jwt, jwks_uri: "https://10.11.12.13/keys"}}
servers:
  - id: notes
    resource: {NOTES}
    resource_authorization_server: {RAS}
    upstream: {{url: "http://127.0.0.1:{mcp.server_port}/mcp"}}
    first_use: allow
    scopes: [{{name: "notes", default: true}}]
""")
(WORK / "objects/grants.yaml").write_text("""grants:
  - {group: eng, agents: all, servers: [notes], scopes: [notes], tools: all}
""")


def start():
    return Service(BIN / "writ", WORK, lambda: request("GET", RAS + "/jwks", tls=tls()).status == 200)


class OverSocket(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(WORK / "admin.sock"))


def admin(method, path, body=None):
    connection = OverSocket("localhost", timeout=15)
    connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, json.loads(text) if text else None


def last_record():
    """It is written before the answer."""
    return admin("GET", "/admin/v1/audit?limit=1")[1]["items"][0]


def last_reason():
    return last_record().get("reason")


asked = 0


def ask(client_id, certificate=None, issuer=IDP, endpoint="introspect", **form):
    global asked
    asked += 1   # from ever another address: one that fails too often is told to wait
    return post(f"{issuer}/{endpoint}", {"client_id": client_id, "token": "nothing", **form}, tls=tls(certificate), source=f"127.0.1.{1 + asked // 10}")


def is_let_in(reply):
    return reply.status == 200 and json.loads(reply.text) == {"active": False}


def is_refused(reply, reason, status=401, error="invalid_client"):
    return reply.status == status and json.loads(reply.text).get("error") == error and last_reason() == reason


def metadata():
    for issuer in (IDP, RAS):
        document = json.loads(request("GET", issuer.replace(BASE, BASE + "/.well-known/oauth-authorization-server"), tls=tls()).text)
        methods = document["token_endpoint_auth_methods_supported"]
        check(f"the metadata of {issuer[-3:]} offers mutual TLS and tokens that are bound to certificates",
              {"tls_client_auth", "self_signed_tls_client_auth"} <= set(methods) and document["tls_client_certificate_bound_access_tokens"] is True and
              {"tls_client_auth", "self_signed_tls_client_auth"} <= set(document["introspection_endpoint_auth_methods_supported"]), document)
    resource = json.loads(request("GET", BASE + "/.well-known/oauth-protected-resource/mcp/notes", tls=tls()).text)
    check("so does that of the server", resource["tls_client_certificate_bound_access_tokens"] is True, resource)


def by_the_name_in_a_certificate():
    check("a client is known by its subject", is_let_in(ask("desk", desk)), ask("desk", desk).text)
    check("and with its next certificate", is_let_in(ask("desk", renewed)))
    for kind in BY_NAME:
        check(f"a client is known by its {kind} name", is_let_in(ask(f"by-{kind}", desk)))
        check(f"another's certificate has not that {kind} name", is_refused(ask(f"by-{kind}", other), "client_certificate_of_another"), last_reason())
    check("at the resource authorization server too", is_let_in(ask("desk-at-ras", desk, RAS)), ask("desk-at-ras", desk, RAS).text)
    for what, certificate, reason in [("no certificate", None, "client_certificate_absent"),
                                      ("another client's certificate", other, "client_certificate_of_another"),
                                      ("the same name of an authority that nobody trusts", stranger, "client_certificate_untrusted"),
                                      ("a certificate that has ended", expired, "client_certificate_times"),
                                      ("a certificate for servers", server_only, "client_certificate_untrusted"),
                                      ("a self-signed certificate", lone, "client_certificate_untrusted")]:
        for issuer, client_id in [(IDP, "desk"), (RAS, "desk-at-ras")]:
            check(f"{what} is refused at {issuer[-3:]}", is_refused(ask(client_id, certificate, issuer), reason), last_reason())
    check("a secret instead is refused", is_refused(ask("desk", desk, client_secret="x" * 32), "method_not_registered"), last_reason())
    check("an unknown client with a good certificate is unknown", is_refused(ask("nobody", desk), "unknown_client"), last_reason())
    for endpoint, form, status in [("revoke", {}, 200), ("par", {"response_type": "code", "redirect_uri": CALLBACK, "code_challenge": pkce()[1], "code_challenge_method": "S256", "scope": "openid"}, 201),
                                   ("device_authorization", {}, 200)]:
        reply = ask("desk", desk, endpoint=endpoint, **form)
        check(f"{endpoint} takes the certificate", reply.status == status, reply.text)
        check(f"{endpoint} refuses another's", is_refused(ask("desk", other, endpoint=endpoint, **form), "client_certificate_of_another"), last_reason())


def by_the_certificate_itself():
    for what, certificate in [("the", lone), ("the second", lone_too)]:
        check(f"{what} registered certificate is enough", is_let_in(ask("lone", certificate)))
    check("at the resource authorization server too", is_let_in(ask("lone-at-ras", lone, RAS)))
    for what, certificate, reason in [("no certificate", None, "client_certificate_absent"), ("one of the same name", lone_not, "client_certificate_unregistered"),
                                      ("one that an authority vouches for", desk, "client_certificate_unregistered")]:
        check(f"{what} is refused", is_refused(ask("lone", certificate), reason), last_reason())
    check("what is registered at one server counts there", is_refused(ask("lone-at-ras", lone_too, RAS), "client_certificate_unregistered"), last_reason())


def sign_in(client_id, certificate):
    """The whole way: a person signs in, and the client gets an ID-JAG and an access token for the server."""
    verifier, challenge = pkce()
    alice = Person("alice", "alice-password-1", tls())
    reply = alice.go(f"{IDP}/authorize?" + urllib.parse.urlencode({"response_type": "code", "client_id": client_id, "redirect_uri": CALLBACK, "code_challenge": challenge,
                                                                    "code_challenge_method": "S256", "state": "s", "scope": "openid offline_access"}), CALLBACK)
    form = {"grant_type": "authorization_code", "client_id": client_id, "code": reply.query().get("code", ""), "redirect_uri": CALLBACK, "code_verifier": verifier}
    if client_id == "desk":
        check("without the certificate the code gives nothing", is_refused(post(IDP + "/token", form, tls=tls()), "client_certificate_absent"), last_reason())
    signed_in = post(IDP + "/token", form, tls=tls(certificate))
    check(f"{client_id} redeems alice's code", signed_in.status == 200, signed_in.text)
    return json.loads(signed_in.text)


def exchange(client_id, at_ras, certificate, id_token):
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "client_id": client_id, "requested_token_type": "urn:ietf:params:oauth:token-type:id-jag",
            "subject_token": id_token, "subject_token_type": "urn:ietf:params:oauth:token-type:id_token", "audience": RAS, "resource": NOTES, "scope": "notes"}
    id_jag = post(IDP + "/token", form, tls=tls(certificate))
    check(f"{client_id} gets an ID-JAG", id_jag.status == 200, id_jag.text)
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "client_id": at_ras, "assertion": json.loads(id_jag.text).get("access_token", "")}
    token = post(RAS + "/token", form, tls=tls(certificate))
    check(f"{client_id} gets an access token", token.status == 200, token.text)
    return json.loads(token.text)


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def call(token, certificate=None):
    message = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "i", "version": "1"}}})
    return request("POST", NOTES, message, {"Authorization": "Bearer " + token, "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
                                            "MCP-Protocol-Version": "2025-11-25"}, tls(certificate))


def bound_tokens():
    x5t = base64.urlsafe_b64encode(bytes.fromhex(desk.fingerprint().replace(":", ""))).rstrip(b"=").decode()
    signed_in = sign_in("desk", desk)
    check("the identity provider's access token is bound to the certificate", claims_of(signed_in["access_token"]).get("cnf") == {"x5t#S256": x5t}, claims_of(signed_in["access_token"]))
    bearer = {"Authorization": "Bearer " + signed_in["access_token"]}
    check("userinfo takes it over that certificate", request("GET", IDP + "/userinfo", None, bearer, tls(desk)).status == 200)
    for what, certificate in [("none", None), ("another", other)]:
        reply = request("GET", IDP + "/userinfo", None, bearer, tls(certificate))
        check(f"userinfo does not take it over {what}", reply.status == 401 and "invalid_token" in reply.headers["www-authenticate"], reply.status)
    token = exchange("desk", "desk-at-ras", desk, signed_in["id_token"])
    check("so is the one for the server, and it is a Bearer token", claims_of(token["access_token"]).get("cnf") == {"x5t#S256": x5t} and token["token_type"] == "Bearer", token)
    check("the gateway takes it over that certificate", call(token["access_token"], desk).status == 200, call(token["access_token"], desk).text)
    for what, certificate, reason in [("none", None, "client_certificate_absent"), ("another", other, "client_certificate_of_another"),
                                      ("the client's next certificate", renewed, "client_certificate_of_another")]:
        reply = call(token["access_token"], certificate)
        check(f"the gateway does not take it over {what}", reply.status == 401 and 'error="invalid_token"' in reply.headers["www-authenticate"] and last_reason() == reason, (reply.status, last_reason()))
    described = json.loads(ask("desk-at-ras", desk, RAS, token=token["access_token"]).text)
    check("introspection tells what it is bound to", described.get("active") is True and described.get("cnf") == {"x5t#S256": x5t} and described.get("token_type") == "Bearer", described)
    refreshed = post(IDP + "/token", {"grant_type": "refresh_token", "client_id": "desk", "refresh_token": signed_in.get("refresh_token", "")}, tls=tls(renewed))
    check("a refreshed token is bound to the certificate of its own request", refreshed.status == 200 and claims_of(json.loads(refreshed.text)["access_token"])["cnf"]["x5t#S256"] != x5t, refreshed.text)
    token = exchange("lone", "lone-at-ras", lone, sign_in("lone", lone)["id_token"])
    check("a client that did not ask for it gets tokens that are not bound", "cnf" not in claims_of(token["access_token"]) and call(token["access_token"]).status == 200, token)


def assertion(key, client_id, issuer):
    now = int(time.time())
    return key.sign({"iss": client_id, "sub": client_id, "aud": issuer, "jti": secrets.token_urlsafe(16), "iat": now, "exp": now + 60}, "client-authentication+jwt")


def keyed(key, client_id="keyed", issuer=IDP):
    return post(f"{issuer}/introspect", {"token": "nothing", "client_assertion_type": ASSERTION, "client_assertion": assertion(key, client_id, issuer)}, tls=tls())


first, second, unknown = (Key(WORK, name) for name in ("first", "second", "unknown"))


def published_keys():
    KeySite.keys["/keyed"] = [first.jwk]
    check("a client is known by a key that it publishes", is_let_in(keyed(first)), keyed(first).text)
    began = time.monotonic()
    check("at the resource authorization server too, from what is known", is_let_in(keyed(first, "keyed-at-ras", RAS)))
    check("its keys were asked for once", KeySite.asked.count("/keyed") == 1, KeySite.asked)
    KeySite.keys["/keyed"] = [second.jwk]
    for _ in range(5):
        check("a key that is not known does not count", is_refused(keyed(unknown), "assertion_signature"), last_reason())
    check("a flood of unknown keys asks its site no more often", KeySite.asked.count("/keyed") == 1, KeySite.asked)
    KeySite.status = 500
    check("keys that cannot be had are no yes, and no no", keyed(first, "silent").status == 503)
    reply = keyed(first, "inside")
    check("an address inside is not asked", reply.status == 503, reply.text)
    check("known keys are enough while their site is down", is_let_in(keyed(first)))
    KeySite.status = 200
    return began


def exchanged_keys(began):
    time.sleep(max(0.0, began + 31 - time.monotonic()))
    check("the next key counts when it is published", is_let_in(keyed(second)), keyed(second).text)
    check("it took one more question", KeySite.asked.count("/keyed") == 2, KeySite.asked)
    check("the one that it took the place of counts no more", is_refused(keyed(first), "assertion_signature"), last_reason())
    again = assertion(second, "keyed", IDP)
    form = {"token": "nothing", "client_assertion_type": ASSERTION, "client_assertion": again}
    check("an assertion is good once", is_let_in(post(IDP + "/introspect", form, tls=tls())) and is_refused(post(IDP + "/introspect", form, tls=tls()), "assertion_replayed"), last_reason())


def register(issuer, metadata, token=None):
    headers = {"Content-Type": "application/json"} | ({"Authorization": "Bearer " + token} if token else {})
    return request("POST", issuer + "/register", json.dumps(metadata), headers, tls())


def with_secret(client_id, secret):
    return post(IDP + "/introspect", {"client_id": client_id, "client_secret": secret, "token": "nothing"}, tls=tls(), source="127.0.2.1")


def manage(method, registered, body=None):
    headers = {"Authorization": "Bearer " + registered["registration_access_token"]} | ({"Content-Type": "application/json"} if body else {})
    return request(method, registered["registration_client_uri"], json.dumps(body) if body else None, headers, tls())


def enable(agent_id):
    status, document = admin("GET", f"/admin/v1/agents/{agent_id}")
    assert status == 200, (status, document)
    document = document.get("object", document)
    document["active"] = True
    status, said = admin("PUT", f"/admin/v1/agents/{agent_id}", document)
    check("an administrator enables it", status == 200, said)


def registration():
    for issuer in (IDP, RAS):
        document = json.loads(request("GET", issuer.replace(BASE, BASE + "/.well-known/oauth-authorization-server"), tls=tls()).text)
        check(f"the metadata of {issuer[-3:]} names where clients register", document.get("registration_endpoint") == issuer + "/register", document)
    desired = {"client_name": "Newcomer", "redirect_uris": [CALLBACK]}
    for what, token, reason in [("without a token", None, "registration_token_absent"), ("with another token", "x" * 30, "registration_token_refused")]:
        reply = register(IDP, desired, token)
        check(f"nobody registers {what}", reply.status == 401 and last_reason() == reason, (reply.status, last_reason()))
    reply = register(IDP, desired | {"redirect_uris": ["http://evil.example/"]}, REGISTRAR)
    check("a redirect URI that nobody could register is refused", reply.status == 400 and json.loads(reply.text)["error"] == "invalid_redirect_uri" and last_reason() == "registration_metadata", reply.text)
    reply = register(IDP, desired | {"client_id": "desk"}, REGISTRAR)
    check("a client does not choose its name", reply.status == 400 and json.loads(reply.text)["error"] == "invalid_client_metadata", reply.text)
    reply = register(IDP, desired, REGISTRAR)
    registered = json.loads(reply.text)
    check("a client registers itself", reply.status == 201 and registered["client_name"] == "Newcomer" and registered["redirect_uris"] == [CALLBACK], reply.text)
    record = last_record()
    check("and that is on record", record.get("event") == "provisioning" and "registration:registrar" in json.dumps(record), record)
    client_id, secret = registered["client_id"], registered["client_secret"]
    check("it gets nothing", is_refused(with_secret(client_id, secret), "disabled_client"), last_reason())
    reply = Person("alice", "alice-password-1", tls()).go(f"{IDP}/authorize?" + urllib.parse.urlencode({"response_type": "code", "client_id": client_id, "redirect_uri": CALLBACK,
                                                                                                        "code_challenge": pkce()[1], "code_challenge_method": "S256", "scope": "openid"}), CALLBACK)
    check("and signs nobody in", "code" not in reply.query(), reply.url)
    listed = subprocess.run([BIN / "writ", "agent", "list"], cwd=WORK, env={**os.environ, "WRIT_SOCKET": str(WORK / "admin.sock")}, capture_output=True, text=True, timeout=30).stdout
    line = next((line for line in listed.splitlines() if client_id in line), "")
    check("administrators see what it is", "self-registered" in line and "Newcomer" in line, listed)
    enable(client_id)
    check("from then on it is a client", is_let_in(with_secret(client_id, secret)), last_reason())
    check("it reads what it registered", manage("GET", registered).status == 200 and json.loads(manage("GET", registered).text)["client_id"] == client_id)
    foreign_token = registered | {"registration_client_uri": IDP + "/register/desk"}
    check("and nobody else's", manage("GET", foreign_token).status == 401 and last_reason() == "registration_token_refused", last_reason())
    reply = manage("PUT", registered, {"client_id": client_id, "client_name": "Newcomer", "redirect_uris": ["https://new.example/cb"]})
    check("it changes it", reply.status == 200 and json.loads(reply.text)["redirect_uris"] == ["https://new.example/cb"], reply.text)
    check("what an administrator enabled was something else", is_refused(with_secret(client_id, secret), "disabled_client"), last_reason())
    check("it removes itself", manage("DELETE", registered).status == 204 and admin("GET", f"/admin/v1/agents/{client_id}")[0] == 404)
    check("and is gone", is_refused(with_secret(client_id, secret), "unknown_client") and manage("GET", registered).status == 401, last_reason())

    public = {"redirect_uris": [], "grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"], "response_types": []}
    for _ in range(2):
        check("where the configuration says so, no token is needed", register(RAS, public).status == 201, last_record())
    reply = register(RAS, public)
    check("there is an end to who waits", reply.status == 429 and last_reason() == "registrations_full", reply.text)


service = None
try:
    service = start()
    began = published_keys()
    metadata()
    by_the_name_in_a_certificate()
    by_the_certificate_itself()
    bound_tokens()
    registration()
    exchanged_keys(began)
finally:
    if service:
        service.stop()
    if checks.failed:
        print((WORK / "writ.log").read_text()[-2000:])
    shutil.rmtree(WORK, ignore_errors=True)
sys.exit(checks.close())
