/* A shadow model of the malloc family: random calls, and after each what the contracts say must
 * hold.
 *
 * A model has SLOTS blocks at most. For each it knows the address, the size that was asked for, the
 * usable size, and the pattern that fills all of the usable bytes. Models of several threads trade
 * blocks through shared places, so that most blocks are freed or resized by a stranger.
 *
 * The choices come from a generator (a seed) or from bytes (an input of a fuzzer): the same program
 * serves both.
 *
 * Checked: no block is NULL, overlaps another one of the model or lies at a wrong address; all
 * bytes of a block stay as they were written until it is freed; calloc's are zero, to the last
 * usable one; realloc keeps what fits; products that overflow give NULL and ENOMEM and leave the
 * block alone; free() keeps errno.
 */
#ifndef MODEL_H
#define MODEL_H

#include "random.h"
#include "system.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    MODEL_SLOTS = 128,
    MODEL_PLACES = 64,
    MODEL_EDGE_BYTES = 2048, /* of a larger block, the bytes at either end carry the pattern */
    MODEL_ERRNO = 4711,
};

struct choices {
    const uint8_t *bytes; /* NULL: from the generator */
    size_t left;
    uint64_t random; /* state of the generator */
};

struct model_block {
    unsigned char *address; /* NULL: none */
    size_t bytes;           /* as asked for */
    size_t usable;
    uint32_t seed; /* of the pattern */
};

typedef _Atomic(struct model_block *) model_place;

struct model {
    struct choices choices;
    struct model_block *slots[MODEL_SLOTS]; /* never NULL */
    model_place *places;                    /* MODEL_PLACES of them, shared; NULL: none */
    uint64_t steps;
    const char *fault; /* what did not hold; NULL so far */
    size_t fault_bytes;
};

static inline uint32_t choose(struct choices *choices, uint32_t below) {
    if (choices->bytes == NULL)
        return random_below(&choices->random, below);
    uint32_t value = 0;
    for (uint32_t room = 1; room < below && choices->left > 0; room <<= 8) {
        value = value << 8 | *choices->bytes++;
        choices->left--;
        if (room == 1 << 24)
            break;
    }
    return value % below;
}

static inline void model_expect(struct model *model, bool holds, const char *fault, size_t bytes) {
    if (holds || model->fault != NULL)
        return;
    model->fault = fault;
    model->fault_bytes = bytes;
}

/* ---- patterns ---- */

static inline unsigned char model_byte(const struct model_block *block, size_t offset) {
    return (unsigned char)(block->seed >> (offset & 3) * 8 ^ offset * 7 ^ offset >> 8);
}

/* The bytes from `from` to below `end` of a block, less the middle of a large one. */
static inline bool model_holds(const struct model_block *block, size_t end) {
    for (size_t i = 0; i < end; i++) {
        if (i == MODEL_EDGE_BYTES && block->usable > (size_t)2 * MODEL_EDGE_BYTES)
            i = block->usable - MODEL_EDGE_BYTES;
        if (i < end && block->address[i] != model_byte(block, i))
            return false;
    }
    return true;
}

static inline void model_fill(struct model_block *block) {
    for (size_t i = 0; i < block->usable; i++) {
        if (i == MODEL_EDGE_BYTES && block->usable > (size_t)2 * MODEL_EDGE_BYTES)
            i = block->usable - MODEL_EDGE_BYTES;
        block->address[i] = model_byte(block, i);
    }
}

/* ---- sizes ---- */

static inline size_t model_size(struct choices *choices) {
    switch (choose(choices, 16)) {
    case 0:
        return choose(choices, 17);
    case 1:
    case 2:
        return choose(choices, 1200);
    case 3:
        return choose(choices, 1 << 13);
    case 4:
        return choose(choices, 16) == 0 ? choose(choices, 1 << 19) : choose(choices, 1 << 15);
    case 5:
        return (size_t)16 << choose(choices, 8);
    case 6:
        return ((size_t)16 << choose(choices, 8)) + 1;
    default:
        return choose(choices, 256);
    }
}

/* ---- calls ---- */

static inline struct model_block **model_pick(struct model *model) {
    return &model->slots[choose(&model->choices, MODEL_SLOTS)];
}

/* Take note of a block that was just handed out, and fill it. */
static inline void model_note(struct model *model, struct model_block *block, void *address,
                              size_t bytes, size_t alignment) {
    model_expect(model, address != NULL, "there was no memory", bytes);
    if (address == NULL)
        return;
    size_t usable = malloc_usable_size(address);
    uintptr_t start = (uintptr_t)address;
    model_expect(model, usable >= bytes, "the usable size is less than what was asked for", bytes);
    model_expect(model, start % (alignment > 16 ? alignment : 16) == 0,
                 "a block is not aligned as it should be", bytes);
    for (size_t i = 0; i < MODEL_SLOTS; i++) {
        const struct model_block *other = model->slots[i];
        if (other == block || other->address == NULL)
            continue;
        model_expect(model,
                     start + usable <= (uintptr_t)other->address ||
                         (uintptr_t)other->address + other->usable <= start,
                     "two blocks overlap", bytes);
    }
    *block = (struct model_block){.address = address,
                                  .bytes = bytes,
                                  .usable = usable,
                                  .seed = choose(&model->choices, 1 << 16) * 65537 ^
                                          (uint32_t)start ^ (uint32_t)bytes};
    model_fill(block);
}

