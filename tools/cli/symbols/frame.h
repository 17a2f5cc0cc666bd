/* A place in the code of a module, and what is known of it. */
#ifndef SYMBOLS_FRAME_H
#define SYMBOLS_FRAME_H

#include <stddef.h>
#include <stdint.h>

struct symbols_place {
    char *function; /* demangled; NULL: not known */
    char *file;     /* as the compiler was given it; NULL: not known */
    unsigned line;  /* 0: not known */
};

struct symbols_frame {
    size_t module;   /* its number in struct symbols */
    uint64_t offset; /* of the instruction, from where the module is loaded */
    /* The function that was inlined last comes first, the one whose code this is comes last. None:
     * nothing is known of it. */
    struct symbols_place *places;
    unsigned place_count;
};

/* Adds a place outside of those that the frame has. Texts of `bytes` bytes are copied; one that
 * begins with '?' is not known. */
void symbols_frame_add(struct symbols_frame *frame, const char *function, size_t function_bytes,
                       const char *file, size_t file_bytes, unsigned line);

void symbols_frame_clear(struct symbols_frame *frame);

#endif
