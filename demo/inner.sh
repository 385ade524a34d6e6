# inner.sh - the demo itself, see run. All of it lives below $tmp.
set -eu

tmp=$1
checking=$([ "$2" = --check ] && echo yes || echo no)
cd "$tmp"
# shellcheck source=tests/system/slapd.sh
. demo/slapd.sh
# shellcheck source=demo/people.ldif.sh
. demo/people.ldif.sh
PATH=$tmp/bin:/usr/sbin:$PATH
export ROLEGATE_CONFIG=$tmp/rolegate.yaml

passed=0
failed=0

finish() {
	local pid
	trap - EXIT
	# All that this shell has in the background, by its ids.
	for pid in $(jobs -p); do
		kill "$pid" 2>/dev/null || true
	done
	wait || true
}
trap finish EXIT
trap 'exit 130' INT TERM

die() {
	echo "demo: $*" >&2
	tail -n 5 ./*.log >&2 2>/dev/null || true
	exit 1
}

wait_until() { # a command succeeds, for 10 seconds
	local i
	for i in $(seq 200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	die "gave up waiting for: $*"
}

title() {
	printf '\n== %s\n\n' "$*"
}

verify() { # sentence, then a test
	local says=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
		[ "$checking" = no ] || echo "ok - $says"
	else
		failed=$((failed + 1))
		echo "not ok - $says"
	fi
}

secret() {
	od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

# --- Redis: one user who may publish, one who may read --------------------------

redis_up() {
	(umask 077; secret >publisher.password; secret >gate.password)
	(umask 077; cat >users.acl <<-ACL
	user default off
	user rolegate-publisher on >$(cat publisher.password) resetchannels ~rolegate:{default}:* +@read +@write +@transaction +scan +ping -@dangerous
	user rolegate-gate on >$(cat gate.password) resetchannels ~rolegate:{default}:* &__redis__:invalidate +@read +client|id +client|tracking +ping +subscribe -@dangerous
	ACL
	)
	redis-server --port 0 --unixsocket "$tmp/redis.sock" --save '' \
	    --appendonly no --dir "$tmp" --aclfile "$tmp/users.acl" \
	    --daemonize no >redis.log 2>&1 &
	wait_until test -S redis.sock
}

# --- rolegate --------------------------------------------------------------------

configure() {
	cat >rolegate.yaml <<-CONF
	store: $tmp/rolegate.db
	catalogues: $tmp/catalogs
	mapping: $tmp/mapping.yaml
	view:
	  redis:
	    address: unix:$tmp/redis.sock
	    user: rolegate-publisher
	    password_file: $tmp/publisher.password
	  key_file: $tmp/view.key
	gate:
	  socket: $tmp/run/gate.sock
	  control: $tmp/run/control.sock
	  workers: 2
	  redis:
	    address: unix:$tmp/redis.sock
	    user: rolegate-gate
	    password_file: $tmp/gate.password
	  cookie: rolegate
	  trusted_user: yes
	  routes: $tmp/demo/routes.yaml
	  log: all
	  log_file: $tmp/decisions.log
	CONF
	cat >mapping.yaml <<-CONF
	sources:
	  corp:
	    url: "$LDAPI_URL"
	    bind: {method: external}
	    people:
	      base: "ou=people,$SUFFIX"
	      disabled: {attribute: employeeType, value: disabled}
	    groups: {base: "ou=groups,$SUFFIX"}
	    grants:
	      - {group: business-owners, account: my-business, role: full.editor}
	      - {group: business-viewers, account: my-business, role: full.viewer}
	      - {group: sales-editors, account: sales, role: configuration.editor}
	      - {group: support-agents, account: support, role: reporting.editor}
	      - {group: night-shift, account: support, role: reporting.viewer}
	      - {group: network-admins, account: network, role: super_user}
	      - {group: network-members, account: network, role: member}
	      - {group: network-observers, account: network, role: observer}
	      - {group: acme-managers, account: acme, role: manager}
	      - pattern: "rg-{account}-{role}"
	        accounts: {create: yes, parent: sales, name: "Team {account}"}
	    ceiling: [full.editor, full.viewer, configuration.editor, reporting.editor, reporting.viewer, super_user, member, observer, manager]
	CONF
	rolegate key new "$tmp/view.key" >/dev/null
	rolegate config test
}

gate_up() {
	rolegate publish --follow >follow.log 2>&1 &
	rolegated >gate.log 2>&1 &
	wait_until test -S run/gate.sock
}

# --- nginx, with the shipped include files and an application behind -------------

nginx_configure() {
	local file
	mkdir -p nginx-temp
	for file in http server protect web; do
		sed -e "s,/run/rolegate/gate.sock,$tmp/run/gate.sock," \
		    -e "s,/run/rolegate/web.sock,$tmp/run/web.sock," \
		    "nginx/rolegate-$file.conf" >"run/rolegate-$file.conf"
	done
	cat >nginx.conf <<-CONF
	worker_processes 1;
	daemon off;
	pid $tmp/nginx.pid;
	error_log $tmp/nginx.log warn;
	events {}
	http {
	    access_log off;
	    client_body_temp_path $tmp/nginx-temp/body;
	    proxy_temp_path $tmp/nginx-temp/proxy;
	    fastcgi_temp_path $tmp/nginx-temp/fastcgi;
	    uwsgi_temp_path $tmp/nginx-temp/uwsgi;
	    scgi_temp_path $tmp/nginx-temp/scgi;
	    include $tmp/run/rolegate-http.conf;
	    server {
	        listen 127.0.0.1:$SITE_PORT;
	        set \$rolegate_app unix:$tmp/run/app.sock;
	        include $tmp/run/rolegate-server.conf;
	        include $tmp/run/rolegate-web.conf;
	        location /accounts/ {
	            include $tmp/run/rolegate-protect.conf;
	            proxy_pass http://\$rolegate_pass;
	        }
	        # The location names permission and account itself, and says who it
	        # is: a name that nginx knows from elsewhere.
	        location = /as-stranger {
	            include $tmp/run/rolegate-protect.conf;
	            set \$rolegate_permission calls.view;
	            set \$rolegate_account my-business;
	            set \$rolegate_trusted_user stranger;
	            proxy_pass http://\$rolegate_pass;
	        }
	    }
	    # The application: it says what it was told.
	    server {
	        listen unix:$tmp/run/app.sock;
	        location / {
	            return 200 "member=\$http_x_rolegate_member account=\$http_x_rolegate_account role=\$http_x_rolegate_role filter=\$http_x_rolegate_filter\n";
	        }
	    }
	}
	CONF
}

nginx_up() {
	local try
	for try in 1 2 3 4 5; do
		SITE_PORT=$(free_port)
		nginx_configure
		nginx -e "$tmp/nginx.log" -c "$tmp/nginx.conf" &
		NGINX_PID=$!
		for _ in $(seq 100); do
			curl -s -o /dev/null "http://127.0.0.1:$SITE_PORT/" &&
			    return 0
			kill -0 "$NGINX_PID" 2>/dev/null || break
			sleep 0.05
		done
	done
	die "nginx does not start"
}

# The address under which a browser sees it is known now.
web_up() {
	cat >>rolegate.yaml <<-CONF
	web:
	  socket: $tmp/run/web.sock
	  activity: $tmp/run/activity.sock
	  origin: http://127.0.0.1:$SITE_PORT
	  workers: 2
	  directory: yes
	CONF
	rolegate-web >web.log 2>&1 &
	wait_until test -S run/web.sock
}

# --- Requests ---------------------------------------------------------------------

# A member's session, as the header for curl, in a file: arguments are seen by
# everybody on the machine.
session() { # member
	[ -e "cookie.$1" ] || (
		umask 077
		printf 'Cookie: rolegate=%s\n' \
		    "$(rolegate session add "$1" --yes 2>/dev/null)" >"cookie.$1"
	)
}

# One row of the table. Every format of it is this one.
columns='%-8s %-5s %-37s %-12s %-4s %-17s'

header() { # name: its value in the last answer
	tr -d '\r' <headers | sed -n "s/^$1: //Ip"
}

# The account that a decision was about, as the gate has logged it.
account_of() { # decision id
	wait_until grep -qF " id=$1 " decisions.log
	sed -n "s/.* id=$1 .* account=\([^ ]*\) .*/\1/p" decisions.log
}

