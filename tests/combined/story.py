"""Many servers under one address, end to end: sign-in, ID-JAG and access token for the combined resource, then clients of both protocol eras.

    python3 story.py build/release/bin
"""
import http.client
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "policy_story"))
from world import Checks, World, free_port  # noqa: E402

MODERN = "2026-07-28"
META = {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}}
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"


class CombinedWorld(World):
    """Its servers are known to speak the one era, so that nothing is translated: what is looked at is the combined address."""

    def __init__(self, binaries, era):
        super().__init__(binaries, HERE / "deployment")
        self.ports = {name: free_port() for name in ("NOTES", "WIKI", "SLOW", "DEAD")}
        servers = self.folder / "deployment" / "servers.yaml"
        text = servers.read_text().replace("ERA", era)
        for name, port in self.ports.items():
            text = text.replace(name, f"http://127.0.0.1:{port}")
        servers.write_text(text)
        with open(self.folder / "writ.yaml", "a") as config:
            config.write("gateway: {member_deadline: 1s}\n")

    def __enter__(self):
        super().__enter__()
        try:
            for name in ("NOTES", "WIKI", "SLOW"):
                self.start([sys.executable, str(HERE / "upstream.py"), str(self.ports[name]), name.lower(), *(["slow"] if name == "SLOW" else [])])
                self.wait_for(self.ports[name])
        except BaseException:
            self.__exit__()
            raise
        return self

    def token(self, user, scope=None):
        """For the combined resource, over both legs."""
        scopes = {"scope": scope} if scope else {}
        granted = self.token_request("idp", grant_type="urn:ietf:params:oauth:grant-type:token-exchange", requested_token_type="urn:ietf:params:oauth:token-type:id-jag",
                                     audience=f"{self.base}/ras", resource=f"{self.base}/mcp", subject_token=self.sign_in(user),
                                     subject_token_type="urn:ietf:params:oauth:token-type:id_token", **scopes)
        redeemed = self.token_request("ras", grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=granted["access_token"])
        if "access_token" not in redeemed:
            raise AssertionError(f"no access token: {granted} {redeemed}")
        return redeemed


class Client:
    """Of one era, at the combined address."""

    def __init__(self, world, token, modern=False):
        self.world, self.token, self.modern, self.session, self.ids = world, token, modern, None, 0

    def headers(self, method=None, params=None):
        fields = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if self.modern:
            fields.update({"MCP-Protocol-Version": MODERN, "Mcp-Method": method})
            name = (params or {}).get("uri" if method == "resources/read" else "name")
            if name:
                fields["Mcp-Name"] = name
        else:
            fields["MCP-Protocol-Version"] = "2025-11-25"
            if self.session:
                fields["Mcp-Session-Id"] = self.session
        return fields

    def post(self, message):
        return self.world.http("POST", f"{self.world.base}/mcp", json.dumps(message), self.headers(message.get("method"), message.get("params")))

    def ask(self, method, params=None, **meta):
        """All messages of the answer; the last one is the response."""
        self.ids += 1
        params = dict(params or {})
        if self.modern or meta:
            params["_meta"] = {**(META if self.modern else {}), **meta}
        response, text = self.post({"jsonrpc": "2.0", "id": self.ids, "method": method, "params": params})
        if method == "initialize":
            self.session = response.headers["Mcp-Session-Id"]
        if (response.headers["Content-Type"] or "").startswith("text/event-stream"):
            return [json.loads(line[6:]) for line in text.split("\n") if line.startswith("data: {")]
        return [json.loads(text)] if text else [{"status": response.status, "challenge": response.headers["WWW-Authenticate"]}]

    def result(self, method, params=None, **meta):
        return self.ask(method, params, **meta)[-1].get("result", {})

    def open(self):
        hello = self.result("initialize", {"protocolVersion": "2025-11-25", "capabilities": {"roots": {}}, "clientInfo": {"name": "t", "version": "1"}})
        self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return hello

    def tools(self):
        names, cursor, missing = [], None, None
        for _ in range(10):
            page = self.result("tools/list", {"cursor": cursor} if cursor else {})
            missing = missing or page.get("_meta", {}).get("writ/left_out")
            names += [tool["name"] for tool in page.get("tools", [])]
            cursor = page.get("nextCursor")
            if not cursor:
                break
        return names, missing

    def call(self, tool, arguments=None, **meta):
        return self.ask("tools/call", {"name": tool, "arguments": arguments or {}}, **meta)[-1]

    def text(self, tool, arguments=None, **meta):
        answer = self.call(tool, arguments, **meta)
        return answer["result"]["content"][0]["text"] if "result" in answer else json.dumps(answer)

    def stream(self, method, message=None):
        """A standing stream: the open response."""
        parts = urlsplit(self.world.base)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=15)
        connection.request(method, "/mcp", json.dumps(message) if message else None, self.headers(message["method"] if message else None))
        return connection, connection.getresponse()


def next_event(response):
    while True:
        line = response.readline().decode()
        if not line:
            return None
        if line.startswith("data: {"):
            return json.loads(line[6:])


def timed(work):
    start = time.monotonic()
    return work(), time.monotonic() - start


