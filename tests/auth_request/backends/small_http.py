"""A small backend that nginx asks by HTTP, as an example of one's own. It is
a thread of the suite, and its store is a dictionary."""
import http.server
import os
import re
import secrets
import socketserver
import threading

PLAIN = re.compile("(/[a-z0-9]+)+")
RIGHTS = {"editor": {"view", "edit"}, "leaver": {"view", "edit"},
          "viewer": {"view"}, "visitor": {"view"}}


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 256


class Backend:
    location = "/_small"
    identity = ["X-User"]
    socket = None
    kill_worker = store_stop = store_start = None

    def __init__(self, tmp):
        self.http_socket = os.path.join(tmp, "small.sock")
        self.listener = None
        self.rights = {user: set(has) for user, has in RIGHTS.items()}
        self.tokens = {user: secrets.token_hex(16) for user in RIGHTS}
        self.sessions = {self.tokens[user]: user for user in RIGHTS}

    @staticmethod
    def missing():
        return None

    def start(self):
        backend = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, user = backend.decide(*(
                    self.headers.get(name, "") for name in (
                        "Cookie", "X-Target", "X-Right")))
                self.send_response(status)
                if status == 200:
                    self.send_header("X-Allow", "yes")
                    self.send_header("X-Who", user)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.listener = Server(self.http_socket, Handler)
        threading.Thread(target=self.listener.serve_forever, args=(0.05,),
                         daemon=True).start()

    def decide(self, cookie, target, right):
        """The whole cookie has to be the session, so that two are none."""
        user = self.sessions.get(cookie.removeprefix("small="))
        if user is None or not cookie.startswith("small="):
            return 401, None
        if not PLAIN.fullmatch(target) or right not in self.rights[user]:
            return 403, user
        return 200, user

    def stop(self):
        if self.listener is not None:
            self.listener.shutdown()
            self.listener.server_close()
            self.listener = None

    # --- nginx: without the header X-Allow there is no application ---

    def http(self):
        return ('map $small_allow $small_pass { '
                'default "unix:%s.none"; yes $small_app; }' % self.http_socket)

    def server(self, app):
        return """set $small_app %s;
        location = /_small {
            internal;
            proxy_pass http://unix:%s:/;
            proxy_pass_request_body off;
            proxy_pass_request_headers off;
            proxy_set_header Cookie $http_cookie;
            proxy_set_header X-Target $request_uri;
            proxy_set_header X-Right $small_right;
        }""" % (app, self.http_socket)

    def protect(self, right, app):
        return """set $small_right %s;
            set $small_allow "";
            auth_request /_small;
            auth_request_set $small_allow $upstream_http_x_allow;
            auth_request_set $small_user $upstream_http_x_who;
            proxy_set_header X-User $small_user;
            proxy_pass http://$small_pass;""" % right

    # --- People ---

    def headers(self, user):
        return ["Cookie: small=" + self.tokens[user]]

    def revoke(self, user):
        self.rights[user].discard("edit")

    def end_session(self, user):
        del self.sessions[self.tokens[user]]
