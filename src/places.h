/* Where a slab is: current for its class, on one of the three lists of its heap, or none of these.
 *
 * A slab is full, on `full`, when fewer than an eighth of its slots are free, and comes back when
 * that many are: slab.wake says at what number of used ones. Others are on `available`, until few
 * blocks are left: then on `sparse`, whose slabs give memory back if that is wanted (sweep.h). They
 * need attention each time that a quarter of these blocks is left, and when they are empty: then
 * they go back to the region. The current one needs none.
 *
 * All is the owner's, but for places_release().
 */
#ifndef PLACES_H
#define PLACES_H

#include "heap_table.h"

enum { PLACES_WAKE_SHARE = 8 };

/* True if a slab is on a list. */
static inline bool places_is_listed(const struct slab *slab) {
    return slab->place != SLAB_NOWHERE && slab->place != SLAB_CURRENT;
}

/* The free slots with which a full slab comes back: an eighth of all. */
static inline uint32_t places_gap(const struct slab *slab) {
    return slab->slot_count / PLACES_WAKE_SHARE + 1;
}

/* Put a slab that is on no list on one, which `place` names. */
static inline void places_push(struct slab_list *list, struct slab *slab, enum slab_place place) {
    ASSERT(!places_is_listed(slab) && list->first != slab);
    ASSERT(list->first == NULL || (list->first->place == place && list->first->previous == NULL));
    /* Release, the partner of rescue.c: who sees the place sees the counts that go with it. */
    __atomic_store_n(&slab->place, (uint8_t)place, __ATOMIC_RELEASE);
    slab->previous = NULL;
    slab->next = list->first;
    if (list->first != NULL)
        list->first->previous = slab;
    __atomic_store_n(&list->first, slab, __ATOMIC_RELAXED);
}

/* Take a slab off the list that it is on. */
static inline void places_remove(struct slab_list *list, struct slab *slab) {
    ASSERT(places_is_listed(slab) && (list->first == slab) == (slab->previous == NULL));
    ASSERT(slab->next == NULL || slab->next->previous == slab);
    if (slab->previous != NULL)
        slab->previous->next = slab->next;
    else
        __atomic_store_n(&list->first, slab->next, __ATOMIC_RELAXED);
    if (slab->next != NULL)
        slab->next->previous = slab->previous;
    OWNER_STORE(&slab->place, (uint8_t)SLAB_NOWHERE);
}

/* Raise an end of classes to `least`. In one step: a signal handler may do so meanwhile. */
static inline void places_raise(uint32_t *class_end, uint32_t least) {
    uint32_t end = __atomic_load_n(class_end, __ATOMIC_RELAXED);
    while (UNLIKELY(end < least) &&
           !__atomic_compare_exchange_n(class_end, &end, least, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED))
        continue;
}

/* Before the heap takes or adopts a slab of a class. */
static inline void places_note_class(struct heap *heap, unsigned class_index) {
    places_raise(&heap->class_end, class_index + 1);
}

/* Hand out from this slab, which is on no list. */
static inline void places_make_current(struct heap *heap, struct slab *slab) {
    ASSERT(!places_is_listed(slab) && slab_owner(slab) == (int)heap->owner);
    heap->current[slab->class_index] = slab;
    OWNER_STORE(&slab->place, (uint8_t)SLAB_CURRENT);
    slab_set_wake(slab, 0);
}

/* Take a slab of this heap off the list that it is on, if it is on one. */
void places_unlist(struct heap *heap, struct slab *slab);

/* Put a slab of this heap, which is on no list, where it belongs by its number of free slots. */
void places_enlist(struct heap *heap, struct slab *slab);

/* A slab needs attention: a full one has free slots again, or one is empty. */
void places_wake(struct heap *heap, struct slab *slab);

/* After frees that did not go one by one: move the slab to where it belongs now. */
void places_settle(struct heap *heap, struct slab *slab);

/* Return an empty slab, which is on no list, to the region. Under pool_lock. */
void places_release(struct slab *slab);

#endif
