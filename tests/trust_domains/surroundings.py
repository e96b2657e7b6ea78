"""What the three deployments have around them: an MCP server with streams, and an identity provider of another make that signs with a key of its own.

Python's standard library and openssl.
"""
import base64
import http.server
import json
import subprocess
import threading
import time
from pathlib import Path


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def serve(handler, **attributes):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (handler,), attributes))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}"


class Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Notes(Answering):
    """An MCP server: `get_note` answers, `watch` and the GET stream say something ten times a second."""

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        tick = json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "allowed content"}})
        piece = f"data: {tick}\n\n".encode()
        try:
            for _ in range(600):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            pass
        self.close_connection = True

    def do_GET(self):
        self.stream()

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"null")
        if "id" not in message:
            return self.answer(202, None)
        if message["method"] == "tools/call" and message["params"]["name"] == "watch":
            return self.stream()
        tools = [{"name": name, "inputSchema": {"type": "object"}} for name in ("get_note", "watch")]
        results = {"initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "notes", "version": "1"}}, "tools/list": {"tools": tools}}
        self.answer(200, {"jsonrpc": "2.0", "id": message["id"], "result": results.get(message["method"], {"content": [{"type": "text", "text": "done"}]})})


class Keys(Answering):
    """Publishes a key set, and says nothing of a transmitter."""
    key_set = {}

    def do_GET(self):
        if self.path == "/keys":
            return self.answer(200, self.key_set)
        self.answer(404, {})


class Okta:
    """Signs what a test says, as another company's provider would: RS256."""

    def __init__(self, folder):
        self.key = Path(folder) / "okta.key"
        subprocess.run(["openssl", "genrsa", "-out", str(self.key), "2048"], check=True, capture_output=True, timeout=30)
        modulus = subprocess.run(["openssl", "rsa", "-in", str(self.key), "-noout", "-modulus"], check=True, capture_output=True, text=True, timeout=30).stdout.strip().split("=")[1]
        jwk = {"kty": "RSA", "kid": "okta-1", "alg": "RS256", "use": "sig", "n": base64url(bytes.fromhex(modulus)), "e": "AQAB"}
        self.server, self.base = serve(Keys, key_set={"keys": [jwk]})

    def sign(self, type_, claims):
        header = {"alg": "RS256", "kid": "okta-1", "typ": type_}
        signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(self.key)], input=signed.encode(), check=True, capture_output=True, timeout=30).stdout
        return f"{signed}.{base64url(signature)}"
