/* If this failed, a test suite that sets MALLOC_PERTURB_, as many do, would find nothing that reads
 * memory which nobody has written; or calloc() would hand out what is not zero. */
#include "../harness/tap.h"
#include "behaviour.h"

#include <pthread.h>

enum { BYTE = 0x55, OTHER_BYTE = 0x11, MOST_BYTES = 4000, NOT_FILLED = 2 };

static const char *program;

static bool is_all(const unsigned char *block, size_t bytes, int byte) {
    for (size_t i = 0; i < bytes; i++)
        if (block[i] != byte)
            return false;
    return true;
}

/* By a pointer that the compiler does not know to be freed. */
static bool was_filled(unsigned char *volatile freed, size_t bytes) {
    return is_all(freed, bytes, pools_are_hardened() ? 0 : BYTE);
}

static int check_size(size_t bytes) {
    unsigned char *block = malloc(bytes), *zeroed = calloc(1, bytes);
    unsigned char *aligned = aligned_alloc(64, bytes);
    if (!is_all(block, bytes, BYTE ^ 0xff) || !is_all(aligned, bytes, BYTE ^ 0xff))
        return NOT_FILLED;
    if (!is_all(zeroed, bytes, 0))
        return 3;
    memset(block, 7, bytes);
    block = realloc(block, bytes * 3);
    if (!is_all(block, bytes, 7))
        return 4;
    unsigned char *volatile freed = zeroed;
    free(zeroed);
    if (!was_filled(freed, bytes))
        return 5;
    free(block);
    free(aligned);
    zeroed = calloc(1, bytes); /* of what was filled */
    int result = is_all(zeroed, bytes, 0) ? 0 : 6;
    free(zeroed);
    return result;
}

static void *free_it(void *block) {
    free(block);
    return NULL;
}

/* What another thread frees is filled, too. */
static int check_remote(void) {
    pthread_t thread;
    unsigned char *block = calloc(1, 100), *volatile freed = block;
    if (pthread_create(&thread, NULL, free_it, block) != 0)
        return 0;
    pthread_join(thread, NULL);
    return was_filled(freed, 100) ? 0 : 7;
}

static int child_main(void) {
    for (size_t bytes = 1; bytes < MOST_BYTES; bytes = bytes * 5 / 3 + 1) {
        int result = check_size(bytes);
        if (result != 0)
            return result;
    }
    int result = check_remote();
#ifdef M_PERTURB
    mallopt(M_PERTURB, OTHER_BYTE);
    unsigned char *block = malloc(100);
    if (result == 0 && !is_all(block, 100, OTHER_BYTE ^ 0xff))
        result = 8;
    free(block);
#endif
    return result;
}

/* The child's result, 0 if it found all blocks filled as they are to be. */
static void check_with(const char *variable, int result) {
    static struct child child;
    const char *const argv[] = {program, "child", NULL}, *const changes[] = {variable, NULL};
    if (!LIBC_IS_GLIBC) {
        tap_skip("the C library has no such setting");
        return;
    }
    if (!pools_are_unlimited()) {
        tap_skip("the pools do not serve all blocks");
        return;
    }
    child_run(&child, changes, argv);
    CHECK_SAY(!child.late && WIFEXITED(child.status) && WEXITSTATUS(child.status) == result,
              "%s: status %#x: %.300s", variable, (unsigned)child.status, child.err);
}

static void blocks_are_filled_as_the_variable_says(void) {
    check_with("MALLOC_PERTURB_=85", 0);
}

static void or_as_the_tunable_says(void) {
    check_with("GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.malloc.perturb=0x55", 0);
}

static void what_is_more_than_a_byte_fills_nothing(void) {
    check_with("MALLOC_PERTURB_=257", NOT_FILLED);
    check_with("MALLOC_PERTURB_=4294967381", NOT_FILLED);
}

static void what_is_another_tunable_fills_nothing(void) {
    check_with("GLIBC_TUNABLES=xglibc.malloc.perturb=85:glibc.malloc.perturbed=85", NOT_FILLED);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc > 1)
        return child_main();
    TAP_RUN(blocks_are_filled_as_the_variable_says);
    TAP_RUN(or_as_the_tunable_says);
    TAP_RUN(what_is_more_than_a_byte_fills_nothing);
    TAP_RUN(what_is_another_tunable_fills_nothing);
    return tap_done();
}
