#!/usr/bin/python3
"""A mail server on loopback that answers as it is told, and writes down what
it was given.

  smtp-server.py MODE FILE [CERTIFICATE KEY]

Prints its port, and ends when its standard input does. What it was given goes
to FILE: "FROM -> TO", "auth USER PASSWORD", then the mail. MODE:

  starttls   offers STARTTLS, and takes nothing without it
  optional   offers STARTTLS, and takes mail without it
  auth       the same as starttls, and wants robot's password
  plain      knows no STARTTLS
  torn       offers STARTTLS, and then does not begin it
  closed     greets with 554
  silent     greets nobody

Who begins with "gone" is refused for good, with "later" for now; a text with
SPAM in it is refused after it was read.
"""
import asyncio
import logging
import os
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

# Clients that go away in the middle are what this is for.
logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")

mode, path = sys.argv[1], sys.argv[2]


def note(line):
    with open(path, "ab") as file:
        file.write(line + b"\n")


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone"):
            return "550 5.1.1 there is nobody of this name"
        if address.startswith("later"):
            return "451 4.7.1 come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        note(f"{envelope.mail_from} -> {envelope.rcpt_tos}".encode())
        if b"SPAM" in envelope.content:
            return "554 5.7.1 this is spam"
        note(envelope.content)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    if not isinstance(data, LoginPassword):
        return AuthResult(success=False, handled=False)
    note(b"auth " + data.login + b" " + data.password)
    good = data.login == b"robot" and data.password == b"open sesame"
    return AuthResult(success=good, handled=False)


def smtp():
    tls = None
    if mode in ("starttls", "optional", "auth"):
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(sys.argv[3], sys.argv[4])
    return SMTP(
        Handler(),
        hostname="localhost",
        tls_context=tls,
        require_starttls=mode in ("starttls", "auth"),
        authenticator=authenticate,
        auth_required=mode == "auth",
        auth_require_tls=mode == "auth",
    )


async def by_hand(reader, writer):
    if mode == "closed":
        writer.write(b"554 no mail here\r\n")
    if mode == "torn":
        writer.write(b"220 localhost\r\n")
        while line := await reader.readline():
            note(line.strip())
            if line.startswith(b"EHLO"):
                writer.write(b"250-localhost\r\n250 STARTTLS\r\n")
            elif line.startswith(b"STARTTLS"):
                writer.write(b"454 not now\r\n")
            else:
                writer.write(b"250 OK\r\n")
    if mode == "silent":
        await reader.read()
    writer.close()


async def main():
    loop = asyncio.get_running_loop()
    if mode in ("closed", "torn", "silent"):
        server = await asyncio.start_server(by_hand, "127.0.0.1", 0)
    else:
        server = await loop.create_server(smtp, "127.0.0.1", 0)
    # In one piece, whatever the environment says of buffers.
    os.write(1, b"%d\n" % server.sockets[0].getsockname()[1])
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())
