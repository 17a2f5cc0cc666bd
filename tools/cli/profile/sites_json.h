/* The allocation sites for programs, as the member `sites` of a profile (profile/json.h):
 *
 *   sample_bytes     the mean distance of samples, null where every call was counted
 *   stacks_missed    calls that are counted without a stack, because the table was full
 *   symbolizer       what knew the lines: "llvm-symbolizer", "addr2line", or null
 *   total            the counts of all stacks
 *   frames           [{module, build_id, offset, fault, places: [{function, file, line}]}]: the
 *                    function that was inlined last comes first. fault says why there is no name
 *   stacks           [{calls, bytes, frees, short_blocks, live_blocks, live_bytes, peak_blocks,
 *                    peak_bytes, frames: [...]}]: numbers of frames, the innermost first; the one
 *                    with the most bytes comes first. short_blocks were freed before 16 more
 *                    requests were made; peak_* were live when the process's live bytes were
 *                    highest
 */
#ifndef PROFILE_SITES_JSON_H
#define PROFILE_SITES_JSON_H

#include "base/json.h"
#include "profile/sites.h"

void sites_json_print(struct json *json, const char *key, const struct profile_sites *sites);

#endif
