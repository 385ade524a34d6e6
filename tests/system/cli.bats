#!/usr/bin/env bats
# The command, as people and scripts use it: on a store of its own, piped and
# on a terminal, with and without a view in a Redis of its own.

bats_require_minimum_version 1.5.0

setup() {
	. "$BATS_TEST_DIRNAME/kit.sh"
	world cli
	cat >rolegate.yaml <<-EOC
		store: $tmp/state.db
		catalogues: $root/catalogs
	EOC
	cat >state.jsonl <<-'EOC'
		{"type":"member","username":"ann","email":"ann@example.org","name":"Ann Miller","status":"active"}
		{"type":"member","username":"bob","name":"Bob","status":"active"}
		{"type":"member","username":"dan","status":"disabled"}
		{"type":"member","username":"eve","status":"active"}
		{"type":"member","username":"sue","status":"active"}
		{"type":"account","id":"my-business","name":"My Business","kind":"shared","level":"account","catalogue":"call-tracking","status":"active","owner":"ann"}
		{"type":"account","id":"net","name":"Net","kind":"shared","level":"network","catalogue":"performance-marketing","status":"active","owner":"sue"}
		{"type":"account","id":"p1","parent":"net","name":"P1","kind":"shared","level":"profile","status":"active"}
		{"type":"account","id":"sales","parent":"my-business","name":"Sales","kind":"shared","level":"account","status":"active"}
		{"type":"grant","member":"bob","account":"sales","role":"reporting.viewer","source":"local"}
		{"type":"grant","member":"dan","account":"sales","role":"full.editor","source":"local"}
		{"type":"grant","member":"eve","account":"net","role":"filtered_reporting","source":"local","filter":["region=East","region=West"],"expires":"2099-01-01T00:00:00Z"}
		{"type":"grant","member":"sue","account":"net","role":"super_user","source":"local"}
	EOC
}

teardown() {
	world_end
}

loaded() {
	rg load state.jsonl >/dev/null
}

# The same on a terminal: standard input, output and error are one.
on_terminal() { # what is typed, then the command
	local typed=$1 words

	shift
	words=$(printf '%q ' "$build/rolegate" "$@")
	printf '%b' "$typed" | LC_ALL=C.UTF-8 script -qec "$words" /dev/null
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

# What a dry run and a refusal have to leave alone.
store_bytes() {
	sqlite3 "$tmp/state.db" .dump | sha256sum
	sha256sum <"$tmp/state.db"
}

redis_stop() {
	kill "$redis_pid"
	wait "$redis_pid" || true
}

view_configure() {
	[ -e view.key ] || rg key new view.key >/dev/null
	cat >>rolegate.yaml <<-EOC
		view:
		  redis:
		    address: unix:$tmp/redis.sock
		  key_file: $tmp/view.key
	EOC
}

redis_bytes() {
	redis-cli -s "$tmp/redis.sock" --raw --scan | sort |
	while read -r key; do
		printf '%s\n' "$key"
		redis-cli -s "$tmp/redis.sock" --raw get "$key"
	done
}

# --- The command itself -------------------------------------------------------

@test "cli: no command prints the commands and ends with 2" {
	says 2 "account add"
}

@test "cli: an unknown command suggests the nearest" {
	says 2 "did you mean rolegate explain?" explian
	says 2 "did you mean rolegate account list?" account lits
	says 2 "[command_unknown]" frobnicate
}

@test "cli: --help of every command leads with its examples" {
	rg help --man >/dev/null
	rg --help | sed -n 's/^  \([a-z]* \{0,1\}[a-z]*\)  .*/\1/p' |
	    sed 's/ *$//' | sort -u >commands
	[ "$(wc -l <commands)" -ge 35 ]
	while read -r command; do
		[ "$command" != sync ] || continue
		# shellcheck disable=SC2086
		rg $command --help >help
		head -n 1 help | grep -q "rolegate $command" || {
			echo "$command"
			cat help
			return 1
		}
	done <commands
}

@test "cli: the manual pages are what the table of commands says" {
	rg help --man | cmp - "$root/docs/man/rolegate.1"
	for page in "$root"/docs/man/rolegate-*.1; do
		noun=${page##*/rolegate-}
		rg help --man "${noun%.1}" | cmp - "$page"
	done
	rg --help | sed -n 's/^  \([a-z]*\) .*/\1/p' | sort -u |
	while read -r noun; do
		case $noun in sync | help | rolegate) continue ;; esac
		[ -e "$root/docs/man/rolegate-$noun.1" ] || {
			echo "no page for $noun"
			return 1
		}
	done
}

@test "cli: options stand before or after the command, and unknown ones are refused" {
	loaded
	says 0 '"schema":1' --json check ann users.add sales
	says 0 '"schema":1' check ann users.add --json sales
	says 2 "is not an option" check ann users.add sales --nonsense
	says 2 "stands twice" check ann users.add sales --at 2027-01-01T00:00:00Z --at 2027-01-01T00:00:00Z
	says 2 "FILE is missing" --config
	says 2 "does nothing for" check ann users.add sales --dry-run
}

@test "cli: too few and too many words are 2 with the usage" {
	says 2 "write rolegate who PERMISSION ACCOUNT" who users.add
	says 2 "write rolegate account show ID" account show a b
	says 2 "[usage]" check ann users.add
}

# --- check --------------------------------------------------------------------

@test "check: yes is 0, no is 1, and the line says why" {
	loaded
	run rg check ann users.add sales
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf 'allow\tgranted')" ]
	run rg check bob users.add sales
	[ "$status" -eq 1 ]
	[ "$output" = "$(printf 'deny\tno_permission')" ]
	run rg check bob reports.view my-business
	[ "$status" -eq 1 ]
	[ "$output" = "$(printf 'deny\tno_grant')" ]
	run rg check dan users.add sales
	[ "$output" = "$(printf 'deny\tmember_inactive')" ]
	run rg check nobody users.add sales
	[ "$output" = "$(printf 'deny\tno_member')" ]
	run rg check '' users.add sales
	[ "$output" = "$(printf 'deny\tno_member')" ]
	run rg check ann users.add nowhere
	[ "$output" = "$(printf 'deny\tno_account')" ]
}

