/* If this failed, tests/README.md would promise findings that the library does not make, or hide
 * some: its table of misuses must be what tools/bench/misuses.h says, row by row. */
#include "bench/misuses.h"
#include "tap.h"

static char *read_readme(void) {
    static char text[1 << 17];
    FILE *file = fopen("tests/README.md", "r");
    if (file == NULL)
        return NULL;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    return text;
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
    CHECK_SAY(table != NULL, "tests/README.md has no table that begins: %s", head);
    for (int i = 0; table != NULL && i < count; i++) {
        char row[512];
        make_row(i, row, sizeof row);
        CHECK_SAY(strncmp(table, row, strlen(row)) == 0, "row %d should be: %s", i + 1, row);
        table = next_row(table);
        CHECK_SAY((table == NULL) == (i + 1 == count), "the table has not %d rows", count);
    }
}

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
    TAP_RUN(the_readme_says_of_each_misuse_what_finds_it);
    return tap_done();
}
