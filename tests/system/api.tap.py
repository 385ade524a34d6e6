#!/usr/bin/python3
"""The HTTP API of rolegate-web, called as nginx calls it."""
import base64
import io
import json
import os
import re
import sqlite3
import subprocess
import time
import unittest

import jsonschema
import openpyxl

import tap
from web_world import (API, BUILD, DESCRIPTION, ORIGIN, ROOT, SEEN, Client,
                       World, operations, resolve)

METHODS_THAT_CHANGE = ("POST", "PUT", "PATCH", "DELETE")


class Described(unittest.TestCase):
    def test_same(self):
        """the routes of the program are those of docs/openapi.yaml"""
        said = subprocess.run([BUILD + "/rolegate-web", "--routes"],
                              stdout=subprocess.PIPE, text=True, check=True)
        have = {tuple(line.split("\t")) for line in said.stdout.splitlines()}
        want = {(m, p, o["operationId"]) for m, p, o in operations()}
        self.assertEqual(have, want)

    def test_lint(self):
        """docs/openapi.yaml is whole: ids, references, schemas, parameters"""
        ids = [o["operationId"] for _, _, o in operations()]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertTrue(DESCRIPTION["openapi"].startswith("3.1."))
        tags = {t["name"] for t in DESCRIPTION["tags"]}
        for method, path, o in operations():
            self.assertRegex(o["summary"], r"[.?]$")
            self.assertTrue(set(o["tags"]) <= tags, path)
            self.assertIn("default", o["responses"], path)
            named = {(p["in"], p["name"]) for p in map(resolve,
                                                      o["parameters"])}
            self.assertEqual(len(named), len(o["parameters"]), path)
            wanted = {w[1:-1] for w in path.split("/") if w[:1] == "{"}
            self.assertEqual({n for i, n in named if i == "path"}, wanted)
            changes = (method in METHODS_THAT_CHANGE and
                       o["operationId"] != "checkImport")
            self.assertEqual(("query", "dry_run") in named, changes, path)
            self.assertEqual(("header", "X-Rolegate-CSRF") in named,
                             method != "GET")

    def test_schemas(self):
        """docs/openapi.yaml: every schema is one, every reference leads
        somewhere, and none is left over"""
        used = set()

        def walk(node):
            if isinstance(node, dict):
                if "$ref" in node:
                    used.add(node["$ref"])
                    resolve(node)
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)

        walk(DESCRIPTION)
        for name, schema in DESCRIPTION["components"]["schemas"].items():
            jsonschema.Draft202012Validator.check_schema(schema)
            self.assertIn("#/components/schemas/" + name, used)
        for name in DESCRIPTION["components"]["parameters"]:
            self.assertIn("#/components/parameters/" + name, used)


    def test_actions(self):
        """every action of the command and of the API is in docs/actions.md"""
        with open(os.path.join(ROOT, "docs", "actions.md")) as file:
            page = file.read()
        rows = re.findall(r"^\| (\S+) \| (\S+|`[^`]*`) \|", page, re.M)[2:]
        system = re.findall(r"`([^`]*)`", page.split("Not for members")[1])
        said = subprocess.run([BUILD + "/rolegate", "help", "--list"],
                              stdout=subprocess.PIPE, text=True, check=True)
        commands = set(said.stdout.splitlines())
        self.assertGreater(len(commands), 50)
        named = {c.strip("`") for _, c in rows} - {"-"}
        of_system = {c for c in commands if c in system or
                     c.split()[0] in system}
        self.assertEqual(commands - of_system, named)
        self.assertEqual({o["operationId"] for _, _, o in operations()},
                         {a.strip("`") for a, _ in rows} - {"-"})
        alone = [r for r in page.splitlines()
                 if r.startswith("| ") and "| - |" in "|" + r[1:]]
        self.assertTrue(all(r.split("|")[3].strip() for r in alone), alone)


