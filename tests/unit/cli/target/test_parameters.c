/* If this failed, a scan would run another command than the value beside its result says. */
#include "tap.h"

#include "target/parameters.h"

#include <stdlib.h>

static void the_last_parameter_changes_fastest(void) {
    static const char *const expected[] = {"a 1 a", "a 2 a", "a 3 a", "b 1 b", "b 2 b", "b 3 b"};
    struct parameters parameters = {0};
    parameters_take(&parameters, "kind a,b");
    parameters_take(&parameters, "n=1,2,3");
    CHECK(parameters_combinations(&parameters) == 6);
    for (unsigned i = 0; i < 6; i++) {
        char *text = parameters_apply(&parameters, i, "{kind} {n} {kind}");
        CHECK_SAY(strcmp(text, expected[i]) == 0, "%u: %s", i, text);
        CHECK(parameters_value(&parameters, 0, i)[0] == expected[i][0]);
        CHECK(parameters_value(&parameters, 1, i)[0] == expected[i][2]);
        free(text);
    }
    parameters_free(&parameters);
}

static void what_is_no_parameter_stays(void) {
    struct parameters parameters = {0};
    parameters_take(&parameters, "n 1");
    static const char *const texts[] = {"{m}", "{n", "n}", "{ n }", "{}", "{{", ""};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char *text = parameters_apply(&parameters, 0, texts[i]);
        CHECK_SAY(strcmp(text, texts[i]) == 0, "%s: %s", texts[i], text);
        CHECK(!parameters_is_in(&parameters.items[0], texts[i]));
        free(text);
    }
    char *nested = parameters_apply(&parameters, 0, "{{n}}");
    CHECK(strcmp(nested, "{1}") == 0);
    CHECK(parameters_is_in(&parameters.items[0], "{{n}}"));
    CHECK(!parameters_is_in(&parameters.items[0], NULL));
    CHECK(parameters_apply(&parameters, 0, NULL) == NULL);
    free(nested);
    parameters_free(&parameters);
}

static void without_parameters_there_is_one_command(void) {
    struct parameters parameters = {0};
    char *text = parameters_apply(&parameters, 0, "a {n}");
    CHECK(parameters_combinations(&parameters) == 1 && strcmp(text, "a {n}") == 0);
    free(text);
}

int main(void) {
    TAP_RUN(the_last_parameter_changes_fastest);
    TAP_RUN(what_is_no_parameter_stays);
    TAP_RUN(without_parameters_there_is_one_command);
    return tap_done();
}
