#!/usr/bin/env bats
# Sign-in as people meet it: slapd, sync, Redis, the gate, rolegate-web and nginx
# with the shipped include files, all real.

shopt -s lastpipe

setup() {
	. "$BATS_TEST_DIRNAME/kit.sh"
	world web
	printf '%s\n' sync-secret >password
	chmod 600 password
	PORT=$(free_port)
	cat >rolegate.yaml <<-CONF
	store: $tmp/state.db
	catalogues: $root/catalogs
	mapping: $tmp/mapping.yaml
	view:
	  redis: {address: "unix:$tmp/redis.sock"}
	  key_file: $tmp/view.key
	gate:
	  socket: $tmp/gate.sock
	  workers: 1
	  cookie: __Host-rolegate
	web:
	  socket: $tmp/web.sock
	  activity: $tmp/activity.sock
	  origin: http://127.0.0.1:$PORT
	  workers: 2
	  directory: yes
	  attempts_max: 5
	CONF
	rg key new "$tmp/view.key" >/dev/null
	cat >state.jsonl <<-'STATE'
	{"type":"member","username":"boss","email":"boss@example.org","name":"The Boss","status":"active"}
	{"type":"account","id":"business","name":"My Business","kind":"shared","level":"account","catalogue":"call-tracking","status":"active","owner":"boss"}
	STATE
	rg load --yes state.jsonl >/dev/null
}

teardown() {
	slapd_stop "$tmp/ldap"
	world_end
}

# Two people of the directory, one of them in the group.
directory_up() { # lines of slapd.conf
	{
		printf 'dn: %s\nobjectClass: dcObject\nobjectClass: organization\n' "$SUFFIX"
		printf 'o: Example\ndc: example\n\n'
		printf 'dn: %s\nobjectClass: organizationalRole\n' "$SYNC_DN"
		printf 'objectClass: simpleSecurityObject\ncn: sync\nuserPassword: sync-secret\n\n'
		printf 'dn: ou=people,%s\nobjectClass: organizationalUnit\nou: people\n\n' "$SUFFIX"
		printf 'dn: ou=groups,%s\nobjectClass: organizationalUnit\nou: groups\n\n' "$SUFFIX"
		for uid in ann bob; do
			printf 'dn: uid=%s,ou=people,%s\nobjectClass: inetOrgPerson\n' "$uid" "$SUFFIX"
			printf 'uid: %s\ncn: %s\nsn: %s\nmail: %s@example.org\nuserPassword: %s-secret\n\n' \
			    "$uid" "$uid" "$uid" "$uid" "$uid"
		done
		printf 'dn: cn=viewers,ou=groups,%s\nobjectClass: groupOfNames\ncn: viewers\n' "$SUFFIX"
		printf 'member: uid=ann,ou=people,%s\n\n' "$SUFFIX"
		[ $# -eq 0 ] || cat policy.ldif
	} | {
		slapd_prepare "$tmp/ldap" "$@" && slapd_load "$tmp/ldap" &&
		    slapd_start "$tmp/ldap"
	}
	cat >mapping.yaml <<-CONF
	sources:
	  corp:
	    url: "$LDAP_URL"
	    tls: starttls
	    ca_file: $tmp/ldap/ca.pem
	    bind: {method: simple, dn: '$SYNC_DN', password_file: $tmp/password}
	    people:
	      base: "ou=people,$SUFFIX"
	      filter: "(objectClass=inetOrgPerson)"
	      id: entryUUID
	      username: uid
	      email: mail
	      name: cn
	    groups:
	      base: "ou=groups,$SUFFIX"
	      filter: "(objectClass=groupOfNames)"
	      id: entryUUID
	    grants:
	      - {group: viewers, account: business, role: full.viewer}
	    ceiling: [full.viewer]
	CONF
	"$build/rolegate-sync" run >sync.log 2>&1 || { cat sync.log >&2; return 1; }
}

servers_up() {
	redis_start
	rg publish --follow >follow.log 2>&1 3>&- &
	started
	"$build/rolegated" >gate.log 2>&1 3>&- &
	gate_pid=$!
	started
	"$build/rolegate-web" >web.log 2>&1 3>&- &
	started
	until_true [ -S gate.sock ]
	until_true [ -S web.sock ]
	nginx_files http server protect web
	cat >nginx.conf <<-CONF
	$(nginx_head)
	    access_log $tmp/access.log;
	    fastcgi_intercept_errors on;
	    include $tmp/rolegate-http.conf;
	    server {
	        listen 127.0.0.1:$PORT;
	        set \$rolegate_app unix:$tmp/app.sock;
	        include $tmp/rolegate-server.conf;
	        include $tmp/rolegate-web.conf;
	        location /app/ {
	            include $tmp/rolegate-protect.conf;
	            set \$rolegate_permission reports.view;
	            set \$rolegate_account business;
	            error_page 401 = @rolegate_sign_in;
	            proxy_pass http://\$rolegate_pass;
	        }
	    }
	    server {
	        listen unix:$tmp/app.sock;
	        location / { return 200 "hello \$http_x_rolegate_member\n"; }
	    }
	}
	CONF
	nginx_run
	until_true curl -s -o /dev/null "http://127.0.0.1:$PORT/"
}

