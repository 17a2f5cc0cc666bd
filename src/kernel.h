/* System calls by number. Floor 0.
 *
 * The functions of the C library are not ours: a library before us may have its own open() or
 * mmap(), which allocates; some are cancellation points; all set errno. Nothing of that is true
 * here: a call returns what the kernel returns, a value or a negative error number.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>
#include <sys/syscall.h>

/* Since Linux 5.9; older headers do not have it. Of one number everywhere. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

/* KERNEL(mmap, start, bytes, ...): the call of that name, with up to six arguments, numbers or
 * pointers. At least one is written, because ISO C wants it so: 0 where the call has none. */
#define KERNEL(name, ...) KERNEL_FILLED(SYS_##name, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define KERNEL_FILLED(number, a, b, c, d, e, f, ...)                                               \
    kernel_call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* True for what a call returns that has failed. */
static inline bool kernel_failed(long result) {
    enum { ERRORS = 4095 };
    return result < 0 && result >= -ERRORS;
}

#if defined(__x86_64__)
static inline long kernel_call(long number, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
static inline long kernel_call(long number, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}
#else
#include <errno.h>
#include <unistd.h>

static inline long kernel_call(long number, long a, long b, long c, long d, long e, long f) {
    int saved_errno = errno;
    long result = syscall(number, a, b, c, d, e, f);
    if (result == -1)
        result = -errno;
    errno = saved_errno;
    return result;
}
#endif

#endif