@test "check: filters come sorted and joined by ;" {
	loaded
	run rg check eve reports.transactions.view net
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf 'allow_filter\tgranted_filtered\tregion=East;region=West')" ]
}

@test "check: --at asks for another time" {
	loaded
	says 1 no_grant check eve reports.transactions.view net --at 2099-01-01T00:00:00Z
	says 0 allow_filter check eve reports.transactions.view net --at 2098-12-31T23:59:59Z
	says 2 "is not a time" check eve reports.transactions.view net --at tomorrow
}

@test "check: on a terminal it is a sentence" {
	loaded
	run on_terminal '' check bob users.add sales
	[[ $output == *"deny  no_permission  "* ]]
}

@test "check: a batch equals single questions, in the same order" {
	loaded
	for member in ann bob dan eve sue nobody ''; do
		for permission in users.add reports.view calls.view_all \
		    reports.transactions.view campaigns.edit nothing; do
			for account in my-business sales net p1 nowhere; do
				printf '%s\t%s\t%s\n' "$member" "$permission" \
				    "$account"
			done
		done
	done >questions
	while IFS= read -r line; do
		IFS=$'\x1f' read -r member permission account <<<"${line//$'\t'/$'\x1f'}"
		rg check "$member" "$permission" "$account" || [ $? -eq 1 ]
	done <questions >single
	rg check --batch questions >batch
	cmp single batch
	rg check --batch - <questions | cmp single -
	[ "$(wc -l <batch)" -eq 210 ]
	[ "$(cut -f 1 batch | sort -u | wc -l)" -eq 3 ]
}

@test "check: a batch takes a time a line" {
	loaded
	printf 'eve\treports.transactions.view\tnet\t2099-01-01T00:00:00Z\neve\treports.transactions.view\tnet\t2098-12-31T23:59:59Z' |
	    rg check --batch - | cut -f 1 >got
	[ "$(tr '\n' ' ' <got)" = "deny allow_filter " ]
}

@test "check: a malformed line ends the batch with its place, after what came before" {
	loaded
	printf 'ann\tusers.add\tsales\nann users.add sales\nann\tusers.add\tsales\n' >questions
	run --separate-stderr rg check --batch questions
	[ "$status" -eq 3 ]
	[ "$output" = "$(printf 'allow\tgranted')" ]
	[[ $stderr == *"questions:2: "*"[batch_line]" ]]
	printf 'ann\tusers.add\tsales\tnow\n' >questions
	says 3 "questions:1: the fourth field is not a time" check --batch questions
	printf 'a\0b\tusers.add\tsales\n' >questions
	says 3 "questions:1: member: has a control character" check --batch questions
	printf 'ann\t\xff\tsales\n' >questions
	says 3 "questions:1: permission: is not valid UTF-8" check --batch questions
	printf 'ann\tusers.add\tsales\tx\ty\n' >questions
	says 3 "[batch_line]" check --batch questions
	head -c 300000 /dev/zero | tr '\0' 'a' >questions
	says 3 "questions:1: has more than 262144 bytes" check --batch questions
	says 3 "[file_read]" check --batch no-such-file
}

