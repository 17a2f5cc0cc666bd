/* What the tests of misuses share: the strategies, children that commit a crime, and the judgement
 * of the line that the library writes about it.
 *
 * A child announces on standard output what the line must say: its process, the address, where in
 * this program the call is made, and what the state ends with; then it makes the call.
 */
#ifndef MISUSE_H
#define MISUSE_H

#include "../harness/tap.h"
#include "../preload/behaviour.h"
#include "bench/misuses.h"
#include <dlfcn.h>
#include <regex.h>
#include <sys/resource.h>

static const struct {
    const char *text;  /* after "tagpool[PID]: " and before the address */
    const char *state; /* what the brackets end with */
    int signal;
} outcomes[MISUSE_OUTCOME_COUNT] = {
#define OUTCOME_ROW(id, text_, state_, signal_)                                                    \
    [MISUSE_OUTCOME_##id] = {.text = text_, .state = state_, .signal = signal_},
    MISUSE_OUTCOMES(OUTCOME_ROW)
#undef OUTCOME_ROW
};

static const struct {
    const char *name;
    const char *options;
} strategies[MISUSE_STRATEGY_COUNT] = {
#define STRATEGY_ROW(name_, options_)                                                              \
    [MISUSE_STRATEGY_##name_] = {.name = #name_, .options = options_},
    MISUSE_STRATEGIES(STRATEGY_ROW)
#undef STRATEGY_ROW
};

/* --- children --- */

/* Runs argv (the first is the program) under the library with these options. */
SHARED void run_with_options(struct child *child, const char *options, const char *const *argv) {
    char preload[512], setting[256];
    const char *const changes[] = {preload, setting, "TAGPOOL_TEST_SHIM=1", "TAGPOOL_STATS", NULL};
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s/libtagpool.so", build_folder());
    snprintf(setting, sizeof setting, "TAGPOOL_OPTIONS=%s", options);
    child_run(child, changes, argv);
}

/* Does the library know these options? It complains about what it does not. Asked once for each in
 * a row of the same. */
SHARED bool library_has(const char *options) {
    static struct child child;
    static char asked[128];
    static bool known;
    const char *const argv[] = {"/bin/true", NULL};
    if (strcmp(asked, options) == 0)
        return known;
    run_with_options(&child, options, argv);
    known = child_succeeded(&child) && child.err[0] == '\0';
    snprintf(asked, sizeof asked, "%s", options);
    return known;
}

SHARED void leave_no_core(void) {
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
}

/* Keeps the call above it from becoming a jump, which would hide the call site. */
#define CALL_ENDS_HERE __asm__ volatile("" : : : "memory")

/* `call` is the function of this program that makes the call. Written without stdio, whose buffer
 * would come from the pools, between the misuse and the call that is to find it. */
SHARED void announce(const void *address, void (*call)(void *), const char *detail) {
    char line[256];
    Dl_info info;
    dladdr((void *)(uintptr_t)call, &info);
    int length = snprintf(line, sizeof line, "%d %p %zx %s\n", (int)getpid(), address,
                          (size_t)((uintptr_t)call - (uintptr_t)info.dli_fbase), detail);
    if (write(STDOUT_FILENO, line, (size_t)length) != length)
        _exit(125);
}

/* --- the judgement --- */

struct expected_line {
    enum misuse_outcome outcome;
    const char *function; /* as the line names it, "free()" */
    size_t bytes;         /* that were asked for */
    const char *owner;    /* of the block, as the line names it: "" for who calls; NULL for any */
};

/* Appends the text to a regular expression, to be taken literally. */
SHARED void append_literal(char *expression, size_t room, const char *text) {
    for (; *text != '\0'; text++) {
        size_t length = strlen(expression);
        snprintf(expression + length, room - length, "%s%c",
                 strchr("()[]+.*", *text) != NULL ? "\\" : "", *text);
    }
}

/* The announcement as numbers and text; false if there is none. */
struct announcement {
    int pid;
    void *address;
    size_t call_offset;
    char detail[128];
};

SHARED bool read_announcement(const char *out, struct announcement *announcement) {
    announcement->detail[0] = '\0';
    return sscanf(out, "%d %p %zx %127[^\n]", &announcement->pid, &announcement->address,
                  &announcement->call_offset, announcement->detail) >= 3;
}

SHARED void write_expression(char *expression, size_t room, const struct expected_line *expected,
                             const struct announcement *said) {
    snprintf(expression, room,
             "^tagpool\\[%d\\]: %s %p \\((([0-9]+)-byte (class|block), )?(slot [0-9]+ of )?"
             "slab [0-9]+(%s), (([0-9]+) bytes requested, )?",
             said->pid, outcomes[expected->outcome].text, said->address,
             expected->owner != NULL ? expected->owner : "| of another thread| of an ended thread");
    append_literal(expression, room, outcomes[expected->outcome].state);
    if (said->detail[0] != '\0')
        append_literal(expression, room, " ");
    append_literal(expression, room, said->detail);
    size_t length = strlen(expression);
    snprintf(expression + length, room - length, "\\) in ");
    append_literal(expression, room, expected->function);
    length = strlen(expression);
    /* Who wrote is not known; the call that takes a block and finds it is not to blame. */
    if (strcmp(expected->function, "malloc()") == 0) {
        snprintf(expression + length, room - length, "\n$");
        return;
    }
    snprintf(expression + length, room - length, " called from ");
    append_literal(expression, room, program_invocation_short_name);
    length = strlen(expression);
    snprintf(expression + length, room - length, "\\+0x([0-9a-f]+)\n$");
}

/* The line is, whole: who, what, where; in brackets what is known; in which call, from where in the
 * program. `line` is all that the child wrote on standard error. */
SHARED void check_fault_line(const char *line, const char *out,
                             const struct expected_line *expected) {
    enum { CLASS = 2, REQUESTED = 7, OFFSET = 8, GROUPS };
    struct announcement said;
    char expression[768];
    regex_t regex;
    regmatch_t match[GROUPS];
    CHECK(read_announcement(out, &said));
    write_expression(expression, sizeof expression, expected, &said);
    if (regcomp(&regex, expression, REG_EXTENDED) != 0) {
        CHECK_SAY(false, "no expression: %s", expression);
        return;
    }
    int failure = regexec(&regex, line, GROUPS, match, 0);
    regfree(&regex);
    CHECK_SAY(failure == 0, "%zu bytes: \"%s\" does not match %s", expected->bytes, line,
              expression);
    if (failure != 0)
        return;
    size_t bytes = expected->bytes;
    if (match[CLASS].rm_so >= 0) {
        size_t class_bytes = strtoul(line + match[CLASS].rm_so, NULL, 10);
        /* A block that shrank stays where it is while more than half of its slot is used. */
        CHECK_SAY(class_bytes >= bytes && class_bytes <= bytes * 2 + 64, "a class of %zu for %zu",
                  class_bytes, bytes);
    }
    if (match[REQUESTED].rm_so >= 0) {
        size_t requested = strtoul(line + match[REQUESTED].rm_so, NULL, 10);
        CHECK_SAY(requested == bytes, "%zu bytes requested, not %zu", bytes, requested);
    }
    if (match[OFFSET].rm_so < 0)
        return;
    size_t offset = strtoul(line + match[OFFSET].rm_so, NULL, 16);
    CHECK_SAY(offset > said.call_offset && offset < said.call_offset + 160,
              "called from %#zx, the call is at %#zx", offset, said.call_offset);
}

/* The child met its outcome: the signal, and the line or nothing on standard error. */
SHARED void check_outcome(const struct child *child, const struct expected_line *expected) {
    int signal_number = outcomes[expected->outcome].signal;
    CHECK_SAY(!child->late && (signal_number != 0 ? WIFSIGNALED(child->status) &&
                                                        WTERMSIG(child->status) == signal_number
                                                  : child_succeeded(child)),
              "%zu bytes: the status is %#x, expected is signal %d", expected->bytes,
              (unsigned)child->status, signal_number);
    if (outcomes[expected->outcome].text[0] != '\0')
        check_fault_line(child->err, child->out, expected);
    else
        CHECK_SAY(child->err[0] == '\0', "%zu bytes: it wrote \"%s\"", expected->bytes, child->err);
}

#endif
