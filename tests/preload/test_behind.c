/* If this failed, the library would not compose: with another allocator preloaded behind it (large
 * requests and that allocator's own blocks must go there), in front of it, twice in the list, or
 * with a copy of itself. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <dlfcn.h>
#include <errno.h>

enum { LARGE_BYTES = 200000, NODE_BYTES = 200, BLOCKS = 500 };

static const char *program;

typedef int mallctl_function(const char *name, void *old, size_t *old_bytes, void *new,
                             size_t new_bytes);
typedef void *mallocx_function(size_t bytes, int flags);
typedef bool in_heap_function(const void *pointer);

/* Ordinary traffic with every byte checked. */
static bool traffic_holds(void) {
    static unsigned char *block[BLOCKS];
    static size_t size[BLOCKS];
    uint64_t random = 5;
    bool held = true;
    for (unsigned step = 0; step < 50000; step++) {
        size_t i = random_below(&random, BLOCKS);
        if (block[i] != NULL)
            held &= pattern_holds(block[i], size[i], (unsigned)i);
        size_t old = size[i];
        size[i] = random_below(&random, step % 30 == 0 ? 60000 : 1500) + 1;
        if (step % 3 == 0 && block[i] != NULL) {
            block[i] = realloc(block[i], size[i]);
            held &= pattern_holds(block[i], old < size[i] ? old : size[i], (unsigned)i);
        } else {
            free(block[i]);
            block[i] = step % 5 == 0 ? aligned_alloc(64, size[i]) : malloc(size[i]);
        }
        pattern_fill(block[i], size[i], (unsigned)i);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        free(block[i]);
    return held;
}

/* --- jemalloc behind: it counts the bytes that this thread took from it and gave back --- */

static mallctl_function *mallctl;

static uint64_t jemalloc_count(const char *name) {
    uint64_t count = 0;
    size_t bytes = sizeof count;
    mallctl(name, &count, &bytes, NULL, 0);
    return count;
}

static int jemalloc_main(void) {
    mallctl = (mallctl_function *)dlsym(RTLD_DEFAULT, "mallctl");
    mallocx_function *mallocx = (mallocx_function *)dlsym(RTLD_DEFAULT, "mallocx");
    if (mallctl == NULL || mallocx == NULL)
        return CHILD_SKIPPED;
    uint64_t taken = jemalloc_count("thread.allocated"),
             given = jemalloc_count("thread.deallocated");
    unsigned char *large = malloc(LARGE_BYTES);
    bool passes_on = !pools_are_hardened(); /* large requests */
    if ((jemalloc_count("thread.allocated") < taken + LARGE_BYTES) == passes_on)
        return 2;
    pattern_fill(large, LARGE_BYTES, 1);
    large = realloc(large, NODE_BYTES); /* across the border, and back */
    if ((jemalloc_count("thread.deallocated") < given + LARGE_BYTES) == passes_on)
        return 3;
    large = realloc(large, LARGE_BYTES);
    if (!pattern_holds(large, NODE_BYTES, 1))
        return 4;
    free(large);
    unsigned char *own = mallocx(NODE_BYTES, 0); /* its block, by its own name */
    given = jemalloc_count("thread.deallocated");
    pattern_fill(own, NODE_BYTES, 2);
    if (malloc_usable_size(own) < NODE_BYTES)
        return 5;
    free(own);
    if (jemalloc_count("thread.deallocated") < given + NODE_BYTES)
        return 6;
    own = realloc(mallocx(NODE_BYTES, 0), 20);
    free(own);
    taken = jemalloc_count("thread.allocated");
    for (int i = 0; i < 1000; i++)
        free(malloc(NODE_BYTES));
    if ((jemalloc_count("thread.allocated") > taken) != !pools_are_on())
        return 7; /* nodes are the pool's, unless it is off */
    return traffic_holds() ? 0 : 8;
}

/* --- mimalloc behind: it knows its own blocks --- */

static int mimalloc_main(void) {
    in_heap_function *is_its = (in_heap_function *)dlsym(RTLD_DEFAULT, "mi_is_in_heap_region");
    void *(*mi_malloc)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "mi_malloc");
    if (is_its == NULL || mi_malloc == NULL)
        return CHILD_SKIPPED;
    void *large = malloc(LARGE_BYTES), *node = malloc(NODE_BYTES), *aligned = memalign(1 << 16, 10);
    if (is_its(large) != !pools_are_hardened())
        return 2;
    if (is_its(node) != !pools_are_on())
        return 3;
    if (is_its(aligned) != !pools_are_hardened())
        return 4;
    free(large);
    free(node);
    free(aligned);
    for (int i = 0; i < 1000; i++)
        free(realloc(mi_malloc(NODE_BYTES), 300));
    return traffic_holds() ? 0 : 5;
}

/* --- another one before us: what it lacks a name for comes to us with its blocks --- */

typedef void free_sized_function(void *block, size_t bytes);

static bool array_holds(size_t before, size_t count) {
    unsigned char *block = malloc(before);
    size_t kept = before < count * 8 ? before : count * 8;
    pattern_fill(block, before, 3);
    block = reallocarray(block, count, 8);
    bool held = block != NULL && pattern_holds(block, kept, 3);
    free(block);
    return held;
}

/* errno says why, also where only the memalign() of the other is behind it, as jemalloc's. */
static bool refusal_is_told(void) {
    volatile size_t bytes = PTRDIFF_MAX - (1 << 20);
    errno = 0;
    return aligned_alloc(64, bytes) == NULL && errno == ENOMEM;
}

