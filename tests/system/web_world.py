"""A rolegate-web of a test's own: a store in a folder, the program, and a
client that talks FastCGI to it as nginx/rolegate-web.conf makes nginx do.

Every answer of the API is validated against docs/openapi.yaml: a status, a
type, a member of an object that is not described there fails the test that
met it.
"""
import functools
import http.cookies
import json
import os
import re
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse

import jsonschema
import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("ROLEGATE_BUILD",
                                       os.path.join(ROOT, "build")))
ORIGIN = "https://app.example.org"
API = "/rolegate/api/v1"
COOKIE = "__Host-rolegate"
PASSWORD = "correct horse battery"

STATE = """
{"type":"member","username":"ann","email":"ann@example.org","name":"Ann","status":"active"}
{"type":"member","username":"bob","email":"bob@example.org","name":"Bob","status":"active"}
{"type":"member","username":"cid","email":"cid@example.org","name":"Cid","status":"active"}
{"type":"member","username":"dan","email":"dan@example.org","name":"Dan","status":"active"}
{"type":"member","username":"eve","email":"eve@example.org","name":"Eve","status":"active"}
{"type":"member","username":"gus","email":"gus@example.org","name":"Gus","status":"disabled"}
{"type":"member","username":"zoe","email":"zoe@example.org","name":"CANARY-zoe","status":"active"}
{"type":"account","id":"biz","name":"Business","kind":"shared","level":"account","catalogue":"call-tracking","status":"active","owner":"ann"}
{"type":"account","id":"canary","name":"CANARY-account","kind":"shared","level":"account","catalogue":"call-tracking","status":"active","owner":"zoe"}
{"type":"account","id":"net","name":"Net","kind":"shared","level":"network","catalogue":"performance-marketing","status":"active","owner":"zoe"}
{"type":"account","id":"sales","parent":"biz","name":"Sales","kind":"shared","level":"account","status":"active","owner":"ann"}
{"type":"account","id":"north","parent":"sales","name":"North","kind":"shared","level":"account","status":"active","owner":"ann"}
{"type":"grant","member":"bob","account":"biz","role":"full.editor","source":"local"}
{"type":"grant","member":"cid","account":"sales","role":"reporting.viewer","source":"local"}
{"type":"grant","member":"dan","account":"sales","role":"full.editor","source":"local"}
{"type":"grant","member":"dan","account":"net","role":"manager","source":"local"}
{"type":"grant","member":"eve","account":"net","role":"filtered_reporting","source":"local","filter":["region=West"]}
{"type":"grant","member":"zoe","account":"canary","role":"full.editor","source":"local"}
"""


# --- The description -------------------------------------------------------

with open(os.path.join(ROOT, "docs", "openapi.yaml")) as _file:
    DESCRIPTION = yaml.load(_file, Loader=getattr(yaml, "CSafeLoader",
                                                  yaml.SafeLoader))


def resolve(node):
    while "$ref" in node:
        at = DESCRIPTION
        for word in node["$ref"][2:].split("/"):
            at = at[word]
        node = at
    return node


