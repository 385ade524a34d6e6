#!/usr/bin/env bats
# Spreadsheets of members, by the command: template, export, check, run.

setup() {
	. "$BATS_TEST_DIRNAME/kit.sh"
	world import
	cat >rolegate.yaml <<-EOC
		store: $tmp/state.db
		catalogues: $root/catalogs
	EOC
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

# --- XLSX: by a library that is not ours ----------------------------------------

python() {
	/usr/bin/python3 - "$@"
}

@test "XLSX: what another program wrote is read; its export imports as no change" {
	says 0 "" import export --account net --xlsx out.xlsx
	python <<-'PY'
	import openpyxl
	rows = [[c or "" for c in r] for r in openpyxl.load_workbook("out.xlsx").active.values]
	open("out.txt", "w").write("\n".join(";".join(map(str, r)) for r in rows))
	assert rows[0][:3] == ["action", "email", "external_id"], rows[0]
	assert len(rows) > 1
	PY
	run rg import check out.xlsx --account net
	[ "$status" -eq 0 ]
	[ "$(cut -f2 <<<"$output" | sort -u)" = same ]
	python <<-'PY'
	import openpyxl
	book = openpyxl.Workbook()
	sheet = book.active
	sheet.append(["Email", "Action", "Role", "Phone"])
	sheet.append(["new@example.org", "add", "member", 4915112345678])
	sheet.append([])
	sheet.append(["=1+1", "add", "member", None])
	sheet["A4"].data_type = "s"
	book.create_sheet("other").append(["nonsense"])
	book.save("in.xlsx")
	PY
	run rg import check in.xlsx --account net
	[ "$status" -eq 1 ]
	[ "$(cut -f1,2 <<<"$output" | tr '\t\n' ' ;')" = "2 changed;4 refused;" ]
	says 1 "" import run in.xlsx --account net --yes
	[ "$(rg invite list | grep -c new@example.org)" -eq 1 ]
	says 0 "" import show 1 --rejects --xlsx rejects.xlsx
	python <<-'PY'
	import openpyxl
	rows = list(openpyxl.load_workbook("rejects.xlsx").active.values)
	assert rows[0][-1] == "error" and len(rows) == 2, rows
	assert rows[1][1] == "=1+1" and rows[1][-1], rows
	PY
	says 3 "[file_write]" import export --account net --xlsx out.xlsx
}

@test "XLSX: what is damaged is refused whole" {
	printf 'PK\003\004nonsense' >bad.xlsx
	says 3 "[xlsx_form]" import check bad.xlsx --account net
	says 3 "[xlsx_form]" import run bad.xlsx --account net --yes
}

@test "XLSX: 10,000 rows" {
	python <<-'PY'
	import openpyxl
	book = openpyxl.Workbook(write_only=True)
	sheet = book.create_sheet()
	sheet.append(["action", "email", "role"])
	for i in range(10000):
	    sheet.append(["add", "p%d@example.org" % i, "member"])
	book.save("large.xlsx")
	PY
	rg import check large.xlsx --account net >out
	[ "$(wc -l <out)" -eq 10000 ]
}
