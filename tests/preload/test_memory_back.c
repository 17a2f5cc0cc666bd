/* If this failed, memory that a program no longer needs would not come back: after phases of which
 * a little is kept, after malloc_trim(), where memory is locked, from threads that are gone or that
 * do not come, or because the kernel fills in again what was returned. Each scene runs once with
 * the library and once with the system's allocator, and is measured by it. */
#include "../harness/tap.h"
#include "behaviour.h"

#include <pthread.h>
#include <sys/resource.h>

/* How much more than the system's allocator: a part of its memory, and the library's own tables. */
enum { MORE_PERCENT = 15, TABLES_KIB = 2048, HANDED_OVER_KIB = 4096 };

static const char *program;

/* What a scene prints, at one moment or at two: what it holds, in KiB. */
static void tell(void) {
    printf("%zu\n", resident_kib());
    fflush(stdout);
}

static void *touched(size_t bytes) {
    return memset(malloc(bytes), 1, bytes);
}

/* ---- one thread ---- */

/* Phases, each of another size, of which one block in EACH bytes is kept. */
static int drift_scene(void) {
    enum { BYTES = 32 << 20, PHASES = 9, EACH = 64 << 10 };
    static unsigned char *block[BYTES / 48];
    for (size_t phase = 0; phase < PHASES; phase++) {
        size_t size = 48 + 40 * phase, count = BYTES / size;
        for (size_t i = 0; i < count; i++)
            block[i] = touched(size);
        for (size_t i = 0; i < count; i++)
            if (i % (EACH / size) != 7)
                free(block[i]);
    }
    tell();
    return 0;
}

/* What the next allocator keeps of a few large blocks is not needed while nodes are made. */
static int buffers_scene(void) {
    enum { LARGE_BYTES = 24 << 20, LATER_BYTES = 16 << 20, NODES_BYTES = 60 << 20, NODE = 100 };
    free(touched(LARGE_BYTES)); /* from now on smaller ones are not mapped one by one */
    for (int i = 0; i < 3; i++)
        free(touched(LATER_BYTES));
    for (size_t bytes = 0; bytes < NODES_BYTES; bytes += NODE)
        touched(NODE);
    tell();
    return 0;
}

/* Bulks of 40 sizes in turns: few blocks stay of each, and those of the next bulk have others. */
static int sizes_scene(void) {
    enum { BULKS = 6, SIZES = 40, BYTES = 8 << 20, EACH = 1000 };
    static void *block[BYTES / 16];
    uint64_t random = 5;
    for (size_t bulk = 0; bulk < BULKS; bulk++) {
        size_t count = 0;
        for (size_t size = 0; size < SIZES; size++)
            for (size_t live = 0, bytes = 16 + 24 * size + 8 * bulk; live < BYTES / SIZES;
                 live += bytes)
                block[count++] = touched(bytes);
        for (size_t i = 0; i < count; i++)
            if (random_below(&random, EACH) != 0)
                free(block[i]);
    }
    tell();
    return 0;
}

enum { SPIKE_BYTES = 60 << 20 };
static unsigned char *spike_block[SPIKE_BYTES / 64];
static size_t spike_size[SPIKE_BYTES / 64];
static size_t spike_count;

static void spike(unsigned kept_of_1000) {
    uint64_t random = 9;
    for (size_t live = 0; live < SPIKE_BYTES; live += spike_size[spike_count++]) {
        size_t bytes = 64 + random_below(&random, random_below(&random, 8) != 0 ? 240 : 3000);
        spike_size[spike_count] = bytes;
        spike_block[spike_count] = malloc(bytes);
        pattern_fill(spike_block[spike_count], bytes, (unsigned)spike_count);
    }
    for (size_t i = 0; i < spike_count; i++) {
        if (random_below(&random, 1000) < kept_of_1000)
            continue;
        free(spike_block[i]);
        spike_block[i] = NULL;
    }
}

static bool spike_holds(void) {
    bool holds = true;
    for (size_t i = 0; i < spike_count; i++)
        holds &=
            spike_block[i] == NULL || pattern_holds(spike_block[i], spike_size[i], (unsigned)i);
    return holds;
}

