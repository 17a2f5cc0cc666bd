/* Programs that do a part of our work where they are installed: text in, text out.
 *
 * They run without what is preloaded into us, in the C locale, and their errors are thrown away: a
 * helper that fails is as one that is not there.
 */
#ifndef SYMBOLS_HELPER_H
#define SYMBOLS_HELPER_H

#include <stddef.h>

/* The path of the first program of that name in PATH, in a new string; NULL if there is none. */
char *symbols_helper_find(const char *name);

/* What the program writes when it reads `input`, in a new string of *bytes bytes and a NUL. NULL
 * if it cannot be run, does not end by itself with status 0, or is silent for a minute. */
char *symbols_helper_run(char *const *argv, const char *input, size_t input_bytes, size_t *bytes);

#endif
