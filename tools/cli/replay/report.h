/* What replays of a trace found, for people and for programs.
 *
 * JSON: schema "tagpool-replay", version REPLAY_JSON_VERSION, which rises when a member changes its
 * meaning or goes away, not when one is added. Times are in nanoseconds, memory in bytes,
 * differences as shares. At the top:
 *
 *   name, date, machine     as in report/json.h
 *   trace                   {program, calls, requests, threads, blocks_peak, peak_bytes,
 *                            live_bytes_at_end, largest_bytes, complete}
 *   seed, elapsed_seconds, single_thread
 *   variants                [{name, preload, options, reference, ns_per_call, peak_resident_bytes,
 *                            fragmentation, page_faults; but for the reference also difference,
 *                            low, high (of ns_per_call; null without an interval), verdict}]:
 *                            medians over the rounds
 *   rounds                  [[{variant, calls, real_ns, null_ns, resident_before_bytes,
 *                            resident_after_bytes, page_faults}, ...] in the order they ran]
 *
 * ns_per_call is (real_ns - null_ns) / calls. peak_resident_bytes is resident_after_bytes less
 * resident_before_bytes; fragmentation is that divided by peak_bytes, or null below
 * REPLAY_LEAST_PEAK_BYTES, where the kernel's counting is too coarse.
 */
#ifndef REPLAY_REPORT_H
#define REPLAY_REPORT_H

#include "base/terminal.h"
#include "measure/result.h"
#include "pages/trace_reader.h"
#include "replay/replay.h"

#include <stdio.h>

enum { REPLAY_JSON_VERSION = 1, REPLAY_LEAST_PEAK_BYTES = 4 << 20 };

struct replay_report {
    const char *title;
    const struct result *result;
    const struct tagpool_trace_head *head;
    const struct trace_summary *summary;
    const struct replay_result *results; /* by round, then by place in its order */
    bool single;
};

void replay_report_print(FILE *out, const struct terminal *terminal,
                         const struct replay_report *report);
void replay_report_print_json(FILE *out, const struct replay_report *report);

#endif
