#!/usr/bin/python3
"""An MCP server on stdio whose tools try what a program in the sandbox must not be able to do, and say how it went.

  tries.py                 speaks MCP (legacy era; --modern for the other) on standard input and output
  tries.py --try NAME ...  tries one thing and prints the outcome as one JSON line
"""
import ctypes
import json
import mmap
import os
import resource
import signal
import socket
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
# x86-64 and aarch64
X86 = os.uname().machine == "x86_64"
CALLS = {"mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "setns": (308, 268), "unshare": (272, 97), "ptrace": (101, 117),
         "process_vm_readv": (310, 270), "keyctl": (250, 219), "bpf": (321, 280), "perf_event_open": (298, 241), "io_uring_setup": (425, 425), "userfaultfd": (323, 282),
         "reboot": (169, 142), "swapon": (167, 224), "kexec_load": (246, 104), "init_module": (175, 105), "open_by_handle_at": (304, 265), "move_mount": (429, 429),
         "personality": (135, 92), "shmget": (29, 194), "memfd_create": (319, 279), "clone3": (435, 435), "newer_than_the_filter": (462, 462), "add_key": (248, 217),
         "sethostname": (170, 161), "pidfd_getfd": (438, 438)}


def outcome(act):
    try:
        return {"ok": True, "value": act()}
    except OSError as error:
        return {"ok": False, "errno": error.errno, "value": os.strerror(error.errno) if error.errno else str(error)}
    except MemoryError:
        return {"ok": False, "errno": 12, "value": "no memory"}


