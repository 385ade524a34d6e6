#!/usr/bin/python3
"""The gate against its baselines: one line each, for tests/bench/run.

  gate.py [SECTION ...]     some of it; all of it without

ROLEGATE_BENCH_ROUNDS and ROLEGATE_BENCH_SECONDS make it shorter."""
import importlib.util
import os
import re
import selectors
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import threading
import time

import kit as bench
from kit import ASK, BUILD, HERE, ROUNDS, SECONDS, Gate, Kit, Nginx, View
from kit import cpu_s, load, ratio, result, rss_bytes, until, word, wrk

median = statistics.median
MEMBERS = 1000
LUA_PATH = "/usr/share/lua/5.1/?.lua;;"
spec = importlib.util.spec_from_file_location(
    "client", os.path.join(bench.ROOT, "tests", "system", "fcgi-client.py"))
client = importlib.util.module_from_spec(spec)
spec.loader.exec_module(client)


# --- Through nginx -------------------------------------------------------------

def lua_nginx(kit, view):
    with open(os.path.join(HERE, "lua-guard.conf")) as file:
        guard = file.read()
    modules = "/usr/lib/nginx/modules/%s.so"
    return Nginx(kit, "lua", http='lua_package_path "%s";' % LUA_PATH,
                 asked=guard.replace("@REDIS@", kit.redis)
                 .replace("@NS@", view.ns),
                 modules="".join("load_module %s;\n" % (modules % name)
                                 for name in ("ndk_http_module",
                                              "ngx_http_lua_module")))


class Contestant:
    def __init__(self, nginx, pid=None):
        self.nginx, self.pid = nginx, pid
        self.rates, self.cpu_us = [], []

    def run(self, kit):
        before = cpu_s(self.pid) if self.pid else 0
        rate, requests = wrk(kit, self.nginx.port, MEMBERS)
        self.rates.append(rate)
        if self.pid:
            self.cpu_us.append((cpu_s(self.pid) - before) / requests * 1e6)


def at_the_socket(targets):
    """The gate and the responders without nginx, in turn in each round."""
    rates = {name: [] for name in targets}
    for seed in range(ROUNDS):
        for name, path in targets.items():
            got = load(path, "-s", SECONDS, "-m", MEMBERS, "-a", MEMBERS,
                       "-x", seed)
            assert got["allowed"] == got["answered"], got
            rates[name].append(got["rate"])
    for ours, what in (("warm", "cache warm"), ("asking", "asking Redis")):
        for baseline, by in (
                ("loop", "a null responder on the same loop"),
                ("epoll", "a hand-written epoll responder")):
            ratio("at the socket: gate, %s, by %s" % (what, by), rates[ours],
                  rates[baseline], "-", "-", "%.0f /s")


def pairs(kit):
    """Bars of throughput and CPU: all in turn, in each round."""
    view = View(kit, "pairs", bench.full_state(MEMBERS, 3))
    warm = Gate(kit, view)
    asking = Gate(kit, view, cache=0)
    warm.warm(MEMBERS)
    loop, loop_process = kit.responder("null-loop")
    epoll, epoll_process = kit.responder("null-epoll")
    c = {
        "open": Contestant(Nginx(kit, "open", guard="# none")),
        "warm": Contestant(Nginx(kit, "warm", warm.socket),
                           warm.workers()[0]),
        "loop": Contestant(Nginx(kit, "loop", loop), loop_process.pid),
        "epoll": Contestant(Nginx(kit, "epoll", epoll), epoll_process.pid),
        "204": Contestant(Nginx(
            kit, "204", asked="location = /_rolegate { internal; return 204; }"
        )),
        "asking": Contestant(Nginx(kit, "asking", asking.socket),
                             asking.workers()[0]),
        "lua": Contestant(lua_nginx(kit, view)),
    }
    for one in c.values():
        wrk(kit, one.nginx.port, MEMBERS, 1)
    for _ in range(ROUNDS):
        for one in c.values():
            one.run(kit)
    for name, ours, baseline, how, bar in (
            ("gate, cache warm, by a null responder on the same loop",
             "warm", "loop", "least", 0.95),
            ("gate, cache warm, by a hand-written epoll responder",
             "warm", "epoll", "least", 0.9),
            ("gate, cache warm, by nginx's own return 204", "warm", "204",
             "-", "-"),
            ("gate, cache warm, by no guard at all", "warm", "open", "-",
             "-"),
            ("gate, cache warm, by a Lua guard asking Redis", "warm", "lua",
             "least", 1.5),
            ("gate, asking Redis, by a Lua guard asking Redis", "asking",
             "lua", "least", 1.2)):
        ratio("through nginx: " + name, c[ours].rates, c[baseline].rates, how,
              bar, "%.0f /s")
    for name, ours, bar in (("cache warm", "warm", 8),
                            ("asking Redis", "asking", 10)):
        result("CPU of the worker a request, " + name,
               "%.2f" % median(c[ours].cpu_us), "most", bar, "us", "",
               "%.2f us" % median(c["loop"].cpu_us))
    at_the_socket({"warm": warm.socket, "loop": loop, "epoll": epoll,
                   "asking": asking.socket})


