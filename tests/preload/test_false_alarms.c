/* If this failed, a correct program would be stopped: for data that looks like a tag, for the
 * size that it asked for, for memory of another allocator, or in a forked child. A fault that is
 * reported ends this program, and the runner counts that as a failure. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>

typedef void *make_function(size_t);
typedef void *make_aligned_function(size_t, size_t);
typedef void *make_nothrow_function(size_t, const void *);
typedef void free_function(void *);
typedef void free_sized_function(void *, size_t);
typedef void free_sized_aligned_function(void *, size_t, size_t);
typedef void free_nothrow_function(void *, const void *);

/* The operators by their linker names: this test needs no C++ compiler. NULL without the library.
 */
static void *find(const char *name) {
    return dlsym(RTLD_DEFAULT, name);
}

/* The 8 bytes in front of a block, where its tag may be; false where reading them might fail. */
static bool read_in_front(const char *block, char bytes[8]) {
    if (((uintptr_t)block & 0xfff) < 64)
        return false;
    memcpy(bytes, block - 8, 8);
    return true;
}

static void data_that_looks_like_a_tag_is_data(void) {
    enum { COUNT = 600 };
    static char *block[COUNT];
    static char tag[COUNT][8];
    for (size_t bytes = 8; bytes <= 1000; bytes = bytes * 2 + 8) {
        for (size_t i = 0; i < COUNT; i++)
            block[i] = malloc(bytes);
        for (size_t i = 0; i < COUNT; i++)
            read_in_front(block[i], tag[i]);
        /* Each block is full of tags: its own, and those of others. */
        for (size_t i = 0; i < COUNT; i++)
            for (size_t at = 0; at + 8 <= bytes; at += 8)
                memcpy(block[i] + at, tag[at % 16 != 0 ? i : (i + at) % COUNT], 8);
        for (size_t i = 0; i < COUNT; i += 2)
            free(block[i]);
        for (size_t i = 1; i < COUNT; i += 2)
            block[i] = realloc(block[i], bytes + 40);
        for (size_t i = 1; i < COUNT; i += 2)
            free(block[i]);
    }
    CHECK(true); /* reaching this is the proof */
}

static void all_usable_bytes_may_be_written(void) {
    enum { COUNT = 200 };
    static char *block[COUNT];
    for (size_t bytes = 0; bytes < 3000; bytes = bytes * 5 / 4 + 1) {
        for (size_t i = 0; i < COUNT; i++) {
            block[i] = malloc(bytes);
            memset(block[i], 0xff, malloc_usable_size(block[i]));
        }
        for (size_t i = 0; i < COUNT; i++)
            free(block[(i * 7 + 3) % COUNT]);
    }
    CHECK(true);
}

static void the_exact_size_is_right_after_every_way_to_make_a_block(void) {
    free_sized_function *free_sized = (free_sized_function *)find("free_sized");
    free_sized_aligned_function *free_aligned_sized =
        (free_sized_aligned_function *)find("free_aligned_sized");
    if (free_sized == NULL || free_aligned_sized == NULL) {
        tap_skip("the system has no free_sized");
        return;
    }
    for (size_t bytes = 1; bytes < 300000; bytes = bytes * 4 / 3 + 1) {
        free_sized(opaque(malloc(bytes)), bytes);
        free_sized(opaque(calloc(bytes, 1)), bytes);
        free_sized(opaque(realloc(malloc(bytes * 3), bytes)), bytes);
        free_sized(opaque(realloc(malloc(bytes / 2 + 1), bytes)), bytes);
        free_sized(opaque(reallocarray(NULL, bytes, 3)), bytes * 3);
        for (size_t alignment = 8; alignment <= 8192; alignment *= 4) {
            size_t whole = (bytes + alignment - 1) / alignment * alignment;
            free_aligned_sized(opaque(aligned_alloc(alignment, whole)), alignment, whole);
        }
    }
    free_sized(opaque(malloc(0)), 0);
    free_sized(NULL, 40);
    CHECK(true);
}

/* `new (std::nothrow)` goes with plain delete, aligned new with aligned delete, sized or not. */
static void forms_that_belong_together_are_no_mismatch(void) {
    static const char nothrow = 0;
    make_nothrow_function *new_nothrow = (make_nothrow_function *)find("_ZnwmRKSt9nothrow_t");
    make_nothrow_function *new_array_nothrow = (make_nothrow_function *)find("_ZnamRKSt9nothrow_t");
    make_aligned_function *new_aligned = (make_aligned_function *)find("_ZnwmSt11align_val_t");
    free_function *drop = (free_function *)find("_ZdlPv");
    free_function *delete_array = (free_function *)find("_ZdaPv");
    free_nothrow_function *delete_nothrow = (free_nothrow_function *)find("_ZdlPvRKSt9nothrow_t");
    free_sized_aligned_function *delete_aligned =
        (free_sized_aligned_function *)find("_ZdlPvmSt11align_val_t");
    if (new_nothrow == NULL || new_aligned == NULL || delete_aligned == NULL) {
        tap_skip("there are no operators in C");
        return;
    }
    for (size_t bytes = 1; bytes < 5000; bytes += 61) {
        drop(opaque(new_nothrow(bytes, &nothrow)));
        delete_nothrow(opaque(new_nothrow(bytes, &nothrow)), &nothrow);
        delete_array(opaque(new_array_nothrow(bytes, &nothrow)));
        delete_aligned(opaque(new_aligned(bytes, 64)), bytes, 64);
        delete_aligned(opaque(new_aligned(bytes, 4096)), bytes, 4096);
    }
    void *aligned = NULL;
    for (size_t bytes = 1; bytes < 5000; bytes += 61)
        if (posix_memalign(&aligned, 64, bytes) == 0)
            free(opaque(realloc(aligned, bytes * 2)));
    CHECK(true);
}

