#!/usr/bin/env python3
"""SAML assertions over HTTP: the identity provider of the company is `xmlsec1` with a key of its own, Writ is a running `writ serve`, the agent is this
script. Everything on loopback; keys are made when the test runs."""
import base64
import json
import os
import pathlib
import shutil
import signal
import socket
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
from checks import check, free_port  # noqa: E402
from company import AUDIENCE, ENTITY, RECIPIENT, Company, at  # noqa: E402
from mcp_server import McpServer, serve  # noqa: E402

BIN = pathlib.Path(sys.argv[1]).resolve()
WORK = pathlib.Path(tempfile.mkdtemp(prefix="writ-saml-"))
SAML2, REFRESH, ID_JAG = (f"urn:ietf:params:oauth:token-type:{name}" for name in ("saml2", "refresh_token", "id-jag"))
EXCHANGE, BEARER = "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Trap:
    """Whoever connects here followed something that a stranger's document named."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.visits = self.socket.getsockname()[1], 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            visitor, _ = self.socket.accept()
            self.visits += 1
            visitor.close()


company = Company(WORK)
for key_name, key_kind in (("idp", "rsa"), ("idp-ec", "ec"), ("stranger", "rsa")):
    company.make_key(key_name, key_kind)


def Assertion(**changes):  # noqa: N802
    return company.assertion(**changes)


PORT, ADMIN = free_port(), free_port()
BASE = f"http://127.0.0.1:{PORT}"
mcp = serve(McpServer)
trap = Trap()


def secret(name):
    return f"{name}-secret-0123456789abcdef0123456789"


OBJECTS = f"""groups: [{{id: eng}}, {{id: sales}}]
users:
  - {{id: usr_alice, name: alice, email: alice@corp.example, email_verified: true, external_id: e-1}}
  - {{id: usr_bob, name: bob, external_id: e-2}}
  - {{id: usr_gone, name: gone, external_id: e-3, active: false}}
