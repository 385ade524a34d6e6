#!/usr/bin/env bats
# rolegate-sync with a real slapd, and with directories that fail on purpose.
# The directory has 20 people u01 to u20; all are in the group viewers, u01 is
# in admins. The store has the account business (owner: boss, who is local)
# with sales below it.

# `twenty | directory` starts a server whose addresses this shell needs.
shopt -s lastpipe

setup() {
	. "$BATS_TEST_DIRNAME/kit.sh"
	world sync
	cat >rolegate.yaml <<-CONF
	store: $tmp/store.db
	catalogues: $root/catalogs
	mapping: $tmp/mapping.yaml
	CONF
	printf '%s\n' sync-secret >password
	chmod 600 password
	cat >state.jsonl <<-'STATE'
	{"type":"member","username":"boss","email":"boss@example.org","name":"The Boss","status":"active"}
	{"type":"account","id":"business","name":"My Business","kind":"shared","level":"account","catalogue":"call-tracking","status":"active","owner":"boss"}
	{"type":"account","id":"sales","parent":"business","name":"Sales","kind":"shared","level":"account","status":"active","owner":"boss"}
	STATE
	"$build/rolegate" load --yes state.jsonl >/dev/null
}

teardown() {
	slapd_stop "$tmp/ldap"
	world_end
}

rs() {
	"$build/rolegate-sync" "$@"
}

person() { # uid cn [more lines]
	printf 'dn: uid=%s,ou=people,%s\nobjectClass: inetOrgPerson\n' "$1" "$SUFFIX"
	printf 'uid: %s\ncn: %s\nsn: %s\nmail: %s@example.org\n' "$1" "$2" "$1" "$1"
	[ $# -lt 3 ] || printf '%s\n' "${@:3}"
	echo
}

group() { # cn uid...
	printf 'dn: cn=%s,ou=groups,%s\nobjectClass: groupOfNames\ncn: %s\n' \
	    "$1" "$SUFFIX" "$1"
	for uid in "${@:2}"; do
		printf 'member: uid=%s,ou=people,%s\n' "$uid" "$SUFFIX"
	done
	echo
}

base() {
	printf 'dn: %s\nobjectClass: dcObject\nobjectClass: organization\n' "$SUFFIX"
	printf 'o: Example\ndc: example\n\n'
	printf 'dn: %s\nobjectClass: organizationalRole\n' "$SYNC_DN"
	printf 'objectClass: simpleSecurityObject\ncn: sync\nuserPassword: sync-secret\n\n'
	for ou in people groups staff; do
		printf 'dn: ou=%s,%s\nobjectClass: organizationalUnit\nou: %s\n\n' \
		    "$ou" "$SUFFIX" "$ou"
	done
}

twenty() {
	base
	for n in $(seq -w 1 20); do
		person "u$n" "User $n"
	done
	group viewers $(seq -f 'u%02g' 1 20)
	group admins u01
}

directory() { # [slapd.conf lines]; LDIF on standard input
	rm -rf ldap
	slapd_prepare "$tmp/ldap" "$@" && slapd_load "$tmp/ldap" &&
	    slapd_start "$tmp/ldap"
}

GRANTS='      - {group: viewers, account: business, role: full.viewer}
      - {group: admins, account: sales, role: full.editor}'

# mapping URL [lines of the source]
mapping() {
	local url=$1 bind='{method: external}'
	shift
	case $url in
	ldapi:*) ;;
	*) bind="{method: simple, dn: '$SYNC_DN', password_file: $tmp/password}" ;;
	esac
	cat >mapping.yaml <<-CONF
	sources:
	  corp:
	    url: "$url"
	    ca_file: $tmp/ldap/ca.pem
	    bind: $bind
	    people:
	      base: "ou=people,$SUFFIX"
	      disabled: {attribute: employeeType, value: disabled}
	    groups: {base: "ou=groups,$SUFFIX"}
	    grants:
	CONF
	{
		printf '%s\n' "$GRANTS"
		[ $# -eq 0 ] || printf '    %s\n' "$@"
	} >>mapping.yaml
}

