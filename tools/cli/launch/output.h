/* Where a run writes to, as --output says: "null", "pipe" (read by us), "inherit" or the path of a
 * file, for its standard output; its standard error goes with it, but not to a file. */
#ifndef LAUNCH_OUTPUT_H
#define LAUNCH_OUTPUT_H

#include "launch/capture.h"

/* The path, or NULL: it is one of the words. */
const char *output_file(const char *output);

/* Ends the program with a message when no run could write there. */
void output_look(const char *output);

/* A descriptor for a run's `standard` output or error, to be closed by the caller; -1 with errno.
 * What inherits our standard output gets standard error with `to_error`. Not for "pipe". */
int output_open(const char *output, int standard, bool to_error);

/* Runs the target, and reads its output where that is asked for, or where numbers are looked for in
 * it (NULL: none). launch->descriptors[1] and [2] are replaced. False with errno when the system
 * refuses. */
bool output_run(struct launch *launch, const char *output, bool to_error,
                const struct numbers *numbers, struct capture *capture);

#endif