/* A program that has shrunk makes a call now and then. */
static int calls_scene(size_t bytes) {
    enum { PAUSE_MS = 1100, CALLS = 200 };
    spike(0);
    free(touched(100000)); /* glibc looks at what it can return */
    nap_ms(PAUSE_MS);
    for (int i = 0; i < CALLS; i++)
        free(touched(bytes));
    tell();
    return 0;
}

static int small_calls_scene(void) {
    return calls_scene(100);
}

static int large_calls_scene(void) {
    return calls_scene(100000);
}

/* The same of one with few nodes, whose blocks were large. */
static int shrunk_scene(void) {
    enum { BLOCKS = 8, BYTES = 3000000, ROUNDS = 20, TIMES = 3, PAUSE_MS = 1100, CALLS = 200 };
    void *block[BLOCKS];
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BLOCKS; i++)
            block[i] = touched(BYTES);
        for (int i = 0; i < BLOCKS; i++)
            free(block[i]);
    }
    for (int time = 0; time < TIMES; time++) {
        nap_ms(PAUSE_MS);
        for (int i = 0; i < CALLS; i++)
            free(touched(5000));
    }
    tell();
    return 0;
}

static int trim_scene(void) {
    spike(10);
    malloc_trim(0);
    tell();
    return spike_holds() ? 0 : 1;
}

/* The thread that asks is not the one whose blocks are gone, and that one has ended. */
static void *spike_in_thread(void *unused) {
    spike(10);
    return unused;
}

static int trim_orphans_scene(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, spike_in_thread, NULL) != 0)
        return CHILD_SKIPPED;
    pthread_join(thread, NULL);
    malloc_trim(0);
    tell();
    return spike_holds() ? 0 : 1;
}

/* A second spike after the trim must not need memory of its own. */
static int trim_and_again_scene(void) {
    spike(10);
    malloc_trim(0);
    for (size_t bytes = 0; bytes < SPIKE_BYTES; bytes += 200)
        touched(200);
    tell();
    return spike_holds() ? 0 : 1;
}

static int locked_scene(void) {
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    (void)setrlimit(RLIMIT_MEMLOCK, &all); /* the limit may be enough */
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        return CHILD_SKIPPED;
    spike(0);
    malloc_trim(0);
    tell();
    return 0;
}

/* ---- threads that leave a block each ---- */

enum { REQUESTS = 3000 };
static void *left[REQUESTS];

static void *serve_request(void *argument) {
    void **place = argument;
    for (int i = 0; i < 20; i++)
        free(touched(64));
    *place = touched(64);
    return NULL;
}

static int requests_scene(void) {
    for (size_t i = 0; i < REQUESTS; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, serve_request, &left[i]);
        pthread_join(thread, NULL);
    }
    tell();
    return 0;
}

/* ---- a thread that builds, and another that frees ---- */

enum { NODES = 300000, BLOCK_BYTES = 100 };
static void *nodes[NODES];
static pthread_barrier_t built;
static bool builder_is_busy;
static bool half_is_the_builders;

static void work_in_small(void) {
    for (size_t i = 0; builder_is_busy && i < 32; i++)
        free(touched(16 + i * 8));
}

/* It works once before the nodes are freed. glibc's malloc_trim() returns nothing of the end of a
 * thread's arena: whether nodes are that end depends on what was taken after them. */
static _Noreturn void *build_and_stay(void *argument) {
    (void)argument;
    for (size_t i = 0; i < NODES; i++)
        nodes[i] = touched(BLOCK_BYTES);
    for (size_t i = 0; half_is_the_builders && i < NODES; i += 2) {
        free(nodes[i]);
        nodes[i] = NULL;
    }
    work_in_small();
    pthread_barrier_wait(&built);
    for (;;) {
        work_in_small();
        nap_ms(1);
    }
}

static void free_nodes(bool shuffled) {
    uint64_t random = 4711;
    for (size_t i = NODES - 1; shuffled && i > 0; i--) {
        size_t other = random_below(&random, (uint32_t)i + 1);
        void *node = nodes[i];
        nodes[i] = nodes[other];
        nodes[other] = node;
    }
    for (size_t i = 0; i < NODES; i++)
        free(nodes[i]);
}

