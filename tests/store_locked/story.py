"""R6: another process locks the state store for longer than anybody waits. What needs it is refused in time, what does not goes on, and nothing is lost.

    python3 story.py build/release/bin
"""
import sqlite3
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "policy_story"))
from world import Checks, World  # noqa: E402

PATIENCE = 2.0   # seconds; what a request waits for a lock
LOCKED = 8.0


class Lock:
    """As a careless backup script would: an exclusive transaction that stays open."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.connection = sqlite3.connect(self.path, isolation_level=None)
        self.connection.execute("BEGIN EXCLUSIVE")
        self.began = time.monotonic()
        return self

    def __exit__(self, *_):
        self.connection.execute("ROLLBACK")
        self.connection.close()


def try_sign_in(world, results):
    began = time.monotonic()
    try:
        world.sign_in("alice")
        outcome = "signed in"
    except Exception as error:  # the page says 503 and has no form: that ends the walk through it
        outcome = str(error)
    results.append((outcome, time.monotonic() - began))


def sign_ins(world, results):
    people = [threading.Thread(target=try_sign_in, args=(world, results)) for _ in range(12)]
    for person in people:
        person.start()
    return people


def readiness(world):
    response, text = world.http("GET", f"{world.base}/readyz")
    return response.status, text


def until_ready(world, seconds):
    end = time.monotonic() + seconds
    while readiness(world)[0] != 200 and time.monotonic() < end:
        time.sleep(0.05)
    return readiness(world)


def main():
    checks = Checks()
    with World(sys.argv[1], HERE.parent / "policy_story" / "deployment") as world:
        id_token = world.sign_in("alice")
        token = world.access_token(id_token)
        tools = world.list_tools(token)
        checks.that("it is ready before", readiness(world)[0] == 200, readiness(world))
        usual = []   # passwords are hashed one after the other: what so many people take without a lock
        for person in sign_ins(world, usual):
            person.join()
        usual = max(took for _, took in usual)
        for turn in (1, 2):
            with Lock(world.folder / "data" / "state.db") as lock:
                results, served = [], 0
                people = sign_ins(world, results)
                slowest, degraded = 0.0, []
                while time.monotonic() < lock.began + LOCKED:
                    began = time.monotonic()
                    world.list_tools(world.access_token(id_token))
                    slowest = max(slowest, time.monotonic() - began)
                    served += 1
                    degraded.append(readiness(world))
                    time.sleep(0.1)
                for person in people:
                    person.join(30)
            checks.that(f"lock {turn}: 12 people who sign in are refused, and none waits longer than the limit for one store operation", len(results) == 12 and
                        all(outcome != "signed in" for outcome, _ in results) and max(took for _, took in results) < usual + PATIENCE + 1, (usual, sorted(results, key=lambda result: result[1])[-2:]))
            checks.that(f"lock {turn}: both grants and calls go on meanwhile ({served} times, slowest {slowest * 1000:.0f} ms)", served > 20 and slowest < 1, (served, slowest))
            checks.that(f"lock {turn}: /readyz says what is wrong", (503, "degraded: the state store takes no changes\n") in degraded, degraded[-2:])
            status, text = until_ready(world, 3)
            checks.that(f"lock {turn}: and is well again by itself after it", status == 200, (status, text))
            checks.that(f"lock {turn}: people sign in again, and what was signed in still is", bool(world.sign_in("alice")) and world.list_tools(token) == tools, "")
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
