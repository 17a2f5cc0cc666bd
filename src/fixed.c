#include "fixed.h"

#include "os.h"

/* Of layout.ld; absent in a program that is not linked by it. */
extern char fixed_start[] __attribute__((weak, visibility("hidden")));
extern char fixed_end[] __attribute__((weak, visibility("hidden")));

static FIXED bool is_closed;

static size_t fixed_bytes(void) {
    return (size_t)((uintptr_t)fixed_end - (uintptr_t)fixed_start);
}

void fixed_close(void) {
    if (fixed_bytes() == 0 || is_closed)
        return;
    is_closed = true;
    os_freeze(fixed_start, fixed_bytes());
}

bool fixed_set(size_t *place, size_t value) {
    if (is_closed && !os_commit(fixed_start, fixed_bytes()))
        return false;
    *place = value;
    if (is_closed)
        os_freeze(fixed_start, fixed_bytes());
    return true;
}
