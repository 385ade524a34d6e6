#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)4096)

struct arena_block {
	struct arena_block *next;
	size_t size;
	size_t used;
	alignas(max_align_t) unsigned char bytes[];
};

static struct arena_block *
block_new(struct arena *arena, size_t need)
{
	size_t last = arena->blocks != NULL ? arena->blocks->size : 0;
	size_t size = last < 256 * BLOCK_BYTES ? last * 2 : last;
	struct arena_block *block;

	if (size < BLOCK_BYTES)
		size = BLOCK_BYTES;
	if (arena->max_bytes != 0 && size > arena->max_bytes)
		size = arena->max_bytes;
	if (size < need)
		size = need;
	if (size > SIZE_MAX - sizeof(*block))
		return NULL;
	block = malloc(sizeof(*block) + size);
	if (block == NULL)
		return NULL;
	block->next = arena->blocks;
	block->size = size;
	block->used = 0;
	arena->blocks = block;
	return block;
}

void *
arena_alloc(struct arena *arena, size_t count, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *block = arena->blocks;
	size_t need;

	if (size != 0 && count > (SIZE_MAX - align) / size)
		return NULL;
	need = (count * size + align - 1) / align * align;
	if (need == 0)
		need = align;
	if (arena->max_bytes != 0 &&
	    (need > arena->max_bytes ||
		arena->used_bytes > arena->max_bytes - need))
		return NULL;
	if (block == NULL || block->size - block->used < need)
		block = block_new(arena, need);
	if (block == NULL)
		return NULL;
	void *at = block->bytes + block->used;

	block->used += need;
	arena->used_bytes += need;
	return memset(at, 0, need);
}

void *
arena_grow(struct arena *arena, void *array, size_t count, size_t *cap,
    size_t size)
{
	size_t wider;
	void *bigger;

	if (count < *cap)
		return array;
	wider = *cap == 0 ? 8 : *cap * 2;
	bigger = arena_alloc(arena, wider, size);
	if (bigger == NULL)
		return NULL;
	if (count > 0)
		memcpy(bigger, array, count * size);
	*cap = wider;
	return bigger;
}

static void
blocks_free(struct arena_block *block)
{
	while (block != NULL) {
		struct arena_block *next = block->next;

		free(block);
		block = next;
	}
}

void
arena_reset(struct arena *arena)
{
	arena->used_bytes = 0;
	if (arena->blocks == NULL)
		return;
	blocks_free(arena->blocks->next);
	arena->blocks->next = NULL;
	arena->blocks->used = 0;
}

void
arena_free(struct arena *arena)
{
	blocks_free(arena->blocks);
	arena->blocks = NULL;
	arena->used_bytes = 0;
}

size_t
arena_held_bytes(const struct arena *arena)
{
	size_t bytes = 0;

	for (const struct arena_block *b = arena->blocks; b != NULL;
	     b = b->next)
		bytes += sizeof(*b) + b->size;
	return bytes;
}
