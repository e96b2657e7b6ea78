"""ID-JAG redemption with PostgreSQL: one node and two, against the same work with files. Part of benchmarks/bench.py.

The nodes have the servers' core; PostgreSQL has the load's, and is counted by itself. Two nodes on one core cannot show that work is shared out, only what it costs to share a database.
"""
import concurrent.futures, contextlib, os, pathlib, re, secrets, statistics, sys, time, urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/support"))
from postgresql import Cluster  # noqa: E402

FIRST_PORT = 18670
RATIO_WANTED_OF = "Writ with files"


def is_available():
    return Cluster.is_available()


@contextlib.contextmanager
def on_core(core):
    """What is started inside begins on this core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(core)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def wait_until_ready(bench, port):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/readyz", headers={"Host": bench.BASE.removeprefix("http://")})
    for _ in range(200):
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(request, timeout=1).read()
        time.sleep(0.05)
    raise SystemExit(f"the node on port {port} is not ready")


def start_node(world, bench, database, name, port):
    text = (world.folder / "writ.yaml").read_text()
    text = text.replace("data: data\n", f"data: data-{name}\nnode: {name}\nkeys: {{sealing_key_file: sealing.key}}\n" + database.replace("}", ", nodes: {lease: 1s}}"))
    text = re.sub(r"listeners: .*", f'listeners: {{public: {{address: "127.0.0.1:{port}"}}, admin: {{address: none, socket: {world.folder}/{name}.sock}}}}', text)
    (world.folder / f"{name}.yaml").write_text(text)
    child = world.start(name, [bench.BIN / "writd", "serve", "-c", world.folder / f"{name}.yaml"], bench.SERVER_CORE, port)
    wait_until_ready(bench, port)
    return child


def halves(requests):
    """The framed requests of a file in two files, every second one in each."""
    data, parts, at, number = requests.read_bytes(), ([], []), 0, 0
    while at < len(data):
        end = at + 8 + int(data[at:at + 8], 16)
        parts[number % 2].append(data[at:end])
        at, number = end, number + 1
    files = [requests.with_suffix(f".{half}") for half in ("first", "second")]
    for file, part in zip(files, parts):
        file.write_bytes(b"".join(part))
    return files


def family_cpu_seconds(bench, child):
    """Of a process and its children that live: PostgreSQL has one for each connection."""
    pids = [child.pid, *map(int, pathlib.Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split())]
    return sum(bench.cpu_seconds_of(pid) for pid in pids)


def redeem(bench, nodes, database, files, seconds):
    """Each node gets a file of its own. Rate of all, and microseconds of CPU for each request."""
    cpu = lambda: (sum(map(bench.cpu_seconds, nodes)), family_cpu_seconds(bench, database) if database else 0.0)  # noqa: E731
    before = cpu()
    with concurrent.futures.ThreadPoolExecutor(len(nodes)) as pool:
        loads = list(pool.map(lambda pair: bench.load(pair[1], pair[0].port, seconds, connections=32 // len(nodes), once=True), zip(nodes, files)))
    spent = [after - earlier for earlier, after in zip(before, cpu())]
    good = sum(one["good"] for one in loads)
    return {"rate": sum(one["rate"] for one in loads), "p50_us": max(one["p50_us"] for one in loads), "p99_us": max(one["p99_us"] for one in loads),
            "cpu_us_per_request": spent[0] * 1e6 / good, "database_cpu_us_per_request": spent[1] * 1e6 / good}


def measure(world, bench, options):
    (world.folder / "sealing.key").write_bytes(secrets.token_bytes(32))
    (world.folder / "sealing.key").chmod(0o600)
    seconds, requests = min(options.seconds, 2), world.folder / "redemptions"
    with contextlib.ExitStack() as stack:
        with on_core(bench.LOAD_CORE):
            cluster = stack.enter_context(Cluster())
        nodes, port = {RATIO_WANTED_OF: [world.writ]}, FIRST_PORT
        world.writ.port = bench.PORT
        for database, count in (("one", 1), ("two", 2)):
            title = "one node" if count == 1 else "two nodes"
            cluster.create(database)
            nodes[title] = []
            for name in (f"{database}-{number + 1}" for number in range(count)):
                nodes[title].append(start_node(world, bench, cluster.store(database), name, port))
                nodes[title][-1].port = port
                port += 1

        def measured(title):
            world.prepare("id-jags", requests, int(12_000 * (seconds + 0.3)))
            one = requests.with_suffix(".writ")
            files = [one] if len(nodes[title]) == 1 else halves(one)
            return redeem(bench, nodes[title], None if title == RATIO_WANTED_OF else cluster.server, files, seconds)

        return {"results": bench.rounds_of(list(nodes), measured, options.rounds)}


def table(report):
    if "nodes" not in report:
        return []
    results = report["nodes"]["results"]
    median = lambda rows, key: statistics.median(row[key] for row in rows)  # noqa: E731
    lines = ["### ID-JAG redemption with PostgreSQL", "",
             "All nodes share one core; PostgreSQL and the load have the other. Per core is CPU against CPU of the nodes: how many more with files the same core would do. What two nodes add",
             "on two cores of their own cannot be shown on this machine.", "",
             "| | median rate | of the rate with files | CPU a request, nodes | CPU a request, PostgreSQL | per core, of that with files |", "| --- | --- | --- | --- | --- | --- |"]
    files = results[RATIO_WANTED_OF]
    for title, rows in results.items():
        if title == RATIO_WANTED_OF:
            lines.append(f"| {title} | {median(rows, 'rate'):,.0f} /s | | {median(rows, 'cpu_us_per_request'):.1f} µs | | |")
            continue
        of_rate = statistics.median(row["rate"] / f["rate"] for row, f in zip(rows, files))
        per_core = statistics.median(f["cpu_us_per_request"] / row["cpu_us_per_request"] for row, f in zip(rows, files))
        lines.append(f"| {title} | {median(rows, 'rate'):,.0f} /s | {of_rate:.2f} | {median(rows, 'cpu_us_per_request'):.1f} µs | {median(rows, 'database_cpu_us_per_request'):.1f} µs | **{per_core:.2f}** |")
    return lines + [""]
