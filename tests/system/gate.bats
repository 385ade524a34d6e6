#!/usr/bin/env bats
# rolegated with a real Redis, asked over FastCGI without nginx in between: what
# it answers, what it makes of bytes that nginx never sends, and how it lives
# and dies.

bats_require_minimum_version 1.5.0

setup() {
	. "$BATS_TEST_DIRNAME/kit.sh"
	world gate
	rg key new view.key >/dev/null
	config >rolegate.yaml
	cat >routes.yaml <<-'ROUTES'
		routes:
		  - {method: GET, path: '/accounts/{account}/users', permission: users.view}
		  - {method: GET, path: '/own', permission: users.view}
	ROUTES
	cat >state.jsonl <<-'STATE'
		{"type":"member","username":"Ann","status":"active"}
		{"type":"member","username":"bob","status":"active"}
		{"type":"member","username":"dan","status":"disabled"}
		{"type":"member","username":"eve","status":"active"}
		{"type":"account","id":"my-business","kind":"shared","level":"account","catalogue":"call-tracking","status":"active","owner":"Ann"}
		{"type":"account","id":"net","kind":"shared","level":"network","catalogue":"performance-marketing","status":"active","owner":"Ann"}
		{"type":"account","id":"sales","parent":"my-business","kind":"shared","level":"account","status":"active"}
		{"type":"grant","member":"bob","account":"sales","role":"reporting.viewer","source":"local"}
		{"type":"grant","member":"eve","account":"net","role":"filtered_reporting","source":"local","filter":["a;b","region=East West"]}
	STATE
}

teardown() {
	touch "$tmp/stop"
	world_end
}

