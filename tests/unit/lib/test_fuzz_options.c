/* If this failed, some text in TAGPOOL_OPTIONS would crash every program that the library is
 * preloaded into, or set an option to a value that the code does not expect. */
#include "../../fuzz/fuzz_options.c" // NOLINT(bugprone-suspicious-include)
#include "../../fuzz/mutate.h"
#include "tap.h"

static void any_text_leaves_every_option_in_its_range(void) {
    static struct mutate mutate;
    CHECK(mutate_read_corpus(&mutate, "tests/fuzz/corpus/options"));
    CHECK(mutate.count == 0 || mutate_run(&mutate, 100000) >= 100000);
}

int main(void) {
    TAP_RUN(any_text_leaves_every_option_in_its_range);
    return tap_done();
}
