#include "measure/live_report.h"

#include "base/json.h"
#include "measure/metric.h"

#include <inttypes.h>
#include <string.h>
#include <tagpool/options.h>

const char *const live_formats[] = {"table", "json", "openmetrics", NULL};

static const char *const live_strategies[] = {TAGPOOL_CHOICES_strategy};

static const char *live_strategy(const struct live_process *process) {
    size_t count = sizeof live_strategies / sizeof live_strategies[0];
    return process->page.strategy < count ? live_strategies[process->page.strategy] : "?";
}

/* ---- numbers of a process ---- */

static double live_pools(const struct live_process *process) {
    return (double)stats_process_pool_calls_so_far(&process->page);
}

static double live_calls(const struct live_process *process) {
    const struct tagpool_stats_counters *counters = &process->page.counters;
    return live_pools(process) + (double)counters->large_calls + (double)counters->fallback_calls +
           (double)counters->direct_calls;
}

static double live_held(const struct live_process *process) {
    return (double)process->page.pool_bytes + (double)process->page.pool_bytes_kept;
}

/* The pools may have grown or shrunk since what is live was counted. */
static double live_bytes(const struct live_process *process) {
    double live = (double)process->page.live_bytes, most = (double)process->page.pool_bytes;
    return live < most ? live : most;
}

static double live_free_bytes(const struct live_process *process) {
    return live_held(process) - live_bytes(process);
}

static double live_page_faults(const struct live_process *process) {
    return (double)process->minor_faults + (double)process->major_faults;
}

/* ---- the table ---- */

static const struct live_process *live_find(const struct live *live, int pid) {
    for (unsigned i = 0; live != NULL && i < live->count; i++)
        if (live->items[i].pid == pid && live->items[i].state == LIVE_KEPT)
            return &live->items[i];
    return NULL;
}

static void live_print_row(FILE *out, const struct live_process *process,
                           const struct live_process *before, double seconds) {
    char live[32], unused[32], rate[32] = "";
    double calls = live_calls(process);
    metric_format(METRIC_PEAK, live_bytes(process), live, sizeof live);
    metric_format(METRIC_PEAK, live_free_bytes(process), unused, sizeof unused);
    if (before != NULL && seconds > 0)
        snprintf(rate, sizeof rate, "%.0f", (calls - live_calls(before)) / seconds);
    fprintf(out, "%7d  %-16.16s  %14.0f  %10s  %6.1f %%  %10s  %10s  %11.0f  %6" PRIu64 "\n",
            process->pid, process->name, calls, rate,
            calls > 0 ? 100 * live_pools(process) / calls : 0, live, unused,
            live_page_faults(process), process->page.faults);
}

static void live_print_table(FILE *out, const struct live *live, const struct live *before,
                             double seconds) {
    bool any = false;
    for (unsigned i = 0; i < live->count; i++) {
        const struct live_process *process = &live->items[i];
        if (process->state != LIVE_KEPT)
            continue;
        if (!any)
            fprintf(out, "%7s  %-16s  %14s  %10s  %8s  %10s  %10s  %11s  %6s\n", "process",
                    "program", "calls", "calls/s", "by pools", "live", "free", "page faults",
                    "faults");
        any = true;
        live_print_row(out, process, live_find(before, process->pid), seconds);
    }
}

/* ---- JSON ---- */

static void live_print_process_json(struct json *json, const struct live_process *process) {
    const struct tagpool_stats_counters *counters = &process->page.counters;
    json_object(json, NULL);
    json_count(json, "pid", (uint64_t)process->pid);
    json_text(json, "program", process->name);
    json_text(json, "strategy", live_strategy(process));
    json_number(json, "calls", live_calls(process));
    json_number(json, "pool_calls", live_pools(process));
#define LIVE_JSON_COUNT(NAME, HELP) json_count(json, #NAME, counters->NAME);
    TAGPOOL_STATS_COUNTERS(LIVE_JSON_COUNT)
#undef LIVE_JSON_COUNT
    json_number(json, "pool_live_bytes", live_bytes(process));
    json_number(json, "pool_free_bytes", live_free_bytes(process));
    json_count(json, "pool_peak_bytes", process->page.pool_bytes_peak);
    if (process->live_age_s < 0)
        json_null(json, "live_age_seconds");
    else
        json_number(json, "live_age_seconds", process->live_age_s);
    json_count(json, "resident_bytes", process->resident_bytes);
    json_count(json, "minor_faults", process->minor_faults);
    json_count(json, "major_faults", process->major_faults);
    json_count(json, "threads", process->page.threads);
    json_count(json, "faults_found", process->page.faults);
    json_end(json);
}

static void live_print_json(FILE *out, const struct live *live) {
    struct json json;
    json_init(&json, out);
    json_document(&json, NULL, "tagpool-stats", LIVE_JSON_VERSION);
    json_array(&json, "processes");
    for (unsigned i = 0; i < live->count; i++)
        if (live->items[i].state == LIVE_KEPT)
            live_print_process_json(&json, &live->items[i]);
    json_end(&json);
    json_end(&json);
}

/* ---- OpenMetrics ---- */