state() {
	"$build/rolegate" export -
}

# Status and a piece of the output must be as said; else all of it is shown.
expect() { # status [text...]
	local want=$1 text
	shift
	if [ "$status" -ne "$want" ]; then
		echo "status $status instead of $want: $output"
		return 1
	fi
	for text in "$@"; do
		[[ $output == *"$text"* ]] || { echo "no '$text' in: $output"; return 1; }
	done
}

# The run is held: exit 3, the code, a search to paste, and nothing changed.
held_with() { # code
	state >before
	run rs run
	expect 3 "[$1]" "held, nothing was changed" "ldapsearch -H" || return 1
	[[ $output != *sync-secret* ]] || return 1
	state >after
	cmp before after
}

synced() {
	twenty | directory "$@"
	mapping "$LDAPI_URL"
	run rs run
	expect 0 "applied as plan"
}

wait_for() { # file
	local i
	for i in $(seq 1 200); do
		[ -s "$1" ] && return 0
		sleep 0.05
	done
	return 1
}

fake() { # pages code [trick]
	rm -f fake.port fake.port.log
	python3 "$BATS_TEST_DIRNAME/ldap-fake-server.py" "$tmp/fake.port" "$@" 3>&- &
	started
	wait_for fake.port
	FAKE_URL=ldap://127.0.0.1:$(cat fake.port)
}

proxy() { # mode bytes
	rm -f proxy.port proxy.port.met
	python3 "$BATS_TEST_DIRNAME/ldap-cut-proxy.py" "$tmp/proxy.port" \
	    "$LDAP_PORT" "$1" "$2" 3>&- &
	PROXY_PID=$!
	started
	wait_for proxy.port
	PROXY_URL=ldap://127.0.0.1:$(cat proxy.port)
}

proxy_end() {
	kill "$PROXY_PID"
	wait "$PROXY_PID" || true
}

# --- The way it is meant -------------------------------------------------------

@test "plan shows, saves a number and changes nothing; apply makes exactly that (PL3)" {
	twenty | directory
	mapping "$LDAPI_URL"
	state >before
	run rs plan
	expect 0 "would add User 07 (u07), u07@example.org" \
	    "would give u01 full.editor on sales (group 'admins')" \
	    "20 members to add, 21 grants to give" "plan 1; "
	state >after
	cmp before after
	run rs plan --check
	expect 1 "plan 1; "
	run rs apply 1
	expect 0 "added User 07 (u07)" "applied as plan 1"
	run "$build/rolegate" check u07 calls.view business
	expect 0
	run "$build/rolegate" check u07 calls.tag sales
	expect 1
	run "$build/rolegate" check u01 calls.tag sales
	expect 0
	run rs apply 1
	expect 5 "[plan_closed]"
	run rs plan --check
	expect 0 "nothing to do"
	run rs apply 9
	expect 1 "[plan_unknown]"
}

@test "a run with nothing changed writes no change (PL9)" {
	synced
	state >before
	rows=$("$build/rolegate" log --json | wc -l)
	run rs run
	expect 0 "corp: nothing to do"
	state >after
	cmp before after
	[ "$("$build/rolegate" log --json | wc -l)" -eq "$rows" ]
}

@test "PL9 10,000 people and nothing changed: 0 writes" {
	{
		base
		for n in $(seq 1 10000); do
			printf 'dn: uid=p%s,ou=people,%s\nobjectClass: inetOrgPerson\nuid: p%s\ncn: P %s\nsn: x\n\n' \
			    "$n" "$SUFFIX" "$n" "$n"
		done
		group viewers $(seq -f 'p%g' 1 10000)
		group admins p1
	} | directory
	mapping "$LDAPI_URL"
	run rs run --json
	expect 0 '"member.add":10000' '"grant.add":10001'
	rows=$("$build/rolegate" log --json | wc -l)
	run rs run
	expect 0 "read 10000 people and 2 groups" "corp: nothing to do"
	[ "$("$build/rolegate" log --json | wc -l)" -eq "$rows" ]
}