site() { # path [curl's words]
	curl -s --max-time 20 "http://127.0.0.1:$PORT$1" "${@:2}"
}

# sign_in NAME PASSWORD: the status; the cookie's value in $cookie.
sign_in() {
	code=$(site /rolegate/sign-in -D heads -o body -w '%{http_code}' \
	    -H 'Content-Type: application/json' \
	    -d "{\"username\":\"$1\",\"password\":\"$2\"}")
	cookie=$(sed -n 's/^Set-Cookie: \(__Host-rolegate=[^;]*\);.*/\1/Ip' heads)
}

app() {
	site /app/x -o body -w '%{http_code}' -H "Cookie: $cookie" "$@"
}

@test "by the directory's password: signed in, let in, led back, out at once" {
	directory_up
	servers_up
	# T48: a browser goes to the sign-in, a program hears 401.
	run site '/app/x?a=1' -o body -w '%{http_code} %{redirect_url}' \
	    -H 'Accept: text/html'
	[ "$output" = "303 http://127.0.0.1:$PORT/rolegate/sign-in?to=/app/x%3Fa%3D1" ]
	run site /app/x -o body -w '%{http_code}'
	[ "$output" = 401 ]
	grep -q '"code":"no_identity"' body
	# The cookie is not the application's to see without being asked for.
	sign_in ann wrong
	[ "$code" = 401 ]
	sign_in ann ann-secret
	[ "$code" = 200 ]
	until_true test "$(app)" = 200
	[ "$(cat body)" = "hello ann" ]
	# A client cannot say who it is by headers.
	run site /rolegate/api/v1/me -H 'X-Rolegate-Member: boss' \
	    -H 'ROLEGATE_COOKIE: x' -o body -w '%{http_code}'
	[ "$output" = 401 ]
	run site /rolegate/api/v1/me -H "Cookie: $cookie"
	[[ $output == *'"member":"ann"'* ]]
	# Bob has no group: signed in, not let in.
	sign_in bob bob-secret
	[ "$code" = 200 ]
	[ "$(app)" = 403 ]
	# Out of the group: out at once.
	sign_in ann ann-secret
	[ "$(app)" = 200 ]
	rg grant remove ann full.viewer business --source corp --yes >/dev/null
	until_true test "$(app)" = 403
}

