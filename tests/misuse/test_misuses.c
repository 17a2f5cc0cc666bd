/* If this failed, a misused pointer would corrupt the heap in silence, would be reported as
 * something else, or a correct program would be stopped. Each misuse of tools/bench/misuses.h, in
 * every way that it can come about here, runs in a process of its own under each strategy, with
 * blocks of C and of C++, in one thread and across two. The library must write exactly the line
 * that the table says and stop the program, or let it run where the table says so; the control of
 * each is the same program without the misuse. */
#include "scenarios.h"
#include <stdatomic.h>

/* --- the child: INDEX BYTES FORM WHERE MODE --- */

enum { CHILD_ARGUMENTS = 6 };

/* Two threads free one block of a third at the same moment; mode "control": two blocks. */
static struct {
    atomic_int ready;
    void *block[2];
} race;

static void *race_main(void *argument) {
    atomic_fetch_add(&race.ready, 1);
    while (atomic_load(&race.ready) < 2)
        continue;
    free(race.block[(size_t)(uintptr_t)argument]);
    return argument;
}

static int race_child(bool with_misuse) {
    pthread_t thread[2];
    race.block[0] = take(40);
    race.block[1] = with_misuse ? race.block[0] : take(40);
    for (size_t i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, race_main, (void *)(uintptr_t)i);
    for (size_t i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    return 0;
}

static const struct call *child_call;

static void *run_child_call(void *pointer) {
    child_call->run(opaque(pointer));
    return pointer;
}

static int child_main(char **argv) {
    bool with_misuse = strcmp(argv[5], "misuse") == 0;
    leave_no_core();
    find_functions();
    if (strcmp(argv[1], "race") == 0)
        return race_child(with_misuse);
    const struct scenario *scenario = &scenarios[strtoul(argv[1], NULL, 10)];
    size_t bytes = strtoul(argv[2], NULL, 10);
    form = (enum form)strtoul(argv[3], NULL, 10);
    given_bytes = bytes;
    suspect_maker = (scenario->flags & HELPERS) != 0  ? MADE_BY_HELPER
                    : (scenario->flags & ENDED) != 0  ? MADE_BY_ENDED
                    : (scenario->flags & POSTED) != 0 ? MADE_BESIDE_FREED
                                                      : MADE_HERE;
    child_call = scenario->call != NULL ? scenario->call : form_calls[form];
    void *pointer = scenario->prepare(bytes, with_misuse);
    announce(reported_address != NULL ? reported_address : pointer, child_call->run, detail);
    if (strcmp(argv[4], "elsewhere") == 0)
        ask_helper(run_child_call, pointer);
    else
        run_child_call(pointer);
    return 0;
}

/* --- the judgement --- */

static const char *program;

static void run_child(struct child *child, const char *options, const char *index, size_t bytes,
                      enum form form_number, bool elsewhere, bool with_misuse) {
    char size[32], form_text[32];
    const char *const argv[] = {program,
                                index,
                                size,
                                form_text,
                                elsewhere ? "elsewhere" : "here",
                                with_misuse ? "misuse" : "control",
                                NULL};
    snprintf(size, sizeof size, "%zu", bytes);
    snprintf(form_text, sizeof form_text, "%d", (int)form_number);
    run_with_options(child, options, argv);
}

static enum misuse_outcome outcome_of(enum misuse misuse, enum misuse_strategy strategy) {
    static const enum misuse_outcome table[MISUSE_COUNT][MISUSE_STRATEGY_COUNT] = {
#define TABLE_ROW(id, sentence, metadata, tagged, hardened)                                        \
    [MISUSE_##id] = {MISUSE_OUTCOME_##metadata, MISUSE_OUTCOME_##tagged, MISUSE_OUTCOME_##hardened},
        MISUSES(TABLE_ROW)
#undef TABLE_ROW
    };
    return table[misuse][strategy];
}

/* Whose the block is that a call is made with, as the line says it. What lies in no slab of a class
 * is nobody's. */
static const char *owner_of(unsigned flags, size_t bytes, bool elsewhere) {
    if ((flags & PASSED) != 0)
        return NULL;
    if (bytes >= mapped_sizes[0])
        return "";
    if ((flags & ENDED) != 0)
        return " of an ended thread";
    return ((flags & HELPERS) != 0) == elsewhere ? "" : " of another thread";
}

static void check_run(size_t index, enum misuse_strategy strategy, size_t bytes,
                      enum form form_number, bool elsewhere) {
    static struct child child;
    const struct scenario *scenario = &scenarios[index];
    const struct call *call = scenario->call != NULL ? scenario->call : form_calls[form_number];
    const struct expected_line expected = {.outcome = outcome_of(scenario->misuse, strategy),
                                           .function = call->name,
                                           .bytes = bytes,
                                           .owner =
                                               scenario->prepare == slab_never_used
                                                   ? ""
                                                   : owner_of(scenario->flags, bytes, elsewhere)};
    const char *option = misuse_option(expected.outcome);
    char number[32], options[128];
    int faults = tap.faults;
    snprintf(number, sizeof number, "%zu", index);
    snprintf(options, sizeof options, "%s%s%s", strategies[strategy].options,
             option != NULL ? "," : "", option != NULL ? option : "");
    if (option != NULL) {
        run_child(&child, strategies[strategy].options, number, bytes, form_number, elsewhere,
                  true);
        CHECK_SAY(child_succeeded(&child) && child.err[0] == '\0',
                  "without %s (%zu bytes) it ends with %#x: %s", option, bytes,
                  (unsigned)child.status, child.err);
    }
    run_child(&child, options, number, bytes, form_number, elsewhere, false);
    CHECK_SAY(child_succeeded(&child) && child.err[0] == '\0',
              "the control (%zu bytes) ends with %#x: %s", bytes, (unsigned)child.status,
              child.err);
    run_child(&child, options, number, bytes, form_number, elsewhere, true);
    check_outcome(&child, &expected);
    if (tap.faults != faults)
        printf("# with %s, made by %s, call made %s\n", options, form_makers[form_number],
               elsewhere ? "in another thread" : "in the same thread");
}

static void check_sizes(size_t index, enum misuse_strategy strategy, const size_t *sizes) {
    const struct scenario *scenario = &scenarios[index];
    for (; *sizes != 0; sizes++)
        for (int i = 0; i < FORM_COUNT; i++)
            for (int elsewhere = 0; elsewhere < 2; elsewhere++) {
                /* One size of each list in all forms and threads, the others in turn. */
                bool wanted = sizes[1] == 0 || (*sizes + (size_t)i) % 2 == (size_t)elsewhere;
                if (scenario->call != NULL && (int)scenario->call->form != i)
                    continue;
                if ((scenario->flags & HERE) != 0 ? elsewhere == 0 : wanted)
                    check_run(index, strategy, *sizes, (enum form)i, elsewhere != 0);
            }
}

static void check_scenario(size_t index, enum misuse_strategy strategy) {
    char name[256];
    snprintf(name, sizeof name, "%s [%s]", scenarios[index].name, strategies[strategy].name);
    if (!library_has(strategies[strategy].options)) {
        char reason[128];
        snprintf(reason, sizeof reason, "this library does not have %s",
                 strategies[strategy].options);
        tap_skip(reason);
    } else {
        unsigned flags = scenarios[index].flags;
        bool hardened = strategy == MISUSE_STRATEGY_hardened;
        if ((flags & MAPPED) == 0)
            check_sizes(index, strategy, scenarios[index].sizes);
        if (hardened && scenarios[index].misuse == MISUSE_WROTE_SLACK)
            check_sizes(index, strategy, full_sizes); /* there it need not be slack */
        if (hardened && (flags & (SMALL | MAPPED)) == 0)
            check_sizes(index, strategy, slab_sizes);
        if (hardened && (flags & (SMALL | SLABS)) == 0)
            check_sizes(index, strategy, mapped_sizes);
    }
    tap_report(name);
}

static void each_misuse_of_the_table_is_committed(void) {
    static const char *const sentences[] = {
#define SENTENCE(id, sentence, ...) [MISUSE_##id] = sentence,
        MISUSES(SENTENCE)
#undef SENTENCE
    };
    for (int misuse = 0; misuse < MISUSE_COUNT; misuse++) {
        bool found = false;
        for (size_t i = 0; i < SCENARIOS; i++)
            found = found || (int)scenarios[i].misuse == misuse;
        CHECK_SAY(found, "nothing does this: %s", sentences[misuse]);
    }
}

/* The same misuses go to the next allocator when the pools are off: no line of ours may appear. */
static void strategy_direct_reports_nothing_of_its_own(void) {
    static struct child child;
    run_child(&child, "strategy=direct", "0", 40, FORM_MALLOC, false, true);
    CHECK_SAY(strstr(child.err, "tagpool[") == NULL, "it wrote: %s", child.err);
    /* The C library finds this one too. */
    CHECK(WIFSIGNALED(child.status) &&
          WTERMSIG(child.status) == (LIBC_IS_GLIBC ? SIGABRT : SIGSEGV));
}

/* Whoever comes second, however close, is caught. */
static void check_race(enum misuse_strategy strategy) {
    unsigned races = tap_repeats(25, 100);
    static struct child child;
    const char *options = strategies[strategy].options;
    if (!library_has(options))
        return;
    run_child(&child, options, "race", 40, FORM_MALLOC, false, false);
    CHECK_SAY(child_succeeded(&child) && child.err[0] == '\0', "the control ends with %#x: %s",
              (unsigned)child.status, child.err);
    for (unsigned i = 0; i < races && tap.faults == 0; i++) {
        run_child(&child, options, "race", 40, FORM_MALLOC, false, true);
        CHECK_SAY(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT &&
                      strstr(child.err, "]: double free of ") != NULL,
                  "%s, race %u: status %#x, \"%s\"", options, i, (unsigned)child.status, child.err);
    }
}

static void two_threads_that_free_at_one_moment_are_caught(void) {
    for (int i = 0; i < MISUSE_STRATEGY_COUNT; i++)
        check_race((enum misuse_strategy)i);
}

static void close_stderr(void) {
    close(STDERR_FILENO);
}

static void a_fault_stops_the_program_even_without_stderr(void) {
    static struct child child;
    char preload[512];
    const char *const argv[] = {program, "0", "40", "0", "here", "misuse", NULL};
    const char *const changes[] = {preload, "TAGPOOL_OPTIONS=strategy=metadata", NULL};
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s/libtagpool.so", build_folder());
    child_run_prepared(&child, changes, close_stderr, argv);
    CHECK(!child.late && WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT);
}

/* `test_misuses WORD` runs the scenarios with the word in their name or strategy. */
static bool is_asked_for(char **argv, size_t index, int strategy) {
    return argv[1] == NULL || strstr(scenarios[index].name, argv[1]) != NULL ||
           strcmp(strategies[strategy].name, argv[1]) == 0;
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == CHILD_ARGUMENTS)
        return child_main(argv);
    for (int strategy = 0; strategy < MISUSE_STRATEGY_COUNT; strategy++)
        for (size_t i = 0; i < SCENARIOS; i++)
            if (is_asked_for(argv, i, strategy) &&
                ((scenarios[i].flags & MAPPED) == 0 || strategy == MISUSE_STRATEGY_hardened))
                check_scenario(i, (enum misuse_strategy)strategy);
    if (argc == 1) {
        TAP_RUN(each_misuse_of_the_table_is_committed);
        TAP_RUN(strategy_direct_reports_nothing_of_its_own);
        TAP_RUN(two_threads_that_free_at_one_moment_are_caught);
        TAP_RUN(a_fault_stops_the_program_even_without_stderr);
    }
    return tap_done();
}
