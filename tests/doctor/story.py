"""What `writ init` makes works, and `writ doctor` says what is wrong, where and what would be right: about a deployment that runs, and one that does not.

    python3 story.py build/release/bin
"""
import contextlib
import fcntl
import os
import pty
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "backup"))
from world import Around, Authority, Deployment  # noqa: E402
from checks import check, close, free_port  # noqa: E402
from postgresql import Cluster, programs  # noqa: E402

MARK = "s3cret-marker-0123456789abcdef"


def of(findings, level, area, piece):
    return any(finding["level"] == level and finding["area"] == area and piece in finding["what"] for finding in findings)


def bad(findings):
    return [finding for finding in findings if finding["level"] in ("wrong", "warning")]


def finds(name, world, level, area, piece, *more):
    """Exit code 7 exactly when something is wrong; every finding that is wrong or warns says what would be right; nothing was changed."""
    before = world.state() if not world.server else None
    code, findings = world.doctor(*more)
    check(name, of(findings, level, area, piece), bad(findings))
    has_wrong = any(finding["level"] == "wrong" for finding in findings)
    check(f"{name}: exit code {7 if level == 'wrong' else 0}, and a remedy with each", code == (7 if has_wrong else 0) and has_wrong == (level == "wrong") and all(finding.get("remedy") for finding in bad(findings)), (code, bad(findings)))
    if before is not None:
        after = world.state()
        check(f"{name}: nothing was changed", after == before, [path for path in set(before) | set(after) if before.get(path) != after.get(path)])
    return findings


@contextlib.contextmanager
def replaced(path, text=None, mode=None):
    """A file with other content or another mode, for a while; `text` may be bytes."""
    path = Path(path)
    content, was = path.read_bytes(), path.stat().st_mode
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    if mode is not None:
        path.chmod(mode)
    yield
    path.write_bytes(content)
    path.chmod(was)


def flipped(path, at):
    content = bytearray(Path(path).read_bytes())
    content[at] ^= 0x40
    return bytes(content)


def init(world, around):
    code, out, err = world.writ("init", world.folder, "--base-url", "https://writ.example.com", "--no-input")
    check("init: https without a certificate is a question that nobody answered", code == 2 and "needs a certificate and its key" in err and not world.config.exists(), (code, err))
    code, out, err = world.init("--person", "alice", "--server", "notes")
    check("init: a server needs an address", code == 2 and "ID=URL" in err and not world.config.exists(), (code, err))
    (world.folder / "deployment").mkdir()
    (world.folder / "deployment" / "grants.yaml").write_text("mine\n")
    code, out, err = world.init("--person", "alice")
    check("init: one file that exists, and nothing is written", code == 1 and "exists already" in err and not world.config.exists() and (world.folder / "deployment" / "grants.yaml").read_text() == "mine\n", (code, err))
    (world.folder / "deployment" / "grants.yaml").unlink()
    code, out, err = world.init("--person", "alice", "--server", f"notes={around.base}/mcp", "--json")
    check("init: writes the files and says what comes next", code == 0 and '"written":[' in out and "writ doctor -c" in out and world.config.exists(), (code, out, err))
    before = world.state()
    code, out, err = world.init("--person", "bob")
    check("init: a second time changes nothing", code == 1 and "exists already" in err and world.state() == before, (code, err))


def typed(world):
    """As a person does it: questions on a terminal."""
    folder = world.folder / "typed"
    terminal, theirs = pty.openpty()
    child = subprocess.Popen([world.writ_program, "init", str(folder)], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=world.folder)
    os.close(theirs)
    os.write(terminal, b"http://127.0.0.1:18999\nExample Corporation\n\n\nalice\n\n")
    out, err = child.communicate(timeout=30)
    os.close(terminal)
    check("init: asks on a terminal, with defaults", child.returncode == 0 and "public address of this deployment [http://127.0.0.1:8420]:" in err and "writ user password alice" in out, (child.returncode, out, err))
    check("init: and writes what was typed", 'base_url: "http://127.0.0.1:18999"' in (folder / "writ.yaml").read_text() and 'organisation: "Example Corporation"' in (folder / "writ.yaml").read_text(), "")
    code, out, err = world.writ("doctor", "-c", folder / "writ.yaml", "--offline")
    check("doctor: says so in sentences", code == 0 and "✓ configuration: `" in out and ("Nothing is wrong" in out or "\n0 things are wrong" in out), (code, out, err))
    shutil.rmtree(folder)


