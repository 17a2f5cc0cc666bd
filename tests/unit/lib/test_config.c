/* If this failed, a program would run with other options than TAGPOOL_OPTIONS says, or not be told
 * that it does. */
#include "config.h"
#include "tap.h"

static struct config result;
static struct config_complaints complaints;

static const char *complaint(unsigned i) {
    static char text[TEXT_BYTES + 1];
    memcpy(text, complaints.lines[i].bytes, complaints.lines[i].length);
    text[complaints.lines[i].length] = '\0';
    return text;
}

static void nothing_means_the_defaults(void) {
    const char *const nothings[] = {NULL, "", ",", ",,,"};
    for (size_t i = 0; i < sizeof nothings / sizeof nothings[0]; i++) {
        config_read(&result, nothings[i], &complaints);
        CHECK(complaints.count == 0 && memcmp(&result, &config, sizeof result) == 0);
    }
}

static void options_are_set_the_last_one_counts(void) {
    config_read(&result, "strategy=direct,retain=3M,,strategy=metadata,pool_limit=64M",
                &complaints);
    CHECK(complaints.count == 0);
    CHECK(result.strategy == TAGPOOL_STRATEGY_METADATA);
    CHECK(result.retain == 3 << 20 && result.pool_limit == 64 << 20);
}

static void node_max_is_rounded_up_to_a_class(void) {
    config_read(&result, "node_max=257", &complaints);
    CHECK_SAY(result.node_max == 272, "%ju", (uintmax_t)result.node_max);
    config_read(&result, "node_max=4096", &complaints);
    CHECK(result.node_max == 4096);
}

static void a_mistake_is_named_and_the_rest_counts(void) {
    config_read(&result, "colour=blue,retain=1M", &complaints);
    CHECK(complaints.count == 1 && result.retain == 1 << 20);
    CHECK_SAY(strstr(complaint(0), "unknown option 'colour'") != NULL, "%s", complaint(0));
    config_read(&result, "node_max=99999", &complaints);
    CHECK(complaints.count == 1 && result.node_max == config.node_max);
    CHECK_SAY(strstr(complaint(0), "node_max='99999' ignored") != NULL, "%s", complaint(0));
    config_read(&result, "strategy=fast,strategy", &complaints);
    CHECK(complaints.count == 2 && result.strategy == config.strategy);
    CHECK_SAY(strstr(complaint(0), "direct or metadata") != NULL, "%s", complaint(0));
}

static void the_first_complaints_are_kept(void) {
    config_read(&result, "a=1,b=2,c=3,d=4,e=5,f=6,g=7", &complaints);
    CHECK(complaints.count == CONFIG_COMPLAINTS && strstr(complaint(0), "'a'") != NULL);
    CHECK(strstr(complaint(CONFIG_COMPLAINTS - 1), "'d'") != NULL);
}

int main(void) {
    TAP_RUN(nothing_means_the_defaults);
    TAP_RUN(options_are_set_the_last_one_counts);
    TAP_RUN(node_max_is_rounded_up_to_a_class);
    TAP_RUN(a_mistake_is_named_and_the_rest_counts);
    TAP_RUN(the_first_complaints_are_kept);
    return tap_done();
}