@test "nothing that is secret is in a log of nginx, rolegate or the history" {
	directory_up
	servers_up
	sign_in ann ann-secret
	[ "$code" = 200 ]
	[ "$(app)" = 200 ]
	token=${cookie#*=}
	[ ${#token} -eq 43 ]
	[ "$(cat access.log nginx.log web.log gate.log follow.log | grep -cF -e "$token")" -eq 0 ]
	[ "$(cat access.log nginx.log web.log gate.log follow.log | grep -c ann-secret)" -eq 0 ]
	[ "$(rg log --json | grep -cF -e "$token")" -eq 0 ]
	[ "$(grep -acF -e "$token" state.db)" -eq 0 ]
}

@test "the directory's own lock-out counts, and ours behind it" {
	cat >policy.ldif <<-LDIF
	dn: cn=policy,$SUFFIX
	objectClass: device
	objectClass: pwdPolicy
	cn: policy
	pwdAttribute: userPassword
	pwdLockout: TRUE
	pwdMaxFailure: 2

	LDIF
	directory_up 'moduleload ppolicy' 'overlay ppolicy' \
	    "ppolicy_default cn=policy,$SUFFIX"
	servers_up
	sign_in ann ann-secret
	[ "$code" = 200 ]
	sign_in ann wrong
	sign_in ann wrong
	# Locked there: the right one does not count any more, and nobody is told
	# that it is the right one.
	sign_in ann ann-secret
	[ "$code" = 401 ]
	sign_in bob bob-secret
	[ "$code" = 200 ]
	sign_in ann wrong
	sign_in ann wrong
	[ "$code" = 401 ]
	sign_in ann ann-secret
	[ "$code" = 429 ]
}

@test "the directory is away: nobody gets in by it, others do" {
	directory_up
	servers_up
	printf '%s' 'correct horse battery' >boss.password
	chmod 600 boss.password
	rg member password boss --password-file boss.password --yes >/dev/null
	slapd_stop "$tmp/ldap"
	sign_in ann ann-secret
	[ "$code" = 503 ]
	[ -z "$cookie" ]
	# A8: of them all the same, and nothing of our insides.
	for who in 'bob bob-secret' 'nobody wrong' 'boss wrong'; do
		# shellcheck disable=SC2086
		sign_in $who
		[ "$code" = 503 ] || { echo "$who: $code"; return 1; }
		! grep -qi 'ldap\|127\.0\|bind' body || return 1
	done
	sign_in boss 'correct horse battery'
	[ "$code" = 200 ]
	# A local password does not stand in for the directory's.
	rg member password ann --password-file boss.password --yes >/dev/null
	sign_in ann 'correct horse battery'
	[ "$code" = 503 ]
}

# What a name costs to look for says whether there is one.
@test "A8 the directory is asked about whoever it is, known or not" {
	directory_up
	printf '%s' 'correct horse battery' >boss.password
	chmod 600 boss.password
	rg member password boss --password-file boss.password --yes >/dev/null
	/usr/bin/python3 "$BATS_TEST_DIRNAME/ldap-cut-proxy.py" proxy \
	    "${LDAP_URL##*:}" pass 0 3>&- &
	started
	until_true [ -s proxy ]
	sed -i "s,${LDAP_URL},${LDAP_URL%:*}:$(cat proxy)," mapping.yaml
	servers_up
	for who in 'bob wrong' 'nobody wrong' 'boss wrong'; do
		: >proxy.met
		# shellcheck disable=SC2086
		sign_in $who
		[ "$code" = 401 ]
		[ "$(wc -l <proxy.met)" -eq 1 ] || { echo "$who"; return 1; }
	done
	sign_in bob bob-secret
	[ "$code" = 200 ]
	sign_in boss 'correct horse battery'
	[ "$code" = 200 ]
}

@test "an entry that was renamed is found by its id; one that is gone is not" {
	directory_up
	servers_up
	ldapmodrdn -H "$LDAPI_URL" -x -D "$MANAGER_DN" -w manager-secret -r \
	    "uid=ann,ou=people,$SUFFIX" uid=anna
	sign_in ann ann-secret
	[ "$code" = 200 ]
	ldapdelete -H "$LDAPI_URL" -x -D "$MANAGER_DN" -w manager-secret \
	    "uid=anna,ou=people,$SUFFIX"
	sign_in ann ann-secret
	[ "$code" = 401 ]
	# The name belongs to somebody else now, who is not that member.
	printf 'dn: uid=ann,ou=people,%s\nobjectClass: inetOrgPerson\nuid: ann\ncn: x\nsn: x\nuserPassword: other-secret\n' \
	    "$SUFFIX" | ldapadd -H "$LDAPI_URL" -x -D "$MANAGER_DN" \
	    -w manager-secret
	sign_in ann other-secret
	[ "$code" = 401 ]
	sign_in ann ''
	[ "$code" = 401 ]
}

@test "the gate tells of a session in use, which lives on" {
	directory_up
	servers_up
	sign_in ann ann-secret
	[ "$(app)" = 200 ]
	before=$(sqlite3 -readonly state.db 'SELECT max(expires_s) FROM sessions')
	sqlite3 -cmd '.timeout 10000' state.db 'UPDATE sessions SET expires_s = expires_s - 2000'
	# The gate tells once a minute; another worker of it has told nobody yet.
	kill "$(pgrep -P "$gate_pid" | head -1)"
	# The record in the view is the old one: still good.
	until_true test "$(app)" = 200
	renewed() {
		[ "$(sqlite3 -readonly state.db 'SELECT max(expires_s) FROM sessions')" -ge "$before" ]
	}
	until_true renewed
	rg log --json | grep -q session.renew
}
