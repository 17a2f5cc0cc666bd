/* A profile for people. */
#ifndef PROFILE_TABLE_H
#define PROFILE_TABLE_H

#include "base/terminal.h"
#include "profile/profile.h"

#include <stdio.h>

void profile_table_print(FILE *out, const struct terminal *terminal, const struct profile *profile);

#endif
