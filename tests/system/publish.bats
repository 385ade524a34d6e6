#!/usr/bin/env bats
# The view in a Redis of its own: with the two users of the guide, changed by
# somebody who may not, emptied, killed, and brought back.

bats_require_minimum_version 1.5.0

setup() {
	. "$BATS_TEST_DIRNAME/kit.sh"
	world publish
	redis_start
	rg key new view.key >/dev/null
	config >rolegate.yaml
	# The same store, and nothing is published.
	grep -v -e view: -e redis: -e address: -e key_file: rolegate.yaml \
	    >plain.yaml
	cat >state.jsonl <<-'EOC'
		{"type":"member","username":"ann","name":"Ann Miller","status":"active"}
		{"type":"member","username":"bob","name":"Bob","status":"active"}
		{"type":"member","username":"eve","status":"active"}
		{"type":"account","id":"my-business","name":"My Business","kind":"shared","level":"account","catalogue":"call-tracking","status":"active","owner":"ann"}
		{"type":"account","id":"net","name":"Net","kind":"shared","level":"network","catalogue":"performance-marketing","status":"active","owner":"eve"}
		{"type":"account","id":"sales","parent":"my-business","name":"Sales","kind":"shared","level":"account","status":"active"}
		{"type":"grant","member":"bob","account":"sales","role":"reporting.viewer","source":"local"}
		{"type":"grant","member":"eve","account":"net","role":"filtered_reporting","source":"local","filter":["region=East"]}
	EOC
}

teardown() {
	world_end
}

config() {
	cat <<-EOC
		store: $tmp/state.db
		catalogues: $root/catalogs
		view:
		  redis:
		    address: unix:$tmp/redis.sock
		  key_file: $tmp/view.key
	EOC
}

redis_kill() {
	kill -9 "$redis_pid"
	wait "$redis_pid" 2>/dev/null || true
	rm -f "$tmp/redis.sock"
}

# Every key with its value.
view_bytes() {
	cli --scan --pattern 'rolegate:*' | sort | while read -r key; do
		printf '%s\n' "$key"
		cli get "$key"
	done
}

# Runs, and compares status and one text of what was said on either side.
says() { # status, text, command…
	local want=$1 text=$2

	shift 2
	run rg "$@"
	[ "$status" -eq "$want" ] || {
		echo "status $status instead of $want: $output"
		return 1
	}
	case $output in *"$text"*) return 0 ;; esac
	echo "no '$text' in: $output"
	return 1
}

view_is_the_truth() {
	view_bytes >drained
	cli flushall >/dev/null
	rg publish --all >/dev/null
	view_bytes | cmp - drained
}

# --- The users of the guide ---------------------------------------------------

# The two lines of the guide as they stand there, with passwords; everybody
# else is turned away, and the test keeps a user of its own.
acl_set() {
	sed -n 's/^user rolegate-/ACL SETUSER rolegate-/p' "$root/docs/guide-sysadmin.md" |
	    sed -e 's/PUBLISHER-PASSWORD/pub-word/' \
	        -e 's/GATE-PASSWORD/gate-word/' >acl
	[ "$(wc -l <acl)" -eq 2 ]
	run cli <acl
	[ "$output" = "$(printf 'OK\nOK')" ]
	[ "$(cli ACL SETUSER tester on '>test-word' '~*' '&*' +@all)" = OK ]
	[ "$(cli ACL SETUSER default off)" = OK ]
	export REDISCLI_AUTH=test-word
	cli() {
		redis-cli -s "$tmp/redis.sock" --user tester --raw "$@"
	}
	printf 'pub-word\n' >publisher.password
	chmod 600 publisher.password
	sed -i "s,^    address:.*,&\n    user: rolegate-publisher\n    password_file: $tmp/publisher.password," \
	    rolegate.yaml
}

gate_cli() {
	REDISCLI_AUTH=gate-word redis-cli -s "$tmp/redis.sock" \
	    --user rolegate-gate --raw "$@"
}

publisher_cli() {
	REDISCLI_AUTH=pub-word redis-cli -s "$tmp/redis.sock" \
	    --user rolegate-publisher --raw "$@"
}

