#!/usr/bin/env bats
# Spreadsheets of members, by the command: template, export, check, run.

setup() {
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	build=${ROLEGATE_BUILD:-$root/build}
	case $build in /*) ;; *) build=$root/$build ;; esac
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/rolegate-import.XXXXXX")
	cd "$tmp" || exit 1
	cat >rolegate.yaml <<-EOC
		store: $tmp/state.db
		catalogues: $root/catalogs
	EOC
	export ROLEGATE_CONFIG=$tmp/rolegate.yaml
	cat >state.jsonl <<-'EOC'
		{"type":"member","username":"ann","email":"ann@example.org","name":"Ann van Dyke","phone":"+49 30 1","status":"active"}
		{"type":"member","username":"bob","email":"bob@example.org","name":"=cmd|x","status":"active"}
		{"type":"member","username":"eve","email":"eve@example.org","name":"'-quoted, \"twice\"","status":"active"}
		{"type":"member","username":"man","email":"man@example.org","status":"active"}
		{"type":"member","username":"sue","email":"sue@example.org","status":"active"}
		{"type":"account","id":"net","name":"Net","kind":"shared","level":"network","catalogue":"performance-marketing","status":"active","owner":"sue"}
		{"type":"grant","member":"ann","account":"net","role":"observer","source":"local"}
		{"type":"grant","member":"bob","account":"net","role":"member","source":"local"}
		{"type":"grant","member":"eve","account":"net","role":"filtered_reporting","source":"local","filter":["region=East","site=+7"]}
		{"type":"grant","member":"man","account":"net","role":"manager","source":"local"}
		{"type":"grant","member":"sue","account":"net","role":"super_user","source":"local"}
	EOC
	rg load state.jsonl >/dev/null
}

teardown() {
	rm -rf "$tmp"
}

rg() {
	"$build/rolegate" "$@"
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

@test "S13 L3 what was exported imports as no change, and has no formula" {
	rg import export --account net >people.csv
	python3 - <<-'PY'
		import csv
		rows = list(csv.DictReader(open("people.csv", newline="")))
		assert len(rows) == 5, rows
		for row in rows:
		    for cell in row.values():
		        assert not cell or cell[0] not in "=+-@\t\r", cell
		assert rows[1]["first_name"] == "'=cmd|x", rows[1]
		assert rows[0]["phone"] == "'+49 30 1"
	PY
	rg export >before
	says 0 "same" import check people.csv --account net
	[ "$(rg import check people.csv --account net | cut -f2 | sort -u)" = same ]
	rg import run people.csv --account net --yes >/dev/null 2>&1
	rg export | cmp - before
}

@test "r154 check shows what run does, and run does it row by row" {
	printf 'Email,ACTION,role,phone\r\nx@example.org,add,member,\r\n,,,\r\nann@example.org,edit,manager,12\r\nbob@example.org,delete,,\r\nnobody@example.org,delete,,\r\n' >p.csv
	rg export >before
	run rg import check p.csv --account net
	[ "$status" -eq 1 ]
	rg export | cmp - before
	[ "$(cut -f1,2 <<<"$output")" = "$(printf '2\tchanged\n4\tchanged\n5\tchanged\n6\trefused')" ]
	rg import run p.csv --account net --yes 2>/dev/null >ran || [ $? -eq 1 ]
	[ "$output" = "$(cat ran)" ]
	[ "$(rg invite list | cut -f2)" = x@example.org ]
	[ "$(rg grant list --member ann | cut -f2)" = manager ]
	[ -z "$(rg grant list --member bob)" ]
	[ "$(rg import list | cut -f1,2,8-10)" = "1	errors	4	3	1" ]
	rg import show 1 --rejects >again.csv
	[ "$(wc -l <again.csv)" -eq 2 ]
	grep -q 'nobody@example.org.*nobody on net' again.csv
	rg import resume 1 >/dev/null 2>&1 || [ $? -eq 1 ]
	[ "$(rg import list | cut -f10)" = 1 ]
}

@test "152 M12 P2 a Manager's spreadsheet is refused whole" {
	printf 'action,email,role\nadd,x@example.org,member\n' >p.csv
	says 5 "[no_right]" import check p.csv --account net --as man
	says 5 "[no_right]" import run p.csv --account net --as man --why x --yes
	says 0 "invites x@example.org" import check p.csv --account net --as sue
	says 0 "invites x@example.org" import run p.csv --account net --as sue --dry-run --yes
	[ -z "$(rg import list)" ]
	[ -z "$(rg invite list)" ]
	rg import run p.csv --account net --as sue --why "new people" --yes >/dev/null 2>&1
	[ "$(rg log --action import.start | cut -f3,6)" = "member:sue	new people" ]
	[ "$(rg log --action invitation.add | cut -f3,6)" = "member:sue	import 1" ]
	[ "$(rg notify list sue | cut -f3)" = import ]
}

@test "a sheet with a fault is refused whole, with every place" {
	printf 'action,email,role,king\nadd,x@example.org,member,1\n' >p.csv
	says 3 "p.csv:1:19" import check p.csv --account net
	printf 'action,role\nadd,member\n' >p.csv
	says 3 "[sheet_column]" import check p.csv --account net
	printf 'action,email,email\n' >p.csv
	says 3 "[sheet_column]" import check p.csv --account net
	printf 'action,email\nadd\nadd,x@example.org,y\n' >p.csv
	run rg import check p.csv --account net
	[ "$status" -eq 3 ]
	[ "$(grep -c sheet_width <<<"$output")" -eq 2 ]
	: >p.csv
	says 3 "[sheet_column]" import check p.csv --account net
	{ echo action,email; printf 'add,%01100d@example.org\n' 1; } >p.csv
	says 3 "[sheet_cell]" import check p.csv --account net
	says 2 "[usage]" import check p.csv
	says 2 "[need_yes]" import run p.csv --account net
	echo action,email >p.csv
	says 3 "[sheet_rows]" import check p.csv --account net
}

@test "10,000 rows and not one more" {
	{ echo action,email,role; seq -f 'add,x%g@example.org,member' 10001; } >p.csv
	says 3 "[sheet_rows]" import check p.csv --account net
	sed -i '$d' p.csv
	[ "$(rg import check p.csv --account net | cut -f2 | sort | uniq -c | tr -s ' ')" = " 10000 changed" ]
	rg import run p.csv --account net --yes >/dev/null 2>&1
	[ "$(rg invite list | wc -l)" -eq 10000 ]
}
