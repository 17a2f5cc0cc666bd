/* If this failed, a fault would be found in a tidy program only: after a random sequence of valid
 * calls, of several sizes and forms and in two threads, one fault is committed at a random moment.
 * It must be named correctly and stop the program; with on_fault=report the program must go on to
 * its end with every byte of its blocks as it was. The same sequence without the fault is the
 * control. The seed is printed; SEED=N in the environment repeats it. */
#include "calls.h"

/* --- the faults, and in which strategies they are found --- */

enum crime {
    FREE_TWICE,
    FREE_INTERIOR,
    FREE_MISALIGNED,
    FREE_NEVER,
    USE_FREED,
    UNDERFLOW_AND_FREE,
    WRONG_SIZE,
    WRONG_FORM,
    OVERFLOW_AND_FREE,
    WRITE_FREED,
    CRIME_COUNT
};

static const struct {
    const char *name;
    enum misuse_outcome outcome;
    enum misuse_strategy from; /* found in this strategy and in those after it */
} crimes[CRIME_COUNT] = {
    [FREE_TWICE] = {"double free", MISUSE_OUTCOME_DOUBLE_FREE, MISUSE_STRATEGY_metadata},
    [FREE_INTERIOR] = {"interior pointer", MISUSE_OUTCOME_INTERIOR, MISUSE_STRATEGY_metadata},
    [FREE_MISALIGNED] = {"misaligned pointer", MISUSE_OUTCOME_MISALIGNED, MISUSE_STRATEGY_metadata},
    [FREE_NEVER] = {"never-allocated pointer", MISUSE_OUTCOME_NEVER_ALLOCATED,
                    MISUSE_STRATEGY_metadata},
    [USE_FREED] = {"use of a freed block", MISUSE_OUTCOME_USE_FREED, MISUSE_STRATEGY_metadata},
    [UNDERFLOW_AND_FREE] = {"underflow", MISUSE_OUTCOME_UNDERFLOW_TAG, MISUSE_STRATEGY_tagged},
    [WRONG_SIZE] = {"size mismatch", MISUSE_OUTCOME_WRONG_SIZE, MISUSE_STRATEGY_tagged},
    [WRONG_FORM] = {"form mismatch", MISUSE_OUTCOME_WRONG_FORM, MISUSE_STRATEGY_tagged},
    [OVERFLOW_AND_FREE] = {"overflow", MISUSE_OUTCOME_OVERFLOW, MISUSE_STRATEGY_hardened},
    [WRITE_FREED] = {"write after free", MISUSE_OUTCOME_WRITE_AFTER_FREE, MISUSE_STRATEGY_hardened},
};

/* --- the child: SEED CRIME LARGEST MODE --- */

enum { CHILD_ARGUMENTS = 5, BLOCKS = 400, STEPS = 3000 };

struct block {
    unsigned char *bytes; /* NULL: none */
    size_t count;
    enum form form;
    unsigned seed;
};

static struct block blocks[BLOCKS];
static uint64_t state;

static size_t draw(size_t below) {
    return random_below(&state, (uint32_t)below);
}

/* A thing to do, here or in the helper thread. */
struct task {
    struct block *block;
    pointer_function *call;
    void *pointer;
};

static void *do_take(void *argument) {
    struct task *task = argument;
    form = task->block->form;
    task->block->bytes = make(task->block->count);
    return NULL;
}

static void *do_call(void *argument) {
    struct task *task = argument;
    task->call(opaque(task->pointer));
    return NULL;
}

static void somewhere(void *(*function)(void *), struct task *task) {
    if (draw(3) == 0)
        ask_helper(function, task);
    else
        function(task);
}

static void check_pattern(const struct block *block) {
    if (!pattern_holds(block->bytes, block->count, block->seed)) {
        dprintf(STDERR_FILENO, "a block of %zu bytes has changed\n", block->count);
        _exit(3);
    }
}

static size_t draw_size(size_t largest) {
    size_t below = draw(4) != 0 ? 128 : draw(8) != 0 ? 1000 : largest;
    return 1 + draw(below);
}

static void take_block(struct block *block, size_t largest) {
    struct task task = {.block = block};
    block->count = draw_size(largest);
    block->form = (enum form)draw(FORM_COUNT);
    block->seed = (unsigned)draw(1000);
    somewhere(do_take, &task);
    pattern_fill(block->bytes, block->count, block->seed);
}