@test "check: an argument that is no name is refused with the field" {
	loaded
	long=$(head -c 300 /dev/zero | tr '\0' a)
	says 3 "member: has 300 bytes; at most 256" check "$long" users.add sales
	says 3 "permission: has 300 bytes; at most 128" check ann "$long" sales
	says 3 "account: has 300 bytes; at most 128" check ann users.add "$long"
	says 3 "member: is not valid UTF-8" check $'\xc0\xaf' users.add sales
	says 3 "account: has a control character" check ann users.add $'sal\x1bes'
}

# --- explain, who, what -------------------------------------------------------

@test "explain: every holding with its step, and the one that decides" {
	loaded
	rg grant add bob full.viewer my-business --yes >/dev/null
	run rg explain bob users.view sales
	[ "$status" -eq 0 ]
	[[ $output == *"$(printf 'verdict\tallow')"* ]]
	grep -qP '^holdings\tfull.viewer\tmy-business\tlocal\t\t\t\tgranted\tyes$' <<<"$output"
	grep -qP '^holdings\treporting.viewer\tsales\tlocal\t\t\t\tno_permission\t$' <<<"$output"
	says 1 "no_permission" explain bob users.add sales
}

@test "explain: an expired grant is shown, and falls at no_grant" {
	loaded
	run rg explain eve reports.transactions.view net --at 2099-06-01T00:00:00Z
	[ "$status" -eq 1 ]
	grep -qP '^holdings\tfiltered_reporting\tnet\tlocal\t.*\t2099-01-01T00:00:00Z\tno_grant\t$' <<<"$output"
}

@test "explain: --json has the decision, the sentence and the holdings" {
	loaded
	run rg explain ann users.add sales --json
	[ "$status" -eq 0 ]
	[[ $output == '{"schema":1,'* ]]
	[[ $output == *'"verdict":"allow"'* ]]
	[[ $output == *'"source":"owner"'* ]]
}

@test "explain: by method and URL through the route map" {
	loaded
	cat >routes.yaml <<-'EOC'
		routes:
		  - method: GET
		    path: /accounts/{account}/users
		    permission: users.view
	EOC
	printf 'gate:\n  routes: %s\n' "$tmp/routes.yaml" >>rolegate.yaml
	run rg explain ann --method GET --url 'https://app.example.org/accounts/sales/users?page=2'
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"$(printf 'permission\tusers.view')"* ]]
	[[ $output == *"$(printf 'account\tsales')"* ]]
	says 1 no_route explain ann --method GET --url /nothing
	says 1 ambiguous_path explain ann --method GET --url '/accounts/%2e%2e/users'
	says 1 no_account explain ann --method GET --url /accounts/nowhere/users
	says 2 "[usage]" explain ann --method GET
}

@test "explain: a decision of the gate's log is found and explained anew" {
	loaded
	cat >gate.log <<-'EOC'
		time=2026-01-01T00:00:00Z id=aa11 member=bob account=sales permission=reports.view verdict=deny reason=no_grant generation=3 us=12
		time=2026-01-01T00:00:01Z id=bb22 member="ann" account=sales permission=users.add verdict=allow reason=granted generation=4 us=9
	EOC
	run rg explain --decision aa11 --log gate.log
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"$(printf 'then_verdict\tdeny')"* ]]
	[[ $output == *"$(printf 'then_generation\t3')"* ]]
	[[ $output == *"$(printf 'verdict\tallow')"* ]]
	says 0 "then_verdict" explain --decision bb22 --log gate.log
	echo 'time=2026-01-01T00:00:02Z id=dd44 member="" account="" permission="" verdict=unknown reason=not_known generation=0 us=9' >>gate.log
	says 1 "$(printf 'reason\tnot_known')" explain --decision dd44 --log gate.log
	says 1 "[decision_unknown]" explain --decision cc33 --log gate.log
	says 2 "[log_not_configured]" explain --decision aa11
	says 3 "[file_read]" explain --decision aa11 --log nowhere.log
}

@test "who: everybody who can, and where from" {
	loaded
	run rg who reports.view sales
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 2 ]
	[ "${lines[0]}" = "$(printf 'ann\tallow\tfull.editor\tmy-business\towner\t')" ]
	[ "${lines[1]}" = "$(printf 'bob\tallow\treporting.viewer\tsales\tlocal\t')" ]
	run rg who reports.transactions.view net
	[ "${lines[0]}" = "$(printf 'eve\tallow_filter\tfiltered_reporting\tnet\tlocal\tregion=East;region=West')" ]
	says 1 "[account_unknown]" who users.add nowhere
	says 1 "[permission_unknown]" who nothing sales
}

