#!/usr/bin/python3
"""Asks a gate over one kept FastCGI connection, as nginx would.

usage: fcgi-ask.py SOCKET PERMISSION PATTERN COUNT
PATTERN names member and account of question N with '%d': 'm%05d a%05d'.
Prints how many were answered by which status, and the seconds it took.
"""
import collections
import socket
import struct
import sys
import time

BEGIN, PARAMS, STDIN, END, STDOUT = 1, 4, 5, 3, 6


def record(kind, body):
    return struct.pack(">BBHHBx", 1, kind, 1, len(body), 0) + body


def length(n):
    return bytes([n]) if n < 128 else struct.pack(">I", n | 0x80000000)


def request(values):
    body = b"".join(
        length(len(k)) + length(len(v)) + k.encode() + v.encode()
        for k, v in values.items())
    return (record(BEGIN, struct.pack(">HB5x", 1, 1)) + record(PARAMS, body) +
            record(PARAMS, b"") + record(STDIN, b""))


def answer(stream):
    out = b""
    while True:
        head = stream.read(8)
        if len(head) < 8:
            raise SystemExit("the gate closed the connection")
        _, kind, _, size, padding = struct.unpack(">BBHHBx", head)
        body = stream.read(size + padding)[:size]
        if kind == STDOUT:
            out += body
        elif kind == END:
            return out.split(b"\r\n", 1)[0].decode()


def main():
    path, permission, pattern, count = sys.argv[1:5]
    member, account = pattern.split()
    gate = socket.socket(socket.AF_UNIX)
    gate.connect(path)
    gate.settimeout(10)
    stream = gate.makefile("rb")
    seen = collections.Counter()
    start = time.monotonic()
    for i in range(1, int(count) + 1):
        gate.sendall(request({
            "ROLEGATE_COOKIE": "",
            "ROLEGATE_TRUSTED_USER": member % i,
            "ROLEGATE_METHOD": "GET",
            "ROLEGATE_PATH": "/x",
            "ROLEGATE_TARGET": "/x",
            "ROLEGATE_PERMISSION": permission,
            "ROLEGATE_ACCOUNT": account % i,
            "ROLEGATE_HOST": "bench",
        }))
        seen[answer(stream)] += 1
    took = time.monotonic() - start
    for status, n in sorted(seen.items()):
        print(f"{n}\t{status}")
    print(f"{took:.3f}\tseconds")


main()
