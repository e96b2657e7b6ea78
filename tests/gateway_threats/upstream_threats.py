"""G15 to G17: servers that hang, break, lie and never end, clients that never read, and many streams that say nothing.

    python3 upstream_threats.py build/release/bin
"""
import asyncio
import json
import threading
import time
from pathlib import Path

from scene import Scene, run
from scripted import STREAM_HEAD, chunked, event, events_answer, http, json_answer, result_of
from wire import Ended, Events, Wire, ask, call, get, post

DONE = {"content": [{"type": "text", "text": "done"}]}
PIECE = json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x" * 65_000}})


def peak_kb(scene, reset=False):
    """The most memory since the last reset."""
    if reset:
        Path(f"/proc/{scene.process}/clear_refs").write_text("5")
    status = Path(f"/proc/{scene.process}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


class Bad:
    """What the server does is the argument of the call."""

    def __init__(self, scene):
        self.scene = scene
        self.poured = 0
        scene.upstream.script = self.act

    async def pour(self, writer, data):
        """Sends again and again, up to 1 GB, until the peer has enough."""
        sent = 0
        try:
            while sent < 1 << 30:
                writer.write(data)
                sent += len(data)
                self.poured = max(self.poured, sent)
                await writer.drain()
        except ConnectionError:
            pass

    async def act(self, request, writer):
        if request.rpc != "tools/call":
            return False
        case = request.message["params"]["arguments"].get("note", "")
        answer = result_of(request, DONE).encode()
        plain = {
            "two framings": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), chunked(answer) + b"0\r\n\r\n"),
            "two lengths": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nContent-Length: 3\r\n\r\n%s" % (len(answer), answer),
            "unknown coding": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" + chunked(answer) + b"0\r\n\r\n",
            "NUL in a field": http(200, answer, ["Content-Type: application/json", "X: a\x00b"]), "bare CR in a field": http(200, answer, ["Content-Type: application/json", "X: a\rb: c"]),
            "folded field": http(200, answer, ["Content-Type: application/json", "X: a", "\tb"]), "no status line": answer, "another protocol": b"ICY 200 OK\r\n\r\n" + answer,
            "switching protocols": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "a page": http(200, b"<html>", ["Content-Type: text/html"]), "no media type": http(200, answer),
            "compressed": http(200, answer, ["Content-Type: application/json", "Content-Encoding: gzip"]), "an error of its own": http(500, b"trace: secret", ["Content-Type: text/plain"]),
            "no JSON": http(200, b"{", ["Content-Type: application/json"]), "a batch": http(200, b"[" + answer + b"]", ["Content-Type: application/json"]),
            "another's id": http(200, json.dumps({"jsonrpc": "2.0", "id": 4711, "result": DONE}).encode(), ["Content-Type: application/json"]), "two members of a name": http(200, answer[:-1] + b',"result":{}}', ["Content-Type: application/json"]),
            "half an answer": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n" + answer, "bad chunk": STREAM_HEAD.replace(b"text/event-stream", b"application/json") + b"zz\r\n",
        }
        if case in plain:
            writer.write(plain[case])
            if case in ("no status line", "half an answer", "another protocol"):
                writer.write_eof()
        elif case.startswith("redirect "):
            writer.write(http(int(case.split()[1]), b"", [f"Location: http://127.0.0.1:{self.scene.upstream.port}/trap"]))
        elif case.startswith("challenge "):
            writer.write(http(int(case.split()[1]), b"", ['WWW-Authenticate: Bearer resource_metadata="http://evil.example/"']))
        elif case == "cookies":
            writer.write(json_answer(request, DONE, ["Set-Cookie: a=b", "Access-Control-Allow-Origin: *", "WWW-Authenticate: Basic", "Server: leaky/1.0", "X-Secret: s", "Alt-Svc: h2=\":443\""]))
        elif case == "hang":
            await asyncio.sleep(30)
        elif case == "hang in a stream":
            writer.write(STREAM_HEAD)
            await asyncio.sleep(30)
        elif case == "hang in a body":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
            await asyncio.sleep(30)
        elif case == "reset":
            writer.transport.abort()
        elif case == "reset in the head":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-")
            await writer.drain()
            writer.transport.abort()
        elif case == "half-close":
            writer.write_eof()
        elif case == "endless head":
            writer.write(b"HTTP/1.1 200 OK\r\n")
            await self.pour(writer, b"X: y\r\n" * 10_000)
        elif case == "1 GB of JSON":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (1 << 30))
            await self.pour(writer, b"[" * 65536)
        elif case == "1 GB line":
            writer.write(STREAM_HEAD + chunked(b"data: "))
            await self.pour(writer, chunked(b"x" * 65536))
        elif case == "1 GB event":
            writer.write(STREAM_HEAD)
            await self.pour(writer, chunked(b"data: " + b"x" * 1000 + b"\n") * 64)
        elif case == "split":
            text = 'a\r\n\r\nid: 9\r\nevent: evil\r\ndata: {"jsonrpc":"2.0","id":1,"result":{"evil":true}}\r\n\r\n\u2028\u2029\u0085'
            body = json.dumps({"jsonrpc": "2.0", "id": request.id, "result": {"content": [{"type": "text", "text": text}]}}, ensure_ascii=False)
            first, second = body.split(",", 1)
            writer.write(events_answer(f"id: 7\r\nevent: message\r\ndata: {first},\r\ndata: {second}\r\n\r\n".encode()))
        elif case == "fields":
            message = result_of(request, DONE)
            writer.write(events_answer(b"id: 1\rretry: 5\r\r" + f": a comment\nunknown: field\nid: 2\x00\nevent: message\ndata: {message}\n\n".encode()))
        else:
            return False
        return True


