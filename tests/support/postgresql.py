"""A PostgreSQL of the test's own: in a temporary folder, on a local socket only, stopped by its process id."""
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path


def programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[-2]))
    return Path(found[-1]) if found else None


class Cluster:
    @staticmethod
    def is_available():
        return programs() is not None

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="writ-pg-"))
        self.server = None
        # PostgreSQL refuses to run as root.
        self.as_ = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []

    def __enter__(self):
        if self.as_:
            shutil.chown(self.folder, "postgres")
        self.folder.chmod(0o755)
        subprocess.run([*self.as_, str(programs() / "initdb"), "-D", f"{self.folder}/data", "-A", "trust", "-U", "writ", "--no-sync"], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        log = open(self.folder / "log", "w")
        self.server = subprocess.Popen([*self.as_, str(programs() / "postgres"), "-D", f"{self.folder}/data", "-k", str(self.folder), "-c", "listen_addresses="], cwd=self.folder,
                                       stdout=log, stderr=subprocess.STDOUT)
        return self

    def __exit__(self, *_):
        self.server.send_signal(signal.SIGINT)
        try:
            self.server.wait(15)
        except subprocess.TimeoutExpired:
            self.server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def create(self, database):
        for _ in range(150):
            done = subprocess.run(["psql", "-h", str(self.folder), "-U", "writ", "-d", "postgres", "-qc", f"CREATE DATABASE {database}"], capture_output=True, text=True)
            if done.returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"no database: {done.stderr}")

    def store(self, database):
        """The setting for writ.yaml."""
        return f'store: {{postgresql: "host={self.folder} user=writ dbname={database}"}}\n'
