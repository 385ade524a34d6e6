"""What a backend must not be: it says 200 to everybody. The suite fails it."""
import os
import subprocess
import sys

from site_under_test import until

HERE = os.path.dirname(os.path.abspath(__file__))


class Backend:
    location = "/_yes"
    identity = ["X-User"]
    revoke = end_session = kill_worker = store_stop = store_start = None

    def __init__(self, tmp):
        self.socket = os.path.join(tmp, "yes.sock")
        self.process = None

    @staticmethod
    def missing():
        return None

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "..", "..", "system",
                                          "fake-gate.py"),
             self.socket, "Status: 200 OK\\r\\n\\r\\n"],
            stdin=subprocess.DEVNULL)
        until(lambda: os.path.exists(self.socket))

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()

    def http(self):
        return ""

    def server(self, app):
        return "location = /_yes { fastcgi_pass unix:%s; }" % self.socket

    def protect(self, right, app):
        return "auth_request /_yes; proxy_pass http://%s;" % app

    def headers(self, user):
        return ["Cookie: user=" + user]
