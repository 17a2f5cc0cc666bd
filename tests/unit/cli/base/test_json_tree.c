/* If this failed, a saved result would be read as something else, or a broken file would crash the
 * program instead of being named. */
#include "tap.h"

#include "base/json_tree.h"

static struct json_value *parse(const char *text) {
    char *fault;
    struct json_value *root = json_tree_parse(text, strlen(text), &fault);
    CHECK_SAY(root != NULL, "%s: %s", text, fault);
    return root;
}

static void every_kind_of_value_is_found_by_its_path(void) {
    struct json_value *root =
        parse(" {\"a\" : {\"b\": -1.5e2, \"c\": [1, {\"d\": true}]}, \"n\": null, \"t\": \"x\", "
              "\"big\": 18446744073709551615} ");
    size_t count;
    CHECK(json_tree_number(root, "a.b", 0) == -150);
    CHECK(json_tree_count(root, "big") == UINT64_MAX);
    const struct json_value *items = json_tree_items(root, "a.c", &count);
    CHECK(count == 2 && json_tree_count(&items[0], "") == 1 && json_tree_truth(&items[1], "d"));
    CHECK(strcmp(json_tree_text(root, "t", ""), "x") == 0);
    CHECK(json_tree_find(root, "n")->kind == JSON_NULL);
    json_tree_free(root);
}

static void what_is_missing_or_of_another_kind_takes_the_default(void) {
    struct json_value *root = parse("{\"a\": 1, \"t\": \"x\", \"ab\": 2}");
    size_t count;
    CHECK(json_tree_number(root, "b", 7) == 7 && json_tree_number(root, "t", 7) == 7);
    CHECK(json_tree_number(root, "a.b", 7) == 7 && json_tree_number(NULL, "a", 7) == 7);
    CHECK(json_tree_count(root, "t") == 0 && !json_tree_truth(root, "a"));
    CHECK(json_tree_text(root, "a", NULL) == NULL);
    CHECK(json_tree_items(root, "a", &count) == NULL && count == 0);
    CHECK(json_tree_number(root, "ab", 0) == 2);
    json_tree_free(root);
}

static void escapes_become_the_characters_that_they_stand_for(void) {
    struct json_value *root =
        parse("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"\\u00fc\\u20AC\", \"\\ud83d\\ude00\", "
              "\"\\ud83d x\", \"\\ude00\"]");
    size_t count;
    const struct json_value *items = json_tree_items(root, "", &count);
    CHECK(count == 5 && strcmp(items[0].text, "\"\\/\b\f\n\r\t") == 0);
    CHECK(strcmp(items[1].text, "\xc3\xbc\xe2\x82\xac") == 0);
    CHECK(strcmp(items[2].text, "\xf0\x9f\x98\x80") == 0);
    CHECK(strcmp(items[3].text, "\xef\xbf\xbd x") == 0);
    CHECK(strcmp(items[4].text, "\xef\xbf\xbd") == 0);
    json_tree_free(root);
}

static void a_fault_is_named_with_its_line(void) {
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {"", "line 1: ends too early"},
        {"{\n\"a\": 1,\n", "line 3: the name of a member is missing"},
        {"{\"a\" 1}", "line 1: a colon is missing"},
        {"[1 2]", "line 1: a list without an end"},
        {"[1,]", "line 1: is no JSON"},
        {"\"abc", "line 1: a text without an end"},
        {"\"abc\\", "line 1: a text without an end"},
        {"\"\\x\"", "line 1: an unknown escape in a text"},
        {"\"\\u12\"", "line 1: \\u wants four hexadecimal digits"},
        {"nul", "line 1: is no JSON"},
        {"+1", "line 1: is no JSON"},
        {"1 2", "line 1: goes on behind its end"},
        {"[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]", "line 1: is nested too deeply"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *fault;
        struct json_value *root = json_tree_parse(cases[i].text, strlen(cases[i].text), &fault);
        CHECK_SAY(root == NULL && fault != NULL && strcmp(fault, cases[i].fault) == 0, "%s: %s",
                  cases[i].text, fault != NULL ? fault : "no fault");
        json_tree_free(root);
        free(fault);
    }
}

static void every_beginning_of_a_document_is_refused_without_a_crash(void) {
    static const char text[] = "{\"a\": [1, \"\\u00fc\\n\", {\"b\": false}], \"c\": null}";
    for (size_t bytes = 0; bytes + 1 < sizeof text; bytes++) {
        /* A copy of its own size lets a sanitizer see a byte too many. */
        char *copy = malloc(bytes + (bytes == 0));
        char *fault;
        memcpy(copy, text, bytes);
        struct json_value *root = json_tree_parse(copy, bytes, &fault);
        CHECK_SAY(root == NULL, "%zu bytes were accepted", bytes);
        free(fault);
        free(copy);
    }
}

static void texts_end_with_null_and_what_is_no_text_is_empty(void) {
    struct json_value *root = parse("{\"words\": [\"a\", 1, \"\"]}");
    char **texts = json_tree_texts(root, "words");
    CHECK(strcmp(texts[0], "a") == 0 && texts[1][0] == '\0' && texts[2][0] == '\0');
    CHECK(texts[3] == NULL);
    free(texts);
    texts = json_tree_texts(root, "missing");
    CHECK(texts[0] == NULL);
    free(texts);
    json_tree_free(root);
}

int main(void) {
    TAP_RUN(every_kind_of_value_is_found_by_its_path);
    TAP_RUN(what_is_missing_or_of_another_kind_takes_the_default);
    TAP_RUN(escapes_become_the_characters_that_they_stand_for);
    TAP_RUN(a_fault_is_named_with_its_line);
    TAP_RUN(every_beginning_of_a_document_is_refused_without_a_crash);
    TAP_RUN(texts_end_with_null_and_what_is_no_text_is_empty);
    return tap_done();
}