@test "publish: the publisher of the guide may publish" {
	acl_set
	run --separate-stderr rg load state.jsonl
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	rg grant set bob full.viewer sales --yes >/dev/null
	says 0 "published generation" publish
	says 0 "published generation" publish --all
	says 0 granted check bob reports.view sales --view
	rg publish --follow 2>follow.log 3>&- &
	other_pid=$!
	started
	for _ in $(seq 100); do
		[ "$(cli exists 'rolegate:{default}:heartbeat')" = 0 ] || break
		sleep 0.05
	done
	[ "$(cli exists 'rolegate:{default}:heartbeat')" = 1 ]
	[ ! -s follow.log ]
}

@test "publish: the publisher of the guide may do nothing else" {
	acl_set
	rg load state.jsonl >/dev/null
	cli set other:key x
	while read -r command; do
		# shellcheck disable=SC2086
		run publisher_cli $command
		[[ $output == *NOPERM* ]] || {
			echo "$command: $output"
			return 1
		}
	done <<-'EOC'
		GET other:key
		SET other:key y
		SET rolegate:{other}:member:ann y
		FLUSHALL
		FLUSHDB
		KEYS nothing
		CONFIG GET maxmemory
		ACL LIST
		PUBLISH __redis__:invalidate x
		SUBSCRIBE __redis__:invalidate
		EVAL return(1) 0
		SHUTDOWN
		REPLICAOF NO ONE
	EOC
}

@test "publish: the gate of the guide may read and may not write" {
	acl_set
	rg load state.jsonl >/dev/null
	view_bytes >before
	gate_cli get 'rolegate:{default}:member:bob' | grep -q reporting.viewer
	[ "$(gate_cli ping)" = PONG ]
	gate_cli mget 'rolegate:{default}:generation' \
	    'rolegate:{default}:account:sales' | grep -qc '^mac'
	cli set other:key x >/dev/null
	while read -r command; do
		# shellcheck disable=SC2086
		run gate_cli $command
		[[ $output == *NOPERM* ]] || {
			echo "$command: $output"
			return 1
		}
	done <<-'EOC'
		SET rolegate:{default}:member:bob x
		DEL rolegate:{default}:member:bob
		UNLINK rolegate:{default}:member:bob
		EXPIRE rolegate:{default}:member:bob 1
		RENAME rolegate:{default}:member:bob rolegate:{default}:member:ann
		COPY rolegate:{default}:member:bob rolegate:{default}:member:ann
		GETDEL rolegate:{default}:member:bob
		APPEND rolegate:{default}:member:bob x
		GET other:key
		GET rolegate:{other}:member:bob
		FLUSHALL
		KEYS nothing
		PUBLISH __redis__:invalidate x
		SUBSCRIBE other
		CONFIG GET maxmemory
		ACL LIST
		MULTI
		EVAL return(1) 0
	EOC
	cli del other:key >/dev/null
	view_bytes | cmp - before
}

@test "publish: the gate of the guide is told of what changes" {
	acl_set
	rg load state.jsonl >/dev/null
	coproc GATE { gate_cli; }
	pids+=("$GATE_PID")
	echo 'CLIENT ID' >&"${GATE[1]}"
	read -r -t 5 id <&"${GATE[0]}"
	echo "CLIENT TRACKING ON REDIRECT $id BCAST PREFIX rolegate:{default}:" \
	    >&"${GATE[1]}"
	read -r -t 5 line <&"${GATE[0]}"
	[ "$line" = OK ]
	echo 'SUBSCRIBE __redis__:invalidate' >&"${GATE[1]}"
	read -r -t 5 line <&"${GATE[0]}"
	[ "$line" = subscribe ]
	rg grant set bob full.viewer sales --yes >/dev/null
	for _ in $(seq 8); do
		read -r -t 5 line <&"${GATE[0]}"
		[ "$line" != 'rolegate:{default}:member:bob' ] || break
	done
	[ "$line" = 'rolegate:{default}:member:bob' ]
}

@test "publish: a user that may not write is named, and the change waits" {
	acl_set
	rg load state.jsonl >/dev/null
	cli acl setuser rolegate-publisher -@write >/dev/null
	run --separate-stderr rg grant set bob full.viewer sales --yes
	[ "$status" -eq 0 ]
	[[ $stderr == *"publishing waits: "*"ACL of the guide"*"[redis_refused]"* ]]
	printf 'wrong\n' >publisher.password
	says 4 "[redis_refused]" publish
	[[ $output != *wrong* ]]
	chmod 644 publisher.password
	says 3 "[redis_password]" publish
}

# --- Somebody writes into Redis -----------------------------------------------

