"""A gate with many members, a real Redis and a publisher, and between the gate
and its Redis somebody who does harm: answers that are late, cut, hostile or
another's.

Members m0, m1, ... ask for `users.add` on an account of their own each. One
in three may, one lacks the permission, and one has no grant there.
"""
import collections
import importlib
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

os.environ.pop("ROLEGATE_CONFIG", None)
client = importlib.import_module("fcgi-client")

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("ROLEGATE_BUILD",
                                       os.path.join(ROOT, "build")))
REASONS = ("granted", "no_permission", "no_grant")
CACHE_KB = 4096

# What a worker may have had in memory at its most: 20 MiB for the program
# itself with its libraries and its arenas; the near cache, which is CACHE_KB
# here; one reply of Redis, half a MiB, held twice while it is read; 4 MiB that
# wait to be written to it; and 4 KiB for each of some thousand connections.
MEMORY_KB = 20480 + CACHE_KB + 2 * 516 + 4096 + 4096

with open(os.path.join(BUILD, "rolegated"), "rb") as _program:
    # A sanitizer keeps what was freed.
    SANITIZED = b"__asan_init" in _program.read()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def reason_due(number):
    return REASONS[number % 3]


# --- Between the gate and Redis --------------------------------------------

class Pair:
    """A connection of the gate, and the one behind it to Redis."""

    def __init__(self, near, far):
        self.near, self.far = near, far
        self.watches = False  # it is the one that hears of changes
        self.harmed = False  # something of it was changed or lost
        self.out = b""  # drip: what is still to go
        self.data = b""  # behind: part of a reply
        self.last = None  # behind: the reply before
        self.replies_left = 0  # behind: until it loses count


def whole_reply(data):
    """Of GET: the length of its first reply, or 0."""
    end = data.find(b"\r\n")
    if end < 0:
        return 0
    length = end + 2
    if data[:1] == b"$" and data[1:2] != b"-":
        length += int(data[1:end]) + 2
    return length if len(data) >= length else 0


