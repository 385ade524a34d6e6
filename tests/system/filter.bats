#!/usr/bin/env bats
# What an application does with the filter that the gate signed, in five
# languages: the examples of the guide, each against the same headers.

setup() {
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/rolegate-filter.XXXXXX")
	hex=$(printf '0123456789abcdef%.0s' 1 2 3 4)
	echo "$hex" >"$tmp/key"
	later=$(($(date +%s) + 60))
	ever="v1 $later eve net"
}

teardown() {
	rm -rf "$tmp"
}

# The header as the gate makes it: everything, and its MAC.
signed() {
	printf '%s %s' "$1" "$(printf '%s' "$1" |
		openssl dgst -sha256 -mac HMAC -macopt "hexkey:$hex" -r |
		cut -d' ' -f1)"
}

# Each language by its own interpreter; no command line takes the key.
ask() { # $1 language
	case $1 in
	py) python3 "$root/docs/examples/filter.py" "$tmp/key" ;;
	js) node "$root/docs/examples/filter.js" "$tmp/key" ;;
	php) php "$root/docs/examples/filter.php" "$tmp/key" ;;
	rb) ruby "$root/docs/examples/filter.rb" "$tmp/key" ;;
	pl) perl "$root/docs/examples/filter.pl" "$tmp/key" ;;
	esac
}

# $1 is the header, $2 what each language says of it.
all_say() {
	for language in py js php rb pl; do
		run ask "$language" <<<"$1"
		echo "$language: $status '$output'"
		[ "$status" -eq 0 ]
		[ "$output" = "$2" ]
	done
}

all_refuse() {
	for language in py js php rb pl; do
		run ask "$language" <<<"$1"
		echo "$language: $status '$output'"
		[ "$status" -ne 0 ]
		[ -z "$output" ] || [[ "$output" == *rror* || "$output" == *arning* ]]
	done
}

@test "L1 an unfiltered answer says so, and is not a missing header" {
	all_say "$(signed "$ever all")" "eve net all"
}

@test "L1 a filter is read with its escapes" {
	all_say "$(signed "v1 $later e%20ve n%25t region=North%20West;site=7")" \
		"e ve n%t region is North West"
}

@test "L1 nothing is shown without a header, or for half of one" {
	all_refuse ""
	all_refuse "$(signed "$ever all" | cut -c1-40)"
	all_refuse "$ever all"
}

@test "L1 a header that somebody changed shows nothing" {
	header=$(signed "$ever region=West")
	all_refuse "${header/West/East}"
	all_refuse "${header/eve/ann}"
	all_refuse "${header%?}0$(printf '%s' x)"
	hex=$(printf 'ffffffffffffffff%.0s' 1 2 3 4)
	all_refuse "$(signed "$ever all")"
}

@test "L1 an old header and one of another version show nothing" {
	all_refuse "$(signed "v1 $(($(date +%s) - 2)) eve net all")"
	all_refuse "$(signed "v2 $later eve net all")"
}

@test "each example is shorter than 30 lines" {
	for file in "$root"/docs/examples/filter.*; do
		[ "$(wc -l <"$file")" -lt 30 ]
	done
	[ "$(ls "$root"/docs/examples/filter.* | wc -l)" -eq 5 ]
}
