/* If this failed, a program that asked to go on after a fault would not: the bad call would have an
 * effect, the heap would be damaged by it, or the report would be missing or come twice. */
#include "calls.h"

/* --- the child: MODE; commits faults and looks after each that all is as before --- */

enum { CHILD_ARGUMENTS = 2, BYTES = 100, NEIGHBOURS = 300 };

static unsigned char *neighbour[NEIGHBOURS];
static int crimes, sound = 1;

/* What the program can rely on; says what it cannot. */
static void expect(bool condition, const char *what) {
    if (condition)
        return;
    sound = 0;
    dprintf(STDOUT_FILENO, "not so: %s\n", what);
}

/* Commits a crime by a call that must have no effect and keep errno. */
static void crime_by(pointer_function *call, void *pointer) {
    crimes++;
    errno = SENTINEL_ERRNO;
    call(opaque(pointer));
    expect(errno == SENTINEL_ERRNO, "errno is kept");
}

static void free_twice(void) {
    void *block = make(BYTES);
    give(block);
    crime_by(by_free, block);
    crime_by(by_free, block);
    crime_by(by_delete, block);
}

static void free_a_wrong_place(void) {
    unsigned char *block = make(BYTES);
    pattern_fill(block, BYTES, 1);
    crime_by(by_free, block + 16);
    crime_by(by_free, block + 1);
    crime_by(by_free, (void *)(((uintptr_t)block & ~(uintptr_t)0xffff) + ((uintptr_t)64 << 30)));
    expect(pattern_holds(block, BYTES, 1), "the block is untouched");
    give(block);
}

static void use_what_is_freed(void) {
    void *block = make(BYTES);
    give(block);
    crimes += 3;
    errno = 0;
    expect(realloc(opaque(block), 400) == NULL && errno == EINVAL, "realloc refuses");
    errno = 0;
    expect(reallocarray(opaque(block), 4, 100) == NULL && errno == EINVAL, "reallocarray refuses");
    expect(malloc_usable_size(opaque(block)) == 0, "a freed block has no size");
}

static void use_a_wrong_place(void) {
    unsigned char *block = make(BYTES);
    pattern_fill(block, BYTES, 2);
    crimes += 2;
    errno = 0;
    expect(realloc(opaque(block + 16), 400) == NULL && errno == EINVAL, "realloc refuses a middle");
    expect(malloc_usable_size(opaque(block + 8)) == 0, "a place in a block has no size");
    expect(pattern_holds(block, BYTES, 2), "the block is untouched");
    give(block);
}

/* A block that is freed in a wrong way stays, and can be freed in the right one. */
static void free_in_a_wrong_way(void) {
    form = FORM_NEW;
    unsigned char *block = make(BYTES);
    pattern_fill(block, BYTES, 3);
    crime_by(by_free, block);
    crime_by(by_delete_array, block);
    given_bytes = (size_t)3 * BYTES;
    crime_by(by_sized_delete, block);
    expect(pattern_holds(block, BYTES, 3), "the block is untouched");
    give(block);
    form = FORM_MALLOC;
}

static void free_after_an_underflow(void) {
    unsigned char *block = make(BYTES);
    pattern_fill(block, BYTES, 4);
    block[-1] ^= 1;
    crime_by(by_free, block);
    expect(pattern_holds(block, BYTES, 4), "the block is untouched");
    give(block);
}

/* Whichever of the neighbours is freed first, the damage between them is one fault. */
static void free_around_an_underflow(void) {
    enum { ROW = 3000 };
    static unsigned char *row[ROW];
    for (unsigned i = 0; i < ROW; i++)
        row[i] = make(BYTES);
    row[ROW / 2][-1] ^= 1;
    crimes++; /* by whichever call finds it first */
    for (unsigned i = 0; i < ROW; i++)
        give(row[i]);
}

static void free_after_an_overflow(void) {
    unsigned char *block = make(BYTES);
    pattern_fill(block, BYTES, 5);
    block[BYTES] ^= 1;
    crime_by(by_free, block);
}

static void look_at_the_neighbours(void) {
    for (unsigned i = 0; i < NEIGHBOURS; i++) {
        expect(pattern_holds(neighbour[i], BYTES, i), "neighbours are untouched");
        for (unsigned j = 0; j < i; j++)
            expect(neighbour[i] != neighbour[j], "no block is handed out twice");
    }
}

static void *commit_all(void *argument) {
    const char *mode = argument;
    free_twice();
    free_a_wrong_place();
    use_what_is_freed();
    use_a_wrong_place();
    if (strcmp(mode, "metadata") == 0)
        return NULL;
    free_in_a_wrong_way();
    free_after_an_underflow();
    free_around_an_underflow();
    if (strcmp(mode, "hardened") == 0)
        free_after_an_overflow();
    return NULL;
}

static int child_main(char *mode) {
    find_functions();
    for (unsigned i = 0; i < NEIGHBOURS; i++) {
        neighbour[i] = make(BYTES);
        pattern_fill(neighbour[i], BYTES, i);
        if (i % 75 == 30)
            commit_all(mode);
    }
    run_thread(commit_all, mode);
    look_at_the_neighbours();
    for (unsigned i = 0; i < NEIGHBOURS; i++)
        give(neighbour[i]);
    for (unsigned i = 0; i < NEIGHBOURS; i++) {
        neighbour[i] = make(BYTES);
        pattern_fill(neighbour[i], BYTES, i);
    }
    look_at_the_neighbours();
    dprintf(STDOUT_FILENO, "crimes %d\n", crimes);
    return sound ? 0 : 1;
}

/* --- the judgement --- */

static const char *program;

static int count_lines(const char *text) {
    int lines = 0;
    for (; (text = strchr(text, '\n')) != NULL; text++)
        lines++;
    return lines;
}

static void check_mode(enum misuse_strategy strategy, const char *on_fault) {
    static struct child child;
    char options[128];
    const char *const argv[] = {program, strategies[strategy].name, NULL};
    snprintf(options, sizeof options, "%s,forms=on,on_fault=%s", strategies[strategy].options,
             on_fault);
    if (!library_has(options)) {
        char reason[160];
        snprintf(reason, sizeof reason, "this library does not have %s", options);
        tap_skip(reason);
        return;
    }
    run_with_options(&child, options, argv);
    CHECK_SAY(child_succeeded(&child), "it ends with %#x: %s", (unsigned)child.status, child.out);
    const char *counted = strstr(child.out, "crimes ");
    int expected = counted != NULL ? (int)strtol(counted + strlen("crimes "), NULL, 10) : -1;
    CHECK(expected > 50);
    int lines = count_lines(child.err);
    CHECK_SAY(lines == (strcmp(on_fault, "report") == 0 ? expected : 0), "%d lines for %d faults",
              lines, expected);
    CHECK_SAY(lines == 0 || strncmp(child.err, "tagpool[", 8) == 0, "it wrote %.200s", child.err);
}

int main(int argc, char **argv) {
    static const char *const after[] = {"report", "ignore"};
    program = argv[0];
    if (argc == CHILD_ARGUMENTS)
        return child_main(argv[1]);
    for (int strategy = 0; strategy < MISUSE_STRATEGY_COUNT; strategy++)
        for (int i = 0; i < 2; i++) {
            char name[128];
            check_mode((enum misuse_strategy)strategy, after[i]);
            snprintf(name, sizeof name, "a program goes on after its faults with on_fault=%s [%s]",
                     after[i], strategies[strategy].name);
            tap_report(name);
        }
    return tap_done();
}
