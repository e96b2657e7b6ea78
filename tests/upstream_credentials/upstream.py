"""An MCP server under several addresses, each with its own idea of a credential, and an authorization server beside it. Remembers everything it was sent.

    python3 upstream.py PORT TLS_PORT CERTIFICATE KEY CA

    /mcp/plain     nothing             /mcp/key     X-Api-Key: key-of-the-server
    /mcp/own       a token of client credentials      /mcp/crm     a token of somebody's account
    TLS_PORT       the same, for clients with a certificate of CA
    /as            issuer: code with PKCE, refresh with rotation, client credentials, userinfo, revocation
    /seen          what came so far     /control     changes the settings
"""
import base64
import hashlib
import json
import secrets
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

TOOLS = [{"name": "get_note", "description": "Reads a note", "annotations": {"readOnlyHint": True, "destructiveHint": False},
          "inputSchema": {"type": "object", "properties": {"note": {"type": "string"}}, "required": ["note"]}}]
LOCK = threading.Lock()
SEEN, TOKEN_REQUESTS, REVOKED = [], [], []
CONTROL = {"account": {}, "expires_in": 3600, "refuse": []}
CODES, ACCESS, REFRESH, SPENT = {}, {}, {}, set()   # code → (account, challenge); token → subject
CLIENT = "Basic " + base64.b64encode(b"writ-at-as:as+secret").decode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, body=None, headers=()):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if body is not None:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    @property
    def issuer(self):
        return f"http://127.0.0.1:{PORT}/as"

    def do_GET(self):
        path, query = urlsplit(self.path).path, {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        with LOCK:
            if path == "/seen":
                return self.say(200, {"requests": SEEN, "token_requests": TOKEN_REQUESTS, "revoked": REVOKED})
            if path == "/.well-known/oauth-authorization-server/as":
                return self.say(200, {"issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize", "token_endpoint": f"{self.issuer}/token", "revocation_endpoint": f"{self.issuer}/revoke",
                                      "userinfo_endpoint": f"{self.issuer}/userinfo", "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"],
                                      "authorization_response_iss_parameter_supported": True, "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"]})
            if path == "/as/authorize":
                code = secrets.token_urlsafe(16)
                CODES[code] = (dict(CONTROL["account"]), query["code_challenge"], query["redirect_uri"])
                return self.say(302, None, [("Location", query["redirect_uri"] + "?" + urlencode({"code": code, "state": query["state"], "iss": self.issuer}))])
            if path == "/as/userinfo":
                account = ACCESS.get((self.headers.get("Authorization") or "").removeprefix("Bearer "))
                return self.say(200, account) if account else self.say(401, {"error": "invalid_token"})
        self.say(405 if path.startswith("/mcp") else 404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        path = urlsplit(self.path).path
        with LOCK:
            if path == "/control":
                CONTROL.update(json.loads(body))
                return self.say(200, {})
            if path in ("/as/token", "/as/revoke"):
                form = {name: values[0] for name, values in parse_qs(body).items()}
                if self.headers.get("Authorization") != CLIENT:
                    return self.say(401, {"error": "invalid_client"})
                return self.token(form) if path == "/as/token" else self.revoke(form)
            return self.mcp(path, body)

    def issue(self, account, kind):
        access = f"{kind}-{account.get('sub', 'gateway')}-{secrets.token_urlsafe(8)}"
        ACCESS[access] = account
        return {"access_token": access, "token_type": "Bearer", "expires_in": CONTROL["expires_in"]}

    def token(self, form):
        TOKEN_REQUESTS.append(form)
        if form["grant_type"] == "client_credentials":
            return self.say(200, self.issue({}, "own"))
        if form["grant_type"] == "authorization_code":
            account, challenge, redirect = CODES.pop(form.get("code"), (None, None, None))
            proven = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
            if account is None or proven != challenge or redirect != form.get("redirect_uri"):
                return self.say(400, {"error": "invalid_grant"})
        else:
            presented = form.get("refresh_token")
            if presented in SPENT or presented not in REFRESH:
                return self.say(400, {"error": "invalid_grant", "error_description": "used before" if presented in SPENT else "unknown"})
            account = REFRESH.pop(presented)
            SPENT.add(presented)
        answer = self.issue(account, "account")
        answer["refresh_token"] = f"refresh-{account['sub']}-{secrets.token_urlsafe(8)}"
        REFRESH[answer["refresh_token"]] = account
        self.say(200, answer)

    def revoke(self, form):
        REVOKED.append(form["token"])
        ACCESS.pop(form["token"], None), REFRESH.pop(form["token"], None)
        self.say(200)

    def may(self, path):
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token in CONTROL["refuse"]:
            return False
        if path == "/mcp/key":
            return self.headers.get("X-Api-Key") == "key-of-the-server"
        if path in ("/mcp/own", "/mcp/crm"):
            return token in ACCESS and token.startswith("own-" if path == "/mcp/own" else "account-")
        return True

    def mcp(self, path, body):
        certificate = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
        common_name = dict(pair[0] for pair in certificate["subject"])["commonName"] if certificate else None
        SEEN.append({"path": path, "headers": [[name, value] for name, value in self.headers.items()], "body": body, "client_certificate": common_name})
        if not self.may(path):
            return self.say(401, {"error": "invalid_token"}, [("WWW-Authenticate", f'Bearer resource_metadata="http://127.0.0.1:{PORT}/evil"')])
        request = json.loads(body)
        if "id" not in request:
            return self.say(202)
        method = request.get("method")
        if method == "initialize":
            result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "notes", "version": "1"}}
        elif method == "tools/list":
            result = {"tools": TOOLS}
        elif method == "tools/call":
            result = {"content": [{"type": "text", "text": "done"}]}
        else:
            return self.say(200, {"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32601, "message": "no such method"}})
        self.say(200, {"jsonrpc": "2.0", "id": request["id"], "result": result})


if __name__ == "__main__":
    PORT, TLS_PORT = int(sys.argv[1]), int(sys.argv[2])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[3], sys.argv[4])
    tls.load_verify_locations(sys.argv[5])
    tls.verify_mode = ssl.CERT_REQUIRED
    secure = ThreadingHTTPServer(("127.0.0.1", TLS_PORT), Handler)
    secure.socket = tls.wrap_socket(secure.socket, server_side=True)
    threading.Thread(target=secure.serve_forever, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
