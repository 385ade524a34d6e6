# The sample directory, as LDIF on standard output: 30 people, 12 groups. It is
# all made up. Groups stand in groups, two of them in a cycle; one person is
# disabled; names have umlauts, and one DN an escaped comma.

SUFFIX=dc=example,dc=org

entry() {
	printf '%s\n' "$@" ''
}

person() { # uid, given name, family name, more lines
	entry "dn: uid=$1,ou=people,$SUFFIX" "objectClass: inetOrgPerson" \
	    "uid: $1" "cn: $2 $3" "givenName: $2" "sn: $3" \
	    "mail: $1@example.org" "${@:4}"
}

group() { # cn, then uids, or group:CN, or dn:DN
	local cn=$1 member
	shift
	printf 'dn: cn=%s,ou=groups,%s\nobjectClass: groupOfNames\ncn: %s\n' \
	    "$cn" "$SUFFIX" "$cn"
	for member in "$@"; do
		case $member in
		group:*) echo "member: cn=${member#group:},ou=groups,$SUFFIX" ;;
		dn:*) echo "member: ${member#dn:}" ;;
		*) echo "member: uid=$member,ou=people,$SUFFIX" ;;
		esac
	done
	echo
}

directory() {
	entry "dn: $SUFFIX" "objectClass: dcObject" "objectClass: organization" \
	    "o: Example" "dc: example"
	entry "dn: cn=sync,$SUFFIX" "objectClass: organizationalRole" \
	    "objectClass: simpleSecurityObject" "cn: sync" \
	    "userPassword: unused"
	entry "dn: ou=people,$SUFFIX" "objectClass: organizationalUnit" "ou: people"
	entry "dn: ou=groups,$SUFFIX" "objectClass: organizationalUnit" "ou: groups"

	person ada Ada Quist
	person ben Ben Okafor
	person cora Cora Lindqvist
	person dora Dora Petrova
	person emil Emil Sato
	person finn Finn Haas
	person gita Gita Rao
	person hugo Hugo Marsh
	person ines Ines Duarte
	person jonas Jonas Weiß
	person kaya Kaya Demir
	person luis Luis Prado
	person mona 'Mona' 'Müller-Lüdenscheidt'
	person nils Nils Åberg
	person oona Oona Kivi
	person paul Paul Grün "employeeType: disabled"
	person quin Quin Abel
	person rosa Rosa Neri
	person sven Sven Öst
	person tara Tara Bose
	person ugo Ugo Ricci
	person vera Vera Blum
	person wim Wim Smit
	person xena Xena Pappas
	person yara Yara Haddad
	person zoe Zoë Blanc
	person amir Amir Farsi
	person bela Béla Kun
	person cleo Cleo Stone
	# A comma in the name of the entry itself.
	entry "dn: cn=Doe\\, Jane,ou=people,$SUFFIX" \
	    "objectClass: inetOrgPerson" "cn: Doe, Jane" "sn: Doe" \
	    "uid: jane" "mail: jane@example.org"

	group business-owners ada
	group business-viewers ben 'dn:cn=Doe\, Jane,ou=people,'"$SUFFIX"
	group sales-editors cora dora group:sales-leads
	group sales-leads emil
	group support-agents finn gita paul
	# These two are in each other: the walk ends all the same.
	group night-shift hugo group:day-shift
	group day-shift ines group:night-shift
	group network-admins kaya
	group network-members luis mona
	group network-observers nils oona
	group acme-managers quin rosa
	# Its name says account and role.
	group rg-berlin-reporting.viewer sven tara ugo vera wim xena
}
