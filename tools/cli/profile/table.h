/* A profile for people, and for programs.
 *
 * JSON: schema "tagpool-profile", version PROFILE_JSON_VERSION, which rises when a member changes
 * its meaning or goes away, not when one is added. Times are in seconds, memory in bytes, shares
 * between 0 and 1; where something is not known, null. At the top:
 *
 *   name, command, date, machine   as in report/json.h
 *   exit_status or signal          how the profiled run ended
 *   profiled, plain                {wall_seconds, cpu_seconds} of the run with every call counted,
 *                                  and of the run without; plain is null if there was none
 *   slowdown                       profiled / plain wall time, or null
 *   processes_missed               processes that found no room in the profile
 *   total                          all processes: a profile, without live memory over time
 *   processes                      the same of each process, the one with the most calls first
 *   advice                         {verdict ("helps", "little", "nothing", "too few calls"),
 *                                  requests, node_share, served_share, large_bytes_share,
 *                                  calls_per_cpu_second, cpu_share, remote_share, node_max,
 *                                  live_bytes, waste, system_waste, options}: profile/advice.h
 *
 * A profile:
 *
 *   name, pid, forked, ended       (processes only) ended: by exit(); else killed, _exit or exec
 *   seconds                        (processes only) from its first to its last call
 *   calls, threads                 calls that asked for memory or freed it
 *   counters                       as listed in tagpool/profile_page.h
 *   chains                         [{reallocs_max, blocks}]: blocks that were resized so often
 *   sizes                          [{bytes_max, calls, bytes, live, live_peak}]: requests by size;
 *                                  empty bins are left out; the bin below ends where one begins
 *   lifetimes                      {size_limits: [bytes, the last null],
 *                                   requests: {limits: [...], blocks: [[...] for each size]},
 *                                   seconds: the same}: blocks freed, by size and by lifetime.
 *                                   A lifetime is below its limit; the last limit is null
 *   live                           (processes only) {inherited_blocks, inherited_bytes, blocks,
 *                                  bytes, peak_bytes, peak_blocks, peak_seconds, samples:
 *                                  [{seconds, calls, blocks, bytes, peak_bytes}]}: peak_bytes of a
 *                                  sample is the most since the sample before
 */
#ifndef PROFILE_TABLE_H
#define PROFILE_TABLE_H

#include "base/terminal.h"
#include "launch/proxy.h"
#include "profile/advice.h"

#include <stdio.h>

enum { PROFILE_JSON_VERSION = 1 };

struct profile_report {
    const char *title; /* the command as typed, or --name */
    char **command;
    struct profile_summary summary;
    struct profile_advice advice;
    struct proxy_result profiled;
    struct proxy_result plain;
    bool has_plain;
};

void profile_report_print(FILE *out, const struct terminal *terminal,
                          const struct profile_report *report);
void profile_report_print_json(FILE *out, const struct profile_report *report);

#endif
