#include "perturb.h"

#include "environment.h"
#include "heap_table.h"
#include "os.h"

#include <string.h>

static _Atomic(unsigned char) perturb_byte;
static FIXED bool is_perturbed;

/* Decimal, octal or hexadecimal, up to the first other character, as glibc reads it. */
static unsigned read_value(const char *text) {
    unsigned base = 10, value = 0;
    if (text[0] == '0')
        base = text[1] == 'x' || text[1] == 'X' ? 16 : 8;
    for (text += base == 16 ? 2 : 0;; text++) {
        unsigned char letter = (unsigned char)*text | 0x20;
        unsigned digit = (unsigned)(unsigned char)*text - '0';
        if (letter >= 'a' && letter <= 'f')
            digit = letter - 'a' + 10u;
        if (digit >= base)
            return value;
        value = value * base + digit;
    }
}

/* What the user has set for this process; 0: nothing. */
static unsigned find_value(void) {
    const char *text = environment_tunable("glibc.malloc.perturb");
    if (text == NULL)
        text = environment_at_start("MALLOC_PERTURB_");
    return text != NULL && !os_is_privileged() ? read_value(text) & 0xff : 0;
}

bool perturb_is_wanted(void) {
    return find_value() != 0;
}

void perturb_start(void) {
    unsigned value = find_value();
    if (value == 0)
        return;
    perturb_set((int)value);
    is_perturbed = true;
    heap_table_trace_blocks();
}

void perturb_set(int value) {
    atomic_store_explicit(&perturb_byte, (unsigned char)value, memory_order_relaxed);
}

static void fill(void *block, size_t bytes, unsigned char flip) {
    unsigned char byte = atomic_load_explicit(&perturb_byte, memory_order_relaxed);
    if (is_perturbed && byte != 0)
        memset(block, byte ^ flip, bytes);
}

void perturb_taken(void *block, size_t bytes) {
    fill(block, bytes, 0xff);
}

void perturb_freed(void *block, size_t bytes) {
    fill(block, bytes, 0);
}
