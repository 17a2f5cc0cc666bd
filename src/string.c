/* The functions of <string.h> that the library uses and that compilers call on their own: hidden,
 * so that no other library's come in their place. A sanitizer's are not ready when the first block
 * is asked for; others allocate. Floor 0.
 *
 * An empty asm in a loop keeps the compiler from seeing a call of the same function in it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* As AT_LOAD in base.h. */
#define LOADING __attribute__((section(".text.startup")))

#define KEEP_LOOP() __asm__ volatile("" : : : "memory")

/* Moved as one, wherever it lies. */
typedef long long wide __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t word __attribute__((aligned(1), may_alias));
typedef uint32_t half __attribute__((aligned(1), may_alias));
typedef uint16_t pair __attribute__((aligned(1), may_alias));

enum { WIDE = sizeof(wide), STEP = 4 * sizeof(wide) };

/* From here on one instruction is as fast as a loop, which it needs some time to begin. */
enum { LONG_BYTES = 4096 };

/* ---- clearing and filling ---- */

static void fill_few(unsigned char *to, uint64_t pattern, size_t bytes) {
    if (bytes >= 8) {
        *(word *)to = pattern;
        *(word *)(to + bytes - 8) = pattern;
    } else if (bytes >= 4) {
        *(half *)to = (uint32_t)pattern;
        *(half *)(to + bytes - 4) = (uint32_t)pattern;
    } else if (bytes >= 2) {
        *(pair *)to = (uint16_t)pattern;
        *(pair *)(to + bytes - 2) = (uint16_t)pattern;
    } else if (bytes == 1) {
        *to = (unsigned char)pattern;
    }
}

#if defined(__x86_64__)
/* Whole words of a long area. */
static inline bool fill_long(unsigned char *to, uint64_t pattern, size_t bytes) {
    size_t words = bytes / 8;
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    *(word *)(to + bytes % 8 - 8) = pattern;
    return true;
}

static inline bool copy_long(unsigned char *to, const unsigned char *from, size_t bytes) {
    size_t words = bytes / 8;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    *(word *)(to + bytes % 8 - 8) = *(const word *)(from + bytes % 8 - 8);
    return true;
}
#else
static inline bool fill_long(unsigned char *to, uint64_t pattern, size_t bytes) {
    (void)to, (void)pattern, (void)bytes;
    return false;
}

static inline bool copy_long(unsigned char *to, const unsigned char *from, size_t bytes) {
    (void)to, (void)from, (void)bytes;
    return false;
}
#endif

void *memset(void *start, int byte, size_t bytes) {
    unsigned char *to = start;
    uint64_t pattern = (unsigned char)byte * (UINT64_MAX / 255);
    if (bytes < WIDE) {
        fill_few(to, pattern, bytes);
        return start;
    }
    wide filled = {(long long)pattern, (long long)pattern};
    unsigned char *last = to + bytes - WIDE;
    if (bytes <= STEP) { /* at both ends; what is written twice is the same */
        *(wide *)to = filled;
        *(wide *)last = filled;
        if (bytes > (size_t)2 * WIDE) {
            *(wide *)(to + WIDE) = filled;
            *(wide *)(last - WIDE) = filled;
        }
        return start;
    }
    if (bytes >= LONG_BYTES && fill_long(to, pattern, bytes))
        return start;
    for (; last - to > STEP - WIDE; to += STEP) {
        ((wide *)to)[0] = filled;
        ((wide *)to)[1] = filled;
        ((wide *)to)[2] = filled;
        ((wide *)to)[3] = filled;
        KEEP_LOOP();
    }
    for (; to < last; to += WIDE) {
        *(wide *)to = filled;
        KEEP_LOOP();
    }
    *(wide *)last = filled;
    return start;
}

/* ---- copying ---- */

static void copy_few(unsigned char *to, const unsigned char *from, size_t bytes) {
    if (bytes >= 8) {
        uint64_t first = *(const word *)from, last = *(const word *)(from + bytes - 8);
        *(word *)to = first;
        *(word *)(to + bytes - 8) = last;
    } else if (bytes >= 4) {
        uint32_t first = *(const half *)from, last = *(const half *)(from + bytes - 4);
        *(half *)to = first;
        *(half *)(to + bytes - 4) = last;
    } else if (bytes >= 2) {
        uint16_t first = *(const pair *)from, last = *(const pair *)(from + bytes - 2);
        *(pair *)to = first;
        *(pair *)(to + bytes - 2) = last;
    } else if (bytes == 1) {
        *to = *from;
    }
}

static void copy_wide(unsigned char *to, const unsigned char *from, size_t bytes) {
    wide end = *(const wide *)(from + bytes - WIDE);
    unsigned char *last = to + bytes - WIDE;
    for (; last - to >= STEP; to += STEP, from += STEP) {
        wide first = ((const wide *)from)[0], second = ((const wide *)from)[1];
        wide third = ((const wide *)from)[2], fourth = ((const wide *)from)[3];
        ((wide *)to)[0] = first;
        ((wide *)to)[1] = second;
        ((wide *)to)[2] = third;
        ((wide *)to)[3] = fourth;
        KEEP_LOOP();
    }
    for (; to < last; to += WIDE, from += WIDE) {
        *(wide *)to = *(const wide *)from;
        KEEP_LOOP();
    }
    *(wide *)last = end;
}

void *memcpy(void *restrict target, const void *restrict source, size_t bytes) {
    if (bytes < WIDE)
        copy_few(target, source, bytes);
    else if (bytes < LONG_BYTES || !copy_long(target, source, bytes))
        copy_wide(target, source, bytes);
    return target;
}

/* ---- comparing and searching ---- */

int memcmp(const void *left, const void *right, size_t bytes) {
    const unsigned char *a = left, *b = right;
    for (size_t i = 0; i < bytes; i++) {
        if (a[i] != b[i])
            return a[i] - b[i];
        KEEP_LOOP();
    }
    return 0;
}

/* In parentheses: newer C libraries also have macros of these names, which keep a const. */
void *(memchr)(const void *start, int byte, size_t bytes) {
    const unsigned char *at = start;
    for (size_t i = 0; i < bytes; i++) {
        if (at[i] == (unsigned char)byte)
            return (void *)(uintptr_t)(at + i);
        KEEP_LOOP();
    }
    return NULL;
}

LOADING size_t strlen(const char *string) {
    size_t length = 0;
    while (string[length] != '\0') {
        length++;
        KEEP_LOOP();
    }
    return length;
}

LOADING int strncmp(const char *left, const char *right, size_t most) {
    for (size_t i = 0; i < most; i++) {
        if (left[i] != right[i] || left[i] == '\0')
            return (unsigned char)left[i] - (unsigned char)right[i];
        KEEP_LOOP();
    }
    return 0;
}

LOADING int strcmp(const char *left, const char *right) {
    return strncmp(left, right, PTRDIFF_MAX);
}

char *(strrchr)(const char *string, int character) {
    const char *found = NULL;
    for (;; string++) {
        if (*string == (char)character)
            found = string;
        if (*string == '\0')
            return (char *)(uintptr_t)found;
        KEEP_LOOP();
    }
}
