/* `tagpool-bench --hardening`: what each part of the hardened mode costs, on parsers of JSON and
 * XML. Variant 0 has all parts, each other one lacks one. */
#ifndef BENCH_PARTS_H
#define BENCH_PARTS_H

#include "bench/report.h"

#include <stdbool.h>

/* Is the workload one of those that parts are switched off on? */
bool parts_want(const struct panel_workload *workload);

/* The variants: the whole first. */
void parts_add_variants(struct variants *variants);

/* A row a part. */
void parts_print(FILE *out, const struct report *report);

#endif
