#!/usr/bin/env python3
"""Starts Writ and its peers, sends both the same load in turn, and says how they compare. Run by script/bench; needs two cores."""
import argparse, datetime, json, os, pathlib, platform, re, shutil, signal, statistics, subprocess, sys, tempfile, time, urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "benchmarks/streams"), str(ROOT / "benchmarks/nodes")]
import nodes  # noqa: E402
import streams  # noqa: E402

BIN = ROOT / "build/release/bin"
PEERS = ROOT / "build/bench/peers"
SERVER_CORE, LOAD_CORE = "0", "1"
PORT, STUB, ISSUER = 18620, 18650, 18660
BASE = f"http://127.0.0.1:{PORT}"
PEER_PORTS = {"express + jose": 18630, "plain Node": 18631, "oidc-provider": 18632, "nginx": 18640, "HAProxy": 18641, "express gateway": 18642}
SECRET = "only-for-measuring-0123456789abcdef"
SETTINGS = {
    "port": PORT, "idp": f"{BASE}/idp", "ras": f"{BASE}/ras", "resource": f"{BASE}/mcp/bench", "issuer": f"http://127.0.0.1:{ISSUER}",
    "idp_jwks": f"{BASE}/idp/jwks", "ras_jwks": f"{BASE}/ras/jwks", "issuer_jwks": f"http://127.0.0.1:{ISSUER}/jwks", "upstream_port": STUB,
    "redirect_uri": "http://127.0.0.1:18699/callback", "http_login": str(ROOT / "tests/interop/lib/http-login.mjs"),
    "clients": [{"client_id": "desk-at-idp", "secret": SECRET}, {"client_id": "desk-at-ras", "secret": SECRET}],
}
NOT_DONE_BY_PEERS = {
    "express + jose": "durability, audit, policy language", "plain Node": "durability, audit, policy language",
    "oidc-provider": "durability, audit, policy language",
    "nginx": "any check at all", "HAProxy": "policy, audit, reading the message", "express gateway": "policy language, audit, strict parsing",
}


WITH_TABLES = "Writ with issuer tables"
CEILINGS = {"Writ": "verify + sign ceiling", WITH_TABLES: "verify + sign ceiling, with issuer tables"}


class World:
    """Everything that runs; stopped by process id at the end."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="writ-bench-"))
        self.folder.chmod(0o755)
        self.settings = dict(SETTINGS, issuer_key=str(self.folder / "issuer.pem"))
        self.environment = dict(os.environ, BENCH_SETTINGS=json.dumps(self.settings), NODE_ENV="production")
        self.children = []

    def start(self, name, command, core, port, cwd=None, environment=None):
        log = open(self.folder / f"{name.replace(' ', '-')}.log", "w")
        child = subprocess.Popen(["taskset", "-c", core, *map(str, command)], cwd=cwd, env=environment or self.environment, stdout=log, stderr=log)
        self.children.append(child)
        for _ in range(200):
            if child.poll() is not None:
                raise SystemExit(f"{name} ended with {child.returncode}:\n{(self.folder / log.name).read_text()[-2000:]}")
            if subprocess.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"], stderr=subprocess.DEVNULL).returncode == 0:
                return child
            time.sleep(0.05)
        raise SystemExit(f"{name} did not come up on port {port}")

    def close(self):
        for child in reversed(self.children):
            child.send_signal(signal.SIGTERM)
        for child in self.children:
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def prepare(self, *arguments):
        subprocess.run(["taskset", "-c", LOAD_CORE, "node", "prepare.mjs", *map(str, arguments)], cwd=PEERS, env=self.environment, check=True)


def configure(folder, users=1, grants=1000):
    """A deployment with one server, one agent, and a table of `grants` rows of which one applies."""
    deployment = folder / "deployment"
    deployment.mkdir()
    rows = [f"  - {{group: group{i}, agents: [desk], servers: [bench], scopes: [mcp], tools: [echo]}}" for i in range(grants - 1)]
    rows.append("  - {group: engineering, agents: [desk], servers: [bench], scopes: [mcp], tools: [echo]}")
    (deployment / "grants.yaml").write_text("grants:\n" + "\n".join(rows) + "\n")
    people = ["  - {name: alice, groups: [engineering], password: alice-password, links: [{issuer: \"%s\", subject: alice}]}" % SETTINGS["issuer"]]
    if grants == 1 and users > 1:
        raise ValueError("the other users need groups")
    per_file = 20_000   # a document has a bound
    for first in range(0, users - 1, per_file):
        more = [f"  - {{name: user{i}, groups: [group{i % (grants - 1)}]}}" for i in range(first, min(first + per_file, users - 1))]
        (deployment / f"users{first}.yaml").write_text("users:\n" + "\n".join(more) + "\n")
    groups = ", ".join(["{id: engineering}"] + [f"{{id: group{i}}}" for i in range(grants - 1)])
    (deployment / "objects.yaml").write_text(f"""groups: [{groups}]
