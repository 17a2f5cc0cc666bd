/* What a program asks of its allocator: numbers, and memory back.
 *
 * The rarely called functions of the allocator behind us are looked up at each call; what it does
 * not have, does nothing.
 */
#include "base.h"
#include "fault.h"
#include "heap.h"
#include "heap_life.h"
#include "idle.h"
#include "libc.h"
#include "next.h"
#include "orphans.h"
#include "perturb.h"
#include "region.h"
#include "rescue.h"
#include "spans.h"
#include "text.h"
#include "tuning.h"

#include <errno.h>
#include <stdlib.h>

EXPORT int malloc_trim(size_t pad) {
    int (*next_trim)(size_t) = next()->malloc_trim;
    struct heap *heap = heap_current;
    size_t bytes = heap_is_real(heap) ? heap_trim(heap) : 0;
    if (lock_acquire(&pool_lock)) {
        bytes += rescue_all() + orphans_trim() + region_trim(0) + spans_trim();
        lock_release(&pool_lock);
    }
    bytes += idle_trim();
    bool next_trimmed = next_trim != NULL && next_trim(pad) != 0;
    return next_trimmed || bytes != 0;
}

EXPORT struct mallinfo2 mallinfo2(void) {
    struct mallinfo2 (*next_mallinfo2)(void) = next()->mallinfo2;
    struct mallinfo2 info = {.arena = 0};
    if (next_mallinfo2 != NULL)
        info = next_mallinfo2();
    struct heap_life_sums sums;
    heap_life_sum(&sums);
    info.arena += sums.live_bytes + sums.free_bytes;
    info.uordblks += sums.live_bytes;
    info.fordblks += sums.free_bytes;
    info.ordblks += sums.free_slots;
    info.hblks += sums.large.blocks; /* mapped, as blocks of this size are in glibc */
    info.hblkhd += sums.large.memory_bytes;
    return info;
}

/* The old form counts in int and wraps, as glibc's does. */
EXPORT struct mallinfo mallinfo(void) {
    struct mallinfo2 info = mallinfo2();
    return (struct mallinfo){.arena = (int)info.arena,
                             .ordblks = (int)info.ordblks,
                             .smblks = (int)info.smblks,
                             .hblks = (int)info.hblks,
                             .hblkhd = (int)info.hblkhd,
                             .usmblks = (int)info.usmblks,
                             .fsmblks = (int)info.fsmblks,
                             .uordblks = (int)info.uordblks,
                             .fordblks = (int)info.fordblks,
                             .keepcost = (int)info.keepcost};
}

EXPORT int malloc_info(int options, FILE *stream) {
    int (*next_info)(int, FILE *) = next()->malloc_info;
    if (next_info != NULL)
        return next_info(options, stream);
    errno = ENOSYS;
    return -1;
}

EXPORT void malloc_stats(void) {
    void (*next_stats)(void) = next()->malloc_stats;
    if (next_stats != NULL)
        next_stats();
    struct heap_life_sums sums;
    heap_life_sum(&sums);
    struct text line = {.length = 0};
    text_add(&line, "pools hold ");
    text_add_number(&line, sums.live_bytes + sums.large.memory_bytes);
    text_add(&line, " bytes in use and ");
    text_add_number(&line, sums.free_bytes);
    text_add(&line, " bytes free");
    fault_line(&line);
}

EXPORT int mallopt(int parameter, int value) {
    int (*next_mallopt)(int, int) = next()->mallopt;
    tuning_is_users(parameter);
#ifdef M_PERTURB
    if (parameter == M_PERTURB)
        perturb_set(value);
#endif
    return next_mallopt != NULL ? next_mallopt(parameter, value) : 0;
}