def system_call(name, *arguments):
    number = CALLS[name][0 if X86 else 1]
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments])
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def in_child(act):
    """What ends a process, ends a child; the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def read(path):
    with open(path, "rb") as file:
        return file.read(200).decode("utf-8", "replace")


def write(path):
    with open(path, "w") as file:
        file.write("written\n")
    return "written"


def connect(port):
    with socket.create_connection(("127.0.0.1", int(port)), timeout=3):
        return "connected"


def abstract_socket(name):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + name)
        return "connected"


def family(number):
    socket.socket(int(number), socket.SOCK_STREAM).close()
    return "made"


def clone_with_namespace():
    # fork by clone(CLONE_NEWUSER | SIGCHLD)
    number = 56 if X86 else 220
    result = libc.syscall(ctypes.c_long(number), ctypes.c_long(0x10000000 | signal.SIGCHLD), 0, 0, 0, 0)
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    if result == 0:
        os._exit(0)
    return "made"


def terminal_input():
    import fcntl
    fcntl.ioctl(0, 0x5412, b"x")
    return "put"


def x32_call():
    return in_child(lambda: libc.syscall(ctypes.c_long(0x40000000 + 39)))


def fork_bomb():
    made, children = 0, []
    try:
        while made < 5000:
            pid = os.fork()
            if pid == 0:
                time.sleep(30)
                os._exit(0)
            children.append(pid)
            made += 1
    except OSError:
        pass
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return made


def memory_hog(mebibytes):
    held = []
    for _ in range(int(mebibytes)):
        held.append(bytearray(1 << 20))
    return len(held)


def shared_memory_hog(mebibytes):
    """Memory that no limit of one process counts: what is held together ends the sandbox."""
    held = []
    for _ in range(int(mebibytes) // 16):
        piece = mmap.mmap(-1, 16 << 20)
        for at in range(0, 16 << 20, 4096):
            piece[at] = 1
        held.append(piece)
        time.sleep(0.02)
    return len(held)


def hog_with_children(mebibytes):
    for _ in range(8):
        if os.fork() == 0:
            held = bytearray(int(mebibytes) << 20)
            for at in range(0, len(held), 4096):
                held[at] = 1
            time.sleep(30)
            os._exit(0)
    time.sleep(10)
    return "all of them hold it"


def shared_with_children(mebibytes):
    """What a process shares with those that it forked is there once."""
    held = bytearray(int(mebibytes) << 20)
    for at in range(0, len(held), 4096):
        held[at] = 1
    children = []
    for _ in range(8):
        pid = os.fork()
        if pid == 0:
            time.sleep(30)
            os._exit(0)
        children.append(pid)
    time.sleep(1)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return len(held) >> 20


def open_files():
    held = []
    try:
        while len(held) < 100_000:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    for descriptor in held:
        os.close(descriptor)
    return len(held)


def fill_tmp():
    with open("/tmp/fill", "wb") as file:
        for _ in range(4096):
            file.write(b"x" * (1 << 20))
    return "four gigabytes"


def large_file(path):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open(path, "wb") as file:
        file.truncate(2 << 30)
    return "two gigabytes"


def status():
    wanted = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
    lines = dict(line.rstrip("\n").split(":\t", 1) for line in open("/proc/self/status") if ":\t" in line)
    return {name: lines.get(name, "").strip() for name in wanted}


def surroundings():
    umask = os.umask(0)
    os.umask(umask)
    return {"environment": dict(os.environ), "cwd": os.getcwd(), "root": sorted(os.listdir("/")), "etc": sorted(os.listdir("/etc")), "dev": sorted(os.listdir("/dev")),
            "umask": umask, "leads_session": os.getsid(0) == os.getpid(), "descriptors": len(os.listdir("/proc/self/fd")) - 1, "interfaces": [name for _, name in socket.if_nameindex()],
            "set_uid_mounts": [line.split()[4] for line in open("/proc/self/mountinfo") if "nosuid" not in line.split()[5].split(",")],
            "writable_mounts": sorted(line.split()[4] for line in open("/proc/self/mountinfo") if "rw" in line.split()[5].split(",")),
            "core": resource.getrlimit(resource.RLIMIT_CORE)[1], "nice": os.nice(0)}


def processes():
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


TRIES = {
    "read": read, "write": write, "connect": connect, "abstract_socket": abstract_socket, "family": family, "clone_with_namespace": clone_with_namespace,
    "terminal_input": terminal_input, "x32_call": x32_call, "fork_bomb": fork_bomb, "memory_hog": memory_hog, "shared_memory_hog": shared_memory_hog,
    "hog_with_children": hog_with_children, "shared_with_children": shared_with_children, "open_files": open_files, "fill_tmp": fill_tmp, "large_file": large_file, "status": status, "surroundings": surroundings,
    "processes": processes, "setuid": lambda: os.setuid(0), "setgid": lambda: os.setgid(0), "list": lambda path: sorted(os.listdir(path)), "kill_first": lambda: os.kill(1, signal.SIGKILL),
    "call": lambda name: system_call(name, 0, 0, 0, 0, 0), "renice": lambda: os.nice(-10),
}


# ---- MCP

class Server:
    def __init__(self, modern):
        self.modern = modern
        self.lock = threading.Lock()
        self.asked = {}
        self.cancelled = set()
        self.subscribed = set()
        self.listens = []
        self.next = 0
        self.initializations = 0
        self.client = None

    def send(self, message):
        with self.lock:
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            sys.stdout.flush()

    def ask(self, method, params):
        with self.lock:
            self.next += 1
            number = f"from-server-{self.next}"
        answered = self.asked[number] = {"event": threading.Event()}
        self.send({"id": number, "method": method, "params": params})
        if not answered["event"].wait(10):
            return "not answered"
        return answered["message"].get("result", answered["message"].get("error"))

    def tools(self):
        names = sorted(TRIES) + ["pid", "environment", "echo", "slow", "progress", "log_error", "crash", "garbage", "long_line", "ask_client", "change", "spill", "stuck", "initializations", "cancelled"]
        return [{"name": name, "description": name, "inputSchema": {"type": "object"}} for name in names]

    def call(self, message):
        params = message["params"]
        name, arguments = params["name"], params.get("arguments") or {}
        if name in TRIES:
            value = outcome(lambda: TRIES[name](*arguments.get("with", [])))
        elif name == "pid":
            value = os.getpid(), read("/proc/self/mountinfo").__hash__(), START
        elif name == "environment":
            value = dict(os.environ)
        elif name == "echo":
            value = arguments
        elif name == "slow":
            time.sleep(arguments.get("seconds", 1))
            value = "done"
        elif name == "cancelled":
            value = sorted(map(str, self.cancelled))
        elif name == "progress":
            token = (params.get("_meta") or {}).get("progressToken")
            for step in range(3):
                self.send({"method": "notifications/progress", "params": {"progressToken": token, "progress": step, "total": 3}})
            value = token
        elif name == "log_error":
            for line in arguments["lines"]:
                print(line, file=sys.stderr, flush=True)
            value = "logged"
        elif name == "crash":
            os._exit(7)
        elif name == "garbage":
            with self.lock:
                sys.stdout.write("this is no JSON\n{\"jsonrpc\":\"2.0\",\"id\":999999,\"result\":{}}\n[1,2]\n")
                sys.stdout.flush()
            value = "after the garbage"
        elif name == "long_line":
            value = "x" * arguments["bytes"]
        elif name == "ask_client":
            value = self.ask(arguments.get("method", "sampling/createMessage"), {"messages": []})
        elif name == "change":
            self.send({"method": "notifications/tools/list_changed"})
            for uri in arguments.get("uris", []):
                self.send({"method": "notifications/resources/updated", "params": {"uri": uri}})
            self.send({"method": "notifications/message", "params": {"level": "info", "data": "a secret of somebody"}})
            value = "changed"
        elif name == "spill":
            with open("/tmp/spill", "a") as file:
                file.write(arguments["text"])
            value = read("/tmp/spill")
        elif name == "stuck":
            value = "will not go"
        elif name == "initializations":
            value = [self.initializations, self.client]
        else:
            return self.send({"id": message["id"], "error": {"code": -32602, "message": "no such tool"}})
        self.result(message, {"content": [{"type": "text", "text": json.dumps(value)}]})

    def result(self, message, result):
        if self.modern:
            result = {"resultType": "complete", **result}
        self.send({"id": message["id"], "result": result})

    def handle(self, message):
        method = message.get("method")
        if method is None:
            waiting = self.asked.pop(message.get("id"), None)
            if waiting:
                waiting["message"] = message
                waiting["event"].set()
            return
        if method == "notifications/cancelled":
            self.cancelled.add(message["params"]["requestId"])
        if "id" not in message:
            return
        if self.modern and method == "server/discover":
            self.result(message, {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "ttlMs": 0, "cacheScope": "private"})
        elif self.modern and method == "initialize":
            self.send({"id": message["id"], "error": {"code": -32022, "message": "unsupported", "data": {"supported": ["2026-07-28"], "requested": message["params"].get("protocolVersion")}}})
        elif self.modern and method == "subscriptions/listen":
            self.send({"method": "notifications/subscriptions/acknowledged", "params": {"notifications": message["params"]["notifications"], "_meta": {"io.modelcontextprotocol/subscriptionId": message["id"]}}})
            self.send({"method": "notifications/tools/list_changed", "params": {"_meta": {"io.modelcontextprotocol/subscriptionId": message["id"]}}})
        elif not self.modern and method == "initialize":
            self.initializations += 1
            self.client = message["params"]
            self.result(message, {"protocolVersion": "2025-11-25", "capabilities": {"tools": {"listChanged": True}, "resources": {"subscribe": True}, "logging": {}},
                                  "serverInfo": {"name": "tries", "version": "1"}})
        elif method == "ping":
            self.result(message, {})
        elif method == "tools/list":
            self.result(message, {"tools": self.tools(), **({"ttlMs": 0, "cacheScope": "private"} if self.modern else {})})
        elif method == "tools/call":
            if message["params"]["name"] == "stuck":   # signals are the main thread's
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                self.stuck = True
            threading.Thread(target=self.call, args=(message,), daemon=True).start()
        elif method in ("resources/subscribe", "resources/unsubscribe"):
            self.result(message, {})
        else:
            self.send({"id": message["id"], "error": {"code": -32601, "message": "Method not found"}})

    def run(self):
        print("started", file=sys.stderr, flush=True)
        for line in sys.stdin:
            self.handle(json.loads(line))
        while getattr(self, "stuck", False):
            time.sleep(1)


START = time.time()
if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "--try":
        print(json.dumps(outcome(lambda: TRIES[sys.argv[2]](*sys.argv[3:]))), flush=True)
    else:
        if "--crash" in sys.argv:
            sys.exit(9)
        Server("--modern" in sys.argv).run()
