#include "profile/json.h"

#include "base/memory.h"
#include "profile/sites_json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* ---- writing ---- */

static void profile_json_time(struct json *json, const char *key,
                              const struct proxy_result *result) {
    json_flat_object(json, key);
    json_number(json, "wall_seconds", result->wall_s);
    json_number(json, "cpu_seconds", result->cpu_s);
    json_end(json);
}

static void profile_json_chains(struct json *json, const struct tagpool_profile_row *row) {
    json_array(json, "chains");
    for (unsigned i = 1; i < TAGPOOL_PROFILE_CHAINS; i++) {
        if (row->chains[i] == 0)
            continue;
        json_flat_object(json, NULL);
        json_count(json, "reallocs_max", (UINT64_C(1) << i) - 1);
        json_count(json, "blocks", row->chains[i]);
        json_end(json);
    }
    json_end(json);
}

static void profile_json_sizes(struct json *json, const struct tagpool_profile_row *row) {
    json_array(json, "sizes");
    for (unsigned i = 0; i < TAGPOOL_PROFILE_SIZES; i++) {
        const struct tagpool_profile_size *size = &row->sizes[i];
        if (size->calls == 0 && size->live_peak == 0)
            continue;
        json_flat_object(json, NULL);
        json_count(json, "bytes_max", tagpool_profile_size_limit(i));
        json_count(json, "calls", size->calls);
        json_count(json, "bytes", size->bytes);
        json_count(json, "live", size->live);
        json_count(json, "live_peak", size->live_peak);
        json_end(json);
    }
    json_end(json);
}

