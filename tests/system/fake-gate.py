#!/usr/bin/python3
"""A FastCGI server that answers whatever it was told to, to see what nginx
makes of it.

usage: fake-gate.py SOCKET ANSWER [SEEN]
ANSWER is the text of the STDOUT record, with \\r and \\n written out; the words
"close" (no answer), "hang" (never), "cut" (half a record) stand for faults.
SEEN gets the parameters of each request, one NAME=VALUE a line.
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
        text = answer.encode().decode("unicode_escape").encode("latin-1")
        client.sendall(record(6, text) + record(6, b"") +
                       record(3, struct.pack(">IB3x", 0, 0)))


def main():
    path, answer = sys.argv[1:3]
    seen = sys.argv[3] if len(sys.argv) > 3 else None
    if os.path.exists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, answer, seen),
                         daemon=True).start()


main()
