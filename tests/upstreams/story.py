"""Servers of other kinds behind the gateway, end to end against a running `writ serve`.

    python3 story.py build/release/bin
"""
import http.client
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "policy_story"))
from servers import OldServer, Plain, Server  # noqa: E402
from world import Checks, World, free_port  # noqa: E402

ACCEPT = "application/json, text/event-stream"


class Client:
    """One MCP session of one person at one server."""

    def __init__(self, world, token, server):
        self.world, self.token, self.server, self.session, self.id = world, token, server, None, 0

    def headers(self):
        return {"Authorization": f"Bearer {self.token}", "Accept": ACCEPT, **({"Mcp-Session-Id": self.session} if self.session else {})}

    def open(self, method, message=None):
        """Status, headers and a reader of messages; the stream goes on until `close`."""
        parts = urlsplit(self.world.base)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
        body = None if message is None else json.dumps(message)
        connection.request(method, f"/mcp/{self.server}", body, {**self.headers(), **({"Content-Type": "application/json"} if body else {})})
        return connection, connection.getresponse()

    def post(self, message):
        connection, response = self.open("POST", message)
        text = response.read().decode()
        connection.close()
        return response, text

    def request(self, method, **params):
        self.id += 1
        response, text = self.post({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params})
        messages = [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")] if "event-stream" in (response.headers["Content-Type"] or "") else [json.loads(text)] if text else []
        return response, messages

    def initialize(self):
        response, messages = self.request("initialize", protocolVersion="2025-11-25", capabilities={"roots": {}}, clientInfo={"name": "test", "version": "1"})
        self.session = response.headers["Mcp-Session-Id"]
        if response.status == 200:
            self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return response, messages

    def call(self, tool, meta=None, **arguments):
        return self.request("tools/call", name=tool, arguments=arguments, **({"_meta": meta} if meta else {}))

    def text_of(self, tool, **arguments):
        response, messages = self.call(tool, **arguments)
        return messages[-1]["result"]["content"][0]["text"] if response.status == 200 and "result" in messages[-1] else f"{response.status} {messages}"


def until(holds, seconds=5):
    for _ in range(seconds * 20):
        if holds():
            return True
        time.sleep(0.05)
    return False


def old_transport(checks, world, alice, bob, old, astray):
    client, other = Client(world, alice("old"), "old"), Client(world, bob("old"), "old")
    response, messages = client.initialize()
    checks.that("HTTP+SSE: initialize opens a session of ours", response.status == 200 and client.session and client.session != "s1" and messages[0]["result"]["protocolVersion"] == "2024-11-05", (response.status, messages))
    _, messages = client.request("tools/list")
    checks.that("HTTP+SSE: tools are listed", [tool["name"] for tool in messages[-1]["result"]["tools"]][:2] == ["echo", "which"], messages)
    checks.that("HTTP+SSE: a call is answered", client.text_of("echo", words="hello") == "hello")
    other.initialize()
    checks.that("HTTP+SSE: two people never share a stream", (client.text_of("which"), other.text_of("which")) == ("s1", "s2"), old.sessions)
    thief = Client(world, bob("old"), "old")
    thief.session = client.session
    checks.that("HTTP+SSE: somebody else's session is not found", thief.call("echo")[0].status == 404)

    answers = {}
    threads = [threading.Thread(target=lambda n=n: answers.update({n: Client.text_of(client_of[n], "echo", words=f"words {n}")})) for n in range(8)]
    client_of = {}
    for n in range(8):
        client_of[n] = Client(world, client.token, "old")
        client_of[n].session, client_of[n].id = client.session, 100 * (n + 1)
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    checks.that("HTTP+SSE: answers find who asked, from several connections at once", answers == {n: f"words {n}" for n in range(8)}, answers)

    begun = time.monotonic()
    connection, response = client.open("POST", {"jsonrpc": "2.0", "id": 50, "method": "tools/call", "params": {"name": "report", "arguments": {}, "_meta": {"progressToken": "p"}}})
    first = response.readline()
    early = time.monotonic() - begun
    rest = response.read().decode()
    connection.close()
    checks.that("HTTP+SSE: progress comes while the call runs", b"progress" in first and early < 0.45 and "the report" in rest, (first, early, rest))

    for number, tool, sentence in ((51, "ask", "the server's own question is asked on the call's stream"), (52, "ask-first", "also when the server takes the message only after the answer")):
        begun = time.monotonic()
        connection, response = client.open("POST", {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": tool, "arguments": {}}})
        question = json.loads(response.readline().decode()[5:])
        asked_after = time.monotonic() - begun
        accepted, _ = client.post({"jsonrpc": "2.0", "id": question["id"], "result": {"roots": [{"uri": "file:///a"}, {"uri": "file:///b"}]}})
        rest = response.read().decode()
        connection.close()
        checks.that(f"HTTP+SSE: {sentence}", question["method"] == "roots/list" and asked_after < 2 and accepted.status == 202 and "roots: 2" in rest, (question, asked_after, accepted.status, rest))

    connection, standing = client.open("GET")
    old.sessions["s1"].put({"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": "x:y"}})
    checks.that("HTTP+SSE: news come on the standing stream", standing.status == 200 and b"resources/updated" in standing.readline())
    connection.close()

    response, messages = client.call("break")
    checks.that("HTTP+SSE: a stream that ends fails the call that waits", response.status == 502 and "error" in messages[0], (response.status, messages))
    checks.that("HTTP+SSE: and its session", client.call("echo")[0].status == 404)
    client.session = None
    client.initialize()
    checks.that("HTTP+SSE: the client starts over", client.text_of("which") == "s3")
    checks.that("HTTP+SSE: and nobody else noticed", other.text_of("which") == "s2")
    connection, response = client.open("DELETE")
    response.read()
    connection.close()
    checks.that("HTTP+SSE: DELETE closes the server's stream", response.status == 200 and until(lambda: "s3" not in old.sessions) and client.call("echo")[0].status == 404, (response.status, old.sessions))

    lost = Client(world, alice("astray"), "astray")
    response, _ = lost.initialize()
    checks.that("HTTP+SSE: an endpoint of another origin is refused", response.status == 502 and until(lambda: not astray.sessions), response.status)
    checks.that("HTTP+SSE: and nothing was sent there", not old_messages_with(old, "astray") and not astray.messages)


def old_messages_with(old, word):
    return [message for message in old.messages if word in json.dumps(message)]


def status_of(world, server):
    code, out, err = world.writ("server", "status", server, "--json")
    return json.loads(out)["items"][0] if code == 0 else {"circuit": f"{code} {out} {err}"}


def health(checks, world, alice, bob, steady, dead_port):
    client, neighbour = Client(world, alice("dead"), "dead"), Client(world, alice("steady"), "steady")
    statuses = [client.request("tools/list")[0].status for _ in range(3)]
    checks.that("a server that nobody hears is 502, three times", statuses == [502, 502, 502], statuses)
    begun = time.monotonic()
    response, messages = client.request("tools/list")
    took = time.monotonic() - begun
    checks.that("then it is left alone: 503 at once, with Retry-After", response.status == 503 and response.headers["Retry-After"] in ("1", "2") and took < 0.5, (response.status, dict(response.headers), took))
    state = status_of(world, "dead")
    checks.that("`writ server status` says so", state["circuit"] == "open" and state["failures"] == 3 and state["last_failure"] == "connect" and state["turned_away"] == 1, state)
    code, out, _ = world.writ("server", "status")
    checks.that("and shows it to people", code == 0 and any("dead" in line and "left alone" in line for line in out.splitlines()), out)
    checks.that("the other servers do not notice", neighbour.text_of("echo") == "done: echo" and status_of(world, "steady")["circuit"] == "closed")
    risen = Server(Plain, dead_port)
    checks.that("it is still left alone when it comes back", client.request("tools/list")[0].status == 503 and not risen.messages)
    time.sleep(2.1)
    checks.that("after a while one request tries it", client.request("tools/list")[0].status == 200)
    checks.that("and it is used again", [client.text_of("echo"), client.text_of("which")] == ["done: echo", "done: which"] and status_of(world, "dead")["circuit"] == "closed", status_of(world, "dead"))
    checks.that("nothing was sent twice", len([m for m in risen.messages if m.get("method") == "tools/call"]) == 2, risen.messages)
    risen.close()

    slow = [threading.Thread(target=lambda: Client(world, alice("steady"), "steady").call("hang")) for _ in range(8)]
    [thread.start() for thread in slow]
    until(lambda: len([m for m in steady.messages if (m.get("params") or {}).get("name") == "hang"]) == 8)
    begun = time.monotonic()
    response, _ = neighbour.request("tools/list")
    checks.that("who has too many calls waiting is told so at once", response.status == 503 and response.headers["Retry-After"] == "1" and time.monotonic() - begun < 0.5, response.status)
    checks.that("and nobody else is kept out", Client(world, bob("steady"), "steady").text_of("echo") == "done: echo")
    [thread.join() for thread in slow]
    checks.that("a slow server is no dead one", neighbour.text_of("echo") == "done: echo" and status_of(world, "steady")["circuit"] == "closed")


def authority(folder, name, hosts):
    """A certificate authority and a server certificate of it, by the openssl command."""
    def run(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=server", "-keyout", f"{name}-server.key", "-out", f"{name}-server.csr")
    (folder / f"{name}.ext").write_text(f"subjectAltName={hosts}\n")
    run("x509", "-req", "-in", f"{name}-server.csr", "-CA", f"{name}.pem", "-CAkey", f"{name}.key", "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}-server.pem")
    return folder / f"{name}.pem", (folder / f"{name}-server.pem", folder / f"{name}-server.key")


def tls(checks, world, alice, servers):
    checks.that("https with the server's own certificate authority", Client(world, alice("tls"), "tls").text_of("echo") == "done: echo")
    for name, sentence in (("tls-system", "the system's authorities do not know it"), ("tls-other", "another authority does not vouch for it"), ("tls-name", "a certificate for another name is refused")):
        response, messages = Client(world, alice(name), name).request("tools/list")
        checks.that(f"https: {sentence}", response.status == 502 and status_of(world, name)["last_failure"] == "tls", (response.status, messages))
    checks.that("https: and nothing was sent to them", all(not server.messages for name, server in servers.items() if name != "tls"), {name: server.messages for name, server in servers.items()})
    code, out, _ = world.writ("audit", "query", "--json", "--limit", "500")
    checks.that("the record says that it was TLS", code == 0 and out.count("upstream_tls") >= 3, out[-600:])


def main(binaries):
    checks = Checks()
    world = World(binaries, HERE / "deployment")
    old, steady = OldServer(), Server(Plain)
    astray = OldServer(f"http://127.0.0.1:{old.port}/message?session=astray")
    dead_port = free_port()
    ca, certificate = authority(world.folder, "good", "IP:127.0.0.1")
    other_ca, _ = authority(world.folder, "other", "IP:127.0.0.1")
    misnamed_ca, misnamed = authority(world.folder, "misnamed", "DNS:elsewhere.example")
    secure = {"tls": Server(Plain, certificate=certificate), "tls-system": Server(Plain, certificate=certificate), "tls-other": Server(Plain, certificate=certificate), "tls-name": Server(Plain, certificate=misnamed)}
    upstreams = {
        "old": {"transport": "http_sse", "url": f"http://127.0.0.1:{old.port}/sse"},
        "astray": {"transport": "http_sse", "url": f"http://127.0.0.1:{astray.port}/sse"},
        "steady": {"url": f"http://127.0.0.1:{steady.port}/mcp"},
        "dead": {"url": f"http://127.0.0.1:{dead_port}/mcp"},
        "tls": {"url": f"https://127.0.0.1:{secure['tls'].port}/mcp", "ca_file": str(ca)},
        "tls-system": {"url": f"https://127.0.0.1:{secure['tls-system'].port}/mcp"},
        "tls-other": {"url": f"https://127.0.0.1:{secure['tls-other'].port}/mcp", "ca_file": str(other_ca)},
        "tls-name": {"url": f"https://127.0.0.1:{secure['tls-name'].port}/mcp", "ca_file": str(misnamed_ca)},
    }
    world.write("deployment/servers.yaml", "servers:\n" + "".join(
        f"  - {{id: {name}, resource: {world.base}/mcp/{name}, resource_authorization_server: {world.base}/ras, first_use: allow, upstream: {json.dumps(upstream)}, scopes: [{{name: use, default: true}}]}}\n"
        for name, upstream in upstreams.items()))
    configuration = world.folder / "writ.yaml"
    configuration.write_text(configuration.read_text() + "gateway: {upstreams: {failures: 3, retry: 2s, waiting_per_user: 8}}\n")
    with world:
        tokens, ids = {}, {name: world.sign_in(name) for name in ("alice", "bob")}

        def token_of(person):
            def token(server):
                if (person, server) not in tokens:
                    tokens[person, server] = world.access_token(ids[person], server)
                return tokens[person, server]
            return token
        alice, bob = token_of("alice"), token_of("bob")
        old_transport(checks, world, alice, bob, old, astray)
        health(checks, world, alice, bob, steady, dead_port)
        tls(checks, world, alice, secure)
        left = Client(world, alice("old"), "old")
        left.initialize()
        writ = world.started[-1]
        writ.terminate()
        begun = time.monotonic()
        checks.that("it stops with sessions open, and closes them", writ.wait(20) == 0 and time.monotonic() - begun < 5 and until(lambda: not old.sessions), (writ.returncode, old.sessions))
    for server in (old, astray, steady, *secure.values()):
        server.close()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
