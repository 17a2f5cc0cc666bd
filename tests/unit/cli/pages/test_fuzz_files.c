/* If this failed, a damaged statistics page, profile, trace or program file would crash tagpool
 * instead of ending in a message. */
#include "../../../fuzz/fuzz_files.c" // NOLINT(bugprone-suspicious-include)
#include "../../../fuzz/mutate.h"
#include "tap.h"

static void a_damaged_file_of_any_kind_ends_in_a_message(void) {
    static struct mutate mutate;
    CHECK(mutate_read_corpus(&mutate, "tests/fuzz/corpus/files"));
    CHECK(mutate.count == 0 || mutate_run(&mutate, 4000) >= 4000);
}

int main(void) {
    TAP_RUN(a_damaged_file_of_any_kind_ends_in_a_message);
    return tap_done();
}
