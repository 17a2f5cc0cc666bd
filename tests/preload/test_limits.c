/* If this failed, programs under `ulimit -v` would not start, or would run out of memory early
 * because the library took the address space for itself. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <pthread.h>
#include <sys/resource.h>

enum { MIB = 1 << 20, NODE_BYTES = 64 };

static const char *program;
static size_t limit_mib; /* of the child about to be started */
static LIBC_RESOURCE limited = RLIMIT_AS;

static void set_limit(void) {
    struct rlimit limit = {limit_mib * MIB, limit_mib * MIB};
    if (limit_mib != 0)
        setrlimit(limited, &limit);
}

/* A list of nodes, as many bytes as asked for; NULL when memory ran out. */
struct node {
    struct node *next;
    size_t number;
    char filling[NODE_BYTES - 16];
};

static struct node *take_nodes(size_t bytes) {
    struct node *first = NULL;
    for (size_t i = 0; i < bytes / NODE_BYTES; i++) {
        struct node *node = malloc(sizeof *node);
        if (node == NULL)
            return NULL;
        memset(node->filling, (int)i, sizeof node->filling);
        node->number = i;
        node->next = first;
        first = node;
    }
    return first;
}

static bool give_nodes(struct node *node) {
    bool held = true;
    while (node != NULL) {
        struct node *next = node->next;
        held &= node->filling[0] == (char)node->number && (next == NULL) == (node->number == 0);
        free(node);
        node = next;
    }
    return held;
}

static void *thread_main(void *argument) {
    for (size_t size = 0; size < 3000; size += 5)
        free(malloc(size));
    return argument;
}

/* A third of the limit in nodes and a third in one large block, at one time and in either order. */
static int child_main(size_t mib) {
    size_t share = mib / 3 * MIB;
    struct node *nodes = take_nodes(share);
    if (nodes == NULL)
        return 2;
    unsigned char *large = malloc(share);
    if (large == NULL)
        return 3;
    large[0] = large[share - 1] = 1;
    if (!give_nodes(nodes))
        return 4;
    free(large);
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    if (pthread_create(&thread, &attributes, thread_main, NULL) != 0)
        return 5;
    pthread_join(thread, NULL);
    return 0;
}

/* One block of most of the limit: what the library reserved and does not use must make way. */
static int large_main(size_t mib) {
    size_t bytes = mib * 17 / 20 * MIB;
    free(malloc(40));
    unsigned char *large = malloc(bytes);
    if (large == NULL)
        return 2;
    large[0] = large[bytes - 1] = 1;
    if (!pools_are_hardened()) { /* where it moves: there is no room for both */
        large = realloc(large, bytes / 2);
        if (large == NULL || large[0] != 1)
            return 3;
    }
    free(large);
    large = calloc(1, bytes);
    if (large == NULL)
        return 4;
    free(large);
    return posix_memalign((void **)&large, 4096, bytes) == 0 ? 0 : 5;
}

/* Fills all memory with nodes: in the end there is NULL and ENOMEM, and what is freed can be had
 * again. */
static int exhaust_main(size_t mib) {
    struct node *first = NULL;
    size_t count = 0;
    errno = 0;
    for (struct node *node; (node = malloc(sizeof *node)) != NULL; count++) {
        node->next = first;
        node->number = count;
        node->filling[0] = (char)count;
        first = node;
    }
    if (errno != ENOMEM)
        return 2;
    if (count * NODE_BYTES < mib / 2 * MIB)
        return 3;
    if (!give_nodes(first))
        return 4;
    first = take_nodes(mib / 3 * MIB);
    return first != NULL && give_nodes(first) ? 0 : 5;
}

static bool set_own_limit(int how, rlim_t bytes) {
    struct rlimit limit = {bytes, bytes};
    struct rlimit64 limit64 = {bytes, bytes};
    switch (how) {
    case 0:
        return setrlimit(RLIMIT_AS, &limit) == 0;
    case 1:
        return setrlimit64(RLIMIT_AS, &limit64) == 0;
    case 2:
        return prlimit(0, RLIMIT_AS, &limit, NULL) == 0;
    case 4: /* past the library, as another process does */
        return syscall(SYS_prlimit64, getpid(), RLIMIT_AS, &limit64, NULL) == 0;
    default:
        return prlimit64(getpid(), RLIMIT_AS, &limit64, NULL) == 0;
    }
}

