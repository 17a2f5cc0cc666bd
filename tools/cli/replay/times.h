/* The file in which the processes of a measured replay leave their results: each appends one, in
 * the order in which they run. It does not outlive the program. */
#ifndef REPLAY_TIMES_H
#define REPLAY_TIMES_H

#include "pages/shared_file.h"
#include "replay/replay.h"

/* Makes it, empty. Ends the program with a message when that fails. */
void times_create(struct shared_file *file);

/* Ends the program with a message when the result cannot be written. */
void times_append(const char *path, const struct replay_result *result);

/* Forgets what follows the first `count`: of a round that was interrupted. */
void times_keep_first(const char *path, unsigned count);

/* The `count` results that follow the first `before`, in a new array. NULL when there are not just
 * so many, or one of them is not sound. */
struct replay_result *times_read(const char *path, unsigned before, unsigned count);

#endif
