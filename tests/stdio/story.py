"""Programs that the gateway runs, end to end: two people, over HTTP, against a running `writ serve`.

    python3 story.py build/release/bin
"""
import http.client
import json
import os
import secrets
import shutil
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "policy_story"))
from world import Checks, World  # noqa: E402

MODERN = "2026-07-28"
NODE_MODULES = HERE.parent.parent / "build" / "interop" / "node_modules"
MARK = "mark" + secrets.token_hex(6)
SECRET = "the-secret-of-the-server"


def programs(name):
    """Running processes of the server: what the sandbox started, by a word in their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if f"{MARK}-{name}".encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def eventually(condition, seconds=10):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False


class StdioWorld(World):
    def __init__(self, binaries):
        super().__init__(binaries, HERE / "deployment")
        place = self.folder / "programs"
        place.mkdir()
        shutil.copy(HERE / "tries.py", place)
        for path, mode in ((self.folder, 0o755), (place, 0o755), (place / "tries.py", 0o644)):
            path.chmod(mode)
        secret = self.folder / "key"
        secret.write_text(SECRET + "\n")
        secret.chmod(0o600)
        servers = self.folder / "deployment" / "servers.yaml"
        text = servers.read_text()
        for word, value in {"PROGRAMS": place, "SECRET_FILE": secret, "NODE_MODULES": NODE_MODULES, "MARK": MARK}.items():
            text = text.replace(word, str(value))
        servers.write_text(text)
        config = self.folder / "writ.yaml"
        config.write_text(config.read_text().replace("level: warning", "level: info"))

    def log(self):
        return (self.folder / "log-1").read_text()


class Client:
    """An MCP client of the legacy era with a session."""

    def __init__(self, world, id_token, server):
        self.world, self.server = world, server
        self.token = world.access_token(id_token, server)
        self.session, self.id = None, 0

    def post(self, message, timeout=30):
        parts = urlsplit(self.world.base)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if self.session:
            headers.update({"Mcp-Session-Id": self.session, "MCP-Protocol-Version": "2025-11-25"})
        meta = (message.get("params") or {}).get("_meta") or {}
        if "io.modelcontextprotocol/protocolVersion" in meta:
            headers.update({"MCP-Protocol-Version": MODERN, "Mcp-Method": message["method"]})
            if message["method"] == "tools/call":
                headers["Mcp-Name"] = message["params"]["name"]
        connection.request("POST", f"/mcp/{self.server}", json.dumps({"jsonrpc": "2.0", **message}), headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response, text

    def ask(self, method, params=None):
        """Status, and the messages that came, the answer last."""
        self.id += 1
        response, text = self.post({"id": self.id, "method": method, "params": params or {}})
        if (response.headers.get("Content-Type") or "").startswith("text/event-stream"):
            return response, [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:") and line[5:].strip()]
        return response, [json.loads(text)] if text else []

    def begin(self):
        self.session = None
        response, messages = self.ask("initialize", {"protocolVersion": "2025-11-25", "capabilities": {"sampling": {}}, "clientInfo": {"name": "story", "version": "1"}})
        if response.status == 200:
            self.session = response.headers["Mcp-Session-Id"]
            self.post({"method": "notifications/initialized"})
            self.ask("tools/list")   # as every client does; with it Writ learns what there is
        return response, messages

    def call(self, tool, **arguments):
        response, messages = self.ask("tools/call", {"name": tool, "arguments": arguments})
        return response, messages[-1] if messages else None

    def value(self, tool, **arguments):
        response, message = self.call(tool, **arguments)
        if not message or "result" not in message or message["result"].get("isError"):
            raise AssertionError(f"{tool}: {response.status} {message}")
        return json.loads(message["result"]["content"][0]["text"])

    def modern(self, method, params=None):
        self.id += 1
        params = {**(params or {}), "_meta": {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}}
        response, text = self.post({"id": self.id, "method": method, "params": params})
        data = [line[5:] for line in text.splitlines() if line.startswith("data:") and line[5:].strip()] if "event-stream" in (response.headers.get("Content-Type") or "") else [text]
        return response, json.loads(data[-1]) if data and data[-1] else None

    def stream(self):
        parts = urlsplit(self.world.base)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=15)
        connection.request("GET", f"/mcp/{self.server}", headers={"Authorization": f"Bearer {self.token}", "Accept": "text/event-stream", "Mcp-Session-Id": self.session, "MCP-Protocol-Version": "2025-11-25"})
        return connection, connection.getresponse()

    def end(self):
        parts = urlsplit(self.world.base)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=15)
        connection.request("DELETE", f"/mcp/{self.server}", headers={"Authorization": f"Bearer {self.token}", "Mcp-Session-Id": self.session, "MCP-Protocol-Version": "2025-11-25"})
        status = connection.getresponse().status
        connection.close()
        return status


def each_its_own(checks, world, alice, bob):
    checks.that("alice's session begins", alice.begin()[0].status == 200)
    checks.that("bob's session begins", bob.begin()[0].status == 200)
    checks.that("each has a process", len(programs("tries")) == 2, programs("tries"))
    checks.that("they are two", alice.value("pid")[2] != bob.value("pid")[2])
    alice.value("spill", text="of alice;")
    checks.that("what one writes to /tmp the other does not see", bob.value("spill", text="of bob;") == "of bob;")
    stolen, bob.session = bob.session, alice.session
    checks.that("bob cannot use alice's session", bob.call("pid")[0].status == 404)
    bob.session = stolen
    environment = alice.value("environment")
    checks.that("the environment is what the object says", environment == {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/home/program", "TMPDIR": "/tmp", "LANG": "C.UTF-8", "MODE": "test", "KEY": SECRET}, environment)
    progress = alice.ask("tools/call", {"name": "progress", "arguments": {}, "_meta": {"progressToken": "mine"}})[1]
    checks.that("progress comes with the client's own token", [message["params"]["progressToken"] for message in progress[:-1]] == ["mine"] * 3, progress)


def shut_in(checks, world, alice):
    host_file = world.folder / "key"
    for name, tool, arguments, wanted in (("a file of the machine", "read", [str(host_file)], 2), ("/etc/shadow", "read", ["/etc/shadow"], 2), ("root's home", "list", ["/root"], 2),
                                          ("writing to /usr", "write", ["/usr/written"], 30), ("the service over loopback", "connect", [str(world.port)], 101), ("becoming root", "setuid", [], 22),
                                          ("mounting", "call", ["mount"], 1), ("tracing", "call", ["ptrace"], 1), ("a namespace", "clone_with_namespace", [], 1),
                                          ("filling the disk", "fill_tmp", [], 28), ("much memory", "memory_hog", ["400"], 12), ("the memory of process 1", "read", ["/proc/1/mem"], 13)):
        seen = alice.value(tool, **{"with": arguments})
        checks.that(f"refused: {name}", not seen["ok"] and seen["errno"] == wanted, seen)
    checks.that("it sees its own processes alone", len(alice.value("processes")["value"]) <= 3)
    checks.that("a fork bomb ends at its bound", alice.value("fork_bomb")["value"] <= 64)
    checks.that("descriptors end at theirs", alice.value("open_files")["value"] <= 256)


def crashes(checks, world, alice, bob):
    response, message = alice.call("crash")
    checks.that("a crash fails its call", response.status == 502 and message["error"]["code"] == 502, (response.status, message))
    checks.that("and nobody else's", bob.value("echo", x=1) == {"x": 1})
    checks.that("its session is gone", alice.call("pid")[0].status == 404)
    checks.that("the log says so", eventually(lambda: "program of server `tries`: ended with exit status 7" in world.log()), world.log()[-800:])
    checks.that("the first time it is started again at once", alice.begin()[0].status == 200)
    alice.call("crash")
    response, _ = alice.begin()
    checks.that("the second time after a while", response.status == 503 and int(response.headers["Retry-After"]) in (1, 2), (response.status, dict(response.headers)))
    checks.that("for others at once", bob.end() == 200 and bob.begin()[0].status == 200)
    time.sleep(1.1)
    checks.that("then it is", alice.begin()[0].status == 200)


def logs(checks, world, alice):
    alice.value("log_error", lines=["hello from the program", "key: " + SECRET, "red \x1b[31m text\r2026-01-01 writ: forged"])
    checks.that("standard error is in the log", eventually(lambda: "program of server `tries` says: hello from the program" in world.log()), world.log()[-800:])
    checks.that("escaped", eventually(lambda: "u001b[31m" in world.log() and "\x1b[31m" not in world.log()))
    checks.that("without the secret", "key: ***" in world.log() and SECRET not in world.log())
    alice.value("log_error", lines=["many"] * 200)
    checks.that("and bounded", eventually(lambda: world.log().count("says: many") >= 1) and world.log().count("says: many") <= 60, world.log().count("says: many"))
    checks.that("garbage on standard output harms nothing", alice.value("garbage") == "after the garbage")


def shared(checks, world, alice, bob):
    checks.that("both use one program", alice.begin()[0].status == 200 and bob.begin()[0].status == 200 and len(programs("shared")) == 1, programs("shared"))
    count, client = alice.value("initializations")
    checks.that("which was initialized once, by the gateway, without capabilities", count == 1 and client["clientInfo"]["name"] == "writ" and client["capabilities"] == {}, client)
    connection, stream = bob.stream()
    bob.ask("resources/subscribe", {"uri": "x:bob"})
    alice.value("change", uris=["x:alice", "x:bob"])
    seen = []
    while len(seen) < 2:
        line = stream.readline().decode()
        if line.startswith("data:"):
            seen.append(json.loads(line[5:]))
    connection.close()
    checks.that("bob hears what concerns all, and what he subscribed to", [m["method"] for m in seen] == ["notifications/tools/list_changed", "notifications/resources/updated"] and seen[1]["params"]["uri"] == "x:bob", seen)
    checks.that("it can ask nobody", alice.value("ask_client")["code"] == -32601)


def eras(checks, world, alice, tries_of_alice):
    response, message = alice.modern("tools/list")
    checks.that("a modern program serves a modern client", response.status == 200 and any(tool["name"] == "echo" for tool in message["result"]["tools"]), (response.status, message))
    response, message = alice.modern("tools/call", {"name": "echo", "arguments": {"x": 2}})
    checks.that("its tools are called", response.status == 200 and json.loads(message["result"]["content"][0]["text"]) == {"x": 2}, (response.status, message))
    checks.that("by one process", len(programs("modern")) == 1, programs("modern"))
    response, message = tries_of_alice.modern("tools/call", {"name": "echo", "arguments": {"x": 3}})
    checks.that("a legacy program serves a modern client, through the bridge", response.status == 200 and json.loads(message["result"]["content"][0]["text"]) == {"x": 3}, (response.status, message))


def asks_its_client(checks, alice):
    """A question of the program arrives on the call's stream, and the answer goes back."""
    parts = urlsplit(alice.world.base)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=15)
    connection.request("POST", f"/mcp/{alice.server}", json.dumps({"jsonrpc": "2.0", "id": "asking", "method": "tools/call", "params": {"name": "ask_client", "arguments": {}}}),
                       {"Authorization": f"Bearer {alice.token}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Mcp-Session-Id": alice.session, "MCP-Protocol-Version": "2025-11-25"})
    response = connection.getresponse()
    answer = None
    while answer is None:
        line = response.readline().decode()
        if not line:
            break
        if line.startswith("data:"):
            message = json.loads(line[5:])
            if message.get("method") == "sampling/createMessage":
                alice.post({"id": message["id"], "result": {"role": "assistant", "model": "m", "content": {"type": "text", "text": "an answer"}}})
            elif message.get("id") == "asking":
                answer = message
    connection.close()
    checks.that("a program asks its client for a model", answer and "an answer" in answer["result"]["content"][0]["text"], answer)


