#!/usr/bin/env bats
# The command for people and programs: invitations, tokens, accounts that move
# or sleep, members who come back, passwords, notices; and --as a member.

setup() {
	. "$BATS_TEST_DIRNAME/kit.sh"
	world people
	cat >rolegate.yaml <<-EOC
		store: $tmp/state.db
		catalogues: $root/catalogs
	EOC
	cat >state.jsonl <<-'EOC'
		{"type":"member","username":"ann","email":"ann@example.org","name":"Ann Miller","status":"active"}
		{"type":"member","username":"bob","email":"bob@example.org","name":"Bob","status":"active"}
		{"type":"member","username":"man","email":"man@example.org","status":"active"}
		{"type":"member","username":"sue","email":"sue@example.org","status":"active"}
		{"type":"account","id":"biz","name":"Biz","kind":"shared","level":"account","catalogue":"call-tracking","status":"active","owner":"ann"}
		{"type":"account","id":"net","name":"Net","kind":"shared","level":"network","catalogue":"performance-marketing","status":"active","owner":"sue"}
		{"type":"account","id":"sales","parent":"biz","name":"Sales","kind":"shared","level":"account","status":"active"}
		{"type":"account","id":"team","parent":"sales","name":"Team","kind":"shared","level":"account","status":"active"}
		{"type":"grant","member":"bob","account":"sales","role":"reporting.viewer","source":"local"}
		{"type":"grant","member":"man","account":"net","role":"manager","source":"local"}
		{"type":"grant","member":"sue","account":"net","role":"super_user","source":"local"}
	EOC
	rg load state.jsonl >/dev/null
}

teardown() {
	world_end
}

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

# The store's rows, without what only reading moves.
rows() {
	sqlite3 "$tmp/state.db" .dump | sha256sum
}

@test "invite: an address, an account, a role, once" {
	says 0 "invitation x@example.org on sales" invite add x@example.org full.viewer sales --yes
	id=$(rg invite list --account sales | cut -f1)
	[ "${#id}" -eq 32 ]
	says 0 "full.viewer" invite show "$id"
	says 5 "[invitation_exists]" invite add X@example.org full.editor sales --yes
	says 5 "[grant_exists]" invite add bob@example.org full.editor sales --yes
	says 5 "[role_unknown]" invite add y@example.org king sales --yes
	says 1 "[account_unknown]" invite add y@example.org king nowhere --yes
	says 3 "[member_email]" invite add nobody full.viewer sales --yes
	says 0 "~ invitation" invite resend "$id" --yes
	says 0 "- invitation" invite withdraw "$id" --yes
	says 1 "[invitation_unknown]" invite withdraw "$id" --yes
	says 1 "[invitation_unknown]" invite show "$id"
	[ -z "$(rg invite list)" ]
}

@test "A7 invite link: the token is printed once and kept nowhere" {
	rg invite add x@example.org full.viewer sales --yes >/dev/null
	id=$(rg invite list | cut -f1)
	before=$(rows)
	rg invite link "$id" --dry-run >token 2>/dev/null
	[ ! -s token ]
	[ "$(rows)" = "$before" ]
	token=$(rg invite link "$id" 2>/dev/null)
	[ "${#token}" -eq 43 ]
	[ "$(sqlite3 state.db .dump | grep -cF -e "$token")" -eq 0 ]
	[ "$(sqlite3 state.db "SELECT length(digest) FROM invitations")" -eq 64 ]
}

@test "A7 M14 invite accept: by whom it is to, once" {
	rg member add eve --email x@example.org --yes >/dev/null
	rg invite add X@example.org full.viewer sales --yes >/dev/null
	umask 077
	rg invite link "$(rg invite list | cut -f1)" >token 2>/dev/null
	says 5 "[invitation_address]" invite accept man --token-file token --yes
	says 5 "[member_inactive]" invite accept nobody --token-file token --yes
	says 2 "[usage]" invite accept eve --yes
	rg invite accept eve --token-file token --dry-run >/dev/null
	says 0 "+ grant eve on sales" invite accept eve --token-file token --yes
	[ "$(rg log -n 1 --actor member:eve | wc -l)" -eq 1 ]
	says 1 "[invitation_unknown]" invite accept eve --token-file token --yes
	says 0 "allow" check eve calls.view sales
}

@test "token: shown once, scoped, under the rights of its maker" {
	token=$(rg token add ann nightly --account sales --permission calls.view --address 192.0.2.0/24 --lifetime 7d --yes 2>/dev/null)
	[ "${#token}" -eq 43 ]
	[ "$(sqlite3 state.db .dump | grep -cF -e "$token")" -eq 0 ]
	[ "$(rg token list --member ann | cut -f2-6)" = "ann	nightly	sales	calls.view	192.0.2.0/24" ]
	says 5 "[no_right]" token add bob nightly --account sales --yes
	says 1 "[account_unknown]" token add bob nightly --account net --yes
	says 2 "[usage]" token add ann nightly --lifetime soon --yes
	id=$(rg token list | cut -f1)
	says 0 "- token" token remove "$id" --yes
	says 1 "[token_unknown]" token remove "$id" --yes
}

@test "token: gone with its maker" {
	rg grant add bob full.editor biz --yes >/dev/null
	rg token add bob nightly --account biz --yes >/dev/null 2>&1
	rg member remove bob --yes >log
	grep -q '^- token bob' log
	[ -z "$(rg token list)" ]
}