def what_both_eras_do(world, checks, token, era):
    client = Client(world, token, era == "modern")
    # First uses: what members say is approved by itself the first time it is heard.
    hello, seconds = timed(client.open if era == "legacy" else lambda: client.result("server/discover"))
    checks.that(f"{era}: the first word is answered in spite of the dead one", seconds < 4 and hello["capabilities"]["tools"] == {"listChanged": True} and "resources" in hello["capabilities"], (seconds, hello))
    checks.that(f"{era}: instructions stand under their server's name", "# Notes (tools `notes__…`)\n\nBe kind to notes." in hello.get("instructions", ""), hello)
    (names, missing), seconds = timed(client.tools)
    short = [name for name in names if len(name) < 40]
    checks.that(f"{era}: the tools of both are there, and the gateway's own", short[:2] == ["writ_servers", "writ_whoami"] and {"notes__search", "notes__write", "wiki__search", "wiki__touch"} <= set(names), names)
    checks.that(f"{era}: no name is too long for models", max(map(len, names)) == 64 and len(names) == len(set(names)) == 14, names)
    checks.that(f"{era}: who is slow or dead is named and delays nobody much", [one["server"] for one in missing] == ["slow", "dead"] and missing[1]["state"] == "down" and missing[0]["state"] in ("slow", "down") and seconds < 8, (seconds, missing))
    checks.that(f"{era}: who may not be used is not mentioned", "hidden" not in json.dumps([names, missing]))
    checks.that(f"{era}: a call goes to its server", client.text("wiki__search", {"text": "a"}) == 'wiki did search {"text": "a"}')
    long_name = next(name for name in names if name.startswith("wiki__describe"))
    checks.that(f"{era}: a shortened name leads to its tool", "wiki did describe_everything_that_is_written_on_the_page_with_this_title_and_more" in client.text(long_name))
    answers = client.ask("tools/call", {"name": "notes__wait", "arguments": {}}, progressToken="p1")
    checks.that(f"{era}: progress comes with its token", [one["params"]["progress"] for one in answers[:-1]] == [1, 2] and answers[0]["params"]["progressToken"] == "p1", answers)
    uris = [one["uri"] for one in client.result("resources/list")["resources"]]
    checks.that(f"{era}: one URI at two servers is two", uris == ["writ+notes:file:///same", "writ+wiki:file:///same"], uris)
    read = client.result("resources/read", {"uri": uris[1]})
    checks.that(f"{era}: and each is read where it is", read["contents"][0] == {"uri": uris[1], "text": "text of wiki"}, read)
    who = client.call("writ_whoami")["result"]["structuredContent"]
    checks.that(f"{era}: whoami", who["user"]["name"] == "alice" and who["user"]["groups"] == ["eng"] and who["agent"]["id"] == "desk" and "wiki:use" in who["token"]["scopes"], who)
    servers = {one["id"]: one["state"] for one in client.call("writ_servers")["result"]["structuredContent"]["servers"]}
    checks.that(f"{era}: servers and their states", servers["notes"] == servers["wiki"] == "available" and servers["dead"] == "down" and servers["slow"] in ("slow", "down") and "hidden" not in servers, servers)
    denied = client.call("hidden__search")
    checks.that(f"{era}: what may not be used looks like what does not exist", denied["result"]["isError"] and denied["result"]["_meta"]["writ/decision"]["kind"] == client.call("nowhere__search")["result"]["_meta"]["writ/decision"]["kind"], denied)


def legacy_streams(world, checks, token):
    client = Client(world, token)
    client.open()
    connection, stream = client.stream("GET")
    time.sleep(0.3)
    client.result("resources/subscribe", {"uri": "writ+wiki:file:///same"})
    client.text("wiki__touch")
    event = next_event(stream)
    checks.that("legacy: a member's news comes over the one stream", event and event["method"] == "notifications/resources/updated" and event["params"]["uri"] == "writ+wiki:file:///same", event)
    connection.close()
    # A member asks the client something in the middle of a call.
    parts = urlsplit(world.base)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=15)
    connection.request("POST", "/mcp", json.dumps({"jsonrpc": "2.0", "id": "call-1", "method": "tools/call", "params": {"name": "notes__ask", "arguments": {}}}), client.headers())
    response = connection.getresponse()
    asked = next_event(response)
    checks.that("legacy: a member's request has an id of its own", asked and asked["id"] == "notes/i/5" and asked["method"] == "roots/list", asked)
    sent, _ = client.post({"jsonrpc": "2.0", "id": asked["id"], "result": {"roots": [{"uri": "file:///home"}]}})
    answer = next_event(response)
    checks.that("legacy: and its answer finds it", sent.status == 202 and answer["id"] == "call-1" and "notes heard" in answer["result"]["content"][0]["text"], (sent.status, answer))
    connection.close()
    ended, _ = world.http("DELETE", f"{world.base}/mcp", None, client.headers())
    after, _ = client.post({"jsonrpc": "2.0", "id": 99, "method": "ping"})
    checks.that("legacy: DELETE ends the session", ended.status == 200 and after.status == 404, (ended.status, after.status))


