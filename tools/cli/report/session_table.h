/* A session for people: each comparison as table.h has it, and then all of them beside each other.
 */
#ifndef REPORT_SESSION_TABLE_H
#define REPORT_SESSION_TABLE_H

#include "base/terminal.h"
#include "compare/session.h"

#include <stdio.h>

void session_table_print(FILE *out, const struct terminal *terminal, const struct session *session);

#endif
