/* If this failed, leaks=on would miss blocks that a program left live, count what it freed or can
 * still get at, or frighten the user of a program without a leak. */
#include "calls.h"
#include "sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* --- the child: MODE; leaves what its mode says and writes nothing --- */

enum { CHILD_ARGUMENTS = 2, LEFT_SMALL = 7, LEFT_MEDIUM = 3 };

/* Nothing points to them. */
static void *leave_blocks(void *argument) {
    for (int i = 0; i < LEFT_SMALL; i++)
        (void)opaque(make(40));
    for (int i = 0; i < LEFT_MEDIUM; i++)
        (void)opaque(make(500));
    return argument;
}

/* Blocks that a variable leads to: in one step, by a pointer into them, by way of another block, in
 * a large one, and in a variable of the thread. */
static void *volatile kept[3];
static _Thread_local void *volatile kept_by_thread;

enum { REACHABLE = 5, REACHABLE_BYTES = 40 + 60 + 100 + 2000 + 80 };

static void keep_blocks(void) {
    void **chain = make(100);
    chain[0] = chain; /* itself, too */
    chain[1] = make(2000);
    kept[0] = make(40);
    kept[1] = (char *)make(60) + 17;
    kept[2] = chain;
    kept_by_thread = make(80);
}

/* Two blocks that lead to each other, and to which nothing else leads. */
static void leave_a_circle(void) {
    void **one = make(100), **other = make(100);
    one[0] = other;
    other[0] = one;
}

/* Of many sizes and forms, in two threads; all are freed. */
static void *come_and_go(void *argument) {
    static void *block[500];
    for (int round = 0; round < 3; round++) {
        form = (enum form)round;
        for (size_t i = 0; i < 500; i++)
            block[i] = make(i * 2 + 1);
        for (size_t i = 0; i < 500; i++)
            if (i % 2 == 0)
                give(block[i]);
            else
                run_thread(thread_give, block[i]);
    }
    form = FORM_MALLOC;
    return argument;
}

static void *wait_for_ever(void *argument) {
    for (;;)
        pause();
    return argument;
}

/* A block that nothing but the stack of a waiting thread leads to, and one that its key does. */
static pthread_key_t key;
static atomic_bool is_waiting;

static void *keep_on_the_stack(void *argument) {
    void *volatile block = make(40);
    pthread_setspecific(key, make(60));
    atomic_store(&is_waiting, true);
    wait_for_ever(argument);
    return block;
}

/* Blocks that the stack of the thread that calls exit() leads to, and memory that it mapped. */
__attribute__((noreturn)) static void keep_and_exit(void) {
    void *volatile block = make(100);
    void *volatile *mapped =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mapped[100] = make(80);
    mapped = NULL;
    exit(block == NULL);
}

static void keep_by_a_thread(void) {
    pthread_t thread;
    pthread_key_create(&key, NULL);
    pthread_create(&thread, NULL, keep_on_the_stack, NULL);
    while (!atomic_load(&is_waiting))
        sched_yield();
}

/* Blocks come and go in a thread of its own, while the program ends. Only its stack leads to them.
 */
static void *replace_for_ever(void *argument) {
    enum { BLOCKS = 100 };
    void *volatile blocks[BLOCKS] = {NULL};
    for (;;)
        for (size_t i = 0; i < BLOCKS; i++) {
            give(blocks[i]);
            blocks[i] = make(20 + i * 9);
            atomic_store(&is_waiting, true);
        }
    return argument;
}

static void keep_busy(void) {
    pthread_t thread;
    for (int i = 0; i < 2; i++)
        pthread_create(&thread, NULL, replace_for_ever, NULL);
    while (!atomic_load(&is_waiting))
        sched_yield();
    usleep(20000);
}

/* A block that nothing leads to but what lies below the stack pointer, and one that is in a vector
 * register alone. */
static void *keep_aside(void *argument) {
    void *below = make(40), *beside = make(60);
#ifdef __x86_64__
    /* First what the calls have left on the stack goes. */
    __asm__ volatile("lea -16384(%%rsp), %%rdi\n\tmov $2048, %%ecx\n\txor %%eax, %%eax\n\t"
                     "rep stosq\n\t"
                     "mov %0, -64(%%rsp)\n\txor %0, %0\n\t"
                     "movq %1, %%xmm9\n\txor %1, %1\n\t"
                     "movb $1, %2\n\t"
                     "1: pause\n\tjmp 1b"
                     : "+r"(below), "+r"(beside), "=m"(is_waiting)
                     :
                     : "rax", "rcx", "rdi", "xmm9", "memory");
#else
    kept[0] = below;
    kept[1] = beside;
    atomic_store(&is_waiting, true);
    wait_for_ever(NULL);
#endif
    return argument;
}