/* A process that has allocated already and then limits itself. */
static int later_main(size_t mib, int how) {
    struct node *before = take_nodes(MIB);
    if (!set_own_limit(how, mib * MIB))
        return 6;
    pthread_t thread; /* with a stack as large as is usual */
    if (pthread_create(&thread, NULL, thread_main, NULL) != 0)
        return 7;
    pthread_join(thread, NULL);
    if (mmap(NULL, MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
        return 8;
    return give_nodes(before) ? child_main(mib / 8) : 9; /* libc gives each thread a heap */
}

/* What the calls from here on need of the stack. */
__attribute__((noinline)) static char touch_stack(void) {
    volatile char stack[MIB / 4];
    for (size_t i = 0; i < sizeof stack; i += 1024)
        stack[i] = 1;
    return stack[0];
}

/* The same without the library's notice: what it reserved, tables too, makes way for a block. Until
 * then the stack cannot grow. */
static int unnoticed_main(size_t mib) {
    struct node *before = take_nodes(MIB);
    unsigned char one = (unsigned char)touch_stack();
    if (!set_own_limit(4, mib * MIB))
        return 6;
    unsigned char *block = malloc(mib * MIB / 4);
    if (block == NULL)
        return 7;
    block[0] = block[mib * MIB / 4 - 1] = one;
    free(block);
    return give_nodes(before) ? child_main(mib / 8) : 9;
}

/* Locks all memory, as a user who may lock 8 MiB. */
static int lock_main(size_t mib) {
    struct rlimit limit = {mib * MIB, mib * MIB};
    free(malloc(40));
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0 || (geteuid() == 0 && setuid(65534) != 0))
        return CHILD_SKIPPED;
    errno = 0;
    if (mlockall(MCL_CURRENT) != 0)
        return 2;
    struct node *nodes = take_nodes(MIB);
    return errno == 0 && nodes != NULL && give_nodes(nodes) ? 0 : 3;
}

static size_t address_space_kib(void) {
    char text[64] = "";
    int file = open("/proc/self/statm", O_RDONLY);
    bool is_read = file >= 0 && read(file, text, sizeof text - 1) > 0;
    close(file);
    return is_read ? strtoul(text, NULL, 10) * (size_t)getpagesize() / 1024 : 0;
}

/* Frees while no more data may be had: what free() needs for the first time, it cannot get. */
static void *free_without_data(void *most_kib) {
    struct node *nodes = take_nodes(MIB / 8);
    struct rlimit limit;
    getrlimit(RLIMIT_DATA, &limit);
    limit.rlim_cur = MIB;
    setrlimit(RLIMIT_DATA, &limit);
    size_t before_kib = address_space_kib();
    bool held = give_nodes(nodes);
    return held && address_space_kib() - before_kib <= (size_t)(uintptr_t)most_kib ? NULL
                                                                                   : most_kib;
}

static int data_main(size_t most_mib) {
    pthread_t thread;
    void *failed = NULL;
    free(malloc(40));
    if (pthread_create(&thread, NULL, free_without_data, (void *)(most_mib * 1024)) != 0)
        return 2;
    pthread_join(thread, &failed);
    return failed == NULL ? 0 : 3;
}

/* The list of nodes the other way round, numbered so: glibc keeps the nodes that are freed first,
 * which are not to be the last of its heap. */
static struct node *turn(struct node *node) {
    struct node *turned = NULL;
    for (size_t number = 0; node != NULL; number++) {
        struct node *next = node->next;
        node->number = number;
        node->filling[0] = (char)number;
        node->next = turned;
        turned = node;
        node = next;
    }
    return turned;
}

/* True if large blocks of three eighths of the limit can be had, one after the other, in each way:
 * what the next allocator keeps of one may be in the way of another. */
static bool can_take_large(size_t mib) {
    size_t bytes = mib * MIB / 8 * 3;
    unsigned char *block = malloc(bytes);
    if (block == NULL)
        return false;
    block[0] = block[bytes - 1] = 1;
    free(block);
    block = calloc(1, bytes);
    if (block == NULL || block[0] != 0 || block[bytes - 1] != 0)
        return false;
    free(block);
    void *aligned = NULL;
    if (posix_memalign(&aligned, 4096, bytes) != 0)
        return false;
    free(aligned);
    block = malloc(MIB / 4);
    unsigned char *grown = realloc(block, bytes);
    free(grown != NULL ? grown : block);
    return grown != NULL;
}

/* Nodes fill most of a limit and are all freed: then large blocks can be had, then nodes again, and
 * so on. With `own` the process limits itself when it has them. */
static int emptied_main(size_t mib, bool own) {
    struct rlimit limit = {mib * MIB, mib * MIB};
    for (int round = 0; round < 3; round++) {
        struct node *nodes = turn(take_nodes(mib * MIB / 16 * 11));
        if (nodes == NULL)
            return 2;
        if (own && round == 0 && setrlimit(RLIMIT_DATA, &limit) != 0)
            return 3;
        if (!give_nodes(nodes))
            return 5;
        if (round == 1)
            malloc_trim(0); /* the memory has gone already when the request comes */
        if (!can_take_large(mib))
            return 4;
    }
    return 0;
}

/* What is asked of the system past the allocator counts against the limit too: after a
 * malloc_trim() there is room for a thread with a stack of half of it. */
static int stack_main(size_t mib) {
    pthread_t thread;
    pthread_attr_t attributes;
    struct node *nodes = turn(take_nodes(mib * MIB / 16 * 11));
    if (nodes == NULL)
        return 2;
    if (!give_nodes(nodes))
        return 4;
    malloc_trim(0);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, mib / 2 * MIB);
    if (pthread_create(&thread, &attributes, thread_main, NULL) != 0)
        return 3;
    pthread_join(thread, NULL);
    return 0;
}