def operations():
    for path, methods in DESCRIPTION["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def operation_of(method, path):
    """Words of the description go before its variables."""
    best = None
    for m, pattern, operation in operations():
        expression = re.sub(r"\\{[^}]*\\}|\{[^}]*\}", "[^/]+", pattern)
        if m == method and re.fullmatch(expression, path):
            if best is None or pattern.count("{") < best[0]:
                best = (pattern.count("{"), operation)
    return best[1] if best else None


@functools.lru_cache(maxsize=None)
def validator(name):
    schema = {"$ref": "#/components/schemas/" + name,
              "components": DESCRIPTION["components"]}
    return jsonschema.Draft202012Validator(schema)


SEEN = set()  # (operationId, status) of every answer that was validated


def validate(method, target, answer):
    path = target.split("?")[0][len(API):]
    operation = operation_of("GET" if method == "HEAD" else method, path)
    if operation is None:
        assert answer.status in (404, 405), (method, target, answer.status)
        name = "Problem"
    else:
        responses = operation["responses"]
        status = str(answer.status)
        # A refusal is described once for all.
        described = status in responses or (
            answer.status >= 400 and "default" in responses)
        assert described, "%s %s: %s is not described" % (
            method, target, status)
        SEEN.add((operation["operationId"], status))
        response = resolve(responses.get(status, responses.get("default")))
        kind = answer.headers.get("content-type", "").split(";")[0]
        if answer.body == b"":
            assert answer.status == 304 or method == "HEAD", (
                method, target, answer.status)
            return
        assert kind in response["content"], "%s %s: %s is not described" % (
            method, target, kind)
        schema = response["content"][kind]["schema"]
        if "$ref" not in schema:
            return
        name = schema["$ref"].split("/")[-1]
    errors = sorted(validator(name).iter_errors(answer.json()), key=str)
    assert not errors, "%s %s: %s" % (method, target, errors[0])


# --- FastCGI ---------------------------------------------------------------

def record(kind, body=b""):
    return struct.pack(">BBHHBx", 1, kind, 1, len(body), 0) + body


def pair(name, value):
    def length(n):
        return bytes([n]) if n < 128 else struct.pack(">I", n | 0x80000000)
    return length(len(name)) + length(len(value)) + name + value


def stream(kind, data):
    out = b""
    for at in range(0, len(data), 65535):
        out += record(kind, data[at:at + 65535])
    return out + record(kind)


class Answer:
    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        self.raw = raw
        self.headers = {}
        self.cookies = http.cookies.SimpleCookie()
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            assert name and _, "a bad header line: %r" % line
            if name.lower() == "set-cookie":
                self.cookies.load(value)
            self.headers[name.lower()] = value
        self.status = int(self.headers["status"].split()[0])

    def json(self):
        return json.loads(self.body)

    def code(self):
        return self.json()["code"]

    def __repr__(self):
        return "%d %s" % (self.status, self.body[:500])


def exchange(path, params, body):
    pairs = b"".join(pair(k.encode(), v.encode("utf-8", "surrogateescape"))
                     for k, v in params)
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(path)
    with s:
        try:
            s.sendall(record(1, struct.pack(">HB5x", 1, 0)) +
                      stream(4, pairs) + stream(5, body))
        except BrokenPipeError:
            pass  # it has said no already
        data = b""
        while True:
            got = s.recv(65536)
            if not got:
                break
            data += got
    out = b""
    ended = False
    while len(data) >= 8:
        _, kind, _, size, padding = struct.unpack(">BBHHBx", data[:8])
        if kind == 6:
            out += data[8:8 + size]
        ended = ended or kind == 3
        data = data[8 + size + padding:]
    assert ended, "the connection broke"
    return Answer(out)


# --- The world -------------------------------------------------------------

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Client:
    """Somebody who calls: by a session, by a token, or nobody."""

    def __init__(self, world, cookie=None, token=None, address="192.0.2.7"):
        self.world, self.cookie, self.token = world, cookie, token
        self.address = address
        self.csrf = None

    def params(self, method, target, more):
        values = {"METHOD": method, "TARGET": target, "ADDRESS": self.address}
        if self.cookie:
            values["COOKIE"] = "%s=%s" % (COOKIE, self.cookie)
        if self.token:
            values["AUTHORIZATION"] = "Bearer " + self.token
        if self.cookie and method not in ("GET", "HEAD"):
            values["ORIGIN"] = ORIGIN
            if self.csrf is None and target.startswith(API):
                self.csrf = self.get("/me").json()["csrf"]
            values["CSRF"] = self.csrf or ""
        values.update({k: v for k, v in more.items() if v is not None})
        for name in [k for k, v in more.items() if v is None]:
            values.pop(name, None)
        return [("ROLEGATE_" + k, v) for k, v in values.items()]

    def send(self, method, target, body=b"", kind=None, **more):
        params = self.params(method, target, more)
        if body or kind:
            params += [("CONTENT_LENGTH", str(len(body))),
                       ("CONTENT_TYPE", kind or "application/json")]
        answer = exchange(self.world.path("web.sock"), params, body)
        self.world.answers.append(answer.raw)
        if target.startswith(API + "/"):
            validate(method, target, answer)
        return answer

    def call(self, method, path, value=None, **more):
        body = b"" if value is None else json.dumps(value).encode()
        return self.send(method, API + path, body, **more)

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def post(self, path, value=None, **more):
        return self.call("POST", path, value, **more)

    def patch(self, path, value=None, **more):
        return self.call("PATCH", path, value, **more)

    def put(self, path, value=None, **more):
        return self.call("PUT", path, value, **more)

    def delete(self, path, **more):
        return self.call("DELETE", path, **more)

    def form(self, path, **values):
        more = {k: values.pop(k) for k in list(values) if k.isupper()}
        return self.send("POST", path,
                         urllib.parse.urlencode(values).encode(),
                         "application/x-www-form-urlencoded", **more)


class World:
    def __init__(self, state=STATE, web="", redis=False, more=""):
        self.folder = tempfile.mkdtemp(prefix="rolegate-web.")
        self.processes = []
        self.answers = []
        self.with_redis = redis
        self.log = open(self.path("web.log"), "ab")
        try:
            self.fill(state, web, more)
        except BaseException:
            self.stop()
            raise

    def fill(self, state, web, more):
        view = ""
        if self.with_redis:
            view = ("view:\n  redis: {address: 'unix:%s'}\n  key_file: %s\n"
                    % (self.path("redis.sock"), self.path("view.key")))
        with open(self.path("rolegate.yaml"), "w") as out:
            out.write("store: state.db\ncatalogues: %s/catalogs\n%s"
                      "gate:\n  cookie: %s\n  socket: gate.sock\n"
                      "web:\n  socket: web.sock\n  activity: activity.sock\n"
                      "  origin: %s\n  workers: 2\n%s%s"
                      % (ROOT, view, COOKIE, ORIGIN, web, more))
        if self.with_redis:
            self.rg("key", "new", self.path("view.key"))
        with open(self.path("state.jsonl"), "w") as out:
            out.write(state.strip() + "\n")
        self.rg("load", "--yes", self.path("state.jsonl"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def rg(self, *words, status=0, **more):
        done = subprocess.run(
            [os.path.join(BUILD, "rolegate"), "--config",
             self.path("rolegate.yaml"), *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            stdin=subprocess.DEVNULL, cwd=self.folder, **more)
        assert done.returncode == status, (words, done.returncode,
                                           done.stderr)
        return done.stdout

    def spawn(self, *words):
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL,
                                   stdout=self.log, stderr=self.log,
                                   cwd=self.folder)
        self.processes.append(process)
        return process

    def under_unit(self, program):
        """The words that start a program with the system calls that its unit
        leaves it, where systemd can say which. A build with sanitizers needs
        others."""
        path = os.path.join(BUILD, program)
        with open(path, "rb") as file:
            sanitized = b"libasan" in file.read()
        if sanitized or shutil.which("systemd-analyze") is None:
            return [path]
        return [os.path.join(ROOT, "tests/system/under-unit.py"),
                os.path.join(ROOT, "packaging/systemd", program + ".service"),
                path]

    def until(self, what, seconds=20):
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, (
                "it did not come to be: " + self.said()[-2000:])
            time.sleep(0.02)

    def said(self):
        with open(self.path("web.log"), errors="replace") as log:
            return log.read()

    def start(self):
        if self.with_redis:
            self.redis = self.spawn(
                "redis-server", "--port", "0", "--unixsocket",
                self.path("redis.sock"), "--save", "", "--appendonly", "no",
                "--dir", self.folder)
            self.until(lambda: os.path.exists(self.path("redis.sock")))
        self.web = self.spawn(*self.under_unit("rolegate-web"), "--config", self.path("rolegate.yaml"))
        self.until(lambda: os.path.exists(self.path("web.sock")) and
                   os.path.exists(self.path("activity.sock")))
        return self

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.log.close()
        said = self.said()
        shutil.rmtree(self.folder)
        assert "Sanitizer" not in said and "runtime error" not in said, said

    def sql(self, text, *values):
        """Straight at the store, to move a clock for example."""
        store = sqlite3.connect(self.path("state.db"), timeout=20)
        with store:
            rows = store.execute(text, values).fetchall()
        store.close()
        return rows

    # --- People ---

    def nobody(self, **more):
        return Client(self, **more)

    def session(self, username):
        """Signed in, without a password being needed."""
        return Client(self, cookie=self.rg("session", "add", username,
                                           "--yes").strip())

    def password(self, username, text=PASSWORD):
        path = self.path("password")
        with open(path, "w", opener=lambda p, f: os.open(p, f, 0o600)) as out:
            out.write(text)
        self.rg("member", "password", username, "--password-file", path,
                "--yes")
        os.unlink(path)

    def sign_in(self, username, text=PASSWORD, **more):
        return self.nobody().send(
            "POST", "/rolegate/sign-in",
            json.dumps({"username": username, "password": text}).encode(),
            **more)
