#include "fault_disk.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_kit.h"

#define SECTOR	   512
#define IMAGES_MAX 8

/* A change that was not synced; bytes NULL: a truncation to offset. */
struct change {
	sqlite3_int64 offset;
	size_t len;
	unsigned char *bytes;
};

/* A file: what is surely on the disk, and what may be. */
struct image {
	char *path;
	unsigned char *bytes;
	size_t len;
	struct change *changes;
	size_t count;
	size_t cap;
};

struct disk_file {
	sqlite3_file base;
	struct image *image; /* NULL: not watched */
	sqlite3_file *real; /* behind this struct */
};

static struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	unsigned ops;
	int nth;
	int rc;
	bool once;
	bool failed;
	const char *folder;
	void (*look)(void);
	bool looking;
	struct image images[IMAGES_MAX];
	size_t image_count;
} disk;

static sqlite3_file *
real_of(sqlite3_file *file)
{
	return ((struct disk_file *)file)->real;
}

/* --- Failing -------------------------------------------------------------- */

void
disk_fail(unsigned ops, int nth, int rc, bool once)
{
	disk.ops = ops;
	disk.nth = nth;
	disk.rc = rc;
	disk.once = once;
	disk.failed = false;
}

bool
disk_has_failed(void)
{
	return disk.failed;
}

static int
fault(enum disk_op op)
{
	if ((disk.ops & op) == 0 || disk.nth == 0)
		return SQLITE_OK;
	if (disk.nth > 1) {
		disk.nth--;
		return SQLITE_OK;
	}
	disk.failed = true;
	if (disk.once)
		disk.nth = 0;
	return disk.rc;
}

/* --- Remembering ---------------------------------------------------------- */

static void *
must(void *memory)
{
	ck_assert_ptr_nonnull(memory);
	return memory;
}

static void
image_grow(struct image *image, size_t len)
{
	if (len <= image->len)
		return;
	image->bytes = must(realloc(image->bytes, len));
	memset(image->bytes + image->len, 0, len - image->len);
	image->len = len;
}

static void
image_load(struct image *image)
{
	FILE *from = fopen(image->path, "r");
	long len;

	if (from == NULL)
		return;
	fseek(from, 0, SEEK_END);
	len = ftell(from);
	rewind(from);
	image_grow(image, (size_t)len);
	if (len > 0)
		ck_assert_uint_eq(
		    fread(image->bytes, 1, image->len, from), image->len);
	fclose(from);
}

static struct image *
image_of(const char *path)
{
	struct image *image = &disk.images[disk.image_count];

	if (path == NULL || disk.folder == NULL || disk.looking ||
	    strncmp(path, disk.folder, strlen(disk.folder)) != 0)
		return NULL;
	for (size_t i = 0; i < disk.image_count; i++)
		if (strcmp(disk.images[i].path, path) == 0)
			return &disk.images[i];
	ck_assert_uint_lt(disk.image_count, IMAGES_MAX);
	disk.image_count++;
	image->path = must(strdup(path));
	image_load(image);
	return image;
}

static void
change_add(
    struct image *image, const void *bytes, size_t len, sqlite3_int64 offset)
{
	struct change *change;

	if (image->count == image->cap) {
		image->cap = image->cap * 2 + 16;
		image->changes = must(realloc(
		    image->changes, image->cap * sizeof(*image->changes)));
	}
	change = &image->changes[image->count++];
	*change = (struct change){ .offset = offset, .len = len };
	if (bytes != NULL) {
		change->bytes = must(malloc(len));
		memcpy(change->bytes, bytes, len);
	}
}

static void
part_make(
    struct image *image, const struct change *change, size_t from, size_t to)
{
	size_t at = (size_t)change->offset;

	image_grow(image, to);
	memcpy(image->bytes + from, change->bytes + (from - at), to - from);
}

/* Each sector by itself; `torn`: each with an even chance. */
static void
change_make(struct image *image, const struct change *change, bool torn)
{
	size_t from = (size_t)change->offset;
	size_t end = from + change->len;

	if (change->bytes == NULL) {
		if ((!torn || kit_random(2) == 0) && from < image->len)
			image->len = from;
		return;
	}
	while (from < end) {
		size_t to = (from / SECTOR + 1) * SECTOR;

		if (to > end)
			to = end;
		if (!torn || kit_random(2) == 0)
			part_make(image, change, from, to);
		from = to;
	}
}

static void
changes_forget(struct image *image)
{
	for (size_t i = 0; i < image->count; i++)
		free(image->changes[i].bytes);
	image->count = 0;
}

static void
image_sync(struct image *image)
{
	for (size_t i = 0; i < image->count; i++)
		change_make(image, &image->changes[i], false);
	changes_forget(image);
}

void
disk_watch(const char *folder, void (*look)(void))
{
	disk.folder = folder;
	disk.look = look;
}

static void
look_in(const struct image *image)
{
	if (image == NULL || disk.look == NULL || disk.looking)
		return;
	disk.looking = true;
	disk.look();
	disk.looking = false;
}

