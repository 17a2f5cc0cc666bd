/* Memory for the program itself: every function returns what was asked for or ends the program.
 *
 * A measuring tool that has run out of memory has nothing left to measure, so callers need no error
 * path. All results are given back with free().
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

/* `count` zeroed items of `item_bytes` each; never NULL, not even for 0 items. */
void *memory_array(size_t count, size_t item_bytes);

/* Resizes an array to `count` items; new items are not zeroed. */
void *memory_resize(void *array, size_t count, size_t item_bytes);

/* Room for one more item in an array that has `count` and was only ever grown so: it doubles at
 * powers of two. */
void *memory_grow(void *array, size_t count, size_t item_bytes);

char *memory_copy(const char *string);

/* The text that printf would print. */
__attribute__((format(printf, 1, 2))) char *memory_format(const char *format, ...);
__attribute__((format(printf, 1, 0))) char *memory_format_list(const char *format,
                                                               va_list arguments);

#endif