@test "ldap with StartTLS, ldaps and ldapi read the same" {
	twenty | directory
	for url in "$LDAPI_URL" "$LDAP_URL" "$LDAPS_URL"; do
		mapping "$url"
		rs plan --json >plan.json
		sed 's/.*"people":/"people":/' plan.json >>read
	done
	[ "$(sort -u read | wc -l)" -eq 1 ]
	grep -q '"people":20,"groups":2' read
}

@test "status shows runs, the last complete one and open plans" {
	synced
	slapd_stop ldap
	run rs run
	expect 3
	run rs status
	expect 0 "corp" "directory_unreachable" "last complete" "20 members to add"
	run rs status --json
	expect 0 '"complete":false' '"last_complete":{'
}

@test "bad words on the command line are a usage error" {
	for words in "" "plan x" "apply" "apply x" "run --override" "apply 1 --check" "fly"; do
		run rs $words
		expect 2 "[usage]"
	done
	run rs --help
	expect 0 "Examples:"
}

@test "a broken mapping says every fault with line and column, and changes nothing" {
	twenty | directory
	mapping "$LDAPI_URL" "colour: red"
	sed -i 's/role: full.editor/role: [a]/; s/method: external/method: magic/' mapping.yaml
	run rs run
	expect 3 "mapping.yaml:"
	[ "$(grep -c 'mapping.yaml:[0-9]*:[0-9]*: ' <<<"$output")" -ge 2 ]
	mapping "$LDAPI_URL"
	sed -i 's/full.editor/no.such/' mapping.yaml
	run rs run
	expect 3 "[role_unknown]" "mapping.yaml:12:"
}

# --- Reading ----------------------------------------------------------------------

@test "S8 TLS: only a server with our CA's certificate and the right name is read" {
	twenty | directory
	make_ca "$tmp/ldap"  # another CA: the server's is not its any more
	for url in "$LDAP_URL" "$LDAPS_URL"; do
		mapping "$url"
		run rs plan
		expect 3 "held, nothing was changed"
	done
	slapd_stop ldap
	for case in "IP:127.0.0.2 2" "IP:127.0.0.1 -1"; do
		set -- $case
		rm -rf ldap
		mkdir ldap
		make_ca "$tmp/ldap"
		make_certificate "$tmp/ldap" server "$1" "$2"
		slapd_prepare "$tmp/ldap"
		twenty | slapd_load "$tmp/ldap"
		slapd_start "$tmp/ldap"
		for url in "$LDAP_URL" "$LDAPS_URL"; do
			mapping "$url"
			run rs plan
			expect 3 "held, nothing was changed"
		done
		slapd_stop ldap
	done
}

@test "S8 a server without StartTLS gets no password" {
	fake 1 0
	mkdir -p ldap
	make_ca "$tmp/ldap"
	mapping "$FAKE_URL"
	run rs plan
	expect 3 "held, nothing was changed"
	! grep -q 0x60 fake.port.log
}

@test "S8 an empty password is refused before anything is sent" {
	fake 1 0
	mapping "$FAKE_URL" "tls: none" "plaintext: yes"
	: >password
	held_with bind_password_empty
	echo >password
	held_with bind_password_empty
	[ ! -e fake.port.log ]
}

@test "RD1 a server that does not answer" {
	synced
	slapd_stop ldap
	mapping "$LDAP_URL"
	held_with directory_unreachable
}

@test "RD2 a bind that is refused" {
	synced
	mapping "$LDAP_URL"
	echo wrong >password
	held_with bind_refused
	fake 0 53 grant
	mapping "$FAKE_URL" "tls: none" "plaintext: yes"
	held_with bind_refused
}

