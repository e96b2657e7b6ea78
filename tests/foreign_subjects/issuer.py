"""Identity providers of the test's own: keys, the documents that lead to them, and ID-JAGs in the shapes that others write.

Python's standard library and the openssl command only.
"""
import base64
import json
import secrets
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TYPE = "oauth-id-jag+jwt"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """An RSA key: what the big ones sign with."""

    def __init__(self, folder, kid):
        self.kid, self.path = kid, Path(folder) / f"{kid}.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.path], check=True, capture_output=True, timeout=30)
        modulus = subprocess.run(["openssl", "rsa", "-in", self.path, "-noout", "-modulus"], check=True, capture_output=True, text=True, timeout=30).stdout
        self.jwk = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": encode(bytes.fromhex(modulus.strip().split("=")[1])), "e": "AQAB"}

    def sign(self, claims, typ=TYPE):
        head = {"alg": "RS256", "kid": self.kid, "typ": typ}
        text = ".".join(encode(json.dumps(part).encode()) for part in (head, claims))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.path], input=text.encode(), check=True, capture_output=True, timeout=30).stdout
        return f"{text}.{encode(signature)}"


class Issuers:
    """One server for all of them: PORT/okta, PORT/auth0, PORT/stranger. Of each the keys stand at {issuer}/keys, and its metadata says so."""

    NAMES = ("okta", "auth0", "stranger")

    def __init__(self, port):
        self.base = f"http://127.0.0.1:{port}"
        self.folder = tempfile.TemporaryDirectory()
        self.keys = {name: Key(self.folder.name, name) for name in self.NAMES}
        self.asked = []
        issuers = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                issuers.asked.append(self.path)
                name = next((one for one in issuers.NAMES if f"/{one}" in self.path), None)
                if name and self.path == f"/{name}/keys":
                    body = {"keys": [issuers.keys[name].jwk]}
                elif name and self.path == f"/{name}/.well-known/openid-configuration":
                    body = {"issuer": issuers.issuer(name), "jwks_uri": f"{issuers.issuer(name)}/keys"}
                else:
                    body = None
                data = json.dumps(body).encode()
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def issuer(self, name):
        return f"{self.base}/{name}"

    def id_jag(self, name, audience, server, key=None, typ=TYPE, **changes):
        """What all have in common; a claim that is changed to None is left out."""
        now = int(time.time())
        claims = {"iss": self.issuer(name), "aud": audience, "client_id": "desk", "jti": secrets.token_urlsafe(16), "iat": now, "exp": now + 300, "resource": server, "scope": "use",
                  "auth_time": now - 60, "amr": ["pwd", "mfa"], **changes}
        return (key or self.keys[name]).sign({name: value for name, value in claims.items() if value is not None}, typ)

    def close(self):
        self.server.shutdown()
        self.folder.cleanup()