@test "publish: a changed byte of any record is found (D5)" {
	rg load state.jsonl >/dev/null
	printf 'bob\treports.view\tsales\n' >question
	rg check --batch question --view >/dev/null
	view_bytes >before
	for key in $(cli --scan --pattern 'rolegate:*'); do
		len=$(cli strlen "$key")
		cli copy "$key" saved replace >/dev/null
		for at in 0 9 11 $((len / 2)) $((len - 70)) $((len - 30)) \
		    $((len - 1)); do
			byte=$(cli getrange "$key" "$at" "$at")
			if [ "$byte" = x ]; then byte=y; else byte=x; fi
			cli setrange "$key" "$at" "$byte" >/dev/null
			run rg check --batch question --view
			[ "$status" -eq 4 ]
			[[ $output == *"$key"*"[record_"* ]] || {
				echo "byte $at of $key: $output"
				return 1
			}
			cli copy saved "$key" replace >/dev/null
		done
	done
	cli del saved >/dev/null
	view_bytes | cmp - before
}

@test "publish: a record cannot take another one's place (W8)" {
	rg load state.jsonl >/dev/null
	cli copy 'rolegate:{default}:member:ann' \
	    'rolegate:{default}:member:bob' replace >/dev/null
	says 4 "[record_name]" check bob users.add sales --view
	says 0 "published generation" publish --all
	says 1 no_permission check bob users.add sales --view
}

@test "publish: a record that somebody made up is refused, and goes" {
	rg load state.jsonl >/dev/null
	printf 'rolegate\t1\trolegate:{default}:member:mal\t1\nmember\tmal\tactive\t\nmac\t%064d\n' 0 |
	    cli -x set 'rolegate:{default}:member:mal' >/dev/null
	says 4 "[record_mac]" check mal reports.view sales --view
	says 0 "1 deleted" publish --all
	says 1 no_member check mal reports.view sales --view
}

@test "publish: another key is another view" {
	rg load state.jsonl >/dev/null
	rg key new other.key >/dev/null
	sed "s,view.key,other.key," rolegate.yaml >other.yaml
	says 4 "[record_mac]" --config other.yaml check bob reports.view sales --view
	# The key was replaced: the next publishing signs everything again.
	says 0 "published generation" --config other.yaml publish
	says 0 granted --config other.yaml check bob reports.view sales --view
	says 4 "[record_mac]" check bob reports.view sales --view
}

@test "publish: two namespaces in one Redis leave each other alone" {
	rg load state.jsonl >/dev/null
	sed -e "s,state.db,other.db," \
	    -e 's,^view:,view:\n  namespace: other,' rolegate.yaml >other.yaml
	grep -v bob state.jsonl >other.jsonl
	rg --config other.yaml load other.jsonl >/dev/null
	says 0 granted check bob reports.view sales --view
	says 1 no_member --config other.yaml check bob reports.view sales --view
	says 0 "published generation" --config other.yaml publish --all
	says 0 "published generation" publish --all
	says 0 granted check bob reports.view sales --view
	says 1 no_member --config other.yaml check bob reports.view sales --view
}

# --- Redis loses the view -----------------------------------------------------

@test "publish: after FLUSHALL the next publishing rebuilds the view (W7)" {
	rg load state.jsonl >/dev/null
	view_bytes >before
	cli flushall >/dev/null
	says 4 "[view_not_ready]" check bob reports.view sales --view
	says 4 "no generation" status
	says 0 "published generation" publish
	view_bytes | cmp - before
	cli del 'rolegate:{default}:generation' \
	    'rolegate:{default}:member:bob' >/dev/null
	says 0 "published generation" publish
	view_bytes | cmp - before
	says 0 " 0 records written, 0 deleted" publish
}

@test "publish: --follow notices by itself that the view is gone (W7)" {
	rg load state.jsonl >/dev/null
	rg publish --follow 2>follow.log 3>&- &
	other_pid=$!
	started
	for _ in $(seq 100); do
		[ "$(cli exists 'rolegate:{default}:heartbeat')" = 0 ] || break
		sleep 0.05
	done
	cli flushall >/dev/null
	for _ in $(seq 100); do
		[ "$(cli exists 'rolegate:{default}:member:bob')" = 0 ] || break
		sleep 0.05
	done
	says 0 granted check bob reports.view sales --view
	grep -q "view_not_ready" follow.log
	grep -q "publishing goes on" follow.log
}

