#include "fcgi/web/page.h"

#include <stdio.h>
#include <stdlib.h>

const char page_style[] =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;"
    "padding:0 1rem;color:#1c1c1c;background:#fff}\n"
    "h1{font-size:1.5rem}\n"
    "label{display:block;margin:1rem 0 .25rem}\n"
    "input{font:inherit;width:100%;padding:.5rem;box-sizing:border-box;"
    "border:1px solid #767676;border-radius:4px}\n"
    "button{font:inherit;margin-top:1.25rem;padding:.5rem 1.25rem;"
    "border:1px solid #0b5cad;border-radius:4px;background:#0b5cad;"
    "color:#fff}\n"
    "button.plain{background:#fff;color:#0b5cad}\n"
    ".says{border-left:4px solid #b3261e;padding:.5rem 1rem;"
    "background:#fbeeee}\n"
    "li{list-style:none;margin:.5rem 0}\n"
    "ul{padding:0}\n"
    ":focus-visible{outline:3px solid #f2a900;outline-offset:2px}\n"
    "@media (prefers-color-scheme:dark){body{color:#eee;background:#181818}"
    "input{color:#eee;background:#222}.says{background:#3a2020}"
    "button.plain{background:#181818;color:#8bc1f7}}\n";

/* Takes the token out of the address, so that it is in no history either. */
const char page_script[] =
    "document.addEventListener('DOMContentLoaded', function () {\n"
    "  var token = location.hash.slice(1);\n"
    "  document.querySelectorAll('input[name=token]').forEach(\n"
    "    function (input) { input.value = token; });\n"
    "  history.replaceState(null, '', location.pathname);\n"
    "});\n";

/* --- Text ----------------------------------------------------------------- */

static void
put(FILE *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		switch (text.ptr[i]) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			putc(text.ptr[i], out);
			break;
		}
}

struct page {
	struct arena *arena;
	FILE *out;
	char *text;
	size_t len;
};

static bool
page_begin(
    struct page *page, struct arena *arena, const char *title, struct str says)
{
	*page = (struct page){ .arena = arena };
	page->out = open_memstream(&page->text, &page->len);
	if (page->out == NULL)
		return false;
	fprintf(page->out,
	    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width\">\n"
	    "<title>%s</title>\n"
	    "<link rel=\"stylesheet\" href=\"/rolegate/style.css\">\n"
	    "<h1>%s</h1>\n",
	    title, title);
	if (says.len > 0) {
		fputs("<p class=\"says\" role=\"alert\">", page->out);
		put(page->out, says);
		fputs("</p>\n", page->out);
	}
	return true;
}

static struct str
page_end(struct page *page)
{
	struct str out = { NULL, 0 };

	if (fclose(page->out) == 0)
		out = str_copy(
		    page->arena, (struct str){ page->text, page->len });
	free(page->text);
	return out;
}

/* --- Forms ---------------------------------------------------------------- */

static void
form_begin(FILE *out, const char *action, struct str csrf)
{
	fprintf(out, "<form method=\"post\" action=\"%s\">\n", action);
	if (csrf.len == 0)
		return;
	fputs("<input type=\"hidden\" name=\"csrf\" value=\"", out);
	put(out, csrf);
	fputs("\">\n", out);
}

static void
hidden_put(FILE *out, const char *name, struct str value)
{
	fprintf(out, "<input type=\"hidden\" name=\"%s\" value=\"", name);
	put(out, value);
	fputs("\">\n", out);
}

static void
input_put(FILE *out, const char *name, const char *label, const char *rest,
    struct str value)
{
	fprintf(out,
	    "<label for=\"%s\">%s</label>\n"
	    "<input id=\"%s\" name=\"%s\" %s value=\"",
	    name, label, name, name, rest);
	put(out, value);
	fputs("\" required>\n", out);
}

static void
form_end(FILE *out, const char *button, const char *kind)
{
	fprintf(out, "<button%s>%s</button>\n</form>\n", kind, button);
}

