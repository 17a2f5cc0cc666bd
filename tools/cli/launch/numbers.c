#include "launch/numbers.h"

#include "base/args.h"
#include "base/memory.h"
#include "base/words.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const number_better_names[] = {"lower", "higher", "neither", NULL};

/* ---- what is looked for ---- */

/* ":hgher" would be looked for in the output. */
static void numbers_refuse_misspelt(const char *colon) {
    struct words_best best = {0};
    if (colon == NULL)
        return;
    words_consider(&best, "higher", colon + 1);
    words_consider(&best, "lower", colon + 1);
    if (best.word != NULL && best.changes == 1)
        args_refuse("--metric ends in '%s'; did you mean :%s? Write [:] for a colon that is "
                    "looked for",
                    colon, best.word);
}

/* Cuts ":higher" or ":lower" off; NUMBER_NEITHER_IS_BETTER where there is none. */
static enum number_better numbers_cut_better(char *pattern) {
    char *colon = strrchr(pattern, ':');
    int place = colon != NULL ? words_find(number_better_names, colon + 1) : -1;
    if (place != NUMBER_LOWER_IS_BETTER && place != NUMBER_HIGHER_IS_BETTER) {
        numbers_refuse_misspelt(colon);
        return NUMBER_NEITHER_IS_BETTER;
    }
    *colon = '\0';
    return (enum number_better)place;
}

static void numbers_compile(struct number *number) {
    char fault[160];
    int error = regcomp(&number->regex, number->pattern, REG_EXTENDED);
    if (error != 0) {
        regerror(error, &number->regex, fault, sizeof fault);
        args_refuse("--metric %s: '%s' is no regular expression: %s", number->name, number->pattern,
                    fault);
    }
    if (number->regex.re_nsub == 0)
        args_refuse("--metric %s: put the number in brackets: --metric '%s=... ([0-9.]+)'",
                    number->name, number->name);
}

void numbers_take(void *field, const char *argument) {
    struct numbers *numbers = field;
    const char *equals = strchr(argument, '=');
    if (equals == NULL || equals == argument || equals[1] == '\0')
        args_refuse("--metric wants NAME=REGEX[:higher|lower], not '%s'", argument);
    if (numbers->count == NUMBERS_MAX)
        args_refuse("at most %d metrics can be taken from the output", NUMBERS_MAX);
    struct number *number = &numbers->items[numbers->count];
    *number = (struct number){.name = memory_copy(argument), .pattern = memory_copy(equals + 1)};
    number->name[equals - argument] = '\0';
    for (unsigned i = 0; i < numbers->count; i++)
        if (strcmp(numbers->items[i].name, number->name) == 0)
            args_refuse("two metrics are called '%s'", number->name);
    number->better = numbers_cut_better(number->pattern);
    numbers_compile(number);
    numbers->count++;
}

void numbers_free(struct numbers *numbers) {
    for (unsigned i = 0; i < numbers->count; i++) {
        free(numbers->items[i].name);
        free(numbers->items[i].pattern);
        regfree(&numbers->items[i].regex);
    }
    numbers->count = 0;
}

/* ---- a number ---- */

/* What a unit stands for: seconds, or a count. */
static bool numbers_find_unit(const char *text, double *factor) {
    static const struct {
        const char *unit;
        double factor;
    } units[] = {
        {"", 1},      {"%", 1},    {"ns", 1e-9}, {"us", 1e-6},    {"\xc2\xb5s", 1e-6},
        {"ms", 1e-3}, {"s", 1},    {"k", 1e3},   {"K", 1e3},      {"M", 1e6},
        {"G", 1e9},   {"T", 1e12}, {"Ki", 1024}, {"Mi", 1048576}, {"Gi", 1073741824},
    };
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(text, units[i].unit) == 0) {
            *factor = units[i].factor;
            return true;
        }
    return false;
}

/* Takes the commas between thousands out. */
static void numbers_drop_commas(char *text) {
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        bool between = *from == ',' && from > text && isdigit((unsigned char)from[-1]) &&
                       strspn(from + 1, "0123456789") == 3;
        if (!between)
            *to++ = *from;
    }
    *to = '\0';
}

static bool numbers_parse(char *text, double *value) {
    char *end;
    double factor;
    numbers_drop_commas(text);
    text += strspn(text, " \t");
    if (strspn(text, "+-.0123456789") == 0)
        return false;
    double number = strtod(text, &end);
    if (end == text)
        return false;
    end += strspn(end, " \t");
    end[strcspn(end, " \t")] = '\0';
    if (!numbers_find_unit(end, &factor) || !isfinite(number * factor))
        return false;
    *value = number * factor;
    return true;
}

/* ---- the output of a run ---- */

struct numbers_reader {
    const struct numbers *numbers;
    struct numbers_found found[2]; /* in each stream */
    struct numbers_line {
        size_t bytes;
        char text[NUMBERS_LINE_BYTES + 1];
    } lines[2]; /* which has begun */
};

static void numbers_forget(struct numbers_found *found) {
    for (unsigned i = 0; i < NUMBERS_MAX; i++)
        found->values[i] = NAN;
}

struct numbers_reader *numbers_open(const struct numbers *numbers) {
    struct numbers_reader *reader = memory_array(1, sizeof *reader);
    reader->numbers = numbers;
    numbers_forget(&reader->found[0]);
    numbers_forget(&reader->found[1]);
    return reader;
}

static void numbers_match(const struct number *number, const char *line, double *value,
                          char rejected[NUMBERS_TEXT_BYTES]) {
    regmatch_t groups[2];
    char text[NUMBERS_TEXT_BYTES];
    if (regexec(&number->regex, line, 2, groups, 0) != 0 || groups[1].rm_so < 0)
        return;
    int length = (int)(groups[1].rm_eo - groups[1].rm_so);
    snprintf(text, sizeof text, "%.*s", length, line + groups[1].rm_so);
    snprintf(rejected, NUMBERS_TEXT_BYTES, "%s", text);
    if (numbers_parse(text, value))
        rejected[0] = '\0';
    else
        *value = NAN;
}

static void numbers_end_line(struct numbers_reader *reader, int stream) {
    struct numbers_line *line = &reader->lines[stream];
    struct numbers_found *found = &reader->found[stream];
    line->text[line->bytes] = '\0';
    for (unsigned i = 0; line->bytes > 0 && i < reader->numbers->count; i++)
        numbers_match(&reader->numbers->items[i], line->text, &found->values[i],
                      found->rejected[i]);
    line->bytes = 0;
}

void numbers_add(struct numbers_reader *reader, int stream, const char *text, size_t bytes) {
    struct numbers_line *line = &reader->lines[stream];
    for (size_t i = 0; i < bytes; i++)
        if (text[i] == '\n' || text[i] == '\r')
            numbers_end_line(reader, stream);
        else if (text[i] != '\0' && line->bytes < NUMBERS_LINE_BYTES)
            line->text[line->bytes++] = text[i];
}

void numbers_close(struct numbers_reader *reader, struct numbers_found *found) {
    numbers_end_line(reader, 0);
    numbers_end_line(reader, 1);
    *found = reader->found[0];
    for (unsigned i = 0; i < reader->numbers->count; i++)
        if (isnan(found->values[i]) && found->rejected[i][0] == '\0') {
            found->values[i] = reader->found[1].values[i];
            memcpy(found->rejected[i], reader->found[1].rejected[i], NUMBERS_TEXT_BYTES);
        }
    free(reader);
}
