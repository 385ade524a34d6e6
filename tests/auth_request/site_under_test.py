"""A real nginx with a backend's snippets, an application behind it that tells
what reached it, and a client that sends targets byte by byte."""
import json
import os
import socket
import subprocess
import tempfile
import threading
import time

CONF = os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "nginx")
NGINX = """
%(user)s
include %(conf)s/main.conf;
http {
    include %(conf)s/http.conf;
    access_log off;
    %(http)s
    server {
        listen unix:%(tmp)s/site.sock;
        server_name app.test;
        %(server)s
        location / {
            %(view)s
        }
        location /admin/ {
            %(edit)s
        }
    }
}
"""


class Application(threading.Thread):
    """Says what it was asked, in JSON; `reached` has each X-Probe."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.reached = set()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(256)

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,),
                             daemon=True).start()

    def serve(self, client):
        with client, client.makefile("rb") as stream:
            line = stream.readline().decode("latin-1")
            headers = []
            while (header := stream.readline().strip()):
                name, _, value = header.decode("latin-1").partition(":")
                headers.append((name, value.strip()))
                if name.lower() == "x-probe":
                    self.reached.add(value.strip())
            said = json.dumps({"line": line.strip(), "headers": headers})
            try:
                client.sendall(("HTTP/1.0 200 OK\r\nContent-Length: %d\r\n"
                                "\r\n%s" % (len(said), said)).encode())
            except OSError:
                pass

    def close(self):
        self.listener.close()


class Answer:
    def __init__(self, status, headers, body, reached):
        self.status, self.headers, self.body = status, headers, body
        self.reached = reached

    def told(self, name):
        """The application's values of a header, of any spelling."""
        def plain(text):
            return text.lower().replace("_", "-").replace(".", "-")
        return [v for n, v in json.loads(self.body)["headers"]
                if plain(n) == plain(name)]

    def __str__(self):
        return "%s%s" % (self.status or "closed",
                         ", reached the application" if self.reached else "")


class Site:
    """`start` may be interrupted anywhere; `close` puts away what there is."""

    def __init__(self):
        self.tmp = self.app = self.nginx = self.backend = None
        self.probes = 0
        self.lock = threading.Lock()

    def start(self, backend_class):
        self.tmp = tempfile.mkdtemp(prefix="auth-request.")
        os.chmod(self.tmp, 0o755)
        self.app = Application(self.path("app.sock"))
        os.chmod(self.path("app.sock"), 0o666)
        self.app.start()
        self.backend = backend_class(self.tmp)
        names = self.backend.identity
        assert names and not isinstance(names, str), (
            "`identity` has to be a list with the name of a header")
        self.backend.start()
        self.nginx_start()

    def path(self, name):
        return os.path.join(self.tmp, name)

    def nginx_start(self):
        b = self.backend
        address = "unix:" + self.path("app.sock")
        with open(self.path("nginx.conf"), "w") as out:
            out.write(NGINX % {
                "conf": CONF, "tmp": self.tmp, "http": b.http(), "server": b.server(address),
                "view": b.protect("view", address),
                "edit": b.protect("edit", address),
                "user": "user root;" if os.getuid() == 0 else ""})
        log = open(self.path("nginx.out"), "ab")
        self.nginx = subprocess.Popen(
            ["nginx", "-p", self.tmp, "-e", "nginx.log", "-c",
             "nginx.conf"], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log)
        log.close()
        until(lambda: self.connects() or self.nginx.poll() is not None)
        assert self.nginx.poll() is None, open(self.path("nginx.out")).read()

    def connects(self):
        try:
            self.connect(1).close()
            return True
        except OSError:
            return False

    def connect(self, seconds):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(seconds)
        s.connect(self.path("site.sock"))
        return s

    def headers(self, user):
        return self.backend.headers(user) if user else []

    def ask(self, target, user=None, headers=(), method="GET", body=b"",
            host="app.test", seconds=15):
        """`headers` are lines; those of the user come first."""
        with self.lock:
            self.probes += 1
            probe = str(self.probes)
        lines = ["%s %s HTTP/1.1" % (method, target), "Host: " + host,
                 "Connection: close", "X-Probe: " + probe]
        lines += self.headers(user) + list(headers)
        data = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
        said = b""
        try:
            with self.connect(seconds) as s:
                s.sendall(data)
                while (more := s.recv(65536)):
                    said += more
        except OSError:
            pass
        head, _, rest = said.partition(b"\r\n\r\n")
        first, *others = head.decode("latin-1").split("\r\n")
        words = first.split()
        return Answer(int(words[1]) if len(words) > 1 else 0,
                      [line.partition(":")[::2] for line in others],
                      rest.decode("latin-1"), probe in self.app.reached)

    def close(self):
        if self.nginx is not None:
            self.nginx.terminate()
            self.nginx.wait()
        try:
            if self.backend is not None:
                self.backend.stop()
        finally:
            if self.app is not None:
                self.app.close()
            if self.tmp is not None:
                subprocess.run(["rm", "-rf", self.tmp], check=True)


def until(what, seconds=30.0, step=0.02):
    """True as soon as it is so; False when the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(step)
    return False
