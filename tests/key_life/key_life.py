#!/usr/bin/env python3
"""Keys of a running `writ serve`, seen from outside: by `jose` in Node, by an agent, and by an operator who rotates them."""
import base64
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "saml"), str(HERE.parent / "support")]
import checks  # noqa: E402
from checks import check, free_port  # noqa: E402
from company import AUDIENCE, ENTITY, RECIPIENT, Company  # noqa: E402
from mcp_server import McpServer, serve  # noqa: E402

BIN, NODE = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
WORK = pathlib.Path(tempfile.mkdtemp(prefix="writ-keys-"))
TYPES = "urn:ietf:params:oauth:token-type:"
EXCHANGE, BEARER = "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer"
SECRET = "desk-secret-0123456789abcdef0123456789"


def jose(**asked):
    done = subprocess.run(["node", str(HERE / "jose.mjs")], input=json.dumps(asked), cwd=NODE, capture_output=True, text=True, timeout=30)
    return json.loads(done.stdout) if done.stdout else {"error": done.stderr}


def fetch(url, data=None, headers=None):
    request = urllib.request.Request(url, data=data, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.loads(response.read() or b"null")
    except urllib.error.HTTPError as error:
        body = error.read()
        try:
            return error.code, json.loads(body or b"null")
        except ValueError:
            return error.code, {"text": body.decode(errors="replace")}


company = Company(WORK)
company.make_key("idp", "rsa")
mcp = serve(McpServer)


class Deployment:
    def __init__(self, name, keys="", resource_as="", environment=None, foreign_jwks=None, own_jwks=None):
        self.folder = WORK / name
        self.folder.mkdir()
        (self.folder / "objects").mkdir()
        self.port, self.admin = free_port(), free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.environment = environment or {}
        self.configure(keys, resource_as)
        self.objects(foreign_jwks, own_jwks)
        (self.folder / "objects/grants.yaml").write_text("grants:\n  - {group: eng, agents: all, servers: [notes, crm], scopes: all, tools: all}\n")
        self.child = None

    def configure(self, keys="", resource_as=""):
        (self.folder / "writ.yaml").write_text(f"""base_url: {self.base}
data: data
listeners:
  public: {{address: "127.0.0.1:{self.port}"}}
  admin: {{address: "127.0.0.1:{self.admin}", socket: admin.sock}}
keys: {{{keys}}}
resource_as: {{{resource_as}}}
objects: objects
policy: objects
""")

    def objects(self, foreign_jwks=None, own_jwks=None):
        def encryption(jwks):
            return f", encryption_jwks: {json.dumps(jwks)}" if jwks else ""
        (self.folder / "objects/objects.yaml").write_text(f"""groups: [{{id: eng}}]
users: [{{id: usr_alice, name: alice, external_id: e-1, groups: [eng]}}]
resource_authorization_servers:
  - {{issuer: "{self.base}/ras"{encryption(own_jwks)}}}
  - {{issuer: "https://as.partner.example"{encryption(foreign_jwks)}}}
agents:
  - id: desk
    idp: {{client_id: desk, secret: {SECRET}}}
    resource_authorization_servers: [{{issuer: {self.base}/ras, client_id: desk-at-ras, secret: {SECRET}}}, {{issuer: "https://as.partner.example", client_id: desk-there}}]
identity_connectors:
  - id: corp
    issuer: https://login.corp.example
    client_id: writ
    client_authentication: none
    match: externalId=employee
    saml: {{entity_id: "{ENTITY}", certificates: [{company.certificates("idp")}], audiences: {{"{AUDIENCE}": desk}}, recipient: "{RECIPIENT}"}}
servers:
  - {{id: notes, resource: {self.base}/mcp/notes, resource_authorization_server: {self.base}/ras, upstream: {{url: "http://127.0.0.1:{mcp.server_port}/mcp"}}, first_use: allow, scopes: [{{name: notes, default: true}}]}}
  - {{id: crm, resource: "https://mcp.partner.example/mcp", resource_authorization_server: "https://as.partner.example", scopes: [{{name: crm, default: true}}]}}
trusted_issuers: [{{issuer: {self.base}/idp, subject: user_id, clients: all, scope_ceiling: all}}]
""")

    def start(self):
        log = open(self.folder / "server.log", "a")
        env = {**os.environ, "WRIT_SOCKET": str(self.folder / "admin.sock"), **self.environment}
        self.child = subprocess.Popen([BIN / "writ", "serve", "-c", self.folder / "writ.yaml"], stdout=log, stderr=log, env=env)
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.base}/idp/jwks", timeout=5).read()
                return True
            except OSError:
                if self.child.poll() is not None:
                    return False
                time.sleep(0.03)
        return False

    def stop(self):
        if self.child is None or self.child.poll() is not None:
            return
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def log(self):
        return (self.folder / "server.log").read_text()[-1500:]

    def writ(self, *arguments):
        env = {**os.environ, "WRIT_SOCKET": str(self.folder / "admin.sock"), "WRIT_CONFIG_DIR": str(self.folder / "config")}
        return subprocess.run([BIN / "writ", *arguments], env=env, capture_output=True, text=True, timeout=60)

    def post(self, path, **parameters):
        return fetch(self.base + path, urllib.parse.urlencode(parameters).encode())

    def refresh_token(self):
        text = base64.urlsafe_b64encode(company.assertion().signed().encode()).decode().rstrip("=")
        return self.post("/idp/token", grant_type=EXCHANGE, requested_token_type=TYPES + "refresh_token", scope="openid offline_access", subject_token=text, subject_token_type=TYPES + "saml2",
                         client_id="desk", client_secret=SECRET)[1].get("access_token", "")

    def id_jag(self, refresh, audience=None, resource=None):
        return self.post("/idp/token", grant_type=EXCHANGE, requested_token_type=TYPES + "id-jag", audience=audience or f"{self.base}/ras", resource=resource or f"{self.base}/mcp/notes",
                         subject_token=refresh, subject_token_type=TYPES + "refresh_token", client_id="desk", client_secret=SECRET)[1].get("access_token", "")

    def redeem(self, id_jag):
        return self.post("/ras/token", grant_type=BEARER, assertion=id_jag, client_id="desk-at-ras", client_secret=SECRET)

    def call(self, token):
        message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}
        return fetch(f"{self.base}/mcp/notes", json.dumps(message).encode(), {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Authorization": f"Bearer {token}"})[0]

    def jwks(self, role):
        return fetch(f"{self.base}/{role}/jwks")[1]

    def last_reason(self):
        out = self.writ("--json", "audit", "query", "--limit", "1").stdout
        record = json.loads(out)[0] if out.lstrip().startswith("[") else json.loads(out.splitlines()[0])
        return record.get("reason")


def header_of(token):
    first = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))


