"""Certificates for one run of the test, by the openssl command: an authority, what it vouches for, and what nobody vouches for."""
import subprocess
from pathlib import Path

CONFIGURATION = """[ca]
default_ca = own
[own]
dir = {folder}
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
[req]
distinguished_name = none
[none]
"""


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, text=True, timeout=30).stdout


def new_key(path):
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
    path.chmod(0o600)


class Certificate:
    def __init__(self, file, key):
        self.file, self.key = file, key

    def fingerprint(self):
        return openssl("x509", "-in", self.file, "-noout", "-fingerprint", "-sha256").strip().split("=")[1]


class Authority:
    def __init__(self, folder, name="Clients CA"):
        self.folder = Path(folder)
        self.folder.mkdir()
        (self.folder / "index.txt").write_text("")
        (self.folder / "serial").write_text("1000\n")
        (self.folder / "ca.cnf").write_text(CONFIGURATION.format(folder=self.folder))
        self.file, self.key = self.folder / "ca.pem", self.folder / "ca.key"
        new_key(self.key)
        openssl("req", "-new", "-x509", "-key", self.key, "-out", self.file, "-subj", f"/O=Acme/CN={name}", "-days", 2)

    def issue(self, name, subject, names="", usage="clientAuth", begins="", ends=""):
        file, key, request = (self.folder / f"{name}.{kind}" for kind in ("pem", "key", "csr"))
        new_key(key)
        extensions = ["-addext", f"extendedKeyUsage={usage}"] + (["-addext", f"subjectAltName={names}"] if names else [])
        openssl("req", "-new", "-key", key, "-out", request, "-subj", subject, *extensions)
        dates = ["-startdate", begins, "-enddate", ends] if begins else ["-days", 2]
        openssl("ca", "-batch", "-config", self.folder / "ca.cnf", "-cert", self.file, "-keyfile", self.key, "-in", request, "-out", file, "-notext", "-preserveDN", *dates)
        return Certificate(file, key)


def self_signed(folder, name, subject):
    file, key = Path(folder) / f"{name}.pem", Path(folder) / f"{name}.key"
    new_key(key)
    openssl("req", "-new", "-x509", "-key", key, "-out", file, "-subj", subject, "-days", 2)
    return Certificate(file, key)