@test "what: on an account every permission, without one every account" {
	loaded
	run rg what bob sales
	[ "$status" -eq 0 ]
	grep -qP '^reports.view\tallow\treporting.viewer\tsales\tlocal\t$' <<<"$output"
	! grep -q users.add <<<"$output" || return 1
	run rg what ann
	[ "${#lines[@]}" -eq 2 ]
	[ "${lines[0]}" = "$(printf 'my-business\tMy Business\taccount\tactive\tfull.editor\t39\t39\t0')" ]
	says 1 "[member_unknown]" what nobody
}

# --- Lists --------------------------------------------------------------------

@test "lists: TAB separated and without a header line when piped" {
	loaded
	[ "$(rg account list | wc -l)" -eq 4 ]
	[ "$(rg member list | cut -f 1 | tr '\n' ' ')" = "ann bob dan eve sue " ]
	[ "$(rg member list --status disabled | cut -f 1)" = dan ]
	[ "$(rg grant list --account net | wc -l)" -eq 2 ]
	[ "$(rg account list --below my-business | cut -f 1 | tr '\n' ' ')" = "my-business sales " ]
	[ "$(rg member list --header | head -n 1 | cut -f 1)" = username ]
	[ "$(rg role list call-tracking | wc -l)" -eq 6 ]
}

@test "lists: --json has a schema number everywhere" {
	loaded
	rg session add ann --yes >/dev/null 2>&1
	for command in "account list" "account show sales" "member list" \
	    "member show bob" "grant list" "grant show bob sales" "role list" \
	    "role show call-tracking full.editor" "role matrix call-tracking" \
	    "session list" "who users.add sales" "what ann" "what ann sales" \
	    "check ann users.add sales" "explain ann users.add sales" \
	    "status" "log" "log verify"; do
		# shellcheck disable=SC2086
		rg $command --json >json
		case $(cat json) in '{"schema":1,'*'}') ;; *)
			echo "$command: $(cat json)"
			return 1
			;;
		esac
		[ "$(wc -l <json)" -eq 1 ]
	done
}

@test "lists: on a terminal a table with a header line, and nothing that moves it" {
	loaded
	rg member edit bob --name $'B\xe2\x80\xaeob' --yes >/dev/null
	run on_terminal '' member list
	[[ ${lines[0]} == USERNAME*EMAIL* ]]
	[[ $output == *'B\u{202e}ob'* ]]
	[[ $output != *$'\xe2\x80\xae'* ]]
}

@test "role matrix: all cells of both catalogues as TSV" {
	[ "$(rg role matrix call-tracking | wc -l)" -eq 40 ]
	[ "$(rg role matrix performance-marketing | wc -l)" -eq 38 ]
	rg role matrix call-tracking | grep -qP '^users.view\tany\tany\t1\t1\t0\t0\t0\t0$' ||
	    rg role matrix call-tracking | grep -qP '^users.view\t'
	says 2 "name one" role matrix
	says 1 "[catalogue_unknown]" role matrix nothing
}

@test "show: one record, one key a line" {
	loaded
	run rg account show sales
	[[ $output == *"$(printf 'path\tmy-business;sales')"* ]]
	[[ $output == *"$(printf 'catalogue\tcall-tracking')"* ]]
	[[ $output == *"$(printf 'grants\tbob\treporting.viewer\tlocal')"* ]]
	run rg member show BOB
	[ "$status" -eq 0 ]
	[[ $output == *"$(printf 'grants\tsales\treporting.viewer\tlocal')"* ]]
	says 1 "[account_unknown]" account show nowhere
	says 1 "[member_unknown]" member show nobody
	says 1 "[grant_unknown]" grant show bob net
	says 1 "[role_unknown]" role show call-tracking nothing
}

# --- Writing ------------------------------------------------------------------

@test "write: shows the difference, makes it with --yes, and it counts at once" {
	loaded
	run rg account add leads --parent sales --name Leads --yes
	[ "$status" -eq 0 ]
	[[ $output == "+ account leads"* ]]
	run rg member add joe --email joe@example.org --yes
	[[ $output == "+ member joe"* ]]
	run rg grant add joe configuration.editor sales --expires 2098-01-01T00:00:00Z --yes
	[[ $output == "+ grant joe"* ]]
	says 0 allow check joe numbers.edit leads
	run rg grant set joe configuration.viewer sales --yes
	[[ $output == "~ grant joe"*"configuration.editor"*"configuration.viewer"* ]]
	says 1 no_permission check joe numbers.edit leads
	# What was not named stays.
	[[ $(rg grant show joe sales) == *2098-01-01T00:00:00Z* ]]
	run rg account edit leads --name 'More Leads' --yes
	[[ $output == "~ account leads"*"'Leads' -> 'More Leads'"* ]]
	run rg member edit joe --status disabled --yes
	[[ $output == "~ member joe"*"'active' -> 'disabled'"* ]]
	run rg grant remove joe configuration.viewer sales --yes
	[[ $output == "- grant joe"* ]]
	run rg account remove leads --yes
	[[ $output == "- account leads"* ]]
	run rg member remove joe --yes
	[[ $output == "- member joe"* ]]
	rg export | cmp - state.jsonl
}

