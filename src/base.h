/* The constants of the pool and the few macros that every file uses. Floor 0: includes nothing of
 * ours.
 *
 * TAGPOOL_SMALL_WORLD shrinks every constant, so that exhaustion, adoption and reuse, rare in real
 * life, happen all the time in the tests that are linked with such a build.
 */
#ifndef BASE_H
#define BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* Exported from the library; everything else is hidden by -fvisibility=hidden. */
#define EXPORT __attribute__((visibility("default")))

/* A variable of ours that headers declare: nobody else sees it, so that it is reached without a
 * detour over the global offset table. */
#define HIDDEN __attribute__((visibility("hidden")))

/* A fast path with several callers: laid out in each. */
#define FAST static inline __attribute__((always_inline))

/* A slower path: kept out of its caller, so that the caller needs no stack frame for it. */
#define SLOW __attribute__((noinline))

/* A rare path, laid out for size: kept out of its caller, so that the caller needs no stack frame
 * for it. */
#define COLD __attribute__((noinline, cold))

/* Runs as the library is loaded, in every process. Such functions lie together, beside the
 * constants and what the loader reads of the library (layout.ld): on few pages, which the kernel
 * maps at once. */
#define AT_LOAD __attribute__((section(".text.startup")))

/* What few programs run lies apart, in a mapping of its own: at a page fault the kernel maps up to
 * 64 KiB around it, but nothing of another mapping (layout.ld; the Makefile lists the files that
 * lie apart as a whole). */
#define APART __attribute__((section(".text_apart")))

/* Of such a file, what every program may run. */
#define NEAR __attribute__((section(".text.near")))

/* Set at start and not changed afterwards, or by fixed_set() alone: fixed.h. */
#define FIXED __attribute__((section(".fixed")))

/* Variables that few programs write. They lie after all others, so that the others share the page
 * of the library that every program writes to when it starts. */
#define SELDOM __attribute__((section(".bss.seldom")))

/* A store that other threads may read with a relaxed load; and such a load, where an instruction
 * more counts. Plain, so that the compiler may join them with what stands around; an aligned word
 * is seen as a whole or not at all on every machine that we run on. ThreadSanitizer must be told.
 */
#ifdef TAGPOOL_THREAD_SANITIZER
#define OWNER_STORE(place, value) __atomic_store_n((place), (value), __ATOMIC_RELAXED)
#define PLAIN_LOAD(place)         __atomic_load_n((place), __ATOMIC_RELAXED)
#else
#define OWNER_STORE(place, value) (*(place) = (value))
#define PLAIN_LOAD(place)         (*(place))
#endif

/* Add to a count that others may read so. */
#define OWNER_ADD(place, count) OWNER_STORE((place), *(place) + (count))

#define WORD_BITS 64u

/* The bits set in a word. __builtin_popcountll() is a call where the oldest machine that a binary
 * may run on has no such instruction (Warren, "Hacker's Delight", figure 5-2). */
static inline unsigned count_bits(uint64_t word) {
    word -= word >> 1 & 0x5555555555555555u;
    word = (word & 0x3333333333333333u) + (word >> 2 & 0x3333333333333333u);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (unsigned)(word * 0x0101010101010101u >> 56);
}

static inline size_t smaller(size_t one, size_t other) {
    return one < other ? one : other;
}

static inline size_t larger(size_t one, size_t other) {
    return one > other ? one : other;
}

/* What processors do in fewer instructions than compilers find. */
#if defined(__x86_64__)

/* The number of the lowest bit set in a word that is not 0. Compilers clear the result first, which
 * nothing waits for here. */
static inline size_t lowest_bit(uint64_t word) {
    uint64_t number;
    __asm__("rep; bsf %1, %0" : "=r"(number) : "r"(word) : "cc");
    return number;
}

/* The product with a word in memory. Compilers load the word into a register if it is used again.
 */
static inline uint64_t multiply(uint64_t number, const uint64_t *word) {
    __asm__("imul %1, %0" : "+r"(number) : "m"(*word) : "cc");
    return number;
}

