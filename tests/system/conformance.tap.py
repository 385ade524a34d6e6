#!/usr/bin/python3
"""tests/auth_request on rolegate; and on backends with a fault, which have to
fail it."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

SUITE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(
    __file__))), "auth_request", "suite")
FAULTY = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "faulty_backend.py")
# nginx refuses these itself, or there is nobody to ask.
NGINX_REFUSES = {"T8", "T41", "T25"}
ALL = "-,T1,T35,T38,T40,T41,T48,T49,T30,W4,T51,W10,T25,T31"
# The fault, the cases that are asked, and those of them that fail.
FAULTS = [
    ("none", ALL, ""),
    ("refuses everybody", ALL,
     "-,T1,T35,W2,T38,T40,T41,T48,T49,T30,W4,T51,W10,T25"),
    ("dies", "-,T1,T41,T25", "T1,T41,T25"),
    ("breaks instead of refusing", "-,T30,W4", "-,T30,W4"),
    ("believes a header", "T35", "T35"),
    ("threads die", "T30,W4", "T30,W4"),
    ("a hook raises", "W4,T51,W10", "W4,T51"),
    ("one worker knows it later", "T51,W10", "T51,W10"),
    ("the hook is slow", "T51,W10", "T51"),
    ("knows nobody who leaves", "T51,W10", "T51,W10"),
    ("no cookies", "T30,T39,T40", ""),
    ("any 200 is a yes", "T31", "T31"),
]
number = bad = 0


def say(right, sentence, *why):
    global number, bad
    number += 1
    print("%sok %d %s" % ("" if right else "not ", number, sentence),
          flush=True)
    if not right:
        bad += 1
        print("# %s" % (why,), flush=True)


def suite(*words, **more):
    """It puts away what it started, also when we are ended."""
    process = subprocess.Popen([SUITE, *words], **more)
    try:
        said, _ = process.communicate()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    return process.returncode, said


for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: sys.exit(128 + number))


def verdicts(*words, **more):
    rows = json.loads(suite("--json", *words, stdout=subprocess.PIPE,
                            **more)[1])
    return {verdict: {row["cases"] for row in rows
                      if row["verdict"] == verdict}
            for verdict in ("pass", "fail", "skipped")}


def environ(fault, **more):
    return {"env": dict(os.environ, FAULT=fault, **more)}


def interrupted_twice():
    """The second one comes while it puts things away."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [SUITE, "--only", "T30,W4", FAULTY], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, **environ("slow to stop", TMPDIR=folder))
        try:
            for seconds in (2.5, 0.5):
                time.sleep(seconds)
                process.send_signal(signal.SIGINT)
            process.wait(10)
        finally:
            process.kill()
            process.wait()
        return os.listdir(folder)


status, said = suite("--tap", "--strict", "rolegate", stdout=subprocess.PIPE,
                     text=True)
for line in said.splitlines()[:-1]:
    print(line)
number = int(said.splitlines()[-1].partition("..")[2])
got = verdicts("always_yes")
say(got["pass"] == NGINX_REFUSES and len(got["fail"]) >= 20,
    "who says yes to everybody fails the suite", got)
for fault, asked, fails in FAULTS:
    got = verdicts("--only", asked, FAULTY, **environ(fault))
    failed = {one for ids in got["fail"] for one in ids.split()}
    aliases = {"T26", "W2", "T32"}
    say(failed - aliases == set(filter(None, fails.split(","))) - aliases,
        "what the suite says of a backend with this fault: " + fault,
        got)
got = verdicts("--only", "T39,T40,T1", FAULTY, **environ("no cookies"))
say(got["skipped"] == {"T39", "T40"},
    "without cookies the cases about them are skipped", got)
with open(os.devnull, "w") as null:
    codes = [suite(*words, FAULTY, stdout=null, stderr=null,
                   **environ(fault))[0]
             for fault, *words in (
                 ("no cookies", "--only=T40"),
                 ("no cookies", "--only=T40", "--strict"),
                 ("no identity", "--only=T30"))]
say(codes == [0, 1, 1], "--strict fails what is skipped, and an empty "
    "identity is refused", codes)
left = interrupted_twice()
say(not left, "a second interrupt leaves nothing behind", left)
print("1..%d" % number)
sys.exit(1 if bad or status else 0)
