/* arena.h - memory that is given back all at once.
 *
 * Shape:   a list of blocks; allocations are aligned for any type and zeroed.
 * Owner:   who made the arena frees it; what lives in it dies with it.
 * Errors:  NULL when memory is out or the arena's own bound is passed; every
 *          caller treats that as "could not", never as "nothing there". */
#ifndef ROLEGATE_ARENA_H
#define ROLEGATE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used_bytes; /* of all blocks, for bounds and status */
	size_t max_bytes;  /* 0: no bound */
};

/* A zeroed struct arena is an empty arena without a bound. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);
/* Frees all but one block, which is kept for the next use. */
void arena_reset(struct arena *arena);
void arena_free(struct arena *arena);
/* What all its blocks take, also where nothing was put yet. */
size_t arena_held_bytes(const struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, count)                                        \
	((type *)arena_alloc((arena), (count), sizeof(type)))

/* Room for one more in an arena array that doubles; NULL when it cannot. */
void *arena_grow(struct arena *arena, void *array, size_t count, size_t *cap,
    size_t size);

#endif