@test "write: without a terminal and without --yes it is 2 and nothing is changed" {
	loaded
	before=$(store_bytes)
	run rg member add joe </dev/null
	[ "$status" -eq 2 ]
	[[ $output == *"add --yes"*"[need_yes]" ]]
	[ "$(store_bytes)" = "$before" ]
}

@test "write: a terminal is asked; y makes it, anything else does not" {
	loaded
	run on_terminal 'n\n' member add joe
	[ "$status" -eq 1 ]
	[[ $output == *"+ member joe"*"Make this change? [y/N]"*"nothing changed"* ]]
	says 1 "[member_unknown]" member show joe
	run on_terminal 'y\n' member add joe
	[ "$status" -eq 0 ]
	says 0 joe member show joe
}

@test "write: --dry-run shows the difference and writes nothing (PL3)" {
	loaded
	rg session add ann --yes >token 2>/dev/null
	digest=$(rg session list | cut -f 1)
	before=$(store_bytes)
	for command in "account add leads --parent sales" \
	    "account edit sales --name Other" "member add joe" \
	    "member edit bob --status disabled" "member remove bob" \
	    "grant add bob full.editor my-business" \
	    "grant set bob full.editor sales" \
	    "grant remove bob reporting.viewer sales" "session add bob" \
	    "session remove $digest"; do
		# shellcheck disable=SC2086
		run rg $command --dry-run </dev/null
		[ "$status" -eq 0 ] || {
			echo "$command: $output"
			return 1
		}
		[[ $output == [+~-]* ]] || {
			echo "$command: $output"
			return 1
		}
		[ "$(store_bytes)" = "$before" ] || {
			echo "$command wrote"
			return 1
		}
	done
	head -n 4 state.jsonl | head -n 1 >smaller.jsonl
	run rg load smaller.jsonl --dry-run
	[ "$status" -eq 0 ]
	[ "$(store_bytes)" = "$before" ]
}

@test "write: --dry-run does not even make the store (PL3)" {
	run rg load state.jsonl --dry-run
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"13 added, 0 changed, 0 removed"* ]]
	[ ! -e state.db ]
}

@test "write: what a rule refuses is 5 with its code" {
	loaded
	says 5 "[grant_exists]" grant add bob full.viewer sales --yes
	says 5 "[role_unknown]" grant add bob no.such.role my-business --yes
	says 5 "[has_children]" account remove my-business --yes
	says 1 "[member_unknown]" grant add nobody full.viewer sales --yes
	says 1 "[account_unknown]" account edit nowhere --name x --yes
}

@test "write: over-long, control and invalid names are refused with the field's name" {
	loaded
	before=$(store_bytes)
	long=$(head -c 600 /dev/zero | tr '\0' a)
	says 3 "username" member add "$long" --yes
	says 3 "username" member add $'a\x01b' --yes
	says 3 "username" member add $'\xff' --yes
	says 3 "email" member add joe --email "$long" --yes
	says 3 "id" account add "$long" --parent sales --yes
	says 3 "id" account add 'with blank' --parent sales --yes
	says 3 "name" account add leads --parent sales --name $'a\x7f' --yes
	says 3 "filter" grant add bob reporting.viewer my-business --filter "$long" --yes
	says 3 "--why" member add joe --why $'\x1b[31m' --yes
	[ "$(store_bytes)" = "$before" ]
}

@test "write: --why stands in the log" {
	loaded
	rg member add joe --why 'ticket 4711' --yes >/dev/null
	run rg log -n 1
	[[ $output == *"member.add"*"joe"*"ticket 4711"* ]]
	[ "$(rg log --subject joe | wc -l)" -eq 1 ]
	says 0 "the chain is whole" log verify
	says 2 "is not a number" log -n 0
}

@test "log verify: a row that was changed behind its back is 5" {
	loaded
	rg member add joe --yes >/dev/null
	sqlite3 state.db "UPDATE history SET why = 'no reason' WHERE seq = 2"
	says 5 "[history_broken]" log verify
}

