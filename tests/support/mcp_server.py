"""A small MCP server behind the gateway, as a class to derive from, and what it takes to run any such handler on loopback."""
import http.server
import json
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status: int, body=None):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
        except BrokenPipeError:
            pass   # whoever asked did not wait

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"null")


class McpServer(Handler):
    """Speaks 2025-11-25 without sessions; its tools say that they are done."""
    TOOLS = ["search"]

    def do_GET(self):
        self.answer(405)

    def do_DELETE(self):
        self.answer(200)

    def do_POST(self):
        message = self.body()
        self.saw(message)
        if "id" not in message:
            return self.answer(202)
        self.answer_to(message)

    def saw(self, message):
        """For those who want to know what arrived."""

    def answer_to(self, message):
        results = {
            "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "notes", "version": "1"}},
            "tools/list": {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in self.TOOLS]},
            "tools/call": {"content": [{"type": "text", "text": "done: " + str((message.get("params") or {}).get("name"))}]},
        }
        self.answer(200, {"jsonrpc": "2.0", "id": message["id"], "result": results.get(message["method"], {})})


def serve(handler):
    """Runs until the test ends; its port is `server_port`."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
