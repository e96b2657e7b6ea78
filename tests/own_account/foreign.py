"""An MCP server of somebody else, and its authorization server: they know nothing of the enterprise. Scripts of the test change what they say."""
import base64
import hashlib
import http.server
import json
import secrets
import threading
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=None, **headers):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()


def serve(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def key_of(proof):
    """Whose DPoP proof this is: a digest of the public key in it. None: there is no proof."""
    if not proof:
        return None
    head = proof.split(".")[0]
    return hashlib.sha256(json.dumps(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["jwk"], sort_keys=True).encode()).hexdigest()


class AuthorizationServer:
    """Signs everybody in at once; refresh tokens are good once, and with `binds` for one key alone."""

    def __init__(self, name, binds=False):
        self.name, self.binds = name, binds
        self.registered, self.authorized, self.token_requests = [], [], []
        self.codes, self.refresh_tokens, self.access_tokens = {}, {}, {}
        outer = self

        class Endpoints(Handler):
            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                if url.path == "/.well-known/oauth-authorization-server":
                    return self.answer(200, outer.metadata())
                if url.path != "/authorize":
                    return self.answer(404)
                query = dict(urllib.parse.parse_qsl(url.query))
                outer.authorized.append(query)
                code = secrets.token_urlsafe(16)
                outer.codes[code] = query
                back = {"code": code, "state": query["state"], "iss": outer.issuer}
                self.answer(302, Location=query["redirect_uri"] + "?" + urllib.parse.urlencode(back))

            def do_POST(self):
                if self.path == "/register":
                    wanted = json.loads(self.body())
                    outer.registered.append(wanted)
                    return self.answer(201, {"client_id": f"{outer.name}-{len(outer.registered)}", "redirect_uris": wanted["redirect_uris"], "token_endpoint_auth_method": "none"})
                if self.path != "/token":
                    return self.answer(404)
                form = dict(urllib.parse.parse_qsl(self.body()))
                outer.token_requests.append({**form, "authorization": self.headers.get("Authorization")})
                self.answer(*outer.token(form, key_of(self.headers.get("DPoP"))))

        self.issuer = serve(Endpoints)

    def metadata(self):
        return {**({"dpop_signing_alg_values_supported": ["ES256"]} if self.binds else {}), "issuer": self.issuer, "authorization_endpoint": self.issuer + "/authorize", "token_endpoint": self.issuer + "/token", "registration_endpoint": self.issuer + "/register",
                "response_types_supported": ["code"], "grant_types_supported": ["authorization_code", "refresh_token"], "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"], "authorization_response_iss_parameter_supported": True, "scopes_supported": ["read", "write", "offline_access"]}

    def token(self, form, key):
        if self.binds and not key:
            return 400, {"error": "invalid_dpop_proof"}
        if form["grant_type"] == "authorization_code":
            asked = self.codes.pop(form["code"], None)
            challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
            if not asked or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"] or asked["client_id"] != form["client_id"] or asked["resource"] != form["resource"]:
                return 400, {"error": "invalid_grant"}
            scope = " ".join(word for word in asked.get("scope", "").split() if word in self.metadata()["scopes_supported"])
            resource = asked["resource"]
        else:
            scope, resource, bound_to = self.refresh_tokens.pop(form["refresh_token"], (None, None, None))
            if scope is None or (self.binds and bound_to != key):
                return 400, {"error": "invalid_grant"}
        access, refresh = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        self.access_tokens[access] = (scope.split(), resource)
        if "offline_access" in scope:
            self.refresh_tokens[refresh] = (scope, resource, key)
        return 200, {"access_token": access, "token_type": "DPoP" if self.binds else "Bearer", "expires_in": 3600, "scope": scope.replace("offline_access", "").strip(), "refresh_token": refresh}


class McpServer:
    """`look` needs the scope read, `change` needs write, `never` a scope that no token has."""
    NEEDS = {"look": "read", "change": "write", "never": "root"}

    def __init__(self, authorization_server):
        self.authorization_server = authorization_server
        self.resource = None                     # set: what the metadata says instead of the truth
        self.seen = []                           # Authorization fields
        outer = self

        class Endpoint(Handler):
            def do_GET(self):
                if self.path == "/.well-known/oauth-protected-resource/mcp":
                    return self.answer(200, {"resource": outer.resource or outer.url, "authorization_servers": [outer.authorization_server.issuer], "scopes_supported": ["read"],
                                             "dpop_bound_access_tokens_required": outer.authorization_server.binds})
                self.answer(405 if self.path == "/mcp" else 404)

            def do_DELETE(self):
                self.answer(200)

            def do_POST(self):
                message = json.loads(self.body())
                field = self.headers.get("Authorization", "")
                outer.seen.append(field)
                scopes, resource = outer.authorization_server.access_tokens.get(field.removeprefix("DPoP " if outer.authorization_server.binds else "Bearer "), (None, None))
                document = f'resource_metadata="{outer.origin}/.well-known/oauth-protected-resource/mcp"'
                if scopes is None or resource != outer.url:
                    return self.answer(401, WWW_Authenticate=f"Bearer {document}")
                tool = (message.get("params") or {}).get("name")
                if message["method"] == "tools/call" and outer.NEEDS[tool] not in scopes:
                    return self.answer(403, WWW_Authenticate=f'Bearer error="insufficient_scope", scope="{outer.NEEDS[tool]}", {document}')
                if "id" not in message:
                    return self.answer(202)
                results = {"initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "foreign", "version": "1"}},
                           "tools/call": {"content": [{"type": "text", "text": f"done: {tool}"}]}}
                self.answer(200, {"jsonrpc": "2.0", "id": message["id"], "result": results.get(message["method"], {})})

        self.origin = serve(Endpoint)
        self.url = self.origin + "/mcp"
