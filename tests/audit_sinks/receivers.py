"""Receivers of audit records that can be told to misbehave: a webhook, and a syslog server over TLS. Python's standard library only."""
import http.server
import json
import socket
import ssl
import subprocess
import threading


class Webhook:
    """`mode`: ok | 500 | hang (takes the request and never answers) | lost (takes it, then breaks the connection off)."""

    def __init__(self):
        self.mode, self.lines, self.requests = "ok", [], []
        self.released = threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if receiver.mode == "500":
                    self.send_response(500)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                if receiver.mode == "hang":
                    receiver.released.wait(30)
                    self.close_connection = True
                    return
                receiver.requests.append(dict(self.headers))
                receiver.lines += [json.loads(line) for line in body.splitlines()]
                if receiver.mode == "lost":
                    receiver.mode = "ok"
                    self.close_connection = True
                    return
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.released.set()
        self.server.shutdown()


class SyslogOverTls:
    """RFC 5425. `mode`: ok | abrupt (reads everything and breaks off without the end of TLS)."""

    def __init__(self, folder):
        self.mode, self.messages, self.connections, self.failed = "ok", [], 0, []
        self.certificate = folder / "syslog.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(folder / "syslog.key"), "-out", str(self.certificate), "-days", "2",
                        "-subj", "/CN=syslog", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:TRUE"], check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, folder / "syslog.key")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, plain):
        try:
            plain.settimeout(20)
            peer = self.context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False)
            self.connections += 1
            data = b""
            while True:
                part = peer.recv(65536)
                if not part:
                    break
                data += part
            self.messages += list(unframe(data))
            if self.mode == "abrupt":
                self.mode = "ok"
                peer.close()
                return
            peer.unwrap().close()
        except (OSError, ValueError) as error:
            self.failed.append(repr(error))

    def close(self):
        self.listener.close()


def unframe(data):
    while data:
        size, _, rest = data.partition(b" ")
        size = int(size)
        if len(rest) < size:
            raise ValueError("a message is cut off")
        yield rest[:size].decode()
        data = rest[size:]
