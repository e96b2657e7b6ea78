"""What streams cost, and how fast they end when access is withdrawn: the parts `streams` and `revocation` of script/bench."""
import json
import pathlib
import re
import resource
import socket
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
THREATS = ROOT / "tests/gateway_threats"
STREAMS = 10_000
ANSWER_BYTES = 1 << 30
IP_BIND_ADDRESS_NO_PORT = 24
AT_ONCE = 50   # more of one user may not wait for the same server (gateway.upstreams.waiting_per_user)
KINDS = {"bare connections": "/healthz", "GET streams": "GET", "subscriptions": "subscriptions/listen"}


def raise_descriptor_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def stream_count():
    """As many as the machine's limit of descriptors lets one process have: a stream through the gateway takes two of them."""
    return min(STREAMS, (raise_descriptor_limit() - 500) // 2)


def request_of(kind, port, token):
    host = f"Host: 127.0.0.1:{port}\r\n"
    if kind == "bare connections":
        return f"GET /healthz HTTP/1.1\r\n{host}\r\n".encode()
    head = f"{host}Authorization: Bearer {token}\r\nAccept: application/json, text/event-stream\r\n"
    if kind == "GET streams":
        return f"GET /mcp/bench HTTP/1.1\r\n{head}MCP-Protocol-Version: 2025-11-25\r\n\r\n".encode()
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {"notifications": {"toolsListChanged": True}, "_meta": meta}})
    return f"POST /mcp/bench HTTP/1.1\r\n{head}Content-Type: application/json\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: subscriptions/listen\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def hold(kind, port, tokens, count):
    """Connections from several addresses, of which each has sent its request and got the beginning of its answer."""
    held = []
    for first in range(0, count, AT_ONCE):
        batch = []
        for i in range(first, min(first + AT_ONCE, count)):
            connection = socket.socket()
            connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            connection.settimeout(20)
            connection.bind((f"127.0.8.{1 + i % 20}", 0))
            connection.connect(("127.0.0.1", port))
            connection.sendall(request_of(kind, port, tokens[i % len(tokens)]))
            batch.append(connection)
        for connection in batch:
            head = b""
            while b"\r\n\r\n" not in head or (kind != "bare connections" and not head.endswith(b"\n\n\r\n")):
                data = connection.recv(4096)
                if not data:
                    raise SystemExit(f"a connection was ended: {head[:300]}")
                head += data
                if len(head) > 12 and not head.startswith(b"HTTP/1.1 200"):
                    break
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"no stream: {head[:300]}")
        held += batch
    return held


