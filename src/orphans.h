/* Slabs that change hands, and inboxes: the slabs of a heap that other threads freed blocks of.
 *
 * When a thread ends, its slabs that still hold blocks become orphans; whoever needs a slab of
 * their class adopts one that has free slots. Full ones, on a list of their own, come back when an
 * eighth of their slots was freed. pool_lock stands in for the owner of orphans.
 *
 * The first remote free into a slab posts it: it is pushed on its owner's inbox, a stack linked by
 * slab.inbox_next that any thread pushes to and the owner takes as a whole. What is pushed
 * there when the slab has changed hands meanwhile is forwarded to who owns it now.
 */
#ifndef ORPHANS_H
#define ORPHANS_H

#include "heap_table.h"

/* Make a slab, which is on no list, an orphan; return it to the region if it is empty. Under
 * pool_lock. */
void orphans_take_in(struct slab *slab);

/* An orphan had blocks freed: return it if they were the last. Under pool_lock. */
void orphans_settle(struct slab *slab);

/* Return what orphans can spare in which few blocks are left; with `rested` only those that had
 * been so when this was called the last time. Under pool_lock. */
void orphans_sweep(bool rested);

/* Return the memory of all pages of orphans in which no block is left. The bytes. Under pool_lock.
 */
size_t orphans_trim(void);

/* A slab of the class with free slots from the orphans, for the heap, on no list; NULL if there is
 * none. */
struct slab *orphans_adopt(struct heap *heap, unsigned class_index);

/* Free a block of an orphan. A heap that has no other slab of the class with free slots adopts the
 * orphan, so that what else it frees of it costs little; else it stays for whoever needs slots.
 * False if the slab is no orphan any more, or the block is freed already. */
bool orphans_give(struct heap *heap, struct slab *slab, uint32_t slot);

/* ---- slabs of threads that a fork left behind: they become orphans when somebody meets them ----
 */

/* In the child of a fork: from now on there may be such slabs. */
void orphans_after_fork(void);

/* Make a slab an orphan if its owner is gone; what its thread left in the middle is worked out from
 * the live bits. Under pool_lock. */
void orphans_take_over(struct slab *slab);

/* Look at so many slabs for such, going on from the last. False if there are none left to look at.
 * Under pool_lock. */
bool orphans_take_over_some(size_t looks);

/* ---- inboxes ---- */

/* Tell the owner of a slab that blocks of it were freed. If more waits in its inbox than it should
 * before somebody else looks, the owner; else NULL. _remote: any thread may call it, without the
 * lock. */
struct heap *orphans_post_remote(struct slab *slab);

/* Push a posted slab on the inbox of a heap. _remote: any thread may call it. */
void orphans_push_inbox_remote(struct heap *heap, struct slab *slab);

/* Deal with a slab that came out of an inbox, or never got into one, and is not the caller's. Under
 * pool_lock. */
void orphans_forward(struct slab *slab);

/* Do that with all of a heap's inbox; its own slabs go back to it. Under pool_lock. */
void orphans_forward_all(struct heap *heap);

#endif
