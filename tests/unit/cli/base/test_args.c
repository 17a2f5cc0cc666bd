/* If this failed, an option would set another variable than its row says, take a value that is out
 * of bounds, or be read differently from what getopt_long does. */
#include "tap.h"

#include "../refusal.h"
#include "base/args.h"
#include "base/say.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

enum colour { RED, GREEN, BLUE };

static const char *const colours[] = {"red", "green", "blue", NULL};

struct request {
    bool quiet;
    bool strict;
    enum colour colour;
    enum colour constant;
    unsigned runs;
    unsigned rows;
    uint64_t seed;
    uint64_t limit_bytes;
    double duration_s;
    double share;
    const char *name;
    const char *files[2];
    struct {
        unsigned count;
        char joined[64];
    } words;
};

static void take_word(void *field, const char *value) {
    struct request *none = NULL;
    __typeof__(none->words) *words = field;
    words->count++;
    strcat(words->joined, value);
}

static const struct args_option options[] = {
    {'q', "quiet", NULL, "a flag", ARGS_FLAG(struct request, quiet)},
    {'s', "strict", NULL, "another", ARGS_FLAG(struct request, strict)},
    {0, "colour", "COLOUR", "a choice", ARGS_CHOICE(struct request, colour, colours)},
    {0, "green", NULL, "a constant", ARGS_SET(struct request, constant, GREEN)},
    {'r', "runs", "N", "a count", ARGS_COUNT(struct request, runs, 1, 100)},
    {0, "rows", "N", "one that may be left out", ARGS_COUNT_OR(struct request, rows, 1, 9, "5")},
    {0, "seed", "N", "a wide count", ARGS_COUNT(struct request, seed, 0, UINT64_MAX)},
    {0, "limit", "MIB", "a size", ARGS_MIB(struct request, limit_bytes, 1, 1 << 20)},
    {0, "duration", "SECONDS", "a time", ARGS_SECONDS(struct request, duration_s)},
    {0, "share", "PERCENT", "a share", ARGS_PERCENT(struct request, share, 0.5, 99)},
    {'n', "name", "TEXT", "a text", ARGS_TEXT(struct request, name)},
    {0, "second", "FILE", "a file", ARGS_FILE(struct request, files[1])},
    {'w', "word", "WORD", "repeated", ARGS_CALL(struct request, words, take_word)},
    ARGS_OPTION_HELP,
    {0},
};

/* Reads the words of a line; the result lives until the next call. */
typedef char **read_function(const struct args_option *options, void *request, char **arguments);
static char **rest;
static struct request read_by(read_function *read, const char *line) {
    static char copy[256];
    static char *words[32];
    struct request request = {.runs = 7, .share = -1};
    int count = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        words[count++] = strcmp(word, "''") == 0 ? word + 2 : word;
    words[count] = NULL;
    rest = read(options, &request, words);
    return request;
}

static struct request read_line(const char *line) {
    return read_by(args_read, line);
}

static void what_is_not_given_keeps_its_default(void) {
    struct request request = read_line("");
    CHECK(request.runs == 7 && request.share == -1 && request.name == NULL && !request.quiet);
    CHECK(rest != NULL && *rest == NULL);
}

static void each_type_sets_its_own_field(void) {
    CHECK(read_line("--quiet").quiet && !read_line("--quiet").strict);
    CHECK(read_line("--colour blue").colour == BLUE && read_line("--colour red").colour == RED);
    CHECK(read_line("--green").constant == GREEN && read_line("").constant == RED);
    CHECK(read_line("--runs 1").runs == 1 && read_line("--runs 100").runs == 100);
    CHECK(read_line("--seed 18446744073709551615").seed == UINT64_MAX);
    CHECK(read_line("--limit 3").limit_bytes == 3 << 20);
    CHECK(read_line("--limit 1048576").limit_bytes == (uint64_t)1 << 40);
    CHECK(read_line("--duration 0.25").duration_s == 0.25);
    CHECK(read_line("--share 7").share == 7.0 / 100 && read_line("--share 99").share == 0.99);
    CHECK(strcmp(read_line("--name text").name, "text") == 0);
    CHECK(strcmp(read_line("--second file").files[1], "file") == 0);
    CHECK(read_line("--second file").files[0] == NULL);
}