# who, method, path, status and reason wanted, text wanted in the body, sentence
ask() {
	local who=$1 method=$2 path=$3 want=$4 reason=$5 text=$6 says=$7
	local args=() status said account body
	shift 7
	case $who in
	- | stranger) ;;
	unknown) args=(-b "rolegate=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") ;;
	*)
		session "$who"
		args=(-H "@cookie.$who")
		;;
	esac
	status=$(curl -s --path-as-is -X "$method" -o body -D headers \
	    -w '%{http_code}' "${args[@]}" "$@" \
	    "http://127.0.0.1:$SITE_PORT$path")
	said=$(header X-Rolegate-Reason)
	account=$(account_of "$(header X-Rolegate-Decision-Id)")
	body=$(cat body)
	# shellcheck disable=SC2059
	printf "$columns %s\n" "$who" "$method" "$path" "${account:--}" \
	    "$status" "$said" "$says"
	[ -z "$text" ] || printf '%15s%s\n' '' "$body"
	verify "$says: $want $reason" test "$status $said" = "$want $reason"
	[ -z "$text" ] ||
	    verify "$says: the application hears $text" grep -qF -- "$text" body
}

requests() {
	# shellcheck disable=SC2059
	printf "$columns\n" WHO METH URL ACCOUNT CODE REASON
	ask ben GET /accounts/my-business/calls 200 granted 'member=ben account=my-business role=full.viewer' \
	    "a viewer views"
	ask ben POST /accounts/my-business/users 403 no_permission '' \
	    "a viewer is refused an edit"
	ask ben GET /accounts/sales/calls 200 granted 'account=sales' \
	    "a parent's member reaches the sub-account"
	ask jane GET /accounts/sales/users 200 granted '' \
	    "so does one with a comma in the DN"
	ask cora POST /accounts/sales/numbers 200 granted '' \
	    "an editor edits"
	ask cora GET /accounts/my-business/users 403 no_grant '' \
	    "a child's member is refused on the parent"
	ask emil POST /accounts/sales/numbers 200 granted '' \
	    "a group in a group counts"
	ask ines GET /accounts/support/calls 200 granted '' \
	    "and one in a cycle of groups"
	ask sven GET /accounts/berlin/calls 200 granted '' \
	    "an account made from a group's name"
	ask olga POST /accounts/my-business/users 200 granted 'role=full.editor' \
	    "the owner may do everything"
	ask olga POST /accounts/old-shop/users 403 account_status '' \
	    "but not where the account is suspended"
	ask fay GET /accounts/outlet/calls 200 granted 'account=outlet' \
	    "a grant with one of the licences that are owned"
	ask ben GET /accounts/outlet/calls 403 licence '' \
	    "a grant without any"
	ask fay GET /accounts/network/reports 200 granted_filtered 'filter=region=West' \
	    "a filtered role, with its filter"
	ask luis POST /accounts/acme/campaigns 200 granted '' \
	    "a network's member acts for a profile"
	ask luis POST /accounts/radio/applications 200 granted '' \
	    "and for a publisher"
	ask luis POST /accounts/network/campaigns 403 level '' \
	    "campaigns are a profile's, not the network's"
	ask rosa POST /accounts/acme/campaigns 200 granted 'role=manager' \
	    "a profile's manager, on their own profile"
	ask rosa POST /accounts/radio/applications 403 no_grant '' \
	    "but a publisher is none of theirs"
	ask nils POST /accounts/acme/campaigns 403 no_permission '' \
	    "an observer only looks"
	ask unknown GET /accounts/sales/calls 401 no_identity '' \
	    "a session that nobody has"
	ask - GET /accounts/sales/calls 401 no_identity '' \
	    "no session"
	ask stranger GET /as-stranger 403 no_member '' \
	    "a person whom nobody knows"
	ask ben GET /accounts/sales/%2e%2e/support/calls 403 ambiguous_path '' \
	    "a path that can be read in two ways"
	ask ben GET '/accounts/sales;x/calls' 403 ambiguous_path '' \
	    "and another one"
	ask ben GET /accounts/sales/secrets 403 no_route '' \
	    "what no route covers"
	ask ben POST /accounts/my-business/users 403 no_permission '' \
	    "a client that says it is somebody else" \
	    -H 'X-Rolegate-Member: olga' -H 'Remote-User: olga'
}