static double live_large(const struct live_process *process) {
    return (double)process->page.counters.large_calls;
}

static double live_fallback(const struct live_process *process) {
    return (double)process->page.counters.fallback_calls;
}

static double live_direct(const struct live_process *process) {
    return (double)process->page.counters.direct_calls;
}

static double live_remote_frees(const struct live_process *process) {
    return (double)process->page.counters.remote_frees;
}

static double live_foreign_frees(const struct live_process *process) {
    return (double)process->page.counters.foreign_frees;
}

static double live_faults_found(const struct live_process *process) {
    return (double)process->page.faults;
}

static double live_pool_peak(const struct live_process *process) {
    return (double)process->page.pool_bytes_peak;
}

static double live_resident(const struct live_process *process) {
    return (double)process->resident_bytes;
}

static double live_minor(const struct live_process *process) {
    return (double)process->minor_faults;
}

static double live_major(const struct live_process *process) {
    return (double)process->major_faults;
}

/* One sample for each process; those of a family follow each other. */
static const struct live_sample {
    const char *family;
    const char *help; /* of the family, with its first sample */
    const char *unit; /* NULL: none; else the name ends with it */
    bool counter;     /* it never goes down; else a gauge */
    const char *label;
    double (*value)(const struct live_process *process);
} live_samples[] = {
    {"tagpool_requests", "Requests for memory, by who served them.", NULL, true,
     ",served_by=\"pools\"", live_pools},
    {"tagpool_requests", NULL, NULL, true, ",served_by=\"next_large\"", live_large},
    {"tagpool_requests", NULL, NULL, true, ",served_by=\"next_fallback\"", live_fallback},
    {"tagpool_requests", NULL, NULL, true, ",served_by=\"next_direct\"", live_direct},
    {"tagpool_remote_frees", "Blocks freed by another thread than their owner.", NULL, true, "",
     live_remote_frees},
    {"tagpool_foreign_frees", "Blocks freed that are not from the pools.", NULL, true, "",
     live_foreign_frees},
    {"tagpool_faults_found", "Misused pointers found.", NULL, true, "", live_faults_found},
    {"tagpool_pool_live_bytes", "Bytes of blocks in use in the pools.", "bytes", false, "",
     live_bytes},
    {"tagpool_pool_free_bytes", "Bytes that the pools hold for further blocks.", "bytes", false, "",
     live_free_bytes},
    {"tagpool_pool_peak_bytes", "The most bytes that the pools served from at one time.", "bytes",
     false, "", live_pool_peak},
    {"tagpool_resident_bytes", "Resident memory of the process.", "bytes", false, "",
     live_resident},
    {"tagpool_page_faults", "Page faults of the process.", NULL, true, ",kind=\"minor\"",
     live_minor},
    {"tagpool_page_faults", NULL, NULL, true, ",kind=\"major\"", live_major},
};

/* A name is printable; a quote and a backslash are escaped. */
static void live_print_label(FILE *out, const char *name) {
    for (; *name != '\0'; name++) {
        if (*name == '"' || *name == '\\')
            fputc('\\', out);
        fputc(*name, out);
    }
}

static void live_print_sample(FILE *out, const struct live *live,
                              const struct live_sample *sample) {
    for (unsigned i = 0; i < live->count; i++) {
        const struct live_process *process = &live->items[i];
        if (process->state != LIVE_KEPT)
            continue;
        fprintf(out, "%s%s{pid=\"%d\",program=\"", sample->family, sample->counter ? "_total" : "",
                process->pid);
        live_print_label(out, process->name);
        fprintf(out, "\"%s} %.0f\n", sample->label, sample->value(process));
    }
}

static void live_print_openmetrics(FILE *out, const struct live *live) {
    unsigned kept = 0;
    for (unsigned i = 0; i < live->count; i++)
        kept += live->items[i].state == LIVE_KEPT;
    fprintf(out,
            "# TYPE tagpool_processes gauge\n"
            "# HELP tagpool_processes Processes that run with libtagpool.so.\n"
            "tagpool_processes{statistics=\"kept\"} %u\n"
            "tagpool_processes{statistics=\"none\"} %u\n",
            kept, live->count - kept);
    for (size_t i = 0; kept > 0 && i < sizeof live_samples / sizeof live_samples[0]; i++) {
        const struct live_sample *sample = &live_samples[i];
        if (sample->help != NULL) {
            fprintf(out, "# TYPE %s %s\n", sample->family, sample->counter ? "counter" : "gauge");
            if (sample->unit != NULL)
                fprintf(out, "# UNIT %s %s\n", sample->family, sample->unit);
            fprintf(out, "# HELP %s %s\n", sample->family, sample->help);
        }
        live_print_sample(out, live, sample);
    }
    fputs("# EOF\n", out);
}

void live_report_print(FILE *out, enum live_format format, const struct live *live,
                       const struct live *before, double seconds) {
    switch (format) {
    case LIVE_TABLE:
        live_print_table(out, live, before, seconds);
        break;
    case LIVE_JSON:
        live_print_json(out, live);
        break;
    case LIVE_OPENMETRICS:
        live_print_openmetrics(out, live);
        break;
    }
}
