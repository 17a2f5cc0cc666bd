/* If this failed, a command line that is given as one text would run with other arguments. */
#include "tap.h"

#include "base/words.h"

#include <stdlib.h>

static void a_line_is_split_as_a_shell_does_it(void) {
    static const struct {
        const char *line, *words; /* each in brackets */
    } cases[] = {
        {"jq . file", "[jq][.][file]"},
        {"  a \t b\n", "[a][b]"},
        {"", ""},
        {"   ", ""},
        {"'a b' \"c d\"", "[a b][c d]"},
        {"a'b c'd", "[ab cd]"},
        {"a\\ b", "[a b]"},
        {"'a\\b'", "[a\\b]"},
        {"\"a\\\"b\"", "[a\"b]"},
        {"'' \"\"", "[][]"},
        {"$HOME *", "[$HOME][*]"},
        {"a\\", "[a\\]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64] = "";
        char **words = words_split(cases[i].line);
        for (char **word = words; *word != NULL; word++) {
            size_t used = strlen(text);
            snprintf(text + used, sizeof text - used, "[%s]", *word);
        }
        free(words);
        CHECK_SAY(strcmp(text, cases[i].words) == 0, "'%s': %s", cases[i].line, text);
    }
}

static void a_quote_without_an_end_is_no_line(void) {
    CHECK(words_split("a 'b") == NULL);
    CHECK(words_split("\"") == NULL);
}

int main(void) {
    TAP_RUN(a_line_is_split_as_a_shell_does_it);
    TAP_RUN(a_quote_without_an_end_is_no_line);
    return tap_done();
}
