"""An MCP server of revision 2025-11-25 whose tools do what a bridge has to carry: questions to the client, progress, logs, changes of lists, streams that break.

    python3 legacy_server.py PORT

GET /seen (not MCP) shows what it saw."""
import http.server
import json
import queue
import sys
import threading
import uuid

TOOLS = ["ask", "ask_twice", "ask_apart", "think", "where", "slow", "progress", "logs", "change", "touch", "broken", "forget", "garbage", "quit", "plain"]
FORM = {"message": "who are you?", "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}}}
lock = threading.Lock()
sessions = {}
seen = {"initialize": [], "deleted": [], "cancelled": 0, "calls": 0, "levels": [], "answers": 0, "modern": []}


class Session:
    def __init__(self, params):
        self.id, self.params = str(uuid.uuid4()), params
        self.push, self.answers, self.cancelled = queue.Queue(), {}, {}
        self.subscribed, self.kept, self.asked = set(), {}, 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def plain(self, status, body=None, headers=()):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(data))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def start_events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def event(self, message, event_id=None):
        self.wfile.write(((f"id: {event_id}\n" if event_id else "") + f"data: {json.dumps(message) if message is not None else ''}\n\n").encode())
        self.wfile.flush()

    def session(self):
        return sessions.get(self.headers.get("Mcp-Session-Id", ""))

    def do_DELETE(self):
        session = sessions.pop(self.headers.get("Mcp-Session-Id", ""), None)
        if session:
            seen["deleted"].append(session.id)
        self.plain(200 if session else 404)

    def do_GET(self):
        if self.path == "/seen":
            return self.plain(200, seen)
        session = self.session()
        if not session:
            return self.plain(404)
        self.start_events()
        last = self.headers.get("Last-Event-ID", "")
        try:
            if last in session.kept:
                return self.event(session.kept.pop(last))
            while True:
                message = session.push.get(timeout=60)
                self.event(message, str(uuid.uuid4()))
        except (OSError, queue.Empty):
            pass

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method, params, number = message.get("method"), message.get("params", {}), message.get("id")
        if any(name.startswith("io.modelcontextprotocol/") for name in params.get("_meta", {})):
            seen["modern"].append(method)
        if method == "initialize":
            session = Session(params)
            sessions[session.id] = session
            seen["initialize"].append({"session": session.id, "params": params})
            capabilities = {"tools": {"listChanged": True}, "resources": {"subscribe": True}, "prompts": {}, "logging": {}, "completions": {}}
            return self.plain(200, {"jsonrpc": "2.0", "id": number, "result": {"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": {"name": "old", "version": "1"},
                                                                               "instructions": "be kind"}}, [("Mcp-Session-Id", session.id)])
        session = self.session()
        if not session:
            known = bool(self.headers.get("Mcp-Session-Id"))
            return self.plain(404 if known else 400, {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "no session"}})
        if method is None:
            with lock:
                seen["answers"] += 1
            waiting = session.answers.get(message.get("id"))
            if waiting:
                waiting.put(message)
            return self.plain(202)
        if number is None:
            if method == "notifications/cancelled":
                with lock:
                    seen["cancelled"] += 1
                stop = session.cancelled.get(params.get("requestId"))
                if stop:
                    stop.set()
            return self.plain(202)
        results = {
            "tools/list": {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]},
            "prompts/list": {"prompts": [{"name": "greet"}]},
            "prompts/get": {"messages": [{"role": "user", "content": {"type": "text", "text": "hello"}}]},
            "resources/list": {"resources": [{"uri": "note://1", "name": "one"}]},
            "resources/templates/list": {"resourceTemplates": []},
            "resources/read": {"contents": [{"uri": params.get("uri"), "text": "content"}]},
            "completion/complete": {"completion": {"values": ["a"]}},
        }
        if method == "tools/call":
            with lock:
                seen["calls"] += 1
            try:
                return self.call(session, number, params)
            except OSError:
                return None
        if method == "logging/setLevel":
            seen["levels"].append(params.get("level"))
            return self.plain(200, {"jsonrpc": "2.0", "id": number, "result": {}})
        if method == "resources/subscribe":
            session.subscribed.add(params["uri"])
            return self.plain(200, {"jsonrpc": "2.0", "id": number, "result": {}})
        if method in results:
            return self.plain(200, {"jsonrpc": "2.0", "id": number, "result": results[method]})
        return self.plain(200, {"jsonrpc": "2.0", "id": number, "error": {"code": -32601, "message": "unknown method"}})

    def ask(self, session, method, params, push=False):
        session.asked += 1
        number = f"{method}-{session.asked}"
        session.answers[number] = queue.Queue()
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        if push:
            session.push.put(request)
        else:
            self.event(request)
        answer = session.answers[number].get(timeout=30)
        return answer.get("result", {"refused": answer.get("error", {}).get("code")})

    def call(self, session, number, params):
        tool, token = params["name"], params.get("_meta", {}).get("progressToken")
        text = lambda what: {"jsonrpc": "2.0", "id": number, "result": {"content": [{"type": "text", "text": json.dumps(what)}]}}
        note = lambda name, more: {"jsonrpc": "2.0", "method": f"notifications/{name}", "params": more}
        if tool == "plain":
            return self.plain(200, text(params.get("arguments", {})))
        if tool == "forget":
            sessions.pop(session.id)
            return self.plain(200, text("forgotten"))
        if tool == "change":
            session.push.put(note("tools/list_changed", {}))
            return self.plain(200, text("changed"))
        if tool == "touch":
            for uri in ("note://1", "note://2"):
                session.push.put(note("resources/updated", {"uri": uri}))
            return self.plain(200, text(sorted(session.subscribed)))
        self.start_events()
        if tool == "ask":
            self.event(text(self.ask(session, "elicitation/create", FORM)))
        elif tool == "ask_twice":
            first = self.ask(session, "elicitation/create", FORM)
            self.event(text([first, self.ask(session, "elicitation/create", {**FORM, "message": "and then?"})]))
        elif tool == "ask_apart":
            self.event(text(self.ask(session, "elicitation/create", FORM, push=True)))
        elif tool == "think":
            self.event(text(self.ask(session, "sampling/createMessage", {"messages": [], "maxTokens": 10})))
        elif tool == "where":
            self.event(text(self.ask(session, "roots/list", {})))
        elif tool == "slow":
            session.cancelled[number] = stop = threading.Event()
            self.event(note("progress", {"progressToken": token, "progress": 1}))
            stop.wait(20)
        elif tool == "progress":
            for step in (1, 2, 3):
                self.event(note("progress", {"progressToken": token, "progress": step}))
                threading.Event().wait(0.15)
            self.event(text("done"))
        elif tool == "logs":
            for level in ("debug", "info", "error"):
                self.event(note("message", {"level": level, "data": level}))
            self.event(text("logged"))
        elif tool == "broken":
            session.kept["e-1"] = text("resumed")
            self.wfile.write(b"id: e-1\nretry: 200\ndata:\n\n")
        elif tool == "garbage":
            self.wfile.write(b"data: {\"jsonrpc\":\n\ndata: [1]\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":\"other\",\"result\":{\"secret\":1}}\n\n\xff\xfe\n\n")
        return None


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
