#include "replay/report.h"

#include "base/json.h"
#include "base/memory.h"
#include "compare/comparison.h"
#include "measure/machine.h"
#include "measure/metric.h"
#include "stats/paired.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { REPLAY_REPORT_TEXT_BYTES = 96 };

#define REPLAY_REPORT_LEAST_NS 0.01 /* so that ratios exist */

/* What is said of a variant. */
struct replay_report_line {
    double ns_per_call;
    double resident_bytes;
    double page_faults;
    double fragmentation;     /* NAN: too small to tell */
    struct analysis analysis; /* of ns_per_call; not of the reference */
};

/* ---- numbers ---- */

static const struct replay_result *replay_report_result_of(const struct replay_report *report,
                                                           unsigned round, unsigned variant) {
    const struct rounds *rounds = &report->result->rounds;
    unsigned place = 0;
    while (place + 1 < rounds->variant_count && rounds->items[round].order[place] != variant)
        place++;
    return &report->results[round * rounds->variant_count + place];
}

static double replay_report_ns(const struct replay_result *result) {
    double ns = ((double)result->real_ns - (double)result->null_ns) / (double)result->calls;
    return ns > REPLAY_REPORT_LEAST_NS ? ns : REPLAY_REPORT_LEAST_NS;
}

static double replay_report_resident(const struct replay_result *result) {
    return result->after_kib > result->before_kib
               ? 1024 * (double)(result->after_kib - result->before_kib)
               : 0;
}

static void replay_report_analyse(const struct replay_report *report, unsigned variant,
                                  struct replay_report_line *line) {
    const struct rounds *rounds = &report->result->rounds;
    double *ns = memory_array(rounds->count, sizeof *ns);
    double *resident = memory_array(rounds->count, sizeof *resident);
    double *faults = memory_array(rounds->count, sizeof *faults);
    double *differences = memory_array(rounds->count, sizeof *differences);
    for (unsigned i = 0; i < rounds->count; i++) {
        const struct replay_result *result = replay_report_result_of(report, i, variant);
        ns[i] = replay_report_ns(result);
        resident[i] = replay_report_resident(result);
        faults[i] = (double)result->page_faults;
        differences[i] =
            log(ns[i] / replay_report_ns(replay_report_result_of(report, i, rounds->reference)));
    }
    *line = (struct replay_report_line){
        .ns_per_call = paired_median(ns, rounds->count),
        .resident_bytes = paired_median(resident, rounds->count),
        .page_faults = paired_median(faults, rounds->count),
        .fragmentation = NAN,
        .analysis = {.difference = paired_estimate(differences, rounds->count)},
    };
    double threshold = report->result->plan.threshold;
    line->analysis.verdict = paired_judge(&line->analysis.difference, threshold);
    if (report->summary->peak_bytes >= REPLAY_LEAST_PEAK_BYTES)
        line->fragmentation = line->resident_bytes / (double)report->summary->peak_bytes;
    free(ns);
    free(resident);
    free(faults);
    free(differences);
}

/* ---- for people ---- */

static void replay_report_print_line(FILE *out, const struct replay_report *report,
                                     unsigned variant, int width) {
    const struct result *result = report->result;
    struct replay_report_line line;
    char difference[REPLAY_REPORT_TEXT_BYTES] = "", text[REPLAY_REPORT_TEXT_BYTES];
    const char *word = "";
    char peak[REPLAY_REPORT_TEXT_BYTES], fragmentation[REPLAY_REPORT_TEXT_BYTES] = "-";
    replay_report_analyse(report, variant, &line);
    if (variant != result->rounds.reference) {
        comparison_format_difference(&line.analysis, difference, sizeof difference);
        word = comparison_verdict_word(&metric_about[METRIC_CPU], line.analysis.verdict, text,
                                       sizeof text);
    }
    if (!isnan(line.fragmentation))
        snprintf(fragmentation, sizeof fragmentation, "%.2f", line.fragmentation);
    metric_format(METRIC_PEAK, line.resident_bytes, peak, sizeof peak);
    fprintf(out, "  %-*s  %8.2f ns  %10s  %13s  %11.0f   %-26s %s\n", width,
            result->variants[variant].name, line.ns_per_call, peak, fragmentation, line.page_faults,
            difference, word);
}

