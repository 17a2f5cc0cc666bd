/* Blocks taken, freed and resized one by one, with every check that the strategy allows. Calls that
 * the fast paths of heap.h do not serve fall through to here. With tags in front of the blocks
 * (block_tag.h) every call does.
 *
 * The heap knows the slots, their live bits and their owners. This module alone knows the tags, and
 * what is wrong with a call. It reports faults; with on_fault=report the bad call has no effect.
 */
#ifndef CHECKED_H
#define CHECKED_H

#include "block_tag.h"
#include "heap.h"
#include "large.h"

/* A function of the malloc family, as a fault names it. */
struct call {
    const char *function;
    enum block_form form; /* of the blocks that it may free */
    bool is_use;          /* it does not free the block */
};

#define CHECKED_BYTES_UNKNOWN SIZE_MAX
#define CHECKED_FAULTY        SIZE_MAX /* instead of a number of bytes */

/* Bytes of a slot that the program cannot use: BLOCK_TAG_BYTES with tags, else 0. */
extern HIDDEN uint32_t checked_tag_bytes;

/* True with harden=on. Blocks are handed out in random order and followed by a canary up to the
 * next tag. free() fills them with zeroes, which are checked before reuse, and delays reuse. Every
 * slot that was ever claimed is followed by a tag, whether it is in use or not. */
extern HIDDEN bool checked_is_hardened;

/* True with harden=on if no option switches one of the parts off that take time at each call. */
extern HIDDEN bool checked_is_whole;

/* Put tags in front of all blocks. Before the first heap is opened. */
void checked_start(void);

/* And harden them, with so many freed blocks of each thread in quarantine. */
void checked_harden(uint64_t quarantine, uint64_t guard);

/* Take a block of a class for a request of `bytes`. NULL if the pool has no room. */
void *checked_take(struct heap *heap, unsigned class_index, size_t bytes, enum block_form form);

/* Free a block of the region; `bytes` as a sized delete gave them, or CHECKED_BYTES_UNKNOWN. */
void checked_give(struct heap *heap, void *pointer, const struct call *call, size_t bytes,
                  const void *caller);

/* Free a block that has passed all checks of checked_give(), and is marked and cleared, but whose
 * remote bit another thread has set meanwhile. */
void checked_give_marked(struct heap *heap, void *pointer, const struct call *call,
                         const void *caller);

/* True if a block of the region may have been made with the alignment, a power of two, with which a
 * call frees it: its address is a multiple, and its class is that of such a request, where its tag
 * tells that the call's own family made it. Reports what speaks against it. Any other fault is left
 * to checked_give(). */
bool checked_is_aligned(const void *pointer, const struct call *call, size_t alignment,
                        const void *caller);

/* The bytes that the program may use of a block of the region; CHECKED_FAULTY after a fault. */
size_t checked_bytes(struct heap *heap, const void *pointer, const struct call *call,
                     const void *caller);

/* Let a block that has passed checked_bytes() be used for `bytes` from now on: where it is, if that
 * goes in its slot and leaves less than half of it empty; a large one also elsewhere. Where it is
 * now; NULL if it must move by taking another, and nothing was done. */
void *checked_resize(void *pointer, size_t bytes);

/* What comes of a block that is resized. */
struct checked_resized {
    void *block; /* where it is now; NULL if it must move by taking another */
    size_t
        bytes; /* that the program may use of it, or might before; CHECKED_FAULTY after a fault */
};

/* checked_bytes(), and if there is no fault checked_resize(). */
struct checked_resized checked_resize_any(struct heap *heap, void *pointer, size_t bytes,
                                          const struct call *call, const void *caller);

/* The bytes that were requested of a live block. */
size_t checked_requested(const struct slab *slab, uint32_t slot);

#endif