def before_the_start(world):
    findings = finds("not started yet", world, "note", "server", "no server runs")
    check("not started yet: it is told what the first start would make", of(findings, "note", "files", "the first start makes it") and of(findings, "good", "objects", "1 user, 1 agent, 1 server") and
          of(findings, "good", "policy", "the first start activates it") and of(findings, "good", "listeners", "is free"), findings)
    text = world.config.read_text()
    with replaced(world.config, text.replace("listeners:", "listners:")):
        finds("a key that is misspelt", world, "wrong", "configuration", f"{world.config}:5:1: error: unknown key `listners` in the configuration; did you mean `listeners`?")
    with replaced(world.folder / "deployment" / "grants.yaml", (world.folder / "deployment" / "grants.yaml").read_text().replace("staff", "stuff")):
        finds("a grant for a group that is not there", world, "wrong", "objects", "stuff")
    with replaced(world.folder / "deployment" / "people.yaml", "groups:\n  - id: [1]\n"):
        finds("objects that cannot be read", world, "wrong", "objects", "people.yaml:2:9")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", world.port))
        taken.listen()
        finds("an address that is taken", world, "wrong", "listeners", "is in use by another program")


def with_more(world, extra):
    return replaced(world.config, world.config.read_text() + extra)


def certificates(world):
    authority = Authority(world.folder / "tls")
    text = world.config.read_text()

    def with_certificate(certificate, key):
        return replaced(world.config, text.replace(f"address: \"127.0.0.1:{world.port}\"", f"address: \"127.0.0.1:{world.port}\"\n    tls: {{certificate: {certificate}, key: {key}}}"))

    good, key = authority.issue("good", "IP:127.0.0.1")
    with with_certificate(good, key):
        finds("a certificate of an authority that this system does not know", world, "warning", "tls", "is not vouched for by this system's certificate authorities", "--offline")
        with replaced(key, mode=0o640):
            finds("a key that is open to others", world, "wrong", "files", "is open to others (mode 0640)", "--offline")
    with with_certificate(*authority.issue("other", "DNS:writ.example.com")):
        finds("a certificate for another name", world, "wrong", "tls", "does not name `127.0.0.1`", "--offline")
    with with_certificate(*authority.issue("old", "IP:127.0.0.1", begins=-30, days=-3.5)):
        finds("a certificate that has ended", world, "wrong", "tls", "ended 3 days ago", "--offline")
    with with_certificate(*authority.issue("soon", "IP:127.0.0.1", days=5.5)):
        finds("a certificate that ends soon", world, "warning", "tls", "ends in 5 days", "--offline")
    with with_certificate(good, authority.issue("another", "IP:127.0.0.1")[1]):
        finds("the key of another certificate", world, "wrong", "tls", "do not belong together", "--offline")
    with with_certificate(good, key), replaced(good, (world.folder / "tls" / "ca.pem").read_bytes() + good.read_bytes()):
        finds("a chain the wrong way round", world, "wrong", "tls", "is not signed by the one behind it", "--offline")
    with with_certificate(world.folder / "nowhere.pem", key):
        finds("a certificate that is not there", world, "wrong", "files", "nowhere.pem` (the certificate of the public listener) is not there", "--offline")


def others(world, around):
    secret = world.folder / "siem.secret"
    secret.write_text(f"Bearer {MARK}\n")
    secret.chmod(0o600)
    sink = f"audit: {{sinks: [{{id: siem, webhook: {{url: \"{around.base}/siem\", authorization_file: siem.secret}}}}]}}\n"
    issuer = f"\n  - {{issuer: \"{around.base}\", subject: link, clients: all, scope_ceiling: all, algorithms: [EdDSA]}}\n"
    servers = world.folder / "deployment" / "servers.yaml"
    with_issuer = servers.read_text().replace("\nservers:", issuer + "\nservers:")
    with with_more(world, sink), replaced(servers, with_issuer):
        around.asked.clear()
        findings = finds("an issuer and a receiver that are there", world, "good", "issuers", "publishes metadata and 1 key")
        check("its clock agrees, and the receiver is there", of(findings, "good", "clock", "agrees") and of(findings, "good", "sinks", "is there"), findings)
        check("nothing was sent to it: no body, no credential", [(method, path) for method, path, _ in around.asked if path == "/siem"] == [("HEAD", "/siem")] and
              not any("Authorization" in fields for _, _, fields in around.asked), around.asked)
        around.asked.clear()
        world.doctor("--offline")
        check("--offline asks nobody", around.asked == [], around.asked)
        around.ahead = 7200
        finds("a clock that is off by two hours", world, "wrong", "clock", "s ahead of this machine's clock: more than the 30 s of `clock_skew`")
        around.ahead, around.issuer_says = 0, around.base + "/"
        finds("metadata of another issuer", world, "wrong", "issuers", "names another issuer")
        around.issuer_says = None
        with replaced(secret, mode=0o644):
            finds("a secret that is open to others", world, "wrong", "files", "siem.secret` (`authorization_file` of audit sink `siem`) holds a secret and is open to others (mode 0644)")
    with replaced(servers, with_issuer.replace(around.base, f"http://127.0.0.1:{free_port()}")):
        finds("an issuer that is not there", world, "wrong", "issuers", "cannot be reached")
    with with_more(world, sink.replace(around.base, f"http://127.0.0.1:{free_port()}")):
        finds("a receiver that is not there", world, "wrong", "sinks", "cannot be reached")
    with with_more(world, f"audit: {{sinks: [{{id: loghost, syslog: {{address: \"127.0.0.1:{free_port()}\"}}}}]}}\n"):
        finds("a log host that is not there", world, "wrong", "sinks", "could not be reached")


