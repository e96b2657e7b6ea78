"""A modern client at a server of the legacy era, through a running `writ serve`: everything that the bridge carries, and what it must not.

    python3 story.py build/release/bin
"""
import json
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "policy_story"))
sys.path.insert(0, str(HERE))
from modern_client import META, Client, said  # noqa: E402
from world import Checks, World  # noqa: E402


class Site(World):
    def __enter__(self):
        try:
            self.start([sys.executable, "-B", str(HERE / "legacy_server.py"), str(self.upstream_port)])
            self.wait_for(self.upstream_port)
            self.start([str(self.binaries / "writ"), "serve", "-c", str(self.folder / "writ.yaml")])
            self.wait_for(self.port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def seen(self):
        return json.loads(self.http("GET", f"http://127.0.0.1:{self.upstream_port}/seen")[1])

    def client(self, user, **options):
        return Client(f"{self.base}/mcp/notes", self.access_token(self.sign_in(user)), **options)


def until(check, seconds=5):
    for _ in range(seconds * 20):
        if check():
            return True
        time.sleep(0.05)
    return False


def answer_of(asked, *values):
    """The members of a retry."""
    result = asked["result"]
    return {"requestState": result["requestState"], "inputResponses": dict(zip(result["inputRequests"], values))}


def lists_and_results(checks, site, alice):
    discovered = alice.send("server/discover").last()["result"]
    checks.that("server/discover is answered from initialize", discovered["supportedVersions"] == ["2026-07-28"] and discovered["capabilities"]["tools"] == {"listChanged": True}
                and discovered["resultType"] == "complete" and discovered["cacheScope"] == "private" and discovered["_meta"][META + "serverInfo"]["name"] == "old", discovered)
    tools = alice.send("tools/list").last()["result"]
    checks.that("tools are listed, for nobody's cache", "ask" in [tool["name"] for tool in tools["tools"]] and (tools["resultType"], tools["ttlMs"], tools["cacheScope"]) == ("complete", 0, "private"), tools)
    answer = alice.call("plain", {"a": 1})
    checks.that("no session id reaches the client", "Mcp-Session-Id" not in answer.headers, answer.headers)
    checks.that("a call gives its result", said(answer.last()) == {"a": 1})
    for method, params, member in (("resources/list", {}, "resources"), ("resources/templates/list", {}, "resourceTemplates"), ("resources/read", {"uri": "note://1"}, "contents"),
                                   ("prompts/list", {}, "prompts"), ("prompts/get", {"name": "greet"}, "messages"),
                                   ("completion/complete", {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "a", "value": ""}}, "completion")):
        got = alice.send(method, params).last()
        checks.that(f"{method} is translated", got.get("result", {}).get("resultType") == "complete" and member in got["result"], got)
    unknown = alice.send("tasks/get", {"taskId": "t"}).last()
    checks.that("a method that the server's era does not have is an error", "error" in unknown, unknown)
    seen = site.seen()
    checks.that("one session served all this", len(seen["initialize"]) == 1, seen)
    checks.that("and nothing of the modern form came there, but for the question which era it speaks", seen["modern"] == ["server/discover"], seen)


def streams(checks, site, alice):
    began, arrivals = time.time(), []
    for message in alice.call("progress", meta={"progressToken": "mine"}):
        arrivals.append((message.get("params", {}).get("progressToken"), time.time() - began))
    checks.that("progress arrives under the client's token while the call runs", [token for token, _ in arrivals] == ["mine", "mine", "mine", None] and arrivals[0][1] < arrivals[-1][1] - 0.25, arrivals)
    checks.that("without a level no logs arrive", len(alice.call("logs").whole()) == 1)
    logged = alice.call("logs", meta={META + "logLevel": "info"}).whole()
    checks.that("with one, those from it on", [message["params"]["level"] for message in logged[:-1]] == ["info", "error"] and site.seen()["levels"] == ["info"], logged)
    before = site.seen()["cancelled"]
    slow = alice.call("slow", meta={"progressToken": 1})
    next(iter(slow))
    slow.close()
    checks.that("closing the stream cancels the call at the server", until(lambda: site.seen()["cancelled"] == before + 1), site.seen())
    checks.that("a stream that breaks is resumed", said(alice.call("broken").last()) == "resumed")
    garbage = alice.call("garbage").whole()
    checks.that("garbage is an error, and none of it arrives", len(garbage) == 1 and garbage[0]["error"]["code"] == 502 and "secret" not in json.dumps(garbage), garbage)
    count = len(site.seen()["initialize"])
    alice.call("forget").last()
    checks.that("a session that the server forgot is made again", said(alice.call("plain", {"b": 2}).last()) == {"b": 2} and len(site.seen()["initialize"]) == count + 1)


