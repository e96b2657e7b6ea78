"""What is taken away ends: a user is disabled under load, and one row for each other thing that can be taken away. The time from the acknowledged change to the last byte of
allowed content is at most one second; no call is allowed afterwards; the last event carries the denial code.

    python3 revocation.py build/release/bin [--rate 200] [--streams 60] [--json FILE]
"""
import argparse
import asyncio
import json
import re
import statistics
import sys
import time

from scene import AGENT_SECRET, Checks, Scene
from scripted import STREAM_HEAD, chunked, event
from wire import Wire, ask, call, get, modern, post

TICK = json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "allowed content"}})
LIMIT = 1.0


class Ticking:
    """Streams of the server say something every `pause` seconds, for as long as somebody listens."""

    def __init__(self, scene, pause):
        self.pause = pause
        scene.upstream.script = self.act

    async def act(self, request, writer):
        stands = request.method == "GET" or request.rpc == "subscriptions/listen" or request.tool == "stream"
        if not stands:
            return False
        writer.write(STREAM_HEAD)
        while True:
            writer.write(chunked(event(TICK)))
            await writer.drain()
            await asyncio.sleep(self.pause)


class Stream:
    """A stream that is followed: when it last said something allowed, what it said last, and when it ended."""

    def __init__(self, kind, wanted):
        self.kind, self.wanted = kind, wanted
        self.last_allowed, self.last, self.ended, self.pieces = 0, b"", 0, 0

    async def follow(self, port, request):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            self.last = head
            return
        try:
            while True:
                size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
                data = (await reader.readexactly(size + 2))[:-2]
                if size == 0:
                    break
                self.last = data
                if b"allowed content" in data:
                    self.last_allowed, self.pieces = time.monotonic(), self.pieces + 1
        except (asyncio.IncompleteReadError, ConnectionError):
            self.last += b" (broken off)"
        self.ended = time.monotonic()
        writer.close()

    def code(self):
        """The denial code that the last event carries, where this kind of stream has it."""
        text = self.last.decode(errors="replace")
        if not text.startswith("data: "):
            return None
        message = json.loads(text[6:])
        denial = message.get("error", {}).get("data") if "error" in message else message.get("params", {}).get("data", {})
        if "error" not in message and isinstance(denial, dict):
            denial = denial.get("writ/decision")
        return (denial or {}).get("code") if isinstance(denial, dict) else None


def requests_of(scene, token, server="notes"):
    return {"GET stream": get(scene, token, server), "subscription": modern(scene, token, "subscriptions/listen", {"notifications": {"toolsListChanged": True}}, server), "call": post(scene, token, call("stream", {}), server)}