@test "S2 RD3 RD4 RD5 any result but 0, on any page, changes nothing" {
	synced
	for row in "3 directory_time_limit" "4 directory_size_limit" \
	    "11 directory_admin_limit" "10 directory_reference" \
	    "1 directory_search" "51 directory_search" "52 directory_search" \
	    "53 directory_search" "80 directory_search"; do
		set -- $row
		for pages in 0 1 3; do
			fake "$pages" "$1"
			mapping "$FAKE_URL" "tls: none" "plaintext: yes"
			held_with "$2"
		done
	done
}

@test "S2 references left over, a missing or endless cookie, values in parts" {
	synced
	for row in "1 0 reference directory_reference" \
	    "1 0 nocontrol directory_pages" "0 0 endless directory_pages" \
	    "0 0 range member_range"; do
		set -- $row
		fake "$1" "$2" "$3"
		mapping "$FAKE_URL" "tls: none" "plaintext: yes"
		held_with "$4"
	done
}

@test "RD4 a real size limit, after some pages and without any" {
	for size in 15 5; do
		twenty | directory "limits dn.exact=$SYNC_DN size=$size"
		mapping "$LDAPI_URL" "page_size: 10"
		held_with directory_size_limit
		slapd_stop ldap
	done
}

@test "RD5 a page size that the server refuses is tried once more, smaller" {
	twenty | directory "limits dn.exact=$SYNC_DN size.prtotal=unlimited size=unlimited size.pr=100"
	mapping "$LDAPI_URL" "page_size: 500"
	run rs run
	expect 0 "read 20 people and 2 groups"
}

@test "S3 RD6 nobody in the answer is held, unless it is said to be true" {
	synced
	for change in 's/ou=people,/ou=staff,/' 's/disabled: {.*/filter: "(uid=nobody)"/'; do
		mapping "$LDAPI_URL"
		sed -i "$change" mapping.yaml
		held_with directory_empty
		expect 3 "0 usable people and the store has 20"
	done
	state >before
	run rs run --allow-empty
	expect 5 "held, nothing was changed" "members: 20 of 20 members"
	state >after
	cmp before after
	mapping "$LDAPI_URL"
	sed -i 's/ou=groups,/ou=staff,/' mapping.yaml
	held_with directory_empty
	mapping "$LDAPI_URL"
	sed -i 's/ou=people,/ou=nowhere,/' mapping.yaml
	held_with directory_base
}

@test "S3 an id that the sync may not read makes nobody absent" {
	synced
	slapd_stop ldap
	twenty | directory "access to attrs=entryUUID by * none" \
	    "access to * by users read by anonymous auth"
	held_with directory_empty
}

@test "S1 RD7 an answer that is cut, closed or stalled anywhere changes nothing" {
	synced
	slapd_change ldap <<-LDIF
	dn: uid=u02,ou=people,$SUFFIX
	changetype: delete
	LDIF
	proxy pass 0
	mapping "$PROXY_URL" "tls: none" "plaintext: yes" "page_size: 5"
	run rs plan
	expect 0 "would disable User 02 (u02)"
	proxy_end
	total=$(cat proxy.port.bytes)
	[ "$total" -gt 3000 ]
	# Every 1/40 of the answer, and a little more each time, so that it is
	# not always the same place in a message.
	for i in $(seq 0 39); do
		for mode in cut close; do
			proxy $mode $((total * i / 40 + i % 7))
			mapping "$PROXY_URL" "tls: none" "plaintext: yes" "page_size: 5"
			state >before
			run rs run
			expect 3 "held, nothing was changed"
			state >after
			cmp before after
			proxy_end
		done
	done
	for part in 1 25 50 75 99; do
		proxy stall $((total * part / 100))
		mapping "$PROXY_URL" "tls: none" "plaintext: yes" "page_size: 5" "timeout_s: 1"
		state >before
		run rs run
		expect 3 "held, nothing was changed"
		state >after
		cmp before after
		proxy_end
	done
	mapping "$LDAP_URL"
	run rs run
	expect 0 "disabled User 02 (u02)"
}