static int families_main(void) {
    if (!refusal_is_told())
        return 4;
    if (!array_holds(40, 20) || !array_holds(40, 20000) || !array_holds(200000, 5))
        return 2;
    free(reallocarray(NULL, 10, 10));
    free_sized_function *free_sized = (free_sized_function *)dlsym(RTLD_DEFAULT, "free_sized");
    if (free_sized != NULL)
        free_sized(malloc(100), 100);
    free(memalign(128, 0));
    free(valloc(100));
    return traffic_holds() ? 0 : 3;
}

static int traffic_main(void) {
    return traffic_holds() ? 0 : 2;
}

/* --- the test's side --- */

static const char *own_preload(void) {
    const char *preload = getenv("LD_PRELOAD");
    return preload != NULL ? preload : "";
}

static void check_with_preload(const char *mode, const char *preload) {
    static struct child child;
    char variable[1024];
    const char *const argv[] = {program, mode, NULL};
    const char *const changes[] = {variable, NULL};
    snprintf(variable, sizeof variable, "LD_PRELOAD=%s", preload);
    child_run(&child, changes, argv);
    if (child_skipped(&child) || strstr(child.err, "cannot be preloaded") != NULL) {
        tap_skip("the other allocator is not installed");
        return;
    }
    CHECK_SAY(child_succeeded(&child) && child.err[0] == '\0', "LD_PRELOAD=%s: status %#x: %.300s",
              preload, (unsigned)child.status, child.err);
}

static void check_behind(const char *mode, const char *other) {
    char preload[1024];
    snprintf(preload, sizeof preload, "%s %s", own_preload(), other);
    if (shim_is_loaded())
        check_with_preload(mode, preload);
    else
        tap_skip("the library is not loaded");
}

static void large_requests_and_foreign_blocks_go_to_jemalloc_behind(void) {
    check_behind("jemalloc", "libjemalloc.so.2");
}

static void large_requests_and_foreign_blocks_go_to_mimalloc_behind(void) {
    check_behind("mimalloc", "libmimalloc.so.2.0");
}

static void tcmalloc_may_stand_behind(void) {
    check_behind("traffic", "libtcmalloc_minimal.so.4");
}

static void check_families(const char *other) {
    char preload[1024];
    if (!shim_is_loaded()) {
        tap_skip("the library is not loaded");
        return;
    }
    snprintf(preload, sizeof preload, "%s %s", other, own_preload());
    check_with_preload("families", preload);
    check_behind("families", other);
}

static void jemalloc_may_stand_on_either_side(void) {
    check_families("libjemalloc.so.2");
}

static void mimalloc_may_stand_on_either_side(void) {
    check_families("libmimalloc.so.2.0");
}

static void tcmalloc_may_stand_on_either_side(void) {
    check_families("libtcmalloc_minimal.so.4");
}

static void tbbmalloc_may_stand_on_either_side(void) {
    check_families("libtbbmalloc_proxy.so.2");
}

static void the_debugging_malloc_of_glibc_may_stand_on_either_side(void) {
    check_families("libc_malloc_debug.so.0");
}

static void the_library_may_be_named_twice(void) {
    check_behind("traffic", own_preload());
}

static bool copy_file(const char *from, const char *to) {
    char buffer[65536];
    ssize_t length = 0;
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    while (in >= 0 && out >= 0 && (length = read(in, buffer, sizeof buffer)) > 0)
        if (write(out, buffer, (size_t)length) != length)
            break;
    bool copied = in >= 0 && out >= 0 && length == 0;
    close(in);
    close(out);
    return copied;
}

/* Two libraries with one name but two files are both loaded: each is the other's next or foreign
 * allocator. */
static void a_copy_of_the_library_may_stand_behind_it(void) {
    char folder[] = "/tmp/tagpool-copy-XXXXXX", copy[64];
    if (!shim_is_loaded()) {
        tap_skip("the library is not loaded");
        return;
    }
    CHECK(mkdtemp(folder) != NULL);
    snprintf(copy, sizeof copy, "%s/libcopy.so", folder);
    CHECK_SAY(copy_file(own_preload(), copy), "%s cannot be copied to %s", own_preload(), copy);
    check_behind("traffic", copy);
    unlink(copy);
    rmdir(folder);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 2 && strcmp(argv[1], "jemalloc") == 0)
        return jemalloc_main();
    if (argc == 2 && strcmp(argv[1], "mimalloc") == 0)
        return mimalloc_main();
    if (argc == 2 && strcmp(argv[1], "families") == 0)
        return families_main();
    if (argc == 2)
        return traffic_main();
    TAP_RUN(large_requests_and_foreign_blocks_go_to_jemalloc_behind);
    TAP_RUN(large_requests_and_foreign_blocks_go_to_mimalloc_behind);
    TAP_RUN(tcmalloc_may_stand_behind);
    TAP_RUN(jemalloc_may_stand_on_either_side);
    TAP_RUN(mimalloc_may_stand_on_either_side);
    TAP_RUN(tcmalloc_may_stand_on_either_side);
    TAP_RUN(tbbmalloc_may_stand_on_either_side);
    TAP_RUN(the_debugging_malloc_of_glibc_may_stand_on_either_side);
    TAP_RUN(the_library_may_be_named_twice);
    TAP_RUN(a_copy_of_the_library_may_stand_behind_it);
    return tap_done();
}