# --- Somebody signs in --------------------------------------------------------------

# The status; what is sent comes from a file, as arguments are seen by everybody.
call() { # method, path, file of the body or -, then curl's words
	local method=$1 path=$2 body=$3
	shift 3
	[ "$body" = - ] || set -- -H 'Content-Type: application/json' \
	    --data-binary "@$body" "$@"
	curl -s -X "$method" -o body -D headers -w '%{http_code}' "$@" \
	    "http://127.0.0.1:$SITE_PORT$path"
}

# what, method, path, file, status wanted, text wanted, then curl's words
web_ask() {
	local says=$1 method=$2 path=$3 body=$4 want=$5 text=$6 status
	shift 6
	status=$(call "$method" "$path" "$body" "$@")
	printf '%-5s %-52s %-4s %s\n' "$method" "$path" "$status" "$says"
	printf '%6s%s\n' '' "$(sed 's/"csrf": *"[^"]*"/"csrf":"…"/' body | cut -c1-160)"
	verify "$says: $want" test "$status" = "$want"
	verify "$says: $text" grep -qF -- "$text" body
}

sign_in() {
	local key
	slapd_change "$tmp/ldap" <<-LDIF
	dn: uid=ada,ou=people,$SUFFIX
	changetype: modify
	replace: userPassword
	userPassword: of-the-directory
	LDIF
	(
		umask 077
		printf '{"username":"ada","password":"wrong"}' >wrong.json
		printf '{"username":"ada","password":"of-the-directory"}' >right.json
		printf '{"members":[{"member":"ines","role":"reporting.viewer"}]}' >members.json
	)
	web_ask "a wrong password" POST /rolegate/sign-in wrong.json 401 bad_sign_in
	web_ask "the directory's password" POST /rolegate/sign-in right.json 200 expires_in
	(
		umask 077
		tr -d '\r' <headers | sed -n \
		    's/^Set-Cookie: \(rolegate=[^;]*\);.*/Cookie: \1/Ip' >cookie.web
	)
	web_ask "who it is" GET /rolegate/api/v1/me - 200 '"member":"ada"' -H @cookie.web
	key=$(sed -n 's/.*"csrf": *"\([^"]*\)".*/\1/p' body)
	(umask 077; printf 'X-Rolegate-CSRF: %s\n' "$key" >key.web)
	web_ask "may she?" GET '/rolegate/api/v1/check?permission=users.add&account=sales' - \
	    200 '"verdict":"allow"' -H @cookie.web
	web_ask "what it would do" POST '/rolegate/api/v1/accounts/sales/members?dry_run=true' \
	    members.json 200 '"dry_run":true' -H @cookie.web -H @key.web \
	    -H "Origin: http://127.0.0.1:$SITE_PORT"
	web_ask "the same from a foreign page" POST /rolegate/api/v1/accounts/sales/members \
	    members.json 403 '"code":"origin"' -H @cookie.web -H @key.web \
	    -H 'Origin: https://evil.example'
	ask - GET /accounts/sales/calls 200 granted 'member=ada' \
	    "the gate takes the same session" -H @cookie.web
}

# --- Somebody leaves a group ------------------------------------------------------

removal() {
	local committed last first
	session ben
	/usr/bin/python3 demo/ask-until-no.py "$SITE_PORT" \
	    /accounts/sales/calls "$tmp/cookie.ben" "$tmp/asked" &
	local asker=$!
	sleep 0.5
	slapd_change "$tmp/ldap" <<-LDIF
	dn: cn=business-viewers,ou=groups,$SUFFIX
	changetype: modify
	delete: member
	member: uid=ben,ou=people,$SUFFIX
	LDIF
	rolegate sync run
	wait "$asker"
	# The store's own time of the change, which is before its commit.
	committed=$(sqlite3 rolegate.db \
	    "SELECT at_ms FROM history ORDER BY seq DESC LIMIT 1")
	{ read -r last; read -r first; } <asked
	echo
	ask ben GET /accounts/sales/calls 403 no_grant '' \
	    "ben has left the group business-viewers"
	echo
	echo "the last allow was $((last - committed)) ms after the change was" \
	    "written, the first refusal $((first - committed)) ms"
	verify "nobody got in later than a second after the change" \
	    test "$last" -gt 0 -a "$first" -gt 0 -a $((last - committed)) -lt 1000
}

# --- The whole --------------------------------------------------------------------

title "A directory of 30 people and 12 groups, Redis, and a store"
slapd_prepare "$tmp/ldap"
directory | slapd_load "$tmp/ldap" || die "$(cat ldap/slapadd.log)"
slapd_start "$tmp/ldap" || die "slapd does not start"
redis_up
configure
rolegate load demo/state.jsonl
gate_up
nginx_up
web_up

title "What the sync would do: rolegate sync plan"
rolegate sync plan | tee plan.txt
verify "the plan adds everybody but the disabled person" \
    grep -q '^corp: 29 members to add' plan.txt

title "And does: rolegate sync apply 1"
rolegate sync apply 1 | tail -n 1
verify "the disabled person gets nothing" \
    bash -c '! rolegate member show paul >/dev/null 2>&1'

title "Requests through nginx"
requests

title "Why? rolegate explain ben users.add my-business"
rolegate explain ben users.add my-business || true

title "A person signs in with the directory's password, and uses the API"
sign_in

title "A person leaves a group: ldapmodify, then rolegate sync run"
removal

verify "nginx has stored no file" test -z "$(find nginx-temp -type f)"
sed -s 's/^Cookie: rolegate=//' cookie.* >tokens
verify "no token is in a log" bash -c '! grep -qFf tokens ./*.log'

if [ "$checking" = yes ]; then
	printf '\n%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" -eq 0 ]
	exit
fi
session olga
cat <<TRY

== It is all still there, until Ctrl-C

curl -H @$tmp/cookie.olga http://127.0.0.1:$SITE_PORT/accounts/sales/calls
ROLEGATE_CONFIG=$ROLEGATE_CONFIG $tmp/bin/rolegate what olga
tail -f $tmp/decisions.log
TRY
sleep infinity &
wait $! || true