config() { # more lines of the gate
	cat <<-CONF
		store: $tmp/state.db
		catalogues: $root/catalogs
		view:
		  redis: {address: "unix:$tmp/redis.sock"}
		  key_file: $tmp/view.key
		gate:
		  socket: $tmp/gate.sock
		  control: $tmp/control.sock
		  workers: 2
		  cookie: sid
		  trusted_user: yes
		  log: all
		  log_file: $tmp/decisions.log
		  routes: $tmp/routes.yaml
	CONF
	[ $# -eq 0 ] || printf '  %s\n' "$@"
}

# With the system calls that its unit leaves it, where systemd can say which. A
# build with sanitizers needs others.
sanitized() {
	ldd "$build/rolegated" | grep -q libasan
}

gate_start() {
	local under=("$BATS_TEST_DIRNAME/under-unit.py"
	    "$root/packaging/systemd/rolegated.service")
	if [ -n "${without_unit:-}" ] || sanitized ||
	    ! command -v systemd-analyze >/dev/null; then
		under=()
	fi
	"${under[@]}" "$build/rolegated" >>gate.log 2>&1 3>&- &
	gate_pid=$!
	started
	until_true [ -S gate.sock ]
}

# The state published, the gate serving, and the view known to it.
up() {
	redis_start
	rg load --yes state.jsonl >/dev/null
	rg publish --follow >follow.log 2>&1 3>&- &
	follow_pid=$!
	started
	gate_start
	until_true knows
}

client() {
	/usr/bin/python3 "$BATS_TEST_DIRNAME/fcgi-client.py" "$tmp/gate.sock" "$@"
}

knows() {
	[ "$(answer USER=ann PERMISSION=users.view ACCOUNT=sales)" = \
	    "204 allow granted" ]
}

# "204 allow granted" of a request; the whole of it is in the file `answer`.
answer() {
	client ask "$@" >answer
	awk '/^Status:/ { status = $2 } /^X-Rolegate-Decision:/ { word = $2 }
	    /^X-Rolegate-Reason:/ { reason = $2 } /^closed/ { status = $1 }
	    END { print status (word != "" ? " " word " " reason : "") }' answer
}

is() { # what is wanted, then the request
	local want=$1 got
	shift
	got=$(answer "$@")
	[ "$got" = "$want" ] || { echo "$*: $got instead of $want"; return 1; }
}

workers() {
	pgrep -P "$gate_pid" | sort
}

two_workers() {
	[ "$(workers | wc -l)" -eq 2 ]
}

said() { # code
	grep -qF "[$1]" gate.log
}

ended() { # pid
	! kill -0 "$1" 2>/dev/null
}

# --- What the application is told -----------------------------------------------

filter_header() {
	sed -n 's/^X-Rolegate-Filter: //p' answer | tr -d '\r'
}

@test "L1 the application believes the gate's signed filter, and no other" {
	rg key new filter.key >/dev/null
	config "filter_key_file: $tmp/filter.key" >rolegate.yaml
	up
	is "204 allow granted" USER=ann PERMISSION=users.view ACCOUNT=sales
	run -0 python3 "$root/docs/examples/filter.py" filter.key <<<"$(filter_header)"
	[ "$output" = "Ann sales all" ]
	is "204 allow granted_filtered" USER=eve PERMISSION=reports.transactions.view ACCOUNT=net
	run -0 python3 "$root/docs/examples/filter.py" filter.key <<<"$(filter_header)"
	[ "$output" = "eve net a;b" ]
	run -1 python3 "$root/docs/examples/filter.py" view.key <<<"$(filter_header)"
	is "403 deny no_permission" USER=bob PERMISSION=users.view ACCOUNT=sales
	[ -z "$(filter_header)" ]
	# A file that cannot be read is no reason to go on without.
	chmod 644 filter.key
	run -3 "$build/rolegated" --check
}

@test "S12 who acts from above is named, to the application and in the log" {
	redis_start
	printf '%s\n' '{"type":"account","id":"p1","parent":"net","kind":"shared","level":"profile","status":"active"}' \
	    '{"type":"grant","member":"bob","account":"net","role":"member","source":"local"}' >>state.jsonl
	rg load --yes state.jsonl >/dev/null
	rg publish --follow >follow.log 2>&1 3>&- &
	started
	gate_start
	until_true knows
	is "204 allow granted" USER=bob PERMISSION=campaigns.edit ACCOUNT=p1
	grep -q '^X-Rolegate-Acting-From: net' answer
	until_true grep -q 'account=p1 acting_from=net' decisions.log
	is "204 allow granted" USER=bob PERMISSION=members.view ACCOUNT=net
	run -1 grep -q Acting-From answer
}

# --- Tokens of programs -----------------------------------------------------------

token_of() { # options of token add
	rg token add "$@" --yes 2>/dev/null
}

@test "S15 194 a token is its maker, narrowed, and dies with their right" {
	config 'bearer: yes' >rolegate.yaml
	up
	all=$(token_of ann everything)
	some=$(token_of ann some --account sales --permission users.view)
	near=$(token_of ann near --account sales --address 192.0.2.0/24 --address 2001:db8::/32)
	U="USER= PERMISSION=users.view ACCOUNT=sales"
	until_true is "204 allow granted" $U "AUTHORIZATION=Bearer $all"
	grep -q '^X-Rolegate-Member: Ann' answer
	is "204 allow granted" $U "AUTHORIZATION=$all"
	is "204 allow granted" USER= PERMISSION=members.view ACCOUNT=net "AUTHORIZATION=$all"
	# Narrowed to an account, a permission, addresses.
	is "204 allow granted" $U "AUTHORIZATION=$some"
	is "403 deny no_permission" USER= PERMISSION=users.add ACCOUNT=sales "AUTHORIZATION=$some"
	is "403 deny no_grant" USER= PERMISSION=users.view ACCOUNT=my-business "AUTHORIZATION=$some"
	# Why: their maker may, the token does not.
	id=$(sed -n 's/^X-Rolegate-Decision-Id: //p' answer)
	grep -q "id=$id .* token=yes" decisions.log
	run -1 rg explain --decision "$id"
	[[ $output == *"$(printf 'reason\tno_grant')"*"token"*"rolegate token list"* ]]
	is "204 allow granted" $U "AUTHORIZATION=$near" ADDRESS=192.0.2.77
	is "204 allow granted" $U "AUTHORIZATION=$near" ADDRESS=::ffff:192.0.2.77
	is "204 allow granted" $U "AUTHORIZATION=$near" ADDRESS=2001:db8::1
	is "401 deny no_identity" $U "AUTHORIZATION=$near" ADDRESS=192.0.3.1
	is "401 deny no_identity" $U "AUTHORIZATION=$near" ADDRESS=unix:
	is "401 deny no_identity" $U "AUTHORIZATION=$near"
	# Nobody's: what is no token, a session's, one beside a cookie or twice.
	is "401 deny no_identity" $U "AUTHORIZATION=Bearer ${all%?}x"
	is "401 deny no_identity" $U "AUTHORIZATION=Basic $all"
	is "401 deny no_identity" $U "AUTHORIZATION=$all" "COOKIE=sid=$all"
	is "401 deny no_identity" $U "COOKIE=sid=$all"
	is "401 deny no_identity" $U "AUTHORIZATION=$(rg session add ann --yes 2>/dev/null)"
	# Whoever may make none any more has none.
	rg grant add bob full.editor sales --yes >/dev/null 2>&1 || rg grant set bob full.editor sales --yes >/dev/null
	bobs=$(token_of bob mine --account sales)
	until_true is "204 allow granted" $U "AUTHORIZATION=$bobs"
	rg grant set bob full.viewer sales --yes >/dev/null
	until_true is "204 allow granted" USER=bob PERMISSION=users.view ACCOUNT=sales
	until_true is "403 deny no_permission" $U "AUTHORIZATION=$bobs"
	# Taken away, or its maker gone: nobody's, within a second.
	rg token remove "$(rg token list --member bob | cut -f1)" --yes >/dev/null
	until_true is "401 deny no_identity" $U "AUTHORIZATION=$bobs"
	rg member edit ann --username anna --yes >/dev/null
	until_true is "204 allow granted" $U "AUTHORIZATION=$all"
	grep -q '^X-Rolegate-Member: anna' answer
	[ "$(cli --scan --pattern '*:token:*' | wc -l)" -eq 3 ]
}

@test "196 a token counts only where it is configured" {
	up
	all=$(token_of ann everything)
	is "401 deny no_identity" USER= PERMISSION=users.view ACCOUNT=sales "AUTHORIZATION=$all"
	is "204 allow granted" USER=ann PERMISSION=users.view ACCOUNT=sales "AUTHORIZATION=$all"
}

# --- Words ---------------------------------------------------------------------

@test "options: help leads with examples, unknown words are 2" {
	run -0 "$build/rolegated" --help
	[[ ${lines[0]} == Examples:* ]]
	run -0 "$build/rolegated" --version
	run -2 "$build/rolegated" --nonsense
	[[ $output == *"[usage]" ]]
	run -2 "$build/rolegated" word
	[[ $output == *"word"*"[usage]" ]]
	run -2 "$build/rolegated" --config
}

@test "--check: every fault with its place, and 3; else 0 and nothing is opened" {
	run -0 "$build/rolegated" --check
	[ ! -e gate.sock ]
	[ ! -e decisions.log ]
	{ config 'workers: many' 'nonsense: 1'; } >rolegate.yaml
	run -3 "$build/rolegated" --check
	[[ $output == *"rolegate.yaml:"*"workers"* ]]
	[[ $output == *"rolegate.yaml:"*"nonsense"* ]]
	config >rolegate.yaml
	echo '  - {method: GET}' >>routes.yaml
	run -3 "$build/rolegated" --check
	[[ $output == *"routes.yaml:4:"* ]]
}

@test "--check: what a gate cannot be without" {
	local row
	for row in 's/^  cookie:.*//; s/trusted_user: yes/trusted_user: no/|gate_no_identity' \
	    's/^  key_file:.*//|config_value' \
	    's/^  redis:.*//|view_not_configured' \
	    's,key_file: .*,key_file: /nowhere,|view_key' \
	    's/^  cookie: sid/  cookie: sid\n  peer_user: nobody-at-all/|gate_peer_user' \
	    's/^  cookie: sid/  cookie: sid\n  user: nobody-at-all/|run_user' \
	    's/^  cookie: sid/  cookie: sid\n  socket_group: nobody-at-all/|socket_group'; do
		config | sed "${row%|*}" >rolegate.yaml
		run -3 "$build/rolegated" --check
		[[ $output == *"[${row##*|}]"* ]] || {
			echo "$row: $output"
			return 1
		}
	done
}

# --- Answers --------------------------------------------------------------------

@test "allow, filtered, deny, nobody: with their headers" {
	up
	is "204 allow granted" USER=ANN PERMISSION=users.add ACCOUNT=sales
	grep -qx 'X-Rolegate-Member: Ann' answer
	grep -qx 'X-Rolegate-Account: sales' answer
	grep -qx 'X-Rolegate-Role: full.editor' answer
	! grep -q Filter answer || return 1
	is "204 allow granted" USER=bob PERMISSION=reports.view ACCOUNT=sales
	grep -qx 'X-Rolegate-Role: reporting.viewer' answer
	is "204 allow granted_filtered" USER=eve \
	    PERMISSION=reports.transactions.view ACCOUNT=net
	grep -qx 'X-Rolegate-Filter: a%3Bb;region=East%20West' answer
	is "403 deny no_permission" USER=bob PERMISSION=users.add ACCOUNT=sales
	! grep -q Member answer || return 1
	is "403 deny no_grant" USER=bob PERMISSION=users.view ACCOUNT=my-business
	is "403 deny no_member" USER=mallory PERMISSION=users.view ACCOUNT=sales
	is "403 deny member_inactive" USER=dan PERMISSION=users.view ACCOUNT=sales
	is "403 deny no_account" USER=bob PERMISSION=users.view ACCOUNT=nowhere
	is "403 deny no_account" USER=bob PERMISSION=users.view
	is "401 deny no_identity" PERMISSION=users.view ACCOUNT=sales
	is "401 deny no_identity" USER="$(printf 'ann\n')x y" \
	    PERMISSION=users.view ACCOUNT=sales
}

@test "a session's token is somebody, on the session's account" {
	up
	token=$(rg session add bob --account sales --yes)
	other=$(rg session add eve --account net --yes)
	is "204 allow granted" COOKIE="a=b; sid=$token" PERMISSION=reports.view
	grep -qx 'X-Rolegate-Account: sales' answer
	# The session is before the trusted user.
	is "403 deny no_permission" COOKIE="sid=$token" USER=ann \
	    PERMISSION=users.add
	# T39 T40
	is "401 deny no_identity" COOKIE="sid=$token; sid=$other" USER=ann \
	    PERMISSION=reports.view
	is "401 deny no_identity" COOKIE="SID=$token" PERMISSION=reports.view
	is "401 deny no_identity" COOKIE="sid=x" USER=ann PERMISSION=reports.view
	is "401 deny no_identity" COOKIE="sid=$(echo "$token" | tr A-Z B-ZA)" PERMISSION=reports.view
	digest=$(rg session list bob | cut -f1 | grep -E '^[0-9a-f]{64}$')
	rg session remove "$digest" --yes >/dev/null
	until_true is "401 deny no_identity" COOKIE="sid=$token" \
	    PERMISSION=reports.view
	# No token and no cookie is ever written down.
	! grep -qF -e "$token" -e "$other" decisions.log gate.log
}

@test "a trusted user is believed only where the operator says so" {
	config | sed 's/trusted_user: yes/trusted_user: no/' >rolegate.yaml
	redis_start
	rg load --yes state.jsonl >/dev/null
	gate_start
	is "401 deny no_identity" USER=ann PERMISSION=users.view ACCOUNT=sales
}

@test "T13 T18 T19 T20 routes name permission and account; what they leave out is a no" {
	up
	is "204 allow granted" USER=ann PATH=/accounts/sales/users \
	    TARGET=/accounts/sales/users?page=2
	grep -qx 'X-Rolegate-Account: sales' answer
	is "403 deny no_grant" USER=bob PATH=/accounts/my-business/users \
	    TARGET=/accounts/my-business/users
	is "403 deny no_route" USER=ann METHOD=POST PATH=/accounts/sales/users \
	    TARGET=/accounts/sales/users
	is "403 deny no_route" USER=ann PATH=/nowhere TARGET=/nowhere
	is "403 deny no_route" USER=ann METHOD= PATH=/own TARGET=/own
	is "403 deny ambiguous_path" USER=ann PATH=/_rolegate TARGET=/own \
	    PERMISSION=users.view ACCOUNT=sales
	is "403 deny ambiguous_path" USER=ann PATH= TARGET=/own \
	    PERMISSION=users.view ACCOUNT=sales
	is "403 deny ambiguous_path" USER=ann PATH=/own TARGET=/x/../own \
	    PERMISSION=users.view ACCOUNT=sales
}

@test "W2 a parameter that is missing or there twice is a no" {
	up
	local name
	set -- USER=ann PERMISSION=users.view ACCOUNT=sales
	is "204 allow granted" "$@"
	for name in COOKIE TRUSTED_USER METHOD PATH TARGET PERMISSION ACCOUNT; do
		[[ $(answer "$@" "-$name") == 40[13]" deny "* ]]
		[[ $(answer "$@" "+$name=/x") == 40[13]" deny "* ]]
		[[ $(answer "$@" "+$name=") == 40[13]" deny "* ]]
	done
	# What a client could send is none of ours.
	is "204 allow granted" "$@" +MEMBER=eve +X_ORIGINAL_URI=/public
}

@test "a connection is kept for thousands of requests" {
	up
	run -0 client kept 5000 USER=ann PERMISSION=users.view ACCOUNT=sales
	[ "$output" = "5000 204 allow granted" ]
}

@test "J12 all filters of two grants, in the sandbox" {
	sed -i '/"member":"bob"/d' state.jsonl
	for account in my-business sales; do
		printf '{"type":"grant","member":"bob","account":"%s","role":"reporting.viewer","source":"local","filter":["%s"' \
		    "$account" "$account"
		for n in $(seq 10 40); do
			printf ',"%s=%d"' "$account" "$n"
		done
		echo ']}'
	done >>state.jsonl
	up
	before=$(workers)
	is "204 allow granted_filtered" USER=bob PERMISSION=reports.view ACCOUNT=sales
	[ "$(grep '^X-Rolegate-Filter:' answer | tr ';' '\n' | wc -l)" -eq 64 ]
	[ "$(workers)" = "$before" ]
}

@test "an answer that would be longer than 4 KiB is a don't-know" {
	for n in $(seq 10 29); do
		printf '"f%s=%s",' "$n" "$(printf '%0240d' 0)"
	done >filters
	sed -i "s/\"a;b\"/$(sed 's/,$//' filters)/" state.jsonl
	up
	is "503 unknown not_known" USER=eve \
	    PERMISSION=reports.transactions.view ACCOUNT=net
	said answer_too_large
	grep -q 'member=eve .*verdict=unknown reason=not_known' decisions.log
}

# --- The log --------------------------------------------------------------------

@test "T6 the log has a line a decision, which explain can read" {
	up
	is "403 deny no_permission" USER=bob PERMISSION=users.add ACCOUNT=sales
	id=$(sed -n 's/^X-Rolegate-Decision-Id: //p' answer)
	run -0 grep -c "id=$id " decisions.log
	[ "$output" = 1 ]
	run -1 rg explain --decision "$id"
	[[ $output == *"$(printf 'then_reason\tno_permission')"* ]]
	[[ $output == *"$(printf 'member\tbob')"* ]]
	# What was refused before anybody was asked about stays what it was.
	is "401 deny no_identity" USER= PERMISSION=users.add ACCOUNT=sales
	id=$(sed -n 's/^X-Rolegate-Decision-Id: //p' answer)
	run -1 rg explain --decision "$id"
	[[ $output == *"$(printf 'verdict\tdeny')"*"$(printf 'reason\tno_identity')"* ]]
	is "403 deny no_route" USER=ann PATH=/nothing TARGET=/nothing
	id=$(sed -n 's/^X-Rolegate-Decision-Id: //p' answer)
	run -1 rg explain --decision "$id"
	[[ $output == *"$(printf 'reason\tno_route')"* ]]
	before=$(wc -l <decisions.log)
	answer USER=ann PATH="$(printf '/x\ntime=1 id=%s verdict=allow' "$id")" \
	    HOST="$(printf 'a\r\nb')" >/dev/null
	[ "$(wc -l <decisions.log)" -eq $((before + 1)) ]
	[ "$(grep -c "^time=[^ ]* id=$id " decisions.log)" -eq 1 ]
}

@test "the log: off, denials, all" {
	local what lines
	for what in off:0 denials:1 all:2; do
		config | sed "s/log: all/log: ${what%:*}/" >rolegate.yaml
		if [ -z "$gate_pid" ]; then
			up
		else
			kill -HUP "$gate_pid"
			until_true said reloaded
		fi
		: >gate.log
		: >decisions.log
		is "204 allow granted" USER=ann PERMISSION=users.view ACCOUNT=sales
		is "403 deny no_permission" USER=bob PERMISSION=users.add ACCOUNT=sales
		lines=$(wc -l <decisions.log)
		[ "$lines" -eq "${what#*:}" ] || { echo "$what: $lines"; return 1; }
	done
}

@test "a log that nobody reads holds up nothing" {
	mkfifo log.fifo
	sleep 60 <log.fifo 3>&- &
	reader=$!
	started
	config | sed "s,decisions.log,log.fifo," >rolegate.yaml
	up
	run -0 client kept 3000 USER=ann PERMISSION=users.view ACCOUNT=sales
	[ "$output" = "3000 204 allow granted" ]
	kill "$reader"
	wait "$reader" || true
	knows
	kill -HUP "$gate_pid"
	until_true said reload_refused
	said gate_log
	knows
}

@test "T26 what nobody reads on standard error holds up nothing" {
	mkfifo err.fifo
	sleep 300 <>err.fifo 3>&- &
	started
	gate_start() {
		"$build/rolegated" >err.fifo 2>&1 3>&- &
		gate_pid=$!
		started
		until_true [ -S gate.sock ]
	}
	up
	config >good.yaml
	{
		cat good.yaml
		for n in $(seq 90); do
			printf '  nonsense_%d_%0200d: 1\n' "$n" 0
		done
	} >rolegate.yaml
	for _ in $(seq 60); do
		kill -HUP "$gate_pid"
		sleep 0.05
	done
	kill -9 $(workers)
	until_true knows
	cp good.yaml rolegate.yaml
	before=$(workers)
	kill -HUP "$gate_pid"
	until_true two_others
	kill "$gate_pid"
	wait "$gate_pid"
}

# --- Bytes ----------------------------------------------------------------------

@test "W11 whatever is sent, nobody gets in, and the workers live" {
	up
	before=$(workers)
	client hostile >heard
	[ "$(wc -l <heard)" -gt 300 ]
	# What is named is closed; what only has bytes changed may be a request, and
	# what is too long is one that is not judged.
	grep -qx '16 KiB and a byte: 403 deny ambiguous_path' heard
	! grep -v '^changed bytes\|^16 KiB and' heard | grep -v ': closed$' || return 1
	! grep ' 204 ' heard | grep -v '^changed bytes' || return 1
	[ "$(workers)" = "$before" ]
	knows
	! said worker_died
}

@test "W11 who sends half a request does not keep the others waiting" {
	up
	for _ in 1 2 3 4 5 6 7 8; do
		client half stop USER=ann >/dev/null 2>&1 3>&- &
		started
	done
	for _ in $(seq 50); do
		knows
	done
}

@test "W13 when descriptors are out it says no, goes on, and recovers" {
	redis_start
	rg load --yes state.jsonl >/dev/null
	ulimit -Sn 96
	ulimit -Hn 96
	gate_start
	until_true knows
	before=$(workers)
	client hold 60 stop >held 2>&1 3>&- &
	first=$!
	client hold 60 stop >held2 2>&1 3>&- &
	second=$!
	client hold 60 stop >held3 2>&1 3>&- &
	third=$!
	until_true said connections_many
	touch stop
	wait "$first" "$second" "$third"
	until_true knows
	[ "$(workers)" = "$before" ]
}

# --- Redis ----------------------------------------------------------------------

@test "W7 an empty Redis is a don't-know, until it is published again" {
	up
	kill "$follow_pid"
	wait "$follow_pid" || true
	cli FLUSHALL >/dev/null
	until_true is "503 unknown not_known" USER=ann PERMISSION=users.view \
	    ACCOUNT=sales
	rg publish --all >/dev/null
	until_true knows
}

two_others() { # than those before
	two_workers && ! workers | grep -qxF "$before"
}

# A server that lags, or a copy that was put back: what the dead worker had seen,
# the one in its place has seen.
@test "W6 a worker that takes a dead one's place believes nothing older" {
	up
	follower=$(pgrep -P "$follow_pid")
	started
	kill -STOP "$follower"
	for key in generation member:bob session:x; do
		cli get "rolegate:{default}:$key" >"old.$key"
	done
	is "204 allow granted" USER=bob PERMISSION=reports.view ACCOUNT=sales
	rg grant remove bob reporting.viewer sales --yes >/dev/null
	until_true is "403 deny no_grant" USER=bob PERMISSION=reports.view \
	    ACCOUNT=sales
	# One of the workers has seen it, at least.
	for key in generation member:bob; do
		head -c -1 "old.$key" |
		    redis-cli -s redis.sock -x set "rolegate:{default}:$key"
	done
	for _ in 1 2 3; do
		before=$(workers)
		kill -KILL $before
		until_true two_others
		until_true shows 'all(w["connected"] for w in r["gate_workers"])' True
		for _ in $(seq 10); do
			is "503 unknown not_known" USER=bob \
			    PERMISSION=reports.view ACCOUNT=sales
		done
	done
	# Until it is published again; a reload asks for no memory.
	kill -CONT "$follower"
	rg publish --all >/dev/null
	until_true is "403 deny no_grant" USER=bob PERMISSION=reports.view \
	    ACCOUNT=sales
}

@test "W5 T28 a Redis that is dead or frozen is a don't-know, soon" {
	up
	kill -STOP "$redis_pid"
	kill "$follow_pid"
	wait "$follow_pid" || true
	sleep 6 # the heartbeat's time
	start=$(date +%s%N)
	is "503 unknown not_known" USER=ann PERMISSION=users.view ACCOUNT=sales
	[ $((($(date +%s%N) - start) / 1000000)) -lt 1500 ]
	kill -CONT "$redis_pid"
	rg publish --all >/dev/null
	until_true knows
	kill -9 "$redis_pid"
	wait "$redis_pid" || true
	until_true is "503 unknown not_known" USER=ann PERMISSION=users.view \
	    ACCOUNT=sales
	redis_start
	rg publish --all >/dev/null
	until_true knows
	said redis_unreachable
	said redis_back
}

@test "D5 a record that is not signed with our key is a don't-know" {
	up
	rg key new other.key >/dev/null
	sed "s/view.key/other.key/; s/namespace:.*//" rolegate.yaml >other.yaml
	redis-server --port 0 --unixsocket "$tmp/other.sock" --save '' \
	    --dir "$tmp" >/dev/null 2>&1 3>&- &
	started
	until_true [ -S other.sock ]
	sed -i "s/redis.sock/other.sock/" other.yaml
	rg --config other.yaml publish --all >/dev/null
	key=rolegate:{default}:member:bob
	redis-cli -s other.sock --raw DUMP "$key" | head -c -1 >dump
	redis-cli -s redis.sock -x RESTORE "$key" 0 REPLACE <dump 2>/dev/null ||
	    redis-cli -s other.sock --raw GET "$key" | head -c -1 |
	    redis-cli -s redis.sock -x SET "$key" >/dev/null
	redis-cli -s other.sock --raw GET "$key" | head -c -1 |
	    redis-cli -s redis.sock -x SET "$key" >/dev/null
	until_true is "503 unknown not_known" USER=bob PERMISSION=reports.view \
	    ACCOUNT=sales
	knows
	until_true said record_mac
}

@test "T51 a grant that is taken away is gone with the next request" {
	up
	is "204 allow granted" USER=bob PERMISSION=reports.view ACCOUNT=sales
	rg grant remove bob reporting.viewer sales --yes >/dev/null
	until_true is "403 deny no_grant" USER=bob PERMISSION=reports.view \
	    ACCOUNT=sales
}

# --- Living and dying -----------------------------------------------------------

@test "T26 a worker that hangs is ended and replaced, and only that one" {
	up
	hung=$(workers | head -n 1)
	other=$(workers | tail -n 1)
	kill -STOP "$hung"
	for i in $(seq 15); do
		! said worker_hung || break
		sleep 1
	done
	said worker_hung
	until_true ended "$hung"
	until_true two_workers
	workers | grep -qx "$other"
	knows
	[ "$(grep -c worker_hung gate.log)" -eq 1 ]
	# When all of them were stopped, none hung.
	before=$(workers)
	kill -STOP "$gate_pid" $before
	sleep 11
	kill -CONT "$gate_pid" $before
	sleep 1
	[ "$(workers)" = "$before" ]
	[ "$(grep -c worker_hung gate.log)" -eq 1 ]
	knows
}

@test "T26 W4 workers that are killed are replaced; nobody gets in by it" {
	up
	client stream stop 8 >stream.out 2>&1 3>&- &
	stream=$!
	for _ in $(seq 15); do
		sleep 0.2
		kill -9 "$(workers | shuf -n 1)"
	done
	sleep 0.2
	touch stop
	wait "$stream"
	cat stream.out
	two_workers
	# Only these two answers, and none was lost.
	[ "$(grep -c . stream.out)" -eq 2 ]
	grep -q 'allow: 204 allow granted$' stream.out
	grep -q 'deny: 403 deny no_permission$' stream.out
	[ "$(grep -c worker_died gate.log)" -eq 15 ]
}

@test "W14 a storm of signals under load loses no request" {
	up
	client stream stop 8 >stream.out 2>&1 3>&- &
	stream=$!
	for n in $(seq 40); do
		kill -HUP "$gate_pid"
		kill -USR1 "$gate_pid"
		for pid in $(workers); do
			kill -USR1 "$pid" 2>/dev/null || true
			kill -HUP "$pid" 2>/dev/null || true
		done
		[ $((n % 4)) -eq 0 ] && sleep 0.1
	done
	touch stop
	wait "$stream"
	cat stream.out
	[ "$(grep -c . stream.out)" -eq 2 ]
	grep -q 'allow: 204 allow granted$' stream.out
	grep -q 'deny: 403 deny no_permission$' stream.out
	until_true two_workers
	said reloaded
	! said worker_died
}

sandboxed() { # the mode of the filter that each worker has
	local pid
	for pid in $(workers); do
		sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$pid/status"
	done | paste -sd ' '
}

@test "a worker that asks the kernel for what it never needs is ended and replaced" {
	without_unit=yes # whose filter is one, too
	up
	! sanitized || skip "a build with sanitizers cannot have one"
	[ "$(sandboxed)" = "2 2" ]
	kill -SYS "$(workers | head -n 1)"
	until_true said worker_sandbox
	until_true two_workers
	! said worker_died || return 1
	knows

	sed -i 's/^  workers:/  sandbox: off\n&/' rolegate.yaml
	kill -HUP "$gate_pid"
	until_true eval '[ "$(sandboxed)" = "0 0" ]'
	for pid in $(workers); do
		grep -q '^NoNewPrivs:[[:space:]]*1$' "/proc/$pid/status"
	done
	sed -i 's/sandbox: off/sandbox: log/' rolegate.yaml
	kill -HUP "$gate_pid"
	until_true eval '[ "$(sandboxed)" = "2 2" ]'
	until_true knows
	! said worker_died
}

@test "W14 a broken configuration is refused whole, a good one is taken" {
	up
	before=$(workers)
	config 'nonsense: 1' >rolegate.yaml
	kill -HUP "$gate_pid"
	until_true said reload_refused
	grep -q 'rolegate.yaml:[0-9]*:[0-9]*: .*nonsense' gate.log
	knows
	echo '  - {method: GET}' >>routes.yaml
	config >rolegate.yaml
	: >gate.log
	kill -HUP "$gate_pid"
	until_true said reload_refused
	knows
	[ "$(workers)" = "$before" ]
	sed -i '$d' routes.yaml
	echo "  - {method: GET, path: '/new', permission: users.view}" >>routes.yaml
	config 'socket_group: root' >rolegate.yaml
	kill -HUP "$gate_pid"
	until_true said reloaded
	said restart_needed
	until_true is "204 allow granted" USER=ann PATH=/new TARGET=/new \
	    ACCOUNT=sales
	until_true two_workers
	[ "$(workers)" != "$before" ]
}

@test "a restart is asked for as long as what runs is not what is written" {
	up
	reloaded_with() { # more lines of the gate
		: >gate.log
		config "$@" >rolegate.yaml
		kill -HUP "$gate_pid"
		until_true said reloaded
	}
	for n in 1 2; do
		reloaded_with 'socket_group: root'
		[ "$(grep -c restart_needed gate.log)" -eq 1 ]
		grep -q 'gate.socket_group' gate.log
	done
	reloaded_with "metrics: $tmp/metrics.sock" 'user: nobody'
	[ "$(grep -c restart_needed gate.log)" -eq 2 ]
	grep -q 'gate.metrics' gate.log
	grep -q 'gate.user' gate.log
	reloaded_with
	! said restart_needed
}

@test "W14 more and fewer workers, by a reload" {
	up
	config | sed 's/workers: 2/workers: 4/' >rolegate.yaml
	kill -HUP "$gate_pid"
	until_true eval '[ "$(workers | wc -l)" -eq 4 ] && said reloaded'
	config | sed 's/workers: 2/workers: 1/' >rolegate.yaml
	kill -HUP "$gate_pid"
	until_true eval '[ "$(workers | wc -l)" -eq 1 ]'
	knows
}

# --- A new program ----------------------------------------------------------------

# As a package does it: a new file under the old name.
program_put() { # file
	cp "$1" bin/new
	mv bin/new bin/rolegated
}

own_program() {
	mkdir bin
	program_put "$build/rolegated"
	gate_start() {
		bin/rolegated >>gate.log 2>&1 3>&- &
		gate_pid=$!
		started
		until_true [ -S gate.sock ]
	}
}

renewals() {
	grep -cF '[renewed]' gate.log
}

renewed() { # times, with as many workers as before
	[ "$(renewals)" -eq "$1" ] && two_workers
}

@test "W14 five new programs under load lose no request" {
	own_program
	up
	client stream stop 8 >stream.out 2>&1 3>&- &
	stream=$!
	for n in 1 2 3 4 5; do
		before=$(workers)
		program_put "$build/rolegated"
		kill -USR2 "$gate_pid"
		until_true renewed "$n"
		[ -z "$(comm -12 <(echo "$before") <(workers))" ]
	done
	touch stop
	wait "$stream"
	cat stream.out
	[ "$(grep -c . stream.out)" -eq 2 ]
	grep -q 'allow: 204 allow granted$' stream.out
	grep -q 'deny: 403 deny no_permission$' stream.out
	! said worker_died || return 1
	rg status --gate
	kill "$gate_pid"
	wait "$gate_pid"
	[ ! -e gate.sock ] && [ ! -e control.sock ]
}

@test "W14 a new program that does not take the configuration is refused" {
	own_program
	up
	before=$(workers)
	printf '#!/bin/sh\nexit 3\n' >no-program
	chmod 755 no-program
	for bad in no-program /dev/null; do
		: >gate.log
		program_put "$bad"
		kill -USR2 "$gate_pid"
		until_true said handover_refused
		[ "$(workers)" = "$before" ]
		knows
	done
	program_put "$build/rolegated"
	for bad in 'nonsense: 1' 'user: nobody-at-all' \
	    'socket_group: nobody-at-all' "log_file: $tmp/nowhere/log"; do
		: >gate.log
		config | grep -v "  ${bad%%:*}:" >rolegate.yaml
		echo "  $bad" >>rolegate.yaml
		kill -USR2 "$gate_pid"
		until_true said handover_refused
		[ "$(workers)" = "$before" ]
		knows
	done
	config >rolegate.yaml
	kill -USR2 "$gate_pid"
	until_true renewed 1
	knows
	# The sockets are those of the program before, and it says so.
	! said restart_needed || return 1
	config | sed "s,/control.sock,/other.sock," >rolegate.yaml
	kill -USR2 "$gate_pid"
	until_true renewed 2
	[ "$(grep -c 'gate.control was changed.*restart_needed' gate.log)" -eq 1 ]
	[ -S control.sock ] && [ ! -e other.sock ]
}

@test "W14 what a new program said is not used later, when it may be wrong" {
	own_program
	up
	kill -STOP "$(workers | head -n 1)" # it is slow to leave
	kill -HUP "$gate_pid"
	until_true said reloaded
	kill -USR2 "$gate_pid"
	sleep 1
	echo '  nonsense: 1' >>rolegate.yaml
	until_true said handover_refused
	knows
	two_workers
}

@test "W14 a configuration that changes while a new program is asked" {
	own_program
	up
	cat >slow-program <<-PROGRAM
		#!/usr/bin/python3
		import os, sys, time
		asked = "--check-start" in sys.argv
		if asked and not os.path.exists("asked"):
		    open("asked", "w")
		    time.sleep(2)
		    sys.exit(0)
		os.execv("$build/rolegated", sys.argv)
	PROGRAM
	chmod 755 slow-program
	program_put slow-program
	kill -USR2 "$gate_pid"
	until_true [ -e asked ]
	echo '  nonsense: 1' >>rolegate.yaml
	kill -HUP "$gate_pid"
	until_true said reload_refused
	until_true said handover_refused
	knows
	two_workers
}

@test "W14 T26 while a new program thinks it over, workers are replaced" {
	own_program
	up
	cat >slow-program <<-'PROGRAM'
		#!/usr/bin/python3
		import time
		print("asked", file=open("asked", "a"), flush=True)
		time.sleep(4)
		raise SystemExit(3)
	PROGRAM
	chmod 755 slow-program
	program_put slow-program
	kill -USR2 "$gate_pid"
	until_true [ -e asked ]
	kill -9 $(workers | grep -vxF "$(pgrep -P "$gate_pid" -f check-start)")
	until_true said worker_died
	until_true knows
	! said handover_refused || return 1
	until_true said handover_refused
	two_workers
	# One that is asked ends with the gate.
	kill -USR2 "$gate_pid"
	until_true eval '[ "$(grep -c asked asked)" -eq 2 ]'
	kill "$gate_pid"
	wait "$gate_pid"
	! pgrep -f "$tmp.*check-start"
}

@test "what a program before left is believed only by the process it is for" {
	redis_start
	ROLEGATE_HANDOVER="1 1 7 1 1 $$" gate_start
	kill -0 $$
	[ -S gate.sock ]
	! said renewed
}

# --- Asked how it is ----------------------------------------------------------------

# The number in the report of the gate, by a path of keys; or of a reason.
report() { # python expression over r
	rg status --gate --json >report.json
	/usr/bin/python3 -c 'import json, sys
r = json.load(open("report.json"))["status"]
def of(reason):
    return sum(d["count"] for d in r["gate_decisions"] if d["reason"] == reason)
print(eval(sys.argv[1]))' "$1"
}

shows() { # expression, value
	[ "$(report "$1")" = "$2" ]
}

@test "status: the decisions by reason, and how each worker is" {
	up
	before=$(report 'of("granted")')
	for _ in 1 2 3; do
		is "204 allow granted" USER=ann PERMISSION=users.view ACCOUNT=sales
	done
	is "403 deny no_permission" USER=bob PERMISSION=users.add ACCOUNT=sales
	is "401 deny no_identity" PERMISSION=users.view ACCOUNT=sales
	shows 'of("granted")' "$((before + 3))"
	shows '(of("no_permission"), of("no_identity"))' "(1, 1)"
	shows 'r["decisions"] == sum(d["count"] for d in r["gate_times"])' True
	shows '[w["place"] for w in r["gate_workers"]]' '[0, 1]'
	[ "$(report '"\n".join(sorted(str(w["pid"]) for w in r["gate_workers"]))')" = \
	    "$(workers)" ]
	until_true shows 'all(w["connected"] and w["trusted"] for w in r["gate_workers"])' True
	until_true shows 'any(w["cache_bytes"] > 0 for w in r["gate_workers"])' True

	# Who takes the place of a dead one counts on.
	kill -KILL "$(workers | head -n 1)"
	until_true shows 'sum(w["starts"] for w in r["gate_workers"])' 3
	shows 'of("granted")' "$((before + 3))"
	kill -HUP "$gate_pid"
	until_true shows 'sum(w["starts"] for w in r["gate_workers"])' 5
	shows 'of("granted")' "$((before + 3))"

	# Without Redis they say so.
	until_true shows 'all(w["connected"] for w in r["gate_workers"])' True
	kill "$redis_pid"
	wait "$redis_pid" || true
	until_true shows 'any(w["connected"] or w["trusted"] for w in r["gate_workers"])' False
	is "503 unknown not_known" USER=ann PERMISSION=users.view ACCOUNT=sales
	shows 'of("not_known") > 0' True

	rg status | grep -q '^decisions'
	rg status --gate --header | grep -q "^gate_workers$(printf "\\t")place"
	kill "$gate_pid"
	wait "$gate_pid"
	run -4 rg status --gate
	[[ $output == *"[gate_silent]"* ]]
	rg status | grep -q '^gate.*is rolegated running here' || [ $? -eq 4 ]
}

@test "gate.control is for root and the gate's user; who says nothing is sent away" {
	up
	[ "$(stat -c %a control.sock)" = 600 ]
	[ ! -e metrics.sock ]
	# Sixteen who do not read are no trouble for the seventeenth.
	/usr/bin/python3 - <<-'PY'
		import socket
		held = []
		for _ in range(100):
		    s = socket.socket(socket.AF_UNIX)
		    s.settimeout(5)
		    s.connect("control.sock")
		    held.append(s)
		assert any(s.recv(1) == b"{" for s in held)
	PY
	shows 'len(r["gate_workers"])' 2
	[ "$(id -u)" -eq 0 ] || return 0
	chmod 711 .
	chmod 666 control.sock
	run -0 setpriv --reuid=65534 --clear-groups /usr/bin/python3 -c '
import socket
s = socket.socket(socket.AF_UNIX)
s.settimeout(5)
s.connect("control.sock")
print(s.recv(1))'
	[ "$output" = "b''" ]
}

metrics() { # path, more words for curl
	curl -s -i --max-time 5 --unix-socket metrics.sock "http://gate$1" \
	    "${@:2}"
}

@test "metrics: Prometheus reads them, and nothing else is answered" {
	config "metrics: $tmp/metrics.sock" >rolegate.yaml
	up
	is "403 deny no_permission" USER=bob PERMISSION=users.add ACCOUNT=sales
	until_true eval 'metrics /metrics | grep -q "^rolegate_worker_redis_up{worker=\"1\"} 1"'
	metrics /metrics >all
	head -n 1 all | grep -q ' 200 '
	grep -qi '^content-type: text/plain; version=0.0.4' all
	sed '1,/^\r*$/d' all >text
	promtool check metrics <text
	grep -qx 'rolegate_decisions_total{verdict="deny",reason="no_permission"} 1' text
	grep -q '^rolegate_decision_seconds_bucket{le="+Inf"} [1-9]' text
	# Their page names each of them, and each name of the other socket.
	sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' text >names
	/usr/bin/python3 -c '
import json, socket
s = socket.socket(socket.AF_UNIX)
s.connect("control.sock")
def names(value):
    for key in value if isinstance(value, dict) else ():
        print(key)
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, (dict, list)):
            names(part)
names(json.load(s.makefile()))' >>names
	[ "$(sort -u names | wc -l)" -gt 40 ]
	while read -r name; do
		grep -q "\`$name\`" "$root/docs/status.md" || echo "$name"
	done <names >missing
	diff missing /dev/null
	metrics / | head -n 1 | grep -q ' 404 '
	metrics /metrics -X POST | head -n 1 | grep -q ' 405 '
	metrics /metrics -H "X: $(printf '%08200d' 0)" | diff - /dev/null
	# Who has asked and says so gets it; who asks in pieces, too.
	/usr/bin/python3 - <<-'PY'
		import socket, time
		s = socket.socket(socket.AF_UNIX)
		s.connect("metrics.sock")
		for byte in b"GET /metrics HTTP/1.0\r\nA: b\r\n\r\n":
		    s.send(bytes([byte]))
		    time.sleep(0.001)
		s.shutdown(socket.SHUT_WR)
		assert b" 200 OK" in s.makefile("rb").read()
	PY
	[ "$(stat -c %a metrics.sock)" = 600 ]
	knows
}

