"""small_http with one fault, named by the variable FAULT: each row of
conformance.tap.py says which cases have to see it."""
import os
import random
import time

from backends.small_http import Backend as Small

FAULT = os.environ["FAULT"]


class Backend(Small):
    asked = 0
    taken = float("inf")  # when the right or the session was taken away
    if FAULT == "no identity":
        identity = []

    def kill_worker(self):
        if FAULT == "a hook raises":
            raise OSError("no such worker")

    def revoke(self, user):
        if FAULT == "a hook raises":
            raise OSError("not today")
        self.taken = time.monotonic()
        if FAULT == "one worker knows it later":
            return
        if FAULT == "the hook is slow":
            time.sleep(1.5)
        super().revoke(user)

    def end_session(self, user):
        self.taken = time.monotonic()
        if FAULT != "one worker knows it later":
            super().end_session(user)

    def stop(self):
        if FAULT == "slow to stop":
            time.sleep(1)
        super().stop()

    def headers(self, user):
        if FAULT == "threads die":
            self.asked += 1
            if self.asked > 40:
                raise KeyError("no session")
        lines = super().headers(user)
        if FAULT == "no cookies":
            return [lines[0].replace("Cookie: small=", "Authorization: ")]
        return lines

    def server(self, app):
        text = super().server(app)
        if FAULT == "no cookies":
            return text.replace("$http_cookie",
                                '"small=$http_authorization"')
        if FAULT == "believes a header":
            return text.replace("Cookie $http_cookie", "Cookie $small_cookie")
        return text

    def http(self):
        believes = ('map $http_x_forwarded_uri$http_x_forwarded_host '
                    '$small_cookie { default $http_cookie; '
                    '/x "small=%s"; }' % self.tokens["editor"])
        return super().http() + believes

    def protect(self, right, app):
        if FAULT == "any 200 is a yes":
            return super().protect(right, app).replace("$small_pass", app)
        return super().protect(right, app)

    def decide(self, cookie, target, right):
        self.asked += FAULT != "threads die"
        status, user = super().decide(cookie, target, right)
        if FAULT == "refuses everybody":
            return 401, None
        if FAULT == "dies" and self.asked > 10:
            return 401, None
        if FAULT == "breaks instead of refusing" and status != 200:
            return 500, None
        if FAULT == "knows nobody who leaves" and user in (
                "leaver", "visitor"):
            return 403, user
        if (FAULT == "one worker knows it later" and status == 200
                and user in ("leaver", "visitor")):
            since = time.monotonic() - self.taken
            if since > 1.6 or since > 0 and random.random() < 0.7:
                return 403, user
        return status, user
