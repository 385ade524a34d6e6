#!/usr/bin/python3
"""Figures of rolegate-web with 100,000 members in 5,000 accounts: one line each,
NAME TAB FIGURE TAB most|least TAB BAR TAB UNIT, for tests/bench/run."""
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "system"))
import web_world  # noqa: E402
from web_world import API, COOKIE, Client, World, pair, record, stream

MEMBERS, ACCOUNTS, BIG = 100000, 5000, 20000
READS, CLIENTS = 6000, 2


def state():
    for n in range(1, MEMBERS + 1):
        yield {"type": "member", "username": "m%06d" % n,
               "email": "m%06d@example.org" % n, "name": "Member %d" % n,
               "status": "active"}
    yield {"type": "account", "id": "a", "kind": "shared", "level": "account",
           "catalogue": "call-tracking", "status": "active",
           "owner": "m000001"}
    for n in range(2, ACCOUNTS + 1):
        yield {"type": "account", "id": "a%04d" % n, "parent": "a",
               "kind": "shared", "level": "account", "status": "active"}
    for n in range(1, MEMBERS + 1):
        account = "a0002" if n <= BIG else "a%04d" % (3 + n % (ACCOUNTS - 2))
        yield {"type": "grant", "member": "m%06d" % n, "account": account,
               "role": "full.viewer", "source": "local"}


def result(name, figure, how, bar, unit):
    print("%s\t%s\t%s\t%s\t%s" % (name, figure, how, bar, unit), flush=True)


def slowest(run, times=15):
    """The median of several runs, in ms."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        answer = run()
        took.append((time.perf_counter() - began) * 1000)
        assert answer.status in (200, 201), answer
    return statistics.median(took)


def cpu_of(pids):
    ticks = 0
    for pid in pids:
        with open("/proc/%s/stat" % pid) as file:
            fields = file.read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def hammer(path, data, count):
    for _ in range(count):
        s = socket.socket(socket.AF_UNIX)
        s.connect(path)
        s.sendall(data)
        got = b""
        while True:
            more = s.recv(65536)
            if not more:
                break
            got += more
        s.close()
        assert b"Status: 200" in got, got


def reads(world, client, target):
    params = client.params("GET", API + target, {})
    data = (record(1, b"\0\1\0\0\0\0\0\0") +
            stream(4, b"".join(pair(k.encode(), v.encode())
                               for k, v in params)) + record(5))
    pids = subprocess.run(["pgrep", "-P", str(world.web.pid)],
                          stdout=subprocess.PIPE, text=True,
                          check=True).stdout.split()
    before = cpu_of(pids)
    work = [multiprocessing.Process(
        target=hammer, args=(world.path("web.sock"), data, READS // CLIENTS))
        for _ in range(CLIENTS)]
    for one in work:
        one.start()
    for one in work:
        one.join()
        assert one.exitcode == 0
    return READS / (cpu_of(pids) - before)


def sign_in_ratio(world):
    """A8: the time that an unknown name takes by that of a known one with a
    wrong password, one after the other in turn."""
    took = {"m000001": [], "nobody-of-this-name": []}
    for _ in range(25):
        for name in took:
            began = time.perf_counter()
            answer = world.sign_in(name, "wrong wrong wrong")
            took[name].append(time.perf_counter() - began)
            assert answer.status == 401, answer
    known, unknown = (statistics.median(v) for v in took.values())
    return max(known / unknown, unknown / known)


def sheet_seconds(world, own):
    """An import of 10,000 rows: the preview, and the work in the background."""
    sheet = "action,email,role\r\n" + "".join(
        "add,p%d@example.org,full.viewer\r\n" % n for n in range(10000))
    began = time.perf_counter()
    answer = own.send("POST", API + "/accounts/a0003/imports/check",
                      sheet.encode(), "text/csv")
    assert answer.status == 200, answer
    preview = time.perf_counter() - began
    began = time.perf_counter()
    made = own.send("POST", API + "/accounts/a0003/imports", sheet.encode(),
                    "text/csv")
    path = "/imports/%d" % made.json()["import"]
    while own.get(path).json()["status"] == "running":
        time.sleep(0.1)
    assert own.get(path).json()["changed"] == 10000
    return preview, time.perf_counter() - began


def main():
    web_world.validate = lambda *_: None  # not what is measured
    text = "\n".join(json.dumps(o, separators=(",", ":")) for o in state())
    world = World(state=text, redis=True, web="  attempts_max: 1000\n").start()
    try:
        world.rg("publish", "--all")
        own = world.session("m000001")
        own.get("/me")
        bar = "API reads, a second of one core: "
        for name, target in (("me", "/me"),
                             ("one account", "/accounts/a0002"),
                             ("check", "/check?account=a0002&member=m000002"
                              "&permission=users.view")):
            result(bar + name, "%d" % reads(world, own, target), "least",
                   2000, "/s")
        middle = own.get("/accounts/a0002/members?limit=200").json()["next"]
        for name, target in (
                ("accounts", "/accounts?limit=200"),
                ("accounts, found by name", "/accounts?limit=50&q=a4999"),
                ("members of 20,000", "/accounts/a0002/members?limit=200"),
                ("... the next page",
                 "/accounts/a0002/members?limit=200&cursor=" + middle),
                ("... found by name", "/accounts/a0002/members?q=m019999"),
                ("... found by nothing",
                 "/accounts/a0002/members?q=not-there"),
                ("invitations", "/accounts/a0002/invitations"),
                ("roles", "/accounts/a0002/roles"),
                ("history", "/accounts/a0002/history?limit=50")):
            result("list page, 100,000 members: " + name,
                   "%.1f" % slowest(lambda: own.get(target)), "most", 50,
                   "ms")
        roles = ["reporting.viewer", "full.viewer"]

        def edit():
            roles.reverse()
            return own.patch("/accounts/a0002/members/m000777",
                             {"role": roles[0]})
        result("one change, committed and published", "%.1f" % slowest(edit),
               "most", 20, "ms")
        count = [0]

        def invite():
            count[0] += 1
            return own.post("/accounts/a0002/invitations", {"invitations": [
                {"email": "x%d@example.org" % count[0],
                 "role": "full.viewer"}]})
        result("one invitation", "%.1f" % slowest(invite), "most", 20, "ms")
        preview, work = sheet_seconds(world, own)
        result("spreadsheet of 10,000 rows: preview", "%.2f" % preview,
               "most", 3, "s")
        result("spreadsheet of 10,000 rows: applied", "%.2f" % work, "most",
               30, "s")
        world.password("m000001")
        result("sign-in: unknown name by wrong password", "%.3f" %
               sign_in_ratio(world), "most", 1.1, "times")
    finally:
        world.stop()


main()
