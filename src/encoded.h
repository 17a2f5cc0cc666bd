/* Numbers as the unwind tables write them (DWARF: LEB128 and DW_EH_PE), read one after the other.
 */
#ifndef ENCODED_H
#define ENCODED_H

#include "base.h"

/* How a pointer is written; and what it is counted from. */
enum {
    ENCODED_ABSOLUTE = 0x00,
    ENCODED_FORM = 0x0f,         /* these bits: the form alone */
    ENCODED_OMIT = 0xff,         /* there is none */
    ENCODED_SORTED_INDEX = 0x3b, /* 4 bytes, signed, from the start of the index */
};

/* Bytes that are read one after the other. Reading past the end gives zeroes. */
struct encoded {
    const unsigned char *at;
    const unsigned char *end;
};

/* A number of so many bytes, at most 8. */
uint64_t encoded_fixed(struct encoded *bytes, size_t count);

/* Numbers of as many bytes as they need. */
uint64_t encoded_unsigned(struct encoded *bytes);
int64_t encoded_signed(struct encoded *bytes);

/* A pointer. Of one that leads to another only the place of that. */
uint64_t encoded_pointer(struct encoded *bytes, unsigned encoding);

#endif
