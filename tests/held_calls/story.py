"""Held calls, end to end: an agent's call waits, a person approves it with `writ`, it goes once. Against a running `writ serve`, over HTTP, for clients of
both protocol eras.

    python3 story.py build/release/bin
"""
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode, urljoin

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "policy_story"))
from world import Checks, World, form_of  # noqa: E402

MODERN = "2026-07-28"


class Person:
    """Somebody at their own command line."""

    def __init__(self, world, name):
        self.world, self.name, self.config = world, name, world.folder / f"config-{name}"

    def environment(self):
        return {**os.environ, "WRIT_CONFIG_DIR": str(self.config)}

    def sign_in(self):
        login = subprocess.Popen([str(self.world.binaries / "writ"), "login", f"{self.world.base}/idp", "--no-browser"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 env=self.environment(), cwd=self.world.folder)
        url = None
        for line in login.stderr:
            found = re.search(r"https?://\S+/authorize\?\S+", line)
            if found:
                url = found.group(0)
                break
        method, body, cookies = "GET", None, {}
        for _ in range(20):
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
            if body is not None:
                headers.update({"Content-Type": "application/x-www-form-urlencoded", "Origin": self.world.base})
            response, text = self.world.http(method, url, body, headers)
            for cookie in response.headers.get_all("Set-Cookie") or []:
                name, _, value = cookie.split(";")[0].partition("=")
                cookies[name] = value
            if 300 <= response.status < 400:
                url, method, body = urljoin(url, response.headers["Location"]), "GET", None
            elif not url.startswith(self.world.base):
                break   # the command's own page: it has the code
            else:
                action, fields = form_of(text)
                filled = {name: f"{self.name}-password" if kind == "password" else self.name if kind in ("text", "email") else value for name, (kind, value) in fields.items()}
                url, method, body = urljoin(url, action), "POST", urlencode(filled)
        out, err = login.communicate(timeout=20)
        if login.returncode != 0:
            raise AssertionError(f"{self.name} could not sign in: {out} {err}")
        return self

    def writ(self, *words):
        done = subprocess.run([str(self.world.binaries / "writ"), *words], capture_output=True, text=True, timeout=60, env=self.environment(), cwd=self.world.folder, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr


def legacy(world, token, note):
    return world.call(token, "delete_note", note=note)


def modern(world, token, note):
    params = {"name": "delete_note", "arguments": {"note": note}, "_meta": {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}}
    _, text = world.http("POST", f"{world.base}/mcp/notes", json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}),
                         {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": MODERN,
                          "Mcp-Method": "tools/call", "Mcp-Name": "delete_note"})
    answer = json.loads(text)
    if "result" not in answer:
        raise AssertionError(f"no result: {answer}")
    return answer["result"].get("_meta", {}).get("writ/decision")


def main(binaries):
    checks = Checks()
    with World(binaries, HERE / "deployment") as world:
        olga, alice, bob = (Person(world, name).sign_in() for name in ("olga", "alice", "bob"))
        token = world.access_token(world.sign_in("alice"))
        for era, call in (("legacy", legacy), ("modern", modern)):
            held = call(world, token, f"todo-{era}")
            checks.that(f"{era}: the call waits", held and held["kind"] == "approval_pending" and held["retryable"] and held["retry_after_seconds"] > 0, held)
            approval = held["approval"]
            again = call(world, token, f"todo-{era}")
            checks.that(f"{era}: asked again it is the same request", again and again["approval"] == approval, again)
            response, page = world.http("GET", held["request_url"])
            checks.that(f"{era}: its address says how to approve, and nothing of the call", response.status == 200 and approval in page and "todo" not in page, page)

            code, out, err = olga.writ("approvals", "list")
            checks.that(f"{era}: the approver sees it", code == 0 and approval in out and "notes/delete_note" in out, (code, out, err))
            code, out, err = olga.writ("approvals", "show", approval)
            checks.that(f"{era}: with its arguments", code == 0 and json.dumps({"note": f"todo-{era}"}, separators=(",", ":")) in out, (code, out, err))
            code, out, err = alice.writ("approvals", "approve", approval)
            checks.that(f"{era}: nobody approves their own, a member of the group neither", code == 3, (code, out, err))
            code, out, err = bob.writ("approvals", "approve", approval)
            checks.that(f"{era}: who is not of the group does not even see it", code == 1 and "not yours" in err, (code, out, err))
            checks.that(f"{era}: it still waits", call(world, token, f"todo-{era}")["kind"] == "approval_pending")

            code, out, err = olga.writ("approvals", "approve", approval, "-m", "looked at it", "--json")
            checks.that(f"{era}: a member approves", code == 0 and json.loads(out)["state"] == "approved", (code, out, err))
            other = call(world, token, f"other-{era}")
            checks.that(f"{era}: other arguments wait", other and other["kind"] == "approval_pending" and other["approval"] != approval, other)
            checks.that(f"{era}: the approved call goes", call(world, token, f"todo-{era}") is None)
            twice = call(world, token, f"todo-{era}")
            checks.that(f"{era}: once", twice and twice["kind"] == "approval_pending" and twice["approval"] != approval, twice)
            code, out, err = olga.writ("approvals", "reject", twice["approval"], "-m", "once is enough")
            rejected = call(world, token, f"todo-{era}")
            checks.that(f"{era}: a no is told, and not asked again", code == 0 and rejected and rejected["kind"] == "approval_rejected" and not rejected["retryable"], (code, out, err, rejected))

        # A restart keeps what waits, and what was approved.
        waiting = legacy(world, token, "after a restart")["approval"]
        olga.writ("approvals", "approve", waiting)
        server = world.started.pop()
        server.terminate()
        server.wait(20)
        world.start([str(world.binaries / "writ"), "serve", "-c", str(world.folder / "writ.yaml")])
        world.wait_for(world.port)
        checks.that("a restart keeps an approval", legacy(world, token, "after a restart") is None)
        time.sleep(0.2)   # calls are on disk within 50 ms
        code, out, err = world.writ("audit", "query", "--event", "approval", "--json")
        reasons = [json.loads(line).get("reason") if line.startswith("{") else "" for line in out.splitlines()]
        checks.that("who asked, approved, rejected and was refused is on record", code == 0 and all(f'"{reason}"' in out for reason in ("requested", "approved", "rejected", "refused")), (code, out[:800], err, reasons))
        checks.that("and no argument", "todo-" not in out, out[:400])
    return checks.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