def running(world):
    check("what init made starts", world.serve(), world.log())
    code, out, err = world.writ("user", "password", "alice", "--socket", world.data / "admin.sock", text="alice-" + MARK + "\n")
    check("and its first person gets a password", code == 0, (code, out, err))
    findings = finds("a server that runs", world, "good", "server", "and is ready")
    check("its lock, audit trail, keys and public name are looked at", of(findings, "good", "store", "the server holds the lock") and of(findings, "good", "audit", "the end of the audit trail is whole") and
          of(findings, "good", "keys", "`idp` has signed for 0 days") and of(findings, "good", "keys", "the audit key opens") and of(findings, "good", "public", f"`{world.base}/idp` answers at its public name") and
          of(findings, "good", "public", f"`{world.base}/ras` answers"), findings)
    check("its objects and policy are", of(findings, "good", "objects", "1 user, 1 agent, 1 server") and of(findings, "good", "policy", "policy version 1 validates"), findings)
    check("nothing else is wrong or warned of but this machine's own limits", all(finding["area"] in ("disk", "descriptors") for finding in bad(findings)), bad(findings))
    world.server.send_signal(subprocess.signal.SIGSTOP)
    code, findings = world.doctor("--offline")
    world.server.send_signal(subprocess.signal.SIGCONT)
    check("a server that hangs", code == 7 and of(findings, "wrong", "server", "does not answer on"), bad(findings))
    world.stop()