@test "S1 RD7 a stall inside TLS ends by our own time-out too" {
	synced
	for mode in "stall 2500" "cut 2500"; do
		proxy ${mode}
		mapping "${PROXY_URL}" "timeout_s: 1" "page_size: 5"
		state >before
		run rs run
		expect 3 "held, nothing was changed"
		state >after
		cmp before after
		proxy_end
	done
}

# --- Shapes of data ---------------------------------------------------------------

@test "SH1 SH2 DNs with special characters and in other spellings are found in their group" {
	{
		base
		person plain Plain
		cat <<-LDIF
		dn: cn=Doe\\, Jane (Zürich) \\\\x,ou=people,$SUFFIX
		objectClass: inetOrgPerson
		cn: Doe, Jane (Zürich) \\x
		sn: Doe
		uid: jane

		dn: cn=\\#5 \\"a\\"\\+b\\;\\<c\\>=d,ou=people,$SUFFIX
		objectClass: inetOrgPerson
		cn: #5 "a"+b;<c>=d
		sn: x
		uid: hash

		dn: cn=multi+uid=multi,ou=people,$SUFFIX
		objectClass: inetOrgPerson
		cn: multi
		sn: x
		uid: multi

		dn: cn=viewers,ou=groups,$SUFFIX
		objectClass: groupOfNames
		cn: viewers
		member: UID = PLAIN , ou = People, DC=Example,dc=ORG
		member: CN=doe\\2C  jane (Z\\C3\\BCrich) \\5Cx,ou=people,$SUFFIX
		member: cn=\\23\\35 \\22A\\22\\2BB\\3B\\3Cc\\3E\\3Dd,ou=people,$SUFFIX
		member: uid=multi+cn=Multi,ou=people,$SUFFIX

		dn: cn=admins,ou=groups,$SUFFIX
		objectClass: groupOfUniqueNames
		cn: admins
		uniqueMember: uid=plain,ou=people,$SUFFIX#'01'B
		LDIF
	} | directory
	mapping "$LDAPI_URL"
	run rs plan
	expect 0 "would give plain full.viewer" "would give jane full.viewer" \
	    "would give hash full.viewer" "would give multi full.viewer" \
	    "would give plain full.editor"
	[[ $output != *dangling* ]]
}

@test "SH3 a member whose id holds filter characters is looked for literally" {
	{
		base
		person '*' Star
		person 'a)(uid=*' Bracket
		person plain Plain
		group viewers plain
		group admins plain
	} | directory
	mapping "$LDAPI_URL"
	# The uid as the id: then the second look has to escape it.
	sed -i 's/disabled: {.*/id: uid/' mapping.yaml
	run rs run
	expect 0 "3 members to add"
	slapd_change ldap <<-LDIF
	dn: uid=\\2A,ou=people,$SUFFIX
	changetype: delete
	LDIF
	run rs run
	expect 0 "disabled Star"
	slapd_change ldap <<-LDIF
	dn: uid=a)(uid\\3D\\2A,ou=people,$SUFFIX
	changetype: delete
	LDIF
	run rs run
	expect 0 "disabled Bracket"
}

