/* fault_disk.h - a disk under SQLite that fails on command, and that knows
 * what a loss of power would leave.
 *
 * disk_install() puts it before the real file system for the rest of the
 * process. Nothing is really synced: a write that was not "synced" may or may
 * not be in what disk_after_power_loss() writes, sector by sector. */
#ifndef ROLEGATE_FAULT_DISK_H
#define ROLEGATE_FAULT_DISK_H

#include <stdbool.h>

enum disk_op {
	DISK_READ = 1,
	DISK_WRITE = 2,
	DISK_SYNC = 4,
	DISK_TRUNCATE = 8,
	DISK_OPEN = 16,
	DISK_ANY = 31,
};

void disk_install(void);

/* The nth operation of `ops` from now on gives the SQLite code rc; so do all
 * after it, unless `once`. nth 0: nothing fails any more. */
void disk_fail(unsigned ops, int nth, int rc, bool once);
bool disk_has_failed(void); /* since disk_fail() */

/* Remembers the files of this folder from now on, and calls `look` before each
 * operation on them that changes something. */
void disk_watch(const char *folder, void (*look)(void));
/* The files as the power might leave them, into another folder. */
void disk_after_power_loss(const char *folder);

#endif
