#!/usr/bin/python3
"""rolegate nginx lint on a corpus of configurations, good and bad ones, and in a
real nginx the proof that a bad one lets somebody in and a good one does not.

A file of nginx-lint/ is the inside of a server with the include files. Each line
that is to be found ends in `# !! CODE`. Above may stand:

  # ask: [METHOD] TARGET   a stranger asks for it: with a bad file they get in
  # wrong: STATUS          what a server that is not the gate says on its socket
  # http: TEXT             in the http block
  # without: TEXT          lines with it are not in the location of the gate
  # instead: TEXT = TEXT   the same, something else
  # gate: CODE             found in the location of the gate
  # map: CODE              found in what `http` says
  # all: CODE              found in the whole
  # bare: yes              there are no include files"""
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import tap

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, os.environ.get("ROLEGATE_BUILD", "build"))
SECRET = b"here"

NGINX = """
%(user)s
worker_processes 1;
daemon off;
pid %(tmp)s/nginx.pid;
error_log %(tmp)s/nginx.log warn;
events {}
http {
    client_body_temp_path %(tmp)s/body;
    proxy_temp_path %(tmp)s/proxy;
    fastcgi_temp_path %(tmp)s/fastcgi;
    uwsgi_temp_path %(tmp)s/uwsgi;
    scgi_temp_path %(tmp)s/scgi;
    access_log off;
    include %(tmp)s/rolegate-http.conf;
    include %(tmp)s/more.conf;
    server {
        listen unix:%(tmp)s/site.sock;
        set $rolegate_app unix:%(tmp)s/app.sock;
        include %(tmp)s/rolegate-server.conf;
        include %(tmp)s/site.conf;
    }
    server {
        listen unix:%(tmp)s/app.sock;
        location / { return 200 "here"; }
    }
}
"""


def corpus(kind):
    return sorted(glob.glob(os.path.join(HERE, "nginx-lint", kind, "*.conf")))


class Site:
    """One file of the corpus, in a folder of its own."""

    def __init__(self, path):
        self.tmp = tempfile.mkdtemp(prefix="rolegate-lint.")
        self.processes = []
        with open(path) as file:
            text = file.read()
        self.told = {}
        for line in text.splitlines():
            told = re.match(r"# (\w+): (.*)", line)
            if told:
                self.told.setdefault(told[1], []).append(told[2])
        self.text = self.filled(text)
        self.files()

    def path(self, name):
        return os.path.join(self.tmp, name)

    def filled(self, text):
        for name, value in (("protect", self.path("rolegate-protect.conf")),
                            ("app", "unix:" + self.path("app.sock")),
                            ("files", self.path("files")),
                            ("tmp", self.tmp)):
            text = text.replace("@%s@" % name, value)
        return text

    def write(self, name, text):
        with open(self.path(name), "w") as out:
            out.write(text)

    def files(self):
        for part in ("http", "server", "protect"):
            with open("%s/nginx/rolegate-%s.conf" % (ROOT, part)) as file:
                text = file.read().replace("/run/rolegate/gate.sock",
                                           self.path("gate.sock"))
            if part == "server":
                text = self.changed(text)
            if "bare" in self.told:
                text = ""
            self.write("rolegate-%s.conf" % part, text)
        self.write("more.conf", self.filled(
            "\n".join(self.told.get("http", [])) + "\n"))
        self.write("site.conf", self.text)
        self.write("nginx.conf", NGINX % {
            "tmp": self.tmp,
            "user": "user root;" if os.getuid() == 0 else ""})
        for folder in ("files/files", "pictures"):
            os.makedirs(self.path(os.path.join("files", folder)))
        for name in ("files/files/secret", "files/secret"):
            os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
            self.write(name, "here")

    def changed(self, text):
        for without in self.told.get("without", []):
            text = "".join(line for line in text.splitlines(True)
                           if without not in line)
        for instead in self.told.get("instead", []):
            before, after = instead.split(" = ")
            assert before in text, before
            text = text.replace(before, self.filled(after), 1)
        return text

    def wanted(self):
        """(file, line, code); a line of None is any."""
        found = set()
        for number, line in enumerate(self.text.splitlines(), 1):
            for code in re.findall(r"!! (\w+)", line):
                found.add(("site.conf", number, code))
        for word, name in (("gate", "rolegate-server.conf"),
                           ("map", "more.conf"), ("all", "nginx.conf")):
            for code in self.told.get(word, []):
                found.add((name, None, code))
        return found

    def lint(self, *words, **more):
        return subprocess.run(
            [os.path.join(BUILD, "rolegate"), "nginx", "lint", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=self.tmp, **more)

    # --- A real nginx ---

    def start(self, *words):
        with open(self.path("log"), "ab") as log:
            self.processes.append(subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.tmp))

    def until_there(self, name):
        end = time.monotonic() + 20
        while True:
            try:
                self.connect(name).close()
                return
            except OSError:
                with open(self.path("log"), errors="replace") as log:
                    assert time.monotonic() < end, log.read()
                time.sleep(0.02)

    def connect(self, name):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(20)
        s.connect(self.path(name))
        return s

    def serve(self):
        """With a gate that refuses everybody, or something else there."""
        status = self.told.get("wrong", ["403"])[0]
        answer = ("Status: %s\\r\\n%s\\r\\n" % (
            status, "" if status != "403" else
            "X-Rolegate-Decision: deny\\r\\nX-Rolegate-Reason: no_grant\\r\\n"
        ))
        self.start("/usr/bin/python3", os.path.join(HERE, "fake-gate.py"),
                   self.path("gate.sock"), answer)
        self.start("nginx", "-e", self.path("nginx.log"), "-c",
                   self.path("nginx.conf"))
        self.until_there("gate.sock")
        self.until_there("site.sock")

    def ask(self):
        method, _, target = ("GET " + self.told["ask"][0]).rpartition(" ")
        method = method.split()[-1]
        with self.connect("site.sock") as s:
            s.sendall(("%s %s HTTP/1.0\r\nHost: app.test\r\n\r\n" % (
                method, target)).encode())
            return s.makefile("rb").read()

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait()
        shutil.rmtree(self.tmp)