/* All, none or any part of what was not synced. */
static void
image_write(const struct image *image, const char *folder, uint32_t kept)
{
	struct image left = { .len = 0 };
	char path[PATH_MAX];
	FILE *to;

	image_grow(&left, image->len);
	if (image->len > 0)
		memcpy(left.bytes, image->bytes, image->len);
	for (size_t i = 0; kept != 0 && i < image->count; i++)
		change_make(&left, &image->changes[i], kept == 1);
	snprintf(
	    path, sizeof(path), "%s/%s", folder, strrchr(image->path, '/') + 1);
	to = must(fopen(path, "w"));
	if (left.len > 0)
		ck_assert_uint_eq(
		    fwrite(left.bytes, 1, left.len, to), left.len);
	ck_assert_int_eq(fclose(to), 0);
	free(left.bytes);
}

void
disk_after_power_loss(const char *folder)
{
	for (size_t i = 0; i < disk.image_count; i++)
		if (disk.images[i].path[0] != '\0')
			image_write(&disk.images[i], folder, kit_random(3));
}

/* --- The methods of a file ------------------------------------------------ */

static int
file_close(sqlite3_file *file)
{
	return real_of(file)->pMethods->xClose(real_of(file));
}

static int
file_read(sqlite3_file *file, void *to, int len, sqlite3_int64 offset)
{
	int rc = fault(DISK_READ);

	return rc != SQLITE_OK ? rc
			       : real_of(file)->pMethods->xRead(
				     real_of(file), to, len, offset);
}

static int
file_write(sqlite3_file *file, const void *from, int len, sqlite3_int64 offset)
{
	struct image *image = ((struct disk_file *)file)->image;
	int rc = fault(DISK_WRITE);

	look_in(image);
	if (rc == SQLITE_OK)
		rc = real_of(file)->pMethods->xWrite(
		    real_of(file), from, len, offset);
	if (rc == SQLITE_OK && image != NULL)
		change_add(image, from, (size_t)len, offset);
	return rc;
}

static int
file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct image *image = ((struct disk_file *)file)->image;
	int rc = fault(DISK_TRUNCATE);

	look_in(image);
	if (rc == SQLITE_OK)
		rc = real_of(file)->pMethods->xTruncate(real_of(file), size);
	if (rc == SQLITE_OK && image != NULL)
		change_add(image, NULL, 0, size);
	return rc;
}

static int
file_sync(sqlite3_file *file, int flags)
{
	struct image *image = ((struct disk_file *)file)->image;
	int rc = fault(DISK_SYNC);

	(void)flags;
	look_in(image);
	if (rc == SQLITE_OK && image != NULL)
		image_sync(image);
	return rc;
}

static int
file_size(sqlite3_file *file, sqlite3_int64 *out)
{
	return real_of(file)->pMethods->xFileSize(real_of(file), out);
}

static int
file_lock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int
file_unlock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int
file_reserved(sqlite3_file *file, int *out)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int
file_control(sqlite3_file *file, int op, void *arg)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int
file_sector(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int
file_traits(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int
file_shm_map(
    sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
	return real_of(file)->pMethods->xShmMap(
	    real_of(file), page, size, extend, out);
}

static int
file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return real_of(file)->pMethods->xShmLock(
	    real_of(file), offset, n, flags);
}

static void
file_shm_barrier(sqlite3_file *file)
{
	real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int
file_shm_unmap(sqlite3_file *file, int delete_it)
{
	return real_of(file)->pMethods->xShmUnmap(real_of(file), delete_it);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

/* --- The file system ------------------------------------------------------ */

static int
disk_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *out, int flags,
    int *out_flags)
{
	struct disk_file *file = (struct disk_file *)out;
	int rc = fault(DISK_OPEN);

	(void)vfs;
	memset(file, 0, sizeof(*file));
	if (rc != SQLITE_OK)
		return rc;
	file->real = (sqlite3_file *)(file + 1);
	file->image = image_of(name);
	rc = disk.real->xOpen(disk.real, name, file->real, flags, out_flags);
	/* SQLite closes what has methods, opened or not. */
	if (file->real->pMethods != NULL)
		file->base.pMethods = &methods;
	return rc;
}

static int
disk_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
	struct image *image = image_of(name);

	(void)vfs;
	look_in(image);
	if (image != NULL) {
		changes_forget(image);
		image->len = 0;
	}
	return disk.real->xDelete(disk.real, name, sync_folder);
}

void
disk_install(void)
{
	disk.real = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.real;
	disk.vfs.zName = "fault_disk";
	disk.vfs.pNext = NULL;
	disk.vfs.szOsFile = (int)sizeof(struct disk_file) + disk.real->szOsFile;
	disk.vfs.xOpen = disk_open;
	disk.vfs.xDelete = disk_delete;
	ck_assert_int_eq(sqlite3_vfs_register(&disk.vfs, 1), SQLITE_OK);
}