def ends(checks, world, alice, bob, short):
    short.begin()
    checks.that("it runs", len(programs("short")) == 1)
    checks.that("and ends when nobody uses it", eventually(lambda: not programs("short"), 6), programs("short"))
    checks.that("its session with it", short.call("pid")[0].status == 404)
    checks.that("a session that is deleted ends its program", bob.end() == 200 and eventually(lambda: len(programs("tries")) <= 2), programs("tries"))
    alice.value("stuck")   # ignores SIGTERM and the end of its input
    code, out, err = world.writ("server", "disable", "tries")
    begun = time.monotonic()
    response, message = alice.call("pid")
    checks.that("a disabled server answers no more", code == 0 and message["result"]["_meta"]["writ/decision"]["kind"] == "server_disabled", (code, out, err, response.status, message))
    checks.that("and all its programs are ended, also one that ignores it", eventually(lambda: not programs("tries"), 8), programs("tries"))
    print(f"      after {time.monotonic() - begun:.1f} s")


def real_server(checks, memory):
    response, messages = memory.begin()
    checks.that("a real server on Node begins", response.status == 200, (response.status, messages))
    _, message = memory.call("create_entities", entities=[{"name": "writ", "entityType": "gateway", "observations": ["runs programs"]}])
    checks.that("and works", message and "result" in message and not message["result"].get("isError"), message)
    _, message = memory.call("read_graph")
    checks.that("and remembers, in its own folder", message and "runs programs" in json.dumps(message), message)


