/* Makes a profile from the page that libtagpool-trace.so filled in during a run. */
#ifndef PROFILE_PAGE_H
#define PROFILE_PAGE_H

#include "profile/profile.h"

/* Takes the page at `path` into `profile`, which holds the title, the command and the times of the
 * runs already, and adds what follows from them: the advice, the machine. NULL, or a sentence that
 * says why there is no profile, in a new string. */
char *profile_page_take(struct profile *profile, const char *path);

#endif