class Proxy(threading.Thread):
    """Passes on what the two say, unless it is told otherwise:

    refuse   nobody is there
    swallow  everything is lost, and no connection ends
    deaf     the same, for the connection that hears of changes
    drip     a byte a second
    say      `words` in answer to whatever is asked
    cut      the beginning of a reply, then the end
    behind   after some replies, always the one before
    """

    def __init__(self, front, back):
        super().__init__(daemon=True)
        self.front, self.back = front, back
        self.lock = threading.RLock()
        self.mode, self.words = "pass", b""
        self.pairs = {}
        self.taken = []  # when, and whose connection
        self.random = random.Random(8)
        self.ending = False
        self.listener = None
        self.listen()
        self.start()

    def listen(self):
        if os.path.exists(self.front):
            os.unlink(self.front)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.front)
        self.listener.listen(64)

    def set(self, mode, words=b""):
        with self.lock:
            if mode == "refuse":
                os.unlink(self.front)
                self.listener.close()
                self.listener = None
                self.drop_all()
            elif self.listener is None:
                self.listen()
            if mode == "pass":
                self.drop_all(lambda pair: pair.harmed)
            self.mode, self.words = mode, words

    def turn_to(self, back):
        """Another server is in the place of the one before."""
        with self.lock:
            self.back = back
            self.drop_all()

    def leave(self, back):
        """The same, but who hears of changes stays with the one before."""
        with self.lock:
            self.back = back
            self.drop_all(lambda pair: not pair.watches)

    def drop_all(self, which=lambda pair: True):
        for pair in set(self.pairs.values()):
            if which(pair):
                self.drop(pair)

    def drop(self, pair):
        for s in (pair.near, pair.far):
            if s is not None:
                self.pairs.pop(s, None)
                s.close()

    def take(self):
        near, _ = self.listener.accept()
        pid = struct.unpack("3i", near.getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        self.taken.append((time.monotonic(), pid))
        far = None
        try:
            far = socket.socket(socket.AF_UNIX)
            far.settimeout(2)
            far.connect(self.back)
        except OSError:
            far = None
            if self.mode not in ("swallow", "say"):
                near.close()
                return
        near.settimeout(2)
        pair = Pair(near, far)
        pair.replies_left = self.random.randint(1, 30)
        for s in (near, far):
            if s is not None:
                self.pairs[s] = pair

    def run(self):
        drip_at = 0
        while not self.ending:
            with self.lock:
                wanted = list(self.pairs)
                if self.listener is not None:
                    wanted.append(self.listener)
            try:
                ready = select.select(wanted, [], [], 0.02)[0]
            except (OSError, ValueError):
                continue  # one was closed meanwhile
            with self.lock:
                for s in ready:
                    self.stir(s)
                if time.monotonic() - drip_at >= 1:
                    drip_at = time.monotonic()
                    self.drip()

    def stir(self, s):
        if s is self.listener:
            self.take()
            return
        pair = self.pairs.get(s)
        if pair is None:
            return
        try:
            data = s.recv(65536)
            if not data:
                self.drop(pair)
            elif s is pair.near:
                self.asked(pair, data)
            else:
                self.answered(pair, data)
        except OSError:
            self.drop(pair)

    def loses(self, pair):
        return self.mode == "swallow" or (self.mode == "deaf" and
                                          pair.watches)

    def asked(self, pair, data):
        pair.watches = pair.watches or b"SUBSCRIBE" in data
        if self.mode == "say":
            pair.harmed = True
            pair.near.sendall(self.words)
        elif self.loses(pair):
            pair.harmed = True
        elif pair.far is None:
            self.drop(pair)
        else:
            pair.far.sendall(data)

    def answered(self, pair, data):
        if self.mode == "say" or self.loses(pair):
            pair.harmed = True
        elif self.mode == "drip":
            pair.harmed = True
            pair.out += data
        elif self.mode == "cut":
            pair.near.sendall(data[:min(20, len(data) // 2)])
            self.drop(pair)
        elif self.mode == "behind" and not pair.watches:
            pair.harmed = True
            self.behind(pair, data)
        else:
            pair.near.sendall(data)

    def behind(self, pair, data):
        pair.data += data
        while (length := whole_reply(pair.data)):
            reply, pair.data = pair.data[:length], pair.data[length:]
            pair.replies_left -= 1
            late = pair.replies_left <= 0 and pair.last is not None
            pair.near.sendall(pair.last if late else reply)
            pair.last = reply

    def drip(self):
        for pair in set(self.pairs.values()):
            if pair.out:
                try:
                    pair.near.sendall(pair.out[:1])
                except OSError:
                    self.drop(pair)
                    continue
                pair.out = pair.out[1:]

    def stop(self):
        self.ending = True
        self.join()
        self.drop_all()
        if self.listener is not None:
            self.listener.close()


# --- The world --------------------------------------------------------------

class Line:
    """One connection to the gate that is kept, and so one worker."""

    def __init__(self, world):
        self.world = world
        self.socket = None

    def ask(self, member, account, permission="users.add"):
        words = ["USER=" + member, "ACCOUNT=" + account,
                 "PERMISSION=" + permission]
        for _ in range(4):
            try:
                if self.socket is None:
                    self.socket = client.connect(self.world.gate_socket)
                self.socket.sendall(client.request(client.pairs_of(words)))
                return client.short(client.answer(self.socket))
            except OSError:
                self.close()
        return "failed"

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None


class World:
    def __init__(self, members=60, cache_kb=CACHE_KB, heartbeat_max_s=2,
                 gate="", nofile=None, clock=False, database=None,
                 front=None):
        self.folder = tempfile.mkdtemp(prefix="rolegate-faults.")
        self.gate_socket = self.path("gate.sock")
        self.members = members
        self.nofile, self.nginx = nofile, None
        self.processes, self.proxies, self.lines = [], [], []
        self.killed = 0  # workers, by the test
        self.memory_kb = 0
        self.environ = dict(os.environ, ROLEGATE_CONFIG=self.path(
            "rolegate.yaml"))
        self.gate_environ = dict(self.environ)
        if clock:
            self.clock_set(0)
            self.gate_environ.update(
                LD_PRELOAD=os.path.join(BUILD, "clock.so"),
                ROLEGATE_TEST_CLOCK=self.path("clock"),
                ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") +
                ":verify_asan_link_order=0")
        self.publisher = self.path("redis.sock")
        self.settings = dict(cache=cache_kb * 1024, beat=heartbeat_max_s,
                             database=database or 0, more=gate,
                             front=front or "unix:" + self.path("front.sock"))
        try:
            self.rg("key", "new", self.path("view.key"), configured=False)
            self.configure()
            self.state_write()
        except BaseException:
            shutil.rmtree(self.folder)
            raise

    def path(self, name):
        return os.path.join(self.folder, name)

    def configure(self):
        with open(self.path("rolegate.yaml"), "w") as out:
            out.write("""store: state.db
catalogues: {root}/catalogs
view:
  redis: {{address: "unix:{publisher}"}}
  key_file: {key}
gate:
  redis: {{address: "{front}", database: {database}}}
  socket: {socket}
  control: {control}
  workers: 2
  cookie: sid
  trusted_user: yes
  log: off
  cache_bytes: {cache}
  heartbeat_max_s: {beat}
{more}""".format(root=ROOT, publisher=self.publisher,
                 key=self.path("view.key"),
                 socket=self.gate_socket, control=self.path("control.sock"),
                 **self.settings))

    def state_write(self):
        rows = [{"type": "member", "username": "boss", "status": "active"},
                {"type": "account", "id": "biz", "kind": "shared",
                 "level": "account", "catalogue": "call-tracking",
                 "status": "active", "owner": "boss"},
                {"type": "account", "id": "else", "kind": "shared",
                 "level": "account", "catalogue": "call-tracking",
                 "status": "active", "owner": "boss"}]
        rows += [{"type": "member", "username": "m%d" % i, "status": "active"}
                 for i in range(self.members)]
        rows += [{"type": "account", "id": "a%d" % i, "parent": "biz",
                  "kind": "shared", "level": "account", "status": "active"}
                 for i in range(self.members)]
        rows += [{"type": "grant", "member": "m%d" % i, "source": "local",
                  "account": "else" if i % 3 == 2 else "a%d" % i,
                  "role": "reporting.viewer" if i % 3 == 1
                  else "full.editor"} for i in range(self.members)]
        with open(self.path("state.jsonl"), "w") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)
        self.rg("load", "--yes", self.path("state.jsonl"), status=(0, 4))

    def questions(self, numbers=None):
        """A file for asker: every member, or these."""
        path = self.path("questions")
        with open(path, "w") as out:
            for i in range(self.members) if numbers is None else numbers:
                out.write("m%d a%d users.add %s\n" % (i, i, reason_due(i)))
        return path

    # --- Programs ---

    def rg(self, *words, status=(0,), configured=True):
        done = subprocess.run(
            [os.path.join(BUILD, "rolegate"), *words], cwd=self.folder,
            env=self.environ if configured else None,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        assert done.returncode in status, (words, done.returncode,
                                           done.stderr)
        return done.stdout

    def spawn(self, *words, log, env=None, **more):
        with open(self.path(log), "ab") as out:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                cwd=self.folder, env=env or self.environ, **more)
        self.processes.append(process)
        return process

    def end(self, process, how=signal.SIGTERM):
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process in self.processes:
            self.processes.remove(process)

    def until(self, what, seconds=20):
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, (
                "it did not come to be: " + self.said()[-2000:])
            time.sleep(0.01)

    def said(self, log="gate.log"):
        try:
            with open(self.path(log), errors="replace") as lines:
                return lines.read()
        except FileNotFoundError:
            return ""

    def redis_up(self, name="redis.sock", *more):
        place = self.path(name)
        if os.path.exists(place):
            os.unlink(place)
        process = self.spawn(
            "redis-server", "--port", "0", "--unixsocket", place, "--save",
            "", "--appendonly", "no", "--dir", self.folder, *more,
            log="redis.log")
        self.until(lambda: os.path.exists(place) and
                   self.redis("PING", place=name) == "PONG")
        return process

    def redis(self, *words, place="redis.sock"):
        return subprocess.run(
            ["redis-cli", "-s", self.path(place), "--raw", *words],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True).stdout.strip()

    def follow(self):
        self.follower = self.spawn(os.path.join(BUILD, "rolegate"),
                                   "publish", "--follow", log="follow.log")
        return self.follower

    def gate_up(self):
        words = [os.path.join(BUILD, "rolegated")]
        if self.nofile:
            words = ["prlimit", "--nofile=%d:%d" % (self.nofile, self.nofile)
                     ] + words
        self.gate = self.spawn(*words, log="gate.log", env=self.gate_environ)
        self.until(lambda: os.path.exists(self.gate_socket))

    def start(self, *redis_words):
        self.server = self.redis_up("redis.sock", *redis_words)
        self.proxy = self.proxy_make("front.sock", self.path("redis.sock"))
        self.follow()
        self.gate_up()
        self.until(self.knows)
        return self

    def proxy_make(self, front, back):
        proxy = Proxy(self.path(front), back)
        self.proxies.append(proxy)
        return proxy

    def stop(self):
        self.memory_look()
        for line in self.lines:
            line.close()
        if self.nginx is not None:
            self.end(self.nginx, signal.SIGQUIT)
        for process in reversed(list(self.processes)):
            self.end(process)
        for proxy in self.proxies:
            proxy.stop()
        said = self.said()
        shutil.rmtree(self.folder)
        assert "Sanitizer" not in said and "runtime error" not in said, said
        assert said.count("[worker_died]") == self.killed, said
        assert SANITIZED or self.memory_kb <= MEMORY_KB, (
            "a worker had %d KiB, the bound is %d" % (self.memory_kb,
                                                      MEMORY_KB))

    # --- Workers ---

    def workers(self):
        pid = self.gate.pid
        with open("/proc/%d/task/%d/children" % (pid, pid)) as children:
            return [int(word) for word in children.read().split()]

    def kill(self, pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.killed += 1

    def memory_look(self):
        """The most that any worker had."""
        try:
            pids = self.workers()
        except (AttributeError, OSError):
            return
        for pid in pids:
            try:
                with open("/proc/%d/status" % pid) as status:
                    peak = re.search(r"VmHWM:\s*(\d+)", status.read())
            except OSError:
                continue
            if peak:
                self.memory_kb = max(self.memory_kb, int(peak.group(1)))

    def gate_status(self):
        text = self.rg("status", "--gate", "--json")
        return json.loads(text)["status"]

    def trusted(self):
        workers = self.gate_status()["gate_workers"]
        return len(workers) == 2 and all(w["trusted"] for w in workers)

    # --- Asking ---

    def line(self):
        line = Line(self)
        self.lines.append(line)
        return line

    def ask(self, *words):
        line = Line(self)
        try:
            return line.ask(*words)
        finally:
            line.close()

    def knows(self):
        return self.ask("boss", "biz") == "204 allow granted"

    def asker(self, *options, place=None, numbers=None):
        return subprocess.Popen(
            [os.path.join(BUILD, "asker"), *[str(o) for o in options],
             str(place or self.gate_socket), self.questions(numbers)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    @staticmethod
    def heard(asker):
        out = asker.communicate(timeout=280)[0]
        return collections.namedtuple("Heard", json.loads(out))(
            **json.loads(out))

    # --- The wall clock of the gate ---

    def clock_set(self, step_s):
        mode = "r+b" if os.path.exists(self.path("clock")) else "wb"
        with open(self.path("clock"), mode) as clock:
            clock.write(struct.pack("=q", int(step_s * 1000)))

    # --- nginx ---

    def nginx_up(self):
        """The shipped files, and an application that says who it was told it
        is. `answers` has each answer to a client, `reached` each contact of
        the application."""
        for _ in range(5):
            self.port = free_port()
            self.nginx_configure()
            self.nginx = self.spawn(
                "nginx", "-p", self.folder, "-e", "nginx.log", "-c",
                "nginx.conf", log="nginx.out")
            end = time.monotonic() + 10
            while self.nginx.poll() is None and time.monotonic() < end:
                try:
                    socket.create_connection(("127.0.0.1", self.port),
                                             1).close()
                    return
                except OSError:
                    time.sleep(0.02)
        raise AssertionError(self.said("nginx.log"))

    def nginx_configure(self):
        for name in ("http", "server", "protect"):
            name = "rolegate-%s.conf" % name
            with open(os.path.join(ROOT, "nginx", name)) as shipped:
                text = shipped.read()
            with open(self.path(name), "w") as out:
                out.write(text.replace("/run/rolegate/gate.sock",
                                       self.gate_socket))
        with open(self.path("nginx.conf"), "w") as out:
            out.write(NGINX.replace("USER", "user root;"
                                    if os.getuid() == 0 else "")
                      .replace("FOLDER", self.folder)
                      .replace("ROOT", ROOT)
                      .replace("PORT", str(self.port)))

    def nginx_end(self):
        """Ends it, so that all is written; then counts (status, member) of
        the answers, and what members reached the application."""
        self.end(self.nginx, signal.SIGQUIT)
        self.nginx = None
        with open(self.path("answers")) as lines:
            answers = collections.Counter(line.strip() for line in lines)
        with open(self.path("reached")) as lines:
            reached = collections.Counter(line.strip() for line in lines)
        return answers, reached


NGINX = """
USER
include ROOT/tests/nginx/main.conf;
http {
    include ROOT/tests/nginx/http.conf;
    access_log off;
    keepalive_requests 10000000;
    log_format answers '$status $arg_member';
    log_format reached '$arg_member $arg_account $http_x_rolegate_member $http_x_rolegate_account';
    include FOLDER/rolegate-http.conf;
    server {
        listen 127.0.0.1:PORT backlog=4096;
        access_log FOLDER/answers answers buffer=64k;
        set $rolegate_app unix:FOLDER/app.sock;
        include FOLDER/rolegate-server.conf;
        location / {
            include FOLDER/rolegate-protect.conf;
            set $rolegate_permission $arg_permission;
            set $rolegate_account $arg_account;
            set $rolegate_trusted_user $arg_member;
            proxy_pass http://$rolegate_pass;
        }
    }
    server {
        listen unix:FOLDER/app.sock backlog=4096;
        access_log FOLDER/reached reached buffer=64k;
        location / {
            return 200 "$http_x_rolegate_member $http_x_rolegate_account\\n";
        }
    }
}
"""