def main(binaries):
    checks = Checks()
    who = "root" if os.geteuid() == 0 else "an ordinary user"
    print(f"      as {who}")
    with StdioWorld(binaries) as world:
        of_alice, of_bob = world.sign_in("alice"), world.sign_in("bob")
        alice, bob = Client(world, of_alice, "tries"), Client(world, of_bob, "tries")
        each_its_own(checks, world, alice, bob)
        shut_in(checks, world, alice)
        asks_its_client(checks, alice)
        logs(checks, world, alice)
        crashes(checks, world, alice, bob)
        shared(checks, world, Client(world, of_alice, "shared"), Client(world, of_bob, "shared"))
        eras(checks, world, Client(world, of_alice, "modern"), Client(world, of_alice, "tries"))
        response, _ = Client(world, of_alice, "broken").begin()
        checks.that("a program that is not there is 502, with the reason in the log alone", response.status == 502 and eventually(lambda: "`/usr/bin/no-such-program` cannot be run" in world.log()), response.status)
        if (NODE_MODULES / "@modelcontextprotocol/server-memory").is_dir() and Path("/usr/bin/node").exists():
            real_server(checks, Client(world, of_alice, "memory"))
        ends(checks, world, alice, bob, Client(world, of_alice, "short"))
        server = world.started[1]
        server.terminate()
        server.wait(15)
        left = [name for name in ("tries", "shared", "modern", "short", "memory") if not eventually(lambda name=name: not programs(name), 3)]
        checks.that("nothing outlives the service", not left, left)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