users:
{chr(10).join(people)}
resource_authorization_servers: [{{issuer: "{SETTINGS['ras']}"}}]
trusted_issuers:
  - {{issuer: "{SETTINGS['issuer']}", jwks_uri: "{SETTINGS['issuer_jwks']}", subject: link, clients: all, scope_ceiling: all}}
  - {{issuer: "{SETTINGS['idp']}", subject: user_id, clients: all, scope_ceiling: all}}
agents:
  - id: desk
    idp: {{client_id: desk-at-idp, secret: {SECRET}, redirect_uris: ["{SETTINGS['redirect_uri']}"]}}
    resource_authorization_servers: [{{issuer: "{SETTINGS['ras']}", client_id: desk-at-ras, secret: {SECRET}}}]
servers:
  - id: bench
    resource: "{SETTINGS['resource']}"
    resource_authorization_server: "{SETTINGS['ras']}"
    upstream: {{url: "http://127.0.0.1:{STUB}/mcp"}}
    first_use: allow
    scopes: [{{name: mcp, default: true}}]
""")
    (folder / "writ.yaml").write_text(f"""base_url: {BASE}
data: data
listeners: {{public: {{address: "127.0.0.1:{PORT}"}}, admin: {{address: "127.0.0.1:{PORT + 1}"}}}}
resource_as: {{access_token_lifetime: 1h}}
objects: deployment
policy: deployment
log: {{level: warning}}
""")


def load(requests, port, seconds, connections=32, rate=0, once=False):
    command = ["taskset", "-c", LOAD_CORE, BIN / "writ-load", "--port", port, "--requests", requests, "--seconds", seconds, "--connections", connections, "--rate", rate]
    done = subprocess.run([*map(str, command), *(["--once"] if once else [])], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"writ-load failed on port {port}:\n{done.stdout}{done.stderr}")
    result = json.loads(done.stdout)
    if result["bad"]:
        raise SystemExit(f"{result['bad']} answers on port {port} were refused:\n{done.stderr}")
    return result


def cpu_seconds(child):
    return cpu_seconds_of(child.pid)


def cpu_seconds_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ceiling(seconds=1):
    """Verifications followed by signatures a second, as `openssl speed` finds them on the servers' core now."""
    text = subprocess.run(["taskset", "-c", SERVER_CORE, "openssl", "speed", "-seconds", str(seconds), "ecdsap256"], capture_output=True, text=True).stdout
    sign, verify = map(float, re.findall(r"([\d.]+)\s+([\d.]+)\s*$", text.strip().splitlines()[-1])[0])
    return {"sign_per_s": sign, "verify_per_s": verify, "verify_and_sign_per_s": 1 / (1 / sign + 1 / verify)}


def rounds_of(names, measure, rounds):
    """Alternating, so that a drift of the machine meets all alike."""
    results = {name: [] for name in names}
    for number in range(rounds):
        order = names if number % 2 == 0 else names[::-1]
        for name in order:
            results[name].append(measure(name))
            print(f"  round {number + 1}  {name:24} {results[name][-1]['rate']:>10,.0f} /s   p50 {results[name][-1]['p50_us']:>8,.0f} us   p99 {results[name][-1]['p99_us']:>8,.0f} us", flush=True)
    return results


def spread(values):
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def ratios(results, reference="Writ", key="rate"):
    return {name: spread([w[key] / p[key] for w, p in zip(results[reference], of_peer)]) for name, of_peer in results.items() if name != reference}


