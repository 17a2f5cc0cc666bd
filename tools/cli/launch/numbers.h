/* Numbers that a program prints of itself, requests a second for example: found in its output, line
 * by line while it runs.
 *
 *   numbers_take     for each --metric NAME=REGEX[:higher|lower] of a command line
 *   numbers_open     before a run;  numbers_add   each piece of a stream, as it comes
 *   numbers_close    after it: what was found
 *
 * REGEX is an extended regular expression with a group, ( ), around the number. A number may have
 * commas between thousands and one of the units of numbers.c: "1.2k" is 1200, "980us" 0.00098, so
 * that a program which changes its unit is read rightly. Where several lines match, the last one
 * counts; standard error is looked at where standard output has none. A carriage return ends a
 * line, too. Of a line, the first NUMBERS_LINE_BYTES are looked at.
 */
#ifndef LAUNCH_NUMBERS_H
#define LAUNCH_NUMBERS_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

enum { NUMBERS_MAX = 8, NUMBERS_LINE_BYTES = 65536, NUMBERS_TEXT_BYTES = 48 };

enum number_better { NUMBER_LOWER_IS_BETTER, NUMBER_HIGHER_IS_BETTER, NUMBER_NEITHER_IS_BETTER };

/* "lower", "higher", "neither". */
extern const char *const number_better_names[];

/* Begins as zeroes. */
struct numbers {
    unsigned count;
    struct number {
        char *name;
        char *pattern;
        enum number_better better; /* neither, unless it is said */
        regex_t regex;
    } items[NUMBERS_MAX];
};

/* What --metric takes, into a struct numbers. Refuses, as args_refuse does, what is not of that
 * form. */
void numbers_take(void *field, const char *argument);

void numbers_free(struct numbers *numbers);

struct numbers_found {
    double values[NUMBERS_MAX];                     /* not a number: nothing was found */
    char rejected[NUMBERS_MAX][NUMBERS_TEXT_BYTES]; /* a text in place of a number; "": none */
};

/* A run that is being read. */
struct numbers_reader;
struct numbers_reader *numbers_open(const struct numbers *numbers);

/* `stream` is 0 for standard output, 1 for standard error. */
void numbers_add(struct numbers_reader *reader, int stream, const char *text, size_t bytes);
void numbers_close(struct numbers_reader *reader, struct numbers_found *found);

#endif
