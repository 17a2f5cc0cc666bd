/* Runs a target through the launcher while its standard output and standard error are read and
 * digested.
 *
 * Reading ends when the target has ended and what it left in the pipes is read: a daemon that it
 * left behind with the pipes open does not hold us up.
 */
#ifndef LAUNCH_CAPTURE_H
#define LAUNCH_CAPTURE_H

#include "base/digest.h"
#include "launch/launcher.h"
#include "launch/numbers.h"

enum { CAPTURE_LINE_BYTES = 240 };

struct capture {
    struct digest streams[2];            /* standard output, standard error */
    char last_words[CAPTURE_LINE_BYTES]; /* the last line of standard error, printable, cut */
    bool line_ended;                     /* last_words is whole: the next byte begins a new line */
    struct numbers_found found;          /* if numbers were looked for */
    struct launch_result result;
};

/* launch->descriptors[1] and [2] are replaced by pipes; [0] is used as it is. `numbers` are looked
 * for in the output; NULL: none. False with errno when the system refuses. */
bool capture_run(const struct launch *launch, const struct numbers *numbers,
                 struct capture *capture);

#endif
