"""How long a directory takes that makes many people, one after the other as Okta does: seconds for each thousand, and what one request costs in the end. Run by hand.

    python3 import.py build/release/bin [--people 10000]
"""
import argparse
import time

from directory import Okta
from story import HERE, World


def timed(work):
    begun = time.monotonic()
    return work(), (time.monotonic() - begun) * 1000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries")
    parser.add_argument("--people", type=int, default=10_000)
    options = parser.parse_args()
    with World(options.binaries, deployment=HERE / "deployment") as world:
        okta = Okta(world.port, world.scim_token("corp"))
        ids, begun = [], time.monotonic()
        for number in range(options.people):
            name = f"person{number}@corp.example"
            okta.find("Users", f'userName eq "{name}"')
            ids.append(okta.send("POST", "/Users", okta.user(name, given="Person", family=str(number)))["id"])
            if (number + 1) % 1000 == 0:
                print(f"{number + 1:6} people: the last thousand took {time.monotonic() - begun:.1f} s", flush=True)
                begun = time.monotonic()
        group, took = timed(lambda: okta.send("POST", "/Groups", {"displayName": "Everybody", "members": [{"value": one} for one in ids]}))
        print(f"a group of all of them: {group.status}, {took:.0f} ms")
        for what, work in (
            ("one more taken out of it", lambda: okta.patch(f"/Groups/{group['id']}", {"op": "remove", "path": f'members[value eq "{ids[-1]}"]'})),
            ("it, without members", lambda: okta.send("GET", f"/Groups/{group['id']}?excludedAttributes=members")),
            ("a page of 100 people", lambda: okta.send("GET", f"/Users?startIndex={len(ids) // 2}&count=100")),
            ("existence check by name", lambda: okta.find("Users", f'userName eq "person{len(ids) // 2}@corp.example"')),
            ("a filter that looks at everybody", lambda: okta.find("Users", 'emails.value eq "person7@corp.example"')),
            ("deactivation", lambda: okta.patch(f"/Users/{ids[0]}", {"op": "replace", "value": {"active": False}})),
        ):
            answer, took = timed(work)
            print(f"{what}: {answer.status}, {took:.1f} ms")
        print(f"resident: {world.resident_kb() / 1024:.0f} MiB")
        okta.close()


if __name__ == "__main__":
    main()
