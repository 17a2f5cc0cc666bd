/* Paths that LD_PRELOAD cannot hold: it separates them by spaces and colons, and knows no quotes. A
 * symbolic link elsewhere stands for such a path.
 *
 * Links lie in tagpool-UID in XDG_RUNTIME_DIR, TMPDIR, /tmp or /dev/shm, the first that takes them.
 * They stay: what a program leaves running may start others long after this one has ended.
 */
#ifndef TARGET_PRELOAD_LINK_H
#define TARGET_PRELOAD_LINK_H

#include <stdbool.h>

/* Must the path have a link? */
bool preload_link_is_needed(const char *path);

/* The path of a link to the absolute path `full`, the same one each time; NULL, with errno set, if
 * no folder takes one. */
char *preload_link(const char *full);

#endif