# --- load and export ----------------------------------------------------------

@test "load: export, load, export gives the same bytes" {
	loaded
	rg export first.jsonl
	cmp first.jsonl state.jsonl
	[ "$(stat -c %a first.jsonl)" = 600 ]
	sed "s,state.db,second.db," rolegate.yaml >second.yaml
	rg --config second.yaml load first.jsonl >/dev/null
	rg --config second.yaml export | cmp - first.jsonl
	rg export - | cmp - first.jsonl
}

@test "load: what only adds is not asked; what changes or removes is" {
	run rg load state.jsonl </dev/null
	[ "$status" -eq 0 ]
	[[ $output == *"13 added, 0 changed, 0 removed"* ]]
	run rg load state.jsonl </dev/null
	[ "$status" -eq 0 ]
	grep -v '"eve"' state.jsonl >smaller.jsonl
	before=$(store_bytes)
	run rg load smaller.jsonl </dev/null
	[ "$status" -eq 2 ]
	[[ $output == *"0 added, 0 changed, 2 removed"*"[need_yes]" ]]
	[ "$(store_bytes)" = "$before" ]
	run on_terminal 'y\n' load smaller.jsonl
	[ "$status" -eq 0 ]
	rg export | cmp - smaller.jsonl
	rg load state.jsonl --yes >/dev/null
	rg export | cmp - state.jsonl
}

@test "load: every faulty line is reported, exit 3, nothing changed" {
	loaded
	before=$(store_bytes)
	{
		cat state.jsonl
		echo '{"type":"member"}'
		echo '{"type":"nonsense"}'
		echo '{"type":"grant","member":"nobody","account":"sales","role":"full.editor"}'
		printf '{"type":"member","username":"a\\u0000b"}\n'
		printf '{"type":"member","username":"\xff"}\n'
		echo 'not json'
	} >broken.jsonl
	run rg load broken.jsonl --yes
	echo "$output"
	[ "$status" -eq 3 ]
	for line in 14 15 16 17 18 19; do
		grep -q "broken.jsonl:$line:" <<<"$output"
	done
	[ "$(store_bytes)" = "$before" ]
	says 3 "[file_read]" load no-such-file
}

@test "export: a file is replaced whole or not at all" {
	loaded
	echo old >backup.jsonl
	rg export backup.jsonl
	cmp backup.jsonl state.jsonl
	[ -z "$(find . -name 'backup.jsonl.*')" ]
	says 3 "[file_write]" export no-such-folder/backup.jsonl
}

@test "load: ten thousand accounts, members and grants" {
	{
		seq -f '{"type":"member","username":"m%05g","status":"active"}' 10000
		echo '{"type":"account","id":"a","kind":"shared","level":"account","catalogue":"call-tracking","status":"active"}'
		seq -f '{"type":"account","id":"a%05g","parent":"a","kind":"shared","level":"account","status":"active"}' 10000
		seq -f '%05g' 10000 | sed 's/.*/{"type":"grant","member":"m&","account":"a&","role":"full.viewer","source":"local"}/'
	} >large.jsonl
	run rg load large.jsonl
	[ "$status" -eq 0 ]
	rg export | cmp - large.jsonl
	says 0 granted check m09999 users.view a09999
}

# --- Sessions and keys --------------------------------------------------------

@test "session: the token is printed once and alone, and only its digest is kept" {
	loaded
	token=$(rg session add ann --account sales --lifetime 8h --yes 2>/dev/null)
	[[ $token =~ ^[A-Za-z0-9_-]{43}$ ]]
	! grep -qF -e "$token" state.db* || return 1
	run rg session list ann
	digest=$(cut -f 1 <<<"$output")
	[[ $digest =~ ^[0-9a-f]{64}$ ]]
	[[ $(rg log --json -n 1) != *"$token"* ]]
	says 2 "8 to 64" session remove "${digest:0:4}" --yes
	says 1 "[session_unknown]" session remove 0000000000 --yes
	run rg session remove "${digest:0:12}" --yes
	[ "$status" -eq 0 ]
	[ -z "$(rg session list)" ]
	rg session add ann --yes >/dev/null 2>&1
	rg session add bob --yes >/dev/null 2>&1
	rg session remove --member ann --yes
	[ "$(rg session list | cut -f 2)" = bob ]
	says 2 "is not a duration" session add ann --lifetime soon --yes
	says 1 "[member_unknown]" session add nobody --yes
}

