"""A modern client (2026-07-28) over raw HTTP: one connection for each request, answers as they come."""
import http.client
import itertools
import json
from urllib.parse import urlsplit

VERSION = "2026-07-28"
META = "io.modelcontextprotocol/"
EVERYTHING = {"elicitation": {"form": {}}, "sampling": {}, "roots": {}}
numbers = itertools.count(1)


class Answer:
    """Messages one by one; the last is the response."""

    def __init__(self, connection, response, number):
        self.connection, self.response, self.number = connection, response, number
        self.status, self.headers = response.status, response.headers
        self.is_stream = response.headers.get("Content-Type", "").startswith("text/event-stream")

    def __iter__(self):
        if not self.is_stream:
            text = self.response.read()
            if text:
                yield json.loads(text)
            return
        for line in self.response:
            if line.startswith(b"data:") and line[5:].strip():
                yield json.loads(line[5:])

    def whole(self):
        messages = list(self)
        self.close()
        return messages

    def last(self):
        return self.whole()[-1]

    def close(self):
        self.connection.close()


class Client:
    def __init__(self, url, token, capabilities=None, name="desk"):
        self.url, self.token, self.capabilities, self.name = urlsplit(url), token, EVERYTHING if capabilities is None else capabilities, name

    def send(self, method, params=None, meta=None, headers=None):
        number = next(numbers)
        params = {**(params or {}), "_meta": {META + "protocolVersion": VERSION, META + "clientCapabilities": self.capabilities, META + "clientInfo": {"name": self.name, "version": "1"}, **(meta or {})}}
        subject = params.get("uri") if method == "resources/read" else params.get("name")
        fields = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": VERSION, "Mcp-Method": method}
        if subject and method in ("tools/call", "prompts/get", "resources/read"):
            fields["Mcp-Name"] = subject
        connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=20)
        connection.request("POST", self.url.path, json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}), {**fields, **(headers or {})})
        return Answer(connection, connection.getresponse(), number)

    def call(self, tool, arguments=None, meta=None, **more):
        return self.send("tools/call", {"name": tool, "arguments": arguments or {}, **more}, meta)


def said(message):
    """What a tool of legacy_server.py returned."""
    return json.loads(message["result"]["content"][0]["text"])