@test "metrics: for the group that was named, also under the unit" {
	config "metrics: $tmp/metrics.sock" "socket_group: $(id -gn)" \
	    >rolegate.yaml
	up
	! said socket || return 1
	[ "$(stat -c %G:%a metrics.sock)" = "$(id -gn):660" ]
	[ "$(stat -c %a control.sock)" = 600 ]
	metrics /metrics | head -n 1 | grep -q ' 200 '
}

@test "T36 a cookie and a token are in no log, report or metric" {
	config "metrics: $tmp/metrics.sock" 'bearer: yes' >rolegate.yaml
	up
	planted=Planted$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
	answer "COOKIE=sid=$planted" PERMISSION=users.view
	answer "COOKIE=sid=$planted; sid=other" PERMISSION=users.view
	answer "COOKIE=sid=$planted\"; x" PERMISSION=users.view
	answer "AUTHORIZATION=Bearer $planted" PERMISSION=users.view
	answer "AUTHORIZATION=Basic $planted" PERMISSION=users.view
	answer "AUTHORIZATION=$planted" "COOKIE=$planted"
	answer "COOKIE=sid=$planted" PATH=/own TARGET=/own
	kill -TERM "$redis_pid"
	answer "COOKIE=sid=$planted" PERMISSION=users.view
	[ "$(grep -c . decisions.log)" -ge 8 ]
	rg status --gate --json >report.json
	metrics /metrics >all
	! grep -rF -e "$planted" gate.log decisions.log follow.log report.json all
}