LEMONLDAP_INI = """\
[all]
logLevel = error
localSessionStorage = Cache::FileCache
localSessionStorageOptions = { 'namespace' => 'lemonldap-ng-sessions', \\
    'default_expires_in' => 600, 'directory_umask' => '007', \\
    'cache_root' => '%(home)s/cache', 'cache_depth' => 3 }
[configuration]
type = File
dirName = %(home)s/conf
"""


def lemonldap_backend():
    """As tests/auth_request runs it, with Debian's own cache in front."""
    folder = os.path.join(bench.ROOT, "tests", "auth_request")
    sys.path.insert(0, folder)
    where = importlib.util.spec_from_file_location(
        "lemonldap", os.path.join(folder, "backends", "lemonldap_ng.py"))
    module = importlib.util.module_from_spec(where)
    where.loader.exec_module(module)
    return module


def lemonldap(kit):
    """Both by a session's cookie, one worker each."""
    module = lemonldap_backend()
    why = module.Backend.missing()
    if not why and not os.path.exists(
            "/usr/share/perl5/Apache/Session/Browseable/Redis.pm"):
        why = "libapache-session-browseable-perl is not installed"
    if why:
        word("the row against LemonLDAP::NG is left out: " + why)
        return

    class Backend(module.Backend):
        ini, workers = LEMONLDAP_INI, 1

        def storage(self):
            return "Apache::Session::Browseable::Redis", {"sock": kit.redis}

        def session(self, user):
            subprocess.run(["redis-cli", "-s", kit.redis, "set",
                            self.id_of(user), self.record(user)], check=True,
                           stdout=subprocess.DEVNULL)

    os.chmod(kit.tmp, 0o755)
    os.chmod(kit.redis, 0o777)
    other = Backend(kit.tmp)
    other.start()
    try:
        view = View(kit, "lemonldap", bench.full_state(MEMBERS, 3))
        gate = Gate(kit, view, more=("cookie: sid",))
        token = view.rg("session", "add", bench.member(1), "--account",
                        bench.account(1), "--yes").strip()
        pairs = [
            (Nginx(kit, "session", gate.socket), "Cookie: sid=" + token),
            (Nginx(kit, "lemonldap", asked=other.server(""),
                   guard=module.GUARD.partition("proxy_")[0]),
             other.headers("viewer")[0])]
        rates = [[], []]
        for _ in range(ROUNDS):
            for i, (nginx, cookie) in enumerate(pairs):
                rates[i].append(wrk(kit, nginx.port, 1, 2,
                                    headers=("Host: app.test", cookie))[0])
        ratio("through nginx: a session, by LemonLDAP::NG with its sessions "
              "in Redis", *rates, "least", 40, "%.0f /s")
    finally:
        other.stop()


# --- Straight at the socket -----------------------------------------------------

SHAPES = {
    "members": [(1000, {"members": 1000}), (100000, {"members": 100000}),
                (1000000, {"members": 1000000})],
    "grants a member": [(1, {"members": 1000}),
                        (10, {"members": 1000, "grants": 10}),
                        (100, {"members": 1000, "grants": 100})],
    "accounts deep": [(n, {"members": 1000, "depth": n, "on_top": True})
                      for n in (1, 4, 16)],
}


