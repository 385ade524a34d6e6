#include <stdio.h>
#include <stdlib.h>

#include "admin/admin.h"
#include "fcgi/web/routes.h"
#include "model/json.h"
#include "model/sheet.h"

static json_t *
row_json(struct call *call, const struct history_row *row)
{
	return json_pack("{s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "number",
	    (json_int_t)row->seq, "at", json_time(row->at_ms / 1000), "actor",
	    json_str(row->actor), "on_behalf", json_str(row->on_behalf),
	    "action", json_str(row->action), "subject", json_str(row->subject),
	    "before", call_side(call, row->before), "after",
	    call_side(call, row->after), "why", json_str(row->why));
}

static struct str
side_text(struct call *call, struct str text)
{
	return text.len > 0
		   ? json_text(&call->web->arena, call_side(call, text))
		   : text;
}

/* RFC 4180; formulas are made harmless. */
static bool
rows_csv(struct call *call, const struct history_row *rows, size_t count)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return call_no_memory(call);
	fputs("number,at,actor,on_behalf,action,subject,before,after,why\r\n",
	    out);
	for (size_t i = 0; i < count; i++) {
		const struct str cells[] = { rows[i].actor, rows[i].on_behalf,
			rows[i].action, rows[i].subject,
			side_text(call, rows[i].before),
			side_text(call, rows[i].after), rows[i].why };
		struct str at =
		    str_from_time(&call->web->arena, rows[i].at_ms / 1000);

		fprintf(out, "%lld,%.*s", (long long)rows[i].seq, STR_ARGS(at));
		for (size_t c = 0; c < sizeof(cells) / sizeof(cells[0]); c++) {
			putc(',', out);
			sheet_write_cell(out, cells[c]);
		}
		fputs("\r\n", out);
	}
	if (fclose(out) == 0)
		call->text =
		    str_copy(&call->web->arena, (struct str){ text, len });
	free(text);
	call->text_type = "text/csv; charset=utf-8; header=present";
	return call->text.ptr != NULL || call_no_memory(call);
}

static bool
time_take(struct call *call, const char *name, int64_t *out_ms)
{
	struct str text = call_query(call, name);
	int64_t at_s = 0;

	if (text.len == 0)
		return true;
	if (!str_to_time(text, &at_s))
		return err_set(&call->err, ERR_USAGE, "time",
		    "%s: write a time as 2027-01-01T00:00:00Z", name);
	*out_ms = at_s * 1000;
	return true;
}

static bool
filter_take(struct call *call, struct history_filter *out, struct page *page)
{
	*out = (struct history_filter){
		.below = call->words.items[0],
		.actor = call_query(call, "actor"),
		.action = call_query(call, "action"),
		.subject = call_query(call, "subject"),
		.has = call_query(call, "q"),
	};
	if (!time_take(call, "from", &out->from_ms) ||
	    !time_take(call, "to", &out->to_ms))
		return false;
	return call_page_number(call, page, &out->before_seq);
}

/* Of the account and what is below it. */
bool
history_list(struct call *call)
{
	struct web *web = call->web;
	struct history_filter filter;
	struct history_row *rows = NULL;
	struct str next = STR("");
	struct page page;
	json_t *items;
	size_t count = 0;

	if (!admin_right(&call->admin, call->words.items[0], "history.view",
		STR(""), &call->err) ||
	    !filter_take(call, &filter, &page) ||
	    !store_history_find(web->store, &web->arena, &filter, page.max + 1,
		&rows, &count, &call->err))
		return false;
	if (count > page.max) {
		count = page.max;
		next = str_fmt(
		    &web->arena, "%lld", (long long)rows[count - 1].seq);
	}
	if (request_accepts(call->request, "text/csv"))
		return rows_csv(call, rows, count);
	items = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(items, row_json(call, &rows[i]));
	return call_items(call, items, next);
}