@test "publish: nothing changed, nothing written (PL9)" {
	rg load state.jsonl >/dev/null
	changes() {
		cli info persistence | grep rdb_changes_since_last_save
	}
	before=$(changes)
	says 0 " 0 records written, 0 deleted" publish
	says 0 " 0 records written, 0 deleted" publish
	[ "$(changes)" = "$before" ]
}

@test "publish: a restored store does not take the view back by itself" {
	rg load state.jsonl >/dev/null
	sqlite3 state.db ".backup backup.db"
	rg grant remove bob reporting.viewer sales --yes >/dev/null
	rm -f state.db state.db-wal state.db-shm
	mv backup.db state.db
	says 4 "[view_other_history]" publish
	run --separate-stderr rg grant set bob full.viewer sales --yes
	[ "$status" -eq 0 ]
	[[ $stderr == *"publishing waits: "*"[view_other_history]"* ]]
	says 1 no_grant check bob reports.view sales --view
	says 0 "published generation" publish --all
	says 0 granted check bob reports.view sales --view
	says 0 "published generation" publish
	view_is_the_truth
}

@test "publish: a replica is named as one" {
	rg load state.jsonl >/dev/null
	cli replicaof 127.0.0.1 1 >/dev/null
	run --separate-stderr rg grant set bob full.viewer sales --yes
	[ "$status" -eq 0 ]
	[[ $stderr == *"is a replica"*"[redis_refused]"* ]]
	cli replicaof no one >/dev/null
	says 0 "1 records written" publish
	view_is_the_truth
}

# --- Somebody dies ------------------------------------------------------------

# The state with 3000 people more.
many() {
	grep '"type":"member"' state.jsonl
	seq -f '%05g' 3000 |
	    sed 's/.*/{"type":"member","username":"m&","status":"active"}/'
	grep -v '"type":"member"' state.jsonl
	seq -f '%05g' 3000 |
	    sed 's/.*/{"type":"grant","member":"m&","account":"sales","role":"full.viewer","source":"local"}/'
}

@test "publish: Redis dies in the middle, and nobody sees half of it (PL5)" {
	many >many.jsonl
	rg load state.jsonl >/dev/null
	for delay in 0.005 0.01 0.02 0.03 0.05; do
		rg --config plain.yaml load many.jsonl --yes >/dev/null
		rg publish >out 2>&1 3>&- &
		other_pid=$!
		started
		sleep "$delay"
		redis_kill
		code=0
		wait "$other_pid" || code=$?
		[ "$code" -eq 0 ] || {
			[ "$code" -eq 4 ]
			grep -q '\[redis_unreachable\]' out
		}
		redis_start
		says 0 "published generation" publish
		says 0 granted check m02999 users.view sales --view
		rg load state.jsonl --yes >/dev/null
		says 1 no_member check m02999 users.view sales --view
	done
	view_is_the_truth
}

@test "publish: a publisher that is killed leaves all or nothing (T54)" {
	many >many.jsonl
	rg load state.jsonl >/dev/null
	for delay in 0.01 0.02 0.03 0.04 0.06 0.1; do
		rg --config plain.yaml load many.jsonl --yes >/dev/null
		rg publish >/dev/null 2>&1 3>&- &
		other_pid=$!
		started
		sleep "$delay"
		kill -9 "$other_pid" 2>/dev/null || true
		wait "$other_pid" 2>/dev/null || true
		members=$(cli --scan --pattern 'rolegate:{default}:member:m0*' |
		    sort -u | wc -l)
		[ "$members" -eq 0 ] || [ "$members" -eq 3000 ]
		says 0 "published generation" publish
		says 0 granted check m02999 users.view sales --view
		rg load state.jsonl --yes >/dev/null
	done
	view_is_the_truth
}

@test "publish: many at once end in the truth" {
	rg load state.jsonl >/dev/null
	crowd=
	for n in 1 2 3 4; do
		(for i in 1 2 3 4 5; do
			rg member add "n$n-$i" --yes
			rg grant add "n$n-$i" full.viewer sales --yes
		done) >"out$n" 2>&1 3>&- &
		crowd="$crowd $!"
	done
	for pid in $crowd; do
		wait "$pid"
	done
	run ! grep -h waits out1 out2 out3 out4
	[ "$(cli --scan --pattern 'rolegate:{default}:member:n*' | wc -l)" -eq 20 ]
	says 0 " 0 records written" publish
	view_is_the_truth
}
