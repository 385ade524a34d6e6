"""What the bench of the gate is made of: a folder, Redis, views of any size,
gates, responders and nginx in front of them, and the programs that ask.

Everything is on unix sockets and loopback ports in a temporary folder. Each
server runs alone on its core where there are cores for all."""
import hashlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("ROLEGATE_BUILD",
                                       os.path.join(ROOT, "build")))
ROUNDS = int(os.environ.get("ROLEGATE_BENCH_ROUNDS", "5"))
SECONDS = int(os.environ.get("ROLEGATE_BENCH_SECONDS", "2"))
ROLE = "full.viewer"


def unit_environ():
    """As systemd starts rolegated."""
    with open(os.path.join(ROOT, "packaging", "systemd",
                           "rolegated.service")) as unit:
        return dict(line.strip().split("=", 2)[1:] for line in unit
                    if line.startswith("Environment="))


ENVIRON = dict(os.environ, **unit_environ())
ASK = ("TRUSTED_USER=m{m}", "ACCOUNT=a{a}", "PERMISSION=users.view")

CONFIG = """
store: %(store)s
catalogues: %(root)s/catalogs
view:
  redis:
    address: unix:%(redis)s
  namespace: %(ns)s
  key_file: %(tmp)s/view.key
gate:
  socket: %(socket)s
  control: %(socket)s.control
  workers: %(workers)d
  cache_bytes: %(cache)d
  trusted_user: yes
  log: off
"""


def until(what, seconds=20.0, step=0.005):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return
        time.sleep(step)
    raise AssertionError("waited in vain")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_s(pid):
    """Seconds that a process of one thread has run."""
    try:
        with open("/proc/%d/schedstat" % pid) as file:
            return int(file.read().split()[0]) / 1e9
    except OSError:
        with open("/proc/%d/stat" % pid) as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
        return [int(word) for word in file.read().split()]


def rss_bytes(pid):
    with open("/proc/%d/statm" % pid) as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Kit:
    def __init__(self):
        self.tmp = tempfile.mkdtemp(prefix="rolegate-bench.")
        self.running = []
        self.numbers = 0
        subprocess.run([os.path.join(BUILD, "rolegate"), "key", "new",
                        self.path("view.key")], check=True,
                       stdout=subprocess.DEVNULL)
        with open(self.path("view.key")) as file:
            self.key = bytes.fromhex(file.read().strip())
        self.redis = self.path("redis.sock")
        self.redis_process = self.start(
            "redis-server", "--port", "0", "--unixsocket", self.redis,
            "--save", "", "--appendonly", "no", "--dir", self.tmp,
            "--logfile", "/dev/null")
        until(lambda: os.path.exists(self.redis))

    def path(self, name):
        return os.path.join(self.tmp, name)

    def number(self):
        self.numbers += 1
        return self.numbers

    def start(self, *words, env=None):
        log = open(self.path("log"), "ab")
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, env=env,
                                   start_new_session=True)
        log.close()
        self.running.append(process)
        return process

    def end(self, process):
        process.terminate()
        process.wait()
        self.running.remove(process)

    def responder(self, name):
        """One of the baselines; its socket and its process."""
        path = self.path(name + ".sock")
        process = self.start(os.path.join(BUILD, "bench", name), path,
                             env=ENVIRON)
        until(lambda: os.path.exists(path))
        return path, process

    def close(self):
        """Each with all that it has begun: masters have workers."""
        for process in reversed(self.running):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(self.tmp, ignore_errors=True)


# --- Views -------------------------------------------------------------------

