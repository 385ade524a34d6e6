#!/usr/bin/python3
"""Talks FastCGI to a gate, as nginx does and as nginx never would.

  fcgi-client.py SOCKET ask [NAME=VALUE ...]     one request; prints its answer
      NAME is a parameter without ROLEGATE_: USER=ann PERMISSION=users.view.
      -NAME leaves it out, +NAME=VALUE adds it once more.
  fcgi-client.py SOCKET kept N [NAME=VALUE ...]  N requests on one connection
      {n} in a value is the number of the request, {n:05d} with zeros in front.
  fcgi-client.py SOCKET hostile                  bytes of all sorts: one line each
  fcgi-client.py SOCKET half FILE [NAME=VALUE …] half a request, the other half
                                                 when FILE is there
  fcgi-client.py SOCKET hold N FILE              N connections until FILE is there
  fcgi-client.py SOCKET stream FILE N            N connections that ask again and
      again until FILE is there, what should be allowed and what should not.
      A request whose connection breaks is asked again, as nginx does.
      Prints how often it got which answer.

"closed" is a connection that ended, or was not made, without an answer.
"""
import collections
import os
import random
import socket
import struct
import sys
import threading
import time

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, GET_VALUES = 1, 2, 3, 4, 5, 6, 9
NAMES = {"COOKIE": "", "TRUSTED_USER": "", "METHOD": "GET", "PATH": "/x",
         "TARGET": "/x", "PERMISSION": "", "ACCOUNT": "", "HOST": "app"}


def record(kind, body=b"", ident=1, version=1, padding=b"", length=None):
    return struct.pack(">BBHHBx", version, kind, ident,
                       len(body) if length is None else length,
                       len(padding)) + body + padding


def length(n):
    return bytes([n]) if n < 128 else struct.pack(">I", n | 0x80000000)


def pair(name, value):
    return length(len(name)) + length(len(value)) + name + value


def begin(role=1, flags=1, **more):
    return record(BEGIN, struct.pack(">HB5x", role, flags), **more)


def request(pairs, flags=1):
    body = b"".join(pair(b"ROLEGATE_" + k.encode(), v.encode())
                    for k, v in pairs)
    return (begin(flags=flags) + record(PARAMS, body) + record(PARAMS) +
            record(STDIN))


def pairs_of(words):
    values = dict(NAMES)
    more = []
    for word in words:
        name, _, value = word.partition("=")
        name = name.replace("USER", "TRUSTED_USER") if name == "USER" else name
        if word.startswith("-"):
            del values[word[1:]]
        elif word.startswith("+"):
            more.append((name[1:], value))
        else:
            values[name] = value
    return list(values.items()) + more


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(path)
    return s


def read_exactly(s, n):
    out = b""
    while len(out) < n:
        got = s.recv(n - len(out))
        if not got:
            raise ConnectionError
        out += got
    return out


def answer(s):
    out = b""
    while True:
        _, kind, _, size, padding = struct.unpack(">BBHHBx",
                                                  read_exactly(s, 8))
        body = read_exactly(s, size + padding)[:size]
        if kind == STDOUT:
            out += body
        elif kind == END:
            return out.decode()


def short(text):
    """ "204 allow granted" """
    lines = dict(line.split(": ", 1) for line in text.split("\r\n") if line)
    return " ".join([lines["Status"].split()[0],
                     lines["X-Rolegate-Decision"],
                     lines["X-Rolegate-Reason"]])


def ask_bytes(path, data, patience=10):
    s = None
    try:
        s = connect(path)
        s.settimeout(patience)
        s.sendall(data)
        return answer(s)
    except OSError:
        return None
    finally:
        if s is not None:
            s.close()


def cmd_ask(path, words):
    got = ask_bytes(path, request(pairs_of(words)))
    print(got.replace("\r\n", "\n").strip() if got else "closed")


def cmd_kept(path, words):
    s = connect(path)
    seen = collections.Counter()
    for n in range(1, int(words[0]) + 1):
        numbered = [w.format(n=n) if "{n" in w else w for w in words[1:]]
        s.sendall(request(pairs_of(numbered)))
        seen[short(answer(s))] += 1
    for what, n in sorted(seen.items()):
        print(n, what)