static void keep_aside_by_a_thread(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, keep_aside, NULL);
    while (!atomic_load(&is_waiting))
        sched_yield();
}

/* A child whose parent has another thread, and that leaves blocks of its own. */
static void fork_beside_a_thread(void) {
    keep_aside_by_a_thread();
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        leave_blocks(NULL);
    else
        waitpid(child, NULL, 0);
}

static void use_all_files(void) {
    struct rlimit few = {.rlim_cur = 20, .rlim_max = 20};
    setrlimit(RLIMIT_NOFILE, &few);
    while (open("/dev/null", O_RDONLY) >= 0) {
    }
}

static int child_main(const char *mode) {
    pthread_t thread;
    leave_no_core();
    find_functions();
    if (strcmp(mode, "free") == 0)
        come_and_go(NULL);
    if (strncmp(mode, "running", strlen("running")) == 0)
        pthread_create(&thread, NULL, wait_for_ever, NULL);
    if (strcmp(mode, "stdio") == 0 || strcmp(mode, "running stdio") == 0)
        printf("a line\n");
#ifdef __GLIBC__ /* where these are variables */
    if (strcmp(mode, "no streams") == 0)
        stdin = stdout = NULL;
#endif
    if (strstr(mode, "leave") != NULL)
        leave_blocks(NULL);
    if (strcmp(mode, "thread") == 0)
        run_thread(leave_blocks, NULL);
    if (strcmp(mode, "large") == 0)
        for (int i = 0; i < 2; i++)
            (void)opaque(make(100000));
    if (strcmp(mode, "kept large") == 0) {
        kept[0] = make(100000);
        ((void **)kept[0])[5000] = make(40);
    }
    if (strcmp(mode, "kept") == 0)
        keep_blocks();
    if (strcmp(mode, "kept by threads") == 0) {
        keep_by_a_thread();
        keep_and_exit();
    }
    if (strcmp(mode, "busy") == 0)
        keep_busy();
    if (strcmp(mode, "kept aside") == 0)
        keep_aside_by_a_thread();
    if (strcmp(mode, "fork") == 0)
        fork_beside_a_thread();
    if (strcmp(mode, "no file") == 0 || strcmp(mode, "leave, no look") == 0 ||
        strcmp(mode, "leave, sandbox, thread") == 0)
        keep_by_a_thread();
    if (strcmp(mode, "no file") == 0)
        use_all_files();
    if (strcmp(mode, "leave, no look") == 0)
        refuse_looks();
    if (strstr(mode, "full") != NULL)
        limit_error();
    if (strstr(mode, "sandbox") != NULL)
        enter_sandbox();
    if (strcmp(mode, "circle") == 0)
        leave_a_circle();
    if (strcmp(mode, "_exit") == 0) {
        leave_blocks(NULL);
        _exit(0);
    }
    return 0;
}

/* --- the judgement --- */

static const char *program;

/* A number and what must follow it; moves on behind both. */
static bool read_number(const char **text, unsigned long *number, const char *follows) {
    char *end;
    *number = strtoul(*text, &end, 10);
    if (end == *text || strncmp(end, follows, strlen(follows)) != 0)
        return false;
    *text = end + strlen(follows);
    return true;
}

/* The sum that the report ends with, in blocks and bytes; 0 if there is none. */
static unsigned long total(const char *report, unsigned long *bytes) {
    unsigned long blocks = 0;
    const char *last = report;
    *bytes = 0;
    for (const char *line = report; (line = strchr(line, '\n')) != NULL && line[1] != '\0';)
        last = ++line;
    const char *words = strstr(last, "]: leaked ");
    if (words == NULL)
        return 0;
    words += strlen("]: leaked ");
    return read_number(&words, &blocks, " blocks, ") && read_number(&words, bytes, " bytes in all")
               ? blocks
               : 0;
}

/* "leaked N blocks of the C-byte class, B bytes[, R bytes requested]": one class of the report. */
static unsigned long in_classes(const char *report, unsigned long least, unsigned long most,
                                unsigned long *requested) {
    unsigned long sum = 0;
    *requested = 0;
    for (const char *words = report; (words = strstr(words, "]: leaked ")) != NULL; words++) {
        unsigned long blocks, class_bytes, bytes, asked = 0;
        const char *text = words + strlen("]: leaked ");
        if (!read_number(&text, &blocks, " blocks of the ") ||
            !read_number(&text, &class_bytes, "-byte class, ") ||
            !read_number(&text, &bytes, " bytes") || class_bytes < least || class_bytes > most)
            continue;
        if (*text == ',') {
            text += strlen(", ");
            read_number(&text, &asked, " bytes requested");
        }
        CHECK_SAY(bytes == blocks * class_bytes, "%lu blocks of %lu are %lu bytes", blocks,
                  class_bytes, bytes);
        sum += blocks;
        *requested += asked;
    }
    return sum;
}

