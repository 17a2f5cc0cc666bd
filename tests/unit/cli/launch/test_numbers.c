/* If this failed, a number of the program's own would be read wrongly out of its output, and a
 * verdict would be given on another number. */
#include "tap.h"

#include "launch/numbers.h"

#include <math.h>
#include <stdlib.h>

/* What --metric `argument` finds in a run that writes these two texts, in pieces of `step` bytes.
 */
static struct numbers_found find(const char *argument, const char *out, const char *err,
                                 size_t step) {
    const char *const texts[] = {out, err};
    struct numbers numbers = {0};
    struct numbers_found found;
    numbers_take(&numbers, argument);
    struct numbers_reader *reader = numbers_open(&numbers);
    for (int stream = 0; stream < 2; stream++)
        for (size_t i = 0; i < strlen(texts[stream]); i += step) {
            size_t left = strlen(texts[stream]) - i;
            numbers_add(reader, stream, texts[stream] + i, left < step ? left : step);
        }
    numbers_close(reader, &found);
    numbers_free(&numbers);
    return found;
}

static void a_number_is_read_in_every_way_that_programs_write_it(void) {
    static const struct {
        const char *text;
        double value; /* not a number: refused */
    } cases[] = {
        {"12", 12},         {"12.5", 12.5},      {"  1e3", 1000},        {"+7", 7},
        {"-7", -7},         {"1,234.5", 1234.5}, {"1,234,567", 1234567}, {"1.2k", 1200},
        {"3 M", 3e6},       {"980us", 980e-6},   {"1.5ms", 0.0015},      {"2s", 2},
        {"98%", 98},        {"2Ki", 2048},       {"1 ms ", 0.001},       {"fast", NAN},
        {"12 apples", NAN}, {"inf", NAN},        {"nan", NAN},           {".", NAN},
        {"1e400", NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "rate: %s", cases[i].text);
        struct numbers_found found = find("rate=^rate: (.*)$", line, "", 64);
        bool is_number = !isnan(cases[i].value);
        CHECK_SAY(is_number ? fabs(found.values[0] - cases[i].value) < 1e-9 * fabs(found.values[0])
                            : isnan(found.values[0]),
                  "'%s': %g", cases[i].text, found.values[0]);
        CHECK_SAY((found.rejected[0][0] == '\0') == is_number, "'%s'", cases[i].text);
    }
}

static void the_last_line_counts_and_standard_output_before_standard_error(void) {
    static const struct {
        const char *out, *err;
        double value;
    } cases[] = {
        {"rate 1\nrate 2\n", "", 2},
        {"rate 1\rrate 2\rdone", "", 2}, /* progress on one line */
        {"rate 1\n", "rate 2\n", 1},
        {"", "rate 2", 2},
        {"rate 1\nrate ?\n", "rate 2\n", 1},
        {"no number\n", "none\n", NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t step = 1; step < 8; step++) {
            double value = find("rate=rate ([0-9]+)", cases[i].out, cases[i].err, step).values[0];
            CHECK_SAY(isnan(cases[i].value) ? isnan(value) : value == cases[i].value,
                      "case %zu in pieces of %zu: %g", i, step, value);
        }
}

static void what_is_better_stands_behind_the_expression(void) {
    static const struct {
        const char *argument, *pattern;
        enum number_better better;
    } cases[] = {
        {"a=b (.*):higher", "b (.*)", NUMBER_HIGHER_IS_BETTER},
        {"a=b (.*):lower", "b (.*)", NUMBER_LOWER_IS_BETTER},
        {"a=b: (.*)", "b: (.*)", NUMBER_NEITHER_IS_BETTER},
        {"a=(.*):neither", "(.*):neither", NUMBER_NEITHER_IS_BETTER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct numbers numbers = {0};
        numbers_take(&numbers, cases[i].argument);
        CHECK(numbers.count == 1 && strcmp(numbers.items[0].name, "a") == 0);
        CHECK_SAY(strcmp(numbers.items[0].pattern, cases[i].pattern) == 0, "%s",
                  numbers.items[0].pattern);
        CHECK(numbers.items[0].better == cases[i].better);
        numbers_free(&numbers);
    }
}

/* Only its start is looked at, and what follows it is read as usual. */
static void a_line_without_end_is_survived(void) {
    size_t bytes = (size_t)3 * NUMBERS_LINE_BYTES;
    char *text = malloc(bytes + 16);
    memset(text, 'x', bytes);
    memcpy(text, "rate 5 ", 7);
    memcpy(text + bytes, "rate 6\nrate 7", 14);
    CHECK(find("rate=rate ([0-9]+)", text, "", 4096).values[0] == 7);
    text[bytes + 6] = '\0';
    CHECK(find("rate=rate ([0-9]+)", text, "", 4096).values[0] == 5);
    free(text);
}

int main(void) {
    TAP_RUN(a_number_is_read_in_every_way_that_programs_write_it);
    TAP_RUN(the_last_line_counts_and_standard_output_before_standard_error);
    TAP_RUN(what_is_better_stands_behind_the_expression);
    TAP_RUN(a_line_without_end_is_survived);
    return tap_done();
}
