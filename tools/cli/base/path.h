/* Paths as text. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

/* What is behind the last slash of a path, or all of it; NULL of NULL. */
const char *path_name(const char *path);

#endif
