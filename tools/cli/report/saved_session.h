/* A session read back from what --export-json wrote: of several comparisons, or a single one. It
 * lives as long as the program. */
#ifndef REPORT_SAVED_SESSION_H
#define REPORT_SAVED_SESSION_H

#include "compare/session.h"
#include "report/saved.h"

struct saved_session {
    struct saved *items; /* session.count of them */
    struct session session;
};

/* Ends the program with STATUS_USAGE and a message when the file is not a whole session. */
void saved_session_load(struct saved_session *saved, const char *path);

#endif
