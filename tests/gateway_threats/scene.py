"""A running `writ serve` before a scripted server, and what the parts of these tests share."""
import http.client
import json
import os
import re
import socket
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "policy_story"))
from world import AGENT_SECRET, Checks, World  # noqa: E402, F401

from scripted import Upstream  # noqa: E402


class Scene(World):
    def __init__(self, binaries, settings="", deployment=HERE / "deployment", descriptors=None):
        self.upstream = Upstream()
        self.limit = ["prlimit", f"--nofile={descriptors}:{descriptors}"] if descriptors else []
        super().__init__(binaries, deployment)
        for file in (self.folder / "deployment").rglob("*.yaml"):
            file.write_text(file.read_text().replace(f"127.0.0.1:{self.upstream_port}", f"127.0.0.1:{self.upstream.port}"))
        with open(self.folder / "writ.yaml", "a") as config:
            config.write(settings)
        self.id_tokens = {}

    def __enter__(self):
        try:
            self.start([*self.limit, str(self.binaries / "writ"), "serve", "-c", str(self.folder / "writ.yaml")])
            self.wait_for(self.port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        super().__exit__()
        self.upstream.close()

    @property
    def process(self):
        """The server's own: `writ serve` becomes `writd`."""
        return self.started[0].pid

    def token(self, user, server="notes"):
        if user not in self.id_tokens:
            self.id_tokens[user] = self.sign_in(user)
        return self.access_token(self.id_tokens[user], server)

    def change(self, method, path, document=None):
        """A change by the admin API; when it was acknowledged, and what was answered."""
        connection = http.client.HTTPConnection("localhost", timeout=30)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(30)
        connection.sock.connect(str(self.folder / "admin.sock"))
        connection.request(method, path, json.dumps(document) if document is not None else None, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text, acknowledged = response.read(), time.monotonic()
        connection.close()
        if response.status >= 300:
            raise AssertionError(f"{method} {path}: {response.status} {text[:500]}")
        return acknowledged, text

    def set_active(self, collection, key, active):
        document = self.admin(f"/admin/v1/{collection}/{key}")
        return self.change("PUT", f"/admin/v1/{collection}/{key}", {**document, "active": active})[0]

    def resident_kb(self):
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process}/status").read_text())[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process}/fd"))


def run(checks_of):
    """Runs a part; its exit code says whether all held."""
    checks = Checks()
    checks_of(sys.argv[1], checks)
    sys.exit(checks.close())
