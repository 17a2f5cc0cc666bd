/* If this failed, a program would be told of an arena that it does not have, or Python would be
 * compared with a Python that nobody runs. */
#include "tap.h"

#include "target/arena.h"

#include <stdlib.h>

static void a_program_is_known_by_its_name_whatever_its_version(void) {
    static const struct {
        const char *binary, *title;
    } cases[] = {
        {"/usr/bin/python3.11", "Python"},
        {"/usr/bin/python", "Python"},
        {"/opt/pythonic", NULL},
        {"/usr/bin/pypy3", NULL},
        {"/usr/bin/php8.2", "PHP"},
        {"/usr/sbin/php-fpm8.2", "PHP"},
        {"/usr/lib/postgresql/15/bin/postgres", "PostgreSQL"},
        {"/usr/bin/node", "Node.js"},
        {"/usr/lib/jvm/java-17/bin/java", "Java"},
        {"/usr/bin/javac", NULL},
        {"/gone/jq", NULL},
        {NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct arena *arena = arena_of(cases[i].binary);
        bool right = cases[i].title == NULL
                         ? arena == NULL
                         : arena != NULL && strcmp(arena->title, cases[i].title) == 0;
        CHECK_SAY(right, "%s is %s", cases[i].binary, arena != NULL ? arena->title : "none");
    }
}

static void the_environment_switches_it_off_by_the_values_that_the_program_takes(void) {
    static const struct {
        const char *variable, *value;
        bool off;
    } cases[] = {
        {"PYTHONMALLOC", "malloc", true},    {"PYTHONMALLOC", "malloc_debug", true},
        {"PYTHONMALLOC", "pymalloc", false}, {"PYTHONMALLOC", "", false},
        {"USE_ZEND_ALLOC", "0", false},
    };
    const struct arena *python = arena_of("python3");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setenv(cases[i].variable, cases[i].value, 1);
        CHECK_SAY(arena_is_off(python) == cases[i].off, "%s=%s", cases[i].variable, cases[i].value);
        unsetenv(cases[i].variable);
    }
    CHECK(!arena_is_off(python) && !arena_is_off(arena_of("java")));
    char *setting = arena_setting(python);
    CHECK(setting != NULL && strcmp(setting, "PYTHONMALLOC=malloc") == 0);
    CHECK(arena_setting(arena_of("java")) == NULL);
    free(setting);
}

int main(void) {
    TAP_RUN(a_program_is_known_by_its_name_whatever_its_version);
    TAP_RUN(the_environment_switches_it_off_by_the_values_that_the_program_takes);
    return tap_done();
}
