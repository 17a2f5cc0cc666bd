/* What each strategy finds: the one list of misuses of memory.
 *
 * It drives the tests in tests/misuse, the table of tests/README.md is checked against it, and
 * `tagpool-bench --strategies` prints it. What is not found is stated too. The strategy `direct`
 * finds what the next allocator finds.
 */
#ifndef BENCH_MISUSES_H
#define BENCH_MISUSES_H

#include <signal.h>
#include <stddef.h>

/* What becomes of a misuse. X(ID, TEXT, STATE, SIGNAL)
 *   TEXT    begins the line of the fault; "" if there is no line
 *   STATE   ends what stands in its brackets
 *   SIGNAL  that stops the program (on_fault=abort); 0 if it goes on */
#define MISUSE_OUTCOMES(X)                                                                         \
    X(RUNS_THROUGH, "", "", 0)                                                                     \
    X(STOPS, "", "", SIGSEGV)                                                                      \
    X(DOUBLE_FREE, "double free of", "freed block", SIGABRT)                                       \
    X(INTERIOR, "free of interior pointer", "not at the start of its slot", SIGABRT)               \
    X(MISALIGNED, "free of misaligned pointer", "not a multiple of 16", SIGABRT)                   \
    X(NEVER_ALLOCATED, "free of never-allocated pointer", "never handed out", SIGABRT)             \
    X(USE_FREED, "use of freed pointer", "freed block", SIGABRT)                                   \
    X(USE_INTERIOR, "use of interior pointer", "not at the start of its slot", SIGABRT)            \
    X(USE_MISALIGNED, "use of misaligned pointer", "not a multiple of 16", SIGABRT)                \
    X(USE_NEVER_ALLOCATED, "use of never-allocated pointer", "never handed out", SIGABRT)          \
    X(OVERFLOW_TAG, "corrupted block tag at free of", "overflow of the block before", SIGABRT)     \
    X(UNDERFLOW_TAG, "corrupted block tag at free of", "underflow of this block", SIGABRT)         \
    X(EITHER_TAG, "corrupted block tag at free of", "overflow or underflow", SIGABRT)              \
    X(USE_UNDERFLOW_TAG, "corrupted block tag at use of", "underflow of this block", SIGABRT)      \
    X(OVERFLOW, "overflow of", "bytes after the block changed", SIGABRT)                           \
    X(WRITE_AFTER_FREE, "write after free to", "freed block changed", SIGABRT)                     \
    X(WRONG_SIZE, "size mismatch at free of", "freed as", SIGABRT)                                 \
    X(WRONG_ALIGNMENT, "alignment mismatch at free of", "freed as aligned to", SIGABRT)            \
    X(WRONG_FORM, "possible form mismatch at free of", "made by", SIGABRT)

#define MISUSE_OUTCOME_ID(ID, ...) MISUSE_OUTCOME_##ID,
enum misuse_outcome { MISUSE_OUTCOMES(MISUSE_OUTCOME_ID) MISUSE_OUTCOME_COUNT };
#undef MISUSE_OUTCOME_ID

/* The option without which the misuse runs through all the same, because what it looks like may be
 * right; NULL if none is needed. */
static inline const char *misuse_option(enum misuse_outcome outcome) {
    return outcome == MISUSE_OUTCOME_WRONG_FORM ? "forms=on" : NULL;
}

