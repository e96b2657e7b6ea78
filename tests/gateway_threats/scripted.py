"""An MCP server of which a test says each byte. Runs in a thread of the test; what came in is kept."""
import asyncio
import json
import threading

TOOLS = [
    {"name": "get_note", "description": "Reads a note", "annotations": {"readOnlyHint": True, "destructiveHint": False},
     "inputSchema": {"type": "object", "properties": {"note": {"type": "string"}}, "required": ["note"]}},
    {"name": "delete_note", "description": "Deletes a note", "inputSchema": {"type": "object", "properties": {"note": {"type": "string"}}}},
    {"name": "both", "description": "Takes anything", "inputSchema": {"type": "object", "properties": {"note": {"type": "string"}}}},
    {"name": "slow", "description": "Takes its time", "inputSchema": {"type": "object"}},
    {"name": "stream", "description": "Says much", "inputSchema": {"type": "object"}},
]


class Request:
    def __init__(self, raw, head, body, connection):
        self.raw, self.body, self.connection = raw, body, connection
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.path = lines[0].split()[:2]
        self.fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.fields.setdefault(name.lower(), value.strip())
        self.message = json.loads(body) if body else None

    @property
    def rpc(self):
        return (self.message or {}).get("method")

    @property
    def id(self):
        return (self.message or {}).get("id")

    @property
    def tool(self):
        return (self.message or {}).get("params", {}).get("name")


def http(status, body=b"", fields=()):
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def result_of(request, result):
    return json.dumps({"jsonrpc": "2.0", "id": request.id, "result": result})


def json_answer(request, result, fields=()):
    return http(200, result_of(request, result).encode(), ["Content-Type: application/json", *fields])


def chunked(data):
    return b"%x\r\n" % len(data) + data + b"\r\n"


def event(text, number=None):
    return ((f"id: {number}\n" if number is not None else "") + f"data: {text}\n\n").encode()


STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def events_answer(*events, end=True):
    return STREAM_HEAD + b"".join(chunked(one) for one in events) + (b"0\r\n\r\n" if end else b"")


class Upstream(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.connections, self.open = [], 0, 0
        self.tools = TOOLS
        self.script = None   # async (request, writer) -> bool: whether it has answered
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.port = None
        self.start()
        self.ready.wait(10)

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.listen())
        self.ready.set()
        self.loop.run_forever()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))

    async def listen(self):
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=2048)
        self.port = server.sockets[0].getsockname()[1]

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.join(10)

    async def serve(self, reader, writer):
        self.connections += 1
        self.open += 1
        number = self.connections
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
                body = await reader.readexactly(length)
                request = Request(head + body, head[:-4], body, number)
                self.seen.append(request)
                if self.script and await self.script(request, writer):
                    continue
                await self.answer(request, writer)
                await writer.drain()
                if request.method == "GET" or request.rpc == "subscriptions/listen":
                    await reader.read(1)   # until the peer goes
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def answer(self, request, writer):
        if request.method == "DELETE":
            writer.write(http(200))
        elif request.method == "GET":
            writer.write(STREAM_HEAD + chunked(b": open\n\n"))
        elif request.id is None:
            writer.write(http(202))
        elif request.rpc == "initialize":
            writer.write(json_answer(request, {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "notes", "version": "1"}}, [f"Mcp-Session-Id: up-{len(self.seen)}"]))
        elif request.rpc == "server/discover":
            writer.write(json_answer(request, {"supportedVersions": ["2026-07-28", "2025-11-25"], "capabilities": {"tools": {}}, "serverInfo": {"name": "notes", "version": "1"}}))
        elif request.rpc == "tools/list":
            writer.write(json_answer(request, {"tools": self.tools}))
        elif request.rpc == "subscriptions/listen":
            writer.write(STREAM_HEAD + chunked(event(json.dumps({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": {}}))))
        else:
            writer.write(json_answer(request, {"content": [{"type": "text", "text": "done"}]}))

    def has_seen(self, text):
        text = text if isinstance(text, bytes) else text.encode()
        return any(text in request.raw for request in self.seen)

    def calls(self, tool=None):
        return [request for request in self.seen if request.rpc == "tools/call" and tool in (None, request.tool)]
