/* A profile as one HTML page that needs nothing else: the flame graph and the sites, if it has call
 * stacks, and the charts of what was allocated. */
#ifndef REPORT_PROFILE_PAGE_H
#define REPORT_PROFILE_PAGE_H

#include "profile/profile.h"

#include <stdio.h>

void profile_page_print(FILE *out, const struct profile *profile);

#endif