def stopped(world):
    findings = finds("a server that was stopped", world, "note", "server", "no server runs")
    check("its store is whole, and nobody uses it", of(findings, "good", "store", "nobody uses") and of(findings, "good", "store", "state.db` is whole") and of(findings, "good", "audit", "is whole: records 1 to"), findings)
    data, key = world.data, world.data / "sealing.key"
    with replaced(key, mode=0o644):
        finds("a sealing key that is open to others", world, "wrong", "files", "the sealing key")
    with replaced(key, bytes(32)):
        findings = finds("another sealing key", world, "wrong", "keys", "does not open")
        check("the signing keys say so, too", of(findings, "wrong", "keys", "the keys of `idp`"), bad(findings))
    with replaced(key, bytes(31)):
        finds("a sealing key that was cut", world, "wrong", "files", "has 31 bytes: it must have 32")
    moved = world.folder / "kept.key"
    shutil.move(key, moved)
    finds("a sealing key that is gone", world, "wrong", "files", "is missing, and what rests in the store was sealed under it")
    shutil.move(moved, key)
    segment = sorted((data / "audit").glob("*.audit"))[-1] if list((data / "audit").glob("*.audit")) else sorted(path for path in (data / "audit").iterdir() if path.stat().st_size > 1_000_000)[0]
    with replaced(segment, flipped(segment, 600)):
        finds("a byte of the audit trail that was changed", world, "wrong", "audit", "record")
    state = data / "state.db"
    with replaced(state, flipped(state, 100)):
        code, findings = world.doctor()
        check("a state store that is damaged", code == 7 and of(findings, "wrong", "store", "state.db`"), bad(findings))
    with replaced(data / "objects.db", b"no database at all, but some text that is long enough to be read as a head of one" * 20):
        finds("an object store that is none", world, "wrong", "store", "objects.db`")
    data.chmod(0o755)
    finds("a data directory that is open to others", world, "warning", "store", "is open to others")
    data.chmod(0o700)
    with open(data / "audit" / "lock", "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        finds("another process that holds the lock", world, "wrong", "store", f"process {os.getpid()} uses")
    people = world.folder / "deployment" / "people.yaml"
    with replaced(people, people.read_text().replace("groups:\n", "groups:\n  - id: newcomers\n", 1)):
        check("and a start is still possible afterwards", world.serve(), world.log()[-600:])
        for _ in range(100):
            if "the configuration differs from the store" in world.log():
                break
            time.sleep(0.1)
        check("which says what `objects:` and the store differ in", "the configuration differs from the store (writ apply changes it)" in world.log() and "newcomers" in world.log(), world.log()[-600:])
        world.stop()


def database(world, cluster):
    cluster.create("writ")
    sql = lambda text, folder=cluster.folder: subprocess.run(["psql", "-h", str(folder), "-U", "writ", "-d", "writ", "-qAtc", text], capture_output=True, text=True, check=True).stdout.strip()  # noqa: E731

    def setting(name, value):
        sql(f"ALTER SYSTEM SET {name} = {value}")
        sql("SELECT pg_reload_conf()")
        for _ in range(50):
            if sql(f"SHOW {name}") == value.strip("'"):
                return

    with with_more(world, cluster.store("writ").replace("dbname=writ", "dbname=nothing")):
        finds("a database that is not there", world, "wrong", "postgresql", "nothing")
    with with_more(world, cluster.store("writ")):
        findings = finds("an empty database", world, "note", "postgresql", "there are no tables yet")
        check("is still empty afterwards", sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0", "")
        check("and keeps what it acknowledges", of(findings, "good", "postgresql", "commits are on the disk before they are acknowledged; no standby follows"), findings)
        setting("synchronous_commit", "off")
        finds("a database whose commits may be lost", world, "wrong", "postgresql", "`synchronous_commit` is off")
        check("with which a server refuses to start", not world.serve() and world.server.wait(20) == 1 and "`synchronous_commit` is off: what was acknowledged could be lost" in world.log(), world.log()[-600:])
        setting("synchronous_commit", "on")
        check("and starts when it is on", world.serve(), world.log()[-600:])
        findings = finds("a server on PostgreSQL", world, "good", "postgresql", "the newest")
        check("its log and policy are looked at there", of(findings, "good", "audit", "is where the log says it is") and of(findings, "good", "policy", "validates") and of(findings, "good", "keys", "`ras` has signed"), findings)
        world.stop()
        standby(world, cluster, sql, setting)
        sql("UPDATE log_head SET position = position + 3")
        finds("a log that lost its newest records", world, "wrong", "audit", "its newest record is")
        sql("UPDATE log_head SET position = position - 3")
        sql("UPDATE writ_schema SET version = version + 1")
        finds("tables of a newer Writ", world, "wrong", "postgresql", "this program knows up to")
        sql("UPDATE writ_schema SET version = version - 1")


def standby(world, cluster, sql, setting):
    data = cluster.folder / "standby"
    subprocess.run([*cluster.as_, str(programs() / "pg_basebackup"), "-D", str(data), "-h", str(cluster.folder), "-U", "writ", "-R", "-X", "stream", "-c", "fast"], cwd=cluster.folder, check=True, capture_output=True)
    sockets = cluster.folder / "standby-socket"
    subprocess.run([*cluster.as_, "mkdir", str(sockets)], check=True)
    log = open(world.folder / "standby.log", "w")
    child = subprocess.Popen([*cluster.as_, str(programs() / "postgres"), "-D", str(data), "-k", str(sockets), "-c", "listen_addresses="], cwd=cluster.folder, stdout=log, stderr=log)
    try:
        for _ in range(200):
            if sql("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == "1":
                break
            subprocess.run(["sleep", "0.1"])
        finds("a standby that nobody waits for", world, "warning", "postgresql", "standbys that it does not wait for")
        check("of which the start warns", world.serve() and "standbys that it does not wait for" in world.log(), world.log()[-600:])
        world.stop()
        setting("synchronous_standby_names", "'*'")
        setting("synchronous_commit", "remote_apply")
        subprocess.run(["sleep", "1"])
        finds("a standby that commits wait for", world, "good", "postgresql", "commits are on the disk of a standby, too")
        with replaced(world.config, world.config.read_text().replace(f"host={cluster.folder}", f"host={sockets}")):
            finds("the standby itself", world, "wrong", "postgresql", "it is a standby, which takes no writes")
    finally:
        child.send_signal(subprocess.signal.SIGINT)
        child.wait(20)
    finds("a standby that is waited for and gone", world, "warning", "postgresql", "every commit waits until one is")
    setting("synchronous_standby_names", "''")
    setting("synchronous_commit", "on")


def main():
    around = Around()
    with Deployment(sys.argv[1]) as world:
        init(world, around)
        typed(world)
        before_the_start(world)
        certificates(world)
        others(world, around)
        running(world)
        stopped(world)
        secrets = [MARK, (world.data / "sealing.key").read_bytes().hex()]
        check("no secret was printed by any of it", not any(secret in world.printed for secret in secrets) and len(world.printed) > 20_000, len(world.printed))
    if Cluster.is_available():
        with Deployment(sys.argv[1]) as world, Cluster() as cluster:
            world.init("--person", "alice", "--server", f"notes={around.base}/mcp")
            database(world, cluster)
    around.shutdown()
    return close()


if __name__ == "__main__":
    sys.exit(main())