/* After the frees and malloc_trim(), and after this thread has built as much. */
static int handed_over_scene(bool shuffled) {
    pthread_t thread;
    pthread_barrier_init(&built, NULL, 2);
    pthread_create(&thread, NULL, (void *(*)(void *))build_and_stay, NULL);
    pthread_barrier_wait(&built);
    free_nodes(shuffled);
    malloc_trim(0);
    tell();
    for (size_t i = 0; i < NODES; i++)
        nodes[i] = touched(BLOCK_BYTES);
    tell();
    return 0;
}

static int idle_scene(void) {
    return handed_over_scene(false);
}

static int busy_scene(void) {
    builder_is_busy = true;
    return handed_over_scene(false);
}

static int half_scene(void) {
    half_is_the_builders = true;
    return handed_over_scene(false);
}

static int shuffled_scene(void) {
    return handed_over_scene(true);
}

/* ---- threads that have freed all, and idle ---- */

enum { IDLERS = 16, IDLE_SIZES = 23, IDLE_BYTES = 100 << 10, IDLE_ROUNDS = 3 };

static _Noreturn void *fill_and_idle(void *unused) {
    static _Thread_local void *block[IDLE_BYTES / 16];
    (void)unused;
    for (size_t turn = 0; turn < (size_t)IDLE_SIZES * IDLE_ROUNDS; turn++) {
        size_t bytes = 16 + turn % (size_t)IDLE_SIZES * 170, count = IDLE_BYTES / bytes;
        for (size_t i = 0; i < count; i++)
            block[i] = touched(bytes);
        for (size_t i = 0; i < count; i++)
            free(block[i]);
    }
    memset(block, 0, sizeof block);
    pthread_barrier_wait(&built);
    for (;;)
        pause();
}

/* Threads come to the barrier when they have worked. */
static int trim_beside(void *(*work)(void *)) {
    pthread_barrier_init(&built, NULL, IDLERS + 1);
    for (int i = 0; i < IDLERS; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, work, NULL);
    }
    pthread_barrier_wait(&built);
    malloc_trim(0);
    tell();
    return 0;
}

static int idlers_scene(void) {
    return trim_beside((void *(*)(void *))fill_and_idle);
}

/* Threads that have worked on large buffers, which glibc keeps for each of them. */
static _Noreturn void *use_buffers_and_idle(void *unused) {
    enum { BUFFERS = 16, BUFFER_BYTES = 500000, ROUNDS = 20 };
    (void)unused;
    for (size_t round = 0; round < ROUNDS; round++) {
        void *buffer[BUFFERS];
        for (size_t i = 0; i < BUFFERS; i++)
            buffer[i] = touched(BUFFER_BYTES);
        for (size_t i = 0; i < BUFFERS; i++)
            free(buffer[i]);
    }
    pthread_barrier_wait(&built);
    for (;;)
        pause();
}

static int workers_scene(void) {
    return trim_beside((void *(*)(void *))use_buffers_and_idle);
}

/* A thread keeps a part of what it made; another has freed the rest, and trims. */
static _Noreturn void *make_and_sleep(void *unused) {
    (void)unused;
    spike(1000);
    pthread_barrier_wait(&built);
    for (;;)
        pause();
}

static int sleeper_scene(void) {
    pthread_t thread;
    pthread_barrier_init(&built, NULL, 2);
    pthread_create(&thread, NULL, (void *(*)(void *))make_and_sleep, NULL);
    pthread_barrier_wait(&built);
    for (size_t i = 0; i < spike_count; i++) {
        if (i % 100 == 0)
            continue;
        free(spike_block[i]);
        spike_block[i] = NULL;
    }
    malloc_trim(0);
    tell();
    return spike_holds() ? 0 : 1;
}

/* ---- the kernel's view ---- */

