#!/usr/bin/env bats
# rolegate doctor, asking a real nginx with the shipped include files, rolegated
# and Redis; and one thing wrong at a time, which it has to name with its line.

bats_require_minimum_version 1.5.0

setup() {
	. "$BATS_TEST_DIRNAME/kit.sh"
	world doctor
	rolegate_up
}

teardown() {
	world_end
}

rolegate_up() {
	rg key new view.key >/dev/null
	cat >rolegate.yaml <<-CONF
	store: $tmp/state.db
	catalogues: $root/catalogs
	view:
	  redis: {address: "unix:$tmp/redis.sock"}
	  key_file: $tmp/view.key
	gate:
	  socket: $tmp/gate.sock
	  control: $tmp/control.sock
	  workers: 1
	  wait_ms: 1000
	  cookie: sid
	CONF
	cat >state.jsonl <<-'STATE'
	{"type":"member","username":"ann","status":"active"}
	{"type":"member","username":"bob","status":"active"}
	{"type":"account","id":"net","kind":"shared","level":"account","catalogue":"call-tracking","status":"active","owner":"ann"}
	{"type":"grant","member":"bob","account":"net","role":"reporting.viewer","source":"local"}
	STATE
	redis_start
	rg load --yes state.jsonl >/dev/null
	"$build/rolegated" >gate.log 2>&1 3>&- &
	gate_pid=$!
	started
	until_true connected
}

connected() {
	rg status --gate --json 2>/dev/null | grep -q '"connected": *"*\(yes\|true\)'
}

nginx_configure() {
	nginx_files http server protect
	cat >nginx.conf <<-CONF
	$(nginx_head)
	    access_log off;
	    include $tmp/rolegate-http.conf;
	    server {
	        listen 127.0.0.1:$PORT;
	        set \$rolegate_app unix:$tmp/app.sock;
	        include $tmp/rolegate-server.conf;
	        location /inbox/ {
	            include $tmp/rolegate-protect.conf;
	            set \$rolegate_permission users.view;
	            proxy_pass http://\$rolegate_pass;
	        }
	    }
	    server {
	        listen unix:$tmp/app.sock;
	        location / { return 200 "here\n"; }
	    }
	}
	CONF
	# What this test has wrong: sed on one of the files.
	[ $# -eq 0 ] || sed -i "$1" "${2:-nginx.conf}"
}

doctor() {
	rg doctor "http://127.0.0.1:$PORT/inbox/" --allowed ann --refused bob \
	    --account net --nginx nginx.conf "$@"
}

# Wrong, the code, and the line that is named: FILE has the text there.
names() { # code, file, text
	run -1 doctor
	echo "$output"
	line=$(grep -n -m 1 -F -- "$3" "$2" | cut -d : -f 1)
	[[ $output == *"$2:$line:"*"[$1]"* ]]
	[ "$(rg session list | wc -l)" -eq 0 ]
}

@test "doctor: a site as it should be is 0, each probe is asked, no session is left" {
	nginx_up
	run doctor
	echo "$output"
	[ "$status" -eq 0 ]
	echo "$output"
	[ "${#lines[@]}" -eq 12 ]
	[[ $output == *"no identity"*"401 no_identity"*yes* ]]
	[[ $output == *"refused"*"403 no_permission"*yes* ]]
	[[ $output == *"allowed"*"200 granted"*yes* ]]
	[[ $output == *"a semicolon"*"403 ambiguous_path"*yes* ]]
	[[ $output == *"the gate's location"*404* ]]
	[ "$(rg session list | wc -l)" -eq 0 ]
	run -0 doctor --json
	/usr/bin/python3 -c '
import json, sys
probes = json.loads(sys.argv[1])["probes"]
assert len(probes) == 12 and not any(p["wrong"] for p in probes), probes' \
	    "$output"
}

@test "doctor: without the include the location is named" {
	nginx_up "/location .inbox/,/}/ {
	    /rolegate-protect.conf/d
	    /rolegate_permission/d
	    s,rolegate_pass,rolegate_app,
	}
	/location .inbox/i location /other/ { include $tmp/rolegate-protect.conf; proxy_pass http://\$rolegate_pass; }"
	names doctor_open nginx.conf 'location /inbox/'
}

@test "doctor: what answers before the gate is named" {
	nginx_up 's,^\( *\)set .rolegate_permission.*,&\n\1return 401;,'
	names doctor_elsewhere nginx.conf 'location /inbox/'
}

@test "doctor: a cookie that is not handed on is named by its line" {
	nginx_up 's,ROLEGATE_COOKIE .*;,ROLEGATE_COOKIE "";,' rolegate-server.conf
	names doctor_identity rolegate-server.conf 'ROLEGATE_COOKIE'
}

@test "doctor: a gate's location that clients reach is named" {
	nginx_up '/internal;/d' rolegate-server.conf
	names doctor_not_internal rolegate-server.conf 'location = /_rolegate'
}