/* X(ID, MISUSE, outcome with metadata, with tagged, with harden=on) */
#define MISUSES(X)                                                                                 \
    X(FREED_TWICE, "free a block twice", DOUBLE_FREE, DOUBLE_FREE, DOUBLE_FREE)                    \
    X(FREED_TWICE_LATE, "the same, but it was handed out again in between", RUNS_THROUGH,          \
      RUNS_THROUGH, DOUBLE_FREE)                                                                   \
    X(FREED_INTERIOR, "free a pointer into a block", INTERIOR, INTERIOR, INTERIOR)                 \
    X(FREED_MISALIGNED, "free a pointer that is no multiple of 16", MISALIGNED, MISALIGNED,        \
      MISALIGNED)                                                                                  \
    X(FREED_NEVER, "free an address of the pools that was never handed out", NEVER_ALLOCATED,      \
      NEVER_ALLOCATED, NEVER_ALLOCATED)                                                            \
    X(USED_FREED, "resize a freed block, or ask for its size", USE_FREED, USE_FREED, USE_FREED)    \
    X(USED_INTERIOR, "resize a pointer into a block, or ask for its size", USE_INTERIOR,           \
      USE_INTERIOR, USE_INTERIOR)                                                                  \
    X(USED_MISALIGNED, "the same with one that is no multiple of 16", USE_MISALIGNED,              \
      USE_MISALIGNED, USE_MISALIGNED)                                                              \
    X(USED_NEVER, "the same with an address that was never handed out", USE_NEVER_ALLOCATED,       \
      USE_NEVER_ALLOCATED, USE_NEVER_ALLOCATED)                                                    \
    X(WROTE_NEXT, "write 1 byte past a block that ends at the next one, free either",              \
      RUNS_THROUGH, OVERFLOW_TAG, OVERFLOW)                                                        \
    X(WROTE_SLACK, "write 1 byte past a block that does not, free it", RUNS_THROUGH, RUNS_THROUGH, \
      OVERFLOW)                                                                                    \
    X(WROTE_FREE_NEXT, "write 1 byte past one that ends at a free block, take that", RUNS_THROUGH, \
      RUNS_THROUGH, OVERFLOW)                                                                      \
    X(WROTE_BEFORE, "write 1 byte in front of a block, free it", RUNS_THROUGH, UNDERFLOW_TAG,      \
      UNDERFLOW_TAG)                                                                               \
    X(WROTE_BEFORE_FREED, "write 1 byte in front of a freed block, free the one before it",        \
      RUNS_THROUGH, RUNS_THROUGH, WRITE_AFTER_FREE)                                                \
    X(WROTE_BEFORE_USE, "write 1 byte in front of a block, resize it", RUNS_THROUGH,               \
      USE_UNDERFLOW_TAG, USE_UNDERFLOW_TAG)                                                        \
    X(WROTE_INTO_OTHER, "write into the middle of another block", RUNS_THROUGH, RUNS_THROUGH,      \
      RUNS_THROUGH)                                                                                \
    X(WROTE_FREED, "write into a freed block", RUNS_THROUGH, RUNS_THROUGH, WRITE_AFTER_FREE)       \
    X(USED_FREED_LARGE, "read or write a freed block of 32 KiB or more", RUNS_THROUGH,             \
      RUNS_THROUGH, STOPS)                                                                         \
    X(READ_FREED, "read a freed block", RUNS_THROUGH, RUNS_THROUGH, RUNS_THROUGH)                  \
    X(READ_BEHIND, "read 1 byte past a block", RUNS_THROUGH, RUNS_THROUGH, RUNS_THROUGH)           \
    X(FREED_WRONG_SIZE, "sized `delete` or `free_sized` with another size", RUNS_THROUGH,          \
      WRONG_SIZE, WRONG_SIZE)                                                                      \
    X(FREED_MORE_ALIGNED, "aligned `delete` or `free_aligned_sized` of an address not aligned so", \
      WRONG_ALIGNMENT, WRONG_ALIGNMENT, WRONG_ALIGNMENT)                                           \
    X(FREED_OTHER_ALIGNED, "the same with one that its size class is not for", RUNS_THROUGH,       \
      WRONG_ALIGNMENT, WRONG_ALIGNMENT)                                                            \
    X(FREED_WRONG_FORM, "`free` what `new` made, `delete` what `malloc` or `new[]` made ...",      \
      RUNS_THROUGH, WRONG_FORM, WRONG_FORM)                                                        \
    X(ZERO_BYTES_USED, "read or write a block of `malloc(0)`", RUNS_THROUGH, RUNS_THROUGH, STOPS)

#define MISUSE_ID(ID, ...) MISUSE_##ID,
enum misuse { MISUSES(MISUSE_ID) MISUSE_COUNT };
#undef MISUSE_ID

/* The columns: how the library is told. X(NAME, OPTIONS) */
#define MISUSE_STRATEGIES(X)                                                                       \
    X(metadata, "strategy=metadata")                                                               \
    X(tagged, "strategy=tagged")                                                                   \
    X(hardened, "strategy=tagged,harden=on")

#define MISUSE_STRATEGY_ID(NAME, OPTIONS) MISUSE_STRATEGY_##NAME,
enum misuse_strategy { MISUSE_STRATEGIES(MISUSE_STRATEGY_ID) MISUSE_STRATEGY_COUNT };
#undef MISUSE_STRATEGY_ID

#endif
