/* What the unwind tables of a module say of an address: how its caller's frame is found. The
 * tables are those that C++ exceptions use, read where the loader put them. Nothing here allocates,
 * locks or calls the loader.
 *
 * Of all that such tables can say, a rule keeps what code of compilers needs: a frame that is found
 * from the stack pointer or the frame pointer, perhaps by one word in memory, and where the
 * caller's frame pointer was saved. It fits one word, so that it can be kept for the next time.
 */
#ifndef CFI_H
#define CFI_H

#include "base.h"

enum cfi_kind {
    CFI_UNKNOWN = 1,  /* no table tells: the frame pointer may */
    CFI_END,          /* the outermost frame */
    CFI_FROM_STACK,   /* frame = stack pointer + offset */
    CFI_FROM_FRAME,   /* frame = frame pointer + offset */
    CFI_IN_FRAME,     /* frame = the word at frame pointer + offset */
    CFI_AFTER_SIGNAL, /* the kernel's: it keeps all registers at the stack pointer */
};

/* The frame is the address after the return address, where the stack pointer comes back to. */
struct cfi_rule {
    uint8_t kind;       /* enum cfi_kind; 0: no rule */
    bool is_saved;      /* the frame pointer is saved */
    int16_t saved_word; /* at frame + 8 * this */
    int32_t offset;
};
static_assert(sizeof(struct cfi_rule) == sizeof(uint64_t), "a rule is one word");

/* Where a module has its tables: what of its file can be read around the index of them. */
struct cfi_tables {
    const void *index; /* NULL: it has none */
    uintptr_t start;
    uintptr_t end;
};

/* The rule for an address of code in a module. Nothing outside of the tables' bounds is read,
 * whatever they hold. */
struct cfi_rule cfi_find(const struct cfi_tables *tables, uintptr_t address);

#endif
