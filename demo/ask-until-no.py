#!/usr/bin/python3
"""Asks one URL again and again and writes down until when it was allowed.

usage: ask-until-no.py PORT PATH HEADER OUT
HEADER is a file with the Cookie header.
Ends one second after the first refusal (or after a minute), and writes two
lines of Unix milliseconds to OUT: the last allow, the first refusal.
"""
import http.client
import sys
import time


def main():
    port, path, header, out = sys.argv[1:5]
    with open(header, encoding="ascii") as line:
        name, value = line.read().strip().split(": ")
    site = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)
    end = time.monotonic() + 60
    last = first = 0
    while time.monotonic() < end:
        site.request("GET", path, headers={name: value})
        answer = site.getresponse()
        answer.read()
        now = int(time.time() * 1000)
        if answer.status == 200:
            last = now
        elif first == 0:
            first = now
            end = time.monotonic() + 1
    with open(out, "w", encoding="ascii") as to:
        print(last, first, sep="\n", file=to)


main()
