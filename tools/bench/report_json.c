#include "bench/report.h"

#include "base/json.h"
#include "measure/machine.h"

#include <math.h>

static void report_json_metric(struct json *json, const struct results_row *row, unsigned variant,
                               enum metric metric) {
    const struct paired_interval *difference = &row->difference[variant][metric];
    json_flat_object(json, metric_about[metric].key);
    json_number(json, "median", row->value[variant][metric]);
    json_number(json, "ratio", exp(difference->estimate));
    if (difference->exists) {
        json_number(json, "low", exp(difference->low));
        json_number(json, "high", exp(difference->high));
    }
    json_end(json);
}

static void report_json_row(struct json *json, const struct results *results,
                            const struct results_row *row) {
    json_object(json, NULL);
    json_text(json, "name", row->workload->name);
    json_text(json, "group", panel_group_names[row->workload->group]);
    json_flat_array(json, "command");
    for (int i = 0; i < PANEL_WORDS_MAX && row->workload->words[i] != NULL; i++)
        json_text(json, NULL, row->workload->words[i]);
    json_end(json);
    json_text(json, "no_result_because", row->reason);
    if (row->reason == NULL) {
        json_count(json, "rounds", row->rounds);
        json_object(json, "variants");
        for (unsigned i = 0; i < results->variant_count; i++) {
            json_object(json, results->variants[i].name);
            for (int metric = 0; metric < METRIC_COUNT; metric++)
                report_json_metric(json, row, i, (enum metric)metric);
            if (row->system_calls[i] != 0)
                json_count(json, "system_calls", row->system_calls[i]);
            json_end(json);
        }
        json_end(json);
    }
    json_end(json);
}

static void report_json_means(struct json *json, const struct results *results, unsigned variant,
                              const char *key, unsigned groups) {
    json_flat_object(json, key);
    for (int metric = 0; metric < METRIC_COUNT; metric++)
        json_number(json, metric_about[metric].key,
                    results_mean(results, groups, variant, (enum metric)metric));
    json_end(json);
}

static void report_json_targets(struct json *json, const struct results *results,
                                unsigned variant) {
    struct results_target targets[RESULTS_TARGETS_MAX];
    unsigned count = results_targets(results, variant, targets);
    json_array(json, "targets");
    for (unsigned i = 0; i < count; i++) {
        bool own = isnan(targets[i].limit);
        json_flat_object(json, NULL);
        json_text(json, "name", targets[i].text);
        json_number(json, "limit", own ? targets[i].best_other : targets[i].limit);
        json_number(json, "reached", targets[i].reached);
        json_text(json, "workload", targets[i].workload);
        json_end(json);
    }
    json_end(json);
}

static void report_json_variant(struct json *json, const struct results *results,
                                unsigned variant) {
    const struct variant *about = &results->variants[variant];
    json_object(json, NULL);
    json_text(json, "name", about->name);
    json_text(json, "preload", about->preload);
    json_text(json, "options", about->settings);
    report_json_means(json, results, variant, "mean_ratios_parsers", 1U << PANEL_PARSERS);
    report_json_means(json, results, variant, "mean_ratios_single_threaded",
                      RESULTS_SINGLE_THREADED);
    report_json_means(json, results, variant, "mean_ratios_threads", RESULTS_THREADED);
    json_number(json, "allocation_time_ratio", results_allocation_ratio(results, variant));
    if (results->start.rounds != 0) {
        json_number(json, "process_start_seconds", results->start.wall_s[variant]);
        json_number(json, "process_start_seconds_over_reference",
                    results_start_over_s(results, variant));
    }
    if (about->shim)
        report_json_targets(json, results, variant);
    json_end(json);
}

void report_print_json(FILE *out, const struct report *report) {
    const struct results *results = report->results;
    struct json json;
    json_init(&json, out);
    json_document(&json, NULL, "tagpool-bench", REPORT_JSON_VERSION);
    machine_print_json_here(&json);
    json_count(&json, "runs", report->runs);
    json_count(&json, "seed", report->seed);
    json_number(&json, "elapsed_seconds", report->elapsed_s);
    json_array(&json, "variants");
    for (unsigned i = 0; i < results->variant_count; i++)
        report_json_variant(&json, results, i);
    json_end(&json);
    json_array(&json, "workloads");
    for (unsigned i = 0; i < results->row_count; i++)
        report_json_row(&json, results, &results->rows[i]);
    json_end(&json);
    json_end(&json);
}