resource_authorization_servers:
  - {{issuer: {BASE}/ras, saml_subject: {{issuer: "{BASE}/idp/saml", name_id: email, name_id_format: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress", sp_name_qualifier: "https://notes.example/sp"}}}}
agents:
  - id: desk
    idp: {{client_id: desk, secret: {secret('desk')}}}
    resource_authorization_servers: [{{issuer: {BASE}/ras, client_id: desk-at-ras, secret: {secret('desk')}}}]
  - id: other
    idp: {{client_id: other, secret: {secret('other')}}}
identity_connectors:
  - id: corp
    issuer: https://login.corp.example
    client_id: writ
    client_authentication: none
    match: externalId=employee
    groups: {{engineering: eng, sales-dept: sales}}
    saml:
      entity_id: {ENTITY}
      certificates: [{company.certificates("idp", "idp-ec")}]
      audiences: {{"{AUDIENCE}": desk, "https://other.example/sp": other}}
      recipient: {RECIPIENT}
      attributes: {{groups: memberOf, email: mail}}
servers:
  - id: notes
    resource: {BASE}/mcp/notes
    resource_authorization_server: {BASE}/ras
    upstream: {{url: "http://127.0.0.1:{mcp.server_port}/mcp"}}
    first_use: allow
    scopes: [{{name: "notes", default: true}}]
trusted_issuers:
  - {{issuer: {BASE}/idp, subject: user_id, clients: all, scope_ceiling: all}}
"""
(WORK / "objects").mkdir()
(WORK / "objects/objects.yaml").write_text(OBJECTS)
(WORK / "objects/grants.yaml").write_text("grants:\n  - {group: eng, agents: all, servers: [notes], scopes: all, tools: all}\n")
(WORK / "writ.yaml").write_text(f"""base_url: {BASE}
data: data
listeners:
  public: {{address: "127.0.0.1:{PORT}"}}
  admin: {{address: "127.0.0.1:{ADMIN}", socket: admin.sock}}
objects: objects
policy: objects
""")
ENV = {**os.environ, "WRIT_CONFIG_DIR": str(WORK / "config"), "WRIT_SOCKET": str(WORK / "admin.sock")}


def writ(*arguments):
    return subprocess.run([BIN / "writ", *arguments], env=ENV, capture_output=True, text=True, timeout=60)


def start_server():
    log = open(WORK / "server.log", "a")
    child = subprocess.Popen([BIN / "writ", "serve", "-c", WORK / "writ.yaml"], stdout=log, stderr=log, env=ENV)
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{BASE}/idp/.well-known/openid-configuration", timeout=5).read()
            return child
        except OSError:
            if child.poll() is not None:
                break
            time.sleep(0.05)
    raise SystemExit("writ serve does not answer: " + (WORK / "server.log").read_text()[-3000:])


def part(text: str, begin: str, end: str) -> str:
    return text[text.index(begin):text.index(end) + len(end)]


# ---- the agent

def post(path, parameters):
    request = urllib.request.Request(BASE + path, data=urllib.parse.urlencode(parameters).encode())
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def exchange(text: str, agent="desk", encode=encoded, **more):
    return post("/idp/token", {"grant_type": EXCHANGE, "requested_token_type": REFRESH, "scope": "openid offline_access", "subject_token": encode(text), "subject_token_type": SAML2,
                               "client_id": agent, "client_secret": secret(agent), **more})


def id_jag_for(token, kind=REFRESH):
    return post("/idp/token", {"grant_type": EXCHANGE, "requested_token_type": ID_JAG, "audience": f"{BASE}/ras", "resource": f"{BASE}/mcp/notes", "subject_token": token,
                               "subject_token_type": kind, "client_id": "desk", "client_secret": secret("desk")})


def redeem(id_jag):
    return post("/ras/token", {"grant_type": BEARER, "assertion": id_jag, "client_id": "desk-at-ras", "client_secret": secret("desk")})


def call(token):
    def send(message, session=None):
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Authorization": f"Bearer {token}"}
        if session:
            headers["Mcp-Session-Id"], headers["MCP-Protocol-Version"] = session, "2025-11-25"
        request = urllib.request.Request(f"{BASE}/mcp/notes", data=json.dumps(message).encode(), headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, response.headers, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()
    status, headers, body = send({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}})
    if status != 200:
        return status, body
    session = headers.get("Mcp-Session-Id")
    send({"jsonrpc": "2.0", "method": "notifications/initialized"}, session)
    status, _, body = send({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "search", "arguments": {}}}, session)
    return status, body


def claims_of(token):
    middle = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


def last_record():
    out = writ("--json", "audit", "query", "--limit", "1").stdout
    return (json.loads(out) if out.lstrip().startswith("[") else [json.loads(line) for line in out.splitlines() if line.strip()])[0]


def refused(name, text, reason, **more):
    began = time.monotonic()
    status, answer = exchange(text, **more)
    took = time.monotonic() - began
    record = last_record()
    check(f"{name} is refused: {reason}", status == 400 and answer.get("error") == "invalid_grant" and record.get("reason") == reason and took < 2, (status, answer, record, took))


server = start_server()
try:
    # ---- assertion → refresh token → ID-JAG → access token → call
    good = Assertion()
    good_text = good.signed()
    status, refresh = exchange(good_text)
    check("an assertion gives a refresh token", status == 200 and refresh.get("issued_token_type") == REFRESH and refresh.get("token_type") == "N_A" and refresh.get("expires_in", 0) > 0, (status, refresh))
    record = last_record()
    check("the sign-in is on record with person, assertion and question", record.get("event") == "sign_in" and record.get("user") == "usr_alice" and good.id in json.dumps(record) and "_request" in json.dumps(record), record)
    status, granted = id_jag_for(refresh.get("access_token", ""))
    check("the refresh token gives an ID-JAG", status == 200 and granted.get("issued_token_type") == ID_JAG, (status, granted))
    claims = claims_of(granted["access_token"])
    check("with the time of the sign-in and its context", time.time() - claims.get("auth_time", 0) < 120 and claims.get("acr", "").endswith("PasswordProtectedTransport"), claims)
    check("and the person's NameID towards a server that signs people in by SAML",
          claims.get("sub_id") == {"format": "saml-nameid", "issuer": f"{BASE}/idp/saml", "nameid": "alice@corp.example", "nameid_format": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
                                   "sp_name_qualifier": "https://notes.example/sp"}, claims)
    status, access = redeem(granted["access_token"])
    check("the ID-JAG gives an access token", status == 200 and access.get("token_type") == "Bearer", (status, access))
    status, answer = call(access.get("access_token", ""))
    check("the access token makes a call", status == 200 and "done: search" in answer, (status, answer))

    refused("the same assertion once more", good_text, "saml_replayed")
    status, _ = exchange(Assertion(signature_method="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256").signed("idp-ec"), encode=lambda text: base64.b64encode(text.encode()).decode())
    check("the provider's other key works too, and padded base64", status == 200, _)
    status, _ = id_jag_for(encoded(Assertion().signed()), SAML2)
    check("an assertion is the subject of an ID-JAG directly", status == 200, _)

    # ---- groups of the assertion decide
    status, refresh_bob = exchange(Assertion(employee="e-2", name_id="bob", groups=["sales-dept"]).signed())
    status, answer = id_jag_for(refresh_bob.get("access_token", ""))
    check("bob's groups let him in nowhere", status == 400 and answer.get("error") == "access_denied" and last_record().get("reason") == "no_permit", (status, answer))

    # ---- one change each
    refused("without a signature", Assertion().text(), "saml_not_signed")
    refused("by a stranger's key, which it brings along", Assertion().signed("stranger"), "saml_signature")
    refused("changed after signing", Assertion().signed().replace("alice@corp.example", "admin@corp.example"), "saml_digest")
    refused("for another audience", Assertion(audience="https://evil.example/sp").signed(), "saml_audience")
    refused("for the audience of another agent", Assertion(audience="https://other.example/sp").signed(), "saml_audience")
    refused("presented by another agent", Assertion().signed(), "saml_audience", agent="other")
    refused("for another recipient", Assertion(recipient="https://evil.example/acs").signed(), "saml_recipient")
    refused("for another question than the agent's", Assertion().signed(), "saml_in_response_to", in_response_to="_another")
    asked = Assertion()
    status, answer = exchange(asked.signed(), in_response_to="_request")
    check("for the agent's own question it is accepted", status == 200 and answer.get("token_type") == "N_A", (status, answer))
    refused("of another issuer", Assertion(issuer="https://evil.example/saml").signed(), "saml_issuer")
    refused("expired", Assertion(ends=-31).signed(), "saml_expired")
    refused("with an expired confirmation", Assertion(confirmed=-31).signed(), "saml_confirmation_expired")
    refused("not valid yet", Assertion(not_before=60).signed(), "saml_not_yet_valid")
    refused("issued too long ago", Assertion(issued=-3700).signed(), "saml_too_old")
    refused("of a session that is over", Assertion(session=f' SessionNotOnOrAfter="{at(-1)}"').signed(), "saml_session_over")
    refused("with a condition that nobody knows", Assertion(more_conditions="<saml:Condition/>").signed(), "saml_condition_unknown")
    refused("signed with SHA-1", Assertion(signature_method="http://www.w3.org/2000/09/xmldsig#rsa-sha1").signed(), "saml_algorithm")
    refused("with a digest of SHA-1", Assertion(digest_method="http://www.w3.org/2000/09/xmldsig#sha1").signed(), "saml_algorithm")
    refused("canonicalised otherwise", Assertion(canonicalization="http://www.w3.org/TR/2001/REC-xml-c14n-20010315").signed(), "saml_canonicalization")
    refused("of a disabled person", Assertion(employee="e-3", name_id="gone").signed(), "user_disabled")
    refused("of nobody who is known here", Assertion(employee="e-4", name_id="nobody").signed(), "subject_not_admitted")
    refused("as plain XML", Assertion().signed(), "saml_encoding", encode=lambda text: text.replace("\n", ""))
    refused("with a comment in the name", Assertion(name_id="alice@corp.example.evil.example").signed().replace("alice@corp.example.", "alice@corp.example<!-- -->."), "saml_comment")
    refused("with two elements of one ID", Assertion().signed().replace("</saml:AttributeStatement>", '</saml:AttributeStatement><saml:Advice><x ID="_one"/><x ID="_one"/></saml:Advice>'), "saml_duplicate_id")

    # ---- documents that are more than an assertion
    bomb = '<!DOCTYPE saml:Assertion [<!ENTITY a0 "aaaaaaaaaaaaaaaaaaaa">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12)) + "]>"
    refused("a billion laughs", bomb + Assertion().signed().replace("alice@corp.example", "&a11;"), "saml_document_type")
    for what, document_type in (("an external entity", f'[<!ENTITY x SYSTEM "http://127.0.0.1:{trap.port}/x">]'), ("an external subset", f'SYSTEM "http://127.0.0.1:{trap.port}/x.dtd"'),
                                ("a parameter entity", f'[<!ENTITY % x SYSTEM "http://127.0.0.1:{trap.port}/x.dtd"> %x;]'), ("a local file", '[<!ENTITY x SYSTEM "file:///etc/passwd">]')):
        refused(what, f"<!DOCTYPE saml:Assertion {document_type}>" + Assertion().signed().replace("alice@corp.example", "&x;"), "saml_document_type")
    refused("a stylesheet", f'<?xml-stylesheet href="http://127.0.0.1:{trap.port}/x.xsl"?>' + Assertion().signed(), "saml_processing_instruction")
    refused("a hundred elements deep", "<a>" * 100 + "</a>" * 100, "saml_too_deep")

    # ---- signature wrapping: what the provider signed for bob, around what he wants to be read
    mine = Assertion(employee="e-2", name_id="bob", groups=["sales-dept"])
    mine_text = mine.signed()
    signature = part(mine_text, "<ds:Signature", "</ds:Signature>")
    bare = mine_text.replace(signature, "")
    evil = Assertion(id="_evil")
    in_response = '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r">{}</samlp:Response>'.format
    around = signature.replace("</ds:Signature>", "<ds:Object>{}</ds:Object></ds:Signature>").format
    inside = lambda outer, inner: outer.replace("</saml:Assertion>", inner + "</saml:Assertion>")  # noqa: E731
    for name, text, reason in (
            ("XSW1", in_response(around(in_response(bare).replace('"_r"', '"_r2"')) + evil.text()), "saml_not_an_assertion"),
            ("XSW2", in_response(signature + in_response(bare).replace('"_r"', '"_r2"') + evil.text()), "saml_not_an_assertion"),
            ("XSW3", in_response(evil.text() + mine_text), "saml_not_an_assertion"),
            ("XSW4", inside(evil.text(), mine_text), "saml_several_assertions"),
            ("XSW5", inside(evil.text(signature), bare), "saml_several_assertions"),
            ("XSW6", evil.text(around(bare)), "saml_several_assertions"),
            ("XSW7", inside(mine_text, "<saml:Advice>" + evil.text() + "</saml:Advice>"), "saml_several_assertions"),
            ("XSW8", evil.text(around(mine_text.replace(signature, ""))), "saml_several_assertions"),
            ("a signature of another assertion", evil.text(signature), "saml_reference_elsewhere"),
            ("a signature of another assertion of that ID", Assertion(id=mine.id).text(signature), "saml_digest")):
        refused(name, text, reason)
    check("nobody followed what those documents named", trap.visits == 0, trap.visits)

    # ---- requests that are none
    for name, more, error in (("another requested type", {"requested_token_type": "urn:ietf:params:oauth:token-type:access_token"}, "invalid_request"),
                              ("an ID token for a refresh token", {"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
                              ("an actor", {"actor_token": "x", "actor_token_type": SAML2}, "invalid_request"), ("a resource", {"resource": f"{BASE}/mcp/notes"}, "invalid_target")):
        status, answer = exchange(Assertion().signed(), **more)
        check(f"{name} is answered {error}", status == 400 and answer.get("error") == error, (status, answer))

    # ---- it ends with the person
    done = writ("user", "disable", "alice")
    status, answer = id_jag_for(refresh.get("access_token", ""))
    check("a disabled person's refresh token is worth nothing", status == 400 and answer.get("error") == "invalid_grant" and last_record().get("reason") == "user_disabled", (done.stderr, status, answer, last_record()))
finally:
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.kill()
    mcp.shutdown()
    if checks.failed:
        print((WORK / "server.log").read_text()[-1500:])
    shutil.rmtree(WORK, ignore_errors=True)

sys.exit(checks.close())
