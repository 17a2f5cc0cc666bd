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
    bool want_sites;           /* call stacks of the counted run */
    uint64_t sample_bytes;     /* of these: the mean distance of samples; 0: every call */
};

/* The program as it is, with its output thrown away. Ends tagpool as well when it is stopped by a
 * signal: that means all of it. */
void runs_plain(const struct runs *runs, struct profile *profile);

/* Every call counted, or a sample; fills in the summary and what follows from it, and the sites
 * where they are wanted. False, after a message, when there is no profile. */
bool runs_counted(const struct runs *runs, struct profile *profile);

#endif
