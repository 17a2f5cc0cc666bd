/* If this failed, requests that come while the next allocator is looked up would get no memory or
 * lose it, or blocks of the bootstrap arena would be taken for somebody else's. */
#include "next.h"
#include "tap.h"

#include <errno.h>

static void the_next_allocator_is_the_c_library_here(void) {
    const struct next *found = next();
    errno = 4711;
    unsigned char *block = found->malloc(1000);
    CHECK(block != NULL && !next_is_bootstrap(block) && errno == 4711);
    CHECK(found->malloc_usable_size(block) >= 1000);
    memset(block, 7, 1000);
    block = found->realloc(block, 100000);
    CHECK(block != NULL && block[999] == 7);
    found->free(block);
    unsigned char *zeroes = found->calloc(10, 100);
    CHECK(zeroes != NULL && zeroes[0] == 0 && memcmp(zeroes, zeroes + 1, 999) == 0);
    found->free(zeroes);
    void *aligned = found->memalign(4096, 100);
    CHECK(aligned != NULL && (uintptr_t)aligned % 4096 == 0);
    found->free(aligned);
    CHECK(next() == found);
}

static void what_there_is_not_is_NULL(void) {
    CHECK(next_symbol("no_such_function_of_anybody") == NULL);
    CHECK(next_symbol("malloc") != NULL);
}

static void other_blocks_are_not_of_the_bootstrap_arena(void) {
    int local;
    CHECK(!next_is_bootstrap(&local) && !next_is_bootstrap(NULL));
    CHECK(!next_is_bootstrap(&next_found));
}

int main(void) {
    TAP_RUN(the_next_allocator_is_the_c_library_here);
    TAP_RUN(what_there_is_not_is_NULL);
    TAP_RUN(other_blocks_are_not_of_the_bootstrap_arena);
    return tap_done();
}