class World:
    """A view of this shape, a gate that knows all of it, nginx before it."""

    def __init__(self, kit, number, shape):
        view = View(kit, "flat%d" % number, bench.small_state())
        view.put(bench.many_records(**shape))
        gate = Gate(kit, view, cache=1 << 30)
        gate.warm(shape["members"], 1000)
        self.members = shape["members"]
        self.targets = {
            "through nginx": "http:%d" % Nginx(kit, "flat%d" % number,
                                               gate.socket).port,
            "at the socket": gate.socket}
        self.rates = {where: [] for where in self.targets}

    def run(self, seed):
        for where, target in self.targets.items():
            got = load(target, "-s", SECONDS, "-m", self.members, "-a",
                       1000, "-x", seed)
            assert got["allowed"] == got["answered"], got
            self.rates[where].append(got["rate"])


def flat(kit):
    """Members, grants and depth make no difference."""
    worlds = {}
    for sizes in SHAPES.values():
        for _, shape in sizes:
            if str(shape) not in worlds:
                worlds[str(shape)] = World(kit, len(worlds), shape)
    for seed in range(ROUNDS):
        for one in worlds.values():
            one.run(seed)
    for what, sizes in SHAPES.items():
        for where in ("through nginx", "at the socket"):
            rates = [worlds[str(shape)].rates[where] for _, shape in sizes]
            ratio("decisions a second %s, %s %s: the slowest by the fastest"
                  % (where, ", ".join("{:,}".format(n) for n, _ in sizes),
                     what), min(rates, key=median), max(rates, key=median),
                  "least", 0.9, "%.0f /s")


def fairness(kit):
    view = View(kit, "fair", bench.full_state(MEMBERS, 3))
    gate = Gate(kit, view)
    gate.warm(MEMBERS)
    nginx = Nginx(kit, "fair", gate.socket)
    loop, _ = kit.responder("null-loop")
    for where, target in (("at the socket", gate.socket),
                          ("through nginx", "http:%d" % nginx.port),
                          ("at the socket of the null responder", loop)):
        got = load(target, "-c", 256, "-s", 5, "-m", MEMBERS, "-a", MEMBERS)
        assert got["allowed"] == got["answered"] and got["unluckiest"] > 0, got
        result("luckiest by unluckiest of 256 connections in 5 s, " + where,
               "%.3f" % (got["luckiest"] / got["unluckiest"]),
               *(("-", "-") if target == loop else ("most", 1.3)), "times",
               "%d" % got["luckiest"], "%d" % got["unluckiest"])


