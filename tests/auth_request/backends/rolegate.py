"""rolegate itself, with the shipped include files."""
import os
import signal
import subprocess

from site_under_test import until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
BUILD = os.path.join(ROOT, os.environ.get("ROLEGATE_BUILD", "build"))
STATE = """\
{"type":"member","username":"editor","status":"active"}
{"type":"member","username":"viewer","status":"active"}
{"type":"member","username":"leaver","status":"active"}
{"type":"member","username":"visitor","status":"active"}
{"type":"account","id":"net","kind":"shared","level":"account","catalogue":"call-tracking","status":"active","owner":"editor"}
{"type":"grant","member":"viewer","account":"net","role":"full.viewer","source":"local"}
{"type":"grant","member":"leaver","account":"net","role":"full.editor","source":"local"}
{"type":"grant","member":"visitor","account":"net","role":"full.viewer","source":"local"}
"""
CONFIG = """\
store: %(tmp)s/state.db
catalogues: %(root)s/catalogs
view:
  redis: {address: "unix:%(tmp)s/redis.sock"}
  key_file: %(tmp)s/view.key
gate:
  socket: %(tmp)s/gate.sock
  control: %(tmp)s/control.sock
  workers: 2
  cookie: sid
  wait_ms: 1000
"""
PERMISSIONS = {"view": "calls.view", "edit": "users.add"}


class Backend:
    location = "/_rolegate"
    # The first one names the user.
    identity = ["X-Rolegate-Member", "Remote-User", "Remote-Groups",
                "X-Rolegate-Account", "X-Rolegate-Role", "X-Rolegate-Filter",
                "X-Rolegate-Acting-From", "X-Rolegate-Decision-Id"]

    def __init__(self, tmp):
        self.tmp = tmp
        self.socket = os.path.join(tmp, "gate.sock")
        self.tokens = {}
        self.running = []

    @staticmethod
    def missing():
        return (None if os.path.exists(os.path.join(BUILD, "rolegated"))
                else "it is not built; run make")

    def path(self, name):
        return os.path.join(self.tmp, name)

    def rg(self, *words):
        return subprocess.run(
            [os.path.join(BUILD, "rolegate"), "--config",
             self.path("rolegate.yaml"), *words], check=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True).stdout

    def spawn(self, *words):
        with open(self.path("log"), "ab") as log:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log)
        self.running.append(process)
        return process

    def start(self):
        with open(self.path("rolegate.yaml"), "w") as out:
            out.write(CONFIG % {"tmp": self.tmp, "root": ROOT})
        with open(self.path("state.jsonl"), "w") as out:
            out.write(STATE)
        self.rg("key", "new", self.path("view.key"))
        self.store_start()
        self.rg("load", "--yes", self.path("state.jsonl"))
        for user in ("editor", "viewer", "leaver", "visitor"):
            self.tokens[user] = self.rg("session", "add", user, "--account",
                                        "net", "--yes").strip()
        self.spawn(os.path.join(BUILD, "rolegate"), "--config",
                   self.path("rolegate.yaml"), "publish", "--follow")
        self.gate = self.spawn(os.path.join(BUILD, "rolegated"), "--config",
                               self.path("rolegate.yaml"))
        assert until(lambda: os.path.exists(self.socket))

    def stop(self):
        for process in reversed(self.running):
            process.terminate()
            process.wait()
        self.running = []

    # --- nginx ---

    def http(self):
        for part in ("http", "server", "protect"):
            with open("%s/nginx/rolegate-%s.conf" % (ROOT, part)) as file:
                text = file.read()
            with open(self.path("rolegate-%s.conf" % part), "w") as out:
                out.write(text.replace("/run/rolegate/gate.sock",
                                       self.socket))
        return "include %s;" % self.path("rolegate-http.conf")

    def server(self, app):
        return "set $rolegate_app %s; include %s;" % (
            app, self.path("rolegate-server.conf"))

    def protect(self, right, app):
        return ("include %s; set $rolegate_permission %s; "
                "proxy_pass http://$rolegate_pass;" % (
                    self.path("rolegate-protect.conf"), PERMISSIONS[right]))

    # --- People ---

    def headers(self, user):
        return ["Cookie: sid=" + self.tokens[user]]

    def revoke(self, user):
        self.rg("grant", "remove", user, "full.editor", "net", "--yes")

    def end_session(self, user):
        self.rg("session", "remove", "--member", user, "--yes")

    # --- Faults ---

    def kill_worker(self):
        pid = self.gate.pid
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            workers = file.read().split()
        if workers:
            os.kill(int(workers[0]), signal.SIGKILL)

    def store_stop(self):
        self.redis.kill()
        self.redis.wait()
        self.running.remove(self.redis)

    def store_start(self):
        if os.path.exists(self.path("redis.sock")):
            os.unlink(self.path("redis.sock"))
        self.redis = self.spawn(
            "redis-server", "--port", "0", "--unixsocket",
            self.path("redis.sock"), "--save", "", "--appendonly", "no",
            "--dir", self.tmp)
        assert until(lambda: os.path.exists(self.path("redis.sock")))