class Api(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.stop)
        self.world.start()
        self.ann = self.world.session("ann")
        self.bob = self.world.session("bob")
        self.cid = self.world.session("cid")

    def refused(self, answer, status, code):
        self.assertEqual((answer.status, answer.code()), (status, code),
                         answer)

    def actions(self, answer):
        self.assertIn(answer.status, (200, 201), answer)
        return [c["action"] for c in answer.json()["changes"]]

    # --- Who asks ---

    def test_nobody(self):
        """nobody gets nothing, by any route"""
        nobody = self.world.nobody()
        for method, path, _ in operations():
            path = path.replace("{", "").replace("}", "")
            answer = nobody.call(method, path, {} if method != "GET" else None)
            self.refused(answer, 401, "no_identity")
            self.assertEqual(answer.headers["www-authenticate"], "Bearer")

    def test_unknown(self):
        """a path that is not there is 404, a wrong method 405 with Allow"""
        self.refused(self.ann.get("/nothing"), 404, "path_unknown")
        self.refused(self.ann.get("/accounts//members"), 404, "path_unknown")
        self.refused(self.ann.get("/accounts/biz/"), 404, "path_unknown")
        answer = self.ann.call("PUT", "/accounts/biz", {})
        self.refused(answer, 405, "api_method")
        self.assertEqual(answer.headers["allow"], "GET, PATCH, DELETE")

    def test_me(self):
        """me: who asks, the account in use, the key of the session"""
        me = self.bob.get("/me").json()
        self.assertEqual(me["member"], "bob")
        self.assertEqual(me["account"], me["personal"])
        self.assertEqual(len(me["csrf"]), 43)
        self.assertEqual(
            self.actions(self.bob.patch("/me", {"phone": "+1 555 0100"})),
            ["member.edit"])
        self.assertEqual(self.bob.get("/me").json()["phone"], "+1 555 0100")

    def test_disabled(self):
        """A6 somebody who is disabled is out at once, with an open session"""
        self.world.rg("member", "edit", "bob", "--status", "disabled", "--yes")
        self.refused(self.bob.get("/me"), 401, "no_identity")

    def test_account_in_use(self):
        """the account in use changes to one that is reached, else not found"""
        self.assertEqual(
            self.actions(self.cid.put("/me/account", {"account": "sales"})),
            ["session.account"])
        self.assertEqual(self.cid.get("/me").json()["account"], "sales")
        self.refused(self.cid.put("/me/account", {"account": "biz"}), 404,
                     "account_unknown")
        self.refused(self.cid.put("/me/account", {"account": "canary"}), 404,
                     "account_unknown")

    # --- P1 ---

    def test_guard(self):
        """P1 every route that changes: no key, a foreign key, a foreign or no
        origin, text/plain"""
        other = self.cid.get("/me").json()["csrf"]
        before = self.world.rg("export")
        for method, path, o in operations():
            if method == "GET":
                continue
            path = path.replace("{account}", "biz").replace("{member}", "bob")
            path = path.replace("{", "").replace("}", "")
            for code, more in (
                    ("csrf", {"CSRF": None}), ("csrf", {"CSRF": other}),
                    ("csrf", {"CSRF": ""}), ("origin", {"ORIGIN": None}),
                    ("origin", {"ORIGIN": "https://evil.example"}),
                    ("origin", {"ORIGIN": "null"}),
                    ("origin", {"ORIGIN": ORIGIN + ".evil.example"}),
                    ("origin", {"ORIGIN": None,
                                "FETCH_SITE": "cross-site"})):
                answer = self.ann.call(method, path, {}, **more)
                self.refused(answer, 403, code)
            if "requestBody" in o:
                body = json.dumps({}).encode()
                for kind in ("text/plain", "application/x-www-form-urlencoded",
                             "application/jsonx"):
                    answer = self.ann.send(method, API + path, body, kind)
                    self.assertIn(answer.status, (400, 404, 415))
        self.assertEqual(self.world.rg("export"), before)

    def test_get_changes_nothing(self):
        """P1 no GET changes anything"""
        before = self.world.rg("log", "--json")
        for method, path, _ in operations():
            if method == "GET":
                path = path.replace("{account}", "biz")
                path = path.replace("{member}", "bob")
                path = path.replace("{", "").replace("}", "")
                self.ann.get(path + "?account=biz&permission=users.view")
        self.assertEqual(self.world.rg("log", "--json"), before)

    # --- Accounts ---

    def test_accounts(self):
        """accounts: those that are reached, by pages, in a stable order"""
        seen, cursor = [], ""
        while cursor is not None:
            page = self.bob.get("/accounts?limit=1&cursor=" + cursor).json()
            self.assertLessEqual(len(page["items"]), 1)
            seen += [a["account"] for a in page["items"]]
            cursor = page["next"]
        self.assertEqual(seen[:2], ["biz", "north"])
        self.assertNotIn("canary", seen)
        self.assertEqual(
            [a["account"] for a in
             self.bob.get("/accounts?below=sales").json()["items"]],
            ["north", "sales"])
        self.refused(self.bob.get("/accounts?below=canary"), 404,
                     "account_unknown")
        for bad in ("limit=0", "limit=201", "limit=x", "cursor=%25",
                    "cursor=AA", "limit=1&limit=2"):
            self.assertEqual(self.bob.get("/accounts?" + bad).status, 400)

    def test_parent(self):
        """P4 the parent of one whom somebody does not see stays unknown"""
        self.assertIsNone(self.cid.get("/accounts/sales").json()["parent"])
        self.assertEqual(self.bob.get("/accounts/sales").json()["parent"],
                         "biz")

    def test_foreign(self):
        """P4, L2 foreign accounts, members and invitations answer as what is
        not there, by every route"""
        for path in ("", "/roles", "/history", "/members", "/members/zoe",
                     "/invitations", "/sheet"):
            there = self.bob.get("/accounts/canary" + path)
            absent = self.bob.get("/accounts/nothing" + path)
            self.assertEqual(there.status, 404)
            self.assertEqual(there.body.replace(b"canary", b"nothing"),
                             absent.body)
        zoe = self.world.session("zoe")
        made = zoe.post("/accounts/canary/invitations", {"invitations": [
            {"email": "x@example.org", "role": "full.viewer"}]})
        name = made.json()["invitations"][0]
        self.refused(self.bob.get("/invitations/" + name), 404,
                     "invitation_unknown")
        self.refused(self.bob.delete("/invitations/" + name), 404,
                     "invitation_unknown")
        self.refused(self.bob.get("/accounts/biz/members/zoe"), 404,
                     "member_unknown")
        self.refused(self.bob.get("/who?account=canary&permission=users.view"),
                     404, "account_unknown")
        mark = len(self.world.answers)
        for method, path, _ in operations():
            if method == "GET":
                path = path.replace("{account}", "biz")
                path = path.replace("{member}", "bob")
                path = path.replace("{", "").replace("}", "")
                self.bob.get(path + "?account=biz&permission=users.view")
        for raw in self.world.answers[mark:]:
            self.assertNotIn(b"CANARY", raw)

    def test_account_life(self):
        """an account is made with its first member, renamed, suspended,
        reinstated, moved, deleted by its typed name"""
        made = self.ann.post("/accounts", {
            "parent": "biz", "name": "West",
            "first_email": "first@example.org", "first_role": "full.editor"})
        self.assertEqual(made.status, 201, made)
        self.assertEqual(self.actions(made),
                         ["account.add", "invitation.add"])
        name = made.json()["account"]
        path = "/accounts/" + name
        self.assertEqual(self.ann.get(path).json()["owner"], "ann")
        self.assertEqual(self.actions(
            self.ann.patch(path, {"name": "Wild West"})), ["account.edit"])
        for status in ("suspended", "active"):
            self.actions(self.ann.patch(path, {"status": status}))
            self.assertEqual(self.ann.get(path).json()["status"], status)
        moved = self.ann.post(path + "/move", {"parent": "sales"})
        self.assertIn({"member": "dan", "role": "full.editor",
                       "from": "sales", "gains": True},
                      moved.json()["effect"])
        self.refused(self.ann.delete(path), 400, "name_typed")
        self.refused(self.ann.delete(path + "?name=" + name), 400,
                     "name_typed")
        self.assertIn("account.remove", self.actions(
            self.ann.delete(path + "?name=Wild+West")))
        self.refused(self.ann.get(path), 404, "account_unknown")
        self.refused(self.ann.delete("/accounts/biz?name=Business"), 409,
                     "has_children")

    def test_account_own(self):
        """a further account of one's own; a network is nobody's to make"""
        made = self.cid.post("/accounts", {"catalogue": "call-tracking",
                                           "name": "Mine"})
        name = made.json()["account"]
        self.assertEqual(self.cid.get("/accounts/" + name).json()["owner"],
                         "cid")
        self.refused(self.cid.post("/accounts", {
            "catalogue": "performance-marketing", "level": "network",
            "name": "Net"}), 403, "not_yours")
        self.refused(self.cid.post("/accounts", {
            "parent": "biz", "name": "Below"}), 404, "account_unknown")

    def test_status(self):
        """21 23 a change of the status is told to everybody who is there"""
        zoe = self.world.session("zoe")
        made = zoe.post("/accounts", {"parent": "net", "level": "profile",
                                      "name": "Prof"}).json()["account"]
        zoe.post("/accounts/%s/members" % made, {"members": [
            {"member": "cid", "role": "member"}]})
        zoe.patch("/accounts/" + made, {"status": "suspended"})
        self.assertEqual(
            self.cid.get("/notifications").json()["items"][0]["text"],
            "Prof is suspended now")
        self.assertEqual(len(zoe.get("/notifications").json()["items"]), 1)
        self.assertEqual(self.bob.get("/notifications").json()["items"], [])

    def test_handover(self):
        """an owner hands over to somebody with a role there, nobody else"""
        self.refused(self.ann.post("/accounts/biz/handover",
                                   {"owner": "cid"}), 404, "grant_unknown")
        self.actions(self.ann.post("/accounts/biz/handover",
                                   {"owner": "bob"}))
        self.assertEqual(self.bob.get("/accounts/biz").json()["owner"], "bob")

    def test_roles(self):
        """roles: what one could give there (M3)"""
        roles = {r["role"]: r for r in
                 self.bob.get("/accounts/biz/roles").json()["items"]}
        self.assertTrue(roles["full.editor"]["may_give"])
        self.assertTrue(roles["full.editor"]["top"])
        self.assertIn("users.add", roles["full.editor"]["permissions"])
        roles = self.cid.get("/accounts/sales/roles").json()["items"]
        self.assertFalse(any(r["may_give"] for r in roles))

    # --- Members ---

    def test_members(self):
        """members: add several or none, change, remove, reinstate"""
        wrong = self.bob.post("/accounts/biz/members", {"members": [
            {"member": "cid", "role": "full.viewer"},
            {"member": "dan", "role": "nothing"}]})
        self.refused(wrong, 409, "role_unknown")
        self.refused(self.bob.get("/accounts/biz/members/cid"), 404,
                     "member_unknown")
        added = self.bob.post("/accounts/biz/members", {"members": [
            {"member": "cid", "role": "full.viewer"},
            {"member": "dan", "role": "reporting.viewer",
             "expires": "2099-01-01T00:00:00Z"}]})
        self.assertEqual(self.actions(added), ["grant.add", "grant.add"])
        dan = self.bob.get("/accounts/biz/members/DAN").json()
        self.assertEqual([g["expires"] for g in dan["grants"]],
                         ["2099-01-01T00:00:00Z"])
        self.actions(self.bob.patch("/accounts/biz/members/dan",
                                    {"expires": None}))
        self.actions(self.bob.patch("/accounts/biz/members/dan",
                                    {"role": "reporting.editor"}))
        dan = self.bob.get("/accounts/biz/members/dan").json()
        self.assertEqual([(g["role"], g["expires"]) for g in dan["grants"]],
                         [("reporting.editor", None)])
        self.actions(self.bob.delete("/accounts/biz/members/dan"))
        self.refused(self.bob.get("/accounts/biz/members/dan"), 404,
                     "member_unknown")
        self.actions(self.bob.post("/accounts/biz/members/dan/reinstate"))
        self.assertEqual(
            self.bob.get("/accounts/biz/members/dan").json()["grants"][0]
            ["role"], "reporting.editor")

    def test_members_pages(self):
        """members: pages, search, and rights: a role that may not list lists
        nobody"""
        names, cursor = [], ""
        while cursor is not None:
            page = self.ann.get("/accounts/sales/members?limit=1&cursor=" +
                                cursor).json()
            names += [m["member"] for m in page["items"]]
            cursor = page["next"]
        self.assertEqual(names, ["ann", "cid", "dan"])
        found = self.ann.get("/accounts/sales/members?q=CID").json()
        self.assertEqual([m["member"] for m in found["items"]], ["cid"])
        self.refused(self.cid.get("/accounts/sales/members"), 403, "no_right")
        eve = self.world.session("eve")
        self.refused(eve.get("/accounts/net/members"), 403, "no_right")

    def test_refusals(self):
        """M3, M4, M6 nobody raises themselves, gives more than they have, or
        touches the owner"""
        self.refused(self.cid.patch("/accounts/sales/members/cid",
                                    {"role": "full.editor"}), 403, "no_right")
        self.refused(self.bob.patch("/accounts/biz/members/bob",
                                    {"role": "full.viewer"}), 403, "own_role")
        self.refused(self.bob.delete("/accounts/biz/members/ann"), 403,
                     "owner_fixed")
        dan = self.world.session("dan")
        self.refused(dan.post("/accounts/net/members", {"members": [
            {"member": "bob", "role": "super_user"}]}), 403, "no_right")
        # P2: a Manager adds, but neither edits nor deletes nor imports.
        self.actions(dan.post("/accounts/net/members", {"members": [
            {"member": "bob", "role": "manager"}]}))
        self.refused(dan.patch("/accounts/net/members/bob",
                               {"role": "member"}), 403, "no_right")
        self.refused(dan.delete("/accounts/net/members/bob"), 403,
                     "no_right")
        self.refused(dan.send(
            "POST", API + "/accounts/net/imports",
            b"action,email,role\r\nadd,q@example.org,member\r\n",
            "text/csv"), 403, "no_right")

    # --- Bodies ---

    def test_bodies(self):
        """a body with an unknown, doubled, missing or wrong field is refused
        whole"""
        path = API + "/accounts/biz"
        for body in (b"", b"[]", b"null", b"{", b'{"name":1}', b'{"nam":"x"}',
                     b'{"name":"a","name":"b"}', b'{"name":"a\\u0000b"}',
                     b'{"name":"a\\nb"}', b'{"name":"\xff"}',
                     b'{"licences":"x"}', b'{"licences":[1]}',
                     b'{"status":"closed "}', b'{"name":"x"}x',
                     b"[" * 5000):
            answer = self.ann.send("PATCH", path, body, "application/json")
            self.assertEqual(answer.status, 400, (body[:40], answer))
        large = json.dumps({"name": "x" * (256 * 1024)}).encode()
        self.refused(self.ann.send("PATCH", path, large), 413,
                     "body_too_large")
        self.assertEqual(self.ann.get("/accounts/biz").json()["name"],
                         "Business")

    def test_targets(self):
        """escapes are decoded once; what is no clean text is refused"""
        for target in ("/accounts/%00", "/accounts/%ff", "/accounts/%0a",
                       "/accounts/%2", "/accounts/%zz",
                       "/accounts?q=%00", "/accounts?q=%"):
            self.assertEqual(self.ann.get(target).status, 400, target)
        self.refused(self.ann.get("/accounts/b%2569z"), 404,
                     "account_unknown")
        self.assertEqual(self.ann.get("/accounts/b%69z").status, 200)
        self.refused(self.ann.get("/accounts/..%2fbiz"), 404,
                     "account_unknown")
        answer = self.ann.get("/accounts?q=" + "x" * 9000)
        self.refused(answer, 413, "request_too_large")

    # --- dry_run, If-Match, Idempotency-Key ---

    def test_dry_run(self):
        """dry_run shows the difference of every change and writes nothing"""
        before = self.world.rg("log", "--json")
        shown = self.bob.post("/accounts/biz/members?dry_run=true",
                              {"members": [{"member": "cid",
                                            "role": "full.viewer"}]})
        self.assertEqual(shown.status, 200)
        self.assertTrue(shown.json()["dry_run"])
        self.assertEqual(shown.json()["changes"][0]["after"]["role"],
                         "full.viewer")
        self.actions(self.ann.delete("/accounts/north?name=North"
                                     "&dry_run=true"))
        token = self.ann.post("/tokens?dry_run=true", {"description": "x"})
        self.assertIsNone(token.json()["secret"])
        self.refused(self.bob.post("/accounts/biz/members?dry_run=yes",
                                   {"members": []}), 400, "dry_run")
        self.assertEqual(self.world.rg("log", "--json"), before)

    def test_if_match(self):
        """P8 If-Match: a change from an old version is refused, whole"""
        tag = self.ann.get("/accounts/biz").headers["etag"]
        self.actions(self.ann.patch("/accounts/biz", {"name": "New"},
                                    IF_MATCH=tag))
        self.refused(self.ann.patch("/accounts/biz", {"name": "Newer"},
                                    IF_MATCH=tag), 412, "stale")
        self.assertEqual(self.ann.get("/accounts/biz").json()["name"], "New")
        now = self.ann.get("/accounts/biz")
        self.actions(self.ann.patch("/accounts/biz", {"name": "Newer"},
                                    IF_MATCH='"x", ' + now.headers["etag"]))
        again = self.ann.get("/accounts/biz",
                             IF_NONE_MATCH=now.headers["etag"])
        self.assertEqual(again.status, 200)
        same = self.ann.get("/accounts/biz",
                            IF_NONE_MATCH=again.headers["etag"])
        self.assertEqual((same.status, same.body), (304, b""))

    def test_idempotency(self):
        """P8 Idempotency-Key: the same again changes nothing, another under
        the key is refused, and of somebody else it is another key"""
        body = {"members": [{"member": "cid", "role": "full.viewer"}]}
        first = self.bob.post("/accounts/biz/members", body,
                              IDEMPOTENCY_KEY="k1")
        again = self.bob.post("/accounts/biz/members", body,
                              IDEMPOTENCY_KEY="k1")
        self.assertEqual((again.status, again.body),
                         (first.status, first.body))
        self.assertEqual(again.headers["idempotency-replayed"], "true")
        body["members"][0]["member"] = "dan"
        self.refused(self.bob.post("/accounts/biz/members", body,
                                   IDEMPOTENCY_KEY="k1"), 422,
                     "idempotency_mismatch")
        self.refused(self.ann.post("/accounts/biz/members", body,
                                   IDEMPOTENCY_KEY="k 1"), 400,
                     "idempotency_key")
        self.assertEqual(self.ann.post("/accounts/biz/members", body,
                                       IDEMPOTENCY_KEY="k1").status, 201)

    def sheet(self, *rows):
        book = openpyxl.Workbook()
        for row in (("action", "email", "role"),) + rows:
            book.active.append(row)
        out = io.BytesIO()
        book.save(out)
        return out.getvalue()

    def test_idempotency_bytes(self):
        """P8 two files under one key are two requests, also where both begin
        alike up to a NUL"""
        kind = ("application/vnd.openxmlformats-officedocument."
                "spreadsheetml.sheet")
        one, two = [self.sheet(("add", who + "@example.org", "full.viewer"))
                    for who in ("one", "two")]
        self.assertEqual(one[:one.index(0)], two[:two.index(0)])
        path = API + "/accounts/sales/imports"
        self.assertEqual(self.bob.send("POST", path, one, kind,
                                       IDEMPOTENCY_KEY="k3").status, 201)
        self.refused(self.bob.send("POST", path, two, kind,
                                   IDEMPOTENCY_KEY="k3"), 422,
                     "idempotency_mismatch")
        again = self.bob.send("POST", path, one, kind, IDEMPOTENCY_KEY="k3")
        self.assertEqual(again.headers["idempotency-replayed"], "true")

    def test_parent_is_not_told(self):
        """P4 L2 a change shows the parent of an account only to who may know
        of it; and a narrowed token's cursor names what it shows"""
        self.world.rg("member", "add", "low", "--yes")
        self.world.rg("account", "add", "under", "--parent", "sales",
                      "--owner", "low", "--yes")
        low = self.world.session("low")
        for answer in (
                low.patch("/accounts/under?dry_run=true", {"name": "y"}),
                low.patch("/accounts/under", {"name": "z"})):
            self.assertEqual(answer.status, 200, answer)
            self.assertNotIn("sales", answer.body.decode())
            self.assertIn("after", answer.json()["changes"][0])
        for kind in ("application/json", "text/csv"):
            history = low.get("/accounts/under/history", ACCEPT=kind)
            self.assertEqual(history.status, 200, history)
            self.assertIn("account.edit", history.body.decode())
            self.assertNotIn("sales", history.body.decode())
        told = self.bob.patch("/accounts/under?dry_run=true", {"name": "q"})
        self.assertIn("sales", told.body.decode())
        made = self.ann.post("/tokens", {"description": "x",
                                         "accounts": ["under"]})
        program = Client(self.world, token=made.json()["secret"])
        page = program.get("/accounts?limit=1").json()
        self.assertEqual([a["account"] for a in page["items"]], ["under"])
        while page["next"]:
            self.assertEqual(base64.urlsafe_b64decode(
                page["next"] + "=" * (-len(page["next"]) % 4)), b"under")
            page = program.get("/accounts?limit=1&cursor=" +
                               page["next"]).json()
            self.assertEqual(page["items"], [])

    def test_import_waits_for_nobody(self):
        """a stranger's spreadsheet is not read, and one that is read holds
        nobody's change up"""
        bad = b"PK" + b"x" * 100
        self.refused(self.cid.send("POST", API + "/accounts/net/imports",
                                   bad, "text/csv"), 404, "account_unknown")
        # Read without the lock: what is wrong with it is told meanwhile.
        store = sqlite3.connect(self.world.path("state.db"), timeout=20,
                                isolation_level=None)
        store.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        self.refused(self.bob.send("POST", API + "/accounts/sales/imports",
                                   b"colour,size\r\n1,2\r\n", "text/csv"),
                     400, "sheet_faults")
        took = time.monotonic() - began
        store.execute("ROLLBACK")
        store.close()
        self.assertLess(took, 4)  # the store waits 5 s for its lock

    def test_idempotency_secret(self):
        """a kept answer has no secret in it"""
        first = self.ann.post("/tokens", {"description": "x"},
                              IDEMPOTENCY_KEY="k2")
        secret = first.json()["secret"]
        self.assertEqual(len(secret), 43)
        with open(self.world.path("state.db"), "rb") as file:
            self.assertNotIn(secret.encode(), file.read())

    # --- Invitations, tokens, notices, history, questions ---

    def test_invitations(self):
        """invitations: made, listed without a token, resent, withdrawn"""
        made = self.bob.post("/accounts/biz/invitations", {"invitations": [
            {"email": "x@example.org", "role": "full.viewer", "name": "X"},
            {"email": "y@example.org", "role": "full.viewer"}]})
        one, two = made.json()["invitations"]
        listed = self.bob.get("/accounts/biz/invitations?limit=1").json()
        self.assertIsNotNone(listed["next"])
        self.actions(self.bob.post("/invitations/%s/resend" % one))
        self.actions(self.bob.delete("/invitations/" + two))
        self.refused(self.bob.get("/invitations/" + two), 404,
                     "invitation_unknown")
        self.assertEqual(self.bob.get("/invitations/" + one).json()["email"],
                         "x@example.org")
        self.refused(self.cid.post("/accounts/sales/invitations", {
            "invitations": [{"email": "z@example.org",
                             "role": "reporting.viewer"}]}), 403, "no_right")

    def test_accept(self):
        """A7 an invitation is accepted once, by whom it is for"""
        made = self.bob.post("/accounts/biz/invitations", {"invitations": [
            {"email": "cid@example.org", "role": "full.viewer"}]})
        name = made.json()["invitations"][0]
        token = self.world.rg("invite", "link", name, "--yes").strip()
        self.refused(self.ann.post("/invitations/accept", {"token": token}),
                     409, "invitation_address")
        self.actions(self.cid.post("/invitations/accept", {"token": token}))
        self.refused(self.cid.post("/invitations/accept", {"token": token}),
                     404, "invitation_unknown")
        self.assertEqual(
            self.bob.get("/accounts/biz/members/cid").json()["grants"][0]
            ["role"], "full.viewer")

    def token(self, who, **more):
        made = who.post("/tokens", {"description": "t", **more}).json()
        return Client(self.world, token=made["secret"]), made["token"]

    def test_tokens(self):
        """tokens do what their maker may now, narrowed, and nothing for
        people"""
        program, name = self.token(self.bob, accounts=["sales"],
                                   permissions=["users.view"])
        self.assertEqual(program.get("/accounts/sales").status, 200)
        self.assertEqual(program.get("/accounts/sales/members").status, 200)
        self.refused(program.get("/accounts/biz"), 404, "account_unknown")
        self.assertEqual([a["account"] for a in
                          program.get("/accounts").json()["items"]],
                         ["north", "sales"])
        self.refused(program.post("/accounts/sales/members", {"members": [
            {"member": "zoe", "role": "reporting.viewer"}]}), 403, "no_right")
        for method, path, o in operations():
            if o.get("security") == [{"session": []}]:
                self.refused(program.call(
                    method, path.replace("{session}", "x"), {}), 403,
                    "not_yours")
        for path in ("/tokens", "/tokens/" + name, "/notifications",
                     "/notifications/switches", "/me/sessions", "/imports"):
            self.refused(program.get(path), 403, "not_yours")
        self.refused(program.patch("/me", {"email": "x@example.org"}), 403,
                     "not_yours")
        self.refused(program.delete("/tokens/" + name), 403, "not_yours")
        self.refused(program.post("/accounts/sales/members", {"members": []},
                                  WHY="a\tb"), 400, "text_control")
        self.assertEqual(self.bob.get("/tokens/" + name).json()["accounts"],
                         ["sales"])
        self.assertEqual([t["token"] for t in
                          self.bob.get("/tokens").json()["items"]], [name])
        self.actions(self.bob.delete("/tokens/" + name))
        self.refused(program.get("/me"), 401, "no_identity")

    def test_token_ends(self):
        """rules 192-201 a token ends with its maker's right and with its
        maker, and counts from its addresses only"""
        program, _ = self.token(self.bob, addresses=["192.0.2.0/28"])
        self.assertEqual(program.get("/accounts/biz/members").status, 200)
        program.address = "192.0.2.200"
        self.refused(program.get("/me"), 401, "no_identity")
        program.address = "192.0.2.1"
        self.ann.patch("/accounts/biz/members/bob",
                       {"role": "reporting.viewer"})
        self.refused(program.get("/accounts/biz/members"), 403, "no_right")
        self.world.rg("member", "edit", "bob", "--status", "disabled", "--yes")
        for path in ("/accounts/biz", "/me", "/tokens", "/notifications",
                     "/imports/template"):
            self.refused(program.get(path), 403, "member_inactive")
        self.refused(self.ann.get("/tokens/" + "0" * 32), 404,
                     "token_unknown")

    def test_token_where_none_is_made(self):
        """S15 a token does not count where its maker may make none"""
        self.world.rg("grant", "add", "dan", "full.editor", "biz", "--yes")
        dan = self.world.session("dan")
        program, _ = self.token(dan)
        self.assertEqual(program.get("/accounts/biz/members").status, 200)
        self.ann.patch("/accounts/biz/members/dan", {"role": "full.viewer"})
        self.ann.patch("/accounts/sales/members/dan", {"role": "full.viewer"})
        self.assertEqual(dan.get("/accounts/biz/members").status, 200)
        self.refused(program.get("/accounts/biz/members"), 403, "no_right")
        self.refused(program.get("/check?account=biz&permission=users.view"),
                     403, "no_right")

    def test_helper(self):
        """P7 S12 what is done by a token or on behalf names both in the
        history, and counts by the member's own rights"""
        program, name = self.token(self.bob)
        program.post("/accounts/sales/members", {"members": [
            {"member": "zoe", "role": "reporting.viewer"}]})
        row = self.ann.get("/accounts/sales/history?limit=1").json()["items"]
        self.assertEqual((row[0]["actor"], row[0]["on_behalf"]),
                         ("token:" + name, "member:bob"))
        zoe = self.world.session("zoe")
        self.world.rg("account", "add", "prof", "--parent", "net", "--level",
                      "profile", "--name", "Prof", "--yes")
        self.world.rg("grant", "add", "eve", "super_user", "prof", "--yes")
        added = zoe.post("/accounts/prof/members", {"members": [
            {"member": "bob", "role": "member"}]})
        self.assertEqual(self.actions(added), ["grant.add"])
        row = zoe.get("/accounts/prof/history?limit=1").json()["items"]
        self.assertEqual((row[0]["actor"], row[0]["on_behalf"]),
                         ("member:zoe", "account:prof"))

    def test_both(self):
        """a token and a cookie at once are nobody"""
        program, _ = self.token(self.bob)
        program.cookie = self.ann.cookie
        self.refused(program.get("/me"), 401, "no_identity")

    def test_notices(self):
        """notices: listed, read, switched on for mail"""
        self.world.rg("notify", "send", "bob", "announcement", "Hello",
                      "--yes")
        listed = self.bob.get("/notifications?unread=true").json()["items"]
        self.assertEqual([n["text"] for n in listed], ["Hello"])
        number = listed[0]["notification"]
        self.refused(self.bob.post("/notifications/x/read"), 404,
                     "notice_unknown")
        read = self.bob.post("/notifications/%d/read" % number)
        self.assertEqual(read.json()["read"], 1)
        self.assertEqual(
            self.bob.get("/notifications?unread=true").json()["items"], [])
        self.actions(self.bob.put("/notifications/switches",
                                  {"kinds": ["import", "announcement"]}))
        self.assertEqual(
            self.bob.get("/notifications/switches").json()["kinds"],
            ["announcement", "import"])
        self.assertEqual(self.ann.get("/notifications").json()["items"], [])
        self.assertEqual(
            self.bob.post("/notifications/read").json()["read"], 0)

    def test_history(self):
        """history: who, when, what, before, after, why; filtered; CSV; only of
        what is below; only by right"""
        self.bob.post("/accounts/sales/members", {"members": [
            {"member": "zoe", "role": "reporting.viewer"}]}, WHY="season")
        rows = self.bob.get("/accounts/biz/history?actor=member:bob").json()
        self.assertEqual(rows["items"][0]["why"], "season")
        self.assertEqual(rows["items"][0]["after"]["role"],
                         "reporting.viewer")
        rows = self.bob.get("/accounts/biz/history?q=ZOE&action=grant.")
        self.assertEqual(len(rows.json()["items"]), 1)
        self.assertEqual(self.bob.get(
            "/accounts/north/history?actor=member:bob").json()["items"], [])
        sheet = self.bob.get("/accounts/biz/history?actor=member:bob",
                             ACCEPT="text/csv")
        self.assertEqual(len(sheet.body.decode().split("\r\n")), 3)
        self.refused(self.cid.get("/accounts/sales/history"), 403,
                     "no_right")
        self.refused(self.bob.get("/accounts/biz/history?from=yesterday"),
                     400, "time")

    def test_questions(self):
        """check, explain, what and who answer as decide() does, to those who
        may ask"""
        ask = "?account=sales&permission="
        one = self.cid.get("/check" + ask + "reports.view").json()
        self.assertEqual((one["verdict"], one["reason"], one["role"]),
                         ("allow", "granted", "reporting.viewer"))
        no = self.cid.get("/check" + ask + "users.add").json()
        self.assertEqual((no["verdict"], no["reason"]),
                         ("deny", "no_permission"))
        self.refused(self.cid.get("/check" + ask + "users.add&member=dan"),
                     403, "no_right")
        above = self.ann.get("/check" + ask + "users.add&member=bob").json()
        self.assertEqual((above["verdict"], above["granted_on"]),
                         ("allow", "biz"))
        # Dan does not see biz: he hears that Bob may, not from where.
        dan = self.world.session("dan")
        above = dan.get("/check" + ask + "users.add&member=bob").json()
        self.assertEqual((above["verdict"], above["granted_on"]),
                         ("allow", None))
        why = dan.get("/explain" + ask + "users.add&member=bob").json()
        self.assertIn("on an account above", why["says"])
        self.assertNotIn("biz", str(above) + str(why))
        stranger = dan.get("/check" + ask + "users.add&member=zoe").json()
        absent = dan.get("/check" + ask + "users.add&member=nobody").json()
        self.assertEqual(stranger["reason"], absent["reason"])
        why = self.ann.get("/explain" + ask + "users.add&member=cid").json()
        self.assertEqual([h["step"] for h in why["holdings"]],
                         ["no_permission"])
        what = {i["permission"] for i in
                self.cid.get("/what?account=sales").json()["items"]}
        self.assertIn("reports.view", what)
        self.assertNotIn("users.add", what)
        who = self.ann.get("/who" + ask + "users.add").json()
        self.assertEqual([i["member"] for i in who["items"]],
                         ["ann", "dan", "bob"])
        who = dan.get("/who" + ask + "users.add").json()
        self.assertEqual([i["member"] for i in who["items"]], ["ann", "dan"])
        self.assertEqual(who["above"], 1)
        self.refused(self.cid.get("/check?account=sales"), 400, "query")

    # --- Spreadsheets ---

    SHEET = (b"action,email,role\r\n"
             b"add,new@example.org,full.viewer\r\n"
             b"edit,cid@example.org,full.viewer\r\n"
             b"add,not an address,full.viewer\r\n")

    def test_import_check(self):
        """a spreadsheet is looked at whole and writes nothing"""
        before = self.world.rg("log", "--json")
        rows = self.bob.send("POST", API + "/accounts/sales/imports/check",
                             self.SHEET, "text/csv").json()["items"]
        self.assertEqual([(r["row"], r["result"]) for r in rows],
                         [(2, "changed"), (3, "changed"), (4, "refused")])
        self.assertEqual(self.world.rg("log", "--json"), before)
        bad = self.bob.send("POST", API + "/accounts/sales/imports/check",
                            b"colour,size\r\n1,2\r\n", "text/csv")
        self.refused(bad, 400, "sheet_faults")
        self.assertTrue(bad.json()["faults"])

    def test_import(self):
        """a spreadsheet is worked off in the background, row by row, and ends
        in a notice and in rejects that import again"""
        made = self.bob.send("POST", API + "/accounts/sales/imports",
                             self.SHEET, "text/csv")
        self.assertEqual(made.status, 201, made)
        path = "/imports/%d" % made.json()["import"]
        self.world.until(lambda: self.bob.get(path).json()["status"] in
                         ("done", "errors"))
        job = self.bob.get(path).json()
        self.assertEqual((job["rows"], job["changed"], job["refused"]),
                         (3, 2, 1))
        rows = self.bob.get(path + "/rows?limit=2").json()
        self.assertEqual(len(rows["items"]), 2)
        rows = self.bob.get(path + "/rows?cursor=" + rows["next"]).json()
        self.assertEqual([r["row"] for r in rows["items"]], [4])
        rejects = self.bob.get(path + "/rejects").body.decode()
        self.assertIn("not an address", rejects)
        self.assertEqual(self.bob.get("/notifications").json()["items"][0]
                         ["kind"], "import")
        self.refused(self.ann.get(path), 404, "import_unknown")
        self.assertEqual(len(self.bob.get("/imports").json()["items"]), 1)

    def test_import_narrowed(self):
        """a token that is narrowed starts no import, which would not be"""
        program, _ = self.token(self.bob, accounts=["sales"])
        self.refused(program.send("POST", API + "/accounts/sales/imports",
                                  self.SHEET, "text/csv"), 403, "not_yours")
        program, _ = self.token(self.bob)
        self.assertEqual(
            program.send("POST", API + "/accounts/sales/imports", self.SHEET,
                         "text/csv").status, 201)

    def test_export(self):
        """what is exported imports back as zero changes"""
        sheet = self.bob.get("/accounts/sales/sheet")
        self.assertIn("text/csv", sheet.headers["content-type"])
        rows = self.bob.send("POST", API + "/accounts/sales/imports/check",
                             sheet.body, "text/csv").json()["items"]
        self.assertEqual({r["result"] for r in rows}, {"same"})
        self.assertIn(b"email", self.bob.get("/imports/template").body)

    def test_xlsx(self):
        """XLSX goes out by Accept and comes in by its bytes; what is damaged is
        refused with its place"""
        kind = ("application/"
                "vnd.openxmlformats-officedocument.spreadsheetml.sheet")
        sheet = self.bob.get("/accounts/sales/sheet", ACCEPT=kind)
        self.assertEqual(sheet.headers["content-type"], kind)
        self.assertEqual(sheet.body[:4], b"PK\x03\x04")
        rows = self.bob.send("POST", API + "/accounts/sales/imports/check",
                             sheet.body, kind).json()["items"]
        self.assertEqual({r["result"] for r in rows}, {"same"})
        bad = self.bob.send("POST", API + "/accounts/sales/imports/check",
                            sheet.body[:-100], kind)
        self.refused(bad, 400, "sheet_faults")
        self.assertEqual(bad.json()["faults"][0]["code"], "xlsx_form")
        self.assertEqual(
            self.bob.get("/imports/template", ACCEPT=kind).body[:2], b"PK")

    def test_multipart(self):
        """a file in a form is taken; a form that is not whole is refused"""
        boundary = "x-1"
        whole = (b"--x-1\r\nContent-Disposition: form-data; name=\"file\"; "
                 b"filename=\"people.csv\"\r\nContent-Type: text/csv\r\n\r\n" +
                 self.SHEET + b"\r\n--x-1--\r\n")
        kind = "multipart/form-data; boundary=" + boundary
        path = API + "/accounts/sales/imports/check"
        self.assertEqual(self.bob.send("POST", path, whole, kind).status, 200)
        for body, kind in ((whole[:-10], kind), (whole[4:], kind), (b"", kind),
                           (whole, "multipart/form-data"),
                           (whole, "multipart/form-data; boundary=" +
                            "y" * 71),
                           (whole.replace(b'"file"', b'"other"'), kind)):
            self.assertEqual(
                self.bob.send("POST", path, body or b"x", kind).status, 400)


class Whole(unittest.TestCase):
    def test_zz_all_seen(self):
        """every operation of the description was answered with a yes above"""
        done = {i for i, status in SEEN if status in ("200", "201")}
        want = {o["operationId"] for _, _, o in operations()}
        # Those of a session end what the next test would need: web.tap.py.
        self.assertEqual(want - done, {"endSession", "endSessions",
                                       "setPassword"})


tap.main()