def memory(kit):
    many = 100000
    view = View(kit, "memory", bench.small_state())
    view.put(bench.many_records(many, 3, 100))
    gate = Gate(kit, view)
    worker = gate.workers()[0]

    def used(members):
        gate.warm(members, 100)
        time.sleep(1)  # the worker counts twice a second
        return gate.status()[0]["cache_bytes"], rss_bytes(worker)
    before, after = used(many // 2), used(many)
    for name, x, y in zip(("as the worker counts them",
                           "by its resident memory"), before, after):
        assert y > x, (x, y)
        result("near cache, bytes a member with 3 grants, " + name,
               "%.1f" % ((y - x) / (many - many // 2)), "most", 400, "bytes")
    bound = 4 << 20
    small = Gate(kit, view, cache=bound)
    small.warm(10, 10)
    resident = rss_bytes(small.workers()[0])
    asking = subprocess.Popen(
        [os.path.join(BUILD, "bench", "load"), "-s", "5", "-m", str(many),
         "-a", "100", small.socket, *ASK], stdout=subprocess.DEVNULL)
    most = 0
    while asking.poll() is None:
        most = max(most, small.status()[0]["cache_bytes"])
        time.sleep(0.1)
    assert asking.returncode == 0 and most > 0.9 * bound, most
    result("near cache, its bytes by its bound, six times as much asked "
           "for", "%.4f" % (most / bound), "most", 1, "times",
           "%d bytes" % most, "%d bytes" % bound)
    grown = rss_bytes(small.workers()[0]) - resident
    result("what the worker's resident memory grew by meanwhile, by that bound",
           "%.2f" % (grown / bound), "-", "-", "times", "%d bytes" % grown,
           "%d bytes" % bound)


CALLS = 20000


def calls(kit):
    """What strace counts. With one connection each request wakes the worker;
    with many it takes several at once."""
    view = View(kit, "calls", bench.full_state(MEMBERS, 3))
    gate = Gate(kit, view)
    gate.warm(MEMBERS)
    loop, process = kit.responder("null-loop")
    pairs = [(gate.socket, gate.workers()[0], "gate"),
             (loop, process.pid, "loop")]
    for where, connections, bar in (
            ("at the socket, 32 connections", 32, ("most", 2.3)),
            ("at the socket, one connection", 1, ("-", "-")),
            ("through nginx, 32 connections", 32, ("most", 2.3))):
        counted = []
        before = gate.asked()
        for path, pid, name in pairs:
            target = path
            if "nginx" in where:
                target = "http:%d" % Nginx(kit, "calls-" + name, path).port
            counted.append(calls_of(kit, pid, target, connections))
        until(lambda: gate.asked() >= before + CALLS)
        result("system calls of the worker a request, cache warm, " + where,
               "%.3f" % counted[0], *bar, "", "", "%.3f" % counted[1])


def calls_of(kit, pid, target, connections):
    out = kit.path("strace")
    strace = kit.start("strace", "-c", "-U", "calls,name", "-o", out, "-p",
                       str(pid))
    until(lambda: traced(pid))
    asked = load(target, "-n", CALLS, "-m", MEMBERS, "-a", MEMBERS, "-c",
                 connections)
    strace.send_signal(signal.SIGINT)
    strace.wait()
    kit.running.remove(strace)
    assert asked["allowed"] == asked["answered"], asked
    with open(out) as file:
        total = [line.split()[0] for line in file if "total" in line]
    return int(total[0]) / asked["answered"]


def traced(pid):
    with open("/proc/%d/status" % pid) as file:
        return "TracerPid:\t0\n" not in file.read()


# --- Revocation ------------------------------------------------------------------

def question(n):
    """About member n on their own account, as a FastCGI request."""
    return client.request(client.pairs_of(
        ["USER=" + bench.member(n), "ACCOUNT=" + bench.account(n),
         "PERMISSION=users.view"]))


class Prober:
    """Asks about one member on several connections, again and again."""

    def __init__(self, path, count):
        self.path, self.count = path, count
        self.sockets = [client.connect(path) for _ in range(count)]
        self.poll = selectors.DefaultSelector()
        for s in self.sockets:
            self.poll.register(s, selectors.EVENT_READ)

    def allowed(self, n):
        """Of a member that has not been touched, on each connection."""
        for s in self.sockets:
            s.sendall(question(n))
        for s in self.sockets:
            said = client.short(client.answer(s))
            assert said.startswith("204"), said

    def close(self):
        self.poll.close()
        for s in self.sockets:
            s.close()

    def watch(self, n, go_on_s, started=lambda: True, limit_s=20, pause_s=0,
              dont_know=False):
        """Until all were refused, `started` is over, and go_on_s more; the
        wall time of the last allow in ms. Is a don't-know a no as well?"""
        data = question(n)
        last, refused, first = 0, set(), None
        limit = time.monotonic() + limit_s
        for s in self.sockets:
            s.sendall(data)
        waiting = set(self.sockets)
        while waiting:
            ready = self.poll.select(1)
            for key, _ in ready:
                s = key.fileobj
                said = client.short(client.answer(s))
                if said.startswith("204"):
                    last = time.time() * 1000
                    refused.discard(s)
                else:
                    assert dont_know or said.startswith("403"), said
                    refused.add(s)
                now = time.monotonic()
                if len(refused) == self.count:
                    first = first or now
                else:
                    first = None
                assert now < limit, "still %s" % said
                if first and now - first > go_on_s and started():
                    waiting.discard(s)
                else:
                    s.sendall(data)
            if pause_s:
                time.sleep(pause_s)
        return last


def removed_ms(view):
    """Of each member whose grant was taken away, when the store did it."""
    with sqlite3.connect(view.store) as store:
        return {subject.split()[0]: at for subject, at in store.execute(
            "SELECT subject, at_ms FROM history WHERE action='grant.remove'")}


def remove(view, n):
    return subprocess.Popen(
        [os.path.join(BUILD, "rolegate"), "--config", view.config, "grant",
         "remove", bench.member(n), bench.ROLE, bench.account(n), "--yes"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def revocation(kit):
    trials = int(os.environ.get("ROLEGATE_BENCH_TRIALS", "200"))
    view = View(kit, "revoke", bench.full_state(MEMBERS, 3, trials))
    gate = Gate(kit, view, workers=2)
    gate.warm(MEMBERS + trials)
    prober = Prober(gate.socket, 16)
    time.sleep(1)
    while min(w["connections"] for w in gate.status()) < 2:
        prober.close()
        prober = Prober(gate.socket, 16)
        time.sleep(1)
    full = kit.start(os.path.join(BUILD, "bench", "load"), "-c", "64", "-s",
                     "100000", "-m", str(MEMBERS), "-a", str(MEMBERS),
                     gate.socket, *ASK)
    last = {}
    for n in range(MEMBERS + 1, MEMBERS + trials + 1):
        prober.allowed(n)
        work = remove(view, n)
        last[n] = prober.watch(n, 0.1, lambda: work.poll() is not None)
        assert last[n] > 0 and work.returncode == 0
    # Nobody comes back, the last one included.
    prober.watch(n, 1)
    for n in last:
        last[n] = max(last[n], prober.watch(n, 0.02))
    prober.allowed(1)
    assert full.poll() is None and gate.asked() > 100 * trials
    kit.end(full)
    at = removed_ms(view)
    took = sorted(max(0.0, last[n] - at[bench.member(n)]) for n in last)
    name = "revocation under full load, commit to the last allow, "
    result(name + "p99 of %d" % trials,
           "%.2f" % took[int(trials * 0.99) - 1], "most", 50, "ms")
    result(name + "the longest of %d" % trials, "%.2f" % took[-1], "most",
           1000, "ms")


class Proxy(threading.Thread):
    """Between a gate and Redis. `mode` is what happens to the connection that
    tells of changes: "pass", "drop" or "stall"."""

    def __init__(self, path, redis):
        super().__init__(daemon=True)
        self.redis, self.mode = redis, "pass"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(16)
        self.poll = selectors.DefaultSelector()
        self.poll.register(self.listener, selectors.EVENT_READ)
        self.other, self.watching = {}, set()

    def shut(self, s):
        if s not in self.other:
            return
        for one in (s, self.other.pop(s)):
            self.other.pop(one, None)
            self.watching.discard(one)
            self.poll.unregister(one)
            one.close()

    def accept(self):
        near, _ = self.listener.accept()
        far = socket.socket(socket.AF_UNIX)
        far.connect(self.redis)
        self.other[near], self.other[far] = far, near
        for s in (near, far):
            self.poll.register(s, selectors.EVENT_READ)

    def pass_on(self, s):
        data = s.recv(65536)
        if b"SUBSCRIBE" in data:
            self.watching |= {s, self.other[s]}
        if not data or (s in self.watching and self.mode == "drop"):
            self.shut(s)
        elif s not in self.watching or self.mode != "stall":
            self.other[s].sendall(data)

    def run(self):
        while True:
            for key, _ in self.poll.select(0.01):
                try:
                    if key.fileobj is self.listener:
                        self.accept()
                    elif key.fileobj in self.other:
                        self.pass_on(key.fileobj)
                except OSError:
                    self.shut(key.fileobj)
            if self.mode == "drop":
                for s in list(self.watching):
                    self.shut(s)


def cut(kit):
    """What the gate does about a change that it is not told of."""
    trials = 3
    kinds = ("dropped", "stalled", "frozen")
    view = View(kit, "cut", bench.full_state(1, 1, trials * len(kinds)))
    proxy = Proxy(kit.path("proxy.sock"), kit.redis)
    proxy.start()
    gate = Gate(kit, view, redis=kit.path("proxy.sock"))
    prober = Prober(gate.socket, 1)
    n = 1
    for kind in kinds:
        took = []
        for _ in range(trials):
            n += 1
            until(lambda: gate.status()[0]["trusted"])
            got = load(gate.socket, "-n", n, "-m", n, "-a", n, "-c", 1)
            assert got["answered"] == n
            prober.allowed(n)
            proxy.mode = {"dropped": "drop", "stalled": "stall"}.get(kind,
                                                                    "pass")
            if kind == "frozen":
                kit.redis_process.send_signal(signal.SIGSTOP)
            work = remove(view, n)
            last = prober.watch(n, 1, pause_s=0.001, dont_know=True)
            kit.redis_process.send_signal(signal.SIGCONT)
            proxy.mode = "pass"
            assert work.wait() == 0
            last = max(last, prober.watch(n, 1, pause_s=0.001,
                                          dont_know=True))
            assert last > 0
            took.append(max(0.0, last - removed_ms(view)[bench.member(n)]))
        what = {"frozen": "Redis frozen"}.get(kind,
                                              "the invalidation connection "
                                              + kind)
        result("revocation with %s, commit to the last allow" % what,
               "%.3f" % (max(took) / 1000), "most", 5, "s")


# --- Starting and reloading ---------------------------------------------------------

def first_answer_ms(words, path):
    if os.path.exists(path):
        os.unlink(path)
    data = question(1)
    began = time.monotonic()
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    said = None
    while said is None:
        said = client.ask_bytes(path, data)
        if said is None:
            time.sleep(0.0005)
    took = (time.monotonic() - began) * 1000
    process.terminate()
    process.wait()
    assert client.short(said) == "204 allow granted", said
    return took


def start(kit):
    view = View(kit, "start", bench.full_state(MEMBERS, 3))
    path = kit.path("start.sock")
    config = view.configure(path)
    null = kit.path("null.sock")
    ours, baseline = [], []
    for _ in range(max(ROUNDS, 9)):
        ours.append(first_answer_ms(
            [os.path.join(BUILD, "rolegated"), "--config", config], path))
        baseline.append(first_answer_ms(
            [os.path.join(BUILD, "bench", "null-loop"), null], null))
    result("start to the first answer", "%.1f" % max(ours), "most", 100, "ms",
           "", "%.1f ms" % max(baseline))


def reload(kit):
    view = View(kit, "reload", bench.full_state(MEMBERS, 3))
    gate = Gate(kit, view)
    gate.warm(MEMBERS)
    longest = []
    for reloads in (0, 10):
        asking = subprocess.Popen(
            [os.path.join(BUILD, "bench", "load"), "-c", "32", "-s", "6",
             "-r", "2000", "-m", str(MEMBERS), "-a", str(MEMBERS),
             gate.socket, *ASK], stdout=subprocess.PIPE, text=True)
        for _ in range(reloads):
            time.sleep(0.5)
            before = gate.workers()
            gate.process.send_signal(signal.SIGHUP)
            until(lambda: not set(before) & set(gate.workers()))
        got = {k: float(v) for k, v in
               (x.split() for x in asking.communicate()[0].splitlines())}
        assert got["allowed"] == got["answered"] >= 11900, got
        # A connection is closed with a worker, never under a request twice.
        assert got["reconnects"] <= 32 * reloads, got
        longest.append(got["max"] / 1000)
    result("the longest wait of a request in 10 reloads, by none",
           "%.2f" % longest[1], "most", 20, "ms", "", "%.2f ms" % longest[0])


SECTIONS = {"pairs": pairs, "lemonldap": lemonldap, "calls": calls,
            "flat": flat, "fairness": fairness, "memory": memory,
            "revocation": revocation, "cut": cut,
            "start": start, "reload": reload}


def main():
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    words = sys.argv[1:]
    unknown = [name for name in words if name not in SECTIONS]
    if unknown:
        sys.exit("gate.py: no section %s; there are %s"
                 % (", ".join(unknown), ", ".join(SECTIONS)))
    for name, section in SECTIONS.items():
        if words and name not in words:
            continue
        kit = Kit()
        try:
            section(kit)
        except BaseException:
            with open(kit.path("log"), errors="replace") as file:
                sys.stderr.write(file.read()[-4000:])
            raise
        finally:
            kit.close()


if __name__ == "__main__":
    main()
