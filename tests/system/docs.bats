#!/usr/bin/env bats
# The pages say what the tree does: each of them is compared with its source.

setup() {
	. "$BATS_TEST_DIRNAME/kit.sh"
	world docs
	cd "$root" || exit 1
}

teardown() {
	world_end
}

# The files of the tree, and nothing that was built.
tree_files() {
	if git -C "$root" rev-parse --git-dir >/dev/null 2>&1; then
		git -C "$root" ls-files
	else
		find . \( -path ./build -o -path ./.git \) -prune -o -type f -print | sed 's,^\./,,'
	fi
}

c_files() {
	tree_files | grep -E '^(src|cli|fcgi|sync)/.*\.[ch]$'
}

# First cells of the rows of a table, without the backquotes.
first_cells() {
	sed -n 's/^| `\{0,1\}\([A-Za-z0-9_.]*\)`\{0,1\} |.*/\1/p' "$1"
}

same_lists() { # $1 and $2 are sorted files, $3 and $4 what they are
	if ! cmp -s "$1" "$2"; then
		echo "only in $3:"
		comm -23 "$1" "$2"
		echo "only in $4:"
		comm -13 "$1" "$2"
		return 1
	fi
}

@test "docs: every message code of the C code has its row in docs/messages.md" {
	c_files | xargs tests/system/docs-codes | sort -u >"$tmp/code"
	first_cells docs/messages.md | sort -u >"$tmp/page"
	comm -23 "$tmp/code" "$tmp/page" >"$tmp/missing"
	cat "$tmp/missing"
	[ -s "$tmp/code" ]
	[ ! -s "$tmp/missing" ]
}

@test "docs: every row of docs/messages.md is a code of the C code" {
	c_files | xargs tests/system/docs-codes --literals | sort -u >"$tmp/code"
	first_cells docs/messages.md | grep -v '^code$' | sort -u >"$tmp/page"
	comm -13 "$tmp/code" "$tmp/page" >"$tmp/stale"
	cat "$tmp/stale"
	[ ! -s "$tmp/stale" ]
}

@test "docs: no code has two rows in docs/messages.md" {
	first_cells docs/messages.md | sort | uniq -d >"$tmp/twice"
	cat "$tmp/twice"
	[ ! -s "$tmp/twice" ]
}

@test "docs: every bound of bounds.h and of the sync stands in docs/limits.md with its value" {
	cat src/base/bounds.h sync/limits.h | grep '_MAX' |
	    sed -n -e 's,/\*.*,,' -e 's/(size_t)//' -e \
		's/^#define \([A-Z_]*\)[[:space:]]*\(.*[0-9)]\).*$/\1 \2/p' |
	while read -r name value; do
		printf '%s %d\n' "$name" "$((value))"
	done | sort >"$tmp/code"
	sed -n 's/^| `\([A-Z_]*\)` | \([0-9,]*\) |.*/\1 \2/p' docs/limits.md |
	    tr -d , | sort >"$tmp/page"
	[ -s "$tmp/code" ]
	same_lists "$tmp/code" "$tmp/page" "the headers" docs/limits.md
}

@test "docs: every reason of the decision stands in docs/decision.md" {
	sed -n '/^enum reason/,/^};/s/^\tREASON_\([A-Z_]*\).*/\1/p' \
	    src/decide/decide.h | grep -v '^COUNT$' |
	    tr '[:upper:]' '[:lower:]' >"$tmp/reasons"
	[ "$(wc -l <"$tmp/reasons")" -ge 16 ]
	while read -r reason; do
		grep -qF "\`$reason\`" docs/decision.md || {
			echo "$reason"
			return 1
		}
	done <"$tmp/reasons"
}

@test "docs: J1-J25 and M1-M16 stand once each in docs/decision.md" {
	{ seq -f 'J%g' 25; seq -f 'M%g' 16; } | sort >"$tmp/want"
	sed -n 's/^- \*\*\([JM][0-9]*\)\*\*.*/\1/p' docs/decision.md |
	    sort >"$tmp/page"
	same_lists "$tmp/want" "$tmp/page" "the numbers" docs/decision.md
}

