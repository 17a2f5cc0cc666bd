/* If this failed, `tagpool replay` would report times of other runs than those that it timed. */
#include "tap.h"

#include "replay/times.h"

#include <unistd.h>

static struct shared_file file;

static void append(uint64_t calls) {
    const struct replay_result result = {.magic = REPLAY_RESULT_MAGIC, .calls = calls};
    times_append(file.path, &result);
}

static void results_come_back_in_their_order_without_the_first(void) {
    times_create(&file);
    for (uint64_t calls = 1; calls <= 5; calls++)
        append(calls);
    struct replay_result *results = times_read(file.path, 2, 3);
    CHECK(results != NULL);
    for (unsigned i = 0; results != NULL && i < 3; i++)
        CHECK(results[i].calls == 3 + i);
    free(results);
    shared_file_remove(&file);
}

static void another_number_of_results_is_refused(void) {
    times_create(&file);
    CHECK(times_read(file.path, 1, 1) == NULL);
    append(1);
    CHECK(times_read(file.path, 1, 1) == NULL);
    append(2);
    append(3);
    CHECK(times_read(file.path, 1, 1) == NULL);
    CHECK(truncate(file.path, sizeof(struct replay_result) + 1) == 0);
    CHECK(times_read(file.path, 0, 1) == NULL);
    shared_file_remove(&file);
}

static void a_result_that_is_not_sound_spoils_all(void) {
    times_create(&file);
    append(1);
    append(0);
    CHECK(times_read(file.path, 0, 2) == NULL);
    shared_file_remove(&file);
    times_create(&file);
    times_append(file.path, &(struct replay_result){.magic = 1, .calls = 1});
    CHECK(times_read(file.path, 0, 1) == NULL);
    shared_file_remove(&file);
    CHECK(times_read("/nowhere/results", 0, 1) == NULL);
}

int main(void) {
    TAP_RUN(results_come_back_in_their_order_without_the_first);
    TAP_RUN(another_number_of_results_is_refused);
    TAP_RUN(a_result_that_is_not_sound_spoils_all);
    return tap_done();
}
