"""Credentials for upstream servers, end to end: each kind reaches its server with its own credential, the client's token reaches none, no two people's
tokens are ever mixed, and whoever leaves is revoked at the servers as well.

    python3 credentials.py build/release/bin [FOLDER FOR THE WORLD TO STAY IN: waits for a key]
"""
import json
import re
import subprocess
import sys
import time
from html import unescape
from pathlib import Path
from urllib.parse import urlencode, urljoin

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "policy_story"))
from world import Checks, World, form_of, free_port  # noqa: E402

PARTNER_SECRET = "partner-secret-for-this-test-only-0123456789"


class Deployment(World):
    """Of the story's world: the people and what they do. Here with files of its own and another upstream."""

    def __init__(self, binaries, objects, upstream_port, more, **words):
        super().__init__(binaries, objects)
        words = {"FOLDER": str(self.folder), "NEAR": f"http://127.0.0.1:{upstream_port}", **words}
        for file in (self.folder / "deployment").rglob("*.yaml"):
            text = file.read_text()
            for word, value in words.items():
                text = text.replace(word, value)
            file.write_text(text)
        config = (self.folder / "writ.yaml").read_text()
        (self.folder / "writ.yaml").write_text(config + more)

    def secret(self, name, value):
        path = self.folder / name
        path.write_text(value)
        path.chmod(0o600)

    def serve(self):
        self.start([str(self.binaries / "writ"), "serve", "-c", str(self.folder / "writ.yaml")])
        self.wait_for(self.port)


class Browser:
    """Keeps cookies, follows redirects, fills in forms."""

    def __init__(self, world):
        self.world, self.cookies = world, {}

    def go(self, method, url, body=None, follow=True):
        for _ in range(10):
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if url.startswith(self.world.base) else {}
            if body is not None:
                headers.update({"Content-Type": "application/x-www-form-urlencoded", "Origin": self.world.base})
            response, text = self.world.http(method, url, body, headers)
            for cookie in response.headers.get_all("Set-Cookie") or []:
                name, _, value = cookie.split(";")[0].partition("=")
                if value:
                    self.cookies[name] = value
                else:
                    self.cookies.pop(name, None)
            if not follow or not 300 <= response.status < 400:
                return response.status, text, url
            url, method, body = urljoin(url, response.headers["Location"]), "GET", None
        raise AssertionError("redirects without end")

    def sign_in(self, user, wanted):
        """On the way to a page of ours."""
        _, page, url = self.go("GET", wanted)
        action, fields = form_of(page)
        filled = {name: f"{user}-password" if kind == "password" else user if kind == "text" else value for name, (kind, value) in fields.items()}
        return self.go("POST", urljoin(url, action), urlencode(filled))

    def press(self, page, url, action_end, server):
        """The button of that server's form."""
        for form in re.findall(r"<form\b.*?</form>", page, re.S):
            action, fields = form_of(form)
            if action.endswith(action_end) and fields["server"][1] == server:
                return self.go("POST", urljoin(url, action), urlencode({name: value for name, (_, value) in fields.items()}))
        raise AssertionError(f"no {action_end} for {server} in {page[:2000]}")

    def link(self, server):
        _, page, url = self.go("GET", f"{self.world.base}/accounts?server={server}")
        _, onward, _ = self.press(page, url, "/link", server)
        to = unescape(re.search(r'href="([^"]+/as/authorize[^"]+)"', onward).group(1))
        return self.go("GET", to)


def certificates(folder):
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder, timeout=30)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")
    for name, more in (("server", "subjectAltName=IP:127.0.0.1"), ("gateway", "extendedKeyUsage=clientAuth")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (folder / f"{name}.ext").write_text(more)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1", "-extfile", f"{name}.ext", "-out", f"{name}.pem")
        (folder / f"{name}.key").chmod(0o600)


class Upstream:
    """What the server in upstream.py has seen, and what it shall do."""

    def __init__(self, world, port):
        self.world, self.base = world, f"http://127.0.0.1:{port}"

    def seen(self):
        return json.loads(self.world.http("GET", f"{self.base}/seen")[1])

    def control(self, **settings):
        self.world.http("POST", f"{self.base}/control", json.dumps(settings))

    def calls(self, path):
        return [one for one in self.seen()["requests"] if one["path"] == path and '"tools/call"' in one["body"]]


def header(request, name):
    return next((value for field, value in request["headers"] if field.lower() == name.lower()), None)


def modern(world, token, method, params, server):
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
    if "name" in params:
        headers["Mcp-Name"] = params["name"]
    response, text = world.http("POST", f"{world.base}/mcp/{server}", json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}), headers)
    if "text/event-stream" in response.headers["Content-Type"]:
        text = next(line[5:] for line in text.splitlines() if line.startswith("data:") and '"id"' in line)
    return json.loads(text)


