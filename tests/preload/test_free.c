/* If this failed, free and its kin would change errno (which breaks code that frees before it
 * reports), crash on NULL or on blocks from before the library was loaded, or the older and newer
 * names would leak. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <dlfcn.h>

typedef void free_function(void *block);
typedef void free_sized_function(void *block, size_t size);
typedef void free_aligned_sized_function(void *block, size_t alignment, size_t size);

static const size_t sizes[] = {0, 1, 16, 48, 200, 1000, 1024, 1025, 5000, 130000, 3 << 20};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void freeing_NULL_does_nothing(void) {
    errno = SENTINEL_ERRNO;
    free(opaque(NULL));
    CHECK(errno == SENTINEL_ERRNO);
}

/* Large blocks are unmapped: the system call must not show through. */
static void free_keeps_errno(void) {
    for (size_t i = 0; i < SIZES; i++)
        for (int k = 0; k < 50; k++) {
            void *block = malloc(sizes[i]);
            void *foreign = libc_malloc(sizes[i] + 1);
            errno = SENTINEL_ERRNO;
            free(block);
            CHECK(errno == SENTINEL_ERRNO);
            free(foreign);
            CHECK(errno == SENTINEL_ERRNO);
        }
}

static void foreign_blocks_are_freed_where_they_came_from(void) {
    enum { COUNT = 300 };
    void *block[COUNT];
    struct mallinfo2 before = mallinfo2();
    for (int round = 0; round < 100; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            block[i] = libc_malloc(i * 9 + 1);
            memset(block[i], 0x77, i * 9 + 1);
        }
        for (size_t i = 0; i < COUNT; i++)
            free(block[i]);
    }
    struct mallinfo2 after = mallinfo2();
    CHECK_SAY(after.arena <= before.arena + (2 << 20), "the heap grew from %zu to %zu bytes",
              before.arena, after.arena);
}

static void cfree_is_free(void) {
    free_function *cfree_found = (free_function *)dlsym(RTLD_DEFAULT, "cfree");
    if (cfree_found == NULL) {
        CHECK_SAY(!shim_is_loaded(), "the library does not export cfree");
        tap_skip("the system's allocator has no cfree");
        return;
    }
    cfree_found(NULL);
    for (size_t i = 0; i < SIZES; i++)
        cfree_found(malloc(sizes[i]));
}

static void free_sized_and_free_aligned_sized_are_free(void) {
    free_sized_function *by_size = (free_sized_function *)dlsym(RTLD_DEFAULT, "free_sized");
    free_aligned_sized_function *by_alignment =
        (free_aligned_sized_function *)dlsym(RTLD_DEFAULT, "free_aligned_sized");
    if (by_size == NULL || by_alignment == NULL) {
        CHECK_SAY(!shim_is_loaded(), "the library does not export free_sized, free_aligned_sized");
        tap_skip("the system's allocator has no free_sized");
        return;
    }
    by_size(NULL, 0);
    by_size(NULL, 40);
    by_alignment(NULL, 64, 128);
    size_t before_kib = 0;
    for (int round = 0; round < 2000; round++) {
        if (round == 500)
            before_kib = resident_kib();
        for (size_t i = 0; i < SIZES - 1; i++) {
            errno = SENTINEL_ERRNO;
            by_size(malloc(sizes[i]), sizes[i]);
            by_size(calloc(1, sizes[i]), sizes[i]);
            by_alignment(aligned_alloc(64, sizes[i]), 64, sizes[i]);
            CHECK(errno == SENTINEL_ERRNO);
        }
    }
    CHECK_SAY(resident_kib() <= before_kib + 4096, "%zu KiB became %zu KiB", before_kib,
              resident_kib());
}

int main(void) {
    TAP_RUN(freeing_NULL_does_nothing);
    TAP_RUN(free_keeps_errno);
    TAP_RUN(foreign_blocks_are_freed_where_they_came_from);
    TAP_RUN(cfree_is_free);
    TAP_RUN(free_sized_and_free_aligned_sized_are_free);
    return tap_done();
}