static void the_last_value_counts_unless_a_function_takes_all(void) {
    struct request request = read_line("-r 3 -w a --runs 5 -wb --word=c");
    CHECK(request.runs == 5);
    CHECK(request.words.count == 3 && strcmp(request.words.joined, "abc") == 0);
}

static void every_spelling_of_getopt_is_read(void) {
    static const char *const spellings[] = {"--runs 12", "--runs=12", "-r 12", "-r12",
                                            "-qr12",     "-qsr 12",   "-sqr12"};
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++)
        CHECK_SAY(read_line(spellings[i]).runs == 12, "%s", spellings[i]);
    CHECK(read_line("-qs").quiet && read_line("-qs").strict);
    CHECK(strcmp(read_line("--name=").name, "") == 0);
    CHECK(strcmp(read_line("--name=a=b").name, "a=b") == 0);
    CHECK(strcmp(read_line("-n -q").name, "-q") == 0 && !read_line("-n -q").quiet);
}

static void a_value_that_may_be_left_out_is_joined(void) {
    CHECK(read_line("").rows == 0 && read_line("--rows").rows == 5);
    CHECK(read_line("--rows=3").rows == 3);
    CHECK(read_line("--rows 3").rows == 5 && strcmp(*rest, "3") == 0);
    CHECK(read_line("--rows -q").rows == 5 && read_line("--rows -q").quiet);
}

static void reading_stops_where_the_other_command_line_begins(void) {
    CHECK(!read_line("program -q").quiet && strcmp(*rest, "program") == 0);
    CHECK(!read_line("-- -q").quiet && strcmp(*rest, "-q") == 0);
    CHECK(!read_line("- -q").quiet && strcmp(*rest, "-") == 0);
    CHECK(read_line("-q -- --").quiet && strcmp(*rest, "--") == 0);
    CHECK(read_line("-q --").quiet && *rest == NULL);
}

