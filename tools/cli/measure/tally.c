#include "measure/tally.h"

#include "measure/metric.h"
#include "pages/stats_file.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- what the pools served ---- */

static void tally_print_classes(const struct stats_process *process, uint64_t calls) {
    fprintf(stderr, "  %12s  %14s  %7s\n", "up to bytes", "calls", "share");
    for (unsigned i = 0; i < TAGPOOL_STATS_CLASSES; i++) {
        uint64_t served = process->counters.pool_calls[i];
        if (served != 0)
            fprintf(stderr, "  %12" PRIu64 "  %14" PRIu64 "  %5.1f %%\n", process->class_bytes[i],
                    served, 100 * (double)served / (double)calls);
    }
}

static void tally_print_counters(const struct stats_process *process) {
    static const char *const help[] = {
#define TALLY_HELP_TEXT(NAME, HELP) HELP,
        TAGPOOL_STATS_COUNTERS(TALLY_HELP_TEXT)
#undef TALLY_HELP_TEXT
    };
    const uint64_t counts[] = {
#define TALLY_COUNT(NAME, HELP) process->counters.NAME,
        TAGPOOL_STATS_COUNTERS(TALLY_COUNT)
#undef TALLY_COUNT
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (counts[i] != 0)
            fprintf(stderr, "  %12s  %14" PRIu64 "  %s\n", "", counts[i], help[i]);
}

static void tally_print_process(const struct stats_process *process) {
    char peak[32];
    uint64_t calls = stats_process_calls(process);
    uint64_t served = stats_process_pool_calls(process);
    metric_format(METRIC_PEAK, (double)process->pool_bytes_peak, peak, sizeof peak);
    fprintf(stderr,
            "%s (process %" PRIu64 "): %" PRIu64 " calls, %.1f %% served by the pools; peak memory "
            "of the pools %s; threads %" PRIu64 "\n",
            process->name[0] != '\0' ? process->name : "?", process->pid, calls,
            calls != 0 ? 100 * (double)served / (double)calls : 0, peak, process->threads);
    if (process->state != TAGPOOL_STATS_ENDED)
        fprintf(stderr, "  (it did not leave by exit(): counts may be up to 64 too high per class "
                        "and thread)\n");
    if (served != 0)
        tally_print_classes(process, calls);
    tally_print_counters(process);
}

void tally_print(const char *path, const char *program) {
    struct stats_summary summary;
    const char *fault = stats_file_read(path, &summary);
    if (fault != NULL) {
        say_error("no statistics: %s", fault);
        return;
    }
    if (summary.process_count == 0)
        say_error("no statistics: the shim was not active in %s, which dropped LD_PRELOAD or "
                  "stops the library from loading",
                  program);
    for (unsigned i = 0; i < summary.process_count; i++)
        tally_print_process(&summary.processes[i]);
    if (summary.processes_missed != 0)
        say_note("%" PRIu64 " more processes found no room in the statistics",
                 summary.processes_missed);
    stats_summary_free(&summary);
}

/* ---- faults and leaks ---- */

/* What a checked run has found, over all its processes. */
struct tally {
    uint64_t faults;
    uint64_t leaked_blocks;
    uint64_t leaked_bytes;
    uint64_t processes;
    uint64_t not_ended; /* processes whose leaks nobody counted */
};

static struct tally tally_find(const struct stats_summary *summary) {
    struct tally findings = {
        .faults = summary->missed_faults,
        .leaked_blocks = summary->missed_leaked_blocks,
        .leaked_bytes = summary->missed_leaked_bytes,
        .processes = summary->process_count + summary->processes_missed,
        .not_ended = summary->processes_missed - summary->missed_ended,
    };
    for (unsigned i = 0; i < summary->process_count; i++) {
        const struct stats_process *process = &summary->processes[i];
        findings.faults += process->faults;
        findings.leaked_blocks += process->leaked_blocks;
        findings.leaked_bytes += process->leaked_bytes;
        findings.not_ended += process->state != TAGPOOL_STATS_ENDED;
    }
    return findings;
}

/* What is left of a count. */
static uint64_t tally_less(uint64_t count, uint64_t suppressed) {
    return count > suppressed ? count - suppressed : 0;
}

enum exit_status tally_check(const char *path, const char *program,
                             const struct tally_suppressed *suppressed) {
    struct stats_summary summary;
    const char *fault = stats_file_read(path, &summary);
    if (fault != NULL) {
        say_error("check: no result: %s", fault);
        return STATUS_OWN_FAILURE;
    }
    struct tally findings = tally_find(&summary);
    if (stats_summary_calls(&summary) == 0 && findings.faults == 0 && findings.leaked_blocks == 0) {
        say_error("check: no result: the shim saw no call of %s, which dropped LD_PRELOAD, brings "
                  "a malloc of its own or allocates nothing",
                  program);
        stats_summary_free(&summary);
        return STATUS_CANNOT_RUN;
    }
    findings.faults = tally_less(findings.faults, suppressed->faults);
    findings.leaked_blocks = tally_less(findings.leaked_blocks, suppressed->leaked_blocks);
    findings.leaked_bytes = tally_less(findings.leaked_bytes, suppressed->leaked_bytes);
    say_error("check: %" PRIu64 " fault%s, %" PRIu64 " leaked block%s (%" PRIu64 " bytes)",
              findings.faults, findings.faults != 1 ? "s" : "", findings.leaked_blocks,
              findings.leaked_blocks != 1 ? "s" : "", findings.leaked_bytes);
    if (findings.not_ended != 0)
        say_note("%" PRIu64 " of %" PRIu64 " processes did not leave by exit(): their leaks are "
                 "not counted",
                 findings.not_ended, findings.processes);
    stats_summary_free(&summary);
    return findings.faults != 0 || findings.leaked_blocks != 0 ? STATUS_FOUND : STATUS_DONE;
}