static void give_block(struct block *block) {
    struct task task = {.call = form_calls[block->form]->run, .pointer = block->bytes};
    given_bytes = block->count;
    check_pattern(block);
    if (block->form == FORM_NEW && draw(2) == 0)
        task.call = by_sized_delete;
    somewhere(do_call, &task);
    block->bytes = NULL;
}

static void resize_block(struct block *block, size_t largest) {
    size_t count = draw_size(largest);
    size_t kept = count < block->count ? count : block->count;
    unsigned char *moved = realloc(block->bytes, count);
    if (!pattern_holds(moved, kept, block->seed))
        _exit(4);
    block->bytes = moved;
    block->count = count;
    pattern_fill(moved, count, block->seed);
}

static void step(size_t largest) {
    struct block *block = &blocks[draw(BLOCKS)];
    if (block->bytes == NULL)
        take_block(block, largest);
    else if (block->form == FORM_MALLOC && draw(4) == 0)
        resize_block(block, largest);
    else
        give_block(block);
}

static struct block *draw_live(size_t least) {
    for (;;) {
        struct block *block = &blocks[draw(BLOCKS)];
        if (block->bytes != NULL && block->count >= least)
            return block;
    }
}

/* What the test must know before it happens. */
static void confess(const struct call *call, const void *address, size_t bytes,
                    const char *detail) {
    dprintf(STDOUT_FILENO, "%zu %s\n", bytes, call->name);
    announce(address, call->run, detail);
}

/* Writes into a freed block, and takes so many others that it comes round again. */
static void write_freed(void) {
    enum { MOST_BYTES = 64 << 20, KEPT = 2048, LARGEST = 32000 };
    static void *kept[KEPT];
    size_t bytes = 1 + draw(draw(4) != 0 ? 128 : LARGEST);
    size_t count = MOST_BYTES / bytes < KEPT ? MOST_BYTES / bytes : KEPT;
    unsigned char *block = malloc(bytes);
    confess(&(struct call){by_free, "malloc()", FORM_MALLOC}, block, bytes, "");
    pattern_fill(block, bytes, 1);
    free(opaque(block));
    block[draw(bytes)] = (unsigned char)(1 + draw(255));
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < count; i++)
            kept[i] = opaque(malloc(bytes));
        for (size_t i = 0; i < count; i++)
            free(kept[i]);
    }
}

/* Commits the crime on a block, which the program then forgets. */
static void commit(enum crime crime) {
    if (crime == WRITE_FREED) {
        write_freed();
        return;
    }
    struct block *block = draw_live(64);
    const struct call *call = form_calls[block->form];
    struct task task = {.pointer = block->bytes};
    char detail[64] = "";
    unsigned char *damaged = NULL;
    given_bytes = block->count;
    check_pattern(block);
    switch (crime) {
    case FREE_TWICE:
        somewhere(do_call, &(struct task){.call = call->run, .pointer = block->bytes});
        break;
    case FREE_INTERIOR:
        task.pointer = block->bytes + 16 * (1 + draw(block->count / 16 - 1));
        break;
    case FREE_MISALIGNED:
        task.pointer = block->bytes + 1 + draw(15);
        break;
    case FREE_NEVER:
        task.pointer = (void *)(((uintptr_t)block->bytes & ~(uintptr_t)0xffff) +
                                ((uintptr_t)64 << 30)); /* no program uses so much */
        break;
    case USE_FREED:
        somewhere(do_call, &(struct task){.call = call->run, .pointer = block->bytes});
        call = draw(2) == 0 ? &call_realloc : &call_usable_size;
        break;
    case UNDERFLOW_AND_FREE:
        damaged = block->bytes - 1 - draw(2);
        break;
    case WRONG_SIZE:
        call = block->form == FORM_NEW         ? &call_sized_delete
               : block->form == FORM_NEW_ARRAY ? &call_sized_delete_array
                                               : &call_free_sized;
        given_bytes = block->count * 2 + 32;
        snprintf(detail, sizeof detail, "%zu bytes", given_bytes);
        break;
    case WRONG_FORM:
        call = form_calls[((int)block->form + 1 + (int)draw(2)) % FORM_COUNT];
        snprintf(detail, sizeof detail, "%s", form_makers[block->form]);
        break;
    case OVERFLOW_AND_FREE:
        damaged = block->bytes + block->count;
        break;
    case WRITE_FREED:
    case CRIME_COUNT:
        break;
    }
    if (damaged != NULL)
        *damaged ^= (unsigned char)(1 + draw(255));
    task.call = call->run;
    confess(call, task.pointer, block->count, detail);
    somewhere(do_call, &task);
    block->bytes = NULL;
}