static void options_may_follow_operands_where_no_other_command_line_is(void) {
    static const struct {
        const char *line, *operands;
    } cases[] = {
        {"-r 3 a -q", "[a]"},
        {"a -q -r 3", "[a]"},
        {"a -r 3 b -q", "[a][b]"},
        {"-r 3 -q", ""},
        {"a - b -q -r3", "[a][-][b]"},
        {"-r 3 -q -- -s", "[-s]"},
        {"a -r 3 -q -- b -s --", "[a][b][-s][--]"},
        {"-r 3 -q a -n -- b", "[a][b]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64] = "";
        struct request request = read_by(args_read_all, cases[i].line);
        for (char **word = rest; *word != NULL; word++) {
            size_t used = strlen(text);
            snprintf(text + used, sizeof text - used, "[%s]", *word);
        }
        free(rest);
        CHECK_SAY(request.runs == 3 && request.quiet && !request.strict, "'%s'", cases[i].line);
        CHECK_SAY(strcmp(text, cases[i].operands) == 0, "'%s': %s", cases[i].line, text);
    }
    read_by(args_read_all, "a --help");
    CHECK(rest == NULL);
}

static void help_ends_the_reading(void) {
    static const char *const lines[] = {"-h", "--help", "-q --help --none", "-qh"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        read_line(lines[i]);
        CHECK_SAY(rest == NULL, "%s", lines[i]);
    }
}

static void read_refused(const void *line) {
    say_as("check");
    read_line(line);
}

static void each_mistake_is_one_line(void) {
    static const char *const cases[][2] = {
        {"--none", "unknown option --none"},
        {"--none=3", "unknown option --none"},
        {"--run 3", "unknown option --run; did you mean --runs?"},
        {"--nume", "unknown option --nume; did you mean --name?"},
        {"-x", "unknown option -x"},
        {"-qx", "unknown option -x"},
        {"--quiet=yes", "option --quiet takes no value"},
        {"--green=", "option --green takes no value"},
        {"--runs", "option --runs needs a value: --runs N"},
        {"-q -r", "option --runs needs a value: --runs N"},
        {"-w", "option --word needs a value: --word WORD"},
        {"--runs 0", "--runs wants a whole number from 1 to 100, not '0'"},
        {"--runs 101", "--runs wants a whole number from 1 to 100, not '101'"},
        {"--runs -1", "--runs wants a whole number from 1 to 100, not '-1'"},
        {"--runs +1", "--runs wants a whole number from 1 to 100, not '+1'"},
        {"--runs 1.5", "--runs wants a whole number from 1 to 100, not '1.5'"},
        {"--runs 0x9", "--runs wants a whole number from 1 to 100, not '0x9'"},
        {"--runs ''", "--runs wants a whole number from 1 to 100, not ''"},
        {"-r4294967297", "--runs wants a whole number from 1 to 100, not '4294967297'"},
        {"--seed 18446744073709551616",
         "--seed wants a whole number from 0 to 18446744073709551615, not '18446744073709551616'"},
        {"--limit 1048577", "--limit wants a whole number from 1 to 1048576, not '1048577'"},
        {"--duration 1e8", "--duration wants a number from 0 to 10000000, not '1e8'"},
        {"--duration -1", "--duration wants a number from 0 to 10000000, not '-1'"},
        {"--duration nan", "--duration wants a number from 0 to 10000000, not 'nan'"},
        {"--duration 1s", "--duration wants a number from 0 to 10000000, not '1s'"},
        {"--share 0.4", "--share wants a number from 0.5 to 99, not '0.4'"},
        {"--share ''", "--share wants a number from 0.5 to 99, not ''"},
        {"--colour grey", "--colour is red, green or blue, not 'grey'"},
        {"--colour ''", "--colour is red, green or blue, not ''"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "tagpool check: %s (see 'tagpool help check')",
                 cases[i][1]);
        check_refusal(read_refused, cases[i][0], STATUS_USAGE, expected);
    }
}

static void a_program_without_commands_is_named_in_the_hint(void) {
    say_as_program("other");
    check_refusal(read_refused, "-x", STATUS_USAGE,
                  "other check: unknown option -x (see 'other --help')");
    say_as_program("tagpool");
}

static void the_help_has_a_line_for_each_row(void) {
    static const struct args_option two[] = {
        {'a', "long-name-of-an-option", "NAME[=PATH]",
         "a sentence that is too long for what is left of the line",
         ARGS_TEXT(struct request, name)},
        {0, "b", NULL, "flag", ARGS_FLAG(struct request, quiet)},
        {0, "c", "N", "count", ARGS_COUNT_OR(struct request, rows, 1, 9, "5")},
        {0},
    };
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    args_print_help(out, two);
    fclose(out);
    CHECK_SAY(
        strcmp(text,
               "  -a, --long-name-of-an-option NAME[=PATH]\n"
               "                                a sentence that is too long for what is left of\n"
               "                                the line\n"
               "      --b                       flag\n"
               "      --c[=N]                   count\n") == 0,
        "%s", text);
    free(text);
}

int main(void) {
    TAP_RUN(what_is_not_given_keeps_its_default);
    TAP_RUN(each_type_sets_its_own_field);
    TAP_RUN(the_last_value_counts_unless_a_function_takes_all);
    TAP_RUN(every_spelling_of_getopt_is_read);
    TAP_RUN(a_value_that_may_be_left_out_is_joined);
    TAP_RUN(reading_stops_where_the_other_command_line_begins);
    TAP_RUN(options_may_follow_operands_where_no_other_command_line_is);
    TAP_RUN(help_ends_the_reading);
    TAP_RUN(each_mistake_is_one_line);
    TAP_RUN(a_program_without_commands_is_named_in_the_hint);
    TAP_RUN(the_help_has_a_line_for_each_row);
    return tap_done();
}