@test "SH6 renamed and moved: the same member, the same grants" {
	synced
	slapd_change ldap <<-LDIF
	dn: uid=u05,ou=people,$SUFFIX
	changetype: modrdn
	newrdn: uid=fifth
	deleteoldrdn: 1

	dn: uid=u06,ou=people,$SUFFIX
	changetype: modrdn
	newrdn: uid=u06
	deleteoldrdn: 0
	newsuperior: ou=staff,$SUFFIX

	dn: cn=viewers,ou=groups,$SUFFIX
	changetype: modify
	delete: member
	member: uid=u05,ou=people,$SUFFIX
	member: uid=u06,ou=people,$SUFFIX
	-
	add: member
	member: uid=fifth,ou=people,$SUFFIX
	member: uid=u06,ou=staff,$SUFFIX
	LDIF
	mapping "$LDAPI_URL"
	sed -i "s/base: \"ou=people,/base: \"/" mapping.yaml
	run rs plan
	expect 0 "would change u05 to User 05 (fifth)" "corp: 1 member to change"
	run rs run
	expect 0
	run "$build/rolegate" check fifth calls.view business
	expect 0
	run "$build/rolegate" check u05 calls.view business
	expect 1
	run "$build/rolegate" check u06 calls.view business
	expect 0
}

@test "S4 SH10 groups in a cycle, in themselves and in a diamond end" {
	{
		base
		for u in a b c d; do person "$u" "P $u"; done
		for row in "viewers a one two" "one b both viewers" \
		    "two c both two" "both d"; do
			set -- $row
			group "$1" "$2"
			for inner in "${@:3}"; do
				printf 'member: cn=%s,ou=groups,%s\n' "$inner" "$SUFFIX"
			done
			echo
		done | sed '/^$/N;/^\nmember/!b;s/^\n//'
		group admins a
	} | directory
	mapping "$LDAPI_URL"
	run rs plan
	expect 0 "would give a full.viewer" "would give b full.viewer" \
	    "would give c full.viewer" "would give d full.viewer" \
	    "4 members to add, 5 grants to give"
	mapping "$LDAPI_URL"
	sed -i 's/groups: {base/groups: {nested_depth: 1, base/' mapping.yaml
	run rs plan
	expect 3 "[groups_deep]"
}

@test "SH18 posixGroup: members by name" {
	{
		base
		person ann Ann
		person bob Bob
		cat <<-LDIF
		dn: cn=viewers,ou=groups,$SUFFIX
		objectClass: posixGroup
		cn: viewers
		gidNumber: 5
		memberUid: ANN
		memberUid: nobody

		LDIF
		group admins bob
	} | directory
	mapping "$LDAPI_URL"
	run rs plan
	expect 0 "would give ann full.viewer" "2 grants to give" "[dangling_member]"
}

# --- Ownership ----------------------------------------------------------------------

@test "OW1 what was given by hand stays, what the directory gave goes with the group" {
	synced
	"$build/rolegate" grant add u03 reporting.viewer sales --yes
	slapd_change ldap <<-LDIF
	dn: cn=viewers,ou=groups,$SUFFIX
	changetype: modify
	delete: member
	member: uid=u03,ou=people,$SUFFIX
	LDIF
	run rs run
	expect 0 "took from u03 full.viewer on business"
	run "$build/rolegate" check u03 calls.view sales
	expect 0
	run "$build/rolegate" check u03 calls.view business
	expect 1
	grep -q '"boss"' <<<"$(state)"
}

@test "OW2 a rule that is taken out of the mapping takes what it gave" {
	synced
	GRANTS='      - {group: viewers, account: business, role: full.viewer}'
	mapping "$LDAPI_URL"
	run rs run
	expect 0 "took from u01 full.editor on sales" "1 grant to take"
}

@test "OW7 the last top role of an account stays, and the rest of the run goes on" {
	sed -i '/"id":"sales"/s/,"owner":"boss"//; /"id":"business"/s/,"owner":"boss"//' state.jsonl
	"$build/rolegate" load --yes state.jsonl >/dev/null
	GRANTS='      - {group: viewers, account: business, role: full.viewer}
      - {group: admins, account: business, role: full.editor}'
	synced
	slapd_change ldap <<-LDIF
	dn: uid=u01,ou=people,$SUFFIX
	changetype: delete

	dn: uid=u02,ou=people,$SUFFIX
	changetype: delete
	LDIF
	run rs run
	expect 0 "disabled User 02 (u02)" "not possible: would disable User 01 (u01)" \
	    "[last_top_role]"
	run "$build/rolegate" check u01 users.add business
	expect 0
	run rs run
	expect 0 "[last_top_role]" "nothing to do"
}