/* --- Pages ---------------------------------------------------------------- */

struct str
page_sign_in(
    struct arena *arena, struct str to, struct str username, struct str says)
{
	struct page page;

	if (!page_begin(&page, arena, "Sign in", says))
		return (struct str){ NULL, 0 };
	form_begin(page.out, "/rolegate/sign-in", STR(""));
	hidden_put(page.out, "to", to);
	input_put(page.out, "username", "User name",
	    "autocomplete=\"username\" autofocus", username);
	input_put(page.out, "password", "Password",
	    "type=\"password\" autocomplete=\"current-password\"", STR(""));
	form_end(page.out, "Sign in", "");
	return page_end(&page);
}

static void
join_form(FILE *out)
{
	fputs("<p>Choose how you will sign in. If you have an account here "
	      "already, <a href=\"/rolegate/sign-in\">sign in</a> first and "
	      "open the link of the mail again.</p>\n",
	    out);
	form_begin(out, "/rolegate/invitation", STR(""));
	hidden_put(out, "token", STR(""));
	input_put(
	    out, "username", "User name", "autocomplete=\"username\"", STR(""));
	input_put(out, "name", "Your name", "autocomplete=\"name\"", STR(""));
	input_put(out, "password", "Password, 12 characters or more",
	    "type=\"password\" autocomplete=\"new-password\" minlength=\"12\"",
	    STR(""));
	form_end(out, "Accept the invitation", "");
}

struct str
page_invitation(
    struct arena *arena, struct str csrf, struct str member, struct str says)
{
	struct page page;

	if (!page_begin(&page, arena, "You are invited", says))
		return (struct str){ NULL, 0 };
	fputs("<script src=\"/rolegate/invitation.js\"></script>\n", page.out);
	if (csrf.len == 0) {
		join_form(page.out);
		return page_end(&page);
	}
	fputs("<p>You are signed in as <b>", page.out);
	put(page.out, member);
	fputs("</b>.</p>\n", page.out);
	form_begin(page.out, "/rolegate/invitation", csrf);
	hidden_put(page.out, "token", STR(""));
	form_end(page.out, "Accept the invitation", "");
	return page_end(&page);
}

static void
account_put(
    FILE *out, const struct page_accounts *p, struct str id, struct str name)
{
	fputs("<li>", out);
	form_begin(out, "/rolegate/account", p->csrf);
	hidden_put(out, "account", id);
	fputs("<button class=\"plain\"", out);
	if (str_eq(id, p->in_use))
		fputs(" aria-current=\"true\"", out);
	fputs(">", out);
	put(out, name.len > 0 ? name : id);
	if (str_eq(id, p->in_use))
		fputs(" (in use)", out);
	fputs("</button></form></li>\n", out);
}

struct str
page_accounts(struct arena *arena, const struct page_accounts *p)
{
	struct page page;

	if (!page_begin(&page, arena, "Accounts", STR("")))
		return (struct str){ NULL, 0 };
	fputs("<p>You are signed in as <b>", page.out);
	put(page.out, p->member);
	fputs("</b>. Which account do you want to use?</p>\n<ul>\n", page.out);
	for (size_t i = 0; i < p->count; i++)
		account_put(
		    page.out, p, p->accounts[i]->id, p->accounts[i]->name);
	fputs("</ul>\n", page.out);
	if (p->more)
		fputs("<p>There are more; ask for one by its id.</p>\n",
		    page.out);
	form_begin(page.out, "/rolegate/sign-out", p->csrf);
	form_end(page.out, "Sign out", "");
	form_begin(page.out, "/rolegate/sign-out", p->csrf);
	hidden_put(page.out, "everywhere", STR("yes"));
	form_end(page.out, "Sign out everywhere", " class=\"plain\"");
	return page_end(&page);
}

struct str
page_message(struct arena *arena, const char *title, struct str says)
{
	struct page page;

	if (!page_begin(&page, arena, title, says))
		return (struct str){ NULL, 0 };
	return page_end(&page);
}