@test "key new: 64 hex digits, mode 0640, never written over" {
	run rg key new view.key
	[ "$status" -eq 0 ]
	grep -qxE '[0-9a-f]{64}' view.key
	[ "$(stat -c %a view.key)" = 640 ]
	cp view.key copy
	says 5 "[file_exists]" key new view.key
	cmp view.key copy
	says 3 "[file_write]" key new no-such-folder/view.key
}

# --- Bad files, bad stores ----------------------------------------------------

@test "config: test, show and keys" {
	says 0 "2 catalogues, 76 permissions" config test
	says 0 "store:" config show
	says 0 "catalogues" config keys
}

@test "config: every fault with file:line:column, exit 3" {
	printf 'store: [a]\nnonsense: 1\ncatalogues: %s\n' "$root/catalogs" >broken.yaml
	run rg --config broken.yaml config test
	[ "$status" -eq 3 ]
	grep -qE 'broken.yaml:1:[0-9]+: .*\]$' <<<"$output"
	grep -qE 'broken.yaml:2:[0-9]+: .*\]$' <<<"$output"
	run rg --config broken.yaml check ann users.add sales
	[ "$status" -eq 3 ]
	says 3 "no-such.yaml" --config no-such.yaml status
}

@test "config: a broken catalogue is exit 3 for what decides and what writes" {
	cp -r "$root/catalogs" catalogs
	sed "s,^catalogues: .*,catalogues: $tmp/catalogs," rolegate.yaml >other.yaml
	loaded
	before=$(store_bytes)
	sed -i '2s/,1,/,yes,/' catalogs/call-tracking-matrix.csv
	sed -i '3s/,1,/,2,/' catalogs/call-tracking-matrix.csv
	for command in "check ann users.add sales" "member add joe --yes" \
	    "load state.jsonl" "config test" "role list"; do
		# shellcheck disable=SC2086
		run rg --config other.yaml $command
		[ "$status" -eq 3 ]
		grep -qE 'call-tracking-matrix.csv:2:[0-9]+: ' <<<"$output"
		grep -qE 'call-tracking-matrix.csv:3:[0-9]+: ' <<<"$output"
	done
	[ "$(store_bytes)" = "$before" ]
}

@test "config: faults of the route file and of the mapping come out, exit 3" {
	printf 'routes:\n  - method: GET\n    nonsense: 1\n' >routes.yaml
	cp rolegate.yaml other.yaml
	printf 'gate:\n  routes: %s\n' "$tmp/routes.yaml" >>other.yaml
	says 3 "routes.yaml:" --config other.yaml config test
	cp rolegate.yaml other.yaml
	printf 'mapping: %s\n' "$tmp/mapping.yaml" >>other.yaml
	printf 'sources:\n  corp:\n    nonsense: 1\n' >mapping.yaml
	says 3 "mapping.yaml:" --config other.yaml config test
}

@test "config: each file that is named and cannot be used comes out, exit 3" {
	cp rolegate.yaml other.yaml
	cat >>other.yaml <<-CONF
		gate:
		  redis: {address: "unix:$tmp/redis.sock", user: gate, password_file: $tmp/no-gate-password}
		  filter_key_file: $tmp/no-filter-key
		web: {origin: "https://a.example.org"}
		mail:
		  from: a@example.org
		  smtp: localhost:25
		  smtp_user: me
		  smtp_password_file: $tmp/no-mail-password
		  smtp_ca_file: $tmp/no-ca
	CONF
	run rg --config other.yaml config test
	[ "$status" -eq 3 ]
	for file in no-gate-password no-filter-key no-mail-password no-ca; do
		grep -qE "other.yaml: .*/$file: .*\\]\$" <<<"$output"
	done
}

@test "store: one that is not there is 4 for reading" {
	says 4 "state.db" check ann users.add sales
	says 4 "state.db" account list
	[ ! -e state.db ]
}

@test "store: locked by another is 4, says so, and nothing is half done (D1)" {
	loaded
	before=$(store_bytes)
	mkfifo hold
	sqlite3 state.db <hold >/dev/null &
	holder=$!
	exec 9>hold
	echo 'PRAGMA busy_timeout=1; BEGIN IMMEDIATE; SELECT 1;' >&9
	sleep 0.3
	run rg member add joe --yes
	exec 9>&-
	wait "$holder" || true
	echo "$output"
	[ "$status" -eq 4 ]
	[[ $output == *"[store_locked]" ]]
	[ "$(store_bytes)" = "$before" ]
	rg member add joe --yes >/dev/null
}

