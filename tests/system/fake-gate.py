#!/usr/bin/python3
"""A FastCGI or HTTP server that answers whatever it was told to, to see what
nginx makes of it.

usage: fake-gate.py [--http] SOCKET ANSWER [SEEN]
SOCKET is a path, or HOST:PORT. ANSWER is the text of the STDOUT record, or all
that is sent, with \\r and \\n written out; the words "close" (no answer), "hang"
(never), "cut" (half a record) stand for faults.
SEEN gets the parameters of each request, one NAME=VALUE a line, or its lines.
"""
import os
import socket
import struct
import sys
import threading
import time


def record(kind, body):
    return struct.pack(">BBHHBx", 1, kind, 1, len(body), 0) + body


def params(block):
    at = 0
    while at < len(block):
        sizes = []
        for _ in range(2):
            if block[at] < 128:
                sizes.append(block[at])
                at += 1
            else:
                sizes.append(struct.unpack(">I", block[at:at + 4])[0]
                             & 0x7fffffff)
                at += 4
        name, value = block[at:at + sizes[0]], block[at + sizes[0]:
                                                     at + sum(sizes)]
        at += sum(sizes)
        yield name.decode() + "=" + value.decode()


def plain(answer):
    return answer.encode().decode("unicode_escape").encode("latin-1")


def serve_http(client, answer, seen):
    with client, client.makefile("rb") as stream:
        lines = list(iter(lambda: stream.readline().strip(), b""))
        if seen and lines:
            with open(seen, "ab") as out:
                out.write(b"\n".join(lines) + b"\n")
        if answer == "hang":
            time.sleep(3600)
        if answer != "close":
            client.sendall(plain(answer))


def serve(client, answer, seen):
    stream = client.makefile("rb")
    block = b""
    while head := stream.read(8):
        _, kind, _, size, padding = struct.unpack(">BBHHBx", head)
        body = stream.read(size + padding)[:size]
        if kind == 4:
            block += body
        if kind != 5 or size:
            continue
        if seen:
            with open(seen, "a", encoding="utf-8") as out:
                print(*params(block), sep="\n", file=out)
        block = b""
        if answer == "hang":
            time.sleep(3600)
        if answer == "cut":
            client.sendall(record(6, b"Status: 200 OK\r\n\r\n")[:10])
        if answer in ("close", "cut"):
            client.close()
            return
        client.sendall(record(6, plain(answer)) + record(6, b"") +
                       record(3, struct.pack(">IB3x", 0, 0)))


def listen(address):
    if "/" not in address:
        host, port = address.rsplit(":", 1)
        return socket.create_server((host, int(port)))
    if os.path.exists(address):
        os.unlink(address)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    return listener


def main():
    words = sys.argv[1:]
    answers = serve
    if words[0] == "--http":
        words.pop(0)
        answers = serve_http
    seen = words[2] if len(words) > 2 else None
    listener = listen(words[0])
    while True:
        client, _ = listener.accept()
        threading.Thread(target=answers, args=(client, words[1], seen),
                         daemon=True).start()


main()
