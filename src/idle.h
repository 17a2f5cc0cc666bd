/* Memory of heaps whose threads are elsewhere.
 *
 * malloc_trim() is asked for the process, and threads that idle do not come to give back what they
 * can spare. So the calling thread purges the pages of their slabs in which no block lies, under
 * pool_lock, and leaves lists and counts as they are: what a slab holds stays with its owner.
 *
 * The owners' fast paths know nothing of it. What makes it safe to purge a page:
 *
 *   1. A page in which a block lies, or a slot that a bin of its owner has claimed, is left alone.
 *      `claimed` has these as they were when the bin was filled, because one may be on its way to
 *      the program: out of the bin's mask, and not in the live bits yet.
 *   2. Nothing else can be handed out before it is claimed, in heap_fill(). The owner notes what it
 *      claims, and then looks at the door. We close the door, let every thread pass a barrier, and
 *      then read what was noted: either we see the claim, or the owner sees the door closed, and
 *      waits for pool_lock before it hands out what it claimed.
 *   3. The owner notes a claim after the live bits of what it claimed before. We read the claim
 *      before the live bits: so we see a block in the one or in the other.
 *
 * Where the kernel offers no such barrier, nothing is purged.
 *
 * In the hardened mode free slots have tags, which go with their pages. Such a slab is marked
 * (SLAB_PURGED), and heap_fill() renews the tags of what it claims of it.
 */
#ifndef IDLE_H
#define IDLE_H

#include "heap_table.h"

/* Purge what the slabs of all heaps but the calling thread's can spare. The bytes. Takes pool_lock,
 * again and again, so that nobody waits long for it. */
size_t idle_trim(void);

/* True while slabs are looked through. Who has noted a claim must not hand out from it then.
 * Acquire, the partner of idle_trim(): who sees the door open sees which slabs were purged. */
extern HIDDEN _Atomic(bool) idle_door;
static inline bool idle_door_is_closed(void) {
    return atomic_load_explicit(&idle_door, memory_order_acquire);
}

/* Wait until the door is open. False if that may be this thread's to do, in a call that a signal
 * handler interrupted, or a fork is under way. */
bool idle_await(void);

#endif