/* KiB of the mappings that are advised for huge pages. */
static size_t advised_kib(void) {
    static char text[1 << 20];
    size_t length = 0, advised = 0, kib = 0;
    int file = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
    for (ssize_t got; length < sizeof text - 1 &&
                      (got = read(file, text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)got;
    close(file);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strncmp(line, "Size:", 5) == 0)
            kib = strtoul(line + 5, NULL, 10);
        if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " hg") != NULL)
            advised += kib;
    }
    return advised;
}

static int advice_scene(void) {
    spike(1);
    malloc_trim(0);
    printf("%zu\n", advised_kib());
    return 0;
}

/* ---- beside the system's allocator ---- */

/* What a thread has claimed of each size stays with it: two pages. The hardened mode has more to
 * choose from, and a quarantine; and eight of its empty slabs rest. */
enum {
    CLAIMS = IDLERS * IDLE_SIZES,
    CLAIMED_KIB = CLAIMS * 8,
    HARDENED_KIB = CLAIMS * 12,
    RESTING_KIB = 1024,
    KEPT_KIB = 32 << 10 /* by glibc, at the ends of all its heaps */
};

/* `more_kib` is what a scene may take beside MORE_PERCENT, `hardened_kib` what hardened beside
 * that. */
static const struct scene {
    const char *name;
    int (*run)(void);
    size_t more_kib;
    size_t hardened_kib;
} scenes[] = {{"drift", drift_scene, TABLES_KIB, 0},
              {"buffers", buffers_scene, TABLES_KIB, 0},
              {"sizes", sizes_scene, TABLES_KIB, RESTING_KIB},
              {"small_calls", small_calls_scene, HANDED_OVER_KIB, 0},
              {"large_calls", large_calls_scene, HANDED_OVER_KIB, 0},
              {"shrunk", shrunk_scene, HANDED_OVER_KIB, 0},
              {"trim", trim_scene, TABLES_KIB, 0},
              {"trim_orphans", trim_orphans_scene, TABLES_KIB, 0},
              {"trim_and_again", trim_and_again_scene, TABLES_KIB, 0},
              {"locked", locked_scene, TABLES_KIB, 0},
              {"requests", requests_scene, HANDED_OVER_KIB, 0},
              {"idle", idle_scene, HANDED_OVER_KIB, 0},
              {"busy", busy_scene, HANDED_OVER_KIB, 0},
              {"half", half_scene, HANDED_OVER_KIB, 0},
              {"shuffled", shuffled_scene, HANDED_OVER_KIB, 0},
              {"idlers", idlers_scene, CLAIMED_KIB, HARDENED_KIB},
              {"workers", workers_scene, KEPT_KIB, 0},
              {"sleeper", sleeper_scene, TABLES_KIB, 0},
              {"advice", advice_scene, 0, 0}};

static const struct scene *scene_of(const char *name) {
    for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
        if (strcmp(name, scenes[i].name) == 0)
            return &scenes[i];
    return NULL;
}

/* What a scene told, with the library or without: up to two numbers. False if that cannot be told
 * here. */
static bool run_scene(const char *name, bool with_library, size_t numbers[2]) {
    static struct child child;
    const char *const argv[] = {program, name, NULL};
    const char *const without[] = {"LD_PRELOAD", NULL};
    child_run(&child, with_library ? NULL : without, argv);
    if (child_skipped(&child))
        return false;
    CHECK_SAY(child_succeeded(&child), "%s: status %#x: %.300s", name, (unsigned)child.status,
              child.err);
    char *rest = child.out;
    for (int i = 0; i < 2; i++)
        numbers[i] = strtoull(rest, &rest, 10);
    return child_succeeded(&child);
}

static void check_memory(const char *name) {
    size_t ours[2], theirs[2];
    if (!run_scene(name, true, ours) || !run_scene(name, false, theirs)) {
        tap_skip("memory cannot be locked here");
        return;
    }
    size_t more_kib = scene_of(name)->more_kib;
    if (pools_are_hardened())
        more_kib += scene_of(name)->hardened_kib;
    for (int i = 0; i < 2; i++)
        CHECK_SAY(ours[i] <= theirs[i] + theirs[i] * MORE_PERCENT / 100 + more_kib,
                  "%s: %zu KiB, with the system's allocator %zu", name, ours[i], theirs[i]);
}