@test "SIGTERM: what has begun is answered, then all is gone, and 0" {
	up
	client half go USER=ann PERMISSION=users.view ACCOUNT=sales >half 2>&1 3>&- &
	half=$!
	until_true grep -q half half
	all=$(workers)
	kill -TERM "$gate_pid"
	sleep 0.2
	touch go
	wait "$half"
	[ "$(tail -n 1 half)" = "204 allow granted" ]
	wait "$gate_pid"
	[ ! -e gate.sock ]
	for pid in $all; do
		ended "$pid"
	done
	said ended
}

@test "a worker ends with its master, however that ends" {
	up
	all=$(workers)
	kill -9 "$gate_pid"
	wait "$gate_pid" || true
	for pid in $all; do
		until_true ended "$pid"
	done
	# The socket that was left behind is taken over.
	gate_start
	until_true knows
}

@test "T26 a worker that takes a dead one's place needs no file" {
	printf 'password' >redis.password
	chmod 600 redis.password
	redis_start
	cli ACL SETUSER gate on '>password' '~*' '&*' +@all >/dev/null
	config "redis: {address: \"unix:$tmp/redis.sock\", user: gate, password_file: $tmp/redis.password}" >rolegate.yaml
	rg load --yes state.jsonl >/dev/null
	rg publish --all >/dev/null
	gate_start
	until_true knows
	before=$(workers)
	rm redis.password view.key rolegate.yaml
	kill -9 $before
	until_true two_others
	until_true knows
	# A reload wants all of them.
	kill -HUP "$gate_pid"
	until_true said reload_refused
	knows
}

