/* A benchmark's results as tables in Markdown, padded so that they read well in a terminal too, and
 * as JSON: schema "tagpool-bench", version REPORT_JSON_VERSION, units as in report/json.h. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench/results.h"

#include <stdint.h>
#include <stdio.h>

enum { REPORT_JSON_VERSION = 1 };

struct report {
    const struct results *results;
    unsigned runs; /* rounds of every workload */
    uint64_t seed;
    double elapsed_s;
};

void report_print(FILE *out, const struct report *report);
void report_print_json(FILE *out, const struct report *report);

#endif