/* Runs the child; false if the library does not have the options. */
static bool run_mode(struct child *child, enum misuse_strategy strategy, const char *mode) {
    char options[128];
    const char *const argv[] = {program, mode, NULL};
    snprintf(options, sizeof options, "%s,leaks=on", strategies[strategy].options);
    if (!library_has(options)) {
        char reason[160];
        snprintf(reason, sizeof reason, "this library does not have %s", options);
        tap_skip(reason);
        return false;
    }
    run_with_options(child, options, argv);
    CHECK_SAY(child_succeeded(child), "%s ends with %#x: %s", mode, (unsigned)child->status,
              child->err);
    return true;
}

static void check_silence(enum misuse_strategy strategy, const char *mode) {
    static struct child child;
    if (run_mode(&child, strategy, mode))
        CHECK_SAY(child.err[0] == '\0', "with %s it wrote: %s", mode, child.err);
}

static void check_leaks(enum misuse_strategy strategy, const char *mode) {
    static struct child child;
    unsigned long bytes, requested;
    if (!run_mode(&child, strategy, mode))
        return;
    unsigned long blocks = total(child.err, &bytes);
    CHECK_SAY(blocks == LEFT_SMALL + LEFT_MEDIUM, "%s: %lu blocks: %s", mode, blocks, child.err);
    CHECK_SAY(in_classes(child.err, 40, 80, &requested) == LEFT_SMALL, "%s", child.err);
    if (strategy != MISUSE_STRATEGY_metadata)
        CHECK_SAY(requested == (size_t)LEFT_SMALL * 40, "%lu bytes requested", requested);
    CHECK_SAY(in_classes(child.err, 500, 640, &requested) == LEFT_MEDIUM, "%s", child.err);
    if (strategy != MISUSE_STRATEGY_metadata)
        CHECK_SAY(requested == (size_t)LEFT_MEDIUM * 500 &&
                      bytes == (size_t)LEFT_SMALL * 40 + (size_t)LEFT_MEDIUM * 500,
                  "%lu bytes requested, %lu in all", requested, bytes);
    else
        CHECK_SAY(bytes == (size_t)LEFT_SMALL * 48 + (size_t)LEFT_MEDIUM * 512, "%lu bytes in all",
                  bytes);
}

/* Nobody may free what the C library keeps while another thread runs; but it can be got at. */
static void check_running_thread(enum misuse_strategy strategy) {
    static const char *const modes[] = {"running", "running stdio", "kept by threads",
                                        "busy",    "kept aside",    "no file"};
    static struct child child;
    /* musl keeps nothing for the first two. */
    for (size_t i = LIBC_IS_GLIBC ? 0 : 2; i < sizeof modes / sizeof modes[0]; i++)
        if (run_mode(&child, strategy, modes[i]))
            CHECK_SAY(strstr(child.err, "]: still reachable: ") != NULL &&
                          strstr(child.err, "leaked") == NULL,
                      "%s wrote: %s", modes[i], child.err);
    check_leaks(strategy, "running leave");
}

/* What a variable leads to is told apart, and is all that is told. */
static void check_kept(enum misuse_strategy strategy) {
    static const char *const words = "]: still reachable: ";
    static struct child child;
    unsigned long blocks = 0, bytes = 0;
    if (!run_mode(&child, strategy, "kept"))
        return;
    const char *text = strstr(child.err, words);
    CHECK_SAY(text != NULL && strchr(text, '\n')[1] == '\0', "it wrote: %s", child.err);
    if (text == NULL)
        return;
    text += strlen(words);
    CHECK_SAY(read_number(&text, &blocks, " blocks, ") && read_number(&text, &bytes, " bytes\n") &&
                  blocks == REACHABLE &&
                  (strategy == MISUSE_STRATEGY_metadata || bytes == REACHABLE_BYTES),
              "%lu blocks, %lu bytes: %s", blocks, bytes, child.err);
}

static void check_circle(enum misuse_strategy strategy) {
    static struct child child;
    unsigned long bytes;
    if (!run_mode(&child, strategy, "circle"))
        return;
    CHECK_SAY(total(child.err, &bytes) == 2 && strstr(child.err, "reachable") == NULL,
              "it wrote: %s", child.err);
}

