"""A folder with a deployment that `writ init` made, the words that work on it, and what stands around it: an issuer, a receiver, certificates."""
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from email.utils import formatdate
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from checks import free_port  # noqa: E402

KEY = {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "one", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


class Around(http.server.ThreadingHTTPServer):
    """Plays an identity provider and a receiver, and remembers who asked for what."""

    def __init__(self):
        self.asked, self.ahead, self.issuer_says = [], 0, None
        around = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                around.asked.append((self.command, self.path, dict(self.headers)))
                body = b""
                if self.path.endswith("/jwks"):
                    body = json.dumps({"keys": [KEY]}).encode()
                elif ".well-known" in self.path:
                    body = json.dumps({"issuer": around.issuer_says or around.base, "jwks_uri": f"{around.base}/jwks", "authorization_endpoint": f"{around.base}/authorize"}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_POST = answer

            def date_time_string(self, timestamp=None):
                return formatdate(time.time() + around.ahead, usegmt=True)

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Deployment:
    def __init__(self, binaries):
        self.writ_program = str(Path(binaries).resolve() / "writ")
        self.folder = Path(tempfile.mkdtemp(prefix="writ-doctor-"))
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.config = self.folder / "writ.yaml"
        self.data = self.folder / "data"
        self.server = None
        self.printed = ""   # by every word that ran: no secret may be in it

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def writ(self, *words, text=""):
        done = subprocess.run([self.writ_program, *map(str, words)], input=text, capture_output=True, text=True, timeout=120, cwd=self.folder)
        self.printed += done.stdout + done.stderr
        return done.returncode, done.stdout, done.stderr

    def init(self, *more):
        return self.writ("init", self.folder, "--base-url", self.base, "--no-input", *more)

    def doctor(self, *more):
        """Exit code and findings."""
        code, out, err = self.writ("doctor", "-c", self.config, "--json", *more)
        return code, json.loads(out)["findings"] if out else [{"level": "wrong", "area": "none", "what": err}]

    def serve(self):
        log = open(self.folder / "log", "a")
        self.server = subprocess.Popen([self.writ_program, "serve", "-c", str(self.config)], stdout=log, stderr=subprocess.STDOUT, cwd=self.folder)
        for _ in range(200):
            try:
                with urllib.request.urlopen(f"{self.base}/healthz", timeout=5) as answer:
                    return answer.status == 200
            except OSError:
                if self.server.poll() is not None:
                    return False
                time.sleep(0.05)
        return False

    def stop(self):
        if self.server and self.server.poll() is None:
            self.server.terminate()
            self.server.wait(20)
        self.server = None

    def log(self):
        return (self.folder / "log").read_text() if (self.folder / "log").exists() else ""

    def state(self, folder=None):
        """Everything below the folder: names, modes and content."""
        found = {}
        for path in sorted((folder or self.folder).rglob("*")):
            if path.is_file():
                found[str(path)] = (oct(path.stat().st_mode), hashlib.sha256(path.read_bytes()).hexdigest())
            else:
                found[str(path)] = oct(path.stat().st_mode)
        return found


class Authority:
    """Certificates by the command line of OpenSSL."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "100", "-subj", "/CN=authority")

    def run(self, *words):
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def issue(self, name, names, begins=-1, days=90):
        """Paths of certificate and key; `begins` and `days` in days from now."""
        self.run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (self.folder / f"{name}.cnf").write_text(f"subjectAltName={names}\n")
        (self.folder / "index").write_text("")
        (self.folder / "serial").write_text("01\n")
        (self.folder / "ca.cnf").write_text("[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
        at = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + day * 86400)) for day in (begins, days)]
        self.run("ca", "-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", f"{name}.csr", "-out", f"{name}.pem", "-extfile", f"{name}.cnf", "-startdate", at[0], "-enddate", at[1], "-notext")
        os.chmod(self.folder / f"{name}.key", 0o600)
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"
