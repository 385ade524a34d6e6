#!/usr/bin/env bats
# The history, for people: found by who, what, where and when; shortened; whole.

setup() {
	. "$BATS_TEST_DIRNAME/kit.sh"
	world history
	cat >rolegate.yaml <<-EOC
		store: $tmp/state.db
		catalogues: $root/catalogs
	EOC
	rg member add ann --email Ann.M@example.org --yes >/dev/null
	rg account add biz --catalogue call-tracking --owner ann --yes >/dev/null
	rg account add sales --parent biz --yes >/dev/null
	rg account add far --catalogue call-tracking --yes >/dev/null
	rg member add bob --yes >/dev/null
	rg grant add bob full.viewer sales --yes --why "ticket 7" >/dev/null
	rg grant add bob full.viewer far --yes >/dev/null
	rg grant remove bob full.viewer sales --as ann --why left --yes >/dev/null
}

teardown() {
	world_end
}

actions() { # options of log; oldest first
	rg log "$@" | cut -f4,5 | tac | tr '\t\n' ' ;'
}

@test "213 log: by account and what is below it" {
	[ "$(actions --account biz --action grant.)" = "grant.add bob on sales;grant.remove bob on sales;" ]
	[ "$(actions --account far --action grant.)" = "grant.add bob on far;" ]
	[ -z "$(actions --account nowhere)" ]
}

@test "213 log: by who, what, text, and time" {
	[ "$(actions --actor member:ann)" = "grant.remove bob on sales;" ]
	[ "$(actions --action grant.remove)" = "grant.remove bob on sales;" ]
	[ "$(actions --has ANN.M@EXAMPLE)" = "member.add ann;" ]
	[ "$(actions --has 'ticket 7')" = "grant.add bob on sales;" ]
	[ "$(actions --has '%')" = "" ]
	[ "$(actions --has 'bo_')" = "" ]
	[ "$(actions --subject 'on far')" = "grant.add bob on far;" ]
	[ -z "$(actions --to 2020-01-01T00:00:00Z)" ]
	[ -z "$(actions --from 2099-01-01T00:00:00Z)" ]
	[ "$(rg log -n 1000 --from 2020-01-01T00:00:00Z | wc -l)" -eq "$(rg log -n 1000 | wc -l)" ]
}

@test "log: page by page it is the whole" {
	rg log -n 1000 | cut -f1 >whole
	before=
	while rows=$(rg log -n 3 ${before:+--before "$before"} | cut -f1) && [ -n "$rows" ]; do
		echo "$rows"
		before=$(tail -n 1 <<<"$rows")
	done >pages
	cmp whole pages
}

@test "log: a wrong number or time is a usage error" {
	for option in '-n 0' '--before x' '--from yesterday' '--to 2027'; do
		run rg log $option
		[ "$status" -eq 2 ]
	done
}

@test "L3 log --csv: a spreadsheet finds no formula in it" {
	rg member add eve --name '=cmd|x' --yes --why '+1, "quoted"' >/dev/null
	rg log -n 1 --csv >log.csv
	python3 - <<-'PY'
		import csv
		rows = list(csv.DictReader(open("log.csv", newline="")))
		assert len(rows) == 1 and rows[0]["action"] == "member.add"
		assert rows[0]["why"] == "'+1, \"quoted\"", rows[0]["why"]
		assert '=cmd|x' in rows[0]["after"]
	PY
}