class Corpus(unittest.TestCase):
    def each(self, kind, what):
        for path in corpus(kind):
            with self.subTest(os.path.basename(path)):
                site = Site(path)
                try:
                    what(site)
                finally:
                    site.close()

    def found(self, site, *words, **more):
        done = site.lint(*words, "--json", **more)
        self.assertEqual(done.stderr, "")
        found = json.loads(done.stdout)["findings"]
        self.assertEqual(done.returncode, 1 if found else 0)
        return {(os.path.basename(f["file"]), f["line"], f["code"])
                for f in found}

    def same(self, found, wanted):
        any_line = {(name, code) for name, line, code in wanted
                    if line is None}
        self.assertEqual(
            {(n, None if (n, c) in any_line else l, c) for n, l, c in found},
            wanted)

    def test_bad(self):
        """W3 each bad configuration is found, with file, line and code"""
        self.each("bad", lambda site: self.same(
            self.found(site, "nginx.conf"), site.wanted()))

    def test_good(self):
        """W3 in a good configuration nothing is found"""
        self.each("good", lambda site: self.assertEqual(
            self.found(site, "nginx.conf"), set()))

    def test_dump(self):
        """W3 what nginx -T prints is read as the files are"""
        def look(site):
            dump = subprocess.run(
                ["nginx", "-T", "-q", "-e", site.path("nginx.log"), "-c",
                 site.path("nginx.conf")], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True)
            self.assertEqual(dump.returncode, 0, dump.stderr)
            self.same(self.found(site, "-", input=dump.stdout),
                      site.wanted())
            self.same(self.found(site, input=dump.stdout), site.wanted())
        self.each("bad", look)
        self.each("good", look)

    def test_every_code(self):
        """W3 each rule of docs/nginx-lint.md has its bad configuration"""
        with open(os.path.join(ROOT, "docs/nginx-lint.md")) as file:
            codes = set(re.findall(r"^\| `(nginx_\w+)`", file.read(), re.M))
        seen = set()
        self.each("bad", lambda site: seen.update(
            code for _, _, code in site.wanted()))
        # What nginx itself refuses has none.
        self.assertEqual(codes - seen, {"nginx_auth_in_if"})


class Live(unittest.TestCase):
    each = Corpus.each

    def test_bad(self):
        """W3 a bad configuration lets a stranger in, in a real nginx"""
        def look(site):
            if "ask" not in site.told:
                return
            site.serve()
            head, _, body = site.ask().partition(b"\r\n\r\n")
            self.assertTrue(b" 404 " not in head.split(b"\r\n")[0], head)
            if site.told["ask"] != ["/_rolegate"]:
                self.assertEqual(body, SECRET, head)
        self.each("bad", look)

    def test_good(self):
        """W3 a good configuration lets no stranger in, in a real nginx"""
        def look(site):
            site.serve()
            answer = site.ask()
            self.assertNotIn(SECRET, answer)
            self.assertRegex(answer, rb"^HTTP/1.1 (403|404|405)")
        self.each("good", look)


class Words(unittest.TestCase):
    def test_ours(self):
        """W3 nothing is found in the example site"""
        with tempfile.TemporaryDirectory() as tmp:
            for path in glob.glob(ROOT + "/nginx/*.conf"):
                with open(path) as file:
                    text = file.read()
                with open(os.path.join(tmp, os.path.basename(path)),
                          "w") as out:
                    out.write(text.replace("/usr/share/rolegate/nginx", tmp))
            done = subprocess.run(
                [BUILD + "/rolegate", "nginx", "lint",
                 tmp + "/example-site.conf"], stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True,
                stdin=subprocess.DEVNULL)
            self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_lines(self):
        """what is found is one line, with file, line, mend and code"""
        site = Site(os.path.join(HERE, "nginx-lint/bad/T15-satisfy.conf"))
        self.addCleanup(site.close)
        done = site.lint("nginx.conf")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(
            done.stdout, r"^/.*/site\.conf:\d+: satisfy any: lets in .*; "
            r"write satisfy all; \[nginx_satisfy\]\n$")

    def test_unreadable(self):
        """what cannot be read is 3, with its place"""
        site = Site(os.path.join(HERE, "nginx-lint/good/plain.conf"))
        self.addCleanup(site.close)
        for text, code in (("http {", "nginx_syntax"),
                           ("a 'b;", "nginx_syntax"),
                           ("}", "nginx_syntax"),
                           ("a {" * 40 + "}" * 40, "nginx_too_large"),
                           ("include nothing.conf;", "file_read"),
                           ("include own.conf;", "nginx_too_large")):
            site.write("own.conf", text)
            done = site.lint("own.conf")
            self.assertEqual(done.returncode, 3, text)
            self.assertIn("[%s]" % code, done.stderr)
        self.assertEqual(site.lint("missing.conf").returncode, 3)


if __name__ == "__main__":
    tap.main()
