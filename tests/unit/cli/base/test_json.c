/* If this failed, files of --export-json could not be read by other programs. */
#include "tap.h"

#include "base/json.h"

#include <float.h>
#include <math.h>

static char written[4096];

static FILE *begin(struct json *json) {
    memset(written, 0, sizeof written);
    FILE *out = fmemopen(written, sizeof written - 1, "w");
    if (out == NULL)
        abort();
    json_init(json, out);
    return out;
}

/* What json_text makes of a text. */
static const char *quoted(const char *text) {
    struct json json;
    FILE *out = begin(&json);
    json_text(&json, NULL, text);
    fclose(out);
    return written;
}

static void text_is_escaped_and_stays_readable(void) {
    CHECK(strcmp(quoted("plain"), "\"plain\"") == 0);
    CHECK(strcmp(quoted("a\"b\\c"), "\"a\\\"b\\\\c\"") == 0);
    CHECK(strcmp(quoted("tab\tline\nbell\a"), "\"tab\\tline\\nbell\\u0007\"") == 0);
    CHECK(strcmp(quoted("\x7f"), "\"\\u007f\"") == 0);
    CHECK(strcmp(quoted("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
                 "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"") == 0);
    CHECK(strcmp(quoted(NULL), "null") == 0);
}

static void bytes_that_are_not_utf8_become_replacement_characters(void) {
#define R "\xef\xbf\xbd"
    CHECK(strcmp(quoted("\xff"), "\"" R "\"") == 0);
    CHECK(strcmp(quoted("a\xc3"), "\"a" R "\"") == 0);                   /* cut short */
    CHECK(strcmp(quoted("\xc0\xaf"), "\"" R R "\"") == 0);               /* overlong */
    CHECK(strcmp(quoted("\xe0\x80\xaf"), "\"" R R R "\"") == 0);         /* overlong */
    CHECK(strcmp(quoted("\xed\xa0\x80"), "\"" R R R "\"") == 0);         /* a surrogate */
    CHECK(strcmp(quoted("\xf4\x90\x80\x80x"), "\"" R R R R "x\"") == 0); /* beyond U+10FFFF */
#undef R
}

static void an_exact_number_comes_back_and_is_no_longer_than_it_must_be(void) {
    static const double numbers[] = {
        0, 0.25, 0.1, 0.1 + 0.2, 1.0 / 3, 1e-9, -0.0044500000000000004, DBL_MAX, DBL_TRUE_MIN};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct json json;
        FILE *out = begin(&json);
        json_exact(&json, NULL, numbers[i]);
        fclose(out);
        CHECK_SAY(strtod(written, NULL) == numbers[i], "%s", written);
    }
    struct json json;
    FILE *out = begin(&json);
    json_flat_array(&json, NULL);
    json_exact(&json, NULL, 0.1);
    json_exact(&json, NULL, 0.1 + 0.2);
    json_exact(&json, NULL, NAN);
    json_exact(&json, NULL, INFINITY);
    json_end(&json);
    fclose(out);
    CHECK_SAY(strcmp(written, "[0.1, 0.30000000000000004, null, null]\n") == 0, "%s", written);
}

static void numbers_that_json_cannot_name_become_null(void) {
    struct json json;
    FILE *out = begin(&json);
    json_flat_array(&json, NULL);
    json_number(&json, NULL, 0.25);
    json_number(&json, NULL, NAN);
    json_number(&json, NULL, -INFINITY);
    json_number(&json, NULL, 1e-9);
    json_count(&json, NULL, UINT64_MAX);
    json_end(&json);
    fclose(out);
    CHECK_SAY(strcmp(written, "[0.25, null, null, 1e-09, 18446744073709551615]\n") == 0, "%s",
              written);
}

static void containers_nest_with_commas_in_the_right_places(void) {
    struct json json;
    FILE *out = begin(&json);
    json_object(&json, NULL);
    json_text(&json, "a", "x");
    json_array(&json, "b");
    json_flat_object(&json, NULL);
    json_truth(&json, "c", true);
    json_null(&json, "d");
    json_end(&json);
    json_flat_array(&json, NULL);
    json_end(&json);
    json_end(&json);
    json_object(&json, "e");
    json_end(&json);
    json_end(&json);
    fclose(out);
    CHECK_SAY(strcmp(written, "{\n  \"a\": \"x\",\n  \"b\": [\n    {\"c\": true, \"d\": null},\n"
                              "    []\n  ],\n  \"e\": {}\n}\n") == 0,
              "%s", written);
}

int main(void) {
    TAP_RUN(text_is_escaped_and_stays_readable);
    TAP_RUN(bytes_that_are_not_utf8_become_replacement_characters);
    TAP_RUN(an_exact_number_comes_back_and_is_no_longer_than_it_must_be);
    TAP_RUN(numbers_that_json_cannot_name_become_null);
    TAP_RUN(containers_nest_with_commas_in_the_right_places);
    return tap_done();
}
