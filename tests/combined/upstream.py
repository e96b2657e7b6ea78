"""A small MCP server of both protocol eras with sessions, a push stream, resources, and tools that report progress or ask the client something.

    python3 upstream.py PORT NAME [slow]

`slow`: it opens sessions and never answers anything else.
"""
import asyncio
import json
import sys
import uuid

MODERN = "2026-07-28"
VERSION = "io.modelcontextprotocol/protocolVersion"
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"


def text_of(request):
    return {"content": [{"type": "text", "text": f"{NAME} did {request['params']['name']} {json.dumps(request['params'].get('arguments', {}))}"}]}


class Server:
    def __init__(self):
        self.sessions = {}      # id → writer of its push stream, or None
        self.listeners = {}     # writer → id of its listen request
        self.answers = {}       # id of our own request → future

    def tools(self):
        schema = {"type": "object", "properties": {"text": {"type": "string"}}}
        long_name = "describe_everything_that_is_written_on_the_page_with_this_title_and_more"
        return [{"name": name, "description": f"{name} of {NAME}", "inputSchema": schema} for name in ("search", "write", "wait", "ask", "touch", long_name)]

    def result(self, request):
        method, params = request["method"], request.get("params", {})
        modern = VERSION in params.get("_meta", {})
        more = {"resultType": "complete"} if modern else {}
        cached = {"ttlMs": 1000, "cacheScope": "public"} if modern else {}
        able = {"tools": {"listChanged": True}, "resources": {"subscribe": True}, "logging": {}}
        if method == "initialize":
            return {"protocolVersion": "2025-11-25", "capabilities": able, "serverInfo": {"name": NAME, "version": "1"}, "instructions": f"Be kind to {NAME}."}
        if method == "server/discover":
            return {**more, **cached, "supportedVersions": [MODERN], "capabilities": able, "instructions": f"Be kind to {NAME}."}
        if method == "tools/list":
            tools, start = self.tools(), int(params.get("cursor", 0))
            page = {"tools": tools[start:start + 4]}
            if start + 4 < len(tools):
                page["nextCursor"] = str(start + 4)
            return {**more, **cached, **page}
        if method == "resources/list":
            return {**more, **cached, "resources": [{"uri": "file:///same", "name": f"same of {NAME}"}]}
        if method == "resources/read":
            return {**more, **cached, "contents": [{"uri": params["uri"], "text": f"text of {NAME}"}]}
        if method == "tools/call":
            if modern and params["name"] == "ask" and "requestState" not in params:
                return {"resultType": "input_required", "requestState": f"state of {NAME}", "inputRequests": {"q": {"method": "elicitation/create", "params": {"message": "sure?", "requestedSchema": {"type": "object", "properties": {}}}}}}
            if modern and params["name"] == "ask":
                assert params["requestState"] == f"state of {NAME}", params
            return {**more, **text_of(request)}
        return more

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.strip().split("\r\n")
                fields = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines}
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                await self.handle(first.split()[0], fields, json.loads(body) if body else None, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def send(self, writer, status, body=None, **fields):
        text = json.dumps(body).encode() if body is not None else b""
        if body is not None:
            fields["content-type"] = "application/json"
        writer.write(f"HTTP/1.1 {status} x\r\n{''.join(f'{k}: {v}' + chr(13) + chr(10) for k, v in fields.items())}content-length: {len(text)}\r\n\r\n".encode() + text)

    def begin_stream(self, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    def event(self, writer, message):
        text = f"data: {json.dumps(message)}\n\n".encode()
        writer.write(b"%x\r\n" % len(text) + text + b"\r\n")

    async def handle(self, method, fields, message, writer):
        session = fields.get("mcp-session-id")
        if method == "DELETE":
            return self.send(writer, 200 if self.sessions.pop(session, 0) != 0 else 404)
        if method == "GET":
            if session not in self.sessions:
                return self.send(writer, 404)
            self.begin_stream(writer)
            self.sessions[session] = writer
            return
        if "method" not in message:
            waiting = self.answers.pop(json.dumps(message["id"]), None)
            if waiting:
                waiting.set_result(message)
            return self.send(writer, 202)
        if "id" not in message:
            return self.send(writer, 202)
        modern = VERSION in message.get("params", {}).get("_meta", {})
        if message["method"] == "initialize":
            made = uuid.uuid4().hex
            self.sessions[made] = None
            return self.send(writer, 200, {"jsonrpc": "2.0", "id": message["id"], "result": self.result(message)}, **{"mcp-session-id": made})
        if not modern and session not in self.sessions:
            return self.send(writer, 404)
        if SLOW:
            return   # never
        if message["method"] == "subscriptions/listen":
            self.begin_stream(writer)
            self.listeners[writer] = message["id"]
            tag = {SUBSCRIPTION: message["id"]}
            return self.event(writer, {"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": {"notifications": message["params"]["notifications"], "_meta": tag}})
        tool = message["params"].get("name") if message["method"] == "tools/call" else None
        if tool == "touch":
            for stream in filter(None, self.sessions.values()):
                self.event(stream, {"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": "file:///same"}})
            for stream, listen in self.listeners.items():
                self.event(stream, {"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": "file:///same", "_meta": {SUBSCRIPTION: listen}}})
        if tool == "wait" or (tool == "ask" and not modern):
            self.begin_stream(writer)
            if tool == "wait":
                token = message["params"].get("_meta", {}).get("progressToken")
                for step in (1, 2):
                    if token is not None:
                        self.event(writer, {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": step, "total": 2}})
                    await asyncio.sleep(0.05)
                result = text_of(message)
            else:
                waiting = self.answers[json.dumps(5)] = asyncio.get_running_loop().create_future()
                self.event(writer, {"jsonrpc": "2.0", "id": 5, "method": "roots/list"})
                await writer.drain()
                reply = await asyncio.wait_for(waiting, 10)
                result = {"content": [{"type": "text", "text": f"{NAME} heard {json.dumps(reply['result'])}"}]}
            self.event(writer, {"jsonrpc": "2.0", "id": message["id"], "result": {**({"resultType": "complete"} if modern else {}), **result}})
            writer.write(b"0\r\n\r\n")
            return
        self.send(writer, 200, {"jsonrpc": "2.0", "id": message["id"], "result": self.result(message)})


async def main(port):
    server = await asyncio.start_server(Server().serve, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


NAME, SLOW = sys.argv[2], "slow" in sys.argv[3:]
if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
