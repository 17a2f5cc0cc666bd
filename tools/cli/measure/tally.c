#include "measure/tally.h"

#include "base/wrap.h"
#include "launch/launcher.h"
#include "measure/metric.h"
#include "pages/stats_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- what the pools served ---- */

static void tally_print_classes(FILE *out, const struct stats_process *process, uint64_t calls) {
    fprintf(out, "  %12s  %14s  %7s\n", "up to bytes", "calls", "share");
    for (unsigned i = 0; i < TAGPOOL_STATS_CLASSES; i++) {
        uint64_t served = process->counters.pool_calls[i];
        if (served != 0)
            fprintf(out, "  %12" PRIu64 "  %14" PRIu64 "  %5.1f %%\n", process->class_bytes[i],
                    served, 100 * (double)served / (double)calls);
    }
}

static void tally_print_counters(FILE *out, const struct stats_process *process) {
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
            fprintf(out, "  %12s  %14" PRIu64 "  %s\n", "", counts[i], help[i]);
}

static void tally_print_process(FILE *out, const struct stats_process *process) {
    char peak[32];
    uint64_t calls = stats_process_calls(process);
    uint64_t served = stats_process_pool_calls(process);
    metric_format(METRIC_PEAK, (double)process->pool_bytes_peak, peak, sizeof peak);
    fprintf(
        out,
        "%s (process %" PRIu64 "): %" PRIu64 " call%s, %.1f %% served by the pools; peak memory "
        "of the pools %s; threads %" PRIu64 "\n",
        process->name[0] != '\0' ? process->name : "?", process->pid, calls, calls == 1 ? "" : "s",
        calls != 0 ? 100 * (double)served / (double)calls : 0, peak, process->threads);
    if (process->state != TAGPOOL_STATS_ENDED)
        fprintf(out, "  (it did not leave by exit(): counts may be up to 64 too high per class "
                     "and thread)\n");
    if (served != 0)
        tally_print_classes(out, process, calls);
    tally_print_counters(out, process);
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
    FILE *sheet = wrap_open(stderr);
    for (unsigned i = 0; i < summary.process_count; i++)
        tally_print_process(sheet, &summary.processes[i]);
    wrap_close(sheet);
    if (summary.processes_missed != 0)
        say_note("%" PRIu64 " more process%s found no room in the statistics",
                 summary.processes_missed, summary.processes_missed == 1 ? "" : "es");
    stats_summary_free(&summary);
}

/* ---- faults and leaks ---- */

void tally_read(const char *path, struct tally *tally) {
    struct stats_summary summary;
    *tally = (struct tally){.fault = stats_file_read(path, &summary)};
    if (tally->fault != NULL)
        return;
    *tally = (struct tally){
        .calls = stats_summary_calls(&summary),
        .faults = summary.missed_faults,
        .leaked_blocks = summary.missed_leaked_blocks,
        .leaked_bytes = summary.missed_leaked_bytes,
        .processes = summary.process_count + summary.processes_missed,
        .not_ended = summary.processes_missed - summary.missed_ended,
    };
    for (unsigned i = 0; i < summary.process_count; i++) {
        const struct stats_process *process = &summary.processes[i];
        tally->faults += process->faults;
        tally->leaked_blocks += process->leaked_blocks;
        tally->leaked_bytes += process->leaked_bytes;
        tally->not_ended += process->state != TAGPOOL_STATS_ENDED;
    }
    stats_summary_free(&summary);
}

/* What is left of a count. */
static uint64_t tally_less(uint64_t count, uint64_t suppressed) {
    return count > suppressed ? count - suppressed : 0;
}

enum exit_status tally_judge(const struct tally *tally, const struct tally_suppressed *suppressed) {
    if (tally->fault != NULL)
        return STATUS_OWN_FAILURE;
    /* Nobody finds anything in a program without seeing a call of it. */
    if (tally->calls == 0 && tally->faults == 0 && tally->leaked_blocks == 0)
        return STATUS_CANNOT_RUN;
    return tally->faults > suppressed->faults || tally->leaked_blocks > suppressed->leaked_blocks
               ? STATUS_FOUND
               : STATUS_DONE;
}

void tally_tell(const struct tally *tally, const struct tally_suppressed *suppressed,
                const char *program, int wait_status) {
    enum exit_status judged = tally_judge(tally, suppressed);
    if (judged == STATUS_OWN_FAILURE) {
        say_error("check: no result: %s", tally->fault);
        return;
    }
    if (judged == STATUS_CANNOT_RUN) {
        char *end = launcher_describe_end(wait_status);
        say_error("check: no result: the shim saw no call of %s, which dropped LD_PRELOAD, brings "
                  "a malloc of its own or allocates nothing%s%s",
                  program, wait_status != 0 ? "; it ended with " : "", wait_status != 0 ? end : "");
        free(end);
        return;
    }
    uint64_t faults = tally_less(tally->faults, suppressed->faults);
    uint64_t blocks = tally_less(tally->leaked_blocks, suppressed->leaked_blocks);
    say_error("check: %" PRIu64 " fault%s, %" PRIu64 " leaked block%s (%" PRIu64 " bytes)", faults,
              faults != 1 ? "s" : "", blocks, blocks != 1 ? "s" : "",
              tally_less(tally->leaked_bytes, suppressed->leaked_bytes));
    if (tally->not_ended != 0)
        say_note("%" PRIu64 " of %" PRIu64 " processes did not leave by exit(): their leaks are "
                 "not counted",
                 tally->not_ended, tally->processes);
}
