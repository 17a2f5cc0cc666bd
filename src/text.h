/* Lines built without allocation and without stdio: a bounded buffer that is cut, never overrun. */
#ifndef TEXT_H
#define TEXT_H

#include "base.h"

enum { TEXT_BYTES = 512 };

struct text {
    size_t length;          /* characters in use, without a NUL */
    char bytes[TEXT_BYTES]; /* not NUL-ended */
};

/* Each appends to `text`, which starts as {0}; what does not fit is left out. */
void text_add(struct text *text, const char *string);
void text_add_span(struct text *text, const char *start, size_t length);
void text_add_number(struct text *text, uint64_t number);
void text_add_hex(struct text *text, uint64_t number); /* with 0x in front */

/* Read a whole decimal number with an optional suffix K, M or G (powers of 1024; either case) from
 * exactly the `length` characters at `start`. False if it is anything else or does not fit. */
bool text_read_number(const char *start, size_t length, uint64_t *number);

/* True if the `length` characters at `start` are the string `word`. */
bool text_equals(const char *start, size_t length, const char *word);

#endif
