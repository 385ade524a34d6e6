"""A proxy in front of a directory that fails in the ways networks fail.

ldap-cut-proxy.py PORT_FILE TARGET_PORT MODE BYTES

Lets BYTES bytes of the directory's answers through, over all connections,
then: cut = resets, close = ends politely, stall = says nothing any more.
Prints its own port into PORT_FILE, and a line into PORT_FILE.met for each
connection. "pass" never fails and prints how many
bytes went through into PORT_FILE.bytes when it is ended by SIGTERM.
"""
import os
import signal
import socket
import struct
import sys
import threading

port_file, target, mode, limit = (sys.argv[1], int(sys.argv[2]), sys.argv[3],
                                  int(sys.argv[4]))
lock = threading.Lock()
left = limit
passed = 0


def allowance(size):
    global left, passed
    with lock:
        size = size if mode == "pass" else min(size, left)
        left -= size
        passed += size
        return size


def fail(client, server):
    if mode == "stall":
        threading.Event().wait()
    if mode == "cut":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          struct.pack("ii", 1, 0))
    # The other thread waits in recv() and would keep the connection alive.
    client.shutdown(socket.SHUT_RD)
    client.close()
    server.close()


def up(client, server):
    try:
        while data := client.recv(65536):
            server.sendall(data)
    except OSError:
        pass
    try:
        server.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def down(client, server):
    try:
        while data := server.recv(65536):
            size = allowance(len(data))
            client.sendall(data[:size])
            if size < len(data):
                fail(client, server)
                return
    except OSError:
        pass
    client.close()


def finish(*_):
    with open(port_file + ".bytes", "w") as out:
        out.write(str(passed))
    os._exit(0)


signal.signal(signal.SIGTERM, finish)
listener = socket.create_server(("127.0.0.1", 0))
with open(port_file + ".new", "w") as out:
    out.write(str(listener.getsockname()[1]))
os.rename(port_file + ".new", port_file)


def serve():
    while True:
        client, _ = listener.accept()
        with open(port_file + ".met", "a") as met:
            met.write("connected\n")
        server = socket.create_connection(("127.0.0.1", target))
        threading.Thread(target=up, args=(client, server), daemon=True).start()
        threading.Thread(target=down, args=(client, server),
                         daemon=True).start()


threading.Thread(target=serve, daemon=True).start()
while True:
    signal.pause()
