"""Raw sockets: what is sent is exactly what stands in a test, and what comes back is looked at byte for byte."""
import json
import socket
import time


class Ended(Exception):
    """The peer ended the connection."""


class Answer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def field(self, name):
        return next((value for key, value in self.fields if key == name.lower()), None)

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.fields} {self.body[:300]!r}"


class Wire:
    def __init__(self, port, source=None, seconds=10, receive_buffer=None):
        self.socket = socket.socket()
        self.socket.settimeout(seconds)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.socket.setsockopt(socket.IPPROTO_IP, 24, 1)   # IP_BIND_ADDRESS_NO_PORT: many connections from one address
            self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        """What the peer does not want any more it need not read."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Ended
        self.rest += data

    def until(self, end):
        while end not in self.rest:
            self.more()
        found, self.rest = self.rest.split(end, 1)
        return found

    def exactly(self, size):
        while len(self.rest) < size:
            self.more()
        found, self.rest = self.rest[:size], self.rest[size:]
        return found

    def head(self):
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        fields = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        return Answer(int(lines[0].split()[1]), fields, b"")

    def chunk(self):
        """One chunk of a body; None at its end."""
        size = int(self.until(b"\r\n").split(b";")[0], 16)
        data = self.exactly(size)
        self.exactly(2)
        return data if size else None

    def answer(self):
        answer = self.head()
        if (answer.field("transfer-encoding") or "").lower() == "chunked":
            while (data := self.chunk()) is not None:
                answer.body += data
        elif answer.field("content-length"):
            answer.body = self.exactly(int(answer.field("content-length")))
        return answer

    def is_closed(self, seconds=5):
        """Whether the peer ends the connection within that time; what comes before is thrown away."""
        self.socket.settimeout(seconds)
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                self.rest = b""
                self.more()
        except Ended:
            return True
        except TimeoutError:
            pass
        return False


class Events:
    """The events of an answer's stream, one by one."""

    def __init__(self, wire):
        self.wire, self.text, self.is_over = wire, b"", False
        self.head = wire.head()

    def next(self):
        """Fields of the next event, as they stand in it; None at the end."""
        while b"\n\n" not in self.text:
            if self.is_over:
                return None
            data = self.wire.chunk()
            if data is None:
                self.is_over = True
                return None
            self.text += data
        block, self.text = self.text.split(b"\n\n", 1)
        return [tuple(part.strip() for part in line.split(b":", 1)) for line in block.split(b"\n")]

    def message(self):
        """The next event that has data, as JSON; None at the end."""
        while (fields := self.next()) is not None:
            data = b"\n".join(field[1] for field in fields if field[0] == b"data" and len(field) == 2)
            if data:
                return json.loads(data)
        return None


def post(world, token, message, server="notes", version="2025-11-25", session=None, fields=(), host=None):
    """A POST as bytes. `message` may be text that is no JSON."""
    body = message if isinstance(message, bytes) else (message if isinstance(message, str) else json.dumps(message)).encode()
    lines = [f"POST /mcp/{server} HTTP/1.1", f"Host: {host or f'127.0.0.1:{world.port}'}", "Content-Type: application/json", "Accept: application/json, text/event-stream", f"Content-Length: {len(body)}"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if version:
        lines.append(f"MCP-Protocol-Version: {version}")
    if session:
        lines.append(f"Mcp-Session-Id: {session}")
    return "\r\n".join([*lines, *fields, "", ""]).encode() + body


def get(world, token, server="notes", session=None, last_event_id=None, fields=()):
    lines = [f"GET /mcp/{server} HTTP/1.1", f"Host: 127.0.0.1:{world.port}", "Accept: text/event-stream", f"Authorization: Bearer {token}", "MCP-Protocol-Version: 2025-11-25"]
    if session:
        lines.append(f"Mcp-Session-Id: {session}")
    if last_event_id:
        lines.append(f"Last-Event-ID: {last_event_id}")
    return "\r\n".join([*lines, *fields, "", ""]).encode()


def call(tool, arguments=None, number=1, **more):
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": tool, "arguments": {"note": "x"} if arguments is None else arguments, **more}}


MODERN = "2026-07-28"
META = {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}


def modern(world, token, method, params=None, server="notes", name=None, fields=None, number=1):
    """A POST of the modern era, with its mirrored header fields."""
    params = {**(params or {}), "_meta": META}
    if fields is None:
        fields = [f"Mcp-Method: {method}"] + ([f"Mcp-Name: {name}"] if name else [])
    return post(world, token, {"jsonrpc": "2.0", "id": number, "method": method, "params": params}, server, MODERN, fields=fields)


def ask(world, request, source=None):
    """One request on a connection of its own, and its whole answer."""
    with Wire(world.port, source) as wire:
        wire.send(request)
        return wire.answer()


def decision(answer):
    """What an agent is told of a denial; None when it is none."""
    try:
        message = answer if isinstance(answer, dict) else answer.json()
    except ValueError:
        return None
    if "error" in message:
        return message["error"].get("data")
    return message.get("result", {}).get("_meta", {}).get("writ/decision")
