/* If this failed, `-o` would pass on what the library refuses, or refuse what it takes. */
#include "tap.h"

#include "target/settings.h"

#include <ctype.h>
#include <stdlib.h>
#include <tagpool/options.h>

static void check_fault(const char *setting, const char *expected) {
    char *fault = settings_fault(setting);
    if (expected == NULL)
        CHECK_SAY(fault == NULL, "%s: %s", setting, fault);
    else
        CHECK_SAY(fault != NULL && strcmp(fault, expected) == 0, "%s: %s", setting,
                  fault != NULL ? fault : "(taken)");
    free(fault);
}

static void sound_settings_are_taken(void) {
    check_fault("strategy=direct", NULL);
    check_fault("strategy=metadata", NULL);
    check_fault("node_max=16", NULL);
    check_fault("node_max=4K", NULL);
    check_fault("node_max=4096", NULL);
    check_fault("pool_limit=3G", NULL);
    check_fault("retain=0", NULL);
}

static void each_mistake_is_named(void) {
    check_fault("frob=1", "libtagpool.so has no option 'frob'; 'tagpool help options' lists them");
    check_fault("node=64",
                "libtagpool.so has no option 'node'; did you mean node_max? 'tagpool help "
                "options' lists them");
    check_fault("node_max", "an option is KEY=VALUE, not 'node_max'");
    check_fault("=1", "an option is KEY=VALUE, not '=1'");
    check_fault("node_max=64,retain=0", "an option is KEY=VALUE, not 'node_max=64,retain=0'");
    static const char *const wrong[] = {"15",
                                        "4097",
                                        "",
                                        "-1",
                                        "64x",
                                        "0x40",
                                        "1Kb",
                                        " 64",
                                        "99999999999999999999",
                                        "18014398509481984K"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char setting[64], expected[128];
        snprintf(setting, sizeof setting, "node_max=%s", wrong[i]);
        snprintf(expected, sizeof expected,
                 "node_max is a number from 16 to 4096 (K, M, G allowed), not '%s'", wrong[i]);
        check_fault(setting, expected);
    }
}

/* The lines of a text as one, with single blanks: a help is wrapped between words. */
static char *unwrap(const char *text) {
    char *line = malloc(strlen(text) + 1), *end = line;
    for (; *text != '\0'; text++)
        if (!isspace((unsigned char)*text))
            *end++ = *text;
        else if (end != line && end[-1] != ' ')
            *end++ = ' ';
    *end = '\0';
    return line;
}

static void every_option_is_in_the_help(void) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    settings_print(out);
    fclose(out);
    char *line = unwrap(text);
#define CHECK_OPTION(NAME, KIND, DEFAULT, MINIMUM, MAXIMUM, HELP)                                  \
    CHECK(strstr(text, "  " #NAME " ") != NULL && strstr(line, HELP) != NULL);
    TAGPOOL_OPTIONS(CHECK_OPTION)
#undef CHECK_OPTION
    free(line);
    free(text);
}

static void settings_are_joined_by_commas(void) {
    char *settings = settings_join(NULL, "a=1");
    settings = settings_join(settings, "b=2");
    CHECK(strcmp(settings, "a=1,b=2") == 0);
    free(settings);
}

int main(void) {
    TAP_RUN(sound_settings_are_taken);
    TAP_RUN(each_mistake_is_named);
    TAP_RUN(every_option_is_in_the_help);
    TAP_RUN(settings_are_joined_by_commas);
    return tap_done();
}