static void check_strategy(enum misuse_strategy strategy) {
    char name[128];
    static const struct {
        const char *mode;
        bool leaves;
        const char *name;
    } tests[] = {
        {"nothing", false, "a program without a block leaks nothing"},
        {"free", false, "what other threads freed is no leak"},
        {"stdio", false, "the buffer of a standard stream is no leak"},
#ifdef __GLIBC__ /* where they are variables */
        {"no streams", false, "a program may have no standard streams"},
#endif
        {"leave", true, "blocks left are counted by class and in all"},
        {"thread", true, "so are those of a thread that has ended"},
        {"_exit", false, "a program that leaves by _exit is not counted"},
    };
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        if (tests[i].leaves)
            check_leaks(strategy, tests[i].mode);
        else
            check_silence(strategy, tests[i].mode);
        snprintf(name, sizeof name, "%s [%s]", tests[i].name, strategies[strategy].name);
        tap_report(name);
    }
    check_kept(strategy);
    snprintf(name, sizeof name, "what a variable leads to is no leak [%s]",
             strategies[strategy].name);
    tap_report(name);
    check_circle(strategy);
    snprintf(name, sizeof name, "blocks that only lead to each other are leaks [%s]",
             strategies[strategy].name);
    tap_report(name);
    check_running_thread(strategy);
    snprintf(name, sizeof name,
             "what a running thread keeps is no leak, and what nobody keeps is one [%s]",
             strategies[strategy].name);
    tap_report(name);
}

static void large_blocks_are_counted_where_they_are_ours(void) {
    static struct child child;
    unsigned long bytes;
    if (!run_mode(&child, MISUSE_STRATEGY_hardened, "large"))
        return;
    CHECK_SAY(strstr(child.err, "]: leaked 2 large blocks, 200000 bytes requested\n") != NULL &&
                  total(child.err, &bytes) == 2 && bytes == 200000,
              "it wrote: %s", child.err);
    if (run_mode(&child, MISUSE_STRATEGY_hardened, "kept large"))
        CHECK_SAY(strstr(child.err, "]: still reachable: 2 blocks, 100040 bytes\n") != NULL &&
                      strstr(child.err, "leaked") == NULL,
                  "it wrote: %s", child.err);
}

/* What a thread that could not be looked at may keep is told apart, with the process's number. */
static void doubts_are_no_leaks(void) {
    static struct child child;
    if (!run_mode(&child, MISUSE_STRATEGY_hardened, "leave, no look"))
        return;
    CHECK_SAY(strstr(child.err, "]: in doubt: 10 blocks, 1780 bytes\n") != NULL &&
                  strstr(child.err, "leaked ") == NULL &&
                  strtoul(child.err + strlen("tagpool["), NULL, 10) < 1UL << 22,
              "it wrote: %s", child.err);
}

/* There nothing can be looked at, and nothing is tried. What is live beside other threads is
 * counted, by its slots. */
static void a_process_in_a_sandbox_ends_as_without_the_option(void) {
    static const char *const modes[] = {"leave, sandbox", "leave, sandbox, thread"};
    static struct child child;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (run_mode(&child, MISUSE_STRATEGY_hardened, modes[i]))
            CHECK_SAY(strstr(child.err, "could not be looked at") != NULL &&
                          strstr(child.err, "]: in doubt: ") != NULL &&
                          strstr(child.err, "leaked ") == NULL,
                      "it wrote: %s", child.err);
    if (run_mode(&child, MISUSE_STRATEGY_hardened, "leave, sandbox, full"))
        CHECK_SAY(child.err[0] == '\0', "it wrote: %s", child.err);
}

/* What only the parent's thread has, in a register, is not its child's to lose. */
static void a_child_leaks_what_it_lost_itself(void) {
    static struct child child;
    if (!run_mode(&child, MISUSE_STRATEGY_hardened, "fork"))
        return;
#ifdef __x86_64__
    CHECK_SAY(strstr(child.err, "]: in doubt: 1 blocks, 60 bytes\n") != NULL, "it wrote: %s",
              child.err);
#endif
    const char *sum = strstr(child.err, "]: leaked 10 blocks, 1780 bytes in all\n");
    CHECK_SAY(sum != NULL && strstr(sum + strlen("]: leaked"), "leaked") == NULL, "it wrote: %s",
              child.err);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == CHILD_ARGUMENTS)
        return child_main(argv[1]);
    for (int strategy = 0; strategy < MISUSE_STRATEGY_COUNT; strategy++)
        check_strategy((enum misuse_strategy)strategy);
    TAP_RUN(large_blocks_are_counted_where_they_are_ours);
    TAP_RUN(doubts_are_no_leaks);
    TAP_RUN(a_process_in_a_sandbox_ends_as_without_the_option);
    TAP_RUN(a_child_leaks_what_it_lost_itself);
    return tap_done();
}
