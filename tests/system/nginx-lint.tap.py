#!/usr/bin/python3
"""rolegate nginx lint on a corpus of configurations, good and bad ones, and in a
real nginx the proof that a bad one lets somebody in and a good one does not.

A file of nginx-lint/ is the inside of a server with the include files. Each line
that is to be found ends in `# !! CODE`. Above may stand:

  # ask: [METHOD] TARGET   a stranger asks for it: with a bad file they get in
  # at: PORT               of loopback, where they ask; else it is the site
  # wrong: STATUS          what a server that is not the gate says on its socket
  # answer: NAME           the gate allows, and says that it is NAME
  # after: NAME            they ask when the gate has allowed it to NAME
  # first: TARGET          which NAME asked for, when it was another
  # fake: yes              the application is what stands in for the gate
  # app: TEXT              the application has been told this, or shows it
  # seen: NAME=VALUE       the gate has been told this
  # unseen: NAME=VALUE     the gate has not been asked for this
  # http: TEXT             in the http block
  # main: TEXT             before it
  # without: TEXT          lines with it are not in the location of the gate
  # instead: TEXT = TEXT   the same, something else
  # gate: CODE             found in the location of the gate
  # map: CODE              found in what `http` says
  # top: CODE              found in what `main` says
  # all: CODE              found in the whole
  # refused: TEXT          nginx does not start with it, and says this
  # bare: yes              there are no include files

Whoever asks says in every header and spelling that they are eve."""
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
IDENTITY = ("Remote-User", "Remote-Groups", "X-Rolegate-Member",
            "X-Rolegate-Account", "X-Rolegate-Role", "X-Rolegate-Filter",
            "X-Rolegate-Acting-From", "X-Rolegate-Decision-Id")
SPOOF = "".join("%s: eve\r\n" % name for name in (
    *IDENTITY, *(name.replace("-", "_") for name in IDENTITY), "X-User",
    "X-Account"))
ALLOW = ("Status: 204 No Content\nX-Rolegate-Decision: allow\n"
         "X-Rolegate-Member: %s\n\n")
REFUSAL = ("Status: 403 Forbidden\nX-Rolegate-Decision: deny\n"
           "X-Rolegate-Reason: no_grant\n\n")
TOLD = " ".join("$http_" + name.lower().replace("-", "_")
                for name in IDENTITY)

NGINX = """
%(user)s
include %(root)s/tests/nginx/main.conf;
include %(tmp)s/main.conf;
http {
    include %(root)s/tests/nginx/http.conf;
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
        underscores_in_headers on;
        location / { return 200 "here %(told)s"; }
        location = /page { return 200 '<!--#include virtual="/admin/x" -->'; }
    }
}
"""


