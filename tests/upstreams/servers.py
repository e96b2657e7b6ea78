"""MCP servers that a test looks into. Python's standard library only; everything on loopback, in threads of the test."""
import json
import queue
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("echo", "which", "report", "ask", "ask-first", "break", "hang")]


def initialized(version):
    return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "test", "version": "1"}}


def text(words):
    return {"content": [{"type": "text", "text": words}]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=None):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"null")


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass   # a client that does not trust us, or went away


class Server:
    """One that listens on loopback until it is closed. `port` 0: a free one; `certificate`: (PEM of the chain, PEM of the key)."""

    def __init__(self, handler, port=0, certificate=None):
        self.http = Quiet(("127.0.0.1", port), handler)
        self.http.owner = self
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.http.server_port
        self.messages = []          # that were received
        self.lock = threading.Lock()
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()


class Plain(Handler):
    """Streamable HTTP without sessions."""

    def do_GET(self):
        self.answer(405)

    def do_POST(self):
        message, server = self.body(), self.server.owner
        with server.lock:
            server.messages.append(message)
        if "id" not in message:
            return self.answer(202)
        name = (message.get("params") or {}).get("name")
        if name == "hang":
            time.sleep(4)
        result = {"initialize": initialized("2025-11-25"), "tools/list": {"tools": TOOLS}, "tools/call": text(f"done: {name}")}.get(message["method"], {})
        try:
            self.answer(200, {"jsonrpc": "2.0", "id": message["id"], "result": result})
        except OSError:
            pass   # whoever asked did not wait


class OldServer(Server):
    """HTTP+SSE (2024-11-05). `endpoint` is what the first event of a stream names; {} is the session."""

    def __init__(self, endpoint="/message?session={}"):
        super().__init__(OldHandler)
        self.endpoint, self.sessions, self.opened, self.closed = endpoint, {}, 0, 0
        self.asking, self.told = None, threading.Event()


class OldHandler(Handler):
    def do_GET(self):
        server = self.server.owner
        with server.lock:
            server.opened += 1
            session = f"s{server.opened}"
            said = server.sessions[session] = queue.Queue()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(f"event: endpoint\ndata: {server.endpoint.format(session)}\n\n".encode())
        try:
            while True:
                try:
                    message = said.get(timeout=0.2)
                except queue.Empty:
                    self.wfile.write(b": still here\n\n")
                    continue
                if message is None:
                    break
                self.wfile.write(f"event: message\ndata: {json.dumps(message)}\n\n".encode())
        except OSError:
            pass   # the other side closed
        with server.lock:
            server.sessions.pop(session, None)
            server.closed += 1
        self.close_connection = True

    def do_POST(self):
        message, server = self.body(), self.server.owner
        session = parse_qs(urlsplit(self.path).query).get("session", [""])[0]
        with server.lock:
            server.messages.append(message)
            said = server.sessions.get(session)
        if not said:
            return self.answer(404)
        is_late = (message.get("params") or {}).get("name") == "ask-first"
        if not is_late:
            self.answer(202)
        reply = lambda result: said.put({"jsonrpc": "2.0", "id": message["id"], "result": result})   # noqa: E731
        if "method" not in message:     # the answer to our own question
            said.put({"jsonrpc": "2.0", "id": server.asking, "result": text(f"roots: {len(message['result']['roots'])}")})
            server.told.set()
        elif "id" in message:
            params = message.get("params") or {}
            name, meta = params.get("name"), params.get("_meta") or {}
            if message["method"] != "tools/call":
                reply({"initialize": initialized("2024-11-05"), "tools/list": {"tools": TOOLS}}.get(message["method"], {}))
            elif name == "report":
                for step in (1, 2):
                    said.put({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": meta["progressToken"], "progress": step, "total": 2}})
                    time.sleep(0.3)
                reply(text("the report"))
            elif name in ("ask", "ask-first"):
                server.asking = message["id"]
                server.told.clear()
                said.put({"jsonrpc": "2.0", "id": "q1", "method": "roots/list"})
                if is_late:     # some servers answer the POST when all is done
                    server.told.wait(5)
                    self.answer(200)
            elif name == "break":
                said.put(None)
            else:
                reply(text(session if name == "which" else params.get("arguments", {}).get("words", "")))
