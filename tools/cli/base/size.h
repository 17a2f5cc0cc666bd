/* Sizes as people write them. */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* "16M" is 16777216: a whole number of bytes, and K, M or G for powers of 1024 if there is one.
 * False for what is none, or too large. */
bool size_read(const char *text, uint64_t *bytes);

/* The unit that shows a number of bytes best, "B" to "TiB"; the number is divided by it. */
const char *size_unit(double *bytes);

#endif