def corpus(kind):
    return sorted(glob.glob(os.path.join(HERE, "nginx-lint", kind, "*.conf")))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Site:
    """One file of the corpus, in a folder of its own."""

    def __init__(self, path):
        self.tmp = tempfile.mkdtemp(prefix="rolegate-lint.")
        self.processes = []
        self.fake = None
        self.port = free_port()
        with open(path) as file:
            text = file.read()
        self.told = {}
        for line in text.splitlines():
            told = re.match(r"# (\w+): (.*)", line)
            if told:
                self.told.setdefault(told[1], []).append(told[2])
        self.text = self.filled(text)
        try:
            self.files()
        except BaseException:
            self.close()
            raise

    def path(self, name):
        return os.path.join(self.tmp, name)

    def filled(self, text):
        for name, value in (("protect", self.path("rolegate-protect.conf")),
                            ("app", "unix:" + self.path("app.sock")),
                            ("files", self.path("files")),
                            ("port", str(self.port)),
                            ("tmp", self.tmp)):
            text = text.replace("@%s@" % name, value)
        return text

    def write(self, name, text):
        with open(self.path(name), "w") as out:
            out.write(text)

    def include(self, part):
        with open("%s/nginx/rolegate-%s.conf" % (ROOT, part)) as file:
            text = file.read().replace("/run/rolegate/gate.sock",
                                       self.path("gate.sock"))
        if part == "server":
            text = self.changed(text)
        if "bare" in self.told:
            text = ""
        self.write("rolegate-%s.conf" % part, text)

    def files(self):
        for part in ("http", "server", "protect"):
            self.include(part)
        for word, name in (("http", "more.conf"), ("main", "main.conf")):
            self.write(name, self.filled(
                "\n".join(self.told.get(word, [])) + "\n"))
        self.write("site.conf", self.text)
        self.write("nginx.conf", NGINX % {
            "tmp": self.tmp,
            "root": ROOT,
            "told": TOLD,
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
                           ("map", "more.conf"), ("top", "main.conf"),
                           ("all", "nginx.conf")):
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
        return self.processes[-1]

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

    def gate(self, answer):
        """In the place of the one before."""
        if self.fake is not None:
            self.processes.remove(self.fake)
            self.fake.terminate()
            self.fake.wait()
        self.fake = self.start(
            "/usr/bin/python3", os.path.join(HERE, "fake-gate.py"),
            self.path("gate.sock"), answer.replace("\n", "\\r\\n"),
            self.path("seen"))
        self.until_there("gate.sock")

    def serve(self, **told):
        """With a gate that refuses everybody, or something else there."""
        told = {**{name: text[0] for name, text in self.told.items()}, **told}
        self.start("nginx", "-p", self.tmp, "-e", "nginx.log", "-c",
                   "nginx.conf")
        if "after" in told:
            self.gate(ALLOW % told["after"])
            self.until_there("site.sock")
            self.ask("first" if "first" in told else "ask")
        if "answer" in told:
            self.gate(ALLOW % told["answer"])
        elif "wrong" in told:
            self.gate("Status: %s\n\n" % told["wrong"])
        else:
            self.gate(REFUSAL)
        self.until_there("site.sock")

    def gate_seen(self):
        try:
            with open(self.path("seen")) as seen:
                return seen.read().splitlines()
        except FileNotFoundError:
            return []

    def ask(self, what="ask"):
        method, _, target = ("GET " + self.told[what][0]).rpartition(" ")
        method = method.split()[-1]
        with (socket.create_connection(("127.0.0.1", self.port), 20)
              if "at" in self.told else self.connect("site.sock")) as s:
            s.sendall(("%s %s HTTP/1.0\r\nHost: app.test\r\n%s\r\n" % (
                method, target, SPOOF)).encode())
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
                ["nginx", "-T", "-q", "-p", site.tmp, "-e", "nginx.log",
                 "-c", "nginx.conf"], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True)
            if "refused" in site.told:
                self.assertIn(site.told["refused"][0], dump.stderr)
                return
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
        self.assertEqual(codes - seen, set())


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
            if site.told["ask"] != ["/_rolegate"] and "fake" not in site.told:
                self.assertTrue(body.startswith(SECRET), head + body)
            for told in site.told.get("app", []):
                self.assertIn(told.encode(), body)
            for seen in site.told.get("seen", []):
                self.assertIn(seen, site.gate_seen())
            for unseen in site.told.get("unseen", []):
                self.assertNotIn(unseen, site.gate_seen())
        self.each("bad", look)

    def test_good(self):
        """W3 a good configuration lets no stranger in, in a real nginx"""
        def look(site):
            site.serve()
            answer = site.ask()
            self.assertNotIn(SECRET, answer)
            self.assertRegex(answer, rb"^HTTP/1.1 (403|404|405)")
        self.each("good", look)

    def test_good_name(self):
        """T38 in a good configuration nobody says who they are, allowed or not"""
        def look(site):
            site.serve(answer="bob")
            answer = site.ask()
            self.assertNotIn(b"eve", answer)
            self.assertFalse([line for line in site.gate_seen()
                              if "eve" in line])
        self.each("good", look)


# A line of the include files that opens nothing when it is not there, and why.
HARMLESS = (
    "underscores_in_headers", "ignore_invalid_headers",  # so by default
    "server unix:/run/rolegate/gate.sock",  # one of several
    "random", "keepalive", "fastcgi_keep_conn", "fastcgi_store",  # speed
    "fastcgi_connect_timeout", "fastcgi_send_timeout", "fastcgi_read_timeout",
    "fastcgi_next_upstream", "fastcgi_next_upstream_tries",
    "fastcgi_next_upstream_timeout",  # a dead gate is a 500 all the same
    "fastcgi_intercept_errors",  # off by default
    "add_header",  # for people
    "error_page",  # 500 in the place of 503
    "return",  # 404 in the place of 503
    "default rolegate_denied", "allow $rolegate_app",  # nothing is let through
    "default $http_cookie", "default $rolegate_cookie_once", '"~',  # not used
    "proxy_set_header Host",
    "set $rolegate_permission", "set $rolegate_account",
    "set $rolegate_trusted_user",
    "fastcgi_param ROLEGATE_AUTHORIZATION", "fastcgi_param ROLEGATE_ADDRESS",
    "fastcgi_param ROLEGATE_HOST",  # the gate may do without
    "auth_request_set $rolegate_reason",
)


