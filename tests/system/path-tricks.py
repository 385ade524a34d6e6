#!/usr/bin/python3
"""Asks nginx for thousands of paths that mean different things to different
readers, made from a seed, as somebody who has a right below /pub/ and none
below /admin/. Compares what reached the application with what the gate wrote
down of it.

    path-tricks.py PORT COOKIE ASKS     prints how many were let in

Reads decisions.log and served in the present folder; served has a line of JSON
for each request that reached the application: id, uri."""
import json
import os
import random
import re
import socket
import sys
import urllib.parse

# Ways into /admin/ that were found in one product or another: how a path may be
# written that somebody reads as one of these.
BASES = ["/pub/../admin/x", "/pub/x/../../admin/", "/admin/x", "/pub/x",
         "/admin/../pub/x", "/pub/a/b1.c", "/pub/x?path=/admin/x"]
SPELLINGS = {
    "/": ["//", "/./", "%2f", "%2F", "\\", "%5c", ";/", ";a=b/", "%3b/", "%252f",
          "%c0%af", "/%2e/", "%00/", "./", "%20/", "%09/"],
    ".": ["%2e", "%2E", "%252e", "%c0%ae", "\u2024".encode().decode("latin-1")],
}
EXTRAS = ["?/../../pub/x", "?path=/pub/x", "#", "#/../pub/x", "%23", "%3f", ";",
          "/..", "/.", "%", "%zz", "%25", "%0a", "%0d%0a", "%ff", "%c3%bc",
          " ", "+", "~", "%7e", ".", "&", ",", "/index.html", ":@*-_="]


def spelled(dice, letter):
    if letter in SPELLINGS:
        return dice.choice(SPELLINGS[letter])
    return dice.choice(["%%%02x" % ord(letter), letter.upper(), letter * 2])


def targets(dice, count):
    """One or two of its letters are spelled in another way, or something
    stands between them."""
    for _ in range(count):
        letters = list(dice.choice(BASES))
        for _ in range(dice.choice((0, 1, 1, 2))):
            at = dice.randrange(1, len(letters))
            if dice.random() < 0.3:
                letters[at] = dice.choice(EXTRAS) + letters[at]
            else:
                letters[at] = spelled(dice, letters[at][-1])
        yield dice.choice(("", "", "", "/", "http://other.test")) + \
            "".join(letters)


class Asker:
    def __init__(self, port, cookie):
        self.port, self.cookie = port, cookie
        self.stream = None

    def ask(self, target):
        """The status, 0 when nginx closed without one; and the decision."""
        if self.stream is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port))
            self.socket.settimeout(10)
            self.stream = self.socket.makefile("rb")
        self.socket.sendall(b"GET " + target.encode("latin-1") +
                            b" HTTP/1.1\r\nHost: app.test\r\nCookie: " +
                            self.cookie.encode() + b"\r\n\r\n")
        line = self.stream.readline()
        headers = {}
        while True:
            header = self.stream.readline()
            if header in (b"", b"\r\n"):
                break
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        self.stream.read(int(headers.get("content-length", 0)))
        if headers.get("connection") != "keep-alive":
            self.socket.close()
            self.stream = None
        status = int(line.split()[1]) if line.startswith(b"HTTP/") else 0
        return status, headers.get("x-rolegate-decision-id", "")


def unquoted(value):
    if not value.startswith('"'):
        return value.encode()
    return re.sub(
        rb"\\(x[0-9a-f]{2}|.)",
        lambda m: bytes([int(m.group(1)[1:], 16)])
        if len(m.group(1)) == 3 else m.group(1), value[1:-1].encode())


def decisions():
    """Which path each yes was about."""
    found = {}
    with open("decisions.log", encoding="utf-8") as log:
        for line in log:
            fields = dict(re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)', line))
            if fields["verdict"] == "allow":
                found[fields["id"]] = unquoted(fields["path"])
    return found


def may_mean(path):
    """Is it below /admin/ to anybody, whatever else they decode or drop?"""
    for _ in range(3):
        plain = path.replace(b"\\", b"/").lower()
        plain = re.sub(rb";[^/]*", b"", plain)
        parts = []
        for part in plain.split(b"/"):
            part = part.strip(b" .") if part.strip(b" .") else part.strip()
            if part == b"..":
                parts[-1:] = []
            elif part not in (b"", b"."):
                parts.append(part)
        if parts[:1] == [b"admin"]:
            return True
        path = urllib.parse.unquote_to_bytes(path)
    return False


def main():
    port, cookie, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    seed = int(os.environ.get("ROLEGATE_SEED", random.SystemRandom().randrange(
        2 ** 32)))
    print("ROLEGATE_SEED=%d" % seed, file=sys.stderr)
    asker = Asker(port, cookie)
    let_in = {}
    for target in targets(random.Random(seed), count):
        status, decision = asker.ask(target)
        if status == 200:
            let_in[decision] = target
        elif status not in (0, 301, 400, 403):
            sys.exit("%r: %d" % (target, status))
    decided = decisions()
    with open("served", "rb") as served:
        lines = [json.loads(line.decode("latin-1")) for line in served]
    for line in lines:
        uri = line["uri"].encode("latin-1")
        target = let_in.pop(line["id"], None)
        if target is None:
            sys.exit("nobody was let in, but %r was served" % uri)
        if decided.get(line["id"]) != uri:
            sys.exit("%r: decided on %r, served %r" % (
                target, decided.get(line["id"]), uri))
        if may_mean(uri) or may_mean(target.split("?")[0].encode("latin-1")):
            sys.exit("%r reached the application as %r" % (target, uri))
    if let_in:
        sys.exit("let in, but not served: %r" % let_in)
    print(len(lines))


main()
