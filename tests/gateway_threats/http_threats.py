"""G1 to G3, G8, G11 and the pipelining of G14: requests that two readers read differently, that are too large, too slow or too many, and that come from elsewhere.

    python3 http_threats.py build/release/bin
"""
import time

from scene import Scene, run
from wire import Ended, Wire, ask, call, decision, post

# After the defect stands a whole good request with a marker: whoever reads the first one otherwise would take it for a second one.
LENGTH = "Content-Length: {length}"
SMUGGLED = [
    # name, fields of the first request ({length} is right), its body, what may come back
    ("length and chunked", [LENGTH, "Transfer-Encoding: chunked"], b"0\r\n\r\n", {400}),
    ("chunked and length", ["Transfer-Encoding: chunked", LENGTH], b"0\r\n\r\n", {400}),
    ("two lengths that differ", ["Content-Length: 2", "Content-Length: 3"], b"{}", {400}),
    ("two lengths in one field", ["Content-Length: 2, 3"], b"{}", {400}),
    ("length with a sign", ["Content-Length: +2"], b"{}", {400}),
    ("negative length", ["Content-Length: -2"], b"{}", {400}),
    ("length in hexadecimal", ["Content-Length: 0x2"], b"{}", {400}),
    ("length beyond 64 bits", ["Content-Length: 18446744073709551618"], b"{}", {400, 413}),
    ("length with an exponent", ["Content-Length: 2e0"], b"{}", {400}),
    ("empty length", ["Content-Length:"], b"{}", {400}),
    ("length in other digits", ["Content-Length: \xb2"], b"{}", {400}),
    ("unknown coding", ["Transfer-Encoding: xchunked"], b"2\r\n{}\r\n0\r\n\r\n", {400, 501}),
    ("identity coding", ["Transfer-Encoding: identity"], b"{}", {400, 501}),
    ("chunked, then identity", ["Transfer-Encoding: chunked, identity"], b"2\r\n{}\r\n0\r\n\r\n", {400, 501}),
    ("chunked twice", ["Transfer-Encoding: chunked, chunked"], b"2\r\n{}\r\n0\r\n\r\n", {400, 501}),
    ("two fields of coding", ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], b"2\r\n{}\r\n0\r\n\r\n", {400, 501}),
    ("gzip, then chunked", ["Transfer-Encoding: gzip, chunked"], b"2\r\n{}\r\n0\r\n\r\n", {400, 501}),
    ("coding behind a vertical tab", ["Transfer-Encoding: \x0bchunked"], b"2\r\n{}\r\n0\r\n\r\n", {400, 501}),
    ("coding with a parameter", ["Transfer-Encoding: chunked;q=1"], b"2\r\n{}\r\n0\r\n\r\n", {400, 501}),
    ("space before the colon", ["Content-Length : {length}"], b"{}", {400}),
    ("tab before the colon", ["Transfer-Encoding\t: chunked"], b"2\r\n{}\r\n0\r\n\r\n", {400}),
    ("space before the name", ["X: y", " Content-Length: 2"], b"{}", {400}),
    ("folded line", ["X: y", "\tz: w", LENGTH], b"{}", {400}),
    ("empty name", [": x", LENGTH], b"{}", {400}),
    ("name with a space", ["Content Length: 2"], b"{}", {400}),
    ("bare CR in a value", ["X: a\rContent-Length: 0", LENGTH], b"{}", {400}),
    ("bare LF between fields", ["X: a\nContent-Length: 0", LENGTH], b"{}", {400}),
    ("NUL in a value", ["X: a\x00b", LENGTH], b"{}", {400}),
    ("NUL in a name", ["X\x00: a", LENGTH], b"{}", {400}),
    ("chunk size with a prefix", ["Transfer-Encoding: chunked"], b"0x2\r\n{}\r\n0\r\n\r\n", {400}),
    ("chunk size with a sign", ["Transfer-Encoding: chunked"], b"+2\r\n{}\r\n0\r\n\r\n", {400}),
    ("negative chunk size", ["Transfer-Encoding: chunked"], b"-2\r\n{}\r\n0\r\n\r\n", {400}),
    ("space before the chunk size", ["Transfer-Encoding: chunked"], b" 2\r\n{}\r\n0\r\n\r\n", {400}),
    ("empty chunk size", ["Transfer-Encoding: chunked"], b"\r\n{}\r\n0\r\n\r\n", {400}),
    ("chunk size beyond 64 bits", ["Transfer-Encoding: chunked"], b"10000000000000002\r\n{}\r\n0\r\n\r\n", {400, 413}),
    ("chunk size with a bare LF", ["Transfer-Encoding: chunked"], b"2\n{}\r\n0\r\n\r\n", {400}),
    ("chunk that is longer than its size", ["Transfer-Encoding: chunked"], b"2\r\n{}{}\r\n0\r\n\r\n", {400}),
    ("chunk without its line end", ["Transfer-Encoding: chunked"], b"2\r\n{}0\r\n\r\n", {400}),
    ("bare LF in a chunk extension", ["Transfer-Encoding: chunked"], b"2;a\nb\r\n{}\r\n0\r\n\r\n", {400}),
    ("trailer with a bare CR", ["Transfer-Encoding: chunked"], b"2\r\n{}\r\n0\r\nX: a\rb\r\n\r\n", {400}),
]
LINES = [
    ("two spaces in the request line", b"POST  /mcp/notes HTTP/1.1"), ("tab in the request line", b"POST\t/mcp/notes HTTP/1.1"), ("no version", b"POST /mcp/notes"),
    ("another version", b"POST /mcp/notes HTTP/2.0"), ("lower-case version", b"POST /mcp/notes http/1.1"), ("a word too many", b"POST /mcp/notes x HTTP/1.1"),
    ("NUL in the target", b"POST /mcp/no\x00tes HTTP/1.1"), ("bare LF behind the line", b"POST /mcp/notes HTTP/1.1\nX: y"), ("CR in the target", b"POST /mcp/no\rtes HTTP/1.1"),
]


