#include "startup.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>

/* As AT_LOAD in base.h. */
#define LOADING __attribute__((section(".text.startup")))

#ifdef __GLIBC__
#include <gnu/libc-version.h>

/* musl's loader would take a library that is built for glibc, whose programs then crash. By a name
 * that musl lacks it refuses it, and says so. */
__attribute__((used)) static const char *(*const only_glibc)(void) = gnu_get_libc_version;

/* Where the kernel put the count of arguments, these, the environment and the auxiliary vector,
 * each list with a 0 behind it. Of the loader, which sets it before anything else runs. Weak, or
 * the loader would be one more library that each start looks for. */
extern void *__libc_stack_end __attribute__((weak));

LOADING char **startup_arguments(void) {
    return (char **)__libc_stack_end + 1;
}

LOADING char **startup_environment(void) {
    const long *count = __libc_stack_end;
    return startup_arguments() + *count + 1;
}

unsigned long startup_auxiliary(unsigned long type) {
    char **end = startup_environment();
    while (*end != NULL)
        end++;
    const unsigned long *pair = (const unsigned long *)(uintptr_t)(end + 1);
    while (pair[0] != type && pair[0] != AT_NULL)
        pair += 2;
    return pair[1]; /* 0 of AT_NULL */
}
#else
char **startup_arguments(void) {
    return NULL;
}

char **startup_environment(void) {
    return NULL;
}

unsigned long startup_auxiliary(unsigned long type) {
    return getauxval(type);
}
#endif