static inline void model_free(struct model *model, struct model_block *block) {
    if (block->address != NULL) {
        model_expect(model, malloc_usable_size(block->address) == block->usable,
                     "the usable size of a block changed", block->bytes);
        model_expect(model, model_holds(block, block->usable), "the contents of a block changed",
                     block->bytes);
    }
    unsigned char *address = block->address;
    block->address = NULL;
    errno = MODEL_ERRNO;
    free(address);
    model_expect(model, errno == MODEL_ERRNO, "free() changed errno", block->bytes);
}

static inline void model_calloc(struct model *model, struct model_block *block) {
    size_t bytes = model_size(&model->choices);
    size_t count = 1 + choose(&model->choices, 3);
    unsigned char *address = calloc(count, bytes);
    size_t usable = address != NULL ? malloc_usable_size(address) : 0;
    /* musl's calls malloc(), which then is ours, and clears what was asked for. */
    size_t zeroes = LIBC_IS_GLIBC || address == NULL ? usable : count * bytes;
    for (size_t i = 0; i < zeroes; i++)
        model_expect(model, address[i] == 0, "calloc gave a byte that is not zero", bytes);
    model_note(model, block, address, count * bytes, 16);
}

static inline void model_aligned(struct model *model, struct model_block *block, uint32_t which) {
    size_t alignment = (size_t)1 << choose(&model->choices, 14);
    size_t bytes = model_size(&model->choices);
    void *address = NULL;
    if (which == 0)
        address = memalign(alignment, bytes);
    else if (which == 1)
        address = aligned_alloc(alignment, bytes);
    else if (posix_memalign(&address, alignment < 8 ? 8 : alignment, bytes) != 0)
        address = NULL;
    model_note(model, block, address, bytes, alignment);
}

static inline void model_resize(struct model *model, struct model_block *block, bool as_array) {
    size_t bytes = model_size(&model->choices);
    struct model_block old = *block;
    if (bytes == 0 && old.address != NULL)
        bytes = 1; /* realloc(p, 0) frees: model_free() does that */
    size_t kept = old.usable < bytes ? old.usable : bytes;
    if (old.address != NULL)
        model_expect(model, model_holds(&old, old.usable), "a block changed before its resizing",
                     old.bytes);
    unsigned char *address =
        as_array ? reallocarray(old.address, bytes, 1) : realloc(old.address, bytes);
    if (address != NULL && old.address != NULL) {
        struct model_block moved = {
            .address = address, .usable = old.usable, .seed = old.seed, .bytes = bytes};
        model_expect(model, model_holds(&moved, kept), "a resized block lost its contents", bytes);
    }
    model_note(model, block, address, bytes, 16);
}

static inline void model_overflow(struct model *model, struct model_block *block) {
    size_t count = SIZE_MAX / 16 + choose(&model->choices, 1000) + 2;
    __asm__ volatile("" : "+r"(count));
    errno = 0;
    void *address = choose(&model->choices, 2) == 0 ? reallocarray(block->address, count, 16)
                                                    : calloc(count, 16);
    model_expect(model, address == NULL && errno == ENOMEM,
                 "a product that overflows did not give NULL and ENOMEM", count);
}

/* Trade a block for what lies in a shared place. */
static inline void model_trade(struct model *model, struct model_block **slot) {
    if (model->places == NULL)
        return;
    model_place *place = &model->places[choose(&model->choices, MODEL_PLACES)];
    *slot = atomic_exchange(place, *slot);
}

static inline void model_step(struct model *model) {
    struct model_block **slot = model_pick(model);
    struct model_block *block = *slot;
    uint32_t call = choose(&model->choices, 64);
    model->steps++;
    if (call < 8) {
        model_resize(model, block, call < 2);
        return;
    }
    if (call < 11) {
        model_trade(model, slot);
        return;
    }
    if (call == 11) {
        model_overflow(model, block);
        return;
    }
    if (block->address != NULL) {
        model_free(model, block);
        return;
    }
    if (call < 20)
        model_calloc(model, block);
    else if (call < 26)
        model_aligned(model, block, call % 3);
    else if (call == 26 && choose(&model->choices, 64) == 0)
        malloc_trim(0);
    else {
        size_t bytes = model_size(&model->choices);
        model_note(model, block, malloc(bytes), bytes, 16);
    }
}

/* Run until `steps` calls are made, the bytes are used up, or something did not hold. */
static inline void model_run(struct model *model, uint64_t steps) {
    for (uint64_t i = 0; i < steps && model->fault == NULL; i++) {
        if (model->choices.bytes != NULL && model->choices.left == 0)
            break;
        model_step(model);
    }
}

/* Free the blocks of the slots. */
static inline void model_clear(struct model *model) {
    for (size_t i = 0; i < MODEL_SLOTS && model->fault == NULL; i++)
        model_free(model, model->slots[i]);
}

#endif
