#!/usr/bin/python3
"""tests/auth_request on rolegate; and on a backend that says yes to everybody,
which has to fail it."""
import json
import os
import signal
import subprocess
import sys

SUITE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(
    __file__))), "auth_request", "suite")
# nginx refuses these itself, or there is nobody to ask.
NGINX_REFUSES = {"T8", "T41", "T25"}


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
status, _ = suite("--tap", "rolegate")
rows = json.loads(suite("--json", "always_yes", stdout=subprocess.PIPE)[1])
passed = {row["cases"] for row in rows if row["verdict"] == "pass"}
failed = [row["cases"] for row in rows if row["verdict"] == "fail"]
right = passed == NGINX_REFUSES and len(failed) >= 20
print("%sok 1 who says yes to everybody fails the suite" % (
    "" if right else "not "))
if not right:
    print("# passed: %s, failed: %s" % (sorted(passed), sorted(failed)))
print("1..1")
sys.exit(0 if status == 0 and right else 1)