@test "doctor: a path that the gate is not told is named" {
	nginx_up 's,ROLEGATE_PATH .*;,ROLEGATE_PATH /x;,; s,ROLEGATE_TARGET .*;,ROLEGATE_TARGET /x;,' \
	    rolegate-server.conf
	names doctor_path nginx.conf 'location /inbox/'
}

@test "doctor: an application that is away is told from a gate that is" {
	nginx_up 's,rolegate_app unix:.*;,rolegate_app unix:/nonexistent/app;,'
	names doctor_application nginx.conf 'set $rolegate_app'
	kill "$gate_pid"
	wait "$gate_pid" || true
	run -1 doctor
	[[ $output == *doctor_gate_away* && $output == *gate_silent* ]]
	run -4 rg doctor "http://127.0.0.1:1/inbox/" --allowed ann --refused bob \
	    --nginx nginx.conf
	[ "$(grep -c doctor_away <<<"$output")" -eq 1 ]
	[ "$(rg session list | wc -l)" -eq 0 ]
}

@test "doctor: who is let by without the gate is told from a gate that is away" {
	nginx_up 's,^\( *\)set .rolegate_permission.*,&\n\1satisfy any;\n\1allow all;,'
	names doctor_no_proof nginx.conf 'location /inbox/'
	[[ $output != *doctor_gate_away* ]]
}

@test "doctor: somebody who may is no one to be refused, and the other way round" {
	nginx_up
	run -1 rg doctor "http://127.0.0.1:$PORT/inbox/" --account net \
	    --allowed bob --refused ann --nginx nginx.conf
	line=$(grep -n 'location /inbox/' nginx.conf | cut -d : -f 1)
	[[ $output == *"nginx.conf:$line: "*doctor_refused* ]]
	[[ $output == *"nginx.conf:$line: "*doctor_allowed* ]]
	[[ $output == *"403 no_permission"* ]]
}

@test "doctor: headers of one's own instead of sessions" {
	nginx_up
	token=$(rg session add ann --account net --yes)
	printf 'Cookie: sid=%s\nX-Other: 1\n' "$token" >ann
	printf 'Cookie: sid=%s\n' "$(rg session add bob --account net --yes)" >bob
	own() {
		rg doctor "http://127.0.0.1:$PORT/inbox/" --nginx nginx.conf \
		    --allowed-headers ann --refused-headers bob "$@"
	}
	chmod 600 ann bob
	run -0 own
	[ "${#lines[@]}" -eq 11 ] # two of them prove nothing
	[[ $output != *"$token"* ]]
	run -2 own --allowed ann
	chmod 644 ann
	run -3 own
	chmod 600 ann
	echo 'no header' >>ann
	run -3 own
	[[ $output == *doctor_headers* && $output != *"$token"* ]]
}

@test "doctor: what is no address, nobody and no file is refused" {
	nginx_up
	for url in inbox ftp://x/ "http://127.0.0.1:$PORT/inbox/?a" \
	    "http://ann:secret@127.0.0.1:$PORT/inbox/" http://; do
		run -2 rg doctor "$url" --allowed ann --refused bob
	done
	run -2 rg doctor "http://127.0.0.1:$PORT/inbox/" --allowed ann
	run -1 rg doctor "http://127.0.0.1:$PORT/inbox/" --allowed ann \
	    --refused nobody --nginx nginx.conf
	[[ $output == *member_unknown* ]]
	# Whatever else is wrong.
	sed -i '/internal;/d' rolegate-server.conf
	run -1 rg doctor "http://127.0.0.1:$PORT/inbox/" --allowed ann \
	    --refused nobody --nginx nginx.conf
	[[ $output == *member_unknown* ]]
	run -3 rg doctor "http://127.0.0.1:$PORT/inbox/" --allowed ann \
	    --refused bob --nginx missing.conf
	[ "$(rg session list | wc -l)" -eq 0 ]
}

@test "doctor: the URL's host, where something else answers for it" {
	nginx_up "s,listen 127.*;,&\n        server_name app.example.org;,"
	run -0 rg doctor http://app.example.org/inbox/ --allowed ann \
	    --refused bob --account net --nginx nginx.conf \
	    --connect "127.0.0.1:$PORT"
	[ "${#lines[@]}" -eq 12 ]
	# The line is found by where it connects.
	run -1 rg doctor http://app.example.org/inbox/ --allowed bob \
	    --refused ann --account net --nginx nginx.conf \
	    --connect "127.0.0.1:$PORT"
	line=$(grep -n 'location /inbox/' nginx.conf | cut -d : -f 1)
	[[ $output == *"nginx.conf:$line: "*doctor_allowed* ]]
	run -2 rg doctor http://app.example.org/inbox/ --allowed ann \
	    --refused bob --connect nowhere
}
