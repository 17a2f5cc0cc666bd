/* If this failed, a profile that is read back would differ from the one that was written, or a
 * damaged file would be charted as if it were whole. */
#include "tap.h"

#include "base/randomness.h"
#include "profile/json.h"

#include <math.h>

static char *print(const char *key, const struct profile *profile) {
    struct json json;
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    json_init(&json, out);
    if (key != NULL)
        json_object(&json, NULL);
    profile_json_print(&json, key, profile);
    if (key != NULL)
        json_end(&json);
    fclose(out);
    return text;
}

/* Every number is another one; those that a page keeps small are. */
static void fill_row(struct tagpool_profile_row *row, struct randomness *randomness) {
    uint64_t *words = (uint64_t *)row;
    for (size_t i = 0; i < sizeof *row / sizeof *words; i++)
        words[i] = randomness_next(randomness) >> (i % 64);
    row->state = TAGPOOL_PROFILE_ENDED;
    row->forked = 1;
    row->start_ns = 0;
    row->seen_ns = 987654321987;
    row->peak_ns = 1;
    row->sample_count = 3;
    row->chains[0] = 0;
    for (unsigned i = 0; i < row->sample_count; i++)
        row->samples[i].when_ns = 123456789 * i;
    snprintf(row->name, sizeof row->name, "a \"name\"");
}

static void make_profile(struct profile *profile) {
    static struct tagpool_profile_row rows[2];
    static char program[] = "program", word[] = "a \"word\"";
    static char *command[] = {program, word, NULL};
    struct randomness randomness = {.state = 7};
    *profile = (struct profile){
        .title = "title",
        .command = command,
        .version = "1.2.3",
        .machine = {.load = -1},
        .profiled = {.wait_status = 11, .wall_s = 0.1, .cpu_s = 0.3},
        .plain = {.wall_s = 0.7, .cpu_s = 0.9},
        .has_plain = true,
        .slowdown = 1.0 / 7,
        .summary = {.processes = rows, .process_count = 2, .processes_missed = 5},
        .advice = {.verdict = ADVICE_FASTER,
                   .requests = 1,
                   .node_share = 0.1,
                   .large_share = 0.2,
                   .calls_per_cpu = 0.3,
                   .remote_share = 0.5,
                   .node_max = 48,
                   .served_share = 0.6,
                   .live_bytes = 9,
                   .waste = 0.7,
                   .system_waste = 0.8,
                   .rounds = 6,
                   .headroom = {.measured = true, .share = 0.3},
                   .command = "tagpool run"},
    };
    for (int metric = 0; metric < METRIC_COUNT; metric++)
        profile->advice.trial[metric] =
            (struct analysis){.reference = 3,
                              .value = 1.0 / 3,
                              .difference = {-0.1, -1.0 / 7, -0.05, metric != METRIC_PEAK}};
    advice_say(&profile->advice, "one");
    advice_say(&profile->advice, "two");
    fill_row(&rows[0], &randomness);
    fill_row(&rows[1], &randomness);
    fill_row(&profile->summary.total, &randomness);
}

/* A profile that was read, and the tree that its texts are in. */
struct loaded {
    struct profile profile;
    struct json_value *root;
    const char *fault;
};

static struct loaded load(const char *text) {
    char *fault;
    struct loaded loaded = {.root = json_tree_parse(text, strlen(text), &fault)};
    CHECK_SAY(loaded.root != NULL, "%s", fault);
    loaded.fault = profile_json_load(&loaded.profile, loaded.root);
    return loaded;
}

static void drop(struct loaded *loaded) {
    profile_file_free(&loaded->profile.summary);
    machine_free(&loaded->profile.machine);
    free(loaded->profile.command);
    json_tree_free(loaded->root);
}