@test "S6 a username of a local member is not taken over" {
	{
		twenty
		person boss "Not the boss"
	} | directory
	mapping "$LDAPI_URL"
	run rs run
	expect 0 "[username_taken]" "20 members to add"
	grep -q '"name":"The Boss"' <<<"$(state)"
}

@test "PL10 SH17 absent: disabled first, removed on a later complete reading" {
	twenty | directory
	mapping "$LDAPI_URL" "grace_days: 0"
	run rs run
	expect 0
	slapd_change ldap <<-LDIF
	dn: uid=u09,ou=people,$SUFFIX
	changetype: delete

	dn: uid=u08,ou=people,$SUFFIX
	changetype: modify
	add: employeeType
	employeeType: Disabled
	LDIF
	run rs run
	expect 0 "disabled User 09 (u09)" "disabled User 08 (u08)" "2 members to disable"
	run "$build/rolegate" check u09 calls.view business
	expect 1 "member_inactive"
	# A reading that is not complete does not count.
	cp mapping.yaml whole.yaml
	slapd_stop ldap
	run rs run
	expect 3
	cp whole.yaml mapping.yaml
	slapd_start "$tmp/ldap"
	mapping "$LDAPI_URL" "grace_days: 0"
	run rs run
	expect 0 "removed User 09 (u09)" "1 member to remove"
	slapd_change ldap <<-LDIF
	dn: uid=u08,ou=people,$SUFFIX
	changetype: modify
	delete: employeeType
	LDIF
	run rs run
	expect 0 "enabled User 08 (u08)"
	run "$build/rolegate" check u08 calls.view business
	expect 0
}

@test "somebody who was disabled by hand is not enabled by the sync" {
	synced
	"$build/rolegate" member edit u04 --status disabled --yes
	run rs run
	expect 0 "[kept_disabled]" "nothing to do"
	run "$build/rolegate" check u04 calls.view business
	expect 1 "member_inactive"
}

# --- Plan and limits ------------------------------------------------------------------

six_gone() {
	for n in 10 11 12 13 14 15; do
		printf 'dn: uid=u%s,ou=people,%s\nchangetype: delete\n\n' "$n" "$SUFFIX"
	done
	person new "New Person" | sed 's/^objectClass/changetype: add\n&/'
}

@test "PL1 PL2 over the limit nothing is written; the override is for one plan" {
	synced
	six_gone | slapd_change ldap
	state >before
	run rs run
	expect 5 "would disable User 10 (u10)" "would add New Person (new)" \
	    "held, nothing was changed: members: 6 of 20 members" "plan 2"
	state >after
	cmp before after
	run rs run
	expect 5 "plan 2"  # the same plan keeps its number
	run rs apply 2
	expect 5 "[plan_held]"
	state >after
	cmp before after
	run rs apply 2 --override
	expect 0 "disabled User 10 (u10)" "added New Person (new)"
	run "$build/rolegate" log --json
	expect 0 "guard overridden"
	# The next one is held as before.
	for n in 01 02 03 04 05 06; do
		printf 'dn: uid=u%s,ou=people,%s\nchangetype: delete\n\n' "$n" "$SUFFIX"
	done | slapd_change ldap
	run rs run
	expect 5 "members: 6 of 21 members"
}

@test "PL1 the limits can be raised in the mapping" {
	synced
	six_gone | slapd_change ldap
	mapping "$LDAPI_URL" "guard: {members_max: 6}"
	run rs run
	expect 0 "disabled User 10 (u10)"
}

