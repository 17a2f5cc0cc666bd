/* `tagpool-bench --strategies`: the strategies of the library side by side on parsers of JSON and
 * XML, what each costs and what it finds, and whether the project's targets against `direct` are
 * met. Variant 0 is `direct`. */
#ifndef BENCH_STRATEGIES_H
#define BENCH_STRATEGIES_H

#include "bench/report.h"

#include <stdbool.h>

/* Is the workload one of those that strategies are compared on? */
bool strategies_want(const struct panel_workload *workload);

/* The variants: `direct` first, the system's allocator last. */
void strategies_add_variants(struct variants *variants);

/* `folder` holds the workloads: memory is counted per value of the built-in parser's document. */
void strategies_print(FILE *out, const struct report *report, const char *folder);

#endif