@test "D5 log prune: what is old is forgotten, and the rest is still a chain" {
	# Nothing is published here, so nothing may go.
	run rg log prune --yes
	[ "$output" = "- 0 rows of history" ]
	sqlite3 state.db "UPDATE publication SET seq = (SELECT max(seq) FROM history)"
	run rg log prune --yes
	[ "$output" = "- 0 rows of history" ]
	count=$(rg log -n 1000 | wc -l)
	# As if the first five had been made long ago: their chain stays right
	# only because they go.
	sqlite3 state.db "UPDATE history SET at_ms = 1000 WHERE seq <= 5"
	run rg log prune --dry-run
	[ "$output" = "- 5 rows of history" ]
	[ "$(rg log -n 1000 | wc -l)" -eq "$count" ]
	rg log prune --yes
	[ "$(rg log -n 1000 | wc -l)" -eq $((count - 5)) ]
	rg log verify
	rg member add zoe --yes >/dev/null
	rg log verify
	seq=$(rg log -n 1000 | tail -n 1 | cut -f1)
	sqlite3 state.db "UPDATE history SET account_id = 'other' WHERE seq = $((seq + 1))"
	run rg log verify
	[ "$status" -eq 5 ]
	[[ $output == *"history row $((seq + 1)):"* ]]
}

# A second between two changes, and in the past for whoever asks then.
moment() {
	sleep 1.1
	date -u +%Y-%m-%dT%H:%M:%SZ
	sleep 1
}

@test "--at in the past: who, what, check and explain answer from the history" {
	cat >then.jsonl <<-'STATE'
	{"type":"member","username":"ann","status":"active"}
	{"type":"member","username":"bob","status":"active"}
	{"type":"account","id":"biz","kind":"shared","level":"account","catalogue":"call-tracking","status":"active","owner":"ann"}
	{"type":"account","id":"sub","parent":"biz","kind":"shared","level":"account","status":"active","owner":"ann"}
	{"type":"grant","member":"bob","account":"sub","role":"full.editor","source":"local"}
	STATE
	rg load --yes then.jsonl >/dev/null
	at=$(moment)
	rg grant set bob reporting.viewer sub --yes >/dev/null
	rg member edit bob --username robert --yes >/dev/null
	later=$(moment)
	rg member remove robert --yes >/dev/null
	rg account remove sub --yes >/dev/null
	run rg check bob users.add sub --at "$at"
	[ "$status" -eq 0 ]
	run rg check robert users.add sub --at "$later"
	[ "$status" -eq 1 ]
	[[ $output == *no_permission* ]]
	run rg check bob users.add sub
	[[ $output == *no_member* ]]
	[ "$(rg who users.add sub --at "$at" | cut -f1 | tr '\n' ' ')" = "ann bob " ]
	[ "$(rg who users.add sub --at "$later" | cut -f1)" = ann ]
	[ "$(rg what robert sub --at "$later" | grep -c '^users.add')" -eq 0 ]
	rg what bob sub --at "$at" | grep -q '^users.add'
	rg explain bob users.add sub --at "$at" | grep -q granted
	printf 'bob\tusers.add\tsub\n' >asked
	[ "$(rg check --batch asked --at "$at" | cut -f1)" = allow ]
	[ "$(rg check --batch asked | cut -f1)" = deny ]
	# Before everything nobody was there.
	run rg check bob users.add sub --at 2020-01-01T00:00:00Z
	[[ $output == *no_member* ]]
}

@test "--at in the past: with the catalogue of then" {
	mkdir roles
	cp "$root"/catalogs/call-tracking* roles/
	sed -i "s,^catalogues:.*,catalogues: $tmp/roles," rolegate.yaml
	printf '%s\n' '{"type":"member","username":"bob","status":"active"}' \
	    '{"type":"account","id":"biz","kind":"shared","level":"account","catalogue":"call-tracking","status":"active"}' \
	    '{"type":"grant","member":"bob","account":"biz","role":"full.viewer","source":"local"}' >then.jsonl
	rg load --yes then.jsonl >/dev/null
	at=$(moment)
	sed -i 's/^users.add,Add users,1,0,/users.add,Add users,1,1,/' roles/*.csv
	rg member add tim --yes >/dev/null
	run rg check bob users.add biz
	[ "$status" -eq 0 ]
	run rg check bob users.add biz --at "$at"
	[ "$status" -eq 1 ]
	[[ $output == *no_permission* ]]
}
