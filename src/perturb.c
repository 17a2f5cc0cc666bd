#include "perturb.h"

#include "environment.h"
#include "heap_table.h"
#include "os.h"

#include <string.h>

FIXED bool perturb_is_on;
static _Atomic(unsigned char) perturb_byte;

/* More than 15 if it is none. */
static unsigned digit_of(char character) {
    unsigned char letter = (unsigned char)character | 0x20;
    bool is_letter = letter >= 'a' && letter <= 'f';
    return is_letter ? letter - 'a' + 10u : (unsigned)(unsigned char)character - '0';
}

/* Decimal, octal or hexadecimal, up to the first other character, as glibc reads it. 0 for more
 * than a byte, which glibc does not take. */
static unsigned read_value(const char *text) {
    bool is_hexadecimal = text[0] == '0' && (text[1] | 0x20) == 'x';
    unsigned base = is_hexadecimal ? 16 : text[0] == '0' ? 8 : 10;
    unsigned value = 0;
    for (text += is_hexadecimal ? 2 : 0; digit_of(*text) < base && value <= UINT8_MAX; text++)
        value = value * base + digit_of(*text);
    return value <= UINT8_MAX ? value : 0;
}

/* What the user has set for this process; 0: nothing. */
AT_LOAD static unsigned find_value(void) {
    const char *text = environment_tunable("glibc.malloc.perturb");
    if (text == NULL)
        text = environment_at_start("MALLOC_PERTURB_");
    return text != NULL && !os_is_privileged() ? read_value(text) : 0;
}

AT_LOAD void perturb_read(void) {
    unsigned value = find_value();
    if (value == 0)
        return;
    perturb_is_on = true;
    perturb_set((int)value);
}

void perturb_start(void) {
    if (perturb_is_on)
        heap_table_trace_blocks();
}

void perturb_set(int value) {
    atomic_store_explicit(&perturb_byte, (unsigned char)value, memory_order_relaxed);
}

static void fill(void *block, size_t bytes, unsigned char flip) {
    unsigned char byte = atomic_load_explicit(&perturb_byte, memory_order_relaxed);
    if (perturb_is_on && byte != 0)
        memset(block, byte ^ flip, bytes);
}

void perturb_taken(void *block, size_t bytes) {
    fill(block, bytes, 0xff);
}

void perturb_freed(void *block, size_t bytes) {
    fill(block, bytes, 0);
}