@test "account move: shows who gains and who loses" {
	rg grant add man full.viewer biz --yes >/dev/null
	rg account add other --parent biz --yes >/dev/null
	rg grant add bob full.viewer other --yes >/dev/null
	run rg account move team other --dry-run
	[ "$status" -eq 0 ]
	[[ "$output" == *"bob gains full.viewer, held on other"* ]]
	[[ "$output" == *"bob loses reporting.viewer, held on sales"* ]]
	[[ "$output" != *"man"* ]]
	says 0 "moves below" account move team other --yes
	[ "$(rg account list | awk -F'\t' '$1 == "team" { print $2 }')" = other ]
	says 5 "[tree_cycle]" account move other team --yes
	says 5 "[catalogue_differs]" account move team net --yes
	says 5 "[account_fixed]" account move biz other --yes
	says 1 "[account_unknown]" account move team nowhere --yes
}

@test "account suspend, archive, reinstate, handover" {
	says 0 "'active' -> 'suspended'" account suspend sales --yes
	says 1 "account_status" check bob web_dialer.use sales
	says 5 "[account_frozen]" grant add man full.viewer team --yes
	says 0 "'suspended' -> 'active'" account reinstate sales --yes
	says 0 "'archived'" account archive sales --yes
	says 0 "'active'" account reinstate sales --yes
	says 5 "[owner_without_grant]" account handover biz bob --yes
	rg grant add bob full.viewer biz --yes >/dev/null
	says 0 "owner='ann' -> 'bob'" account handover biz bob --yes
}

@test "member reinstate: within thirty days, as if given anew" {
	rg grant remove bob reporting.viewer sales --yes >/dev/null
	says 0 "+ grant bob on sales" member reinstate bob --account sales --yes
	says 5 "[grant_exists]" member reinstate bob --account sales --yes
	says 1 "[nothing_to_reinstate]" member reinstate man --account sales --yes
	rg member edit bob --phone "+49 30 1" --yes >/dev/null
	rg member remove bob --yes >/dev/null
	says 0 "+ member bob" member reinstate bob --yes
	[ "$(rg grant list --member bob --json | grep -c reporting.viewer)" -eq 1 ]
	rg member show bob --json | grep -q '"phone": *"+49 30 1"'
}

@test "member password: from a file alone, kept as argon2id" {
	printf 'correct horse battery\n' >pw
	chmod 600 pw
	says 0 "password bob" member password bob --password-file pw --yes
	sqlite3 state.db "SELECT hash FROM passwords" | grep -q '^\$argon2id\$'
	[ "$(sqlite3 state.db .dump | grep -c "correct horse")" -eq 0 ]
	printf 'short\n' >pw
	says 2 "[password_short]" member password bob --password-file pw --yes
	chmod 644 pw
	says 3 "[password_file]" member password bob --password-file pw --yes
	says 2 "[usage]" member password bob --yes
	says 0 "password bob" member password bob --no-password --yes
	[ -z "$(sqlite3 state.db "SELECT hash FROM passwords")" ]
}

@test "notify: a sentence to a member, and nothing to nobody" {
	says 0 "notice to bob" notify send bob announcement "Down on Sunday" --yes
	[ "$(rg notify list bob --unread | cut -f3,4)" = "announcement	Down on Sunday" ]
	says 1 "[member_unknown]" notify send nobody announcement x --yes
	says 3 "[text_control]" notify send bob announcement "$(printf 'a\033b')" --yes
}

@test "P2 --as: a member's own rights, and the history says so" {
	says 0 "+ grant bob on net" grant add bob member net --as man --why "ticket 1" --yes
	[ "$(rg log -n 1 | cut -f3)" = member:man ]
	says 5 "[no_right]" grant set bob manager net --as man --why "ticket 1" --yes
	says 5 "[no_right]" invite add x@example.org super_user net --as man --why "ticket 1" --yes
	says 1 "[account_unknown]" grant add bob full.viewer biz --as man --why "ticket 1" --yes
	says 2 "[usage]" grant add bob full.viewer biz --as man --yes
	says 2 "[usage]" grant list --as man
}

@test "P5 --as: nobody restores a state but the system" {
	says 5 "[not_yours]" load state.jsonl --as sue --why "ticket 1" --yes
}

@test "notify: read one or all; mail for exactly the kinds that are named" {
	rg notify send bob announcement One --yes >/dev/null
	rg notify send bob announcement Two --yes >/dev/null
	says 0 "1 notices are read" notify read bob "$(rg notify list bob | tail -n 1 | cut -f1)" --yes
	[ "$(rg notify list bob --unread | cut -f4)" = Two ]
	says 0 "1 notices are read" notify read bob --yes
	[ -z "$(rg notify list bob --unread)" ]
	says 2 "[usage]" notify read bob x --yes
	says 0 "mail to bob for: import;membership" notify switch bob membership import membership --yes
	[ "$(rg notify switches bob | tr '\n' ' ')" = "import membership " ]
	says 5 "[not_yours]" notify switch bob import --as ann --why "ticket 1" --yes
	says 0 "mail to bob for" notify switch bob --yes
	[ -z "$(rg notify switches bob)" ]
}

@test "token show: everything but the secret" {
	rg token add ann nightly --account sales --yes >secret
	id=$(rg token list | cut -f1)
	says 0 nightly token show "$id"
	[ "$(rg token show "$id" | grep -cF -e "$(cat secret)")" -eq 0 ]
	says 1 "[token_unknown]" token show 00000000000000000000000000000000
}

@test "account remove: on a terminal the name has to be typed" {
	words=$(printf '%q ' "$build/rolegate" account remove team)
	printf 'y\n' | script -qec "$words" /dev/null || true
	says 0 Team account show team
	printf 'team\n' | script -qec "$words" /dev/null || true
	says 0 Team account show team
	printf 'Team\n' | script -qec "$words" /dev/null
	says 1 "[account_unknown]" account show team
}
