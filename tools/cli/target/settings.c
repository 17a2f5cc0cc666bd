#include "target/settings.h"

#include "base/memory.h"
#include "base/size.h"
#include "base/words.h"
#include "base/wrap.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <tagpool/options.h>

enum settings_kind { SETTINGS_CHOICE, SETTINGS_BYTES, SETTINGS_COUNT, SETTINGS_FLAG };

struct settings_option {
    const char *name;
    enum settings_kind kind;
    uint64_t standard, minimum, maximum;
    const char *const *choices; /* NULL-ended; NULL when it is no choice */
    const char *help;
};

/* The words of each choice; options that are none expand to an empty list. */
#define SETTINGS_WORDS_CHOICE(NAME)                                                                \
    (const char *const[]) {                                                                        \
        TAGPOOL_CHOICES_##NAME, NULL                                                               \
    }
#define SETTINGS_WORDS_BYTES(NAME) NULL
#define SETTINGS_WORDS_COUNT(NAME) NULL
#define SETTINGS_WORDS_FLAG(NAME)                                                                  \
    (const char *const[]) {                                                                        \
        "off", "on", NULL                                                                          \
    }

#define SETTINGS_ENTRY(NAME, KIND, DEFAULT, MINIMUM, MAXIMUM, HELP)                                \
    {#NAME,                                                                                        \
     SETTINGS_##KIND,                                                                              \
     (uint64_t)(DEFAULT),                                                                          \
     (uint64_t)(MINIMUM),                                                                          \
     (uint64_t)(MAXIMUM),                                                                          \
     SETTINGS_WORDS_##KIND(NAME),                                                                  \
     HELP},

static const struct settings_option settings_options[] = {TAGPOOL_OPTIONS(SETTINGS_ENTRY)};

enum { SETTINGS_OPTION_COUNT = sizeof settings_options / sizeof settings_options[0] };

/* A number, of bytes with a suffix if there is one. */
static bool settings_parse_number(const char *text, bool bytes, uint64_t *number) {
    return size_read(text, number) && (bytes || text[strspn(text, "0123456789")] == '\0');
}

static char *settings_value_fault(const struct settings_option *option, const char *value) {
    uint64_t number;
    if (option->choices != NULL) {
        if (words_find(option->choices, value) >= 0)
            return NULL;
        char *words = words_join(option->choices, ", ", " or ");
        char *fault = memory_format("%s is %s, not '%s'", option->name, words, value);
        free(words);
        return fault;
    }
    if (settings_parse_number(value, option->kind == SETTINGS_BYTES, &number) &&
        number >= option->minimum && number <= option->maximum)
        return NULL;
    return memory_format("%s is a number from %llu to %llu%s, not '%s'", option->name,
                         (unsigned long long)option->minimum, (unsigned long long)option->maximum,
                         option->kind == SETTINGS_BYTES ? " (K, M, G allowed)" : "", value);
}

char **settings_suggest(void) {
    char **list = NULL;
    size_t count = 0;
    for (int i = 0; i < SETTINGS_OPTION_COUNT; i++) {
        const struct settings_option *option = &settings_options[i];
        const char *const none[] = {"", NULL};
        const char *const *words = option->choices != NULL ? option->choices : none;
        for (; *words != NULL; words++) {
            list = memory_resize(list, count + 2, sizeof *list);
            list[count++] = memory_format("%s=%s", option->name, *words);
            list[count] = NULL;
        }
    }
    return list;
}

char *settings_fault(const char *setting) {
    const char *equals = strchr(setting, '=');
    if (equals == NULL || equals == setting || strchr(setting, ',') != NULL)
        return memory_format("an option is KEY=VALUE, not '%s'", setting);
    for (int i = 0; i < SETTINGS_OPTION_COUNT; i++) {
        const struct settings_option *option = &settings_options[i];
        if (strlen(option->name) == (size_t)(equals - setting) &&
            strncmp(option->name, setting, (size_t)(equals - setting)) == 0)
            return settings_value_fault(option, equals + 1);
    }
    struct words_best best = {0};
    char *key = memory_format("%.*s", (int)(equals - setting), setting);
    for (int i = 0; i < SETTINGS_OPTION_COUNT; i++)
        words_consider(&best, settings_options[i].name, key);
    char *hint = words_hint(&best, "");
    char *fault = memory_format("libtagpool.so has no option '%s'%s%s 'tagpool help options' lists "
                                "them",
                                key, hint, best.word != NULL ? "" : ";");
    free(hint);
    free(key);
    return fault;
}

char *settings_join(char *before, const char *setting) {
    if (before == NULL || before[0] == '\0') {
        free(before);
        return memory_copy(setting);
    }
    char *joined = memory_format("%s,%s", before, setting);
    free(before);
    return joined;
}

void settings_check(const char *setting) {
    char *fault = settings_fault(setting);
    if (fault != NULL)
        args_refuse("%s", fault);
}

void settings_take(void *settings, const char *setting) {
    char **joined = settings;
    char *rest = memory_copy(setting), *start = rest;
    for (char *one = strsep(&rest, ","); one != NULL; one = strsep(&rest, ",")) {
        settings_check(one);
        *joined = settings_join(*joined, one);
    }
    free(start);
}

static void settings_print_number(FILE *out, const struct settings_option *option,
                                  uint64_t number) {
    static const char suffixes[] = " KMG";
    int step = 0;
    bool bytes = option->kind == SETTINGS_BYTES;
    while (bytes && step < 3 && number != 0 && number % 1024 == 0) {
        number /= 1024;
        step++;
    }
    fprintf(out, "%llu", (unsigned long long)number);
    if (step > 0)
        fputc(suffixes[step], out);
}

void settings_print(FILE *out) {
    FILE *sheet = wrap_open_help(out);
    fprintf(sheet,
            "Options of libtagpool.so, for '-o KEY=VALUE' and the variable\n"
            "%s (\"KEY=VALUE,KEY=VALUE\"):\n\n",
            TAGPOOL_OPTIONS_VARIABLE);
    for (int i = 0; i < SETTINGS_OPTION_COUNT; i++) {
        const struct settings_option *option = &settings_options[i];
        fprintf(sheet, "  %-12s  %s\n                ", option->name, option->help);
        if (option->choices != NULL) {
            char *words = words_join(option->choices, ", ", ", ");
            fprintf(sheet, "%s; default %s\n", words, option->choices[option->standard]);
            free(words);
            continue;
        }
        settings_print_number(sheet, option, option->minimum);
        fputs(" to ", sheet);
        settings_print_number(sheet, option, option->maximum);
        fputs("; default ", sheet);
        settings_print_number(sheet, option, option->standard);
        fputc('\n', sheet);
    }
    wrap_close(sheet);
}
