/* The file that a run is recorded to.
 *
 *   recording_open      finds out now whether the file can be written, and leaves it as it was
 *   the run             the library writes to `part`
 *   recording_finish    checks what was written and puts it in the file's place
 *
 * Whatever happens on the way, the file holds all of the trace or what was there before.
 */
#ifndef REPLAY_RECORDING_H
#define REPLAY_RECORDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* The paths but `output` are absolute: the program may change its directory. */
struct recording {
    const char *output;  /* as the user named it */
    const char *process; /* the file name of the program to record; NULL: the first process.
                            Shorter than TAGPOOL_TRACE_NAME_BYTES. */
    uint64_t limit_bytes;
    char *path;   /* the file, without links */
    char *part;   /* what the library writes to */
    char *sealed; /* the trace, until it takes the place of the file */
    mode_t mode;  /* of what is in the file already; 0: nothing is */
};

/* Ends the program with a message when the file cannot be written. */
void recording_open(struct recording *recording, const char *output, const char *process,
                    uint64_t limit_bytes);

/* Tells what was recorded of `program`, unless `quiet`. False, with a message, when there is
 * nothing worth keeping. */
bool recording_finish(const struct recording *recording, const char *program, bool quiet);

#endif
