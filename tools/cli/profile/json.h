/* A profile for programs, and read back from what was written so.
 *
 * The schema is "tagpool-profile", version PROFILE_JSON_VERSION, which rises when a member changes
 * its meaning or goes away, not when one is added. Times are in seconds, memory in bytes, shares
 * between 0 and 1; where something is not known, null. At the top:
 *
 *   name, command, date, machine   as in report/json.h
 *   exit_status or signal          how the profiled run ended
 *   profiled, plain                {wall_seconds, cpu_seconds} of the run with every call counted,
 *                                  and of the run without; plain is null if there was none
 *   slowdown                       profiled / plain wall time, or null
 *   processes_missed               processes that found no room in the profile
 *   sites                          where it allocates, where that was asked for:
 *                                  profile/sites_json.h; it is not read back. With a sample_bytes
 *                                  there, all counts are estimates
 *   total                          all processes: a profile, without live memory over time
 *   processes                      the same of each process, the one with the most calls first
 *   advice                         {verdict ("not tried", "too few calls", "faster", "slower",
 *                                  "no meaningful difference", "inconclusive"),
 *                                  requests, node_share, served_share, large_bytes_share,
 *                                  calls_per_cpu_second, remote_share, node_max, live_bytes,
 *                                  waste, system_waste}: profile/advice.h
 *   trial                          what the verdict rests on: {rounds, for each metric
 *                                  {reference_median, median, log_estimate, log_low,
 *                                  log_high}, headroom_share}; null if the program was not tried
 *   sentences, advised_command     the advice in words, and the command that it ends with, or null
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
#ifndef PROFILE_JSON_H
#define PROFILE_JSON_H

#include "base/json.h"
#include "base/json_tree.h"
#include "profile/profile.h"

enum { PROFILE_JSON_VERSION = 2 };

/* Writes the profile as a document of its own where `key` is NULL, else as the member `key` of what
 * is open. */
void profile_json_print(struct json *json, const char *key, const struct profile *profile);

/* Reads a saved profile. Its texts are those of `document`, which must live as long. NULL, or what
 * speaks against it as the end of a sentence: "is no saved profile". */
const char *profile_json_load(struct profile *profile, const struct json_value *document);

#endif