@test "store: read-only is 4 and says so" {
	loaded
	before=$(store_bytes)
	# root may write anywhere, so nobody tries.
	as=()
	if [ "$(id -u)" -eq 0 ]; then
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	fi
	cp "$build/rolegate" program
	cp -r "$root/catalogs" catalogs
	sed -i "s,^catalogues: .*,catalogues: $tmp/catalogs," rolegate.yaml
	chmod -R a+rX .
	chmod a-w . state.db*
	run "${as[@]}" ./program member add joe --yes
	chmod u+w . state.db*
	echo "$output"
	[ "$status" -eq 4 ]
	[[ $output == *"[store_read_only]" || $output == *"[store_open]" ]]
	[ "$(store_bytes)" = "$before" ]
}

@test "sync: rolegate-sync beside the program is what runs" {
	says 0 "rolegate-sync" sync --help
	mkdir alone
	cp "$build/rolegate" alone/rolegate
	run alone/rolegate sync status
	[ "$status" -eq 4 ]
	[[ $output == *"[sync_missing]" ]]
}

# --- The view -----------------------------------------------------------------

@test "publish: without a view configured nothing is published and nothing is said" {
	run --separate-stderr rg load state.jsonl
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	says 2 "[view_not_configured]" publish
	says 2 "[view_not_configured]" check ann users.add sales --view
	says 0 "not configured" status
}

@test "publish: a write is published, and --view says the same as the store" {
	redis_start
	view_configure
	run --separate-stderr rg load state.jsonl
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	for member in ann bob dan eve nobody; do
		for permission in users.add reports.view \
		    reports.transactions.view nothing; do
			for account in my-business sales net p1 nowhere; do
				printf '%s\t%s\t%s\n' "$member" "$permission" \
				    "$account"
			done
		done
	done >questions
	rg check --batch questions >of-store
	rg check --batch questions --view | cmp - of-store
	rg who reports.view sales >of-store
	rg who reports.view sales --view | cmp - of-store
	rg grant remove bob reporting.viewer sales --yes >/dev/null
	says 1 no_grant check bob reports.view sales --view
	run rg status
	[ "$status" -eq 0 ]
	[[ $output == *"$(printf 'waiting\t0')"* ]]
	[[ $output == *"$(printf 'view\tready')"* ]]
}

@test "publish: drains and --all end in the same bytes" {
	redis_start
	view_configure
	rg load state.jsonl >/dev/null
	rg grant set bob full.viewer sales --yes >/dev/null
	rg account edit my-business --name Other --yes >/dev/null
	rg member remove eve --yes >/dev/null
	rg session add ann --yes >/dev/null 2>&1
	redis_bytes >drained
	[ -s drained ]
	redis-cli -s redis.sock flushall >/dev/null
	says 0 "published generation" publish --all
	redis_bytes | cmp - drained
}

@test "publish: --dry-run leaves Redis byte for byte as it is (PL3)" {
	redis_start
	view_configure
	rg load state.jsonl >/dev/null
	redis_bytes >before
	rg member remove bob --dry-run >/dev/null
	rg grant add bob full.editor my-business --dry-run >/dev/null
	redis_bytes | cmp - before
}

@test "publish: Redis away: the change is made, and publishing waits" {
	redis_start
	view_configure
	rg load state.jsonl >/dev/null
	redis_stop
	run --separate-stderr rg member add joe --yes
	[ "$status" -eq 0 ]
	[[ $stderr == *"rolegate: publishing waits: "* ]]
	says 4 "waiting" status
	says 4 "[redis_unreachable]" publish
	redis_start
	says 0 "published generation" publish
	says 0 "waiting" status
}

@test "publish: --follow publishes, outlives an outage, and ends on SIGTERM" {
	redis_start
	view_configure
	rg load state.jsonl >/dev/null
	"$build/rolegate" publish --follow 2>follow.log 3>&- &
	follow_pid=$!
	started
	# Another writer that does not publish by itself.
	grep -v -e view: -e redis: -e address: -e key_file: rolegate.yaml >plain.yaml
	rg --config plain.yaml grant remove bob reporting.viewer sales --yes >/dev/null
	wait_for_view deny
	redis_stop
	rg --config plain.yaml grant add bob reporting.viewer sales --yes >/dev/null
	sleep 1
	redis_start
	wait_for_view allow
	grep -q "publishing waits" follow.log
	grep -q "publishing goes on" follow.log
	redis-cli -s redis.sock --raw --scan | grep -q heartbeat
	kill "$follow_pid"
	code=0
	wait "$follow_pid" || code=$?
	[ "$code" -eq 0 ]
}

wait_for_view() {
	for _ in $(seq 100); do
		[ "$(rg check bob reports.view sales --view 2>/dev/null |
		    cut -f 1)" != "$1" ] || return 0
		sleep 0.1
	done
	cat follow.log
	return 1
}
