/* Assertions on what the headers promise: checked where TAGPOOL_DEBUG is defined (the small-world
 * library, the sanitizer builds, `make debug`), and not even compiled elsewhere.
 *
 * One that fails writes a line and aborts; nothing is allocated.
 *
 *   tagpool[4711]: assertion failed: src/places.c:41: places_is_listed(slab)
 */
#ifndef ASSERTION_H
#define ASSERTION_H

#include "base.h"

#ifdef TAGPOOL_DEBUG
#define ASSERT(condition)                                                                          \
    (LIKELY(condition) ? (void)0 : assertion_failed(__FILE__, __LINE__, #condition))
enum { ASSERTION_RUNS = true };
#else
#define ASSERT(condition) ((void)sizeof(!(condition))) /* nothing runs */
enum { ASSERTION_RUNS = false };
#endif

/* Write the line of an assertion, and abort. */
_Noreturn void assertion_failed(const char *file, unsigned line, const char *condition);

#endif
