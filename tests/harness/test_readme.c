/* If this failed, the README would promise options that the library does not have, or hide some
 * that it has: its table of options must be what include/tagpool/options.h says, row by row. */
#include <stdint.h>

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

static const char *table_start(void) {
    static const char head[] =
        "| option | default | values | meaning |\n| --- | --- | --- | --- |\n";
    const char *readme = read_readme();
    const char *found = readme != NULL ? strstr(readme, head) : NULL;
    return found != NULL ? found + strlen(head) : NULL;
}

static void the_readme_has_a_row_for_each_option(void) {
    const char *table = table_start();
    CHECK_SAY(table != NULL, "README.md has no table of options");
    for (int i = 0; table != NULL && i < OPTION_COUNT; i++) {
        char row[512];
        write_row(&options[i], row, sizeof row);
        CHECK_SAY(strncmp(table, row, strlen(row)) == 0, "row %d should be: %s", i + 1, row);
        table = strchr(table, '\n');
        if (table != NULL)
            table++;
    }
}

static void the_readme_has_no_row_for_an_option_that_is_not_there(void) {
    int rows = 0;
    const char *table = table_start();
    while (table != NULL && table[0] == '|') {
        rows++;
        table = strchr(table, '\n');
        if (table != NULL)
            table++;
    }
    CHECK_SAY(rows == OPTION_COUNT, "%d rows for %d options", rows, (int)OPTION_COUNT);
}

int main(void) {
    TAP_RUN(the_readme_has_a_row_for_each_option);
    TAP_RUN(the_readme_has_no_row_for_an_option_that_is_not_there);
    return tap_done();
}