/* A block that nobody could serve takes nothing from the pools; one that others could takes what it
 * needs, and the pools go on with the rest. */
static int huge_main(size_t mib) {
    free(malloc(40));
    size_t before_kib = address_space_kib();
    for (size_t bytes = (size_t)1 << 62; bytes > mib * MIB; bytes /= 2) {
        void *block = opaque(malloc(bytes));
        void *zeroed = opaque(calloc(1, bytes));
        void *aligned = NULL;
        int error = posix_memalign(&aligned, 64, bytes);
        if (block != NULL || zeroed != NULL || error != ENOMEM)
            return 2;
    }
    if (address_space_kib() + 1024 < before_kib)
        return 3;
    /* All but an eighth of the limit, in blocks of an eighth: the last ones need some of what is
     * reserved, and not all. */
    size_t taken_kib = 0;
    for (int i = 0; i < 7; i++) {
        void *block = malloc(mib * MIB / 8);
        taken_kib += block != NULL ? mib * 1024 / 8 : 0;
    }
    return taken_kib < mib * 1024 / 8 * 7 ? 4 : 0;
}

/* A program with a second thread that allocates: how much more than that takes it of the address
 * space. */
static int second_main(size_t most_mib) {
    pthread_t thread;
    pthread_attr_t attributes;
    mallopt(M_ARENA_MAX, 1); /* glibc's own take 64 MiB */
    free(malloc(40));
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    size_t before_kib = address_space_kib();
    for (int i = 0; i < 3; i++) {
        if (pthread_create(&thread, &attributes, thread_main, NULL) != 0)
            return 2;
        pthread_join(thread, NULL);
    }
    return address_space_kib() - before_kib <= most_mib * 1024 ? 0 : 3;
}

/* Nothing, but hardened at most once that not all blocks are. */
static bool says_no_more_than_it_may(const char *text) {
    const char *told = pools_are_hardened() ? strstr(text, "]: no room in the pools for ") : NULL;
    const char *end = told != NULL ? strchr(told, '\n') : NULL;
    return text[0] == '\0' || (end != NULL && end[1] == '\0' && strchr(text, '\n') == end);
}

static void check_under_limit(size_t mib, size_t share_of_mib, const char *mode) {
    static struct child child;
    char number[32];
    const char *const argv[] = {program, mode, number, NULL};
    snprintf(number, sizeof number, "%zu", share_of_mib);
    limit_mib = mib;
    child_run_prepared(&child, NULL, set_limit, argv);
    if (child_skipped(&child))
        tap_skip("no other user to be here");
    CHECK_SAY(child_succeeded(&child) || child_skipped(&child),
              "%s under %zu MiB: status %#x: %.300s", mode, mib, (unsigned)child.status, child.err);
    CHECK_SAY(says_no_more_than_it_may(child.err), "%s under %zu MiB wrote: %.300s", mode, mib,
              child.err);
}

static void a_program_runs_under_every_limit_of_address_space(void) {
    static const size_t limits_mib[] = {16, 24, 32, 64, 100, 128, 256, 512};
    for (size_t i = 0; i < sizeof limits_mib / sizeof limits_mib[0]; i++)
        check_under_limit(limits_mib[i], limits_mib[i], "share");
}

/* Where accessible memory counts, used or not, what the library makes accessible for itself is
 * little. */
static void a_program_runs_under_every_limit_of_data(void) {
    static const size_t limits_mib[] = {3, 4, 6, 8, 16, 64};
    limited = RLIMIT_DATA;
    for (size_t i = 0; i < sizeof limits_mib / sizeof limits_mib[0]; i++)
        check_under_limit(limits_mib[i], limits_mib[i], "share");
    limited = RLIMIT_AS;
}

static void what_emptied_pools_had_of_a_limit_of_data_can_be_had_again(void) {
    limited = RLIMIT_DATA;
    check_under_limit(16, 16, "emptied");
    check_under_limit(64, 64, "emptied");
    check_under_limit(64, 64, "stack");
    check_under_limit(0, 64, "emptied_later");
    limited = RLIMIT_AS;
}