def tokens(world, leg, options):
    """One of the two grants, Writ against the peers and the ceiling that the cryptography sets."""
    names = ["Writ", WITH_TABLES, "plain Node", "express + jose", "oidc-provider"]
    ceilings = []
    requests = world.folder / leg
    seconds = options.seconds if leg == "token_exchange" else min(options.seconds, 2)
    if leg == "token_exchange":
        world.prepare("exchange", requests)

    def measure(name):
        if leg == "redemption":   # each ID-JAG is good for one answer
            world.prepare("id-jags", requests, int(22_000 * (seconds + 0.3)))
            world.prepare("id-jags", f"{requests}-warm", 500)
        is_writ = name in ("Writ", WITH_TABLES)
        kind, port = ("writ", PORT) if is_writ else ("peer", PEER_PORTS[name])
        if is_writ:
            restart(world, "keys: {issuer_tables: true}\n" if name == WITH_TABLES else "")
        if leg == "token_exchange":
            load(f"{requests}.{kind}", port, 0.3)
        else:
            load(f"{requests}-warm.{kind}", port, 2, once=True)
        if name == "Writ":
            ceilings.append(ceiling())
        if is_writ:
            before = cpu_seconds(world.writ)
        result = load(f"{requests}.{kind}", port, seconds, once=leg == "redemption")
        if is_writ:
            result["cpu_us_per_request"] = (cpu_seconds(world.writ) - before) * 1e6 / result["good"]
        return result

    results = rounds_of(names, measure, options.rounds)
    against = ratios({name: of for name, of in results.items() if name != WITH_TABLES})
    for name, title in CEILINGS.items():
        against[title] = spread([w["rate"] / c["verify_and_sign_per_s"] for w, c in zip(results[name], ceilings)])
    restart(world)
    return {"results": results, "ratios": against, "ceilings": ceilings}


def gateway(world, options):
    calls = world.folder / "calls"
    world.prepare("calls", calls, 200)
    available = ["Writ", *[name for name in ("nginx", "HAProxy", "express gateway") if name in world.running]]
    ports = {"Writ": PORT, **PEER_PORTS}

    def measure(name):
        load(calls, ports[name], 0.3)
        before = cpu_seconds(world.writ)
        result = load(calls, ports[name], options.seconds)
        if name == "Writ":
            result["cpu_us_per_request"] = (cpu_seconds(world.writ) - before) * 1e6 / result["good"]
        return result

    results = rounds_of(available, measure, options.rounds)
    return {"results": results, "ratios": ratios(results)}


def latency(world, options):
    """Open loop at 1,000 calls a second: what the gateway adds over nginx."""
    calls = world.folder / "calls"
    world.prepare("calls", calls, 200)
    names = ["Writ"] + (["nginx"] if "nginx" in world.running else [])
    results = rounds_of(names, lambda name: load(calls, PORT if name == "Writ" else PEER_PORTS[name], options.seconds, connections=64, rate=1000), options.rounds)
    added = {}
    if "nginx" in results:
        for key in ("p50_us", "p99_us"):
            added[key] = spread([w[key] - n[key] for w, n in zip(results["Writ"], results["nginx"])])
    return {"results": results, "added": added}


def start_and_memory(users, grants):
    """Milliseconds from exec to the first answer, and resident memory after it, of a store that is filled already."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="writ-bench-start-"))
    try:
        configure(folder, users, grants)
        times, memory = [], 0
        for number in range(4):
            if number == 1:   # what fills an empty store would be compared with it at each start
                text = (folder / "writ.yaml").read_text()
                (folder / "writ.yaml").write_text(text.replace("objects: deployment\npolicy: deployment\n", ""))
            begin = time.monotonic()
            child = subprocess.Popen(["taskset", "-c", SERVER_CORE, BIN / "writd", "serve", "-c", folder / "writ.yaml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while True:
                try:
                    urllib.request.urlopen(f"{BASE}/healthz", timeout=1).read()
                    break
                except OSError:
                    if child.poll() is not None:
                        raise SystemExit("writ serve ended")
                    time.sleep(0.0005)
            took = (time.monotonic() - begin) * 1000
            time.sleep(0.5)
            memory = int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{child.pid}/status").read_text())[1]) / 1024
            child.send_signal(signal.SIGTERM)
            child.wait(10)
            if number > 0:   # the first one fills the store
                times.append(took)
        return {"users": users, "grants": grants, "start_ms": spread(times), "resident_mb": memory}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def restart(world, settings=""):
    """The server anew, with the store that it has, and with these settings besides those that it always has."""
    world.writ.send_signal(signal.SIGTERM)
    world.writ.wait(15)
    world.children.remove(world.writ)
    text = (world.folder / "writ.yaml").read_text().replace("objects: deployment\npolicy: deployment\n", "")
    (world.folder / "again.yaml").write_text(text + settings)
    world.writ = world.start("writ", [BIN / "writd", "serve", "-c", world.folder / "again.yaml"], SERVER_CORE, PORT)


def start_peers(world):
    for name, file in (("express + jose", "express_token_service"), ("plain Node", "plain_token_service"), ("oidc-provider", "oidc_provider"), ("express gateway", "express_gateway")):
        environment = dict(world.environment, PORT=str(PEER_PORTS[name]))
        world.start(name, ["node", f"{file}.mjs"], SERVER_CORE, PEER_PORTS[name], cwd=PEERS, environment=environment)
        world.running.add(name)
    if shutil.which("nginx"):
        (world.folder / "nginx.conf").write_text(f"""worker_processes 1; daemon off; pid {world.folder}/nginx.pid; error_log {world.folder}/nginx.err;
