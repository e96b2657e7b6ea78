"""A small MCP server for the story and the load: answers initialize, tools/list and tools/call over Streamable HTTP, as fast as Python can.

    python3 upstream.py PORT
"""
import asyncio
import json
import sys

TOOLS = [
    {"name": "get_note", "description": "Reads a note", "annotations": {"readOnlyHint": True, "destructiveHint": False},
     "inputSchema": {"type": "object", "properties": {"note": {"type": "string"}}, "required": ["note"]}},
    {"name": "delete_note", "description": "Deletes a note", "annotations": {"destructiveHint": True},
     "inputSchema": {"type": "object", "properties": {"note": {"type": "string"}}, "required": ["note"]}},
    {"name": "both", "description": "Does nothing", "inputSchema": {"type": "object", "properties": {"note": {"type": "string"}}}},
]


def answer(request):
    method = request.get("method")
    if method == "initialize":
        return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "notes", "version": "1"}}
    if method == "tools/list":
        return {"tools": TOOLS}
    return {"content": [{"type": "text", "text": "done"}]}


async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = 0
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            body = await reader.readexactly(length)
            request = json.loads(body) if body else {}
            if "id" not in request:
                writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
                continue
            text = json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": answer(request)}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(text) + text)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(port):
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
