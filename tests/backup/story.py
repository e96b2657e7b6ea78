"""R29: an online backup under load, restored to another place, with every grant that was ever spent presented again. Against `writ serve`, with files and with PostgreSQL.

    python3 story.py build/release/bin
"""
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "policy_story"), str(HERE.parent / "support")]
from postgresql import Cluster  # noqa: E402
from world import Checks, World  # noqa: E402

DEPLOYMENT = HERE.parent / "policy_story" / "deployment"


class Grants:
    """What a client remembers of its ID-JAGs."""

    def __init__(self, world, id_token):
        self.world, self.id_token = world, id_token

    def issue(self):
        granted = self.world.token_request("idp", grant_type="urn:ietf:params:oauth:grant-type:token-exchange", requested_token_type="urn:ietf:params:oauth:token-type:id-jag",
                                           audience=f"{self.world.base}/ras", resource=f"{self.world.base}/mcp/notes", subject_token=self.id_token,
                                           subject_token_type="urn:ietf:params:oauth:token-type:id_token")
        return granted["access_token"]

    def redeem(self, id_jag):
        return self.world.token_request("ras", grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=id_jag)


def spend_until(stop, grants, spent):
    while not stop.is_set():
        id_jag = grants.issue()
        if "access_token" in grants.redeem(id_jag):
            spent.append((time.monotonic(), id_jag))


def restart(world, config):
    server = world.started.pop()
    server.terminate()
    server.wait(15)
    world.start([str(world.binaries / "writ"), "serve", "-c", str(world.folder / config)])
    world.wait_for(world.port)


