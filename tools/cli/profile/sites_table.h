/* The allocation sites for people: the first ones of each rank, and the stacks of these. */
#ifndef PROFILE_SITES_TABLE_H
#define PROFILE_SITES_TABLE_H

#include "base/terminal.h"
#include "profile/sites.h"

#include <stdio.h>

enum { SITES_TABLE_MOST = 100 };

/* `most` sites of each rank, up to SITES_TABLE_MOST. */
void sites_table_print(FILE *out, const struct terminal *terminal,
                       const struct profile_sites *sites, unsigned most);

#endif
