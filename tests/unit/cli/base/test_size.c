/* If this failed, a size on a command line would be taken for another, or rubbish for a size. */
#include "tap.h"

#include "base/path.h"
#include "base/size.h"

#include <string.h>

static bool is(const char *text, uint64_t wanted) {
    uint64_t bytes = 0;
    return size_read(text, &bytes) && bytes == wanted;
}

static bool is_refused(const char *text) {
    uint64_t bytes;
    return !size_read(text, &bytes);
}

static void a_size_is_a_number_with_a_letter_or_without(void) {
    CHECK(is("0", 0) && is("4096", 4096));
    CHECK(is("4K", 4096) && is("4k", 4096) && is("16M", 16 << 20));
    CHECK(is("3G", UINT64_C(3) << 30));
    CHECK(is("17179869183G", UINT64_C(17179869183) << 30));
}

static void anything_else_is_refused(void) {
    CHECK(is_refused("") && is_refused("K") && is_refused("x") && is_refused(" 1"));
    CHECK(is_refused("-1") && is_refused("1.5") && is_refused("1KB") && is_refused("1T"));
    CHECK(is_refused("17179869184G") && is_refused("18446744073709551616"));
}

static bool is_shown_as(double bytes, double value, const char *unit) {
    return strcmp(size_unit(&bytes), unit) == 0 && bytes == value;
}

static void a_size_is_shown_in_the_largest_unit_that_it_fills(void) {
    CHECK(is_shown_as(0, 0, "B") && is_shown_as(1023, 1023, "B"));
    CHECK(is_shown_as(1024, 1, "KiB") && is_shown_as(1536 * 1024, 1.5, "MiB"));
    CHECK(is_shown_as(1 << 30, 1, "GiB") && is_shown_as(0x1p50, 1024, "TiB"));
}

static void the_name_of_a_path_is_behind_its_last_slash(void) {
    CHECK(strcmp(path_name("/usr/lib/libc.so"), "libc.so") == 0);
    CHECK(strcmp(path_name("jq"), "jq") == 0 && path_name("/tmp/")[0] == '\0');
    CHECK(path_name(NULL) == NULL);
}

int main(void) {
    TAP_RUN(a_size_is_a_number_with_a_letter_or_without);
    TAP_RUN(anything_else_is_refused);
    TAP_RUN(a_size_is_shown_in_the_largest_unit_that_it_fills);
    TAP_RUN(the_name_of_a_path_is_behind_its_last_slash);
    return tap_done();
}