static int child_main(char **argv) {
    enum crime crime = (enum crime)strtoul(argv[2], NULL, 10);
    size_t largest = strtoul(argv[3], NULL, 10);
    bool with_misuse = strcmp(argv[4], "misuse") == 0;
    state = strtoul(argv[1], NULL, 10);
    leave_no_core();
    find_functions();
    size_t moment = STEPS / 4 + draw(STEPS / 2);
    for (size_t i = 0; i < STEPS; i++) {
        if (i == moment && with_misuse)
            commit(crime);
        step(largest);
    }
    for (size_t i = 0; i < BLOCKS; i++)
        if (blocks[i].bytes != NULL)
            give_block(&blocks[i]);
    return 0;
}

/* --- the judgement --- */

static const char *program;
static unsigned first_seed;

static void run_child(struct child *child, const char *options, unsigned seed, enum crime crime,
                      enum misuse_strategy strategy, bool with_misuse) {
    char seed_text[32], crime_text[32];
    const char *largest = strategy == MISUSE_STRATEGY_hardened ? "262144" : "4000";
    const char *const argv[] = {
        program, seed_text, crime_text, largest, with_misuse ? "misuse" : "control", NULL};
    snprintf(seed_text, sizeof seed_text, "%u", seed);
    snprintf(crime_text, sizeof crime_text, "%d", (int)crime);
    run_with_options(child, options, argv);
}

/* The line must be the one that the child expects. */
static void check_confession(const struct child *child, enum crime crime) {
    struct expected_line expected = {.outcome = crimes[crime].outcome};
    char function[64] = "";
    char *rest;
    expected.bytes = strtoul(child->out, &rest, 10);
    CHECK(*rest == ' ');
    rest += strspn(rest, " ");
    snprintf(function, sizeof function, "%.*s", (int)strcspn(rest, "\n"), rest);
    expected.function = function;
    const char *announced = strchr(child->out, '\n');
    if (announced != NULL)
        check_fault_line(child->err, announced + 1, &expected);
}

static void check_seed(unsigned seed, enum crime crime, enum misuse_strategy strategy) {
    static struct child child;
    char options[128];
    snprintf(options, sizeof options, "%s,forms=on", strategies[strategy].options);
    run_child(&child, options, seed, crime, strategy, false);
    CHECK_SAY(child_succeeded(&child) && child.err[0] == '\0', "the control ends with %#x: %s",
              (unsigned)child.status, child.err);
    run_child(&child, options, seed, crime, strategy, true);
    CHECK_SAY(!child.late && WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT,
              "the status is %#x, not SIGABRT", (unsigned)child.status);
    check_confession(&child, crime);
    snprintf(options, sizeof options, "%s,forms=on,on_fault=report", strategies[strategy].options);
    if (library_has(options)) {
        run_child(&child, options, seed, crime, strategy, true);
        CHECK_SAY(child_succeeded(&child), "reported, the program ends with %#x: %s",
                  (unsigned)child.status, child.err);
        check_confession(&child, crime);
    }
}

static void check_crime(enum crime crime, enum misuse_strategy strategy) {
    unsigned seeds = tap_repeats(3, 12);
    char name[128];
    snprintf(name, sizeof name, "at random: %s is found and named [%s]", crimes[crime].name,
             strategies[strategy].name);
    if (library_has(strategies[strategy].options)) {
        for (unsigned i = 0; i < seeds && tap.faults == 0; i++) {
            check_seed(first_seed + i, crime, strategy);
            if (tap.faults != 0)
                printf("# repeat with SEED=%u\n", first_seed + i);
        }
    } else {
        char reason[128];
        snprintf(reason, sizeof reason, "this library does not have %s",
                 strategies[strategy].options);
        tap_skip(reason);
    }
    tap_report(name);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == CHILD_ARGUMENTS)
        return child_main(argv);
    const char *seed = getenv("SEED");
    first_seed = seed != NULL ? (unsigned)strtoul(seed, NULL, 10)
                              : (unsigned)time(NULL) * 100u + (unsigned)getpid() % 100u;
    printf("# seeds from %u\n", first_seed);
    for (int strategy = 0; strategy < MISUSE_STRATEGY_COUNT; strategy++)
        for (int crime = 0; crime < CRIME_COUNT; crime++)
            if ((int)crimes[crime].from <= strategy)
                check_crime((enum crime)crime, (enum misuse_strategy)strategy);
    return tap_done();
}