void replay_report_print(FILE *out, const struct terminal *terminal,
                         const struct replay_report *report) {
    const struct result *result = report->result;
    const struct rounds *rounds = &result->rounds;
    int width = (int)result_name_width(result);
    char peak[REPLAY_REPORT_TEXT_BYTES];
    double null_ns = 0, calls = 0;
    for (unsigned i = 0; i < rounds->count * rounds->variant_count; i++) {
        null_ns += (double)report->results[i].null_ns;
        calls += (double)report->results[i].calls;
    }
    metric_format(METRIC_PEAK, (double)report->summary->peak_bytes, peak, sizeof peak);
    terminal_colour(terminal, out, TERMINAL_BOLD);
    fprintf(out, "%s\n", report->title);
    terminal_colour(terminal, out, TERMINAL_PLAIN);
    fprintf(
        out,
        "  %" PRIu64 " call%s, %" PRIu64 " thread%s, at most %s live\n"
        "  %u round%s in %.1f s, balanced order, seed %llu; medians, and differences with 95 %% "
        "intervals\n\n",
        report->summary->calls, report->summary->calls == 1 ? "" : "s", report->summary->threads,
        report->summary->threads == 1 ? "" : "s", peak, rounds->count,
        rounds->count == 1 ? "" : "s", result->elapsed_s, (unsigned long long)result->plan.seed);
    terminal_colour(terminal, out, TERMINAL_DIM);
    fprintf(out, "  %-*s  %11s  %10s  %13s  %11s   %s\n", width, "", "per call", "peak",
            "peak / live", "page faults", "difference per call");
    terminal_colour(terminal, out, TERMINAL_PLAIN);
    for (unsigned i = 0; i < rounds->variant_count; i++)
        replay_report_print_line(out, report, i, width);
    fprintf(out,
            "\nTime per call is CPU time of allocation alone, with the cache misses and page "
            "faults of the "
            "memory handed out;\nthe loop around it (%.1f ns a call, measured with an allocator "
            "that does nothing) is taken off.\n",
            calls > 0 ? null_ns / calls : 0);
    if (report->summary->peak_bytes < REPLAY_LEAST_PEAK_BYTES)
        fprintf(out, "Peak memory is too small to tell fragmentation: the kernel counts in steps "
                     "of some 100 KiB.\n");
    if (rounds->count < PAIRED_ROUNDS_FOR_INTERVAL)
        fprintf(out, "%u round%s: no 95 %% interval exists below %d, so there is no verdict.\n",
                rounds->count, rounds->count == 1 ? "" : "s", PAIRED_ROUNDS_FOR_INTERVAL);
}

/* ---- for programs ---- */

static void replay_report_json_variant(struct json *json, const struct replay_report *report,
                                       unsigned index) {
    const struct result *result = report->result;
    const struct variant *variant = &result->variants[index];
    bool reference = index == result->rounds.reference;
    struct replay_report_line line;
    char word[REPLAY_REPORT_TEXT_BYTES];
    replay_report_analyse(report, index, &line);
    const struct paired_interval *difference = &line.analysis.difference;
    json_object(json, NULL);
    json_text(json, "name", variant->name);
    json_text(json, "preload", variant->preload);
    json_text(json, "options", variant->settings);
    json_truth(json, "reference", reference);
    json_number(json, "ns_per_call", line.ns_per_call);
    json_number(json, "peak_resident_bytes", line.resident_bytes);
    json_number(json, "fragmentation", line.fragmentation);
    json_number(json, "page_faults", line.page_faults);
    if (!reference) {
        json_number(json, "difference", paired_share(difference->estimate));
        json_number(json, "low", difference->exists ? paired_share(difference->low) : NAN);
        json_number(json, "high", difference->exists ? paired_share(difference->high) : NAN);
        json_text(json, "verdict",
                  comparison_verdict_word(&metric_about[METRIC_CPU], line.analysis.verdict, word,
                                          sizeof word));
    }
    json_end(json);
}

static void replay_report_json_result(struct json *json, const char *variant,
                                      const struct replay_result *result) {
    json_flat_object(json, NULL);
    json_text(json, "variant", variant);
    json_count(json, "calls", result->calls);
    json_count(json, "real_ns", result->real_ns);
    json_count(json, "null_ns", result->null_ns);
    json_count(json, "resident_before_bytes", result->before_kib * 1024);
    json_count(json, "resident_after_bytes", result->after_kib * 1024);
    json_count(json, "page_faults", result->page_faults);
    json_end(json);
}

static void replay_report_json_trace(struct json *json, const struct replay_report *report) {
    const struct trace_summary *summary = report->summary;
    json_object(json, "trace");
    json_text(json, "program", report->head->name);
    json_count(json, "calls", summary->calls);
    json_count(json, "requests", summary->requests);
    json_count(json, "threads", summary->threads);
    json_count(json, "blocks_peak", summary->slots);
    json_count(json, "peak_bytes", summary->peak_bytes);
    json_count(json, "live_bytes_at_end", summary->live_bytes);
    json_count(json, "largest_bytes", summary->largest_bytes);
    json_truth(json, "complete", report->head->end == TAGPOOL_TRACE_EXITED);
    json_end(json);
}

void replay_report_print_json(FILE *out, const struct replay_report *report) {
    const struct result *result = report->result;
    const struct rounds *rounds = &result->rounds;
    struct json json;
    json_init(&json, out);
    json_document(&json, NULL, "tagpool-replay", REPLAY_JSON_VERSION);
    json_text(&json, "name", report->title);
    machine_print_json_here(&json);
    replay_report_json_trace(&json, report);
    json_count(&json, "seed", result->plan.seed);
    json_number(&json, "elapsed_seconds", result->elapsed_s);
    json_truth(&json, "single_thread", report->single);
    json_array(&json, "variants");
    for (unsigned i = 0; i < rounds->variant_count; i++)
        replay_report_json_variant(&json, report, i);
    json_end(&json);
    json_array(&json, "rounds");
    for (unsigned i = 0; i < rounds->count; i++) {
        json_array(&json, NULL);
        for (unsigned place = 0; place < rounds->variant_count; place++)
            replay_report_json_result(&json, result->variants[rounds->items[i].order[place]].name,
                                      &report->results[i * rounds->variant_count + place]);
        json_end(&json);
    }
    json_end(&json);
    json_end(&json);
}
