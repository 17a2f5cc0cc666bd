#include "room.h"

#include "heap.h"
#include "origins.h"
#include "os.h"
#include "region.h"

/* What allocators reserve beyond a request. */
enum { ROOM_BESIDE_BYTES = 4 << 20 };

/* If the address space is limited, what the region reserved and never used may be in the way: give
 * back what the request takes, if that is enough. */
static bool make_address_space(size_t least_bytes, size_t bytes) {
    size_t limit = os_address_space_limit();
    size_t used = os_address_space_used();
    if (used == 0) /* not known: as if all were used */
        used = limit;
    size_t most = room_sum(room_sum(used, bytes), ROOM_BESIDE_BYTES);
    if (limit == SIZE_MAX || least_bytes > limit || most <= limit)
        return false;
    if (!lock_acquire(&pool_lock))
        return false;
    bool released =
        region_make_room(room_excess(room_sum(used, least_bytes), limit), room_excess(most, limit));
    origins_release_unused();
    lock_release(&pool_lock);
    return released;
}

static bool yield_data(bool is_limited) {
    if (!lock_acquire(&pool_lock))
        return false;
    bool yielded = region_yield_data(is_limited);
    lock_release(&pool_lock);
    return yielded;
}

bool room_release_unused(size_t keep_bytes) {
    if (!lock_acquire(&pool_lock))
        return false;
    bool released = region_release_unused(keep_bytes);
    origins_release_unused();
    lock_release(&pool_lock);
    return released;
}

void room_lock(unsigned flags) {
    os_lock_commits(flags);
    if (!lock_acquire(&pool_lock))
        return;
    region_unlock_unused();
    origins_unlock();
    lock_release(&pool_lock);
}

void room_limit_data(void) {
    (void)yield_data(true);
}

/* Other threads may have emptied slabs of the heap: these are taken in first. Only in a request: a
 * handler that sets a limit may have interrupted one. */
static bool make_data(bool is_limited) {
    if (heap_is_real(heap_current))
        heap_take_in(heap_current);
    return yield_data(is_limited);
}

COLD bool room_make_data(void) {
    return make_data(false);
}

COLD bool room_make(size_t least_bytes, size_t bytes) {
    bool has_data = os_is_data_limited() && make_data(true);
    return make_address_space(least_bytes, bytes) || has_data;
}

static _Atomic(bool) has_told_fallback;

COLD void room_tell_fallback(size_t bytes) {
    if (atomic_exchange_explicit(&has_told_fallback, true, memory_order_relaxed))
        return;
    struct text line = {.length = 0};
    text_add(&line, "no room in the pools for ");
    text_add_number(&line, bytes);
    text_add(&line, " bytes: this block and maybe others come from the next allocator, "
                    "and are not hardened");
    fault_line(&line);
}

bool room_has_told_fallback(void) {
    return atomic_load_explicit(&has_told_fallback, memory_order_relaxed);
}
