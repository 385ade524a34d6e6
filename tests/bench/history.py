#!/usr/bin/python3
"""How long the slowest searches of a history of 1,000,000 rows take, one line
each as tests/bench/api.py has it. The rows are put in past the program, since
only looking for them is measured."""
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "system"))
from web_world import World  # noqa: E402
import sqlite3  # noqa: E402

ROWS = 1000000


def rows(first):
    for i in range(first, first + ROWS):
        m, a = i % 100000, i % 5000
        yield (i, 1700000000000 + i * 100, "member:m%06d" % (m % 500), "",
               "grant.add", "m%06d on a%04d" % (m, a), "",
               '{"type":"grant","member":"m%06d","account":"a%04d",'
               '"role":"full.viewer","source":"local"}' % (m, a),
               "ticket %d" % (i % 977), "member:x", "%064d" % i,
               "a%04d" % a, "id%06d" % m)


def fill(path):
    store = sqlite3.connect(path)
    store.execute("PRAGMA synchronous=OFF")
    first = store.execute("SELECT max(seq) FROM history").fetchone()[0] + 1
    store.executemany(
        "INSERT INTO history (seq, at_ms, actor, on_behalf, action, subject,"
        " before, after, why, touches, hash, account_id, member_id)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", rows(first))
    store.execute("UPDATE history_head SET seq = ?", (first + ROWS - 1,))
    store.commit()
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()


def main():
    world = World()
    try:
        fill(world.path("state.db"))
        for name, words in (
                ("a text that is nowhere", ("--has", "not-there")),
                ("a text that is everywhere", ("--has", "TICKET")),
                ("an actor who did nothing", ("--actor", "member:nobody")),
                ("another kind of change", ("--action", "session.")),
                ("an account and below it", ("--account", "a0007")),
                ("a range of time", ("--from", "2023-11-14T23:00:00Z", "--to",
                                     "2023-11-15T00:00:00Z"))):
            took = []
            for _ in range(5):
                began = time.perf_counter()
                world.rg("log", "-n", "50", *words)
                took.append(time.perf_counter() - began)
            print("history of 1,000,000 rows: %s\t%.2f\tmost\t1\ts"
                  % (name, statistics.median(took)), flush=True)
    finally:
        world.stop()


main()
