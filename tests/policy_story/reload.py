"""Decisions under load while the policy is reloaded every second: two policies take turns, every fifth bundle is broken.

    python3 reload.py build/release/bin [--rate 2000] [--seconds 20]

Each call is to a tool of which it is known what either policy says. Judged are all answers, and all audit records by the version that they name: it was
active while the call was decided, and what it says is what that version says.
"""
import argparse
import asyncio
import json
import sys
import threading
import time
from datetime import datetime

from world import HERE, Checks, World

CONNECTIONS = 64
# What the versions say of each tool.
ALLOWED = {"A": {"get_note": True, "delete_note": False, "no_such": False}, "B": {"get_note": False, "delete_note": True, "no_such": False}}
GRANTS = "grants:\n  - {{group: eng, agents: [desk], servers: [notes], scopes: all, tools: [both, {}]}}\n"
TOOLS = ["both", "get_note", "delete_note", "no_such"]
for said in ALLOWED.values():
    said["both"] = True


def request_of(world, token, tool):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {"note": "x"}}}).encode()
    head = (f"POST /mcp/notes HTTP/1.1\r\nHost: 127.0.0.1:{world.port}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            f"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\nContent-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


async def read_answer(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"transfer-encoding: chunked" in head:
        body = b""
        while True:
            size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
            body += (await reader.readexactly(size + 2))[:-2]
            if size == 0:
                return head, body
    length = head.split(b"content-length:")[1].split(b"\r\n")[0]
    return head, await reader.readexactly(int(length))


class Load:
    """Calls at a steady rate over some connections; (tool, allowed, begun, ended) of each, times in seconds."""

    def __init__(self, world, token, rate, seconds):
        self.world, self.rate, self.seconds = world, rate, seconds
        self.requests = {tool: request_of(world, token, tool) for tool in TOOLS}
        self.answers, self.cut, self.odd = [], [], []

    async def worker(self, queue):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.world.port)
        while (tool := await queue.get()) is not None:
            begun = time.time()
            writer.write(self.requests[tool])
            head, body = await read_answer(reader)
            ended = time.time()
            if head.startswith(b"http/1.1 403") and b"no longer allowed" in body:
                # Allowed, and cut while it ran because the next version denies it (rules of running exchanges).
                self.cut.append((tool, True, begun, ended))
            elif not head.startswith(b"http/1.1 200") or b'"result"' not in body:
                self.odd.append((tool, head[:200], body[:300]))
            else:
                self.answers.append((tool, b"writ/decision" not in body, begun, ended))
        writer.close()

    async def run(self):
        queue = asyncio.Queue()
        workers = [asyncio.create_task(self.worker(queue)) for _ in range(CONNECTIONS)]
        begun, asked = time.monotonic(), 0
        while (elapsed := time.monotonic() - begun) < self.seconds:
            while asked < elapsed * self.rate:
                queue.put_nowait(TOOLS[asked % len(TOOLS)])
                asked += 1
            await asyncio.sleep(0.002)
        for _ in workers:
            queue.put_nowait(None)
        await asyncio.gather(*workers)
        self.elapsed = time.monotonic() - begun


class Reloads(threading.Thread):
    """A bundle each second. activations: (name, version, begun, ended) of those that became active."""

    def __init__(self, world):
        super().__init__()
        self.world, self.stop = world, threading.Event()
        self.activations, self.broken_refused, self.wrong = [], 0, []

    def apply(self, name):
        begun = time.time()
        code, out, err = self.world.writ("policy", "apply", f"bundle-{name}", "-m", f"turn of {name}", "--json")
        if code != 0:
            self.wrong.append((name, code, out, err))
        else:
            self.activations.append((name, json.loads(out)["policy_version"], begun, time.time()))

    def run(self):
        turn, next_name = 0, "B"
        while not self.stop.wait(1.0):
            turn += 1
            if turn % 5 == 0:
                active = self.world.active_version()
                code, out, err = self.world.writ("policy", "apply", "bundle-broken", "-m", "broken")
                refused = code == 1 and "broken.cedar:1:" in err and self.world.active_version() == active
                self.broken_refused += refused
                if not refused:
                    self.wrong.append(("broken", code, out, err))
                continue
            self.apply(next_name)
            next_name = "A" if next_name == "B" else "B"


def spans(activations):
    """When each activation can have been what decides: from the beginning of its command to the end of the next one."""
    ends = [activation[3] for activation in activations[1:]] + [float("inf")]
    return [(name, version, begun, end) for (name, version, begun, _), end in zip(activations, ends)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries")
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    checks = Checks()
    with World(options.binaries, HERE / "deployment") as world:
        for name, tool in (("A", "get_note"), ("B", "delete_note")):
            world.write(f"bundle-{name}/grants.yaml", GRANTS.format(tool))
        world.write("bundle-broken/grants.yaml", GRANTS.format("no_such"))
        world.write("bundle-broken/policies/broken.cedar", "permit(principal, action, resource;\n")
        reloads = Reloads(world)
        reloads.apply("A")
        token = world.access_token(world.sign_in("alice"))
        world.list_tools(token)
        load = Load(world, token, options.rate, options.seconds)
        reloads.start()
        asyncio.run(load.run())
        reloads.stop.set()
        reloads.join()
        records = audit_records(world)

    rate = len(load.answers) / load.elapsed
    print(f"      {len(load.answers)} calls in {load.elapsed:.1f} s, {rate:.0f}/s; {len(reloads.activations)} activations, {reloads.broken_refused} broken bundles")
    checks.that(f"the rate was kept ({options.rate}/s)", rate > 0.9 * options.rate, f"{rate:.0f}/s")
    checks.that("every call was answered", not load.odd, load.odd[:3])
    checks.that("no call was cut that both versions allow", not any(tool in ("both", "no_such") for tool, *_ in load.cut), load.cut[:3])
    checks.that("policies took turns", len(reloads.activations) > options.seconds / 3 and not reloads.wrong, reloads.wrong[:2])
    checks.that("every broken bundle was refused and left what was active", reloads.broken_refused > 0 or options.seconds < 6, reloads.wrong[:2])

    by_span = spans(reloads.activations)
    wrong = [(tool, allowed) for tool, allowed, begun, ended in load.answers + load.cut
             if allowed not in {ALLOWED[name][tool] for name, _, since, until in by_span if since <= ended and until >= begun}]
    checks.that("each answer is that of a version which was active while it was decided", not wrong, wrong[:5])
    checks.that("nothing was allowed that neither version allows", not any(allowed for tool, allowed, *_ in load.answers if tool == "no_such"))
    checks.that("nothing was denied that both allow", all(allowed for tool, allowed, *_ in load.answers if tool == "both"))

    versions = {version: name for name, version, *_ in reloads.activations}
    # One that was cut has two: it was allowed, and then denied.
    checks.that("every answered call has its record", len(records) == len(load.answers) + 2 * len(load.cut), f"{len(records)} records, {len(load.answers)} calls, {len(load.cut)} cut")
    strange = [record for record in records if record.get("policy_version") not in versions]
    checks.that("no record names a version that never was active", not strange, strange[:2])
    wrong = [record for record in records if record.get("policy_version") in versions and (record["effect"] == "allow") != ALLOWED[versions[record["policy_version"]]][record["tool"]]]
    checks.that("each record says what its version says", not wrong, wrong[:2])
    # Records have milliseconds, cut off.
    late = [record for record in records if not any(version == record.get("policy_version") and since - 0.001 <= time_of(record) <= until for _, version, since, until in by_span)]
    checks.that("each record's version was active at its time", not late, late[:2])
    return checks.close()


def time_of(record):
    return datetime.fromisoformat(record["time"].replace("Z", "+00:00")).timestamp()


def audit_records(world):
    """The records of all calls, page by page from the oldest."""
    records, after = [], 1   # the first record is that of the start
    while page := world.admin(f"/admin/v1/audit?event=call&after={after}&limit=1000")["items"]:
        records += [record for record in page if record["method"] == "tools/call"]
        after = max(record["position"] for record in page)
    return records


if __name__ == "__main__":
    sys.exit(main())
