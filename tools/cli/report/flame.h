/* A flame graph of a profile's sites: the call stacks as a tree of frames, each as wide as its
 * share of calls, bytes, bytes live at the peak or short-lived blocks. It can be searched and
 * zoomed.
 *
 * The data and the script that draws it are in the page; nothing is asked of anybody. Frames with
 * less than FLAME_LEAST of each count are left out: nobody could see them.
 */
#ifndef REPORT_FLAME_H
#define REPORT_FLAME_H

#include "profile/sites.h"

#include <stdio.h>

#define FLAME_LEAST 0.0002

void flame_print(FILE *out, const struct profile_sites *sites);

#endif
