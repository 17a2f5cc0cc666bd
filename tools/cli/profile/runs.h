/* The runs that a profile is made from: one of the program as it is, one with every call counted.
 *
 * The program runs in our place (launch/proxy.h): its children and its end are its own. Failures of
 * the system end the program with a message.
 */
#ifndef PROFILE_RUNS_H
#define PROFILE_RUNS_H

#include "launch/spool.h"
#include "profile/profile.h"
#include "target/target.h"

struct runs {
    const struct target *target;
    const struct spool *spool; /* the standard input of each run; NULL: the program reads ours */
    const char *output;        /* of the counted run: "inherit", "null" or the path of a file */
    bool to_error;             /* "inherit": its standard output becomes our standard error */
};

/* The program as it is, with its output thrown away. Ends tagpool as well when it is stopped by a
 * signal: that means all of it. */
void runs_plain(const struct runs *runs, struct profile *profile);

/* Every call counted; fills in the summary and what follows from it. False, after a message, when
 * there is no profile. */
bool runs_counted(const struct runs *runs, struct profile *profile);

#endif