@test "docs: every case ID in the name of a test stands in docs/cases.md" {
	{
		tree_files | grep -E '^tests/.*\.bats$' | xargs cat |
		    sed -n 's/^@test "\(.*\)" *{$/\1/p'
		tree_files | grep -E '^tests/.*\.c$' | xargs cat |
		    sed -n -e 's/.*START_TEST(\(.*\))/\1/p' \
			-e 's/.*"\(.*\)".*/\1/p'
	} | grep -oE '\b(RD|SH|OW|PL|[WTSDP])[0-9]+\b' | sort -u >"$tmp/named"
	first_cells docs/cases.md | sort -u >"$tmp/page"
	# S10 to S23 are rules of docs/requirements.md.
	sed -n 's/^- \*\*\(S[0-9]*\)\*\*.*/\1/p' docs/requirements.md |
	    sort -u - "$tmp/page" >"$tmp/known"
	comm -23 "$tmp/named" "$tmp/known" >"$tmp/missing"
	cat "$tmp/missing"
	[ -s "$tmp/named" ]
	[ ! -s "$tmp/missing" ]
}

@test "docs: every case of docs/cases.md has a test, but those that say they have none" {
	sed '/^## Without a test/q' docs/cases.md >"$tmp/cases"
	first_cells "$tmp/cases" | grep "[0-9]" | sort -u >"$tmp/page"
	[ "$(wc -l <"$tmp/page")" -ge 120 ]
	{
		tree_files | grep '^tests/'
		tree_files | grep -E '^tests/.*\.(bats|py|c)$' | xargs cat
	} | grep -oE '[A-Z]+[0-9]+' | sort -u >"$tmp/tested"
	comm -23 "$tmp/page" "$tmp/tested" >"$tmp/missing"
	cat "$tmp/missing"
	[ ! -s "$tmp/missing" ]
}

@test "docs: every permission of the catalogues is a rule of docs/requirements.md" {
	for csv in catalogs/*.csv; do
		sed -n '2,$s/^\([a-z_.]*\),.*/\1/p' "$csv"
	done >"$tmp/permissions"
	[ "$(wc -l <"$tmp/permissions")" -eq 76 ]
	while read -r permission; do
		grep -qE "^[0-9]+\. \`$permission\`: " docs/requirements.md || {
			echo "$permission"
			return 1
		}
	done <"$tmp/permissions"
}

@test "docs: the nginx lines of README.md are those of the example site" {
	sed -n '/^```nginx$/,/^```$/p' README.md | grep -v '^```' >"$tmp/readme"
	[ "$(wc -l <"$tmp/readme")" -ge 2 ]
	while read -r line; do
		[ -n "$line" ] || continue
		grep -qF -- "$line" nginx/example-site.conf || {
			echo "not in nginx/example-site.conf: $line"
			return 1
		}
	done <"$tmp/readme"
}

@test "docs: nothing in the tree names a folder of one machine" {
	# In brackets, so that this file does not find itself.
	tree_files | tr '\n' '\0' | xargs -0 grep -nIE \
	    '(^|[^A-Za-z0-9_./-])/(wor[k]|far[m])/|[.][.]/share[d]|/hom[e]/[a-z]+/' \
	    >"$tmp/found" || true
	cat "$tmp/found"
	[ ! -s "$tmp/found" ]
}

@test "docs: every link between the pages leads somewhere" {
	tree_files | grep -E '\.md$' >"$tmp/pages"
	while read -r page; do
		grep -oE '\]\([^)#:]+(#[^)]*)?\)' "$page" |
		    sed 's/^](\([^)#]*\).*/\1/' |
		while read -r target; do
			[ -e "$(dirname "$page")/$target" ] || {
				echo "$page: $target"
				return 1
			}
		done || return 1
	done <"$tmp/pages"
}

@test "docs: rolegate.yaml(5) names every key that 'config keys' prints" {
	"$build/rolegate" config keys |
	    sed -n 's/^\([a-z][a-z_.]*\).*/\1/p' | sort -u >"$tmp/keys"
	[ "$(wc -l <"$tmp/keys")" -ge 10 ]
	sed -n 's/^\.B \(.*\)/\1/p' docs/man/rolegate.yaml.5 | tr -d '\\' |
	    sort -u >"$tmp/page"
	comm -23 "$tmp/keys" "$tmp/page" >"$tmp/missing"
	cat "$tmp/missing"
	[ ! -s "$tmp/missing" ]
}