def questions(checks, site, alice, bob):
    person = {"action": "accept", "content": {"name": "alice"}}
    calls = site.seen()["calls"]
    asked = alice.call("ask").last()
    checks.that("a question of the server ends the call with input_required", asked["result"]["resultType"] == "input_required"
                and [one["method"] for one in asked["result"]["inputRequests"].values()] == ["elicitation/create"], asked)
    state = asked["result"]["requestState"]
    forged = state[:-1] + ("A" if state[-1] != "A" else "B")
    for what, client, tool, arguments, used in (("a forged state", alice, "ask", {}, forged), ("another person's", bob, "ask", {}, state), ("that of another tool", alice, "ask_twice", {}, state),
                                                ("that of other arguments", alice, "ask", {"x": 1}, state)):
        refused = client.call(tool, arguments, requestState=used, inputResponses={"input-1": person}).last()
        checks.that(f"{what} is refused", refused.get("error", {}).get("code") == -32602, refused)
    done = alice.call("ask", **answer_of(asked, person)).last()
    checks.that("the retry answers the server and brings the result", said(done) == person, done)
    checks.that("the server saw one call", site.seen()["calls"] == calls + 1, site.seen())
    again = alice.call("ask", **answer_of(asked, person)).last()
    checks.that("a state is good once", again.get("error", {}).get("code") == -32602, again)
    first = alice.call("ask_twice").last()
    second = alice.call("ask_twice", **answer_of(first, person)).last()
    third = alice.call("ask_twice", **answer_of(second, {"action": "decline"})).last()
    checks.that("two questions, two rounds", said(third) == [person, {"action": "decline"}], (second, third))
    asked = alice.call("think").last()
    done = alice.call("think", **answer_of(asked, {"role": "assistant", "content": {"type": "text", "text": "4"}, "model": "m"})).last()
    checks.that("sampling is bridged", said(done)["content"]["text"] == "4", done)
    asked = alice.call("where").last()
    done = alice.call("where", **answer_of(asked, {"roots": [{"uri": "file:///a"}]})).last()
    checks.that("roots are bridged", said(done)["roots"][0]["uri"] == "file:///a", done)
    asked = alice.call("ask_apart").last()
    done = alice.call("ask_apart", **answer_of(asked, person)).last()
    checks.that("a question on the GET stream belongs to the call under way", said(done) == person, done)
    plain = site.client("alice", capabilities={})
    checks.that("what the client did not declare is not asked", said(plain.call("ask").last()) == {"refused": -32601})
    # Requests come on any of the gateway's loops; the call stays on its own.
    results = []

    def ask_and_answer(number):
        asked = alice.call("ask", {"n": number}).last()
        results.append(said(alice.call("ask", {"n": number}, **answer_of(asked, {"action": "accept", "content": {"n": number}})).last())["content"]["n"] == number)

    threads = [threading.Thread(target=ask_and_answer, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    checks.that("ten at once each get their own answer", results == [True] * 10, results)


def subscriptions(checks, alice):
    listens = [alice.send("subscriptions/listen", {"notifications": wanted}) for wanted in ({"toolsListChanged": True, "promptsListChanged": True}, {"resourceSubscriptions": ["note://1"]})]
    streams = [iter(one) for one in listens]
    acknowledged = [next(stream) for stream in streams]
    checks.that("what the server can is acknowledged first", [one["params"]["notifications"] for one in acknowledged] == [{"toolsListChanged": True}, {"resourceSubscriptions": ["note://1"]}]
                and [one["params"]["_meta"][META + "subscriptionId"] for one in acknowledged] == [one.number for one in listens], acknowledged)
    alice.call("change").last()
    changed = next(streams[0])
    checks.that("a changed list is told, under the subscription's id", changed["method"] == "notifications/tools/list_changed" and changed["params"]["_meta"][META + "subscriptionId"] == listens[0].number, changed)
    touched = alice.call("touch").last()
    updated = next(streams[1])
    checks.that("so is a resource that was asked for, and no other", said(touched) == ["note://1"] and updated["method"] == "notifications/resources/updated" and updated["params"]["uri"] == "note://1", (touched, updated))
    alice.call("touch").last()
    checks.that("and again", next(streams[1])["params"]["uri"] == "note://1")
    for one in listens:
        one.close()


def main(binaries):
    checks = Checks()
    with Site(binaries, HERE / "deployment") as site:
        alice, bob = site.client("alice"), site.client("bob")
        lists_and_results(checks, site, alice)
        streams(checks, site, alice)
        questions(checks, site, alice, bob)
        subscriptions(checks, alice)
        before = {one["session"] for one in site.seen()["initialize"]}
        bob.call("plain").last()
        checks.that("another person has another session", len({one["session"] for one in site.seen()["initialize"]} - before) == 1)
        listen = alice.send("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
        stream = iter(listen)
        next(stream)
        code, out, err = site.writ("server", "disable", "notes")
        began = time.time()
        rest = list(stream)
        checks.that("a server that is disabled ends what listens to it", code == 0 and time.time() - began < 3, (code, out, err, rest))
    return checks.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