@test "workers that die of beginning are begun slowly, and again" {
	# To look for leaks takes descriptors.
	export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
	up
	soft=$(prlimit --nofile --noheadings --output SOFT --pid "$gate_pid")
	prlimit --nofile=4: --pid "$gate_pid"
	: >gate.log
	kill -9 $(workers)
	sleep 2
	[ "$(grep -c worker_died gate.log)" -ge 6 ]
	[ "$(grep -c worker_died gate.log)" -le 16 ]
	prlimit --nofile="$soft": --pid "$gate_pid"
	until_true knows
	until_true two_workers
}

@test "a reload that a worker could not begin with is refused" {
	printf 'password' >redis.password
	chmod 600 redis.password
	up
	config "redis: {address: \"unix:$tmp/redis.sock\", user: gate, password_file: $tmp/nowhere}" >rolegate.yaml
	kill -HUP "$gate_pid"
	until_true said reload_refused
	said redis_password
	knows
}

# --- The socket -----------------------------------------------------------------

@test "T42 the socket is for owner and group; others' folders are refused" {
	up
	[ "$(stat -c %a gate.sock)" = 660 ]
	kill "$gate_pid"
	wait "$gate_pid"
	mkdir open
	chmod 777 open
	config | sed "s,gate.sock,open/gate.sock," >rolegate.yaml
	run -4 "$build/rolegated"
	[[ $output == *"[socket_place]" ]]
	[ ! -e open/gate.sock ]
	# Nor further up, nor where a link leads.
	mkdir -m 755 open/in
	config | sed "s,gate.sock,open/in/gate.sock," >rolegate.yaml
	run -4 "$build/rolegated"
	[[ $output == *"/open: others may write there"*"[socket_place]" ]]
	ln -s "$tmp/open/in" link
	config | sed "s,gate.sock,link/gate.sock," >rolegate.yaml
	run -4 "$build/rolegated"
	[[ $output == *"/open: others may write there"*"[socket_place]" ]]
	mkdir -m 755 fine
	ln -s "$tmp/fine" open/link
	config | sed "s,gate.sock,open/link/gate.sock," >rolegate.yaml
	run -4 "$build/rolegated"
	[[ $output == *"/open: others may write there"*"[socket_place]" ]]
	# A link to a link, of which the second lies there.
	ln -s "$tmp/open/link" first
	config | sed "s,gate.sock,first/gate.sock," >rolegate.yaml
	run -4 "$build/rolegated"
	[[ $output == *"/open: others may write there"*"[socket_place]" ]]
	ln -s round round
	config | sed "s,gate.sock,round/gate.sock," >rolegate.yaml
	run -4 "$build/rolegated"
	if [ "$(id -u)" -eq 0 ]; then
		# Others' link may lead elsewhere at any time.
		chmod 1777 open
		ln -s "$tmp/fine" open/others
		chown -h nobody open/others
		config | sed "s,gate.sock,open/others/gate.sock," >rolegate.yaml
		run -4 "$build/rolegated"
		[[ $output == *"/others: is a link of user "*"[socket_place]" ]]
	fi
	config | sed "s,socket: .*,socket: /gate.sock," >rolegate.yaml
	run -4 "$build/rolegated"
	config | sed "s,gate.sock,nowhere/gate.sock," >rolegate.yaml
	run -4 "$build/rolegated"
	[[ $output == *"[socket]" ]]
	config | sed "s,gate.sock,$(printf '%0120d' 0)," >rolegate.yaml
	run -3 "$build/rolegated"
	config 'socket_group: nobody-at-all' >rolegate.yaml
	run -3 "$build/rolegated"
	[[ $output == *"[socket_group]" ]]
	[ ! -e gate.sock ]
}

