#include "base/fault.h"

#include <stdarg.h>

#include "base/bounds.h"

void
fault_add(struct faults *faults, struct str file, int line, int column,
    const char *code, const char *fmt, ...)
{
	char text[1024];
	va_list args;
	struct fault *items;

	faults->count++;
	if (faults->kept == FAULTS_MAX)
		return;
	items = arena_grow(&faults->arena, faults->items, faults->kept,
	    &faults->cap, sizeof(*items));
	if (items == NULL)
		return;
	faults->items = items;
	va_start(args, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	faults->items[faults->kept++] = (struct fault){
		.file = str_copy(&faults->arena, file),
		.line = line,
		.column = column,
		.code = code,
		.text = str_copy(&faults->arena,
		    n < 0 ? STR("(no text)") : str_from(text)),
	};
}

void
faults_print(const struct faults *faults, FILE *to)
{
	for (size_t i = 0; i < faults->kept; i++) {
		const struct fault *f = &faults->items[i];

		if (f->line > 0)
			fprintf(to, "%.*s:%d:%d: %.*s [%s]\n", STR_ARGS(f->file),
			    f->line, f->column, STR_ARGS(f->text), f->code);
		else
			fprintf(to, "%.*s: %.*s [%s]\n", STR_ARGS(f->file),
			    STR_ARGS(f->text), f->code);
	}
	if (faults->count > faults->kept)
		fprintf(to, "... and %zu more faults\n",
		    faults->count - faults->kept);
}

bool
faults_err(const struct faults *faults, struct err *err)
{
	const struct fault *f = faults->items;

	if (faults->count == 0)
		return true;
	if (faults->kept == 0)
		return err_set(err, ERR_FILE, "faults", "%zu faults in a file",
		    faults->count);
	return err_set(err, ERR_FILE, f->code, "%.*s:%d:%d: %.*s (%zu in all)",
	    STR_ARGS(f->file), f->line, f->column, STR_ARGS(f->text),
	    faults->count);
}

void
faults_free(struct faults *faults)
{
	arena_free(&faults->arena);
	*faults = (struct faults){ 0 };
}
