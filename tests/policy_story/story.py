"""Changing policy without fear, told through the `writ` command against a running server with recorded traffic.

    python3 story.py build/release/bin
"""
import json
import sys

from world import HERE, Checks, World

BROKEN = """@id("contractors-do-not-delete")
@message("People from outside do not delete notes")
forbid(principal in Writ::Group::"contractors", action in Writ::Action::"call", resource)
when { resource.destuctive };
"""
TOO_WIDE = BROKEN.replace("destuctive", "destructive").replace('"contractors", action', '"eng", action')
FIXED = BROKEN.replace("destuctive", "destructive")


def main(binaries):
    checks = Checks()
    with World(binaries, HERE / "deployment") as world:
        tokens = {user: world.access_token(world.sign_in(user)) for user in ("alice", "mia")}
        listed = world.list_tools(tokens["alice"])
        checks.that("alice sees her tools, and no other", listed == ["get_note", "delete_note"], listed)
        for user, tool in (("alice", "get_note"), ("alice", "delete_note"), ("mia", "get_note"), ("mia", "delete_note")):
            denial = world.call(tokens[user], tool, note="todo")
            checks.that(f"{user} may {tool} before anything changes", denial is None, denial)
        first = world.active_version()

        # A candidate with a misspelt attribute.
        for name in ("grants.yaml", "policy-tests.yaml"):
            world.write(f"next/{name}", (HERE / "deployment" / name).read_text())
        world.write("next/policies/contractors.cedar", BROKEN)
        code, out, err = world.writ("policy", "check", "next")
        checks.that("check stops a broken policy and names the line", code == 1 and "policies/contractors.cedar:4:" in err and "destuctive" in err, (code, out, err))
        code, out, err = world.writ("policy", "apply", "next", "-m", "contractors do not delete")
        checks.that("and so does apply", code == 1 and "policies/contractors.cedar:4:" in err, (code, out, err))

        # Well-formed, and wrong: it forbids everybody.
        world.write("next/policies/contractors.cedar", TOO_WIDE)
        code, out, err = world.writ("policy", "test", "next")
        checks.that("a test stops what is well-formed and wrong, and names test and policy with their lines",
                    code == 7 and "policy-tests.yaml:6:5: failed: test `engineers delete`" in out and "(policies/contractors.cedar:1:1)" in out, (code, out, err))
        code, out, err = world.writ("policy", "check", "next")
        checks.that("check runs the tests, too", code == 7 and "policy-tests.yaml:6:5" in err, (code, out, err))
        code, out, err = world.writ("policy", "apply", "next", "-m", "contractors do not delete")
        checks.that("apply refuses while a test fails", code == 7 and "policy-tests.yaml:6:5" in err, (code, out, err))
        checks.that("nothing was activated by all this", world.active_version() == first)
        checks.that("and alice can still work", world.call(tokens["alice"], "delete_note", note="todo") is None)

        # Fixed, with a test of its own.
        world.write("next/policies/contractors.cedar", FIXED)
        world.write("next/policy-tests.yaml", (HERE / "deployment/policy-tests.yaml").read_text() +
                    "  - {name: contractors do not delete, user: {groups: [eng, contractors]}, tool: delete_note, expect: deny, by: contractors-do-not-delete}\n")
        code, out, err = world.writ("policy", "check", "next")
        checks.that("the fixed policy passes", code == 0, (code, out, err))
        code, out, err = world.writ("policy", "test", "next")
        checks.that("its tests pass and need every policy", code == 0 and "5 passed, 0 failed\n2 of 2 policies and grants decided a test\n" in out, (code, out, err))

        # What would it change, and for whom?
        code, out, err = world.writ("policy", "diff", "next")
        checks.that("diff shows exactly the three people who lose access, and to what", code == 7 and all(name in out for name in ("mia", "noa", "oli")) and
                    not any(name in out for name in ("alice", "bob", "carol")) and "delete_note" in out and "get_note" not in out, (code, out, err))
        code, out, err = world.writ("policy", "replay", "next", "--days", "7", "--json")
        report = json.loads(out) if out else {}
        found = [(row["outcome"], row["user_name"], row.get("subject"), row["count"]) for row in report.get("rows", [])]
        checks.that("replay finds the one call of last week that would now be denied", code == 7 and found == [("newly_denied", "mia", "delete_note", 1)], (code, found, err))

        # Tried out before it is enforced.
        code, out, err = world.writ("policy", "shadow", "next", "-m", "contractors do not delete")
        checks.that("it is tried out", code == 0 and world.active_version() == first, (code, out, err))
        checks.that("and enforces nothing", world.call(tokens["mia"], "delete_note", note="todo") is None)
        code, out, err = world.writ("policy", "shadow", "status")
        checks.that("shadow counts what it would have blocked", code == 0 and "mia" in out and "notes/delete_note" in out and "alice" not in out, (code, out, err))
        code, out, err = world.writ("policy", "promote", "-m", "contractors do not delete")
        checks.that("it is promoted", code == 0 and world.active_version() != first, (code, out, err))
        denial = world.call(tokens["mia"], "delete_note", note="todo")
        checks.that("mia is denied, and told why", denial is not None and denial.get("code", "").startswith("W-"), denial)
        checks.that("alice is not", world.call(tokens["alice"], "delete_note", note="todo") is None)
        code, out, err = world.writ("why", (denial or {}).get("code", "W-0"))
        checks.that("why names the policy", code == 0 and "contractors-do-not-delete" in out, (code, out, err))

        code, out, err = world.writ("policy", "compare", "1")
        checks.that("compare shows the lines that are new", code == 7 and '+@id("contractors-do-not-delete")' in out, (code, out, err))
        code, out, err = world.writ("policy", "restore", "1")
        checks.that("restoring needs a reason", code == 2, (code, out, err))
        code, out, err = world.writ("policy", "restore", "1", "-m", "the contractors' work is stuck")
        checks.that("the old version comes back", code == 0 and world.active_version() == first, (code, out, err))
        checks.that("and mia works again", world.call(tokens["mia"], "delete_note", note="todo") is None)
        items = json.loads(world.writ("policy", "history", "--json")[1])["items"]
        checks.that("history has all three, with reasons", [(item["number"], item["reason"]) for item in items][:2] ==
                    [(3, "restores version 1: the contractors' work is stuck"), (2, "contractors do not delete")] and len(items) == 3, items)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
