/* Slabs that change hands, and inboxes: the slabs of a heap that other threads freed blocks of.
 *
 * When a thread ends, its slabs that still hold blocks become orphans; whoever needs a slab of
 * their class adopts one that has free slots. Full ones, on a list of their own, come back when an
 * eighth of their slots was freed. pool_lock stands in for the owner of orphans.
 *
 * The first remote free into a slab posts it: it is pushed on its owner's inbox, a stack linked by
 * slab_remote.inbox_next that any thread pushes to and the owner takes as a whole. A heap whose
 * thread has ended reads its inbox no more (`alive` is false); what comes there is forwarded to who
 * owns the slab now.
 */
#ifndef ORPHANS_H
#define ORPHANS_H

#include "heap_table.h"

/* Make a slab, which is on no list, an orphan; return it to the region if it is empty. Under
 * pool_lock. */
void orphans_take_in(struct slab *slab);

/* An orphan had blocks freed: return it if they were the last, or what memory it can spare. Under
 * pool_lock. */
void orphans_settle(struct slab *slab);

/* A slab of the class with free slots from the orphans, on its list of the heap; NULL if there is
 * none. */
struct slab *orphans_adopt(struct heap *heap, unsigned class_index);

/* Free a block of an orphan. A heap that has no other slab of the class with free slots adopts the
 * orphan, so that what else it frees of it costs little; else it stays for whoever needs slots.
 * False if the slab is no orphan any more, or the block is freed already. */
bool orphans_give(struct heap *heap, struct slab *slab, uint32_t slot);

/* Tell the owner of a slab that blocks of it were freed. _remote: any thread may call it, without
 * the lock. */
void orphans_post_remote(struct slab *slab);

/* Push a posted slab on the inbox of a heap. _remote: any thread may call it. */
void orphans_push_inbox_remote(struct heap *heap, struct slab *slab);

/* Deal with a slab that came out of an inbox, or never got into one, and is not the caller's. Under
 * pool_lock. */
void orphans_forward(struct slab *slab);

/* Do that with all of a heap's inbox, which nobody else reads. Under pool_lock. */
void orphans_forward_all(struct heap *dead);

#endif
