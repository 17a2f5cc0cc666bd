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
        {"\"a\\.b\"", "[a\\.b]"},
        {"'' \"\"", "[][]"},
        {"'$HOME *'", "[$HOME *]"},
        {"\"* ? # ~ | ;\"", "[* ? # ~ | ;]"},
        {"\\$HOME \"\\$HOME \\`\"", "[$HOME][$HOME `]"},
        {"a#b a~b {n} a=b !", "[a#b][a~b][{n}][a=b][!]"},
        {"a\\", "[a\\]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64] = "";
        char *fault = NULL;
        char **words = words_split(cases[i].line, &fault);
        CHECK(words != NULL);
        for (char **word = words; *word != NULL; word++) {
            size_t used = strlen(text);
            snprintf(text + used, sizeof text - used, "[%s]", *word);
        }
        free(words);
        CHECK_SAY(strcmp(text, cases[i].words) == 0, "'%s': %s", cases[i].line, text);
    }
}

static void what_a_shell_would_do_more_is_refused(void) {
    static const struct {
        const char *line, *fault;
    } cases[] = {
        {"a 'b", "a quote is not closed"},
        {"\"", "a quote is not closed"},
        {"a | b", "'|' means something to a shell unless it is quoted"},
        {"a >b", "'>' means something to a shell unless it is quoted"},
        {"a b; c", "';' means something to a shell unless it is quoted"},
        {"a 'b'$c", "'$' means something to a shell unless it is quoted"},
        {"a *.json", "'*' means something to a shell unless it is quoted"},
        {"a ~/b", "'~' means something to a shell unless it is quoted"},
        {"a #b", "'#' means something to a shell unless it is quoted"},
        {"a \"$b\"", "'$' means something to a shell between \"quotes\""},
        {"a \"`b`\"", "'`' means something to a shell between \"quotes\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *fault = NULL;
        CHECK_SAY(words_split(cases[i].line, &fault) == NULL, "'%s'", cases[i].line);
        CHECK_SAY(fault != NULL && strcmp(fault, cases[i].fault) == 0, "'%s': %s", cases[i].line,
                  fault);
        free(fault);
    }
}

int main(void) {
    TAP_RUN(a_line_is_split_as_a_shell_does_it);
    TAP_RUN(what_a_shell_would_do_more_is_refused);
    return tap_done();
}