def bad_servers(binaries, checks):
    with Scene(binaries, "gateway: {call_deadline: 2s}\n") as scene:
        token = scene.token("alice")
        ask(scene, post(scene, token, call("get_note")))
        bad = Bad(scene)
        before, base = scene.resident_kb(), peak_kb(scene, reset=True)
        for case in ["two framings", "two lengths", "unknown coding", "NUL in a field", "bare CR in a field", "folded field", "no status line", "another protocol", "switching protocols", "a page", "no media type",
                     "compressed", "an error of its own", "no JSON", "a batch", "another's id", "two members of a name", "half an answer", "bad chunk", "redirect 301", "redirect 302", "redirect 307", "challenge 401",
                     "challenge 403", "challenge 407", "reset", "reset in the head", "half-close", "endless head", "1 GB of JSON", "hang", "hang in a body"]:
            begun = time.monotonic()
            try:
                answer = ask(scene, post(scene, token, call("get_note", {"note": case})))
                error = answer.json().get("error", {})
                holds = answer.status in (502, 504) and error.get("code") is not None and b"secret" not in answer.body
                holds = holds and not any(name in dict(answer.fields) for name in ("location", "www-authenticate", "set-cookie", "upgrade"))
            except (Ended, TimeoutError, ValueError) as failure:
                holds, answer = False, repr(failure)
            took = time.monotonic() - begun
            checks.that(f"G15 {case}: 502 or 504 with an error, in time", holds and took < 5, (answer, took))
        checks.that("G15 no redirect was followed", not any(request.path != "/mcp" for request in scene.upstream.seen), [request.path for request in scene.upstream.seen if request.path != "/mcp"][:2])
        for case in ["hang in a stream", "1 GB line", "1 GB event"]:
            with Wire(scene.port) as wire:
                begun = time.monotonic()
                wire.send(post(scene, token, call("get_note", {"note": case})))
                said = Events(wire).message()
            checks.that(f"G15 {case}: the stream ends with an error", said and said.get("id") == 1 and "error" in said and time.monotonic() - begun < 5, said)
        checks.that("G15 none of them was read to its end", bad.poured < 200 << 20, bad.poured)
        checks.that("G15 memory stays bounded", peak_kb(scene) - base < 96 * 1024, f"{before} KB before, {peak_kb(scene) - base} KB more at the worst")
        answer = ask(scene, post(scene, token, call("get_note", {"note": "cookies"})))
        checks.that("G15 cookies, CORS, challenges and names of the server are not passed on", answer.status == 200 and not {name for name, _ in answer.fields} & {"set-cookie", "access-control-allow-origin", "www-authenticate", "server", "x-secret", "alt-svc"}, answer)
        for case, wanted in (("split", "a text with line ends and fields of events"), ("fields", "line ends of three kinds, unknown fields, an id with NUL")):
            with Wire(scene.port) as wire:
                wire.send(post(scene, token, call("get_note", {"note": case})))
                events, stream = [], Events(wire)
                while (fields := stream.next()) is not None:
                    events.append(fields)
            messages = [json.loads(b"\n".join(value for name, value in fields if name == b"data")) for fields in events if any(name == b"data" and value for name, value in fields)]
            ids = [value for fields in events for name, value in fields if name == b"id"]
            good = len(messages) == 1 and messages[0]["id"] == 1 and "evil" not in messages[0]["result"] and ids in ([b"7"], [b"1"])
            good = good and all(name in (b"id", b"event", b"data", b"retry") for fields in events for name, _ in fields) and not any(value == b"evil" for fields in events for _, value in fields)
            checks.that(f"G17 {wanted}: one event, its fields its own", good, events)
        checks.that("G15 an honest call goes through afterwards", ask(scene, post(scene, token, call("get_note"))).status == 200)