def smuggling(scene, token, checks):
    for number, (name, fields, body, wanted) in enumerate(SMUGGLED):
        marker = f"smuggled-{number}-"
        head = [b"POST /mcp/notes HTTP/1.1", b"Host: 127.0.0.1:%d" % scene.port, b"Authorization: Bearer " + token.encode(), b"Content-Type: application/json",
                b"Accept: application/json, text/event-stream"]
        head += [field.format(length=len(body)).encode("latin-1") for field in fields]
        judge(scene, checks, f"G1 {name}", b"\r\n".join([*head, b"", b""]) + body, token, marker, wanted)
    for number, (name, line) in enumerate(LINES):
        good = post(scene, token, call("get_note", {"note": f"smuggled-line-{number}-first"}))
        judge(scene, checks, f"G1 {name}", line + good[good.index(b"\r\n"):], token, f"smuggled-line-{number}-", {400, 505})


def judge(scene, checks, name, request, token, marker, wanted):
    with Wire(scene.port, seconds=5) as wire:
        wire.send(request + post(scene, token, call("get_note", {"note": marker})))
        try:
            answer = wire.answer()
            closed = wire.is_closed()
            seen = (answer.status, closed, scene.upstream.has_seen(marker))
            holds = answer.status in wanted and closed and not scene.upstream.has_seen(marker)
        except (Ended, TimeoutError) as failure:
            holds, seen = False, repr(failure)
    checks.that(f"{name}: refused, closed, and nothing reaches the server", holds, seen)