running = []


def deployed(*arguments, **more):
    deployment = Deployment(*arguments, **more)
    running.append(deployment)
    if not deployment.start():
        raise SystemExit("writ serve does not answer: " + deployment.log())
    return deployment


try:
    # ---- every algorithm, of each role: signed here, published, verified elsewhere
    algorithms = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]
    for index, algorithm in enumerate(algorithms):
        other = algorithms[(index + 1) % len(algorithms)]
        one = deployed(f"alg-{algorithm}", keys=f"algorithm: {other}, idp: {{algorithm: {algorithm}}}")
        id_jag = one.id_jag(one.refresh_token())
        verified = jose(do="verify", token=id_jag, jwks=one.jwks("idp"), options={"issuer": f"{one.base}/idp", "audience": f"{one.base}/ras", "typ": "oauth-id-jag+jwt", "algorithms": [algorithm]})
        check(f"{algorithm}: an ID-JAG is verified by jose with the published key", verified.get("payload", {}).get("client_id") == "desk-at-ras", verified)
        status, access = one.redeem(id_jag)
        token = access.get("access_token", "")
        verified = jose(do="verify", token=token, jwks=one.jwks("ras"), options={"issuer": f"{one.base}/ras", "audience": f"{one.base}/mcp/notes", "typ": "at+jwt", "algorithms": [other]})
        check(f"{other}: an access token of the other role is verified by jose, too", status == 200 and verified.get("payload", {}).get("sub") == "usr_alice", (status, access, verified))
        check(f"{algorithm} and {other}: the gateway takes the token", one.call(token) == 200, token)
        crossed = jose(do="verify", token=token, jwks=one.jwks("idp"))
        check(f"{algorithm}: keys of one role verify nothing of the other", "error" in crossed, crossed)
        one.stop()

    # ---- rotation
    one = deployed("rotation")
    refresh = one.refresh_token()
    before = one.redeem(one.id_jag(refresh))[1]["access_token"]
    first = one.jwks("ras")["keys"][0]["kid"]
    done = one.writ("--json", "keys", "rotate", "ras")
    made = json.loads(done.stdout or "{}").get("kid")
    check("a successor is published before it is used", [key["kid"] for key in one.jwks("ras")["keys"]] == [first, made] and header_of(one.redeem(one.id_jag(refresh))[1]["access_token"])["kid"] == first, done)
    done = one.writ("--json", "keys", "rotate", "ras", "--at-once")
    third = json.loads(done.stdout or "{}").get("kid")
    after = one.redeem(one.id_jag(refresh))[1]["access_token"]
    check("at once, the new one signs and is taken by a gateway that did not know it", header_of(after)["kid"] == third and one.call(after) == 200, (header_of(after), third))
    check("and what the earlier one signed is still taken", one.call(before) == 200)
    verified = jose(do="verify", token=before, jwks=one.jwks("ras"))
    check("by others, too: the earlier key is still published", "payload" in verified, verified)

    # ---- a key in other hands
    id_jag = one.id_jag(refresh)
    done = one.writ("--json", "keys", "rotate", "--compromised", third)
    answer = json.loads(done.stdout or "{}")
    check("a compromised key is replaced", done.returncode == 0 and answer.get("withdrawn") == third and answer.get("use") == "ras" and answer.get("kid") not in (None, third), (done.stdout, done.stderr))
    check("it is gone from the key set at once", third not in [key["kid"] for key in one.jwks("ras")["keys"]], one.jwks("ras"))
    check("what it signed is refused at once", one.call(after) == 401)
    check("for its reason", one.last_reason() in ("token_revoked", "token_unknown_key"), one.last_reason())
    check("what another key signed is not", one.call(before) == 200)
    status, fresh = one.redeem(id_jag)
    check("the next token is signed by the new key and taken", status == 200 and header_of(fresh["access_token"])["kid"] == answer.get("kid") and one.call(fresh["access_token"]) == 200, (status, fresh))
    records = one.writ("--json", "audit", "query", "--event", "keys_changed", "--limit", "1").stdout
    check("it is on record as an incident", "compromised" in records and third in records and "incident" in records, records)

    id_jag = one.id_jag(refresh)
    of_idp = header_of(id_jag)["kid"]
    one.writ("keys", "rotate", "--compromised", of_idp)
    status, answer = one.redeem(id_jag)
    check("an ID-JAG of a compromised key of the identity provider is refused", status == 400 and answer.get("error") == "invalid_grant" and one.last_reason() == "unknown_key", (status, answer, one.last_reason()))
    status, answer = one.redeem(one.id_jag(refresh))
    check("the session goes on: the refresh token gives a new one", status == 200, (status, answer))
    done = one.writ("keys", "rotate", "--compromised", "nobody")
    check("a key that is not there is named", done.returncode == 1 and "no role of this process has such a key" in done.stderr + done.stdout, (done.returncode, done.stderr))
    done = one.writ("keys", "rotate")
    check("a rotation of nothing is a usage error", done.returncode == 2, (done.returncode, done.stderr))
    one.stop()
    check("after a restart the compromised keys stay gone", one.start() and third not in [key["kid"] for key in one.jwks("ras")["keys"]] and of_idp not in [key["kid"] for key in one.jwks("idp")["keys"]], one.log())
    check("and the session is there", one.redeem(one.id_jag(refresh))[0] == 200)
    one.stop()

    # ---- encrypted ID-JAGs
    theirs = {alg: jose(do="make", alg=alg, crv="P-256") for alg in ("ECDH-ES", "ECDH-ES+A256KW", "RSA-OAEP-256")}
    for alg, key in theirs.items():
        one = deployed("to-" + alg.replace("+", "-"), foreign_jwks={"keys": [key["public"]]})
        token = one.id_jag(one.refresh_token(), "https://as.partner.example", "https://mcp.partner.example/mcp")
        opened = jose(do="decrypt", token=token, private=key["private"])
        inside = jose(do="verify", token=opened.get("text", ""), jwks=one.jwks("idp"), options={"audience": "https://as.partner.example", "typ": "oauth-id-jag+jwt"})
        check(f"{alg}: jose opens an ID-JAG for another deployment and verifies what is inside", token.count(".") == 4 and opened.get("header", {}).get("cty") == "JWT" and inside.get("payload", {}).get("client_id") == "desk-there", (token[:60], opened, inside))
        one.stop()
    for alg in ("ECDH-ES+A256KW", "RSA-OAEP-256"):
        one = deployed("own-" + alg.replace("+", "-"), keys=f'encryption: {{algorithm: "{alg}"}}', resource_as="encryption: required")
        metadata = fetch(f"{one.base}/.well-known/oauth-authorization-server/ras")[1]
        check(f"{alg}: the metadata say that ID-JAGs must be encrypted", metadata.get("id_jag_encryption_required") is True and alg in metadata.get("id_jag_encryption_alg_values_supported", []), metadata)
        published = [key for key in one.jwks("ras")["keys"] if key.get("use") == "enc"]
        check(f"{alg}: the key to encrypt to is published", len(published) == 1 and published[0]["alg"] == alg, published)
        refresh = one.refresh_token()
        plain = one.id_jag(refresh)
        status, answer = one.redeem(plain)
        check(f"{alg}: an ID-JAG that is signed only is refused", status == 400 and answer.get("error") == "invalid_grant" and one.last_reason() == "assertion_not_encrypted", (status, answer, one.last_reason()))
        status, answer = one.redeem(jose(do="encrypt", jwk=published[0], text=plain).get("token", ""))
        check(f"{alg}: the same one, encrypted by jose, is redeemed", status == 200, (status, answer, one.last_reason()))
        one.objects(own_jwks={"keys": published})
        done = one.writ("apply", "-f", str(one.folder / "objects"), "--yes")
        encrypted = one.id_jag(refresh)
        status, answer = one.redeem(encrypted)
        check(f"{alg}: the own identity provider encrypts to it when its object says so", done.returncode == 0 and encrypted.count(".") == 4 and status == 200 and one.call(answer["access_token"]) == 200, (done.stderr, encrypted[:60], status, answer))
        one.writ("keys", "rotate", "encryption")
        status, answer = one.redeem(one.id_jag(refresh))
        check(f"{alg}: after a rotation the earlier key still opens", status == 200, (status, answer, one.last_reason()))
        stranger = jose(do="encrypt", jwk={**theirs[alg]["public"], "kid": published[0]["kid"]}, text=plain).get("token", "")
        status, answer = one.redeem(stranger)
        check(f"{alg}: what is encrypted to somebody else is refused", status == 400 and one.last_reason() == "jwe_cannot_decrypt", (status, answer, one.last_reason()))
        one.stop()

    # ---- the sealing key: from a file, then from the environment, then from a credential
    old = WORK / "old.key"
    old.write_bytes(secrets.token_bytes(32))
    old.chmod(0o600)
    one = deployed("sealing", keys=f"sealing_key_file: {old}")
    refresh, kids = one.refresh_token(), [key["kid"] for key in one.jwks("idp")["keys"]]
    one.stop()
    new = secrets.token_bytes(32)
    one.environment = {"SEALING": base64.b64encode(new).decode()}
    one.configure(keys="sealing_key_env: SEALING")
    check("another sealing key alone opens nothing: the server does not start", not one.start() and "sealing key" in one.log(), one.log())
    one.configure(keys=f"sealing_key_env: SEALING, previous_sealing_key_file: {old}")
    check("with the previous one beside it, it starts with the same keys", one.start() and [key["kid"] for key in one.jwks("idp")["keys"]] == kids and one.redeem(one.id_jag(refresh))[0] == 200, one.log())
    one.stop()
    one.environment = {}
    credentials = WORK / "credentials"
    credentials.mkdir()
    (credentials / "seal").write_bytes(new)
    one.environment = {"CREDENTIALS_DIRECTORY": str(credentials)}
    one.configure(keys="sealing_key_credential: seal")
    check("from then on the new one is enough, from a systemd credential as well", one.start() and [key["kid"] for key in one.jwks("idp")["keys"]] == kids and one.redeem(one.id_jag(refresh))[0] == 200, one.log())
    one.stop()
    one.configure(keys=f"sealing_key_file: {old}")
    check("and the old one opens nothing any more", not one.start(), one.log())
    one.environment = {"SEALING": "c2hvcnQ="}
    one.configure(keys="sealing_key_env: SEALING")
    check("a key of another length is none", not one.start() and "base64 of 32 bytes" in one.log(), one.log())

    # ---- keys in a PKCS#11 token (SoftHSM)
    hsm = WORK / "hsm"
    (hsm / "tokens").mkdir(parents=True)
    (hsm / "softhsm2.conf").write_text(f"directories.tokendir = {hsm}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    softhsm = {"SOFTHSM2_CONF": str(hsm / "softhsm2.conf")}
    module = next(path for path in ("/usr/lib/softhsm/libsofthsm2.so", *(str(p) for p in pathlib.Path("/usr/lib").glob("*/softhsm/libsofthsm2.so"))) if pathlib.Path(path).exists())
    subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", "writ", "--so-pin", "8765", "--pin", "4321"], env={**os.environ, **softhsm}, check=True, capture_output=True)
    pin = WORK / "token.pin"
    pin.write_text("4321\n")
    pin.chmod(0o600)
    in_token = f'pkcs11: {{module: "{module}", token: writ, pin_file: "{pin}"}}, ras: {{algorithm: PS256}}'
    one = deployed("token", keys=in_token, environment=softhsm)
    refresh = one.refresh_token()
    id_jag = one.id_jag(refresh)
    status, access = one.redeem(id_jag)
    verified = jose(do="verify", token=id_jag, jwks=one.jwks("idp"), options={"issuer": f"{one.base}/idp", "typ": "oauth-id-jag+jwt", "algorithms": ["ES256"]})
    check("token: jose verifies an ID-JAG that was signed there", "payload" in verified, verified)
    verified = jose(do="verify", token=access.get("access_token", ""), jwks=one.jwks("ras"), options={"typ": "at+jwt", "algorithms": ["PS256"]})
    check("token: and an access token by PS256, which the gateway takes", "payload" in verified and one.call(access["access_token"]) == 200, (status, access, verified))
    listed = {key["use"]: key["place"] for key in json.loads(one.writ("--json", "keys", "list").stdout)}
    check("token: `writ keys list` shows where keys are", listed.get("idp") == "pkcs11" and listed.get("ras") == "pkcs11", listed)
    made = json.loads(one.writ("--json", "keys", "rotate", "ras", "--at-once").stdout or "{}").get("kid")
    fresh = one.redeem(one.id_jag(refresh))[1].get("access_token", "")
    check("token: a successor is made there and signs; the earlier key still verifies", fresh and header_of(fresh)["kid"] == made and one.call(fresh) == 200 and one.call(access["access_token"]) == 200, made)
    one.child.kill()
    one.child.wait()
    check("token: after a kill the same keys sign", one.start() and header_of(one.redeem(one.id_jag(refresh))[1]["access_token"])["kid"] == made, one.log())
    unused = one.id_jag(refresh)
    kids = [key["kid"] for key in one.jwks("ras")["keys"]]
    time.sleep(1.1)
    (hsm / "tokens").rename(hsm / "away")
    (hsm / "tokens").mkdir()
    away = [one.redeem(unused), one.post("/idp/token", grant_type=EXCHANGE, requested_token_type=TYPES + "id-jag", audience=f"{one.base}/ras", resource=f"{one.base}/mcp/notes", subject_token=refresh,
                                         subject_token_type=TYPES + "refresh_token", client_id="desk", client_secret=SECRET)]
    check("token away: 503 for what needs a signature", [status for status, _ in away] == [503, 503] and all("access_token" not in (body or {}) for _, body in away), away)
    check("token away: tokens are still verified, and keys published", one.call(fresh) == 200 and [key["kid"] for key in one.jwks("ras")["keys"]] == kids)
    (hsm / "tokens").rmdir()
    (hsm / "away").rename(hsm / "tokens")
    time.sleep(1.1)
    status, answer = one.redeem(unused)
    check("token back: the same ID-JAG is redeemed, without a restart", status == 200 and one.call(answer["access_token"]) == 200, (status, answer))
    one.stop()
    pin.write_text("wrong-pin-5717\n")
    check("token: with a wrong PIN the server does not start and says why", not one.start() and "refuses the PIN" in one.log(), one.log())
    check("token: no PIN stands in the log", "wrong-pin-5717" not in (one.folder / "server.log").read_text(), one.log())
    pin.write_text("4321\n")
    one.configure()
    check("token: without its configuration no other keys are made", not one.start() and "keys.pkcs11" in one.log(), one.log())
finally:
    for deployment in running:
        deployment.stop()
    mcp.shutdown()
    if checks.failed:
        print("\n".join(f"--- {d.folder.name}\n{d.log()[-600:]}" for d in running[-2:]))
    shutil.rmtree(WORK, ignore_errors=True)

sys.exit(checks.close())
