#!/usr/bin/env python3
"""Some allowed and some denied calls through a running `writ serve`, and then what /metrics, the trace collector, the access log and the audit trail say
about them. No token, argument or query may stand in any of it. Everything on loopback."""
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "support"))
import checks  # noqa: E402
from checks import check, free_port  # noqa: E402
from mcp_server import Handler, McpServer, serve  # noqa: E402

BIN = pathlib.Path(sys.argv[1]).resolve()
WORK = pathlib.Path(tempfile.mkdtemp(prefix="writ-observability-"))
AUDITOR, EVALUATOR = "auditor-token-0123456789abcdef", "evaluator-token-0123456789abcdef"
OTLP_SECRET = "Bearer otlp-secret-0123456789"
ARGUMENT = "argument-that-must-stay-private"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Notes(McpServer):
    TOOLS = ["search", "erase", "stream"]
    seen = []   # (method, traceparent, tracestate, authorization)

    def saw(self, message):
        Notes.seen.append((message.get("method"), self.headers.get("traceparent"), self.headers.get("tracestate"), self.headers.get("Authorization")))

    def answer_to(self, message):
        if (message.get("params") or {}).get("name") == "stream":
            return self.stream(message["id"])
        super().answer_to(message)

    def stream(self, message_id):
        events = [{"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "half"}},
                  {"jsonrpc": "2.0", "id": message_id, "result": {"content": [{"type": "text", "text": "done"}]}}]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for event in events:
            self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
        self.close_connection = True


class Collector(Handler):
    spans, bodies, authorizations, delay = [], [], [], 0.0

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        time.sleep(Collector.delay)
        Collector.bodies.append(raw.decode())
        Collector.authorizations.append(self.headers.get("Authorization"))
        for resource in json.loads(raw)["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                Collector.spans += scope["spans"]
        self.answer(200, {})


PORT, ADMIN = free_port(), free_port()
BASE, ADMIN_BASE = f"http://127.0.0.1:{PORT}", f"http://127.0.0.1:{ADMIN}"
mcp, collector = serve(Notes), serve(Collector)
ENV = {**os.environ, "PATH": f"{WORK / 'bin'}:{os.environ['PATH']}", "WRIT_CONFIG_DIR": str(WORK / "config"), "WRIT_SOCKET": str(WORK / "admin.sock"), "DISPLAY": ":99"}

(WORK / "objects/policies").mkdir(parents=True)
(WORK / "bin").mkdir()
(WORK / "otlp.secret").write_text(OTLP_SECRET + "\n")
(WORK / "otlp.secret").chmod(0o600)
(WORK / "bin/xdg-open").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/tests/step_up/browser.py" "$1"\n')
(WORK / "bin/xdg-open").chmod(0o755)
ENV["STEP_UP_STATE"] = str(WORK / "browser.json")
(WORK / "objects/objects.yaml").write_text(f"""groups: [{{id: eng}}]
users:
  - {{id: usr_alice, name: alice, email: alice@acme.example, email_verified: true, groups: [eng], password: alice-password-1}}
resource_authorization_servers: [{{issuer: {BASE}/ras}}]
agents:
  - id: writ-cli
    idp: {{client_id: writ-cli, device_keys: true, redirect_uris: ["http://127.0.0.1/callback"]}}
    resource_authorization_servers: [{{issuer: {BASE}/ras, client_id: writ-cli-at-ras, device_keys: true}}]
servers:
  - id: notes
    resource: {BASE}/mcp/notes
    resource_authorization_server: {BASE}/ras
    upstream: {{url: "http://127.0.0.1:{mcp.server_port}/mcp"}}
    first_use: allow
    scopes: [{{name: "notes", default: true}}]
trusted_issuers:
  - {{issuer: {BASE}/idp, subject: user_id, clients: all, scope_ceiling: all}}
api_tokens:
  - {{id: prometheus, role: auditor, token: {AUDITOR}}}
  - {{id: evaluator, role: evaluator, token: {EVALUATOR}}}
""")
(WORK / "objects/grants.yaml").write_text("grants:\n  - {group: eng, agents: all, servers: [notes], scopes: all, tools: all}\n")
(WORK / "objects/policies/no-erase.cedar").write_text('@id("no-erase") forbid (principal, action == Writ::Action::"notes/erase", resource);\n')


def write_configuration(telemetry: str):
    (WORK / "writ.yaml").write_text(f"""base_url: {BASE}
data: data
organisation: Acme
node: node-7
listeners:
  public: {{address: "127.0.0.1:{PORT}", trusted_proxies: [127.0.0.1]}}
  admin: {{address: "127.0.0.1:{ADMIN}", socket: admin.sock}}
objects: objects
policy: objects
log: {{access: file, access_file: access.log, format: json}}
{telemetry}
""")


def start_server():
    log = open(WORK / "server.log", "a")
    child = subprocess.Popen([BIN / "writ", "serve", "-c", WORK / "writ.yaml"], stdout=log, stderr=log, env=ENV)
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{BASE}/healthz", timeout=5).read()
            return child
        except OSError:
            time.sleep(0.05)
    raise SystemExit("writ serve does not answer: " + (WORK / "server.log").read_text()[-2000:])


def stop_server(child):
    child.send_signal(signal.SIGTERM)
    child.wait(timeout=20)


def writ(*arguments, timeout=60):
    return subprocess.run([BIN / "writ", *arguments], env=ENV, capture_output=True, text=True, timeout=timeout)


def fetch(url: str, token=None, headers=None, body=None):
    request = urllib.request.Request(url, data=body, headers=headers or {})
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.headers, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


class Bridge:
    """A host that speaks MCP on stdio with `writ connect`."""

    def __init__(self):
        self.child = subprocess.Popen([BIN / "writ", "connect", f"{BASE}/mcp/notes"], env=ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.lines = queue.Queue()
        threading.Thread(target=lambda: [self.lines.put(line) for line in self.child.stdout], daemon=True).start()
        self.id = 0
        self.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message):
        self.child.stdin.write(json.dumps(message) + "\n")
        self.child.stdin.flush()

    def request(self, method, params, timeout=30):
        self.id += 1
        self.send({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params})
        while True:
            message = json.loads(self.lines.get(timeout=timeout))
            if message.get("id") == self.id:
                return message

    def call(self, tool):
        return self.request("tools/call", {"name": tool, "arguments": {"secret": ARGUMENT}})

    def close(self):
        self.child.stdin.close()
        self.child.wait(timeout=30)


class Metrics:
    """The text format 0.0.4, read strictly: what is not of the grammar is a mistake."""
    LINE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? ([0-9.eE+-]+|[+-]Inf)')

    def __init__(self, text: str):
        self.samples, self.types, self.wrong = {}, {}, []
        for line in text.splitlines():
            kind = re.fullmatch(r"# TYPE (\S+) (counter|gauge|histogram)", line)
            match = self.LINE.fullmatch(line)
            if kind:
                self.types[kind[1]] = kind[2]
            elif match:
                labels = tuple(sorted(re.findall(r'([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"', match[3] or "")))
                if (match[1], labels) in self.samples:
                    self.wrong.append("twice: " + line)
                self.samples[match[1], labels] = float(match[4])
            elif not re.fullmatch(r"# HELP \S+ .+", line):
                self.wrong.append(line)
        for name, _ in self.samples:
            if name not in self.types and re.sub(r"_(bucket|sum|count)$", "", name) not in self.types:
                self.wrong.append("not described: " + name)

    def value(self, name, **labels):
        return self.samples.get((name, tuple(sorted(labels.items()))), 0)

    def total(self, name, **labels):
        return sum(value for (sample, has), value in self.samples.items() if sample == name and set(labels.items()) <= set(has))


def scrape(token=AUDITOR):
    status, headers, text = fetch(f"{ADMIN_BASE}/metrics", token)
    return status, headers, text, Metrics(text) if status == 200 else None


def access_lines():
    return [json.loads(line) for line in (WORK / "access.log").read_text().splitlines()]


def wait_for(condition, seconds=8.0):
    until = time.time() + seconds
    while time.time() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False


def metrics_of_the_page():
    page = (ROOT / "docs/reference/observability.md").read_text()
    return dict(re.findall(r"^\| `([a-z_]+)`[^|]*\| (counter|gauge|histogram) \|", page, re.M))


write_configuration(f"telemetry: {{sampling: 1, otlp: 'http://127.0.0.1:{collector.server_port}/v1/traces', authorization_file: otlp.secret, incoming: parent}}")
server = start_server()
bridge = None
try:
    done = writ("login", f"{BASE}/idp")
    check("alice signs in", done.returncode == 0, done.stderr)
    bridge = Bridge()
    bridge.request("tools/list", {})
    for _ in range(3):
        bridge.call("search")
    denied = [bridge.call("erase") for _ in range(2)]
    streamed = bridge.call("stream")
    check("calls are allowed and denied as policy says", "result" in streamed and denied[0]["result"]["isError"] is True, (denied, streamed))
    code = denied[1]["result"]["_meta"]["writ/decision"]["code"]

    # ---- who may look
    status, headers, text, metrics = scrape()
    check("/metrics answers an auditor's token in the text format", status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", (status, headers))
    for name, token in (("nobody", None), ("a wrong token", "wrong-token-0123456789"), ("a token of another use", EVALUATOR)):
        check(f"/metrics refuses {name}", scrape(token)[0] == 401, "")
    check("the public listener has no /metrics", fetch(f"{BASE}/metrics", AUDITOR)[0] == 404, "")
    refusals = writ("--json", "audit", "query", "--limit", "20").stdout
    check("refused looks are on record", '"resource":"/metrics"' in refusals.replace(" ", ""), refusals[:500])

    # ---- what is counted
    check("every line is of the grammar, every sample described, none there twice", not metrics.wrong, metrics.wrong[:5])
    check("allowed calls are counted", metrics.value("writ_gateway_decisions_total", server="notes", outcome="allow", reason="allowed") >= 6, text[:3000])
    denials = metrics.total("writ_gateway_decisions_total", server="notes", outcome="deny")
    check("denied calls are counted", denials == 2, denials)
    check("messages are counted by method", metrics.value("writ_gateway_messages_total", method="tools/call", outcome="allow") == 4, "")
    check("requests are counted by role and route", metrics.value("writ_http_requests_total", role="gateway", route="/mcp/*", method="POST", status_class="2xx") >= 7, "")
    check("their durations, too", metrics.value("writ_http_request_duration_seconds_count", role="gateway", route="/mcp/*") >= 7, "")
    check("an ID-JAG and an access token were issued", metrics.total("writ_id_jags_total", outcome="issued") >= 1 and metrics.total("writ_access_tokens_total", outcome="issued") >= 1, "")
    check("a sign-in", metrics.total("writ_sign_ins_total", outcome="allow") == 1, "")
    check("requests to the upstream, and how long it took", metrics.value("writ_upstream_requests_total", server="notes", outcome="answered") >= 6 and
          metrics.value("writ_upstream_request_duration_seconds_count", server="notes") >= 6, "")
    check("records, batches and syncs of the decisions log", metrics.total("writ_audit_records_total", event="call") >= 8 and metrics.value("writ_audit_log_batch_records_count") > 0 and
          metrics.value("writ_audit_log_sync_duration_seconds_count") > 0 and metrics.value("writ_audit_commit_refusals_total") == 0, "")
    check("the store", metrics.value("writ_store_operation_duration_seconds_count", operation="put_document") > 0, "")
    check("sessions", metrics.value("writ_idp_sessions") == 1 and metrics.value("writ_gateway_sessions") >= 0, "")
    check("what is running", metrics.total("writ_build_info") == 1 and metrics.total("writ_policy_info") == 1 and metrics.value("writ_policy_loaded_timestamp_seconds") > time.time() - 600, "")
    check("the age of the keys", abs(metrics.value("writ_signing_key_created_timestamp_seconds", role="idp") - time.time()) < 600, "")
    check("the process", metrics.value("process_resident_memory_bytes") > 1e6 and metrics.value("process_open_fds") > 3 and metrics.value("writ_data_directory_free_bytes") > 0, "")
    check("how long the event loops let wait", wait_for(lambda: scrape()[3].value("writ_event_loop_lag_seconds_count") > 0, 3), "")
    check("no stream is left open, no request in flight but this one", metrics.value("writ_http_streams") == 0 and metrics.value("writ_http_requests_in_flight") == 1, "")
    documented = metrics_of_the_page()
    check("docs/reference/observability.md lists exactly the metrics that there are", documented == metrics.types,
          {"missing in the page": {k: v for k, v in metrics.types.items() if documented.get(k) != v}, "not there": {k: v for k, v in documented.items() if metrics.types.get(k) != v}})

    # ---- labels do not grow by what is sent
    def try_names(first, last):
        for i in range(first, last):
            fetch(f"{BASE}/nothing/{i}/x", headers={"traceparent": "x" * (i % 300)})
            fetch(f"{BASE}/mcp/server{i}")

    series = len(metrics.samples)
    try_names(0, 30)   # what is no route of ours has series of its own, once
    known = len(scrape()[3].samples)
    check("paths that a stranger makes up have few series together", known - series < 100, known - series)
    try_names(30, 300)
    connection = socket.create_connection(("127.0.0.1", PORT))
    connection.sendall(b"EVIL%d / HTTP/1.1\r\nHost: nobody.example\r\n\r\n" % os.getpid())
    check("a request for another host is refused", b" 421 " in connection.recv(200), "")
    connection.close()
    more = scrape()[3]
    check("more of such paths and methods add no series", len(more.samples) <= known + 2, len(more.samples) - known)   # the 421 has its own
    check("refused requests are counted", more.value("writ_http_rejected_requests_total", status="421") == 1, "")

    # ---- traces
    seen = [entry for entry in Notes.seen if entry[0] == "tools/call"]
    check("the upstream gets a traceparent of ours", len(seen) == 4 and all(re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", entry[1] or "") for entry in seen), seen)
    check("each request has a trace of its own", len({entry[1][3:35] for entry in seen}) == 4, seen)
    check("the upstream never sees the client's token", not any(entry[3] for entry in Notes.seen), "")
    wanted = seen[0][1][3:35]
    found = wait_for(lambda: {"authenticate", "decide", "record", "upstream", "POST /mcp/*"} <= {span["name"] for span in Collector.spans if span["traceId"] == wanted})
    spans = {span["name"]: span for span in Collector.spans if span["traceId"] == wanted}
    check("a call is a span with its steps", found, list(spans))
    root = spans.get("POST /mcp/*", {})
    attributes = {a["key"]: next(iter(a["value"].values())) for a in root.get("attributes", [])}
    check("the steps are children of the request", all(spans[n].get("parentSpanId") == root.get("spanId") for n in spans if n != "POST /mcp/*"), spans)
    check("the upstream's parent is the step that asked it", spans.get("upstream", {}).get("spanId") == seen[0][1][36:52], seen[0])
    check("attributes have the names of the conventions", attributes.get("http.route") == "/mcp/*" and attributes.get("mcp.method.name") == "tools/call" and attributes.get("gen_ai.tool.name") == "search" and
          attributes.get("http.response.status_code") == "200" and attributes.get("writ.server") == "notes", attributes)
    check("times are in order", all(int(s["startTimeUnixNano"]) <= int(s["endTimeUnixNano"]) for s in Collector.spans), "")
    check("the collector gets its secret", set(Collector.authorizations) == {OTLP_SECRET}, "")
    fetch(f"{BASE}/healthz?access_token=eyJquery", headers={"traceparent": f"00-{TRACE}-{SPAN}-01", "X-Request-Id": "from-the-proxy.1"})
    check("a trusted sender's trace is continued", wait_for(lambda: any(s["traceId"] == TRACE and s.get("parentSpanId") == SPAN for s in Collector.spans)), "")
    check("spans are counted as exported", wait_for(lambda: scrape()[3].value("writ_trace_spans_total", outcome="exported") > 20), "")

    # ---- request ids and the access log
    status, headers, _ = fetch(f"{BASE}/healthz", headers={"X-Request-Id": "from-the-proxy.2"})
    check("the request id of a trusted proxy comes back", headers["X-Request-Id"] == "from-the-proxy.2", headers)
    status, headers, _ = fetch(f"{BASE}/healthz", headers={"X-Request-Id": "evil id\"{}"})
    check("another is replaced", re.fullmatch(r"[0-9a-f]{24}", headers["X-Request-Id"] or ""), headers)
    check("denied calls are in the access log with their code", wait_for(lambda: any(line.get("code") == code for line in access_lines())), "")
    line = next((line for line in access_lines() if line.get("code") == code), {})
    check("with who, where and why", (line.get("user"), line.get("agent"), line.get("server"), line.get("role"), line.get("route"), line.get("path"), line.get("status"), line.get("effect"), line.get("rpc_method")) ==
          ("usr_alice", "writ-cli", "notes", "gateway", "/mcp/*", "/mcp/notes", 200, "deny", "tools/call"), line)
    check("and with their trace", line.get("trace_id") in {s["traceId"] for s in Collector.spans}, line)
    record = json.loads(writ("--json", "why", code).stdout or "{}")
    check("the audit record names the request", f'"request_id": "{line.get("request_id")}"' in json.dumps(record), json.dumps(record)[:800])
    check("a stream is logged when it has ended, with its bytes", any(l.get("stream") and l["bytes_out"] > 50 and l.get("rpc_method") == "tools/call" for l in access_lines()), "")
    (WORK / "access.log").rename(WORK / "access.log.1")
    server.send_signal(signal.SIGHUP)
    check("after a SIGHUP the log goes on in a new file", wait_for(lambda: fetch(f"{BASE}/healthz") and (WORK / "access.log").exists() and len(access_lines()) > 0), "")

    # ---- a collector that hangs harms nobody
    Collector.delay = 3.0
    started = time.time()
    for _ in range(20):
        bridge.call("search")
    check("calls do not wait for a collector that hangs", time.time() - started < 2.0, time.time() - started)
    Collector.delay = 0.0

    stop_server(server)
    check("the server ends in good order", server.returncode == 0, server.returncode)

    # ---- without tracing
    write_configuration("")
    Notes.seen.clear()
    before = len(Collector.spans)
    server = start_server()
    bridge.close()
    bridge = Bridge()
    bridge.call("search")
    calls = [entry for entry in Notes.seen if entry[0] == "tools/call"]
    check("without tracing nothing is made up for the upstream", calls and all(entry[1] is None for entry in calls), calls)
    time.sleep(0.7)
    check("and nothing is exported", len(Collector.spans) == before, "")

    # ---- nothing private anywhere
    tokens = set()
    everything = {"access log": (WORK / "access.log").read_text() + (WORK / "access.log.1").read_text(), "traces": "\n".join(Collector.bodies), "metrics": text + scrape()[2],
                  "operator's log": (WORK / "server.log").read_text()}
    for where, said in everything.items():
        for what, pattern in (("a JWT", r"eyJ[A-Za-z0-9_-]{10,}"), ("a query", r"eyJquery|access_token="), ("an argument", ARGUMENT), ("a password", "alice-password-1"),
                              ("an API token", f"{AUDITOR}|{EVALUATOR}"), ("the collector's secret", "otlp-secret")):
            check(f"{what} does not stand in the {where}", not re.search(pattern, said), re.findall(".{60}(?:" + pattern + ").{20}", said)[:2])
finally:
    if bridge:
        bridge.child.terminate()
        bridge.child.wait(timeout=10)
    if server.poll() is None:
        stop_server(server)
    if checks.failed:
        print((WORK / "server.log").read_text()[-3000:])
    shutil.rmtree(WORK, ignore_errors=True)
sys.exit(checks.close())