@test "T42 a living socket and a file that is none are left alone" {
	up
	run -4 "$build/rolegated"
	[[ $output == *"[socket_busy]" ]]
	knows
	kill "$gate_pid"
	wait "$gate_pid"
	echo precious >gate.sock
	run -4 "$build/rolegated"
	[ "$(cat gate.sock)" = precious ]
}

@test "T42 systemd's socket is used when only owner and group may connect" {
	command -v systemd-socket-activate >/dev/null || skip "no systemd"
	redis_start
	rg load --yes state.jsonl >/dev/null
	activate() { # mode
		rm -f gate.sock
		systemd-socket-activate -E ROLEGATE_CONFIG -l "$tmp/gate.sock" \
		    "$build/rolegated" >>gate.log 2>&1 3>&- &
		gate_pid=$!
		started
		until_true [ -S gate.sock ]
		chmod "$1" gate.sock
	}
	activate 0666
	client ask USER=ann >/dev/null
	wait "$gate_pid" || [ $? -eq 4 ]
	said socket_place
	activate 0660
	until_true knows
	two_workers
	run -0 client kept 100 USER=ann PERMISSION=users.view ACCOUNT=sales
	[ "$output" = "100 204 allow granted" ]
	kill "$gate_pid"
	wait "$gate_pid"
	# It is systemd's to take away.
	[ -S gate.sock ]
}

