/* If this failed, a program whose handler of SIGABRT allocates, as crash reporters do, would meet
 * the damage that it was stopped for again in each call of the handler, until its stack is full;
 * or with on_fault=report one damage would be reported again and again. Each way to damage a block
 * runs in a process of its own. */
#include "misuse.h"

/* --- the child: WAY, or WAY "none" --- */

enum { CHILD_ARGUMENTS = 3, BYTES = 40, LARGE_BYTES = 100000, ROUNDS = 3, USED = 2000 };

static void use_the_heap(void) {
    static void *blocks[USED];
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < USED; i++)
            blocks[i] = malloc(i % 300 + 1);
        for (size_t i = 0; i < USED; i++)
            free(opaque(blocks[i]));
    }
    free(opaque(malloc(LARGE_BYTES)));
}

static void handle(int number) {
    (void)number;
    use_the_heap();
    if (write(STDOUT_FILENO, "handled\n", 8) != 8)
        _exit(125);
    _exit(0);
}

/* No byte is what it was, whatever it was. */
static void write_over(char *start, size_t bytes) {
    char *byte = opaque(start);
    for (size_t i = 0; i < bytes; i++)
        byte[i] ^= 0x55;
}

static void damage_the_tag(void) {
    char *block = malloc(BYTES);
    write_over(block - 8, 8);
    free(block);
}

static void run_over_the_end(void) {
    char *block = malloc(BYTES);
    write_over(block, (size_t)BYTES * 5 / 2);
    free(block);
}

/* Slots are claimed by 8: behind the last of these lies memory that was never handed out. */
static void run_over_the_end_of_the_last_block(void) {
    enum { CLAIMED = 8, SELDOM_BYTES = 808 };
    char *last = NULL;
    for (int i = 0; i < CLAIMED; i++) {
        char *block = malloc(SELDOM_BYTES);
        if (block > last)
            last = block;
    }
    write_over(last, (size_t)SELDOM_BYTES * 5 / 2);
    free(last);
    for (int i = 0; i < CLAIMED; i++)
        free(opaque(malloc(SELDOM_BYTES)));
}

static void write_after_free(void) {
    char *block = malloc(BYTES);
    free(opaque(block));
    write_over(block, BYTES);
    use_the_heap();
}

static void write_before_a_freed_block(void) {
    char *block = malloc(BYTES);
    free(opaque(block));
    write_over(block - 1, 1);
    use_the_heap();
}

static void run_over_the_end_of_a_large_block(void) {
    char *block = malloc(LARGE_BYTES);
    write_over(block + LARGE_BYTES, 1);
    free(block);
    free(opaque(block));
}

static void run_under_a_large_block(void) {
    char *block = malloc(LARGE_BYTES);
    write_over(block - 16, 16);
    free(block);
    free(opaque(block));
}

static void free_twice(void) {
    char *block = malloc(BYTES);
    free(opaque(block));
    free(opaque(block));
}

static const struct way {
    const char *name;
    void (*run)(void);
} ways[] = {
    {"the tag is damaged", damage_the_tag},
    {"it runs over the end", run_over_the_end},
    {"it runs over the end of the last slot in use", run_over_the_end_of_the_last_block},
    {"it is written after free", write_after_free},
    {"one byte in front is written after free", write_before_a_freed_block},
    {"a large one runs over its end", run_over_the_end_of_a_large_block},
    {"a large one is written in front", run_under_a_large_block},
    {"it is freed twice", free_twice},
};
enum { WAYS = sizeof ways / sizeof ways[0] };

static int child_main(char **argv) {
    leave_no_core();
    if (strcmp(argv[2], "handler") == 0)
        signal(SIGABRT, handle);
    use_the_heap();
    ways[strtoul(argv[1], NULL, 10)].run();
    use_the_heap();
    return 0;
}

/* --- the judgement --- */

static const char *program;

static int count_lines(const char *text) {
    int lines = 0;
    for (; (text = strchr(text, '\n')) != NULL; text++)
        lines++;
    return lines;
}

static void check_way(size_t way, const char *mode, const char *options) {
    static struct child child;
    char number[32];
    const char *const argv[] = {program, number, mode, NULL};
    snprintf(number, sizeof number, "%zu", way);
    run_with_options(&child, options, argv);
    CHECK_SAY(child_succeeded(&child), "%s, %s: %#x", ways[way].name, mode, (unsigned)child.status);
    CHECK_SAY(count_lines(child.err) == 1, "%s, %s: it wrote \"%.300s\"", ways[way].name, mode,
              child.err);
    CHECK_SAY(strcmp(mode, "handler") != 0 || strcmp(child.out, "handled\n") == 0, "%s: \"%.100s\"",
              ways[way].name, child.out);
}

static void a_handler_of_abort_may_allocate(void) {
    if (!library_has("harden=on")) {
        tap_skip("this library has no harden=on");
        return;
    }
    for (size_t way = 0; way < WAYS; way++)
        check_way(way, "handler", "strategy=tagged,harden=on");
}

static void a_damaged_block_is_reported_once(void) {
    if (!library_has("harden=on,on_fault=report")) {
        tap_skip("this library has no harden=on");
        return;
    }
    for (size_t way = 0; way < WAYS; way++)
        check_way(way, "none", "strategy=tagged,harden=on,on_fault=report");
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == CHILD_ARGUMENTS)
        return child_main(argv);
    TAP_RUN(a_handler_of_abort_may_allocate);
    TAP_RUN(a_damaged_block_is_reported_once);
    return tap_done();
}