def resident_kb(pid, peak=False):
    return int(re.search(r"%s:\s+(\d+)" % ("VmHWM" if peak else "VmRSS"), pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def tokens_in(requests):
    return sorted({match.decode() for match in re.findall(rb"Bearer (\S+)", requests.read_bytes())})


def idle(world, bench, options):
    """Memory for each idle stream beyond a bare connection, each kind in a process of its own, and what they do to the latency of honest calls."""
    calls = world.folder / "calls"
    world.prepare("calls", calls, 200)
    tokens, count, result = tokens_in(calls), stream_count(), {"kinds": {}}
    for kind in KINDS:
        bench.restart(world)
        for _ in range(2):
            bench.load(calls, bench.PORT, 0.5)
        warm = hold(kind, bench.PORT, tokens, 50)
        time.sleep(0.5)
        before = resident_kb(world.writ.pid)
        calm = [bench.load(calls, bench.PORT, options.seconds, connections=64, rate=500) for _ in range(options.rounds)] if kind != "bare connections" else []
        grown_by_calls = resident_kb(world.writ.pid) - before
        before = resident_kb(world.writ.pid)
        held = hold(kind, bench.PORT, tokens, count)
        time.sleep(1)
        kb = (resident_kb(world.writ.pid) - before) / count
        beside = [bench.load(calls, bench.PORT, options.seconds, connections=64, rate=500) for _ in range(options.rounds)] if calm else []
        result["kinds"][kind] = {"count": count, "kb_each": kb, "grown_by_calls_kb": grown_by_calls}
        if calm:
            result["kinds"][kind]["p99_us"] = {"without": [r["p99_us"] for r in calm], "with": [r["p99_us"] for r in beside]}
            result["kinds"][kind]["p50_us"] = {"without": [r["p50_us"] for r in calm], "with": [r["p50_us"] for r in beside]}
        for connection in warm + held:
            connection.close()
        print(f"  {kind:18} {count:,} of them, {kb:.1f} KB each", flush=True)
    return result


def from_tests(binaries, body):
    sys.path.insert(0, str(THREATS))
    import scene
    with scene.Scene(binaries) as world:
        return body(world)


def large_answer(binaries):
    """1 GB on one stream, and ten readers that read nothing of it."""
    def body(world):
        from upstream_threats import PIECE, Talkative, peak_kb
        from wire import Wire, ask, call, post
        token, talkative = world.token("alice"), Talkative(world)
        ask(world, post(world, token, call("get_note")))
        with Wire(world.port, seconds=120) as wire:
            wire.send(post(world, token, call("stream", {"count": 50})))
            wire.answer()
            before, begun, size = peak_kb(world, reset=True), time.monotonic(), 0
            wire.send(post(world, token, call("stream", {"count": ANSWER_BYTES // len(PIECE) + 1})))
            wire.head()
            while (data := wire.chunk()) is not None:
                size += len(data)
            seconds, grown = time.monotonic() - begun, peak_kb(world) - before
        before = peak_kb(world, reset=True)
        stuck = [Wire(world.port, f"127.0.9.{1 + i}", receive_buffer=4096) for i in range(10)]
        for wire in stuck:
            wire.send(post(world, token, call("stream")))
        time.sleep(3)
        each = (peak_kb(world) - before) / len(stuck)
        for wire in stuck:
            wire.close()
        return {"bytes": size, "seconds": seconds, "grown_kb": grown, "stuck_reader_kb": each}

    return from_tests(binaries, body)


def revocation(binaries, options, file):
    """A user is disabled under 500 calls/s with 200 streams."""
    runs = []
    for _ in range(options.rounds):
        done = subprocess.run([sys.executable, "-B", str(THREATS / "revocation.py"), str(binaries), "--rate", "500", "--streams", "201", "--pause", "0.1", "--json", str(file)], capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise SystemExit(f"revocation failed:\n{done.stdout[-3000:]}{done.stderr[-2000:]}")
        runs.append(json.loads(file.read_text()))
        print(f"  {runs[-1]['rate']:.0f} calls/s, {runs[-1]['streams']} streams: last byte {runs[-1]['last_byte_ms']:.0f} ms after the acknowledged change", flush=True)
    return runs


def table(report):
    lines = []
    if "streams" in report:
        of = report["streams"]
        bare = of["idle"]["kinds"]["bare connections"]
        lines += ["### Idle streams", "", f"Resident memory of the server for each; a stream's own connection to the MCP server is in its figure. Calls are 500/s, beside them, over {bare['count']:,} streams: as many as the",
                  "machine's limit of descriptors allows, two for each stream.", "", "| | each | beyond a bare connection | p99 of calls without | with | p50 without | with |", "| --- | --- | --- | --- | --- | --- | --- |",
                  f"| {bare['count']:,} bare connections | {bare['kb_each']:.1f} KB | | | | | |"]
        for kind, found in of["idle"]["kinds"].items():
            if kind == "bare connections":
                continue
            times = [f"{statistics.median(found[key][when]) / 1000:.2f} ms" for key in ("p99_us", "p50_us") for when in ("without", "with")]
            lines.append(f"| {found['count']:,} {kind} | {found['kb_each']:.1f} KB | **{found['kb_each'] - bare['kb_each']:.1f} KB** | " + " | ".join(times) + " |")
        large = of["large"]
        lines += ["", "### Large answers and stuck readers", "", f"{large['bytes'] / 1e9:.2f} GB in one answer of events: **{large['grown_kb'] / 1024:.1f} MB** more resident memory at the worst, {large['bytes'] / large['seconds'] / 1e6:.0f} MB/s",
                  f"(the client and the server in the test are Python). A reader that never reads: {large['stuck_reader_kb']:.0f} KB.", ""]
    if "revocation" in report:
        runs = report["revocation"]
        worst = max(run["last_byte_ms"] for run in runs)
        lines += ["### A user is disabled under load", "", f"{statistics.median(run['rate'] for run in runs):.0f} calls/s and {runs[0]['streams']} streams (GET, subscriptions, calls); {len(runs)} runs. From the acknowledged change:", "",
                  "| | median | worst |", "| --- | --- | --- |",
                  f"| last byte of allowed content | {max(0, statistics.median(run['last_byte_ms'] for run in runs)):.0f} ms | **{max(0, worst):.0f} ms** |",
                  f"| last stream ended | {statistics.median(run['last_end_ms'] for run in runs):.0f} ms | {max(run['last_end_ms'] for run in runs):.0f} ms |",
                  f"| calls allowed that began after it | {sum(run['allowed_after'] for run in runs)} of {sum(run['allowed_after'] + run['refused_after'] for run in runs):,} | |", ""]
    return lines