class Ours(unittest.TestCase):
    """The include files, each without one of its lines."""

    def lines(self, part):
        with open("%s/nginx/rolegate-%s.conf" % (ROOT, part)) as file:
            text = file.read()
        for line in text.splitlines():
            word = line.strip()
            if word.endswith(";") and not word.startswith("#"):
                yield word, text.replace(line + "\n", "", 1)

    def starts(self, site):
        return subprocess.run(
            ["nginx", "-t", "-q", "-p", site.tmp, "-e", "nginx.log", "-c",
             "nginx.conf"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL).returncode == 0

    def test_without(self):
        """W3 each line of the include files is missed, or opens nothing"""
        missed = 0
        site = Site(os.path.join(HERE, "nginx-lint/good/plain.conf"))
        self.addCleanup(site.close)
        for part in ("http", "server", "protect"):
            name = "rolegate-%s.conf" % part
            for line, text in self.lines(part):
                if line.startswith(HARMLESS):
                    continue
                site.write(name, text)
                with self.subTest(line):
                    found = site.lint("nginx.conf").returncode == 1
                    self.assertTrue(found or not self.starts(site))
                    missed += found
            site.include(part)
        self.assertGreater(missed, 20)

    def snippets(self, page):
        with open(os.path.join(ROOT, page)) as file:
            return re.findall(r"^```nginx\n(.*?)^```$", file.read(),
                              re.M | re.S)

    def test_pages(self):
        """W3 nothing is found in the nginx lines of the pages"""
        site = Site(os.path.join(HERE, "nginx-lint/good/plain.conf"))
        self.addCleanup(site.close)
        guide, sign_in = self.snippets("docs/guide-sysadmin.md")
        http, server, location = re.split(r"(?:\A|\n)# (?:server|each).*\n",
                                          guide)
        web, page = re.split(r"\n# a protected location.*\n", sign_in)
        readme, = self.snippets("README.md")
        site.write("pages.conf", """%s
            server { %s %s
                location /guide/ { %s %s }
                location /readme/ { %s proxy_pass http://$rolegate_pass; }
            }""" % (http, server, web, location, page, readme))
        with open(site.path("pages.conf")) as file:
            text = file.read()
        site.write("pages.conf", text.replace(
            "/usr/share/rolegate/nginx", ROOT + "/nginx"))
        done = site.lint("pages.conf")
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "", ""))

    def test_demo(self):
        """W3 nothing is found in the configurations of the demo and the tests"""
        for path in ("demo/inner.sh", "tests/system/web.bats"):
            site = Site(os.path.join(HERE, "nginx-lint/good/plain.conf"))
            self.addCleanup(site.close)
            with open(os.path.join(ROOT, path)) as file:
                text = re.search(r"cat >nginx\.conf <<-CONF\n(.*?)\n\tCONF",
                                 file.read(), re.S)[1]
            text = re.sub(r"\$tmp/(run/)?(?=rolegate-)", ROOT + "/nginx/",
                          text)
            text = text.replace("$(nginx_head)", "http {")
            text = re.sub(r"^\$\(.*\)$", "", text, flags=re.M)
            site.write("shell.conf", text.replace("\\$", "$"))
            done = site.lint("shell.conf")
            self.assertEqual((done.returncode, done.stdout, done.stderr),
                             (0, "", ""))


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

    def etc(self, site, main):
        """A folder as /etc/nginx is, with a site that includes a snippet."""
        for folder in ("snippets", "sites-available", "sites-enabled"):
            os.makedirs(site.path("etc/" + folder))
        site.write("etc/snippets/gate.conf", "include %s;\n" %
                   site.path("rolegate-protect.conf"))
        site.write("etc/sites-available/app", """include %s; server {
            include %s;
            set $rolegate_app 127.0.0.1:8081;
            location /admin/ {
                include snippets/gate.conf;
                set $rolegate_permission users.view;
                proxy_pass http://$rolegate_pass;
            }
            location /open/ { proxy_pass http://127.0.0.1:8081; }
        }""" % (site.path("rolegate-http.conf"),
                  site.path("rolegate-server.conf")))
        os.symlink("../sites-available/app",
                   site.path("etc/sites-enabled/app"))
        if main:
            site.write("etc/nginx.conf", "events { }\nhttp { include "
                       "sites-enabled/*; }\n")

    def test_prefix(self):
        """a site's includes are relative to the folder of nginx.conf"""
        site = Site(os.path.join(HERE, "nginx-lint/good/plain.conf"))
        self.addCleanup(site.close)
        self.etc(site, True)
        for folder, name in (("etc", "sites-enabled/app"),
                             ("etc/sites-enabled", "app"),
                             ("", "etc/sites-enabled/app"),
                             ("", site.path("etc/sites-enabled/app")),
                             ("etc/snippets", "../sites-available/app"),
                             ("etc", "nginx.conf"), ("", "etc/nginx.conf")):
            done = subprocess.run(
                [os.path.join(BUILD, "rolegate"), "nginx", "lint", name],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                cwd=site.path(folder))
            self.assertEqual((done.returncode, done.stderr), (1, ""), name)
            self.assertRegex(done.stdout, r"app:9: .* \[nginx_around\]\n")

    def test_no_prefix(self):
        """where there is no nginx.conf, the mend is told"""
        site = Site(os.path.join(HERE, "nginx-lint/good/plain.conf"))
        self.addCleanup(site.close)
        os.unlink(site.path("nginx.conf"))
        self.etc(site, False)
        done = site.lint("etc/sites-enabled/app")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, r"sites-enabled/app:5:1: .*relative to the "
                         r"folder of nginx.conf.*\[nginx_include\]")

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
