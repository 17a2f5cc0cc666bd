/* Test Anything Protocol (testanything.org, version 12) for tests in C.
 *
 * A test file is a program: each test is a function named as a sentence, run by TAP_RUN(function)
 * in main, which ends with `return tap_done();`. CHECK(condition) fails the running test and goes
 * on; tap_skip("reason") marks it skipped. The runner (tests/harness/run) adds up the lines of all
 * programs.
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    int count;      /* tests run so far */
    int failed;     /* tests that failed */
    int faults;     /* failed checks of the running test */
    char skip[256]; /* why the running test was skipped, or "" */
} tap;

__attribute__((format(printf, 3, 4), unused)) static void tap_fault(const char *file, int line,
                                                                    const char *format, ...) {
    va_list arguments;
    tap.faults++;
    printf("# %s:%d: ", file, line);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout); /* the next line may crash */
}

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            tap_fault(__FILE__, __LINE__, "not true: %s", #condition);                             \
    } while (0)

#define CHECK_SAY(condition, ...)                                                                  \
    do {                                                                                           \
        if (!(condition))                                                                          \
            tap_fault(__FILE__, __LINE__, __VA_ARGS__);                                            \
    } while (0)

/* How often a test repeats what may go wrong once in many times: `usual`, and `thorough` where
 * TAGPOOL_TEST_LONG is set, as `make soak` does. */
__attribute__((unused)) static unsigned tap_repeats(unsigned usual, unsigned thorough) {
    const char *value = getenv("TAGPOOL_TEST_LONG");
    return value != NULL && value[0] != '\0' ? thorough : usual;
}

__attribute__((unused)) static void tap_skip(const char *reason) {
    snprintf(tap.skip, sizeof tap.skip, "%s", reason);
}

/* The name of a function, a_pointer_is_aligned, is its sentence: underscores become spaces. */
__attribute__((unused)) static void tap_report(const char *name) {
    char sentence[256];
    snprintf(sentence, sizeof sentence, "%s", name);
    for (char *p = sentence; *p != '\0'; p++)
        if (*p == '_')
            *p = ' ';
    tap.count++;
    if (tap.faults != 0)
        tap.failed++;
    printf("%sok %d - %s", tap.faults != 0 ? "not " : "", tap.count, sentence);
    if (tap.skip[0] != '\0')
        printf(" # SKIP %s", tap.skip);
    printf("\n");
    fflush(stdout);
    tap.faults = 0;
    tap.skip[0] = '\0';
}

#define TAP_RUN(function)                                                                          \
    do {                                                                                           \
        function();                                                                                \
        tap_report(#function);                                                                     \
    } while (0)

__attribute__((unused)) static int tap_done(void) {
    printf("1..%d\n", tap.count);
    fflush(stdout);
    return tap.failed != 0;
}

#endif
