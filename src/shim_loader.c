/* Two names exported beside the family, because of who else is in the process: libraries that are
 * bound to the C library's own malloc, and AddressSanitizer.
 */
#include "base.h"
#include "config.h"
#include "libc.h"
#include "next.h"

#include <string.h>

typedef void *dlopen_function(const char *file, int mode);

static dlopen_function *next_dlopen(void) {
    dlopen_function *function;
    void *symbol = next_symbol("dlopen");
    memcpy(&function, &symbol, sizeof symbol);
    return function;
}

/* RTLD_DEEPBIND makes a library prefer the C library's malloc and free() to those of the program.
 * One that frees what the program allocated, as PHP's extensions do, then hands the pool's blocks
 * to glibc, which aborts. So the flag is left out. A tail call: dlopen() looks at who called it. */
EXPORT void *dlopen(const char *file, int mode) {
    if (config.strategy != TAGPOOL_STRATEGY_DIRECT)
        mode &= ~RTLD_DEEPBIND;
    return next_dlopen()(file, mode);
}

/* Asked by AddressSanitizer's runtime, which otherwise ends a program when it is not the first
 * library loaded. It need not be here: in its company we pass every call on to it. */
EXPORT const char *__asan_default_options(void);
EXPORT const char *__asan_default_options(void) {
    return "verify_asan_link_order=0";
}
