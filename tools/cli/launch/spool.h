/* Standard input for many runs: each run reads the same bytes from the start.
 *
 * A pipe can be read once, so it is spooled into memory, up to 1 GiB, a quarter of the machine's
 * memory, or what the limit on files allows; a file is opened again for each run. A terminal is not
 * read at all: the target gets /dev/null.
 */
#ifndef LAUNCH_SPOOL_H
#define LAUNCH_SPOOL_H

#include "base/args.h"

/* A row of a command's options; the field is for spool_open. */
#define SPOOL_OPTION_INPUT(REQUEST, FIELD)                                                         \
    {                                                                                              \
        0, "input", "FILE",                                                                        \
            "standard input of every run: a file, 'null', or '-' for ours\n"                       \
            "(default: ours, unless it is a terminal)",                                            \
            ARGS_FILE(REQUEST, FIELD)                                                              \
    }

struct spool {
    int source; /* a seekable descriptor that holds the bytes, or that of /dev/null */
    long start; /* where the input begins in it */
};

/* `input` is a file's path, "null", "-" for our own standard input, or NULL: standard input unless
 * it is a terminal. Ends the program with a message when it cannot be read. */
void spool_open(struct spool *spool, const char *input);

/* A descriptor of its own for one run, at the start of the input; to be closed by the caller. -1
 * with errno. */
int spool_descriptor(const struct spool *spool);

/* The path of what the input is read from, in a new string: an input for other spools. */
char *spool_path(const struct spool *spool);

void spool_close(struct spool *spool);

#endif
