#include "reservation.h"

#include "os.h"

enum { REGION_SLABS_LEAST = 16 }; /* a smaller region is not worth having */

size_t reservation_table_bytes(size_t slabs, size_t entry_bytes) {
    return os_round_to_page(slabs * entry_bytes);
}

size_t reservation_set_bytes(size_t slabs) {
    return os_round_to_page((slabs + WORD_BITS - 1) / WORD_BITS * sizeof(uint64_t));
}

size_t reservation_areas_bytes(size_t slabs) {
    return reservation_table_bytes(slabs, REGION_DESCRIPTOR_BYTES) +
           SLAB_SETS * reservation_set_bytes(slabs) +
           reservation_table_bytes(slabs, REGION_REMOTE_BYTES) +
           reservation_table_bytes(slabs, REGION_ASIDE_BYTES);
}

void reservation_give_end(reservation_give *give, void *area, size_t bytes, size_t kept_bytes) {
    give((char *)area + kept_bytes, bytes - kept_bytes);
}

void reservation_give_entries(reservation_give *give, char *table, size_t entry_bytes, size_t slabs,
                              size_t slabs_kept) {
    reservation_give_end(give, table, reservation_table_bytes(slabs, entry_bytes),
                         reservation_table_bytes(slabs_kept, entry_bytes));
}

size_t reservation_gap_bytes(size_t slabs) {
    return slabs < REGION_SLABS ? SLAB_BYTES : REGION_ALIGNMENT;
}

/* The full size is whole huge pages: the kernel aligns the start of such a mapping too. Where
 * address space is limited, no page more than needed. */
size_t reservation_bytes(size_t slabs) {
    size_t bytes =
        reservation_gap_bytes(slabs) + (slabs << SLAB_SHIFT) + reservation_areas_bytes(slabs);
    return slabs < REGION_SLABS ? bytes : (bytes + REGION_ALIGNMENT - 1) & ~(REGION_ALIGNMENT - 1);
}

char *reservation_make(size_t *slabs) {
    size_t most_bytes = SIZE_MAX;
    for (size_t count = REGION_SLABS; count >= REGION_SLABS_LEAST; count /= 2) {
        size_t bytes = reservation_bytes(count);
        char *start = bytes <= most_bytes ? os_reserve(bytes, REGION_ALIGNMENT) : NULL;
        if (start != NULL) {
            *slabs = count;
            return start + reservation_gap_bytes(count);
        }
        /* It does not fit: if that is because of a limit, leave most of it to the program. */
        if (most_bytes == SIZE_MAX && os_address_space_limit() != SIZE_MAX)
            most_bytes = os_address_space_limit() / REGION_LIMIT_SHARE;
    }
    return NULL;
}