static void what_is_kept_of_each_phase_costs_little(void) {
    check_memory("drift");
}

static void what_large_blocks_leave_behind_makes_room_for_nodes(void) {
    check_memory("buffers");
}

static void few_blocks_of_each_of_many_sizes_cost_little(void) {
    check_memory("sizes");
}

static void few_calls_are_enough_for_a_program_that_has_shrunk(void) {
    check_memory("small_calls");
}

static void and_if_they_are_for_large_blocks(void) {
    check_memory("large_calls");
}

static void and_if_large_blocks_are_all_that_it_had(void) {
    check_memory("shrunk");
}

static void trim_returns_all_pages_without_a_block(void) {
    check_memory("trim");
}

static void trim_returns_those_of_threads_that_have_ended(void) {
    check_memory("trim_orphans");
}

static void trim_returns_those_of_threads_that_idle(void) {
    check_memory("idlers");
}

static void what_glibc_keeps_for_threads_that_idle_is_bounded_for_all(void) {
    check_memory("workers");
}

static void trim_returns_what_others_freed_between_the_blocks_of_one_that_sleeps(void) {
    check_memory("sleeper");
}

static void memory_that_was_returned_is_used_again(void) {
    check_memory("trim_and_again");
}

static void locked_memory_goes_back_too(void) {
    check_memory("locked");
}

static void threads_that_leave_a_block_each_share_slabs(void) {
    check_memory("requests");
}

static void what_others_freed_comes_back_from_a_thread_that_idles(void) {
    check_memory("idle");
}

static void and_from_one_that_works_in_small(void) {
    check_memory("busy");
}

static void and_where_the_owner_has_freed_half_itself(void) {
    check_memory("half");
}

static void and_when_it_was_freed_in_random_order(void) {
    check_memory("shuffled");
}

static void what_was_returned_is_not_advised_for_huge_pages(void) {
    size_t kib[2];
    if (!shim_is_loaded()) {
        tap_skip("the library is not loaded");
        return;
    }
    if (run_scene("advice", true, kib))
        CHECK_SAY(kib[0] <= 8 << 10, "%zu KiB are advised", kib[0]);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc > 1 && scene_of(argv[1]) != NULL)
        return scene_of(argv[1])->run();
    if (!LIBC_IS_GLIBC || resident_kib() == 0) {
        printf("1..0 # SKIP %s\n", LIBC_IS_GLIBC ? "/proc does not tell what is resident"
                                                 : "glibc's allocator is the measure");
        return 0;
    }
    TAP_RUN(what_is_kept_of_each_phase_costs_little);
    TAP_RUN(what_large_blocks_leave_behind_makes_room_for_nodes);
    TAP_RUN(few_blocks_of_each_of_many_sizes_cost_little);
    TAP_RUN(few_calls_are_enough_for_a_program_that_has_shrunk);
    TAP_RUN(and_if_they_are_for_large_blocks);
    TAP_RUN(and_if_large_blocks_are_all_that_it_had);
    TAP_RUN(trim_returns_all_pages_without_a_block);
    TAP_RUN(trim_returns_those_of_threads_that_have_ended);
    TAP_RUN(trim_returns_those_of_threads_that_idle);
    TAP_RUN(what_glibc_keeps_for_threads_that_idle_is_bounded_for_all);
    TAP_RUN(trim_returns_what_others_freed_between_the_blocks_of_one_that_sleeps);
    TAP_RUN(memory_that_was_returned_is_used_again);
    TAP_RUN(locked_memory_goes_back_too);
    TAP_RUN(threads_that_leave_a_block_each_share_slabs);
    TAP_RUN(what_others_freed_comes_back_from_a_thread_that_idles);
    TAP_RUN(and_from_one_that_works_in_small);
    TAP_RUN(and_where_the_owner_has_freed_half_itself);
    TAP_RUN(and_when_it_was_freed_in_random_order);
    TAP_RUN(what_was_returned_is_not_advised_for_huge_pages);
    return tap_done();
}