static void what_the_C_library_allocates_is_freed_by_free(void) {
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    for (int i = 0; i < 1000; i++)
        fprintf(stream, "%d ", i);
    fclose(stream);
    free(text);
    free(strdup("a string"));
    free(getcwd(NULL, 0));
    free(realpath("/", NULL));
    CHECK(asprintf(&text, "%0500d", 1) == 500);
    free(text);
}

static void blocks_of_the_next_allocator_are_passed_on(void) {
    for (size_t bytes = 1; bytes < 300000; bytes = bytes * 3 / 2 + 1) {
        char *block = memset(libc_malloc(bytes), 1, bytes);
        CHECK(malloc_usable_size(block) >= bytes);
        block = realloc(block, bytes + 100);
        CHECK(block[0] == 1);
        free(block);
        free(libc_calloc(1, bytes));
        free(libc_memalign(256, bytes));
        /* A tag of ours copied in front of a block of theirs makes it none of ours. */
        char *ours = malloc(40), tag[8];
        char *theirs = libc_malloc(bytes + 64);
        if (read_in_front(ours, tag))
            memcpy(theirs, tag, 8);
        free(theirs);
        free(ours);
    }
}

static void *take_in_thread(void *bytes) {
    return memset(malloc((size_t)(uintptr_t)bytes), 7, (size_t)(uintptr_t)bytes);
}

static void *wait_for_ever(void *block) {
    atomic_store((_Atomic(void *) *)block, take_in_thread((void *)(uintptr_t)100));
    for (;;)
        pause();
    return block;
}

/* Frees, resizes and asks for the size of all that was there before the fork. */
static void use_up(char **block, size_t count, size_t bytes) {
    for (size_t i = 0; i < count; i++) {
        if (block[i][0] != 7 || malloc_usable_size(block[i]) < bytes)
            _exit(1);
        if (i % 3 == 0)
            block[i] = realloc(block[i], bytes * 2);
        free(block[i]);
    }
}

static void blocks_from_before_a_fork_are_good_in_both_processes(void) {
    enum { COUNT = 900 };
    static char *block[COUNT];
    static _Atomic(void *) of_living;
    pthread_t thread, ended;
    const size_t bytes = 72;
    pthread_create(&thread, NULL, wait_for_ever, &of_living);
    for (size_t i = 0; i < COUNT; i++)
        block[i] = take_in_thread((void *)(uintptr_t)bytes);
    pthread_create(&ended, NULL, take_in_thread, (void *)(uintptr_t)bytes);
    free(block[0]);
    pthread_join(ended, (void **)&block[0]);
    while (atomic_load(&of_living) == NULL)
        nap_ms(1);
    for (int depth = 0; depth < 2; depth++) {
        int status = -1;
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            pid_t grandchild = depth == 1 ? fork() : -1;
            use_up(block, COUNT, bytes);
            free(atomic_load(&of_living));
            if (grandchild > 0)
                waitpid(grandchild, &status, 0);
            _exit(grandchild > 0 && status != 0);
        }
        CHECK(child_wait(pid, &status, CHILD_SECONDS));
        CHECK_SAY(status == 0, "the child ended with %#x", (unsigned)status);
    }
    use_up(block, COUNT, bytes);
    free(atomic_load(&of_living));
}

/* Of slabs with few blocks the pages without any go back, with the tags that free slots have there.
 * Such slabs serve again, also those whose slots had been claimed before. */
static void blocks_of_slabs_that_gave_pages_back_are_good(void) {
    enum { COUNT = 150000, ROUNDS = 3, KEPT = 100, LARGE = 8 };
    static unsigned char *block[COUNT];
    uint64_t random = 5;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            size_t bytes = 16 + random_below(&random, random_below(&random, LARGE) ? 240 : 4000);
            if (block[i] == NULL)
                block[i] = memset(malloc(bytes), (unsigned char)i, bytes);
        }
        for (size_t i = 0; i < COUNT; i++) {
            CHECK(block[i][0] == (unsigned char)i && block[i][15] == (unsigned char)i);
            if (random_below(&random, KEPT) == 0)
                continue;
            free(block[i]);
            block[i] = NULL;
        }
    }
    for (size_t i = 0; i < COUNT; i++)
        free(block[i]);
}

int main(void) {
    TAP_RUN(data_that_looks_like_a_tag_is_data);
    TAP_RUN(all_usable_bytes_may_be_written);
    TAP_RUN(the_exact_size_is_right_after_every_way_to_make_a_block);
    TAP_RUN(forms_that_belong_together_are_no_mismatch);
    TAP_RUN(what_the_C_library_allocates_is_freed_by_free);
    TAP_RUN(blocks_of_the_next_allocator_are_passed_on);
    TAP_RUN(blocks_from_before_a_fork_are_good_in_both_processes);
    TAP_RUN(blocks_of_slabs_that_gave_pages_back_are_good);
    return tap_done();
}
