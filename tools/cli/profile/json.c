#include "base/json.h"
#include "base/version.h"
#include "measure/machine.h"
#include "profile/table.h"

#include <math.h>
#include <sys/wait.h>

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
    json_object(json, "counters");
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

static void profile_json_advice(struct json *json, const struct profile_advice *advice) {
    static const char *const verdicts[] = {
        [ADVICE_NO_CALLS] = "too few calls",
        [ADVICE_NOTHING] = "nothing",
        [ADVICE_LITTLE] = "little",
        [ADVICE_HELPS] = "helps",
    };
    bool known = advice->calls_per_cpu > 0;
    json_object(json, "advice");
    json_text(json, "verdict", verdicts[advice->verdict]);
    json_count(json, "requests", advice->requests);
    json_number(json, "node_share", advice->node_share);
    json_number(json, "served_share", advice->served_share);
    json_number(json, "large_bytes_share", advice->large_share);
    json_number(json, "calls_per_cpu_second", known ? advice->calls_per_cpu : NAN);
    json_number(json, "cpu_share", known ? advice->cpu_share : NAN);
    json_number(json, "remote_share", advice->remote_share);
    json_count(json, "node_max", advice->node_max);
    json_count(json, "live_bytes", advice->live_bytes);
    json_number(json, "waste", advice->waste);
    json_number(json, "system_waste", advice->system_waste);
    json_text(json, "options", advice->options);
    json_end(json);
}

void profile_report_print_json(FILE *out, const struct profile_report *report) {
    const struct profile_summary *summary = &report->summary;
    int status = report->profiled.wait_status;
    struct json json;
    json_init(&json, out);
    json_object(&json, NULL);
    json_text(&json, "schema", "tagpool-profile");
    json_count(&json, "schema_version", PROFILE_JSON_VERSION);
    json_text(&json, "tagpool_version", TAGPOOL_VERSION);
    json_text(&json, "name", report->title);
    json_flat_array(&json, "command");
    for (char **word = report->command; *word != NULL; word++)
        json_text(&json, NULL, *word);
    json_end(&json);
    machine_print_json_here(&json);
    json_count(&json, WIFSIGNALED(status) ? "signal" : "exit_status",
               (uint64_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
    profile_json_time(&json, "profiled", &report->profiled);
    if (report->has_plain) {
        profile_json_time(&json, "plain", &report->plain);
        json_number(&json, "slowdown", report->profiled.wall_s / report->plain.wall_s);
    } else {
        json_null(&json, "plain");
        json_null(&json, "slowdown");
    }
    json_count(&json, "processes_missed", summary->processes_missed);
    profile_json_advice(&json, &report->advice);
    profile_json_row(&json, "total", &summary->total, false);
    json_array(&json, "processes");
    for (unsigned i = 0; i < summary->process_count; i++)
        profile_json_row(&json, NULL, &summary->processes[i], true);
    json_end(&json);
    json_end(&json);
}
