"""A directory that answers as it is told, for what a real one does rarely.

ldap-fake-server.py PORT_FILE PAGES CODE [TRICK]

Binds everybody. Every search gets PAGES pages of one person each, with a
cookie, and then an answer with result CODE. TRICK is one of
  reference   the last page also has a reference to another server
  nocontrol   the last page does not say whether it is the last
  range       the entry's member attribute comes in parts
  endless     the cookie never becomes empty, and no entries come
  grant       every bind is refused with CODE
Appends a line to PORT_FILE.log for each operation that it is asked.
"""
import os
import socket
import sys
import threading

port_file, pages, code = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
trick = sys.argv[4] if len(sys.argv) > 4 else ""
PAGED = b"1.2.840.113556.1.4.319"


def tlv(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def number(value, tag=2):
    return tlv(tag, bytes([value]))


def text(value):
    return tlv(4, value)


def result(op, value, *controls):
    return tlv(op, number(value, 10), text(b""), text(b"")), controls


def page(cookie):
    value = tlv(0x30, number(0), text(cookie))
    return tlv(0xA0, tlv(0x30, text(PAGED), text(value)))


def attribute(name, value):
    return tlv(0x30, text(name), tlv(0x31, text(value)))


def person(n):
    uid = b"f%d" % n
    member = b"member;range=0-0" if trick == "range" else b"description"
    return tlv(0x64, text(b"uid=" + uid + b",ou=people,dc=example,dc=org"),
               tlv(0x30, attribute(b"uid", uid), attribute(b"cn", uid),
                   attribute(b"mail", uid + b"@example.org"),
                   attribute(b"entryUUID", b"fake-" + uid),
                   attribute(member, b"uid=f0")))


def read_message(stream):
    head = stream.read(2)
    if len(head) < 2:
        return None
    size = head[1]
    if size & 0x80:
        size = int.from_bytes(stream.read(size & 0x7F), "big")
    return stream.read(size)


def answer(op, sent):
    """The messages that answer an operation, and the new count of pages."""
    if op == 0x60:
        return [result(0x61, code if trick == "grant" else 0)], sent
    if op != 0x63:
        return [], sent
    if trick == "endless":
        return [result(0x65, 0, page(b"more"))], sent
    if sent < pages:
        return [(person(sent), ()), result(0x65, 0, page(b"more"))], sent + 1
    last = []
    if trick == "reference":
        last.append((tlv(0x73, text(b"ldap://127.0.0.1:1/dc=else")), ()))
    if trick == "range":
        last.append((person(sent), ()))
    last.append(result(0x65, code) if trick == "nocontrol"
                else result(0x65, code, page(b"")))
    return last, 0


def serve(client):
    stream = client.makefile("rb")
    sent = 0
    while body := read_message(stream):
        size = body[1]
        msgid, op = body[:2 + size], body[2 + size]
        with open(port_file + ".log", "a") as log:
            log.write("%#x\n" % op)
        messages, sent = answer(op, sent)
        try:
            for message, controls in messages:
                client.sendall(tlv(0x30, msgid, message, *controls))
        except OSError:
            break
    client.close()


listener = socket.create_server(("127.0.0.1", 0))
with open(port_file + ".new", "w") as out:
    out.write(str(listener.getsockname()[1]))
os.rename(port_file + ".new", port_file)
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