def hosts(scene, token, checks):
    good = post(scene, token, call("get_note", {"note": "of-G2"}))
    host = f"Host: 127.0.0.1:{scene.port}\r\n".encode()
    before = len(scene.upstream.seen)
    for name, request in [
        ("no Host", good.replace(host, b"")), ("two Hosts", good.replace(host, host * 2)), ("two Hosts that differ", good.replace(host, host + b"Host: evil.example\r\n")),
        ("unknown Host", good.replace(host, b"Host: evil.example\r\n")), ("Host with user information", good.replace(host, b"Host: a@127.0.0.1:%d\r\n" % scene.port)),
        ("absolute form", good.replace(b"POST /", b"POST http://127.0.0.1:%d/" % scene.port)), ("absolute form of elsewhere", good.replace(b"POST /", b"POST http://evil.example/")),
        ("CONNECT", b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n" % scene.upstream.port + host + b"\r\n"),
        ("HTTP/2 without asking", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ]:
        status = ask(scene, request).status
        checks.that(f"G2 {name}: refused, and nothing reaches the server", status in (400, 405, 421, 501, 505) and len(scene.upstream.seen) == before, status)
    upgrade = ask(scene, good.replace(host, host + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"))
    checks.that("G2 h2c: no upgrade", upgrade.status != 101 and upgrade.field("upgrade") is None, upgrade)


def sizes(scene, token, checks):
    host = f"Host: 127.0.0.1:{scene.port}\r\n".encode()
    for name, request, wanted in [
        ("request line of 64 KB", b"GET /mcp/" + b"a" * 65536 + b" HTTP/1.1\r\n" + host + b"\r\n", {414, 431}),
        ("field of 1 MB", b"GET /mcp/notes HTTP/1.1\r\n" + host + b"X: " + b"a" * (1 << 20) + b"\r\n\r\n", {431}),
        ("20,000 fields", b"GET /mcp/notes HTTP/1.1\r\n" + host + b"X: a\r\n" * 20_000 + b"\r\n", {431}),
        ("body of 64 MB by its length", post(scene, token, b"").replace(b"Content-Length: 0", b"Content-Length: 67108864"), {413}),
    ]:
        answer = ask(scene, request)
        checks.that(f"G3 {name}: {sorted(wanted)}", answer.status in wanted, answer)


def media_types(scene, token, checks):
    denied = call("delete_note", {"note": "of-G8"})
    plain = b"Content-Type: application/json\r\n"
    for name, field, wanted in [
        ("in other case", b"Content-Type: Application/JSON\r\n", "denied"), ("with UTF-8", b"Content-Type: application/json; charset=utf-8\r\n", "denied"),
        ("UTF-16", b"Content-Type: application/json; charset=utf-16\r\n", 415), ("none", b"", 415), ("text", b"Content-Type: text/plain\r\n", 415),
        ("a form", b"Content-Type: application/x-www-form-urlencoded\r\n", 415), ("a look-alike", b"Content-Type: application/json-patch+json\r\n", 415),
        ("two of them", plain + b"Content-Type: text/plain\r\n", 415), ("compressed", plain + b"Content-Encoding: gzip\r\n", 415),
    ]:
        answer = ask(scene, post(scene, token, denied).replace(plain, field))
        holds = (answer.status == 200 and (decision(answer) or {}).get("effect") == "deny") if wanted == "denied" else answer.status == wanted
        checks.that(f"G8 media type {name}: {'policy runs' if wanted == 'denied' else wanted}", holds and not scene.upstream.has_seen("of-G8"), answer)


def origins(scene, token, checks):
    # Pages of Writ's own origin may ask; no other one, and no other port of this machine.
    for origin in ["http://evil.example", "null", f"http://127.0.0.1:{scene.port + 1}", f"https://127.0.0.1:{scene.port}", f"http://127.0.0.1:{scene.port}.evil.example", "http://localhost", f"http://localhost:{scene.port}", "", "file://"]:
        answer = ask(scene, post(scene, token, call("get_note", {"note": "of-G11"}), fields=[f"Origin: {origin}"]))
        checks.that(f"G11 Origin `{origin}`: 403", answer.status == 403 and answer.field("access-control-allow-origin") is None and not scene.upstream.has_seen("of-G11"), answer)
    rebound = ask(scene, post(scene, token, call("get_note", {"note": "of-G11"}), host=f"rebound.example:{scene.port}"))
    checks.that("G11 a name that was rebound to us: 421", rebound.status == 421 and not scene.upstream.has_seen("of-G11"), rebound)


def pipelining(scene, token, checks):
    with Wire(scene.port) as wire:
        wire.send(post(scene, token, call("get_note", {"note": "first"})) + post(scene, None, call("get_note", {"note": "bare-behind"})) + post(scene, token, call("get_note", {"note": "third"})))
        statuses = [wire.answer().status for _ in range(3)]
    checks.that("G14 a request without token behind one with: 401, and its neighbours are answered", statuses == [200, 401, 200] and not scene.upstream.has_seen("bare-behind"), statuses)


class Slow:
    """Connections that send a head byte by byte, and many that send nothing."""

    def __init__(self, scene):
        self.scene, self.since = scene, time.monotonic()
        self.slow = [Wire(scene.port, f"127.0.1.{1 + i % 4}", seconds=1) for i in range(100)]
        for wire in self.slow:
            wire.send(b"POST /mcp/notes HTTP/1.1\r\nHost: ")
        self.idle = [Wire(scene.port, f"127.0.2.{1 + i % 4}", seconds=1) for i in range(400)]

    def check(self, token, checks):
        begun = time.monotonic()
        answer = ask(self.scene, post(self.scene, token, call("get_note", {"note": "honest"})))
        took = time.monotonic() - begun
        checks.that("G3 honest calls are answered within 2 s beside 100 slow heads and 400 idle connections", answer.status == 200 and took < 2, (answer, took))
        while time.monotonic() < self.since + 8:
            for wire in self.slow:
                wire.send(b"x")   # each byte in time, the head never
            time.sleep(0.5)
        time.sleep(max(0, self.since + 11 - time.monotonic()))
        ended = sum(wire.is_closed(1) for wire in self.slow)
        checks.that("G3 a head that is not whole after 10 s ends its connection", ended == len(self.slow), f"{ended} of {len(self.slow)}")
        for wire in self.slow + self.idle:
            wire.close()

    def check_sources(self, token, checks):
        many = [Wire(self.scene.port, "127.0.3.1", seconds=1) for _ in range(1_100)]
        time.sleep(0.3)
        refused = 0
        for wire in many:
            wire.socket.setblocking(False)
            try:
                refused += wire.socket.recv(1) == b""
            except BlockingIOError:
                pass
            except ConnectionResetError:
                refused += 1
        answer = ask(self.scene, post(self.scene, token, call("get_note", {"note": "honest"})))
        checks.that("G3 one source gets 1,024 connections, others are served", refused == 1_100 - 1_024 and answer.status == 200, (refused, answer.status))
        for wire in many:
            wire.close()


class Flood:
    """A process that may open 600 files, and 500 connections from many addresses."""

    @staticmethod
    def check(binaries, checks):
        with Scene(binaries, descriptors=600) as scene:
            token = scene.token("alice")
            ask(scene, post(scene, token, call("get_note")))
            kept = Wire(scene.port)
            kept.send(post(scene, token, call("get_note")))
            kept.answer()
            many = [Wire(scene.port, f"127.0.4.{1 + i % 20}", seconds=1) for i in range(500)]
            time.sleep(0.5)
            checks.that("G3 a flood of connections leaves descriptors to the server", scene.descriptors() < 300, scene.descriptors())
            kept.send(post(scene, token, call("get_note")))
            checks.that("G3 who is connected is served, to the server behind and with a record", kept.answer().status == 200)
            code, _, err = scene.writ("group", "list", "--json")
            checks.that("G3 the administrator is served", code == 0, err)
            for wire in many:
                wire.close()
            until = time.monotonic() + 5
            while time.monotonic() < until and scene.descriptors() > 60:
                time.sleep(0.05)
            checks.that("G3 afterwards everybody is", ask(scene, post(scene, token, call("get_note"))).status == 200)


def all_of(binaries, checks):
    Flood.check(binaries, checks)
    with Scene(binaries) as scene:
        token = scene.token("alice")
        checks.that("an honest call goes through", ask(scene, post(scene, token, call("get_note", {"note": "of-the-honest"}))).status == 200 and scene.upstream.has_seen("of-the-honest"))
        slow = Slow(scene)
        smuggling(scene, token, checks)
        hosts(scene, token, checks)
        sizes(scene, token, checks)
        media_types(scene, token, checks)
        origins(scene, token, checks)
        pipelining(scene, token, checks)
        slow.check(token, checks)
        slow.check_sources(token, checks)
        checks.that("an honest call goes through afterwards", ask(scene, post(scene, token, call("get_note"))).status == 200)


if __name__ == "__main__":
    run(all_of)