def modern_streams(world, checks, token):
    client = Client(world, token, True)
    listen = {"jsonrpc": "2.0", "id": "listen-1", "method": "subscriptions/listen",
              "params": {"_meta": META, "notifications": {"toolsListChanged": True, "resourceSubscriptions": ["writ+notes:file:///same"]}}}
    connection, stream = client.stream("POST", listen)
    first = next_event(stream)
    checks.that("modern: one acknowledgement, first", first and first["method"] == "notifications/subscriptions/acknowledged" and first["params"]["_meta"][SUBSCRIPTION] == "listen-1" and
                first["params"]["notifications"] == {"toolsListChanged": True, "resourceSubscriptions": ["writ+notes:file:///same"]}, first)
    client.text("notes__touch")
    event = next_event(stream)
    checks.that("modern: news under the client's subscription", event and event["params"]["uri"] == "writ+notes:file:///same" and event["params"]["_meta"][SUBSCRIPTION] == "listen-1", event)
    asked = client.call("notes__ask")["result"]
    checks.that("modern: a member asks for input", asked["resultType"] == "input_required" and "state of" not in asked["requestState"], asked)
    again = {"arguments": {}, "inputResponses": {"q": {"action": "accept"}}, "requestState": asked["requestState"]}
    answer = client.result("tools/call", {"name": "notes__ask", **again})
    checks.that("modern: and gets its own state back", answer.get("resultType") == "complete" and "notes did ask" in answer["content"][0]["text"], answer)
    wrong = client.ask("tools/call", {"name": "wiki__ask", **again})[-1]
    checks.that("modern: no other member does", wrong.get("error", {}).get("code") == -32602, wrong)
    # Policy takes one member away: the stream hears of it, the tools are gone.
    world.write("next/grants.yaml", (world.folder / "deployment/grants.yaml").read_text().replace("[all, notes, wiki, slow, dead]", "[all, notes, slow, dead]"))
    code, out, err = world.writ("policy", "apply", "next", "-m", "no more wiki")
    event = next_event(stream)
    checks.that("modern: a policy that changes the lists is told", code == 0 and event and event["method"] == "notifications/tools/list_changed", (code, out, err, event))
    checks.that("modern: and what it took away is gone", not any(name.startswith("wiki__") for name in client.tools()[0]))
    checks.that("modern: and not callable", client.call("wiki__search")["result"]["isError"])
    connection.close()


def main(binaries):
    checks = Checks()
    with CombinedWorld(binaries, "legacy") as world:
        response, text = world.http("GET", f"{world.base}/.well-known/oauth-protected-resource/mcp")
        metadata = json.loads(text)
        checks.that("its metadata names the resource and the members' default scopes", metadata["resource"] == f"{world.base}/mcp" and metadata["scopes_supported"] == ["notes:read", "wiki:use"], metadata)
        response, _ = world.http("POST", f"{world.base}/mcp", "{}", {"Content-Type": "application/json"})
        checks.that("who brings no token is told where to get one", response.status == 401 and f'resource_metadata="{world.base}/.well-known/oauth-protected-resource/mcp"' in response.headers["WWW-Authenticate"])
        granted = world.token("alice")
        checks.that("a token for it has scopes with their members' names", set(granted["scope"].split()) == {"notes:read", "wiki:use"}, granted)
        alice = granted["access_token"]
        what_both_eras_do(world, checks, alice, "legacy")
        legacy_streams(world, checks, alice)
        other, _ = world.http("POST", f"{world.base}/mcp/notes", json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}), {**Client(world, alice).headers()})
        checks.that("its token is none for a member", other.status == 401, other.status)

        bob = Client(world, world.token("bob")["access_token"])
        bob.open()
        names, missing = bob.tools()
        checks.that("another person sees what is theirs", names == ["writ_servers", "writ_whoami", "notes__search"] and not missing, (names, missing))
        client = Client(world, alice)
        client.open()
        stolen = bob.ask("tools/list", {"cursor": client.result("tools/list")["nextCursor"]})[-1]
        checks.that("a cursor is nobody else's", stolen.get("error", {}).get("code") == -32602, stolen)
        checks.that("what the member denies is denied", bob.call("notes__wait")["result"]["isError"])

    with CombinedWorld(binaries, "modern") as world:
        alice = world.token("alice")["access_token"]
        what_both_eras_do(world, checks, alice, "modern")
        challenge = Client(world, alice, True).call("notes__write", {"text": "x"})
        checks.that("a missing scope is asked for under its name here", challenge.get("status") == 403 and 'scope="notes:write"' in challenge["challenge"], challenge)
        client = Client(world, world.token("alice", "notes:write")["access_token"], True)
        checks.that("with it the call goes", client.text("notes__write", {"text": "x"}) == 'notes did write {"text": "x"}')
        modern_streams(world, checks, alice)
        calls = [line for line in world.admin("/admin/v1/audit?event=call&limit=1000")["items"] if line.get("tool") == "write" and line.get("effect") == "allow"]
        checks.that("one record of a call names the member and the address it came to", len(calls) == 1 and calls[0]["server"] == "notes" and calls[0].get("endpoint") == "all", calls)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
