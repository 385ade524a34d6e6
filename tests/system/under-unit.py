#!/usr/bin/python3
"""Runs a program with the system calls that a systemd unit leaves it, and the
environment that it gives it:

    under-unit.py UNIT PROGRAM [ARGUMENT...]
"""
import ctypes
import os
import subprocess
import sys

ALLOW = 0x7FFF0000
ERRNO = 0x00050000
EPERM = 1


def group(name):
    """The calls of a name that begins with @, or the one call."""
    if not name.startswith("@"):
        return {name}
    printed = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", name],
        check=True, capture_output=True, text=True).stdout
    calls = set()
    for line in printed.splitlines()[1:]:
        word = line.strip()
        if word and not word.startswith("#"):
            calls |= group(word)
    return calls


def allowed(unit):
    calls = group("@default")
    with open(unit) as file:
        for line in file:
            key, _, value = line.strip().partition("=")
            if key != "SystemCallFilter":
                continue
            named = set()
            for name in value.lstrip("~").split():
                named |= group(name)
            if value.startswith("~"):
                calls -= named
            else:
                calls |= named
    return calls


def restrict(calls):
    lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    lib.seccomp_init.restype = ctypes.c_void_p
    lib.seccomp_init.argtypes = [ctypes.c_uint32]
    lib.seccomp_rule_add.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
    lib.seccomp_load.argtypes = [ctypes.c_void_p]
    rules = lib.seccomp_init(ERRNO | EPERM)
    for name in calls:
        number = lib.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            assert lib.seccomp_rule_add(rules, ALLOW, number, 0) == 0, name
    assert lib.seccomp_load(rules) == 0


def environment(unit):
    with open(unit) as file:
        for line in file:
            key, _, value = line.strip().partition("=")
            if key == "Environment":
                name, _, value = value.partition("=")
                yield name, value


os.environ.update(environment(sys.argv[1]))
restrict(allowed(sys.argv[1]))
os.execv(sys.argv[2], sys.argv[2:])