/* Columns are limited by powers of two of `unit`. */
static void profile_json_life(struct json *json, const char *key, double unit,
                              const uint64_t blocks[][TAGPOOL_PROFILE_LIFE_STEPS]) {
    json_object(json, key);
    json_flat_array(json, "limits");
    for (unsigned i = 0; i + 1 < TAGPOOL_PROFILE_LIFE_STEPS; i++)
        json_number(json, NULL, unit * (double)(UINT64_C(1) << i));
    json_null(json, NULL);
    json_end(json);
    json_array(json, "blocks");
    for (unsigned size = 0; size < TAGPOOL_PROFILE_LIFE_SIZES; size++) {
        json_flat_array(json, NULL);
        for (unsigned i = 0; i < TAGPOOL_PROFILE_LIFE_STEPS; i++)
            json_count(json, NULL, blocks[size][i]);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

static void profile_json_lifetimes(struct json *json, const struct tagpool_profile_row *row) {
    json_object(json, "lifetimes");
    json_flat_array(json, "size_limits");
    for (unsigned i = 0; i + 1 < TAGPOOL_PROFILE_LIFE_SIZES; i++)
        json_count(json, NULL, UINT64_C(16) << i);
    json_null(json, NULL);
    json_end(json);
    profile_json_life(json, "requests", 1, row->life_calls);
    profile_json_life(json, "seconds", 1e-6, row->life_us);
    json_end(json);
}

static void profile_json_live(struct json *json, const struct tagpool_profile_row *row) {
    json_object(json, "live");
    json_count(json, "inherited_blocks", row->inherited_blocks);
    json_count(json, "inherited_bytes", row->inherited_bytes);
    json_count(json, "blocks", row->live_blocks);
    json_count(json, "bytes", row->live_bytes);
    json_count(json, "peak_bytes", row->peak_bytes);
    json_count(json, "peak_blocks", row->peak_blocks);
    json_number(json, "peak_seconds", (double)row->peak_ns * 1e-9);
    json_array(json, "samples");
    for (uint64_t i = 0; i < row->sample_count; i++) {
        const struct tagpool_profile_sample *sample = &row->samples[i];
        json_flat_object(json, NULL);
        json_number(json, "seconds", (double)sample->when_ns * 1e-9);
        json_count(json, "calls", sample->calls);
        json_count(json, "blocks", sample->blocks);
        json_count(json, "bytes", sample->bytes);
        json_count(json, "peak_bytes", sample->bytes_peak);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

static void profile_json_row(struct json *json, const char *key,
                             const struct tagpool_profile_row *row, bool process) {
    json_object(json, key);
    if (process) {
        json_text(json, "name", row->name);
        json_count(json, "pid", row->pid);
        json_truth(json, "forked", row->forked != 0);
        json_truth(json, "ended", row->state == TAGPOOL_PROFILE_ENDED);
        json_number(json, "seconds", (double)(row->seen_ns - row->start_ns) * 1e-9);
    }
    json_count(json, "calls", row->calls);
    json_count(json, "threads", row->threads);
    json_plain_object(json, "counters");
#define PROFILE_JSON_COUNT(NAME, HELP) json_count(json, #NAME, row->NAME);
    TAGPOOL_PROFILE_COUNTERS(PROFILE_JSON_COUNT)
#undef PROFILE_JSON_COUNT
    json_end(json);
    profile_json_chains(json, row);
    profile_json_sizes(json, row);
    profile_json_lifetimes(json, row);
    if (process)
        profile_json_live(json, row);
    json_end(json);
}

static void profile_json_advice(struct json *json, const struct advice *advice) {
    bool known = advice->calls_per_cpu > 0;
    json_plain_object(json, "advice");
    json_text(json, "verdict", advice_verdict_words[advice->verdict]);
    json_count(json, "requests", advice->requests);
    json_number(json, "node_share", advice->node_share);
    json_number(json, "served_share", advice->served_share);
    json_number(json, "large_bytes_share", advice->large_share);
    json_number(json, "calls_per_cpu_second", known ? advice->calls_per_cpu : NAN);
    json_number(json, "remote_share", advice->remote_share);
    json_count(json, "node_max", advice->node_max);
    json_count(json, "live_bytes", advice->live_bytes);
    json_number(json, "waste", advice->waste);
    json_number(json, "system_waste", advice->system_waste);
    json_end(json);
}

static void profile_json_trial_metric(struct json *json, enum metric metric,
                                      const struct analysis *analysis) {
    const struct paired_interval *difference = &analysis->difference;
    json_flat_object(json, metric_about[metric].key);
    json_exact(json, "reference_median", analysis->reference);
    json_exact(json, "median", analysis->value);
    json_exact(json, "log_estimate", difference->estimate);
    json_exact(json, "log_low", difference->exists ? difference->low : NAN);
    json_exact(json, "log_high", difference->exists ? difference->high : NAN);
    json_end(json);
}

static void profile_json_trial(struct json *json, const struct advice *advice) {
    if (advice->rounds == 0) {
        json_null(json, "trial");
        return;
    }
    json_object(json, "trial");
    json_count(json, "rounds", advice->rounds);
    for (int metric = 0; metric < METRIC_COUNT; metric++)
        profile_json_trial_metric(json, (enum metric)metric, &advice->trial[metric]);
    json_number(json, "headroom_share", advice->headroom.measured ? advice->headroom.share : NAN);
    json_end(json);
}

/* What was said of it. */
static void profile_json_sentences(struct json *json, const struct advice *advice) {
    json_array(json, "sentences");
    for (unsigned i = 0; i < advice->sentence_count; i++)
        json_text(json, NULL, advice->sentences[i]);
    json_end(json);
    json_text(json, "advised_command", advice->command);
}

/* The command, and how its runs went. */
static void profile_json_runs(struct json *json, const struct profile *profile) {
    int status = profile->profiled.wait_status;
    json_flat_array(json, "command");
    for (char **word = profile->command; *word != NULL; word++)
        json_text(json, NULL, *word);
    json_end(json);
    machine_print_json(json, &profile->machine);
    json_count(json, WIFSIGNALED(status) ? "signal" : "exit_status",
               (uint64_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
    profile_json_time(json, "profiled", &profile->profiled);
    if (profile->has_plain)
        profile_json_time(json, "plain", &profile->plain);
    else
        json_null(json, "plain");
    json_number(json, "slowdown", profile->slowdown);
}

void profile_json_print(struct json *json, const char *key, const struct profile *profile) {
    const struct profile_summary *summary = &profile->summary;
    json->tight = key != NULL;
    json_object(json, key);
    json_text(json, "schema", "tagpool-profile");
    json_count(json, "schema_version", PROFILE_JSON_VERSION);
    json_text(json, "tagpool_version", profile->version);
    json_text(json, "name", profile->title);
    profile_json_runs(json, profile);
    json_count(json, "processes_missed", summary->processes_missed);
    profile_json_advice(json, &profile->advice);
    profile_json_trial(json, &profile->advice);
    profile_json_sentences(json, &profile->advice);
    if (profile->sites != NULL)
        sites_json_print(json, "sites", profile->sites);
    profile_json_row(json, "total", &summary->total, false);
    json_array(json, "processes");
    for (unsigned i = 0; i < summary->process_count; i++)
        profile_json_row(json, NULL, &summary->processes[i], true);
    json_end(json);
    json_end(json);
    json->tight = false;
}

/* ---- reading back ---- */

/* Whole nanoseconds: they were written with more digits than that takes. */
static uint64_t profile_json_load_ns(const struct json_value *value, const char *path) {
    double seconds = json_tree_number(value, path, 0);
    return seconds > 0 && seconds < 1e9 ? (uint64_t)llround(seconds * 1e9) : 0;
}

static void profile_json_load_time(struct proxy_result *result, const struct json_value *value) {
    result->wall_s = json_tree_number(value, "wall_seconds", 0);
    result->cpu_s = json_tree_number(value, "cpu_seconds", 0);
}

static void profile_json_load_chains(struct tagpool_profile_row *row,
                                     const struct json_value *value) {
    size_t count;
    const struct json_value *items = json_tree_items(value, "chains", &count);
    for (size_t i = 0; i < count; i++) {
        uint64_t reallocs = json_tree_count(&items[i], "reallocs_max");
        row->chains[tagpool_profile_log_bin(reallocs, TAGPOOL_PROFILE_CHAINS)] +=
            json_tree_count(&items[i], "blocks");
    }
}

static void profile_json_load_sizes(struct tagpool_profile_row *row,
                                    const struct json_value *value) {
    size_t count;
    const struct json_value *items = json_tree_items(value, "sizes", &count);
    for (size_t i = 0; i < count; i++) {
        uint64_t limit = json_tree_count(&items[i], "bytes_max");
        row->sizes[tagpool_profile_size_bin(limit)] = (struct tagpool_profile_size){
            .calls = json_tree_count(&items[i], "calls"),
            .bytes = json_tree_count(&items[i], "bytes"),
            .live = json_tree_count(&items[i], "live"),
            .live_peak = json_tree_count(&items[i], "live_peak"),
        };
    }
}

static bool profile_json_load_life(uint64_t blocks[][TAGPOOL_PROFILE_LIFE_STEPS],
                                   const struct json_value *value, const char *path) {
    size_t sizes, steps;
    const struct json_value *rows = json_tree_items(value, path, &sizes);
    if (sizes != TAGPOOL_PROFILE_LIFE_SIZES)
        return false;
    for (size_t size = 0; size < sizes; size++) {
        const struct json_value *cells = json_tree_items(&rows[size], "", &steps);
        if (steps != TAGPOOL_PROFILE_LIFE_STEPS)
            return false;
        for (size_t step = 0; step < steps; step++)
            blocks[size][step] = json_tree_count(&cells[step], "");
    }
    return true;
}

static bool profile_json_load_live(struct tagpool_profile_row *row, const struct json_value *live) {
    size_t count;
    const struct json_value *items = json_tree_items(live, "samples", &count);
    if (count > TAGPOOL_PROFILE_SAMPLES)
        return false;
    row->inherited_blocks = json_tree_count(live, "inherited_blocks");
    row->inherited_bytes = json_tree_count(live, "inherited_bytes");
    row->live_blocks = json_tree_count(live, "blocks");
    row->live_bytes = json_tree_count(live, "bytes");
    row->peak_bytes = json_tree_count(live, "peak_bytes");
    row->peak_blocks = json_tree_count(live, "peak_blocks");
    row->peak_ns = profile_json_load_ns(live, "peak_seconds");
    row->sample_count = count;
    for (size_t i = 0; i < count; i++)
        row->samples[i] = (struct tagpool_profile_sample){
            .when_ns = profile_json_load_ns(&items[i], "seconds"),
            .calls = json_tree_count(&items[i], "calls"),
            .blocks = json_tree_count(&items[i], "blocks"),
            .bytes = json_tree_count(&items[i], "bytes"),
            .bytes_peak = json_tree_count(&items[i], "peak_bytes"),
        };
    return true;
}

static const char *profile_json_load_row(struct tagpool_profile_row *row,
                                         const struct json_value *value) {
    row->state = json_tree_truth(value, "ended") ? TAGPOOL_PROFILE_ENDED : TAGPOOL_PROFILE_RUNNING;
    row->pid = json_tree_count(value, "pid");
    row->forked = json_tree_truth(value, "forked");
    row->seen_ns = profile_json_load_ns(value, "seconds");
    row->calls = json_tree_count(value, "calls");
    row->threads = json_tree_count(value, "threads");
    snprintf(row->name, sizeof row->name, "%s", json_tree_text(value, "name", ""));
#define PROFILE_JSON_COUNT(NAME, HELP) row->NAME = json_tree_count(value, "counters." #NAME);
    TAGPOOL_PROFILE_COUNTERS(PROFILE_JSON_COUNT)
#undef PROFILE_JSON_COUNT
    profile_json_load_chains(row, value);
    profile_json_load_sizes(row, value);
    if (!profile_json_load_life(row->life_calls, value, "lifetimes.requests.blocks") ||
        !profile_json_load_life(row->life_us, value, "lifetimes.seconds.blocks"))
        return "has lifetimes of another shape";
    if (!profile_json_load_live(row, json_tree_find(value, "live")))
        return "has more samples than a profile holds";
    return NULL;
}

static const char *profile_json_load_advice(struct advice *advice, const struct json_value *value) {
    const char *verdict = json_tree_text(value, "verdict", "");
    unsigned known = 0;
    while (known < ADVICE_VERDICT_COUNT && strcmp(verdict, advice_verdict_words[known]) != 0)
        known++;
    if (known == ADVICE_VERDICT_COUNT)
        return "has advice without a verdict";
    *advice = (struct advice){
        .verdict = (enum advice_verdict)known,
        .requests = json_tree_count(value, "requests"),
        .node_share = json_tree_number(value, "node_share", 0),
        .served_share = json_tree_number(value, "served_share", 0),
        .large_share = json_tree_number(value, "large_bytes_share", 0),
        .calls_per_cpu = json_tree_number(value, "calls_per_cpu_second", 0),
        .remote_share = json_tree_number(value, "remote_share", 0),
        .node_max = json_tree_count(value, "node_max"),
        .live_bytes = json_tree_count(value, "live_bytes"),
        .waste = json_tree_number(value, "waste", 0),
        .system_waste = json_tree_number(value, "system_waste", 0),
    };
    return NULL;
}

static void profile_json_load_trial_metric(struct analysis *analysis,
                                           const struct json_value *value) {
    double low = json_tree_number(value, "log_low", NAN);
    double high = json_tree_number(value, "log_high", NAN);
    *analysis = (struct analysis){
        .reference = json_tree_number(value, "reference_median", 0),
        .value = json_tree_number(value, "median", 0),
        .difference = {.estimate = json_tree_number(value, "log_estimate", 0),
                       .low = low,
                       .high = high,
                       .exists = !isnan(low) && !isnan(high)},
    };
}

static void profile_json_load_trial(struct advice *advice, const struct json_value *document) {
    const struct json_value *trial = json_tree_find(document, "trial");
    size_t count;
    const struct json_value *sentences = json_tree_items(document, "sentences", &count);
    advice->rounds = (unsigned)json_tree_count(trial, "rounds");
    for (int metric = 0; advice->rounds != 0 && metric < METRIC_COUNT; metric++)
        profile_json_load_trial_metric(&advice->trial[metric],
                                       json_tree_find(trial, metric_about[metric].key));
    double share = json_tree_number(trial, "headroom_share", NAN);
    advice->headroom.measured = !isnan(share);
    advice->headroom.share = advice->headroom.measured ? share : 0;
    for (size_t i = 0; i < count; i++)
        advice_say(advice, json_tree_text(&sentences[i], "", ""));
    advice->command = json_tree_text(document, "advised_command", NULL);
}

static const char *profile_json_load_processes(struct profile_summary *summary,
                                               const struct json_value *document) {
    size_t count;
    const struct json_value *items = json_tree_items(document, "processes", &count);
    if (count > TAGPOOL_PROFILE_ROWS)
        return "has more processes than a profile holds";
    summary->processes_missed = json_tree_count(document, "processes_missed");
    summary->processes = memory_array(TAGPOOL_PROFILE_ROWS, sizeof *summary->processes);
    const char *fault = profile_json_load_row(&summary->total, json_tree_find(document, "total"));
    for (; fault == NULL && summary->process_count < count; summary->process_count++)
        fault = profile_json_load_row(&summary->processes[summary->process_count],
                                      &items[summary->process_count]);
    return fault;
}

const char *profile_json_load(struct profile *profile, const struct json_value *document) {
    const struct json_value *plain = json_tree_find(document, "plain");
    int signal = (int)json_tree_count(document, "signal");
    int status = (int)json_tree_count(document, "exit_status");
    if (strcmp(json_tree_text(document, "schema", ""), "tagpool-profile") != 0)
        return "is no saved profile";
    if (json_tree_count(document, "schema_version") != PROFILE_JSON_VERSION)
        return "is of another version of tagpool";
    *profile = (struct profile){
        .title = json_tree_text(document, "name", NULL),
        .command = json_tree_texts(document, "command"),
        .version = json_tree_text(document, "tagpool_version", NULL),
        .profiled.wait_status = signal != 0 ? signal & 0x7f : (status & 0xff) << 8,
        .has_plain = plain != NULL && plain->kind == JSON_OBJECT,
        .slowdown = json_tree_number(document, "slowdown", NAN),
    };
    machine_load(&profile->machine, document);
    profile_json_load_time(&profile->profiled, json_tree_find(document, "profiled"));
    profile_json_load_time(&profile->plain, plain);
    const char *fault =
        profile_json_load_advice(&profile->advice, json_tree_find(document, "advice"));
    profile_json_load_trial(&profile->advice, document);
    return fault != NULL ? fault : profile_json_load_processes(&profile->summary, document);
}