class Talkative:
    """The tool `stream`: pieces of 64 KB, `count` of them or without end."""

    def __init__(self, scene):
        self.sent = 0
        scene.upstream.script = self.act

    async def act(self, request, writer):
        if request.tool != "stream":
            return False
        count = request.message["params"]["arguments"].get("count", 1 << 30)
        piece = chunked(event(PIECE))
        writer.write(STREAM_HEAD)
        for _ in range(count):
            writer.write(piece)
            self.sent += len(piece)
            await writer.drain()
        writer.write(chunked(event(result_of(request, DONE))) + b"0\r\n\r\n")
        return True


def took(scene, token):
    begun = time.monotonic()
    answer = ask(scene, post(scene, token, call("get_note")))
    return time.monotonic() - begun if answer.status == 200 else 99


STREAMS = 1_000


def streams(binaries, checks):
    with Scene(binaries) as scene:
        token = scene.token("alice")
        talkative = Talkative(scene)
        ask(scene, post(scene, token, call("get_note")))
        with Wire(scene.port, seconds=60) as wire:
            wire.send(post(scene, token, call("stream", {"count": 20})))
            wire.answer()
            # As many as make 128 MB, of which nothing may stay.
            before = peak_kb(scene, reset=True)
            wire.send(post(scene, token, call("stream", {"count": 2_000})))
            size, last, stream = 0, None, wire.head()
            while (data := wire.chunk()) is not None:
                size, last = size + len(data), data
        grown = peak_kb(scene) - before
        checks.that("128 MB of answer are streamed with at most 4 MB more memory", size > 125_000_000 and b'"result"' in last and grown <= 4096, (stream.status, size, grown))
        print(f"      {size / 1e6:.0f} MB streamed, at most {grown} KB more")

        stuck_since, before, sent = time.monotonic(), peak_kb(scene, reset=True), talkative.sent
        stuck = [Wire(scene.port, f"127.0.5.{1 + i}", receive_buffer=4096) for i in range(10)]
        for wire in stuck:
            wire.send(post(scene, token, call("stream")))
        time.sleep(2)
        stands = talkative.sent
        slow = max(took(scene, token) for _ in range(5))
        checks.that("G16 honest calls are answered within 2 s beside 10 readers that never read", slow < 2, slow)
        checks.that("G16 the server is not read ahead of them", talkative.sent - stands < 1 << 20 and stands > sent, (stands - sent, talkative.sent - stands))
        checks.that("G16 a reader that never reads costs at most 1 MB", peak_kb(scene) - before < 10 * 1024, peak_kb(scene) - before)
        print(f"      10 stuck readers: {(peak_kb(scene) - before) / 10:.0f} KB each")

        idle_streams(scene, token, checks)

        time.sleep(max(0, stuck_since + 31.5 - time.monotonic()))
        checks.that("G16 a reader that takes nothing for 30 s is let go of, and its call with it", all(wire.is_closed(1) for wire in stuck), [wire.is_closed(0.1) for wire in stuck])
        for wire in stuck:
            wire.close()
        until = time.monotonic() + 3
        while scene.upstream.open > 6 and time.monotonic() < until:   # what is kept for honest calls
            time.sleep(0.05)
        checks.that("G16 nothing of them is left at the server", scene.upstream.open <= 6, scene.upstream.open)


def opened(scene, count, requests):
    """Connections from several addresses; each sends a request and reads the head of its answer."""
    wires = []
    for i in range(count):
        wires.append(Wire(scene.port, f"127.0.6.{1 + i % 8}"))
        wires[-1].send(requests[i % len(requests)])
        if i % 50 == 49:
            for wire in wires[i - 49:]:
                wire.head()
    return wires


def idle_streams(scene, token, checks):
    descriptors = scene.descriptors()
    opened(scene, 1, [get(scene, token)])[0].close()
    start = scene.resident_kb()
    bare = opened(scene, STREAMS, [f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{scene.port}\r\n\r\n".encode()])
    with_bare = scene.resident_kb()
    idle = opened(scene, STREAMS, [get(scene, token)])
    time.sleep(0.5)
    of_bare, of_stream = (with_bare - start) / STREAMS, (scene.resident_kb() - with_bare) / STREAMS
    slow = max(took(scene, token) for _ in range(20))
    checks.that(f"G16 honest calls are answered within 2 s beside {STREAMS} idle streams", slow < 2, slow)
    checks.that("an idle stream costs at most 12 KB beyond a bare connection", of_stream - of_bare <= 12, (of_stream, of_bare))
    print(f"      a bare connection: {of_bare:.1f} KB; an idle stream: {of_stream:.1f} KB")
    for wire in bare + idle:
        wire.close()
    until = time.monotonic() + 5
    while scene.descriptors() > descriptors + 4 and time.monotonic() < until:
        time.sleep(0.05)
    checks.that("G16 descriptors return", scene.descriptors() <= descriptors + 4, (descriptors, scene.descriptors()))


def all_of(binaries, checks):
    thread = threading.Thread(target=streams, args=(binaries, checks))
    thread.start()
    try:
        bad_servers(binaries, checks)
    finally:
        thread.join()


if __name__ == "__main__":
    run(all_of)
