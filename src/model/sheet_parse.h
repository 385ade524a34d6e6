/* sheet_parse.h - reads a spreadsheet of a stranger in a process of its own,
 * which lives as long as that takes and can do nothing else.
 *
 * The process has the bytes already, no descriptor but the pipe for its answer,
 * bounds on memory and time, and a filter that lets through no call but those
 * for memory and that pipe. What it answers is read with bounds, as bytes of a
 * stranger. Whatever ends it early is a refusal, never half a sheet.
 * Owner:   rows live in the arena.
 * Errors:  faults as sheet_read() adds them; ERR_REFUSED sheet_process: it
 *          died, took too long, or answered nonsense. */
#ifndef ROLEGATE_SHEET_PARSE_H
#define ROLEGATE_SHEET_PARSE_H

#include "model/sheet.h"

/* False with faults or err. */
bool sheet_parse(struct arena *arena, struct str file, struct str bytes,
    struct sheet_row **rows, size_t *count, struct faults *faults,
    struct err *err);

/* For tests: the same with another reader in the process. */
typedef bool
sheet_reader(struct arena *arena, struct str file, struct str bytes,
    struct sheet_row **rows, size_t *count, struct faults *faults);
bool
sheet_parse_with(sheet_reader *reader, int64_t wait_ms, struct arena *arena,
    struct str file, struct str bytes, struct sheet_row **rows, size_t *count,
    struct faults *faults, struct err *err);

#endif