def hostile():
    """Name and bytes. None of them may be answered."""
    asked = pair(b"FCGI_MAX_CONNS", b"")
    rest = record(PARAMS) + record(STDIN)
    good = request(pairs_of(["USER=ann", "PERMISSION=users.view"]))
    values = record(GET_VALUES, asked * 4, ident=0)
    yield "zero bytes", b"\0" * 4096
    yield "HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    yield "version 0", begin(version=0) + rest
    yield "version 9", begin(version=9) + rest
    yield "management", values
    yield "management of an unknown type", record(77, b"x", ident=0)
    yield "management behind a request", good + values
    yield "management hidden behind begin", begin(padding=values) + rest
    yield "management hidden behind the parameters", (
        begin() + record(PARAMS, padding=values) + record(STDIN))
    yield "length 0x7fffffff", (
        begin() + record(PARAMS, b"\xff\xff\xff\xff\1A") + rest)
    yield "2 x 1 GiB", (
        begin() + record(PARAMS, struct.pack(">II", 0xc0000000, 0xc0000000)) +
        rest)
    yield "a sum over INT_MAX", (
        begin() + record(PARAMS, struct.pack(">II", 0xfffffff0, 0xfffffff0)) +
        rest)
    yield "begin twice", begin() + good
    yield "another id", begin() + record(PARAMS, ident=2) + rest
    yield "id 0", begin(ident=0) + rest
    yield "authorizer", begin(role=2) + rest
    yield "role 99", begin(role=99) + rest
    yield "abort", begin() + record(ABORT) + rest
    yield "type 99", begin() + record(99, b"x") + rest
    yield "cut parameters", begin() + record(PARAMS, b"\5\5abc") + rest
    yield "NUL in a value", (
        begin() + record(PARAMS, pair(b"ROLEGATE_TRUSTED_USER", b"ann\0x")) +
        rest)
    yield "= in a name", (
        begin() + record(PARAMS, pair(b"ROLEGATE_PATH=/x", b"y")) + rest)
    yield "16 KiB and a byte", (
        begin() + record(PARAMS, pair(b"A", b"v" * 16400)) + rest)
    yield "a record of 64 KiB that does not come", (
        begin() + record(PARAMS, b"x", length=65535))
    yield "two requests at once", good + good
    yield "a response", record(STDOUT, b"Status: 200 OK\r\n\r\n")
    shuffle = random.Random(1)
    for i in range(300):
        data = bytearray(good)
        for _ in range(shuffle.randint(1, 8)):
            data[shuffle.randrange(len(data))] = shuffle.randrange(256)
        yield "changed bytes %d" % i, bytes(data)


def cmd_hostile(path, _):
    for name, data in hostile():
        s = connect(path)
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            got = short(answer(s))
        except ConnectionError:
            got = "closed"
        s.close()
        print("%s: %s" % (name, got))


def until_there(path):
    while not os.path.exists(path):
        time.sleep(0.01)


def cmd_half(path, words):
    data = request(pairs_of(words[1:]))
    s = connect(path)
    s.sendall(data[:30])
    print("half", flush=True)
    until_there(words[0])
    s.sendall(data[30:])
    print(short(answer(s)))


def cmd_hold(path, words):
    held = []
    for _ in range(int(words[0])):
        try:
            held.append(connect(path))
        except OSError:
            break
    print("held", flush=True)
    until_there(words[1])


class Stream(threading.Thread):
    def __init__(self, path, stop, number):
        super().__init__()
        self.path, self.stop, self.number = path, stop, number
        self.seen = collections.Counter()
        self.socket = None

    def once(self, data):
        if self.socket is None:
            self.socket = connect(self.path)
        self.socket.sendall(data)
        return short(answer(self.socket))

    def asked(self, data):
        for _ in range(3):
            try:
                return self.once(data)
            except OSError:
                if self.socket is not None:
                    self.socket.close()
                self.socket = None
        return "failed"

    def run(self):
        kinds = [("allow", ["USER=ann", "PERMISSION=users.view",
                            "ACCOUNT=sales"]),
                 ("deny", ["USER=bob", "PERMISSION=users.add",
                           "ACCOUNT=sales"])]
        requests = [(name, request(pairs_of(words))) for name, words in kinds]
        turn = self.number
        while not os.path.exists(self.stop):
            name, data = requests[turn % 2]
            self.seen["%s: %s" % (name, self.asked(data))] += 1
            turn += 1


def cmd_stream(path, words):
    streams = [Stream(path, words[0], i) for i in range(int(words[1]))]
    for s in streams:
        s.start()
    seen = collections.Counter()
    for s in streams:
        s.join()
        seen += s.seen
    for what, n in sorted(seen.items()):
        print(n, what)


def main():
    commands = {"ask": cmd_ask, "kept": cmd_kept, "hostile": cmd_hostile,
                "half": cmd_half, "hold": cmd_hold, "stream": cmd_stream}
    commands[sys.argv[2]](sys.argv[1], sys.argv[3:])


if __name__ == "__main__":
    main()
