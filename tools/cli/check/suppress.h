/* Findings that the user knows and does not want to hear of: a file of patterns, one a line.
 *
 *   # a comment
 *   leak:remember*          a leak with that function in the stack that allocated it
 *   fault:*libfoo.so*       a fault with a frame of that module in any of its stacks
 *   cache*                  both
 *
 * A pattern is that of a shell (fnmatch(3)). It is matched against the function of each frame, its
 * source file and the file name of its module.
 */
#ifndef CHECK_SUPPRESS_H
#define CHECK_SUPPRESS_H

#include "symbols/symbols.h"

enum suppress_kind { SUPPRESS_LEAK = 1, SUPPRESS_FAULT = 2 };

struct suppress_pattern {
    unsigned kinds; /* enum suppress_kind, added */
    char *pattern;
};

struct suppress {
    struct suppress_pattern *patterns;
    size_t count;
    unsigned files; /* that they are from */
};

/* Adds the patterns of a file. Ends the program with a message when it cannot be read. */
void suppress_read(struct suppress *suppress, const char *path);

/* True if a frame matches a pattern of that kind. */
bool suppress_matches(const struct suppress *suppress, enum suppress_kind kind,
                      const struct symbols *symbols, size_t frame);

void suppress_free(struct suppress *suppress);

#endif
