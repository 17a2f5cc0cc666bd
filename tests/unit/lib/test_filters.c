/* If this failed, leaks=on would make a process that has shut itself in a sandbox do what it is
 * ended for, or would look for less in one that was started in a sandbox.
 */
#include "filters.h"
#include "sandbox.h"
#include "tap.h"

static void allow_all(void) {
    struct sock_filter filter[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    set_filter(filter, 1);
}

static void set_one(void) {
    filters_start();
    CHECK(!filters_were_added());
    allow_all();
    CHECK(filters_were_added());
}

static void start_with_one(void) {
    allow_all();
    filters_start();
    CHECK(!filters_were_added());
}

static void a_filter_that_the_process_sets_is_seen(void) {
    check_apart(set_one);
}

static void one_that_it_was_started_with_is_none(void) {
    check_apart(start_with_one);
}

int main(void) {
    TAP_RUN(a_filter_that_the_process_sets_is_seen);
    TAP_RUN(one_that_it_was_started_with_is_none);
    return tap_done();
}
