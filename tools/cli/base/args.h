/* Options of a command line. Each is written once, in a row: how it is spelled, what the help says
 * of it, which values it takes, and which variable gets the value.
 *
 * The variables are the fields of one struct, the request, which a command has on its stack. A row
 * knows its field by the place in the struct, so that tables are constant and requests are not
 * shared:
 *
 *     struct request {
 *         unsigned runs;
 *         double precision;
 *         const char *name;
 *     };
 *     static const struct args_option options[] = {
 *         {'r', "runs", "N", "N rounds", ARGS_COUNT(struct request, runs, 1, 1000)},
 *         {0, "precision", "PERCENT", "stop there", ARGS_PERCENT(struct request, precision, 0, 9)},
 *         {'n', "name", "TEXT", "a title", ARGS_TEXT(struct request, name)},
 *         ARGS_OPTION_HELP,
 *         {0},
 *     };
 *     struct request request = {.runs = 10};        what holds when an option is not given
 *     char **rest = args_read(options, &request, arguments);
 *
 * What ends a row is its type. A field of another type than the row's does not compile.
 *
 *     type            value                                   field
 *     ARGS_FLAG       none                                    bool: becomes true
 *     ARGS_SET        none                                    an enum: becomes the constant
 *     ARGS_COUNT      a whole number within bounds            unsigned or uint64_t
 *     ARGS_COUNT_OR   the same, and may be left out           the same
 *     ARGS_MIB        the same, of MiB                        uint64_t, in bytes
 *     ARGS_SECONDS    a number of seconds                     double
 *     ARGS_PERCENT    a number within bounds, of percent      double, a share: 1 % is 0.01
 *     ARGS_TEXT       any                                     const char *
 *     ARGS_FILE       the name of a file, for completion      const char *
 *     ARGS_CHOICE     one of a list of words                  an enum: the word's place
 *     ARGS_CALL       what a function makes of it             any
 *
 * An option that is given twice has its last value, but for ARGS_CALL: its function is called each
 * time, with the address of the field. So it serves options that may be repeated. Two rows of
 * ARGS_SET that set one field to different constants contradict each other, and are refused.
 *
 * Reading follows getopt_long: `--name VALUE`, `--name=VALUE`, `-n VALUE`, `-nVALUE`, flags may be
 * joined (`-iq`). args_read() stops at `--` or at the first argument that is no option, because
 * what follows is another program's command line. args_read_all() is for commands without one:
 * options may follow operands, up to `--`. Every mistake is one line that names the argument, and
 * exit status STATUS_USAGE.
 */
#ifndef BASE_ARGS_H
#define BASE_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum args_kind {
    ARGS_KIND_FLAG,
    ARGS_KIND_SET,
    ARGS_KIND_COUNT,
    ARGS_KIND_NUMBER,
    ARGS_KIND_TEXT,
    ARGS_KIND_FILE,
    ARGS_KIND_CHOICE,
    ARGS_KIND_CALL,
    ARGS_KIND_HELP,
};

struct args_option {
    char letter;       /* short form, 0 for none */
    const char *name;  /* long form without the dashes; NULL ends the table */
    const char *value; /* name of its value in the help, NULL when it takes none; where it is two
                        * words, as in VAR VALUES, two are taken and joined with a blank */
    const char *help;  /* one sentence; broken where the terminal ends */

    /* Makes the values for completion to suggest, in a new list that ends with NULL, where the type
     * does not tell; NULL: there are none. What ends with '=' goes on. */
    char **(*suggest)(void);

    /* The type, by one of the macros below. */
    enum args_kind kind;
    size_t place;          /* of the field in the request */
    size_t bytes;          /* of a field that holds a count */
    const char *otherwise; /* of one that may be left out: its value then; NULL: it may not */
    union {
        unsigned constant;
        struct {
            uint64_t low, high, unit; /* unit: the field holds so much for each of the value */
        } count;
        struct {
            double low, high, per; /* per: so much of the value makes 1 in the field */
        } number;
        const char *const *words; /* NULL-ended */
        void (*call)(void *field, const char *value);
    } as;
};

/* The place of FIELD in REQUEST, where WANTED holds for its type. */
#define ARGS_PLACE(REQUEST, FIELD, WANTED)                                                         \
    .place = offsetof(REQUEST, FIELD) + 0 * sizeof(char[(WANTED) ? 1 : -1])
#define ARGS_HAS_TYPE(REQUEST, FIELD, TYPE)                                                        \
    __builtin_types_compatible_p(__typeof__(((REQUEST *)NULL)->FIELD), TYPE)