@test "as root: the rights are given up, and only the peer is let in" {
	[ "$(id -u)" -eq 0 ] || skip "not root"
	chmod 711 "$tmp"
	mkdir run log
	chown nobody log
	chmod 640 view.key rolegate.yaml routes.yaml
	chgrp nogroup view.key rolegate.yaml routes.yaml
	config 'user: nobody' 'socket_group: nogroup' 'peer_user: daemon' |
	    sed "s,decisions.log,log/decisions.log," >rolegate.yaml
	chmod 640 rolegate.yaml
	chgrp nogroup rolegate.yaml
	redis_start
	chmod 666 redis.sock
	rg load --yes state.jsonl >/dev/null
	without_unit=yes # which has another user already
	gate_start
	until_true knows
	for pid in "$gate_pid" $(workers); do
		[ "$(awk '/^Uid/ { print $2 $3 $4 }' "/proc/$pid/status")" = \
		    "$(id -u nobody)$(id -u nobody)$(id -u nobody)" ]
		[ "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$pid/status")" = 1 ]
		[ "$(awk '/^CapEff/ { print $2 }' "/proc/$pid/status")" = \
		    0000000000000000 ]
		[ "$(awk '/core file size/ { print $5 }' "/proc/$pid/limits")" = 0 ]
	done
	[ "$(stat -c %U:%G:%a gate.sock)" = nobody:nogroup:660 ]
	[ "$(stat -c %U:%a control.sock)" = nobody:600 ]
	run -0 setpriv --reuid nobody --regid nogroup --clear-groups \
	    "$build/rolegate" status --gate
	[ "$(stat -c %U log/decisions.log)" = nobody ]
	as() { # user
		cp "$BATS_TEST_DIRNAME/fcgi-client.py" client.py
		setpriv --reuid "$1" --regid nogroup --clear-groups \
		    /usr/bin/python3 client.py "$tmp/gate.sock" ask USER=ann \
		    PERMISSION=users.view ACCOUNT=sales
	}
	[[ $(as daemon) == *"Status: 204"* ]]
	[ "$(as games)" = closed ]
	said peer_refused
	# A reload is read with the rights that are left.
	kill -HUP "$gate_pid"
	until_true said reloaded
	until_true knows
}
