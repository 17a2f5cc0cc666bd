/* If this failed, memory of the program that lies where the library gave address space back would
 * not be looked through for pointers: blocks in use would be called leaks. */
#include "os.h"
#include "tap.h"

static uintptr_t page_bytes;

/* The pages from `first` on are known to be reserved up to `end`; both count from `start`. */
static bool is_reserved(uintptr_t start, unsigned first, unsigned end) {
    uintptr_t from = start + first * page_bytes;
    return os_end_of_reserved(from, from + 100 * page_bytes) == start + end * page_bytes;
}

static bool is_free(uintptr_t start, unsigned first, unsigned end) {
    uintptr_t from = start + first * page_bytes, to = start + end * page_bytes;
    return os_end_of_reserved(from, to) == from && os_start_of_reserved(from, to) == to;
}

static void what_is_given_back_is_no_longer_known_as_reserved(void) {
    page_bytes = os_page_bytes();
    uintptr_t start = (uintptr_t)os_reserve(10 * page_bytes, page_bytes);
    CHECK(start != 0 && is_reserved(start, 0, 10) && is_reserved(start, 4, 10));
    os_unreserve((void *)(start + 9 * page_bytes), page_bytes);
    os_unreserve((void *)start, page_bytes);
    CHECK(is_free(start, 0, 1) && is_reserved(start, 1, 9) && is_free(start, 9, 10));
    os_unreserve((void *)(start + 4 * page_bytes), 2 * page_bytes);
    CHECK(is_reserved(start, 1, 4) && is_free(start, 4, 6) && is_reserved(start, 6, 9));
    CHECK(os_start_of_reserved(start, start + 10 * page_bytes) == start + page_bytes);
    os_unreserve((void *)(start + page_bytes), 8 * page_bytes);
    CHECK(is_free(start, 0, 10));
}

int main(void) {
    TAP_RUN(what_is_given_back_is_no_longer_known_as_reserved);
    return tap_done();
}