#define ARGS_HAS_SIZE(REQUEST, FIELD, TYPE) (sizeof((REQUEST *)NULL)->FIELD == sizeof(TYPE))

#define ARGS_FLAG(REQUEST, FIELD)                                                                  \
    .kind = ARGS_KIND_FLAG, ARGS_PLACE(REQUEST, FIELD, ARGS_HAS_TYPE(REQUEST, FIELD, bool))

#define ARGS_SET(REQUEST, FIELD, CONSTANT)                                                         \
    .kind = ARGS_KIND_SET, ARGS_PLACE(REQUEST, FIELD, ARGS_HAS_SIZE(REQUEST, FIELD, unsigned)),    \
    .as.constant = (CONSTANT)

#define ARGS_COUNT(REQUEST, FIELD, LOW, HIGH) ARGS_COUNT_OF(REQUEST, FIELD, LOW, HIGH, 1)
#define ARGS_MIB(REQUEST, FIELD, LOW, HIGH)   ARGS_COUNT_OF(REQUEST, FIELD, LOW, HIGH, 1 << 20)

/* A whole number that may be left out: `--name` alone gives OTHERWISE, and a value is only read
 * from
 * `--name=VALUE`. */
#define ARGS_COUNT_OR(REQUEST, FIELD, LOW, HIGH, OTHERWISE)                                        \
    ARGS_COUNT(REQUEST, FIELD, LOW, HIGH), .otherwise = (OTHERWISE)

#define ARGS_COUNT_OF(REQUEST, FIELD, LOW, HIGH, UNIT)                                             \
    .kind = ARGS_KIND_COUNT,                                                                       \
    ARGS_PLACE(REQUEST, FIELD,                                                                     \
               ARGS_HAS_TYPE(REQUEST, FIELD, unsigned) ||                                          \
                   ARGS_HAS_TYPE(REQUEST, FIELD, uint64_t)),                                       \
    .bytes = sizeof((REQUEST *)NULL)->FIELD, .as.count = {(LOW), (HIGH), (UNIT)}

/* More seconds than anybody waits for, and few enough to count in nanoseconds. */
#define ARGS_SECONDS_MOST 1e7

#define ARGS_SECONDS(REQUEST, FIELD) ARGS_NUMBER_OF(REQUEST, FIELD, 0, ARGS_SECONDS_MOST, 1)

#define ARGS_PERCENT(REQUEST, FIELD, LOW, HIGH) ARGS_NUMBER_OF(REQUEST, FIELD, LOW, HIGH, 100)

#define ARGS_NUMBER_OF(REQUEST, FIELD, LOW, HIGH, PER)                                             \
    .kind = ARGS_KIND_NUMBER, ARGS_PLACE(REQUEST, FIELD, ARGS_HAS_TYPE(REQUEST, FIELD, double)),   \
    .as.number = {(LOW), (HIGH), (PER)}

#define ARGS_TEXT(REQUEST, FIELD)                                                                  \
    .kind = ARGS_KIND_TEXT, ARGS_PLACE(REQUEST, FIELD, ARGS_HAS_TYPE(REQUEST, FIELD, const char *))
#define ARGS_FILE(REQUEST, FIELD)                                                                  \
    .kind = ARGS_KIND_FILE, ARGS_PLACE(REQUEST, FIELD, ARGS_HAS_TYPE(REQUEST, FIELD, const char *))

#define ARGS_CHOICE(REQUEST, FIELD, WORDS)                                                         \
    .kind = ARGS_KIND_CHOICE, ARGS_PLACE(REQUEST, FIELD, ARGS_HAS_SIZE(REQUEST, FIELD, unsigned)), \
    .as.words = (WORDS)

#define ARGS_CALL(REQUEST, FIELD, FUNCTION)                                                        \
    .kind = ARGS_KIND_CALL, ARGS_PLACE(REQUEST, FIELD, true), .as.call = (FUNCTION)

/* A whole row: every command has it. */
#define ARGS_OPTION_HELP                                                                           \
    { 'h', "help", NULL, "print this help", .kind = ARGS_KIND_HELP }

/* Reads the options at the start of `arguments`, which end with NULL, into the request. Returns the
 * words after them, or NULL when --help was met, which ends the reading. */
char **args_read(const struct args_option *options, void *request, char **arguments);

/* The same with options among the other words, which it returns in a new array. */
char **args_read_all(const struct args_option *options, void *request, char **arguments);

/* Ends with STATUS_USAGE: the text, and where to read on about the running command. */
__attribute__((format(printf, 1, 2), noreturn)) void args_refuse(const char *format, ...);

/* One line or more per option, aligned. */
void args_print_help(FILE *out, const struct args_option *options);

#endif
