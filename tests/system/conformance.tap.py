#!/usr/bin/python3
"""tests/auth_request on rolegate; and on a backend that says yes to everybody,
which has to fail it."""
import json
import os
import subprocess
import sys

SUITE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(
    __file__))), "auth_request", "suite")
# nginx refuses these itself, or there is nobody to ask.
NGINX_REFUSES = {"T8", "T41", "T25"}

status = subprocess.run([SUITE, "--tap", "rolegate"]).returncode
rows = json.loads(subprocess.run([SUITE, "--json", "always_yes"],
                                 stdout=subprocess.PIPE).stdout)
passed = {row["cases"] for row in rows if row["verdict"] == "pass"}
failed = [row["cases"] for row in rows if row["verdict"] == "fail"]
right = passed == NGINX_REFUSES and len(failed) >= 20
print("%sok 1 who says yes to everybody fails the suite" % (
    "" if right else "not "))
if not right:
    print("# passed: %s, failed: %s" % (sorted(passed), sorted(failed)))
print("1..1")
sys.exit(0 if status == 0 and right else 1)
