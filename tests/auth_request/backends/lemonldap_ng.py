"""Debian's lemonldap-ng-fastcgi-server, with the nginx lines of its
documentation. Sessions are files that stand in for its portal."""
import hashlib
import json
import os
import pwd
import signal
import subprocess
import time

from site_under_test import until

PROGRAM = "/usr/sbin/llng-fastcgi-server"
USER = "www-data"
INI = """\
[all]
logLevel = warn
localSessionStorage =
[configuration]
type = File
dirName = %(home)s/conf
[handler]
checkTime = 1
"""
GUARD = """\
auth_request /lmauth;
set $original_uri $uri$is_args$args;
auth_request_set $lmremote_user $upstream_http_lm_remote_user;
auth_request_set $lmlocation $upstream_http_location;
error_page 401 $lmlocation;
auth_request_set $authuser $upstream_http_auth_user;
proxy_set_header Auth-User $authuser;
proxy_set_header Host $http_host;
proxy_pass http://%s;"""


class Backend:
    location = "/lmauth"
    identity = ["Auth-User"]
    ini = INI
    workers = 4
    store_stop = store_start = None

    def __init__(self, tmp):
        self.home = os.path.join(tmp, "llng")
        self.socket = os.path.join(self.home, "llng.sock")
        self.process = None

    @staticmethod
    def missing():
        if not os.path.exists(PROGRAM):
            return "lemonldap-ng-fastcgi-server is not installed"
        if os.getuid() != 0:
            return "it has to be started as root, to become " + USER
        return None

    def path(self, *names):
        return os.path.join(self.home, *names)

    def storage(self):
        return "Apache::Session::File", {
            "Directory": self.path("sessions"),
            "LockDirectory": self.path("locks")}

    def rules(self, editors):
        """The configuration; it is read again when its number goes up."""
        self.number += 1
        with open(self.path("conf", "lmConf-%d.json" % self.number),
                  "w") as out:
            json.dump({
                "cfgNum": self.number, "cfgAuthor": "suite",
                "cfgDate": int(time.time()), "cfgVersion": "2.16.1",
                "key": "0123456789abcdef", "domain": "test",
                "portal": "http://auth.test/", "cookieName": "lemonldap",
                "securedCookie": 0, "whatToTrace": "uid",
                "globalStorage": self.storage()[0],
                "globalStorageOptions": self.storage()[1],
                "locationRules": {"app.test": {
                    "(?#admin)^/admin/": " or ".join(
                        "$uid eq '%s'" % user for user in editors),
                    "default": "accept"}},
                "exportedHeaders": {"app.test": {"Auth-User": "$uid"}},
                "timeout": 72000, "timeoutActivity": 0}, out)

    def start(self):
        for folder in ("conf", "sessions", "locks", "cache"):
            os.makedirs(self.path(folder))
        self.number = 0
        self.rules(["editor", "leaver"])
        with open(self.path("lemonldap-ng.ini"), "w") as out:
            out.write(self.ini % {"home": self.home})
        for user in ("editor", "viewer", "leaver", "visitor"):
            self.session(user)
        person = pwd.getpwnam(USER)
        for folder, _, files in os.walk(self.home):
            for name in [folder] + [os.path.join(folder, f) for f in files]:
                os.chown(name, person.pw_uid, person.pw_gid)
        log = open(self.path("log"), "ab")
        self.process = subprocess.Popen(
            [PROGRAM, "--foreground", "--user", USER, "--group", USER,
             "--socket", self.socket, "--pid", self.path("pid"), "--proc",
             str(self.workers)],
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8",
                 "LLNG_DEFAULTCONFFILE": self.path("lemonldap-ng.ini"),
                 "LLNG_DEFAULTLOGGER":
                     "Lemonldap::NG::Common::Logger::Std"},
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home,
            start_new_session=True)
        log.close()
        if not until(lambda: os.path.exists(self.socket)):
            with open(self.path("log")) as said:
                raise AssertionError(said.read())

    @staticmethod
    def id_of(user):
        return hashlib.sha256(user.encode()).hexdigest()

    def record(self, user):
        return json.dumps({
            "_session_id": self.id_of(user), "uid": user,
            "_session_kind": "SSO", "_utime": int(time.time()),
            "authenticationLevel": 2})

    def session(self, user):
        with open(self.path("sessions", self.id_of(user)), "w") as out:
            out.write(self.record(user))

    def stop(self):
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        if os.path.exists(self.socket):
            os.unlink(self.socket)

    def http(self):
        return ""

    def server(self, app):
        return """location = /lmauth {
            internal;
            include /etc/nginx/fastcgi_params;
            fastcgi_pass unix:%s;
            fastcgi_pass_request_body off;
            fastcgi_param CONTENT_LENGTH "";
            fastcgi_param HOST $http_host;
            fastcgi_param X_ORIGINAL_URI $original_uri;
        }""" % self.socket

    def protect(self, right, app):
        return GUARD % app

    def headers(self, user):
        return ["Cookie: lemonldap=" + self.id_of(user)]

    def revoke(self, user):
        self.rules([u for u in ("editor", "leaver") if u != user])

    def end_session(self, user):
        os.unlink(self.path("sessions", self.id_of(user)))

    def kill_worker(self):
        pid = self.process.pid
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            workers = file.read().split()
        if workers:
            os.kill(int(workers[0]), signal.SIGKILL)