@test "PL1 more than a fifth of an account's grants" {
	synced
	for n in 01 02 03 04 05; do
		printf 'dn: cn=viewers,ou=groups,%s\nchangetype: modify\ndelete: member\nmember: uid=u%s,ou=people,%s\n\n' \
		    "$SUFFIX" "$n" "$SUFFIX"
	done | slapd_change ldap
	run rs run
	expect 5 "account: 5 of 20 grants on business would go"
}

@test "S4 a group that vanished holds what it would take" {
	synced
	printf 'dn: cn=admins,ou=groups,%s\nchangetype: delete\n' "$SUFFIX" | slapd_change ldap
	run rs run
	expect 5 "group_missing: group 'admins' is not in the directory"
}

@test "PL4 the same input gives the same plan, byte for byte, and it is what is applied" {
	twenty | directory
	mapping "$LDAPI_URL"
	rs plan --json >one
	rs plan --json >two
	cmp one two
	rs plan >text
	grep -c '^would ' text >shown
	rs apply 1 --json >applied
	python3 - <<-'PY'
	import json
	plan = json.load(open("one"))["plan"]
	done = json.load(open("applied"))["plan"]
	says = [c["says"] for c in plan["changes"]]
	assert says == [c["says"] for c in done["changes"]]
	assert len(says) == int(open("shown").read()), len(says)
	text = open("text").read()
	assert all(s + "\n" in text for s in says)
	PY
}

@test "apply refuses when data or mapping changed since the plan" {
	twenty | directory
	mapping "$LDAPI_URL"
	rs plan >/dev/null
	"$build/rolegate" member add carl --name Carl --yes
	run rs apply 1
	expect 5 "[plan_moved]"
	run rs plan
	expect 0 "plan 2"
	mapping "$LDAPI_URL" "grace_days: 5"
	run rs apply 2
	expect 5 "[plan_moved]" "the mapping of 'corp' changed"
	run "$build/rolegate" check u07 calls.view business
	expect 1
}

@test "PL6 PL7 two at once: the second ends at once; a terminated run leaves no lock" {
	synced
	proxy stall 0
	mapping "$PROXY_URL" "tls: none" "plaintext: yes" "timeout_s: 60"
	"$build/rolegate-sync" run >first.out 2>&1 3>&- &
	first=$!
	started
	wait_for proxy.port.met
	run rs run
	expect 5 "[sync_busy]" "another sync is running"
	run rs apply 1
	expect 5 "[sync_busy]" "another sync is running"
	kill -TERM "$first"
	code=0
	wait "$first" || code=$?
	[ "$code" -eq 3 ]
	mapping "$LDAPI_URL"
	run rs run
	expect 0 "nothing to do"
}

@test "PL5 Redis away: the changes are made and wait, with a warning and exit 0" {
	head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >view.key
	chmod 600 view.key
	cat >>rolegate.yaml <<-CONF
	view:
	  redis: {address: "unix:$tmp/redis.sock"}
	  key_file: $tmp/view.key
	CONF
	twenty | directory
	mapping "$LDAPI_URL"
	run rs run
	expect 0 "applied as plan 1" "warning" "wait to be published"
	redis-server --port 0 --unixsocket "$tmp/redis.sock" --save '' \
	    --dir "$tmp" >redis.log 2>&1 3>&- &
	started
	for i in $(seq 1 100); do
		redis-cli -s redis.sock ping >/dev/null 2>&1 && break
		sleep 0.05
	done
	run rs run
	expect 0 "nothing to do"
	[[ $output != *warning* ]]
	run "$build/rolegate" check --view u07 calls.view business
	expect 0
	# PL9: with nothing changed not even the view's generation moves.
	redis-cli -s redis.sock --scan | sort | while read -r key; do
		echo "$key $(redis-cli -s redis.sock get "$key")"
	done | grep -v heartbeat >view.before
	run rs run
	expect 0 "nothing to do"
	redis-cli -s redis.sock --scan | sort | while read -r key; do
		echo "$key $(redis-cli -s redis.sock get "$key")"
	done | grep -v heartbeat >view.after
	cmp view.before view.after
}
