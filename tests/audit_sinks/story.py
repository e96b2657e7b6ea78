"""R27: records reach a SIEM at least once and in order, whatever it does, and no decision ever waits for it. Against a running `writ serve`.

    python3 story.py build/release/bin
"""
import json
import os
import re
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "policy_story"))
from receivers import SyslogOverTls, Webhook  # noqa: E402
from world import Checks, World  # noqa: E402

SECRET = "Bearer siem-secret-for-this-test-only"


def until(holds, seconds=15):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


def trail(world):
    """Positions of all that is on record now."""
    code, out, err = world.writ("audit", "export", "--format", "records")
    return [json.loads(line)["position"] for line in out.splitlines()]


def positions_at(webhook):
    return [event["metadata"]["sequence"] for event in webhook.lines]


def positions_in(syslog):
    return [json.loads(message.split("\ufeff", 1)[1])["position"] for message in syslog.messages]


def in_order_without_gap(positions, last):
    """At least once and in order: what comes again begins anew behind something that was there already."""
    seen = 0
    for position in positions:
        if position > seen + 1:
            return False
        seen = max(seen, position)
    return seen >= last


def main():
    checks, webhook = Checks(), Webhook()
    deployment = HERE.parent / "policy_story" / "deployment"
    made = {}

    def add_sinks(world):
        made["syslog"] = SyslogOverTls(world.folder)
        (world.folder / "siem.secret").write_text(SECRET + "\n")
        (world.folder / "siem.secret").chmod(0o600)
        config = (world.folder / "writ.yaml").read_text()
        world.write("writ.yaml", config + f"""audit:
  sinks:
    - {{id: siem, webhook: {{url: "http://127.0.0.1:{webhook.port}/in", authorization_file: siem.secret}}}}
    - {{id: log, syslog: {{address: "127.0.0.1:{made['syslog'].port}"}}, ca_file: {made['syslog'].certificate}, format: records}}
""")

    with World(sys.argv[1], deployment, before_start=add_sinks) as world:
        syslog = made["syslog"]
        token = world.access_token(world.sign_in("alice"))
        tools = world.list_tools(token)
        last = trail(world)[-1]
        checks.that("what was recorded before the sinks were there arrives too, from the first record on",
                    until(lambda: in_order_without_gap(positions_at(webhook), last)) and until(lambda: in_order_without_gap(positions_in(syslog), last)),
                    (last, positions_at(webhook)[-5:], positions_in(syslog)[-5:], syslog.failed))
        event = next((line for line in webhook.lines if line["metadata"]["event_code"] == "access_token"), None)
        checks.that("the webhook gets OCSF events", event is not None and event["class_uid"] == 3003 and event["status"] == "Success", event)
        checks.that("with its own secret, and nobody else's", all(request.get("Authorization") == SECRET for request in webhook.requests) and token not in json.dumps(webhook.lines), "")
        message = syslog.messages[0] if syslog.messages else ""
        checks.that("the syslog receiver gets messages of RFC 5424", re.match(r'^<8[56]>1 \d{4}-\d\d-\d\dT[\d:.]+Z \S+ writ - \w+ \[meta sequenceId="\d+"\] \ufeff\{', message) is not None, message[:200])

        # A receiver that is down, one that hangs: nothing waits for them.
        webhook.mode, syslog.mode = "hang", "abrupt"
        before = len(webhook.lines)
        began = time.monotonic()
        for _ in range(100):
            world.list_tools(token)
        took = time.monotonic() - began
        checks.that("100 calls are decided while the webhook hangs", took < 10 and len(webhook.lines) == before, took)
        checks.that("a connection that broke off is no delivery: the same records come again", until(lambda: len(positions_in(syslog)) > len(set(positions_in(syslog)))), len(syslog.messages))
        webhook.mode = "500"
        webhook.released.set()
        code, metrics = world.admin_text("/metrics")
        checks.that("metrics say how far each sink has got", 'writ_audit_sink_position{sink="log"}' in metrics and 'writ_audit_sink_position{sink="siem"}' in metrics, metrics[-500:])
        last = trail(world)[-1]
        # The process dies with a sink behind; nothing of what was not delivered is lost, and what was is not begun anew.
        behind = max(positions_at(webhook))
        server = world.started.pop()
        server.kill()
        server.wait(10)
        webhook.mode = "lost"
        world.start([str(world.binaries / "writ"), "serve", "-c", str(world.folder / "writ.yaml")])
        world.wait_for(world.port)
        checks.that("after kill -9 the sinks go on where they stopped", until(lambda: in_order_without_gap(positions_at(webhook), last), 25), (behind, last, positions_at(webhook)[-10:]))
        again = lambda: [position for index, position in enumerate(positions_at(webhook)) if position in positions_at(webhook)[:index]]  # noqa: E731
        until(again)
        again = again()
        checks.that("an answer that was lost makes records come twice, and only those", again and len(again) <= 200 and min(again) > behind, (len(again), again[:3], behind))
        checks.that("syslog has them all as well", until(lambda: in_order_without_gap(positions_in(syslog), last)), (last, positions_in(syslog)[-5:]))
        checks.that("the tools are still there", world.list_tools(token) == tools, "")
        (world.folder / "siem.secret").chmod(0o644)
        world.list_tools(token)
        last = trail(world)[-1]
        until(lambda: in_order_without_gap(positions_in(syslog), last))
        time.sleep(0.7)
        checks.that("a secret that is open to others is not used", last not in positions_at(webhook), "")
        logs = "\n".join(file.read_text() for file in world.folder.glob("log-*"))
        checks.that("and the log says so, without it", "siem.secret" in logs and "siem-secret-for" not in logs, logs[-600:])
        syslog.close()
    webhook.close()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