def records(world, **query):
    return world.admin("/admin/v1/audit?" + urlencode({"limit": 500, **query}))["items"]


def story(checks, company, partner, upstream):
    alice, bob = company.sign_in("alice"), company.sign_in("bob")
    tokens = [("ID token of alice", alice), ("ID token of bob", bob)]

    def message(token, method, params, server):
        """The partner's gateway speaks the modern era, so its client does; the others are asked as legacy clients do."""
        return modern(company, token, method, params, server) if server == "partner" else company.message(token, method, params, server)

    def call(who, server, note):
        token = company.access_token(alice if who == "alice" else bob, server)
        tokens.append((f"{who} at {server}, {note}", token))
        answer = message(token, "tools/call", {"name": "get_note", "arguments": {"note": note}}, server)
        if "result" not in answer:
            return {"error": answer.get("error")}
        return answer["result"].get("_meta", {}).get("writ/decision")

    for server in ("plain", "key", "own", "entra", "vault", "partner"):
        message(company.access_token(alice, server), "tools/list", {}, server)   # as every client does first

    # ---- none, a fixed field, a certificate
    checks.that("none: the call arrives", call("alice", "plain", "a") is None)
    checks.that("none: without a credential", header(upstream.calls("/mcp/plain")[-1], "Authorization") is None)
    checks.that("fixed field: the call arrives", call("alice", "key", "a") is None, upstream.calls("/mcp/key"))
    checks.that("fixed field: with the server's key", header(upstream.calls("/mcp/key")[-1], "X-Api-Key") == "key-of-the-server")
    checks.that("mutual TLS: the call arrives", call("alice", "vault", "tls") is None)
    checks.that("mutual TLS: the server knows who calls", upstream.calls("/mcp/plain")[-1]["client_certificate"] == "gateway", upstream.calls("/mcp/plain")[-1])
    bare = company.message(company.access_token(alice, "vault-bare"), "tools/list", {}, "vault-bare")
    checks.that("mutual TLS: without a certificate there is no way in", "error" in bare, bare)

    # ---- the gateway's own token
    checks.that("client credentials: the call arrives", call("alice", "own", "a") is None and call("bob", "own", "b") is None, upstream.calls("/mcp/own"))
    own = [one for one in upstream.seen()["token_requests"] if one["grant_type"] == "client_credentials" and one.get("scope") == "notes"]
    checks.that("client credentials: one token for all calls, for the server", len(own) == 1 and own[0]["resource"] == f"{upstream.base}/mcp/own", own)
    used = header(upstream.calls("/mcp/own")[-1], "Authorization").removeprefix("Bearer ")
    upstream.control(refuse=[used])
    checks.that("client credentials: a token that the server refuses is replaced, once", call("alice", "own", "again") is None)
    checks.that("client credentials: by another one", header(upstream.calls("/mcp/own")[-1], "Authorization") != f"Bearer {used}")
    checks.that("Entra-style: the call arrives", call("alice", "entra", "e") is None)
    entra = [one for one in upstream.seen()["token_requests"] if one.get("scope") == "entra"]
    checks.that("Entra-style: without `resource`", len(entra) == 1 and "resource" not in entra[0], entra)

    # ---- for the same person by ID-JAG, at another deployment
    checks.that("ID-JAG: the call arrives through the partner's gateway", call("alice", "partner", "across") is None, records(company, event="id_jag"))
    arrived = [one for one in upstream.calls("/mcp/plain") if '"across"' in one["body"]]
    checks.that("ID-JAG: at the server behind it, once", len(arrived) == 1 and header(arrived[0], "Authorization") is None, arrived)
    issued = [one for one in records(company, event="id_jag", user="usr_alice") if one.get("gateway_agent")]
    checks.that("ID-JAG: recorded here with both agents", issued and all(one["agent"] == "desk" and one["gateway_agent"] == "gateway" and one["audience"] == f"{partner.base}/ras" for one in issued), issued)
    there = records(partner, event="access_token")
    checks.that("ID-JAG: and there with the person and our client", there and all(one["effect"] == "allow" and one["user"] == "usr_guest" and one["client_id"] == "writ-at-partner" for one in there), there)
    checks.that("ID-JAG: the same grants on both sides", {one["id_jag_jti"] for one in there} == {one["id_jag_jti"] for one in issued}, (there, issued))
    checks.that("ID-JAG: the token is used again while it lives", call("alice", "partner", "again") is None and len(records(partner, event="access_token")) == len(there), records(partner, event="access_token"))
    stranger = call("bob", "partner", "b")
    checks.that("ID-JAG: whom the partner does not know gets nowhere, not even with alice's token", stranger and "error" in stranger and not [one for one in upstream.calls("/mcp/plain") if '"note":"b"' in one["body"]], stranger)

    # ---- an account of the person's own
    def listed(who):
        return company.message(company.access_token(alice if who == "alice" else bob, "crm"), "tools/list", {}, "crm")

    answer = listed("alice")
    needed = answer.get("error", {}).get("data") or {}
    checks.that("account: without one the agent is told what to do", needed.get("kind") == "account_needed" and needed.get("request_url") == f"{company.base}/accounts?server=crm" and not needed["retryable"], answer)
    browser = {}
    for who in ("alice", "bob"):
        browser[who] = Browser(company)
        status, page, at = browser[who].sign_in(who, needed["request_url"])
        checks.that(f"account: the page is for people who are signed in, and {who} comes to it that way", status == 200 and at == needed["request_url"] and "An agent of yours needs this account" in page, (status, at, page[-500:]))
    upstream.control(account={"sub": "home-alice", "email": "alice@home.example", "email_verified": True})
    status, page, _ = browser["alice"].link("crm")
    checks.that("account: a personal one is refused", status == 403 and "personal account cannot be linked" in page, (status, page[-800:]))
    checks.that("account: and not kept", "error" in listed("alice"))
    for who in ("alice", "bob"):
        upstream.control(account={"sub": f"work-{who}", "email": f"{who}@acme.example", "email_verified": True})
        status, page, at = browser[who].link("crm")
        checks.that(f"account: {who} links the company's", status == 200 and f"Linked: {who}@acme.example" in page and at == f"{company.base}/accounts", (status, at, page[-800:]))
    upstream.control(account={"sub": "work-alice", "email": "alice@acme.example", "email_verified": True})
    _, page, url = browser["bob"].go("GET", f"{company.base}/accounts")
    checks.that("account: the page shows a person their own alone", "bob@acme.example" in page and "alice" not in page, page[-800:])
    checks.that("account: with it the server's tools are there", "result" in listed("alice"))
    for round_ in range(3):
        for who in ("alice", "bob"):
            checks.that(f"account: {who} works with it ({round_})", call(who, "crm", f"note of {who}") is None)
    mixed = [one for one in upstream.calls("/mcp/crm") for who in ("alice", "bob") if f"note of {who}" in one["body"] and f"account-work-{who}-" not in header(one, "Authorization")]
    checks.that("account: nobody ever works as somebody else", not mixed and len(upstream.calls("/mcp/crm")) == 6, mixed)
    upstream.control(expires_in=1, refuse=[header(one, "Authorization").removeprefix("Bearer ") for one in upstream.calls("/mcp/crm")])
    for round_ in range(4):
        time.sleep(1)
        checks.that(f"account: refreshed with rotation ({round_})", call("bob", "crm", "note of bob") is None)
    refreshed = [one["refresh_token"] for one in upstream.seen()["token_requests"] if one["grant_type"] == "refresh_token"]
    checks.that("account: each refresh token is used once", len(refreshed) >= 4 and len(set(refreshed)) == len(refreshed), refreshed)
    upstream.control(expires_in=3600)

    # ---- a restart keeps what is linked
    server = company.started.pop()
    server.terminate()
    server.wait(20)
    company.serve()
    checks.that("account: it is still linked after a restart", call("bob", "crm", "note of bob") is None)

    # ---- off-boarding
    before = time.time()
    code, out, err = company.writ("user", "disable", "alice")
    revoked = []
    while time.time() < before + 5 and len(revoked) < 2:
        time.sleep(0.1)
        revoked = [token for token in upstream.seen()["revoked"] if "work-alice" in token]
    checks.that("off-boarding: her tokens are revoked at the server within seconds", code == 0 and any(t.startswith("refresh-") for t in revoked) and any(t.startswith("account-") for t in revoked), (code, out, err, revoked))
    reasons = [one["reason"] for one in records(company, event="upstream_account", user="usr_alice")]
    checks.that("off-boarding: recorded", "user_disabled" in reasons and "revoked" in reasons and "account_of_another_domain" in reasons, reasons)
    checks.that("off-boarding: others go on", call("bob", "crm", "note of bob") is None)

    # ---- unlinking
    _, page, url = browser["bob"].go("GET", f"{company.base}/accounts")
    status, page, _ = browser["bob"].press(page, url, "/unlink", "crm")
    checks.that("unlink: the page says so", status == 200 and "No account is linked" in page, page[-800:])
    after = call("bob", "crm", "after") or {}
    checks.that("unlink: at once, and the model is told so", after.get("kind") == "account_needed" and after["effect"] == "deny" and after["request_url"] == f"{company.base}/accounts?server=crm", after)
    for _ in range(50):
        if any("work-bob" in token for token in upstream.seen()["revoked"]):
            break
        time.sleep(0.1)
    checks.that("unlink: revoked at the server", any(token.startswith("refresh-work-bob") for token in upstream.seen()["revoked"]))

    # ---- nothing of the client's anywhere
    everything = json.dumps(upstream.seen())
    leaked = [what for what, token in tokens if token in everything or token.split(".")[1] in everything]
    checks.that(f"none of {len(tokens)} tokens of clients ever reached a server or its authorization server", len(tokens) > 20 and not leaked, leaked)

    # ---- refused where it cannot work
    company.write("more/server.yaml", f"servers:\n  - {{id: nowhere, resource: {company.base}/mcp/nowhere, resource_authorization_server: {company.base}/ras, upstream: {{url: \"{partner.base}/mcp/notes\", "
                                      f"oauth: {{grant: id_jag, issuer: {company.base}/ras, client_id: x, client_secret_file: /dev/null}}}}}}\n")
    code, out, err = company.writ("apply", "-f", str(company.folder / "more"))
    checks.that("a server that cannot be used here is refused with its place", code == 1 and "server.yaml:2:" in out + err and "the gateway's agent `gateway` is not registered at" in out + err, (code, out, err))


