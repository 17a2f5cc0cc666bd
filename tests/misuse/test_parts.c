/* If this failed, an option that switches one part of the hardened mode off would not do so, would
 * switch off another part too, or would leave calloc() with memory that is not zero. Each part has
 * a program that it stops or changes, run with the part on and off, and with each other part off.
 */
#include "misuse.h"

enum { BLOCKS = 64, PAIRS = 200, PAIRS_TO_LEAVE = 1000 /* the quarantine */ };

static const char *program;

/* --- the children; each takes a path of its own through the library --- */

/* Neither the compiler nor the lint knows what they are. */
static void *(*volatile take)(size_t bytes) = malloc;
static void *(*volatile take_zeroed)(size_t count, size_t bytes) = calloc;
static void (*volatile give)(void *block) = free;

static int written_child(size_t bytes) {
    char *freed = take(bytes);
    give(freed);
    *(volatile char *)freed = 1;
    for (int i = 0; i < PAIRS_TO_LEAVE; i++)
        give(take(bytes));
    for (int i = 0; i < PAIRS_TO_LEAVE; i++) /* all that are free and near */
        take(bytes);
    return 0;
}

static int overflow_child(size_t bytes) {
    char *block = take(bytes);
    ((volatile char *)block)[bytes] ^= 1;
    give(block);
    return 0;
}

static int twice_child(size_t bytes) {
    char *block = take(bytes);
    give(block);
    give(block);
    return 0;
}

/* 1 if a freed block comes back while few others are freed. */
static int reuse_child(size_t bytes) {
    char *freed = take(bytes);
    give(freed);
    for (int i = 0; i < PAIRS; i++) {
        char *block = take(bytes);
        if (block == freed)
            return 1;
        give(block);
    }
    return 0;
}

/* 1 if new blocks lie one after the other. */
static int order_child(size_t bytes) {
    const char *before = take(bytes);
    for (int i = 1; i < BLOCKS; i++) {
        const char *block = take(bytes);
        if (block < before)
            return 0;
        before = block;
    }
    return 1;
}

/* 0 if calloc() gives zeroes where others were freed. */
static int zeroes_child(size_t bytes) {
    int result = 0;
    for (size_t i = 0; i < 4096; i++) {
        char *block = take_zeroed(1, bytes);
        for (size_t k = 0; k < bytes; k++)
            result |= block[k] != 0;
        memset(block, 0xa5, bytes);
        give(block);
    }
    return result;
}

static const struct {
    const char *name;
    const char *part; /* the option that is off where it ends otherwise, or NULL */
    int (*run)(size_t bytes);
    const char *fault; /* what it is stopped with; NULL if it exits */
    int status;        /* that it exits with; with the part off the other of 0 and 1 */
} programs[] = {
    {"written", "clear=off", written_child, "write after free", 0},
    {"overflow", "canary=off", overflow_child, "overflow of", 0},
    {"twice", NULL, twice_child, "double free", 0},
    {"reuse", "quarantine=0", reuse_child, NULL, 0},
    {"order", "random=off", order_child, NULL, 0},
    {"zeroes", NULL, zeroes_child, NULL, 0},
};

enum { PROGRAMS = sizeof programs / sizeof programs[0] };

static int child_main(char **argv) {
    leave_no_core();
    for (size_t i = 0; i < PROGRAMS; i++)
        if (strcmp(programs[i].name, argv[1]) == 0)
            return programs[i].run(strtoul(argv[2], NULL, 10));
    return 100;
}

/* --- the tests --- */

static void check(size_t number, const char *options, const char *bytes, bool is_off) {
    static struct child child;
    const char *const argv[] = {program, programs[number].name, bytes, NULL};
    const char *fault = programs[number].fault;
    run_with_options(&child, options, argv);
    if (fault != NULL && !is_off) {
        CHECK_SAY(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT &&
                      strstr(child.err, fault) != NULL,
                  "%s, %s bytes, %s: status %#x: %s", programs[number].name, bytes, options,
                  (unsigned)child.status, child.err);
        return;
    }
    int status = fault == NULL && is_off ? !programs[number].status : programs[number].status;
    CHECK_SAY(WIFEXITED(child.status) && WEXITSTATUS(child.status) == status &&
                  child.err[0] == '\0',
              "%s, %s bytes, %s: status %#x: %s", programs[number].name, bytes, options,
              (unsigned)child.status, child.err);
}

static const char *const settings[] = {
    "random=off",   "clear=off", "canary=off",
    "quarantine=0", "guard=0",   "random=off,clear=off,canary=off,quarantine=0,guard=0"};
enum { SETTINGS = sizeof settings / sizeof settings[0] };

static void each_part_that_is_switched_off_is_off_and_the_others_are_on(void) {
    static const char *const sizes[] = {"20", "500"}; /* the small path, and that of all sizes */
    for (size_t number = 0; number < PROGRAMS; number++) {
        for (size_t size = 0; size < sizeof sizes / sizeof sizes[0]; size++) {
            check(number, "harden=on", sizes[size], false);
            for (size_t i = 0; i < SETTINGS; i++) {
                char options[128];
                const char *part = programs[number].part;
                snprintf(options, sizeof options, "harden=on,%s", settings[i]);
                check(number, options, sizes[size],
                      part != NULL && strstr(settings[i], part) != NULL);
            }
        }
    }
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc > 1)
        return child_main(argv);
    TAP_RUN(each_part_that_is_switched_off_is_off_and_the_others_are_on);
    return tap_done();
}