events {{ worker_connections 2048; }}
http {{ access_log off; client_body_temp_path {world.folder}/b; proxy_temp_path {world.folder}/p; fastcgi_temp_path {world.folder}/f; uwsgi_temp_path {world.folder}/u; scgi_temp_path {world.folder}/s;
  keepalive_requests 100000000; client_body_buffer_size 64k;
  upstream mcp {{ server 127.0.0.1:{STUB}; keepalive 256; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{PEER_PORTS['nginx']} backlog=1024; location /mcp/ {{ proxy_pass http://mcp; proxy_http_version 1.1; proxy_set_header Connection ""; }} }} }}
""")
        world.start("nginx", ["nginx", "-c", world.folder / "nginx.conf", "-p", world.folder], SERVER_CORE, PEER_PORTS["nginx"])
        world.running.add("nginx")
    if shutil.which("haproxy"):
        jwk = json.loads(urllib.request.urlopen(SETTINGS["ras_jwks"]).read())["keys"][0]
        pem = subprocess.run(["node", "-e", f"console.log(require('crypto').createPublicKey({{key:{json.dumps(jwk)},format:'jwk'}}).export({{type:'spki',format:'pem'}}))"], capture_output=True, text=True, check=True).stdout
        (world.folder / "ras.pem").write_text(pem)
        (world.folder / "haproxy.cfg").write_text(f"""global
  nbthread 1
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
  option http-keep-alive
frontend mcp
  bind 127.0.0.1:{PEER_PORTS['HAProxy']}
  http-request deny deny_status 401 unless {{ http_auth_bearer,jwt_verify("ES256","{world.folder}/ras.pem") -m int 1 }}
  default_backend stub
backend stub
  http-reuse always
  server stub 127.0.0.1:{STUB} pool-max-conn 256
""")
        world.start("HAProxy", ["haproxy", "-db", "-f", world.folder / "haproxy.cfg"], SERVER_CORE, PEER_PORTS["HAProxy"])
        world.running.add("HAProxy")


def machine():
    model = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return {"cpu": model[1] if model else platform.machine(), "cores": os.cpu_count(), "kernel": platform.release(), "date": datetime.date.today().isoformat(), "commit": commit}


def table(report):
    lines = []
    for leg, title in (("token_exchange", "Token exchange (leg 1)"), ("redemption", "ID-JAG redemption (leg 2)"), ("gateway", "Gateway, tools/call of 2 KB, 200 tokens in turn")):
        if leg not in report:
            continue
        of = report[leg]
        own = [f"{name}: {statistics.median([r['rate'] for r in of['results'][name]]):,.0f} requests/s, {statistics.median([r['cpu_us_per_request'] for r in of['results'][name]]):.1f} µs CPU a request."
               for name in ("Writ", WITH_TABLES) if name in of["results"]]
        if "ceilings" in of:
            own.append(f"The ceiling's two operations: {1e6 / statistics.median([c['verify_and_sign_per_s'] for c in of['ceilings']]):.1f} µs.")
        lines += [f"### {title}", "", "\n".join(own), "",
                  "| Writ against | median rate of the peer | ratio min | median | max | what the peer does not do |", "| --- | --- | --- | --- | --- | --- |"]
        for name, ratio in of["ratios"].items():
            rate = statistics.median([c["verify_and_sign_per_s"] for c in of["ceilings"]]) if name.startswith("verify") else statistics.median([r["rate"] for r in of["results"][name]])
            lines.append(f"| {name} | {rate:,.0f} /s | {ratio['min']:.2f} | **{ratio['median']:.2f}** | {ratio['max']:.2f} | {NOT_DONE_BY_PEERS.get(name, 'everything but the two operations')} |")
        lines.append("")
    if report.get("latency", {}).get("added"):
        added = report["latency"]["added"]
        lines += ["### Added latency at 1,000 calls/s over nginx", "", "| | min | median | max |", "| --- | --- | --- | --- |"]
        lines += [f"| {key[:3]} | {added[key]['min'] / 1000:.3f} ms | **{added[key]['median'] / 1000:.3f} ms** | {added[key]['max'] / 1000:.3f} ms |" for key in ("p50_us", "p99_us")] + [""]
    lines += nodes.table(report)
    lines += streams.table(report)
    if "start" in report:
        lines += ["### Start and memory", "", "| users | grants | start to first answer, median | resident |", "| --- | --- | --- | --- |"]
        lines += [f"| {s['users']:,} | {s['grants']:,} | {s['start_ms']['median']:.0f} ms | {s['resident_mb']:.1f} MB |" for s in report["start"]] + [""]
    return "\n".join(lines)


def sections_of(text):
    """Of a page: title → what stands below it."""
    parts = re.split(r"^### (.+)\n", text, flags=re.M)
    return {title: body.strip() for title, body in zip(parts[1::2], parts[2::2])}


def write_page(text, m, options):
    """Puts what was measured now in the place of what was measured before; what was not keeps its figures and their date."""
    page = ROOT / "docs/performance.md"
    made = f"Measured on {m['date']}, commit {m['commit']}: {m['cpu']}, {m['cores']} cores, Linux {m['kernel']}; {options.rounds} rounds of {options.seconds:g} s."
    sections = sections_of(page.read_text()) if page.exists() else {}
    sections.update({title: f"{made}\n\n{body}" for title, body in sections_of(text).items()})
    body = "\n".join(f"### {title}\n\n{section}\n" for title, section in sections.items())
    page.write_text((ROOT / "benchmarks/performance_head.md").read_text() + "\n" + body)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--only", default="token_exchange,redemption,gateway,latency,start,nodes,streams,revocation")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("script/bench needs two cores: one for the servers, one for the load")
    report = {"machine": machine(), "rounds": options.rounds, "seconds": options.seconds}
    if "start" in wanted:
        report["start"] = [start_and_memory(1, 1), start_and_memory(100_000, 1000)]
    streams.raise_descriptor_limit()
    if set(wanted) - {"start", "revocation"}:
        world = World()
        try:
            world.start("stub", [BIN / "writ-load", "--serve", STUB], LOAD_CORE, STUB)
            world.start("issuer", ["node", "prepare.mjs", "issuer", ISSUER, world.settings["issuer_key"]], LOAD_CORE, ISSUER, cwd=PEERS)
            configure(world.folder)
            world.writ = world.start("writ", [BIN / "writd", "serve", "-c", world.folder / "writ.yaml"], SERVER_CORE, PORT)
            world.running = set()
            if set(wanted) & {"token_exchange", "redemption", "gateway", "latency"}:
                start_peers(world)
                report["left_out"] = sorted({"nginx", "HAProxy"} - world.running)
            if "nodes" in wanted and not nodes.is_available():
                report.setdefault("left_out", []).append("PostgreSQL")
            for leg in ("token_exchange", "redemption"):
                if leg in wanted:
                    print(leg, flush=True)
                    report[leg] = tokens(world, leg, options)
            for leg, run in (("gateway", gateway), ("latency", latency)):
                if leg in wanted:
                    print(leg, flush=True)
                    report[leg] = run(world, options)
            if "nodes" in wanted and nodes.is_available():
                print("nodes", flush=True)
                report["nodes"] = nodes.measure(world, sys.modules[__name__], options)
            if "streams" in wanted:
                print("streams", flush=True)
                report["streams"] = {"idle": streams.idle(world, sys.modules[__name__], options), "large": streams.large_answer(BIN)}
        finally:
            world.close()
    if "revocation" in wanted:
        print("revocation", flush=True)
        (ROOT / "build/bench").mkdir(parents=True, exist_ok=True)
        report["revocation"] = streams.revocation(BIN, options, ROOT / "build/bench/revocation.json")
    (ROOT / "build/bench").mkdir(parents=True, exist_ok=True)
    (ROOT / "build/bench/result.json").write_text(json.dumps(report, indent=1))
    text = table(report)
    print("\n" + text)
    if report.get("left_out"):
        print("left out because they are not installed:", ", ".join(report["left_out"]))
    if options.write:
        write_page(text, report["machine"], options)


if __name__ == "__main__":
    sys.exit(main())