/* Clear bit `number` mod 64 of a word; true if it was set. */
static inline bool clear_bit(uint64_t *word, size_t number) {
    bool was_set;
    __asm__("btr %2, %0" : "+r"(*word), "=@ccc"(was_set) : "r"(number));
    return was_set;
}

/* Set bit `number` mod 64 of a word. */
static inline uint64_t with_bit(uint64_t word, size_t number) {
    __asm__("bts %1, %0" : "+r"(word) : "r"(number) : "cc");
    return word;
}

/* Set bit `number` mod 64 of a word, and count it if it was not set. */
static inline void set_and_count(uint64_t *word, size_t number, uint32_t *count) {
    __asm__("bts %2, %0\n\tsbbl $-1, %1" : "+r"(*word), "+m"(*count) : "r"(number) : "cc");
}

#else

static inline size_t lowest_bit(uint64_t word) {
    return (size_t)__builtin_ctzll(word);
}

static inline uint64_t multiply(uint64_t number, const uint64_t *word) {
    return number * *word;
}

static inline bool clear_bit(uint64_t *word, size_t number) {
    uint64_t bit = (uint64_t)1 << number % WORD_BITS;
    bool was_set = (*word & bit) != 0;
    *word &= ~bit;
    return was_set;
}

static inline uint64_t with_bit(uint64_t word, size_t number) {
    return word | (uint64_t)1 << number % WORD_BITS;
}

static inline void set_and_count(uint64_t *word, size_t number, uint32_t *count) {
    *count += (*word >> number % WORD_BITS & 1) == 0;
    *word |= (uint64_t)1 << number % WORD_BITS;
}

#endif

/* The same number, which the compiler does not know any more: so it keeps no address that it
 * computed with the number, and computes it anew in the instruction that needs it. */
static inline size_t anew(size_t number) {
    __asm__("" : "+r"(number));
    return number;
}

/* The same pointer, which the compiler keeps: it does not know any more what it computed it of. */
static inline void *kept(void *pointer) {
    __asm__("" : "+r"(pointer));
    return pointer;
}

/* Fetch a cache line that is about to be written. An atomic operation whose result is used reads
 * first: without this, a line that another processor has is fetched twice. */
#if defined(__x86_64__)
/* Compilers leave it out where the oldest machine that a binary may run on does not know it; to
 * that one it is no operation. */
static inline void prefetch_to_write(const void *place) {
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)place));
}
#else
static inline void prefetch_to_write(const void *place) {
    __builtin_prefetch(place, 1);
}
#endif

enum { SLOT_ALIGN = 16 }; /* every block is aligned to this: alignof(max_align_t) */

#ifdef TAGPOOL_SMALL_WORLD
enum { SLAB_SHIFT = 13, REGION_SLABS = 128, HEAP_LIMIT = 16 };
#else
enum {
    SLAB_SHIFT = 16,
    REGION_SLABS = 1 << 22, /* 256 GiB of address space */
    HEAP_LIMIT = 1 << 14, /* threads with pools of their own at one time; further ones use the next
                             allocator */
};
#endif

#define SLAB_BYTES ((size_t)1 << SLAB_SHIFT)

/* Slots of one slab: the most there can be, and the words of a bitmap with a bit for each. */
#define SLAB_SLOTS (SLAB_BYTES / SLOT_ALIGN)
#define SLAB_WORDS (SLAB_SLOTS / WORD_BITS)

static_assert(SLAB_WORDS <= WORD_BITS, "one summary word covers the live bitmap of a slab");
static_assert(HEAP_LIMIT < 0x7ffe, "an owner number fits its 15 bits of the slab tag");

/* A pointer to a function of this type, from its address. */
#define AS_FUNCTION(type, symbol)                                                                  \
    ({                                                                                             \
        __typeof__(type) *as_function;                                                             \
        void *found_symbol = (symbol);                                                             \
        memcpy(&as_function, &found_symbol, sizeof found_symbol);                                  \
        as_function;                                                                               \
    })

#endif
