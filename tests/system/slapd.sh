# slapd.sh - a directory of one's own for a test: unprivileged, in a folder,
# on an ldapi socket and a loopback port that was free. Source it; then
#
#   slapd_prepare DIR [LINE of slapd.conf ...]   config, TLS, empty database
#   slapd_load DIR < LDIF                        offline, before the start
#   slapd_start DIR                              sets SLAPD_PID and the URLs
#   slapd_stop DIR
#   slapd_change DIR < LDIF                      ldapmodify as the manager
#
# URLs: LDAPI_URL, LDAP_URL (StartTLS), LDAPS_URL; all name 127.0.0.1, which
# is what the certificate is for. The CA is DIR/ca.pem. The sync's account is
# $SYNC_DN with the password 'sync-secret'; over ldapi, EXTERNAL is the same.

SUFFIX=dc=example,dc=org
SYNC_DN=cn=sync,$SUFFIX
MANAGER_DN=cn=manager,$SUFFIX

free_port() {
	python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# A CA of the test's own and a certificate for 127.0.0.1: DIR/ca.pem,
# DIR/NAME.pem, DIR/NAME.key. subjectAltName is the third word.
make_ca() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -days 2 -subj "/CN=Test CA" -keyout "$1/ca.key" -out "$1/ca.pem" \
	    2>"$1/openssl.log"
}

make_certificate() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -subj "/CN=$2" -keyout "$1/$2.key" -out "$1/$2.csr" \
	    2>>"$1/openssl.log" &&
	printf 'subjectAltName=%s\n' "$3" >"$1/$2.ext" &&
	openssl x509 -req -in "$1/$2.csr" -CA "$1/ca.pem" -CAkey "$1/ca.key" \
	    -CAcreateserial -days "${4:-2}" -extfile "$1/$2.ext" \
	    -out "$1/$2.pem" 2>>"$1/openssl.log"
}

slapd_prepare() {
	local dir=$1
	shift
	mkdir -p "$dir/db"
	[ -f "$dir/ca.pem" ] || make_ca "$dir" || return 1
	[ -f "$dir/server.pem" ] ||
	    make_certificate "$dir" server IP:127.0.0.1 || return 1
	{
		cat <<-CONF
		include /etc/ldap/schema/core.schema
		include /etc/ldap/schema/cosine.schema
		include /etc/ldap/schema/inetorgperson.schema
		include /etc/ldap/schema/nis.schema
		modulepath /usr/lib/ldap
		moduleload back_mdb
		pidfile $dir/slapd.pid
		TLSCACertificateFile $dir/ca.pem
		TLSCertificateFile $dir/server.pem
		TLSCertificateKeyFile $dir/server.key
		authz-regexp gidNumber=[0-9]*.uidNumber=[0-9]*,cn=peercred,cn=external,cn=auth $SYNC_DN
		database mdb
		maxsize 268435456
		suffix $SUFFIX
		rootdn $MANAGER_DN
		rootpw manager-secret
		directory $dir/db
		dbnosync
		index objectClass,uid,cn,entryUUID eq
		CONF
		printf '%s\n' "$@"
		grep -q '^limits' <<<"$(printf '%s\n' "$@")" ||
		    printf 'limits dn.exact=%s size=unlimited time=unlimited\n' \
		    "$SYNC_DN"
		grep -q '^access' <<<"$(printf '%s\n' "$@")" ||
		    printf 'access to attrs=userPassword by anonymous auth\n%s\n' \
		    'access to * by users read'
	} >"$dir/slapd.conf"
}

slapd_load() {
	slapadd -q -f "$1/slapd.conf" >"$1/slapadd.log" 2>&1
}

slapd_stopped() {
	! kill -0 "$1" 2>/dev/null
}

slapd_start() {
	local dir=$1 try i
	LDAPI_URL=ldapi://$(printf '%s' "$dir/ldapi" | sed 's,/,%2F,g')
	for try in 1 2 3 4 5; do
		LDAP_PORT=$(free_port)
		LDAPS_PORT=$(free_port)
		LDAP_URL=ldap://127.0.0.1:$LDAP_PORT
		LDAPS_URL=ldaps://127.0.0.1:$LDAPS_PORT
		slapd -d 0 -f "$dir/slapd.conf" \
		    -h "$LDAPI_URL $LDAP_URL $LDAPS_URL" \
		    >"$dir/slapd.log" 2>&1 3>&- &
		SLAPD_PID=$!
		echo "$SLAPD_PID" >"$dir/pid"
		for i in $(seq 1 100); do
			ldapwhoami -H "$LDAPI_URL" -Y EXTERNAL -Q \
			    >/dev/null 2>&1 && return 0
			slapd_stopped "$SLAPD_PID" && break
			sleep 0.1
		done
		slapd_stop "$dir"
	done
	cat "$dir/slapd.log" >&2
	return 1
}

slapd_stop() {
	local pid
	pid=$(cat "$1/pid" 2>/dev/null) || return 0
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	rm -f "$1/pid"
	return 0
}

slapd_change() {
	ldapmodify -H "$LDAPI_URL" -x -D "$MANAGER_DN" -w manager-secret \
	    >"$1/ldapmodify.log" 2>&1 || { cat "$1/ldapmodify.log" >&2; return 1; }
}