class Calls:
    """Calls at a steady rate over some connections: (begun, ended, status, allowed)."""

    def __init__(self, scene, token, rate, connections=16):
        self.scene, self.rate, self.done, self.stopped = scene, rate, [], False
        self.request = post(scene, token, call("get_note"))
        self.connections = connections

    async def worker(self, queue):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.scene.port)
        while await queue.get():
            begun = time.monotonic()
            writer.write(self.request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = re.search(rb"content-length: (\d+)", head)
            body = await reader.readexactly(int(length[1])) if length else b""
            status = int(head[9:12])
            self.done.append((begun, time.monotonic(), status, status == 200 and b"writ/decision" not in body and b'"result"' in body))
            if b"connection: close" in head:
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", self.scene.port)
        writer.close()

    async def run(self):
        queue = asyncio.Queue()
        workers = [asyncio.create_task(self.worker(queue)) for _ in range(self.connections)]
        begun, asked = time.monotonic(), 0
        while not self.stopped:
            while asked < (time.monotonic() - begun) * self.rate:
                queue.put_nowait(True)
                asked += 1
            await asyncio.sleep(0.002)
        for _ in workers:
            queue.put_nowait(False)
        await asyncio.gather(*workers)


async def under_load(scene, rate, count, pause):
    """alice is disabled while she calls `rate` times a second and has `count` streams; bob goes on."""
    Ticking(scene, pause)
    alice, bob = scene.token("alice"), scene.token("bob")
    kinds = requests_of(scene, alice)
    streams = [Stream(kind, "alice") for _ in range(count // 3) for kind in kinds]
    others = [Stream(kind, "bob") for kind in kinds]
    tasks = []
    for first in range(0, len(streams), 30):   # more of one person may not wait for the same server (gateway.upstreams.waiting_per_user)
        batch = streams[first : first + 30]
        tasks += [asyncio.create_task(stream.follow(scene.port, kinds[stream.kind])) for stream in batch]
        until = time.monotonic() + 10
        while any(stream.pieces < 1 for stream in batch) and time.monotonic() < until:
            await asyncio.sleep(0.01)
    other_kinds = requests_of(scene, bob)
    tasks += [asyncio.create_task(stream.follow(scene.port, other_kinds[stream.kind])) for stream in others]
    calls, calm = Calls(scene, alice, rate), Calls(scene, bob, 20, 4)
    loads = [asyncio.create_task(calls.run()), asyncio.create_task(calm.run())]
    until = time.monotonic() + 20
    while any(stream.pieces < 2 for stream in streams + others) and time.monotonic() < until:
        await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    before = len(calls.done)
    document = await asyncio.to_thread(lambda: next(user for user in scene.admin("/admin/v1/users")["items"] if user["name"] == "alice"))
    acknowledged = await asyncio.to_thread(lambda: scene.set_active("users", document["id"], False))
    await asyncio.sleep(2.5)
    seen = len(scene.upstream.calls())
    calls.stopped = calm.stopped = True
    await asyncio.gather(*loads)
    still = [stream for stream in others if not stream.ended]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    allowed_after = [one for one in calls.done if one[3] and one[0] > acknowledged]
    answered_after = [one[1] for one in calls.done if one[3] and one[1] > acknowledged]
    return {
        "acknowledged": acknowledged, "streams": streams, "others_alive": len(still), "calls_before": before, "rate": before / max(1e-9, calls.done[before - 1][1] - calls.done[0][0]),
        "allowed_after": allowed_after, "refused_after": sum(one[2] == 401 for one in calls.done if one[0] > acknowledged),
        "last_byte": max([stream.last_allowed for stream in streams] + answered_after) - acknowledged, "last_end": max(stream.ended for stream in streams) - acknowledged,
        "calm": all(one[3] for one in calm.done) and len(calm.done) > 20, "calm_calls": len(calm.done), "seen": seen,
    }


def judge_load(scene, found, count, rate, checks):
    streams = found["streams"]
    checks.that(f"the load was there: {rate} calls/s, {len(streams)} streams", found["rate"] > 0.85 * rate and all(stream.pieces > 1 for stream in streams), (found["rate"], [stream.last for stream in streams if stream.pieces < 2][:3]))
    checks.that("no call that began after the acknowledged change is allowed", not found["allowed_after"] and found["refused_after"] > rate, (found["allowed_after"][:3], found["refused_after"]))
    checks.that("the last byte of allowed content comes within 1 s of it", found["last_byte"] <= LIMIT, found["last_byte"])
    checks.that("every stream has ended within 1 s of it", all(stream.ended for stream in streams) and found["last_end"] <= LIMIT, found["last_end"])
    without = [(stream.kind, stream.last[:300]) for stream in streams if not stream.code()]
    checks.that("the last event of each carries a denial code", not without, (len(without), without[:3]))
    checks.that("somebody else's calls and streams go on", found["others_alive"] == 3 and found["calm"], (found["others_alive"], found["calm_calls"]))
    codes = {stream.kind: stream.code() for stream in streams}
    for kind, code in codes.items():
        exit_code, out, err = scene.writ("why", code or "none", "--json")
        checks.that(f"`writ why` explains the code of the {kind}", exit_code == 0 and "user_disabled" in out, (code, exit_code, out[:500], err))
    print(f"      {found['rate']:.0f} calls/s, {len(streams)} streams: last allowed byte {found['last_byte'] * 1000:.0f} ms, last stream ended {found['last_end'] * 1000:.0f} ms after the acknowledged change")


async def cut(scene, kinds, change):
    """Streams of bob's, and what becomes of them by a change."""
    streams = [Stream(kind, "bob") for kind in kinds]
    tasks = [asyncio.create_task(stream.follow(scene.port, kinds[stream.kind])) for stream in streams]
    until = time.monotonic() + 3
    while any(stream.pieces < 1 for stream in streams) and time.monotonic() < until:
        await asyncio.sleep(0.02)
    acknowledged = await asyncio.to_thread(change)
    await asyncio.wait(tasks, timeout=2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return streams, acknowledged


def rows(scene, checks):
    Ticking(scene, 0.05)
    scene.write("without/grants.yaml", "grants: []\n")

    def apply(folder):
        code, out, err = scene.writ("policy", "apply", folder, "-m", "for this test", "--json")
        if code != 0:
            raise AssertionError((out, err))
        return time.monotonic()

    def end_session():
        sessions = [one for one in scene.admin("/admin/v1/sessions?user=bob")["items"]]
        return max(scene.change("DELETE", f"/admin/v1/sessions/{one['sid']}")[0] for one in sessions)

    for name, reason, make, undo in [
        ("the agent is disabled", "agent_disabled", lambda token: scene.set_active("agents", "desk", False), lambda: scene.set_active("agents", "desk", True)),
        ("the server is disabled", "server_disabled", lambda token: scene.set_active("servers", "notes", False), lambda: scene.set_active("servers", "notes", True)),
        ("the grant is taken out of policy", "no_permit", lambda token: apply("without"), lambda: apply("deployment")),
        ("the token is revoked", "token_revoked", lambda token: revoke(scene, token), lambda: None),
        ("the session is ended", "session_ended", lambda token: end_session(), lambda: scene.id_tokens.pop("bob")),
    ]:
        token = scene.token("bob")
        streams, acknowledged = asyncio.run(cut(scene, requests_of(scene, token), lambda make=make, token=token: make(token)))
        ended = all(stream.ended and stream.pieces for stream in streams)
        last = max(stream.last_allowed for stream in streams) - acknowledged
        end = max(stream.ended for stream in streams) - acknowledged
        checks.that(f"{name}: streams and calls end within 1 s", ended and last <= LIMIT and end <= LIMIT, [(stream.kind, stream.ended and stream.ended - acknowledged, stream.last[:200]) for stream in streams])
        explained = [scene.writ("why", stream.code() or "none", "--json") for stream in streams]
        checks.that(f"{name}: each ends with a denial code that says `{reason}`", all(code == 0 and reason in out for code, out, _ in explained), [(stream.kind, stream.last[:400], why) for stream, why in zip(streams, explained)][:2])
        before = len(scene.upstream.seen)
        answer = ask(scene, post(scene, token, call("get_note")))
        denied = answer.status in (401, 404) or (answer.status == 200 and b'"effect":"deny"' in answer.body)
        checks.that(f"{name}: not one call afterwards", denied and len(scene.upstream.seen) == before, answer)
        undo()


def bridged(scene, checks):
    """The same where client and server are of different eras: what the bridge makes of a stream is a stream that can be cut."""
    for server, what in (("old", "a modern client at a legacy server"), ("new", "a legacy client at a modern server")):
        token = scene.token("bob", server)
        if server == "old":
            kinds = {"subscription": modern(scene, token, "subscriptions/listen", {"notifications": {"toolsListChanged": True}}, server), "call": modern(scene, token, "tools/call", {"name": "stream", "arguments": {}}, server, "stream")}
        else:
            initialize = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}
            session = ask(scene, post(scene, token, initialize, server, version=None)).field("mcp-session-id")
            kinds = {"GET stream": get(scene, token, server, session), "call": post(scene, token, call("stream", {}), server, session=session)}
        streams, acknowledged = asyncio.run(cut(scene, kinds, lambda token=token: revoke(scene, token)))
        checks.that(f"{what}: streams and calls end within 1 s", all(stream.ended and stream.ended - acknowledged <= LIMIT for stream in streams),
                    [(stream.kind, stream.ended and stream.ended - acknowledged, stream.last[:300]) for stream in streams])
        checks.that(f"{what}: each ends with a denial code", all(stream.code() for stream in streams), [(stream.kind, stream.last[:300]) for stream in streams])


def revoke(scene, token):
    scene.http("POST", f"{scene.base}/ras/revoke", f"client_id=desk&client_secret={AGENT_SECRET}&token={token}", {"Content-Type": "application/x-www-form-urlencoded"})
    return time.monotonic()


def slow_reader(scene, checks):
    """A reader that takes its time has no more than what was on its way: the rest is not sent."""
    async def act(request, writer):
        if request.tool != "stream":
            return False
        body = json.dumps({"jsonrpc": "2.0", "id": request.id, "result": {"content": [{"type": "text", "text": "x" * (15 << 20)}]}}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        return True

    scene.upstream.script = act
    token = scene.token("carol")
    with Wire(scene.port, receive_buffer=4096) as wire:
        wire.send(post(scene, token, call("stream", {})))
        time.sleep(1)
        carol = next(user for user in scene.admin("/admin/v1/users")["items"] if user["name"] == "carol")
        scene.set_active("users", carol["id"], False)
        time.sleep(1)
        got = 0
        try:
            while data := wire.socket.recv(1 << 20):
                got += len(data)
        except ConnectionResetError:
            pass
    checks.that("a reader that takes its time does not get the rest of an answer", 0 < got < 12 << 20, got)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries")
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--streams", type=int, default=60)
    parser.add_argument("--pause", type=float, default=0.1)
    parser.add_argument("--json")
    options = parser.parse_args()
    checks = Checks()
    with Scene(options.binaries) as scene:
        ask(scene, post(scene, scene.token("bob"), call("get_note")))
        found = asyncio.run(under_load(scene, options.rate, options.streams, options.pause))
        judge_load(scene, found, options.streams, options.rate, checks)
        if options.json:
            with open(options.json, "w") as file:
                json.dump({"rate": found["rate"], "streams": len(found["streams"]), "last_byte_ms": found["last_byte"] * 1000, "last_end_ms": found["last_end"] * 1000,
                           "median_end_ms": statistics.median(stream.ended - found["acknowledged"] for stream in found["streams"]) * 1000, "allowed_after": len(found["allowed_after"]),
                           "refused_after": found["refused_after"]}, file)
        else:
            rows(scene, checks)
            bridged(scene, checks)
            slow_reader(scene, checks)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