def main(binaries, stay=None):
    checks = Checks()
    port, tls_port = free_port(), free_port()
    partner = Deployment(binaries, HERE / "partner", port, "roles: [resource_as, gateway]\n", PARTNER_SECRET=PARTNER_SECRET)
    company = Deployment(binaries, HERE / "deployment", port, "gateway: {agent: gateway}\n", SECURE=f"https://127.0.0.1:{tls_port}", PARTNER=partner.base)
    for file in (partner.folder / "deployment").rglob("*.yaml"):
        file.write_text(file.read_text().replace("COMPANY", company.base))
    try:
        certificates(company.folder)
        for name, value in (("key.secret", "key-of-the-server"), ("as.secret", "as secret"), ("partner.secret", PARTNER_SECRET)):
            company.secret(name, value)
        company.start([sys.executable, "-B", str(HERE / "upstream.py"), str(port), str(tls_port), *(str(company.folder / name) for name in ("server.pem", "server.key", "ca.pem"))])
        company.wait_for(port)
        company.serve()
        partner.serve()
        upstream = Upstream(company, port)
        if stay:
            print(company.base, flush=True)
            upstream.control(account={"sub": "work-alice", "email": "alice@acme.example", "email_verified": True})
            sys.stdin.readline()
        else:
            story(checks, company, partner, upstream)
    finally:
        company.__exit__()
        partner.__exit__()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
