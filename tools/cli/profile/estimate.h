/* How sure the counts of a sample are, and how they are shown.
 *
 * An estimate from N samples has a relative error of about 1 / sqrt(N). One from fewer than
 * ESTIMATE_SAMPLES_FEW may be off by more than a third (95 %): it is rough, and is shown with one
 * digit, as "~2000". What was counted call by call never is.
 */
#ifndef PROFILE_ESTIMATE_H
#define PROFILE_ESTIMATE_H

#include "profile/sites.h"

#include <stdbool.h>

enum { ESTIMATE_SAMPLES_FEW = 30, ESTIMATE_TEXT_BYTES = 32 };

/* The counts are those of a site, or the total. */
bool estimate_is_rough(const struct profile_sites *sites, const struct profile_counts *counts);

/* The same for a sum whose samples were not counted: as many are expected as its blocks, which are
 * of about one size, have. */
bool estimate_is_sum_rough(const struct profile_sites *sites, uint64_t calls, uint64_t bytes);

/* "estimates from 412 samples, a point every 512 KiB on average", in a new string: what all counts
 * rest on. */
char *estimate_basis(const struct profile_sites *sites);

/* "4711" or "~5000"; "4.2 MiB" or "~4 MiB"; "12.3 %" or "~10 %". */
void estimate_format_count(bool rough, uint64_t count, char text[ESTIMATE_TEXT_BYTES]);
void estimate_format_bytes(bool rough, uint64_t bytes, char text[ESTIMATE_TEXT_BYTES]);
void estimate_format_share(bool rough, double share, char text[ESTIMATE_TEXT_BYTES]);

#endif
