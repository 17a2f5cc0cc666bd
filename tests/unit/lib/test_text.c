/* If this failed, a report would be cut wrongly or run over its buffer, or an option's number would
 * be read as another one. */
#include "tap.h"
#include "text.h"

static bool reads(const char *text, uint64_t expected) {
    uint64_t number = 1234567;
    return text_read_number(text, strlen(text), &number) && number == expected;
}

static bool refuses(const char *text) {
    uint64_t number = 1234567;
    return !text_read_number(text, strlen(text), &number) && number == 1234567;
}

static bool is(const struct text *text, const char *expected) {
    return text_equals(text->bytes, text->length, expected);
}

static void numbers_are_written_in_both_bases(void) {
    struct text text = {.length = 0};
    text_add_number(&text, 0);
    text_add(&text, " ");
    text_add_number(&text, UINT64_MAX);
    text_add(&text, " ");
    text_add_hex(&text, 0xdeadbeef01);
    text_add(&text, " ");
    text_add_hex(&text, 0);
    CHECK(is(&text, "0 18446744073709551615 0xdeadbeef01 0x0"));
}

static void what_does_not_fit_is_left_out(void) {
    struct text text = {.length = 0};
    for (int i = 0; i < TEXT_BYTES - 3; i++)
        text_add(&text, "x");
    text_add(&text, "abcdef");
    CHECK(text.length == TEXT_BYTES && memcmp(text.bytes + TEXT_BYTES - 4, "xabc", 4) == 0);
    text_add_number(&text, 42);
    text_add_span(&text, "more", 4);
    CHECK(text.length == TEXT_BYTES);
}

static void whole_numbers_with_their_suffixes_are_read(void) {
    CHECK(reads("0", 0) && reads("007", 7) && reads("18446744073709551615", UINT64_MAX));
    CHECK(reads("1k", 1024) && reads("1K", 1024) && reads("3M", 3 << 20));
    CHECK(reads("2g", (uint64_t)2 << 30) && reads("17179869183G", (uint64_t)17179869183u << 30));
}

static void anything_else_is_refused(void) {
    CHECK(refuses("") && refuses("K") && refuses("-1") && refuses("+1") && refuses(" 1"));
    CHECK(refuses("1 ") && refuses("1KB") && refuses("1.5K") && refuses("0x10") && refuses("1T"));
    CHECK(refuses("18446744073709551616") && refuses("99999999999999999999999"));
    CHECK(refuses("17179869184G") && refuses("18014398509481984K"));
}

static void a_span_equals_a_word_of_its_length_only(void) {
    CHECK(text_equals("metadata,x", 8, "metadata") && !text_equals("metadata,x", 9, "metadata"));
    CHECK(!text_equals("meta", 4, "metadata") && text_equals("x", 0, ""));
}

int main(void) {
    TAP_RUN(numbers_are_written_in_both_bases);
    TAP_RUN(what_does_not_fit_is_left_out);
    TAP_RUN(whole_numbers_with_their_suffixes_are_read);
    TAP_RUN(anything_else_is_refused);
    TAP_RUN(a_span_equals_a_word_of_its_length_only);
    return tap_done();
}