@test "docs: the man pages are clean" {
	command -v groff >/dev/null || skip "groff is not installed"
	for page in docs/man/*.[158]; do
		groff -man -ww -Tutf8 -P-c "$page" 2>&1 >/dev/null |
		    tee -a "$tmp/warnings"
	done
	[ ! -s "$tmp/warnings" ]
}

@test "packaging: the units are rated 1.5 or better and verify" {
	command -v systemd-analyze >/dev/null || skip "no systemd-analyze"
	for unit in packaging/systemd/*.service; do
		systemd-analyze security --offline=true --threshold=15 \
		    --no-pager "$unit" >"$tmp/rating" 2>&1 || {
			tail -n 1 "$tmp/rating"
			return 1
		}
	done
}

@test "packaging: make install puts everything below DESTDIR" {
	make -s BUILD="$build" DESTDIR="$tmp/root" PREFIX=/opt/rg \
	    SYSCONFDIR=/opt/etc install
	for file in bin/rolegate bin/rolegate-sync sbin/rolegated; do
		[ -x "$tmp/root/opt/rg/$file" ]
	done
	for file in nginx/rolegate-server.conf nginx/rolegate-protect.conf \
	    catalogs/call-tracking-matrix.csv; do
		[ -r "$tmp/root/opt/rg/share/rolegate/$file" ]
	done
	for page in man1/rolegate.1 man5/rolegate.yaml.5 man8/rolegated.8 \
	    man8/rolegate-sync.8; do
		[ -r "$tmp/root/opt/rg/share/man/$page" ]
	done
	[ -d "$tmp/root/opt/etc/rolegate" ]
	units=$tmp/root/opt/rg/lib/systemd/system
	grep -qF 'ExecStart=/opt/rg/sbin/rolegated --config /opt/etc/rolegate/' \
	    "$units/rolegated.service"
	! grep -rn '/usr/\(s\{0,1\}bin\)/rolegate' "$units" || return 1
	# What is installed names what is installed.
	! grep -rnE '/usr/share/rolegate|[^t]/etc/rolegate' "$tmp/root/opt/rg" \
	    --include='*.conf' --include='*.sample' --include='*.[158]' \
	    --include='*.service' || return 1
	grep -q 'include /opt/rg/share/rolegate/nginx/rolegate-http.conf' \
	    "$tmp/root/opt/rg/share/rolegate/nginx/example-site.conf"
	# Nothing outside of the two folders that were named.
	[ "$(cd "$tmp/root" && find . -type f | grep -vcE '^\./opt/(rg|etc)/')" \
	    -eq 0 ]
}

@test "P5 one function gives a role, beside the restore of the system" {
	c_files | grep -v '^src/store/' | xargs grep -l 'store_put_grant(' >"$tmp/writers"
	printf '%s\n' src/admin/grant.c src/admin/load.c | cmp - "$tmp/writers"
	[ "$(grep -c 'store_put_grant(' src/admin/grant.c)" -eq 1 ]
	[ "$(grep -c 'store_put_grant(' src/admin/load.c)" -eq 1 ]
}

@test "A8 no secret is compared byte by byte: by its digest, or in constant time" {
	c_files | xargs grep -nE '(memcmp|strn?cmp|str_eq|str_cmp)\([^;]*(token|csrf|password|secret)\b' |
	    grep -vE 'sodium_memcmp|_file' >"$tmp/found" || true
	cat "$tmp/found"
	[ ! -s "$tmp/found" ]
}

# A command with '!' ends no test of bats, unless it is the last one.
@test "a no in the middle of a test is one that can fail" {
	for file in "$root"/tests/system/*.bats; do
		awk -v file="${file##*/}" '
			held != "" && !/^}/ { print file ": " held }
			{ held = "" }
			/^\t+! / && !/(\|\||\\)/ { held = $0 }' "$file"
	done >"$tmp/found"
	cat "$tmp/found"
	[ ! -s "$tmp/found" ]
}