/* Reads the text with the first `from` replaced, which is to be refused. */
static void refuse(const char *text, const char *from, const char *to, const char *fault) {
    const char *at = strstr(text, from);
    char *damaged = NULL;
    CHECK_SAY(at != NULL, "%s is not there", from);
    CHECK(asprintf(&damaged, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
    struct loaded loaded = load(damaged);
    CHECK_SAY(loaded.fault != NULL && strcmp(loaded.fault, fault) == 0, "%.40s: %s", to,
              loaded.fault != NULL ? loaded.fault : "no fault");
    drop(&loaded);
    free(damaged);
}

static void what_is_read_back_is_written_as_it_was(void) {
    struct profile profile;
    make_profile(&profile);
    char *text = print(NULL, &profile);
    struct loaded again = load(text);
    CHECK(again.fault == NULL);
    char *text_again = print(NULL, &again.profile);
    CHECK_SAY(strcmp(text, text_again) == 0, "%s became %s", text, text_again);
    CHECK(memcmp(again.profile.summary.processes[1].samples, profile.summary.processes[1].samples,
                 3 * sizeof profile.summary.processes[1].samples[0]) == 0);
    CHECK(again.profile.profiled.wait_status == 11);
    CHECK(again.profile.advice.verdict == ADVICE_FASTER && again.profile.advice.rounds == 6);
    CHECK(again.profile.advice.sentence_count == 2);
    CHECK(again.profile.advice.trial[METRIC_CPU].difference.low == -1.0 / 7);
    CHECK(!again.profile.advice.trial[METRIC_PEAK].difference.exists);
    free(text);
    free(text_again);
    drop(&again);
}

static void what_is_not_known_stays_so(void) {
    struct profile profile;
    make_profile(&profile);
    profile.has_plain = false;
    profile.slowdown = NAN;
    profile.profiled.wait_status = 3 << 8;
    profile.advice.calls_per_cpu = 0;
    profile.advice.rounds = 0;
    profile.advice.headroom.measured = false;
    profile.advice.headroom.share = 0;
    profile.advice.command = NULL;
    char *text = print(NULL, &profile);
    CHECK(strstr(text, "\"plain\": null") != NULL && strstr(text, "\"trial\": null") != NULL &&
          strstr(text, "\"exit_status\": 3") != NULL);
    struct loaded again = load(text);
    CHECK(again.fault == NULL && !again.profile.has_plain && isnan(again.profile.slowdown));
    CHECK(again.profile.advice.calls_per_cpu == 0);
    char *text_again = print(NULL, &again.profile);
    CHECK(strcmp(text, text_again) == 0);
    free(text);
    free(text_again);
    drop(&again);
}

static void a_profile_in_a_comparison_has_its_plain_objects_on_one_line(void) {
    struct profile profile;
    make_profile(&profile);
    char *text = print("profile", &profile);
    CHECK(strstr(text, "    \"advice\": {\"verdict\": \"faster\", \"requests\": 1, ") != NULL);
    CHECK(strstr(text, "    \"machine\": {\"system\": null, ") != NULL);
    free(text);
}

static void a_file_that_is_no_whole_profile_is_refused_with_the_reason(void) {
    static const struct {
        const char *from, *to, *fault;
    } cases[] = {
        {"tagpool-profile", "tagpool-compare", "is no saved profile"},
        {"\"schema_version\": 2", "\"schema_version\": 1", "is of another version of tagpool"},
        {"\"faster\"", "\"much\"", "has advice without a verdict"},
        {"\"blocks\": [\n", "\"blocks\": [1,\n", "has lifetimes of another shape"},
        {"\"lifetimes\"", "\"deaths\"", "has lifetimes of another shape"},
        {"\"total\"", "\"sum\"", "has lifetimes of another shape"},
    };
    struct profile profile;
    make_profile(&profile);
    char *text = print(NULL, &profile);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuse(text, cases[i].from, cases[i].to, cases[i].fault);
    free(text);
}

static void more_than_a_page_holds_is_refused(void) {
    static char samples[4096] = "\"samples\": [", processes[4096] = "\"processes\": [";
    struct profile profile;
    make_profile(&profile);
    char *text = print(NULL, &profile);
    for (int i = 0; i < TAGPOOL_PROFILE_SAMPLES; i++)
        strcat(samples, "{}, ");
    for (int i = 0; i < TAGPOOL_PROFILE_ROWS; i++)
        strcat(processes, "{}, ");
    refuse(text, "\"samples\": [", samples, "has more samples than a profile holds");
    refuse(text, "\"processes\": [", processes, "has more processes than a profile holds");
    free(text);
}

int main(void) {
    TAP_RUN(what_is_read_back_is_written_as_it_was);
    TAP_RUN(what_is_not_known_stays_so);
    TAP_RUN(a_profile_in_a_comparison_has_its_plain_objects_on_one_line);
    TAP_RUN(a_file_that_is_no_whole_profile_is_refused_with_the_reason);
    TAP_RUN(more_than_a_page_holds_is_refused);
    return tap_done();
}