class View:
    """A namespace in Redis with a store, a publisher that follows, and, where
    many are wanted, records that are written past it, in the same form."""

    def __init__(self, kit, ns, state):
        self.kit, self.ns = kit, ns
        self.store = kit.path(ns + ".db")
        self.config = self.configure(kit.path(ns + ".no-gate"))
        with open(kit.path("state.jsonl"), "w") as file:
            file.writelines(json.dumps(line) + "\n" for line in state)
        self.rg("load", "--yes", kit.path("state.jsonl"))
        self.follower = kit.start(os.path.join(BUILD, "rolegate"), "--config",
                                  self.config, "publish", "--follow")

    def configure(self, gate, workers=1, cache=1 << 26, redis=None, more=()):
        path = gate + ".yaml"
        with open(path, "w") as file:
            file.write(CONFIG % {
                "store": self.store, "root": ROOT, "redis": self.kit.redis,
                "ns": self.ns, "tmp": self.kit.tmp, "socket": gate,
                "workers": workers, "cache": cache})
            if redis is not None:
                file.write("  redis:\n    address: unix:%s\n" % redis)
            file.writelines("  %s\n" % line for line in more)
        return path

    def rg(self, *words):
        return subprocess.run(
            [os.path.join(BUILD, "rolegate"), "--config", self.config, *words],
            check=True, stdout=subprocess.PIPE, text=True).stdout

    def signed(self, kind, name, body):
        key = "rolegate:{%s}:%s:%s" % (self.ns, kind, name)
        text = ("rolegate\t1\t%s\t1\n%s" % (key, body)).encode()
        mac = hashlib.blake2b(text, digest_size=32, key=self.kit.key)
        text += b"mac\t" + mac.hexdigest().encode() + b"\n"
        return b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (
            len(key), key.encode(), len(text), text)

    def put(self, records):
        """Records of (kind, name, body)."""
        pipe = subprocess.Popen(
            ["redis-cli", "-s", self.kit.redis, "--pipe"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for record in records:
            pipe.stdin.write(self.signed(*record))
        out = pipe.communicate()[0]
        assert pipe.returncode == 0 and b"errors: 0" in out, out


def member(n):
    return "m%07d" % n


def account(n):
    return "a%07d" % n


def small_state():
    """What a view needs so that records may be put beside it."""
    yield {"type": "member", "username": "owner", "status": "active"}
    yield {"type": "account", "id": "top", "kind": "shared",
           "level": "account", "catalogue": "call-tracking",
           "status": "active", "owner": "owner"}


def full_state(members, grants, spare=0):
    """Members with so many grants each, on accounts below one; the spare ones
    have a grant on their own account that can be taken away."""
    yield from small_state()
    for n in range(1, members + spare + 1):
        yield {"type": "member", "username": member(n), "status": "active"}
        yield {"type": "account", "id": account(n), "parent": "top",
               "kind": "shared", "level": "account", "status": "active"}
    for n in range(1, members + spare + 1):
        for i in range(grants if n <= members else 1):
            yield {"type": "grant", "member": member(n),
                   "account": account((n + i - 1) % members + 1
                                      if n <= members else n),
                   "role": ROLE, "source": "local"}


TOP_LINE = "account\ttop\tshared\taccount\tactive\towner\tcall-tracking\t\n"


def many_records(members, grants=1, accounts=1000, depth=2, on_top=False):
    """Accounts at the end of a chain of so many; member n is granted on account
    n (modulo) and on the ones after it, or on the top of the chain."""
    for n in range(1, accounts + 1):
        chain = "account\t%s\tshared\taccount\tactive\t\t%s\t\n"
        if depth == 1:
            yield ("account", account(n),
                   chain % (account(n), "call-tracking"))
            continue
        yield ("account", account(n), chain % (account(n), "") +
               "".join(chain % ("level%d" % d, "")
                       for d in range(depth - 2, 0, -1)) + TOP_LINE)
    for n in range(1, members + 1):
        on = ["top"] if on_top and depth > 1 else sorted(
            account((n + i - 1) % accounts + 1) for i in range(grants))
        yield ("member", member(n), "member\t%s\tactive\t\n" % member(n) +
               "".join("grant\t%s\t%s\tlocal\t0\t\n" % (one, ROLE)
                       for one in on))


# --- Gates -------------------------------------------------------------------

class Gate:
    def __init__(self, kit, view, **config):
        self.kit, self.view = kit, view
        # Without a cache nothing has to be trusted.
        self.sign = "trusted" if config.get("cache", 1) else "connected"
        self.socket = kit.path("gate%d.sock" % kit.number())
        self.config = view.configure(self.socket, **config)
        self.start()

    def start(self):
        self.process = self.kit.start(os.path.join(BUILD, "rolegated"),
                                      "--config", self.config, env=ENVIRON)
        until(lambda: os.path.exists(self.socket))
        until(lambda: all(w[self.sign] for w in self.status()))

    def report(self):
        """Empty while it does not answer."""
        out = subprocess.run(
            [os.path.join(BUILD, "rolegate"), "--config", self.config,
             "status", "--gate", "--json"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True).stdout
        return json.loads(out)["status"] if out else {}

    def status(self):
        return self.report().get("gate_workers") or [
            {"connected": False, "trusted": False}]

    def asked(self):
        """Decisions, as its workers count them."""
        return sum(one["count"] for one in self.report()["gate_decisions"])

    def workers(self):
        return children(self.process.pid)

    def warm(self, members, accounts=None):
        got = load(self.socket, "-n", members, "-m", members, "-a",
                   accounts or members)
        assert got["allowed"] == members, got

    def end(self):
        self.kit.end(self.process)


# --- nginx -------------------------------------------------------------------

NGINX = """
%(user)s
%(modules)s
include %(root)s/tests/nginx/main.conf;
http {
    include %(root)s/tests/nginx/http.conf;
    access_log off;
    keepalive_requests 100000000;
    %(http)s
    server {
        listen 127.0.0.1:%(port)d backlog=4096;
        set $rolegate_app 127.0.0.1:1;
        %(asked)s
        # The application is a picture of 43 bytes that nginx has in memory:
        # nothing is there for the guard to hide behind.
        location = /x {
            %(guard)s
            empty_gif;
        }
    }
}
"""
GUARD = """include %s/rolegate-protect.conf;
            set $rolegate_permission users.view;
            set $rolegate_account a$arg_a;
            set $rolegate_trusted_user m$arg_m;"""


class Nginx:
    def __init__(self, kit, name, socket_path="/nobody", asked="", guard="",
                 modules="", http=""):
        at = kit.path("nginx-" + name)
        os.mkdir(at)
        for part in ("http", "server", "protect"):
            with open(os.path.join(ROOT, "nginx",
                                   "rolegate-%s.conf" % part)) as file:
                text = file.read()
            with open("%s/rolegate-%s.conf" % (at, part), "w") as file:
                file.write(text.replace("/run/rolegate/gate.sock",
                                        socket_path))
        if not asked and not guard:
            asked = "include %s/rolegate-server.conf;" % at
        self.port = free_port()
        with open(at + "/nginx.conf", "w") as file:
            file.write(NGINX % {
                "user": "user root root;" if os.getuid() == 0 else "",
                "modules": modules, "root": ROOT, "port": self.port,
                "http": http if guard else
                        "include %s/rolegate-http.conf;\n    %s" % (at, http),
                "asked": asked,
                "guard": guard or GUARD % at})
        self.process = kit.start("nginx", "-p", at, "-e", "nginx.log", "-c",
                                 "nginx.conf")
        until(self.answers)

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return False


# --- Asking ------------------------------------------------------------------

def load(target, *words):
    """load.c: what it says, as numbers."""
    options = [str(w) for w in words]
    if target.startswith("http:"):
        what = ["/x?m={m}&a={a}"]
    else:
        what = list(ASK)
    out = subprocess.run(
        [os.path.join(BUILD, "bench", "load"), *options, target, *what],
        stdout=subprocess.PIPE, text=True, check=True).stdout
    got = {k: float(v) for k, v in (x.split() for x in out.splitlines())}
    got["rate"] = got["answered"] / got["seconds"]
    return got


WRK = """
local requests, at = {}, 0
init = function(args)
    for n = 1, %d do
        requests[n] = wrk.format("GET", string.format(
            "/x?m=%%07d&a=%%07d", n, n))
    end
end
request = function()
    at = at %% #requests + 1
    return requests[at]
end
done = function(summary)
    local e = summary.errors
    io.write(string.format("done %%d %%d %%d\\n", summary.requests,
        summary.duration,
        e.connect + e.read + e.write + e.status + e.timeout))
end
"""


def wrk(kit, port, members, seconds=None, connections=32, headers=()):
    """Requests a second, and how many they were."""
    script = kit.path("wrk%d.lua" % members)
    if not os.path.exists(script):
        with open(script, "w") as file:
            file.write(WRK % members)
    out = subprocess.run(
        ["wrk", "-t", "1", "-c", str(connections), "-d",
         "%ds" % (seconds or SECONDS), "-s", script,
         *(word for line in headers for word in ("-H", line)),
         "http://127.0.0.1:%d" % port],
        stdout=subprocess.PIPE, text=True, check=True).stdout
    line = [x for x in out.splitlines() if x.startswith("done ")][0]
    requests, us, errors = (int(x) for x in line.split()[1:])
    assert errors == 0, out
    return requests / us * 1e6, requests


# --- What is printed ----------------------------------------------------------

def result(name, figure, how="-", bar="-", unit="", ours="", baseline=""):
    """One line for tests/bench/run, which judges the figure as it is printed:
    so it has more digits than anybody needs. With a baseline it is a ratio."""
    print("\t".join(str(x) for x in (name, figure, how, bar, unit, ours,
                                     baseline)), flush=True)


def ratio(name, ours, baseline, how, bar, form):
    """The median of what each round said, for they were measured in turn."""
    median = statistics.median
    result(name, "%.4f" % median(a / b for a, b in zip(ours, baseline)), how,
           bar, "times", form % median(ours), form % median(baseline))


def word(text):
    print("# " + text, file=sys.stderr, flush=True)