static void most_of_a_limit_can_be_one_block(void) {
    static const size_t limits_mib[] = {64, 80, 100, 256, 1000};
    for (size_t i = 0; i < sizeof limits_mib / sizeof limits_mib[0]; i++)
        check_under_limit(limits_mib[i], limits_mib[i], "large");
}

static void a_large_limit_does_not_matter(void) {
    check_under_limit(2048, 64, "share");
    check_under_limit(16384, 64, "share");
    check_under_limit((size_t)1 << 20, 64, "share");
    check_under_limit(0, 64, "share");
}

static void a_huge_request_leaves_the_pools_what_it_does_not_need(void) {
    static const size_t limits_mib[] = {64, 256, 1000};
    for (size_t i = 0; i < sizeof limits_mib / sizeof limits_mib[0]; i++)
        check_under_limit(limits_mib[i], limits_mib[i], "huge");
}

static void a_second_thread_takes_little_address_space(void) {
    check_under_limit(0, 4, "second");
}

static void running_out_of_memory_is_survived(void) {
    check_under_limit(24, 24, "exhaust");
    check_under_limit(64, 64, "exhaust");
    check_under_limit(200, 200, "exhaust");
}

static void a_process_may_limit_itself_later(void) {
    static const char *const modes[] = {"setrlimit", "setrlimit64", "prlimit", "prlimit64"};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        check_under_limit(0, 600, modes[i]);
        check_under_limit(0, 2000, modes[i]);
    }
}

static void a_limit_may_come_from_outside(void) {
    check_under_limit(0, 600, "unnoticed");
    check_under_limit(0, 2000, "unnoticed");
}

static void all_memory_can_be_locked_under_a_limit(void) {
    check_under_limit(0, 8, "lock");
}

static void frees_without_memory_take_no_address_space(void) {
    if (LIBC_IS_GLIBC || pools_are_on())
        check_under_limit(0, 1, "data");
    else
        tap_skip("musl's allocator alone takes address space");
}

/* Nobody has a block that is aligned so: the hardened pools do not say that they have none, which
 * they say once. */
static int misfit_main(void) {
    volatile size_t most = ~(SIZE_MAX >> 1);
    char said;
    int ends[2];
    free(malloc(40));
    if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
        return 2;
    if (aligned_alloc(most, 1) != NULL || memalign(most / 2, 4096) != NULL)
        return 3;
    close(ends[1]);
    close(STDERR_FILENO);
    return read(ends[0], &said, 1) == 0 ? 0 : 4;
}

static void what_nobody_can_serve_is_refused_without_a_word(void) {
    check_under_limit(0, 0, "misfit");
}

static int run_child(const char *mode, size_t mib) {
    if (strcmp(mode, "misfit") == 0)
        return misfit_main();
    if (strcmp(mode, "share") == 0)
        return child_main(mib);
    if (strcmp(mode, "large") == 0)
        return large_main(mib);
    if (strcmp(mode, "exhaust") == 0)
        return exhaust_main(mib);
    if (strcmp(mode, "huge") == 0)
        return huge_main(mib);
    if (strcmp(mode, "second") == 0)
        return second_main(mib);
    if (strcmp(mode, "data") == 0)
        return data_main(mib);
    if (strncmp(mode, "emptied", 7) == 0)
        return emptied_main(mib, mode[7] != '\0');
    if (strcmp(mode, "stack") == 0)
        return stack_main(mib);
    if (strcmp(mode, "unnoticed") == 0)
        return unnoticed_main(mib);
    if (strcmp(mode, "lock") == 0)
        return lock_main(mib);
    return later_main(mib, (mode[0] == 'p' ? 2 : 0) + (strstr(mode, "64") != NULL ? 1 : 0));
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 3)
        return run_child(argv[1], strtoul(argv[2], NULL, 10));
    TAP_RUN(a_program_runs_under_every_limit_of_address_space);
    TAP_RUN(a_program_runs_under_every_limit_of_data);
    TAP_RUN(what_emptied_pools_had_of_a_limit_of_data_can_be_had_again);
    TAP_RUN(most_of_a_limit_can_be_one_block);
    TAP_RUN(a_large_limit_does_not_matter);
    TAP_RUN(a_huge_request_leaves_the_pools_what_it_does_not_need);
    TAP_RUN(a_second_thread_takes_little_address_space);
    TAP_RUN(running_out_of_memory_is_survived);
    TAP_RUN(a_process_may_limit_itself_later);
    TAP_RUN(a_limit_may_come_from_outside);
    TAP_RUN(all_memory_can_be_locked_under_a_limit);
    TAP_RUN(frees_without_memory_take_no_address_space);
    TAP_RUN(what_nobody_can_serve_is_refused_without_a_word);
    return tap_done();
}
