/* If this failed, the README would promise options that the library does not have or findings that
 * it does not make, or hide some: its tables must be what include/tagpool/options.h and
 * tools/bench/misuses.h say, row by row. */
#include <stdint.h>

#include "bench/misuses.h"
#include "tagpool/options.h"
#include "tap.h"

enum kind { CHOICE, BYTES, COUNT, FLAG };

struct option {
    const char *name;
    enum kind kind;
    uint64_t preset, minimum, maximum;
    const char *help;
    const char *words[8];
};

#define WORDS_CHOICE(name)                                                                         \
    { TAGPOOL_CHOICES_##name }
#define WORDS_BYTES(name)                                                                          \
    { NULL }
#define WORDS_COUNT(name)                                                                          \
    { NULL }
#define WORDS_FLAG(name)                                                                           \
    { "off", "on" }
#define ROW(name, kind, preset, minimum, maximum, help)                                            \
    {#name, kind, preset, minimum, maximum, help, WORDS_##kind(name)},

static const struct option options[] = {TAGPOOL_OPTIONS(ROW)};
enum { OPTION_COUNT = sizeof options / sizeof options[0] };

static char *read_readme(void) {
    static char text[1 << 17];
    FILE *file = fopen("README.md", "r");
    if (file == NULL)
        return NULL;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    return text;
}

/* A number as an option's value is written: 16M, 1K, 48. */
static const char *spell(const struct option *option, uint64_t value, char *room, size_t size) {
    static const char suffixes[] = "KMG";
    int steps = 0;
    if (option->words[0] != NULL)
        return option->words[value];
    while (option->kind == BYTES && steps < 3 && value != 0 && value % 1024 == 0) {
        value /= 1024;
        steps++;
    }
    snprintf(room, size, "%llu%.*s", (unsigned long long)value, steps != 0,
             steps != 0 ? &suffixes[steps - 1] : "");
    return room;
}

static void write_row(const struct option *option, char *row, size_t size) {
    char preset[32], low[32], high[32];
    char values[128] = "";
    if (option->words[0] != NULL) {
        for (uint64_t i = option->minimum; i <= option->maximum; i++) {
            size_t used = strlen(values);
            snprintf(values + used, sizeof values - used, "%s%s", used != 0 ? ", " : "",
                     option->words[i]);
        }
    } else {
        snprintf(values, sizeof values, "%s to %s", spell(option, option->minimum, low, sizeof low),
                 spell(option, option->maximum, high, sizeof high));
    }
    snprintf(row, size, "| `%s` | %s | %s | %s |\n", option->name,
             spell(option, option->preset, preset, sizeof preset), values, option->help);
}

/* What follows the head of a table, or NULL. */
static const char *table_start(const char *head) {
    const char *readme = read_readme();
    const char *found = readme != NULL ? strstr(readme, head) : NULL;
    return found != NULL ? found + strlen(head) : NULL;
}

/* Where the table goes on; NULL at its end. */
static const char *next_row(const char *table) {
    table = strchr(table, '\n');
    return table != NULL && table[1] == '|' ? table + 1 : NULL;
}

typedef void row_function(int index, char *row, size_t size);

/* The table behind the head has these rows, and no other. */
static void check_table(const char *head, row_function *make_row, int count) {
    const char *table = table_start(head);
    CHECK_SAY(table != NULL, "README.md has no table that begins: %s", head);
    for (int i = 0; table != NULL && i < count; i++) {
        char row[512];
        make_row(i, row, sizeof row);
        CHECK_SAY(strncmp(table, row, strlen(row)) == 0, "row %d should be: %s", i + 1, row);
        table = next_row(table);
        CHECK_SAY((table == NULL) == (i + 1 == count), "the table has not %d rows", count);
    }
}

static void option_row(int index, char *row, size_t size) {
    write_row(&options[index], row, size);
}

static void the_readme_has_a_row_for_each_option_and_no_other(void) {
    check_table("| option | default | values | meaning |\n| --- | --- | --- | --- |\n", option_row,
                OPTION_COUNT);
}

/* ---- misuses ---- */

static const struct {
    const char *sentence;
    enum misuse_outcome outcomes[MISUSE_STRATEGY_COUNT];
} misuses[MISUSE_COUNT] = {
#define MISUSE_ROW(id, sentence, metadata, tagged, hardened)                                       \
    {sentence, {MISUSE_OUTCOME_##metadata, MISUSE_OUTCOME_##tagged, MISUSE_OUTCOME_##hardened}},
    MISUSES(MISUSE_ROW)
#undef MISUSE_ROW
};

/* What the user sees of an outcome; "" of none. */
static const char *const signs[MISUSE_OUTCOME_COUNT] = {
#define SIGN(id, text, state, signal) text[0] != '\0' ? "`" text "`" : signal ? #signal : "",
    MISUSE_OUTCOMES(SIGN)
#undef SIGN
};

static void add(char *row, size_t size, const char *text) {
    size_t used = strlen(row);
    snprintf(row + used, size - used, "%s", text);
}

static void misuse_row(int index, char *row, size_t size) {
    char seen[256] = "";
    snprintf(row, size, "| %s |", misuses[index].sentence);
    for (int i = 0; i < MISUSE_STRATEGY_COUNT; i++) {
        enum misuse_outcome outcome = misuses[index].outcomes[i];
        if (misuse_option(outcome) != NULL) {
            add(row, size, " `");
            add(row, size, misuse_option(outcome));
            add(row, size, "` |");
        } else {
            add(row, size, outcome == MISUSE_OUTCOME_RUNS_THROUGH ? " no |" : " found |");
        }
        if (strstr(seen, signs[outcome]) == NULL) {
            add(seen, sizeof seen, seen[0] != '\0' ? ", " : "");
            add(seen, sizeof seen, signs[outcome]);
        }
    }
    add(row, size, " ");
    add(row, size, seen[0] != '\0' ? seen : "-");
    add(row, size, " |\n");
}

static void the_readme_says_of_each_misuse_what_finds_it(void) {
    check_table("| misuse | `metadata` | `tagged` | `harden=on` | seen as |\n"
                "| --- | --- | --- | --- | --- |\n",
                misuse_row, MISUSE_COUNT);
}

int main(void) {
    TAP_RUN(the_readme_has_a_row_for_each_option_and_no_other);
    TAP_RUN(the_readme_says_of_each_misuse_what_finds_it);
    return tap_done();
}
