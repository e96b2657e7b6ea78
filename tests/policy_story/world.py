"""A running `writ serve` with sample people in front of a small MCP server, and what people do with it: sign in, call tools, type `writ` words.

Python's standard library only. Everything listens on loopback; what was started is stopped by its process id.
"""
import base64
import hashlib
import http.client
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from checks import free_port  # noqa: E402

AGENT_SECRET = "desk-secret-for-this-test-only-0123456789"


def form_of(page):
    """The form of a page that asks for a password, else its first: its action and its fields with their values."""
    forms = re.findall(r"<form\b[^>]*>.*?</form>", page, re.S | re.I)
    if not forms:
        raise AssertionError(f"there is no form in this page: {page[:300]}")
    fields, form = {}, next((one for one in forms if 'type="password"' in one), forms[0])
    for tag in re.findall(r"<(?:input|button)\b[^>]*>", form, re.I):
        attributes = {name.lower(): unescape(value) for name, value in re.findall(r'([\w-]+)\s*=\s*"([^"]*)"', tag)}
        if "name" in attributes:
            fields.setdefault(attributes["name"], (attributes.get("type", "text"), attributes.get("value", "")))
    action = re.search(r'action\s*=\s*"([^"]*)"', re.match(r"<form\b[^>]*>", form, re.I).group(0), re.I)
    return unescape(action.group(1)) if action else "", fields


class World:
    def __init__(self, binaries, deployment, before_start=lambda world: None):
        self.binaries = Path(binaries).resolve()
        self.folder = Path(tempfile.mkdtemp(prefix="writ-policy-"))
        self.port, self.upstream_port = free_port(), free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.started = []
        shutil.copytree(deployment, self.folder / "deployment")
        for file in (self.folder / "deployment").rglob("*.yaml"):
            file.write_text(file.read_text().replace("BASE", self.base).replace("UPSTREAM", f"http://127.0.0.1:{self.upstream_port}").replace("AGENT_SECRET", AGENT_SECRET))
        (self.folder / "writ.yaml").write_text(
            f"base_url: {self.base}\ndata: data\nlisteners:\n  public: {{address: \"127.0.0.1:{self.port}\"}}\n  admin: {{address: none, socket: {self.folder}/admin.sock}}\n"
            "objects: deployment\npolicy: deployment\nlog: {level: warning}\n")
        before_start(self)

    def __enter__(self):
        try:
            self.start([sys.executable, str(HERE / "upstream.py"), str(self.upstream_port)])
            self.start([str(self.binaries / "writ"), "serve", "-c", str(self.folder / "writ.yaml")])
            self.wait_for(self.upstream_port)
            self.wait_for(self.port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.started:
            process.terminate()
        for process in self.started:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, words):
        log = open(self.folder / f"log-{len(self.started)}", "w")
        self.started.append(subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder))

    def wait_for(self, port, seconds=20):
        for _ in range(seconds * 20):
            if any(process.poll() is not None for process in self.started):
                break
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        logs = "\n".join(file.read_text()[-1500:] for file in self.folder.glob("log-*"))
        raise AssertionError(f"nothing answers on port {port}: {logs}")

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def writ(self, *words):
        """The command as an administrator types it: exit code, standard output, standard error."""
        done = subprocess.run([str(self.binaries / "writ"), *words], cwd=self.folder, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                              env={**os.environ, "WRIT_SOCKET": str(self.folder / "admin.sock")})
        return done.returncode, done.stdout, done.stderr

    def admin(self, path):
        """What the admin API answers to a GET over the local socket."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(60)
        connection.sock.connect(str(self.folder / "admin.sock"))
        connection.request("GET", path)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def admin_text(self, path):
        """Status and text, for what is no JSON."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(60)
        connection.sock.connect(str(self.folder / "admin.sock"))
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text

    def active_version(self):
        return json.loads(self.writ("policy", "show", "--json")[1])["version"]

    # ---- what people and agents do

    def http(self, method, url, body=None, headers=None):
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, headers or {})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response, text

    def sign_in(self, user, scope="openid"):
        """Authorization code with PKCE, through the sign-in page; the ID token. `signed_in` has the whole answer."""
        verifier, redirect = secrets.token_urlsafe(40), "http://127.0.0.1:9/callback"
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        url = f"{self.base}/idp/authorize?" + urlencode({"response_type": "code", "client_id": "desk", "redirect_uri": redirect, "scope": scope, "state": "s", "nonce": "n",
                                                          "code_challenge": challenge, "code_challenge_method": "S256"})
        method, body, cookies = "GET", None, {}
        for _ in range(20):
            if url.startswith(redirect):
                break
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
            if body is not None:
                headers.update({"Content-Type": "application/x-www-form-urlencoded", "Origin": self.base})
            response, text = self.http(method, url, body, headers)
            for cookie in response.headers.get_all("Set-Cookie") or []:
                name, _, value = cookie.split(";")[0].partition("=")
                cookies[name] = value
            if 300 <= response.status < 400:
                url, method, body = urljoin(url, response.headers["Location"]), "GET", None
                continue
            action, fields = form_of(text)
            filled = {name: f"{user}-password" if kind == "password" else user if kind in ("text", "email") else value for name, (kind, value) in fields.items()}
            url, method, body = urljoin(url, action), "POST", urlencode(filled)
        code = parse_qs(urlsplit(url).query)["code"][0]
        self.signed_in = self.token_request("idp", grant_type="authorization_code", code=code, redirect_uri=redirect, code_verifier=verifier)
        return self.signed_in["id_token"]

    def token_request(self, role, **parameters):
        _, text = self.http("POST", f"{self.base}/{role}/token", urlencode({"client_id": "desk", "client_secret": AGENT_SECRET, **parameters}), {"Content-Type": "application/x-www-form-urlencoded"})
        return json.loads(text)

    def access_token(self, id_token, server="notes"):
        granted = self.token_request("idp", grant_type="urn:ietf:params:oauth:grant-type:token-exchange", requested_token_type="urn:ietf:params:oauth:token-type:id-jag",
                                     audience=f"{self.base}/ras", resource=f"{self.base}/mcp/{server}", subject_token=id_token,
                                     subject_token_type="urn:ietf:params:oauth:token-type:id_token")
        if "access_token" not in granted:
            raise AssertionError(f"no ID-JAG: {granted}")
        redeemed = self.token_request("ras", grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=granted["access_token"])
        if "access_token" not in redeemed:
            raise AssertionError(f"no access token: {redeemed}")
        return redeemed["access_token"]

    def message(self, token, method, params, server="notes"):
        _, text = self.http("POST", f"{self.base}/mcp/{server}", json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}),
                            {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"})
        return json.loads(text)

    def list_tools(self, token):
        """As every client does first; with it Writ learns what there is."""
        return [tool["name"] for tool in self.message(token, "tools/list", {})["result"]["tools"]]

    def call(self, token, tool, **arguments):
        """None when the call reached the server, else the denial that the agent is told."""
        answer = self.message(token, "tools/call", {"name": tool, "arguments": arguments})
        if "result" not in answer:
            raise AssertionError(f"no result: {answer}")
        return answer["result"].get("_meta", {}).get("writ/decision")


class Checks:
    """Counts what held; the last line is for script/test."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, sentence, holds, seen=""):
        if holds:
            self.passed += 1
            print(f"ok    {sentence}")
        else:
            self.failed += 1
            print(f"FAIL  {sentence}\n      {str(seen)[:1500]}")

    def close(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0
