/* If this failed, text would be broken within words or numbers at the end of a terminal's line, or
 * rows of a table where nobody could read them. */
#include "tap.h"

#include "base/wrap.h"

#include <stdlib.h>
#include <string.h>

/* What wrap_lines() makes of a text. */
static bool becomes(const char *text, unsigned width, const char *expected) {
    char *made = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&made, &bytes);
    wrap_lines(out, text, width);
    fclose(out);
    bool same = strcmp(made, expected) == 0;
    if (!same)
        printf("# '%s' became '%s'\n", text, made);
    free(made);
    return same;
}

static void what_fits_stays_as_it_is(void) {
    CHECK(becomes("as short as this\n\n  is\n", 40, "as short as this\n\n  is\n"));
    CHECK(becomes("no end", 40, "no end"));
    CHECK(becomes("a b c d e f g h", 0, "a b c d e f g h"));
    /* The last column stays free. */
    CHECK(becomes("1234 6789\n", 10, "1234 6789\n"));
}

static void a_sentence_goes_on_a_little_further_in(void) {
    CHECK(becomes("one two three four five six\n", 20, "one two three four\n    five six\n"));
    CHECK(becomes("  one two three four five\n", 20, "  one two three\n      four five\n"));
}

static void a_list_goes_on_below_its_second_column(void) {
    CHECK(becomes("note  one two three four\n", 20, "note  one two three\n      four\n"));
}

static void a_row_is_broken_between_its_columns(void) {
    CHECK(becomes("  wall    tagpool   12.3 ms   -1.2 % [-3.4 ... +1.0]   faster\n", 60,
                  "  wall    tagpool   12.3 ms   -1.2 % [-3.4 ... +1.0]\n          faster\n"));
    CHECK(becomes("            tagpool   12.3 ms   -1.2 % [-3.4 ... +1.0]\n", 50,
                  "            tagpool   12.3 ms\n            -1.2 % [-3.4 ... +1.0]\n"));
}

static void a_word_that_is_wider_than_the_terminal_stays_whole(void) {
    CHECK(becomes("/a/very/long/path/of/a/file is here\n", 20,
                  "/a/very/long/path/of/a/file\n    is here\n"));
    CHECK(becomes("/a/very/long/path/of/a/file\n", 20, "/a/very/long/path/of/a/file\n"));
}

static void colours_and_the_bytes_of_one_character_take_no_room(void) {
    CHECK(becomes("\033[1mone two three\033[0m four\n", 20, "\033[1mone two three\033[0m four\n"));
    CHECK(becomes("\033[0m  wall    tagpool   12.3 ms   -1.2 %\n", 30,
                  "\033[0m  wall    tagpool   12.3 ms\n          -1.2 %\n"));
    CHECK(becomes("\xe2\x96\x88\xe2\x96\x88 \xe2\x96\x88\xe2\x96\x88 two three\n", 20,
                  "\xe2\x96\x88\xe2\x96\x88 \xe2\x96\x88\xe2\x96\x88 two three\n"));
}

int main(void) {
    TAP_RUN(what_fits_stays_as_it_is);
    TAP_RUN(a_sentence_goes_on_a_little_further_in);
    TAP_RUN(a_list_goes_on_below_its_second_column);
    TAP_RUN(a_row_is_broken_between_its_columns);
    TAP_RUN(a_word_that_is_wider_than_the_terminal_stays_whole);
    TAP_RUN(colours_and_the_bytes_of_one_character_take_no_room);
    return tap_done();
}