def story(checks, world, store, where):
    """`store`: how the configuration of the restored deployment differs."""
    checks_that = lambda sentence, holds, seen="": checks.that(f"{where}: {sentence}", holds, seen)  # noqa: E731
    alice = world.sign_in("alice")
    grants, spent, stop = Grants(world, alice), [], threading.Event()
    loads = [threading.Thread(target=spend_until, args=(stop, grants, spent)) for _ in range(4)]
    for load in loads:
        load.start()
    time.sleep(1.5)
    began = time.monotonic()
    code, out, err = world.writ("backup", str(world.folder / "backup"), "--json")
    ended = time.monotonic()
    time.sleep(1)
    stop.set()
    for load in loads:
        load.join()
    before, during_or_after = [id_jag for at, id_jag in spent if at < began], [id_jag for at, id_jag in spent if at >= began]
    checks_that("a backup is made while grants are spent", code == 0 and len(before) > 20 and len(during_or_after) > 10, (code, out, err, len(before), len(during_or_after)))
    report = json.loads(out)
    held = grants.issue()   # issued, and not spent before the end
    token = grants.redeem(grants.issue())["access_token"]
    code, out, err = world.writ("backup", str(world.folder / "backup"))
    checks_that("a backup is never written over", code == 2 and "exists already" in err, (code, err))
    code, out, err = world.writ("backup", str(world.folder / "backup"), "--check")
    checks_that("and it compares equal to its manifest", code == 0 and "whole" in out, (code, out, err))
    open_to_others = [str(file) for file in (world.folder / "backup").rglob("*") if file.stat().st_mode & 0o077 and file.is_file()]
    checks_that("nobody else may read it", not open_to_others and (world.folder / "backup").stat().st_mode & 0o077 == 0, open_to_others)

    damaged = world.folder / "damaged"
    shutil.copytree(world.folder / "backup", damaged)
    victim = max((file for file in damaged.rglob("*") if file.is_file() and file.name != "manifest.json"), key=lambda file: file.stat().st_size)
    bytes_ = bytearray(victim.read_bytes())
    bytes_[len(bytes_) // 2] ^= 1
    victim.write_bytes(bytes_)
    code, out, err = world.writ("restore", str(damaged), "-c", "restored.yaml")
    checks_that("a backup with one changed bit is not restored, and the file is named", code == 1 and victim.name in err and "changed" in err, (code, err))

    server = world.started.pop()
    server.terminate()
    server.wait(15)
    code, out, err = world.writ("restore", str(world.folder / "backup"), "-c", "restored.yaml")
    checks_that("without the sealing key nothing is restored, and none is made", code == 1 and "sealing key" in err and not (world.folder / "restored" / "sealing.key").exists(), (code, err))
    (world.folder / "restored").mkdir(mode=0o700, exist_ok=True)
    shutil.copy(world.folder / "data" / "sealing.key", world.folder / "restored" / "sealing.key")
    code, out, err = world.writ("restore", str(world.folder / "backup"), "-c", "restored.yaml")
    checks_that("with it, it is restored to another place", code == 0 and "refused" in out, (code, out, err))
    code, out, err = world.writ("restore", str(world.folder / "backup"), "-c", "restored.yaml")
    checks_that("and not a second time over what is there", code == 1, (code, out, err))

    world.start([str(world.binaries / "writ"), "serve", "-c", str(world.folder / "restored.yaml")])
    world.wait_for(world.port)
    accepted = [id_jag for id_jag in before if "access_token" in grants.redeem(id_jag)]
    checks_that(f"none of {len(before)} grants spent before the backup is accepted again", not accepted, len(accepted))
    accepted = [id_jag for id_jag in during_or_after if "access_token" in grants.redeem(id_jag)]
    checks_that(f"none of {len(during_or_after)} spent during and after it either, of which the backup knows nothing", not accepted, len(accepted))
    answer = grants.redeem(held)
    checks_that("nor one from before the restore that was never spent: nobody can tell", answer.get("error") == "invalid_grant", answer)
    reasons = {event: {record.get("reason") for record in json.loads(world.writ("audit", "query", "--event", event, "--limit", "1000", "--json")[1])} for event in ("access_token", "service")}
    checks_that("for that reason", "issued_before_not_before" in reasons["access_token"], reasons)
    checks_that("the restore is on record", "restored" in reasons["service"], reasons)
    checks_that("a sign-in from before is worth nothing", "access_token" not in grants_answer(world, alice), "")
    denied = world.http("POST", f"{world.base}/mcp/notes", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}),
                        {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"})[0]
    checks_that("nor is an access token", denied.status == 401, denied.status)
    access = world.access_token(world.sign_in("alice"))
    tools = world.list_tools(access)
    checks_that("who signs in anew works as before, with the policy of the backup", len(tools) > 0, tools)
    if store is None:
        code, out, err = world.writ("audit", "verify", "--dir", str(world.folder / "restored" / "audit"))
        checks_that("the restored audit trail verifies", code == 0, (code, out, err))
        checks_that("the backup says how far it reaches", report["newest_position"] > len(before), report)


def grants_answer(world, id_token):
    return world.token_request("idp", grant_type="urn:ietf:params:oauth:grant-type:token-exchange", requested_token_type="urn:ietf:params:oauth:token-type:id-jag",
                               audience=f"{world.base}/ras", resource=f"{world.base}/mcp/notes", subject_token=id_token,
                               subject_token_type="urn:ietf:params:oauth:token-type:id_token")


def restored_configuration(world, store=""):
    text = (world.folder / "writ.yaml").read_text()
    text = text.replace("data: data\n", "data: restored\n").replace("objects: deployment\npolicy: deployment\n", "")
    (world.folder / "restored.yaml").write_text(text + store)


def main():
    checks = Checks()
    binaries = sys.argv[1]
    with World(binaries, DEPLOYMENT) as world:
        restored_configuration(world)
        story(checks, world, None, "files")
    if not Cluster.is_available():
        print("PostgreSQL is not here: its half is skipped")
        return checks.close()
    with Cluster() as cluster:
        cluster.create("writ")
        cluster.create("restored")
        with World(binaries, DEPLOYMENT, before_start=lambda world: world.write("writ.yaml", (world.folder / "writ.yaml").read_text() + cluster.store("writ"))) as world:
            text = (world.folder / "writ.yaml").read_text().replace(cluster.store("writ"), "")
            text = text.replace("data: data\n", "data: restored\n").replace("objects: deployment\npolicy: deployment\n", "")
            (world.folder / "restored.yaml").write_text(text + cluster.store("restored"))
            story(checks, world, "postgresql", "PostgreSQL")
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
