/* Operators new and delete that are not ours: those of the C++ library, which throw and call new
 * handlers, and those of a program that has some of its own.
 *
 * A program may replace any of the operators. Those that it leaves out then have to call its own:
 * delete with a size calls delete without, new[] calls new ([new.delete] in the C++ standard). The
 * C++ library's do. So if the program has any of its own, all of ours pass on to the library's.
 */
#ifndef CXX_H
#define CXX_H

#include "base.h"

typedef struct cxx_nothrow cxx_nothrow; /* std::nothrow_t */

/* The operators, by their linker names (Itanium C++ ABI, 5.1.4.2), in a list for new and one for
 * delete. PLAIN ones have a fast path of their own; RARE ones, and ALIGNED ones, do without.
 *
 * X(NAME, PARAMETERS, ARGUMENTS, FORM, PLAIN or RARE or ALIGNED, THROWS or CATCHES: without memory)
 */
#define CXX_NEW(X)                                                                                 \
    X(_Znwm, (size_t bytes), (bytes), BLOCK_NEW, PLAIN, THROWS)                                    \
    X(_Znam, (size_t bytes), (bytes), BLOCK_NEW_ARRAY, PLAIN, THROWS)                              \
    X(_ZnwmRKSt9nothrow_t, (size_t bytes, const cxx_nothrow *tag), (bytes, tag), BLOCK_NEW, RARE,  \
      CATCHES)                                                                                     \
    X(_ZnamRKSt9nothrow_t, (size_t bytes, const cxx_nothrow *tag), (bytes, tag), BLOCK_NEW_ARRAY,  \
      RARE, CATCHES)                                                                               \
    X(_ZnwmSt11align_val_t, (size_t bytes, size_t alignment), (bytes, alignment), BLOCK_NEW,       \
      ALIGNED, THROWS)                                                                             \
    X(_ZnamSt11align_val_t, (size_t bytes, size_t alignment), (bytes, alignment), BLOCK_NEW_ARRAY, \
      ALIGNED, THROWS)                                                                             \
    X(_ZnwmSt11align_val_tRKSt9nothrow_t,                                                          \
      (size_t bytes, size_t alignment, const cxx_nothrow *tag), (bytes, alignment, tag),           \
      BLOCK_NEW, ALIGNED, CATCHES)                                                                 \
    X(_ZnamSt11align_val_tRKSt9nothrow_t,                                                          \
      (size_t bytes, size_t alignment, const cxx_nothrow *tag), (bytes, alignment, tag),           \
      BLOCK_NEW_ARRAY, ALIGNED, CATCHES)

/* X(NAME, PARAMETERS, ARGUMENTS, FORM, PLAIN or RARE, SIZED or UNSIZED: `bytes` is told) */
#define CXX_DELETE(X)                                                                              \
    X(_ZdlPv, (void *pointer), (pointer), BLOCK_NEW, PLAIN, UNSIZED)                               \
    X(_ZdaPv, (void *pointer), (pointer), BLOCK_NEW_ARRAY, PLAIN, UNSIZED)                         \
    X(_ZdlPvm, (void *pointer, size_t bytes), (pointer, bytes), BLOCK_NEW, PLAIN, SIZED)           \
    X(_ZdaPvm, (void *pointer, size_t bytes), (pointer, bytes), BLOCK_NEW_ARRAY, PLAIN, SIZED)     \
    X(_ZdlPvRKSt9nothrow_t, (void *pointer, const cxx_nothrow *tag), (pointer, tag), BLOCK_NEW,    \
      RARE, UNSIZED)                                                                               \
    X(_ZdaPvRKSt9nothrow_t, (void *pointer, const cxx_nothrow *tag), (pointer, tag),               \
      BLOCK_NEW_ARRAY, RARE, UNSIZED)                                                              \
    X(_ZdlPvSt11align_val_t, (void *pointer, size_t alignment), (pointer, alignment), BLOCK_NEW,   \
      ALIGNED, UNSIZED)                                                                            \
    X(_ZdaPvSt11align_val_t, (void *pointer, size_t alignment), (pointer, alignment),              \
      BLOCK_NEW_ARRAY, ALIGNED, UNSIZED)                                                           \
    X(_ZdlPvmSt11align_val_t, (void *pointer, size_t bytes, size_t alignment),                     \
      (pointer, bytes, alignment), BLOCK_NEW, ALIGNED, SIZED)                                      \
    X(_ZdaPvmSt11align_val_t, (void *pointer, size_t bytes, size_t alignment),                     \
      (pointer, bytes, alignment), BLOCK_NEW_ARRAY, ALIGNED, SIZED)                                \
    X(_ZdlPvSt11align_val_tRKSt9nothrow_t,                                                         \
      (void *pointer, size_t alignment, const cxx_nothrow *tag), (pointer, alignment, tag),        \
      BLOCK_NEW, ALIGNED, UNSIZED)                                                                 \
    X(_ZdaPvSt11align_val_tRKSt9nothrow_t,                                                         \
      (void *pointer, size_t alignment, const cxx_nothrow *tag), (pointer, alignment, tag),        \
      BLOCK_NEW_ARRAY, ALIGNED, UNSIZED)

#define CXX_NUMBER(name, ...) CXX##name,
enum cxx_operator { CXX_NEW(CXX_NUMBER) CXX_DELETE(CXX_NUMBER) CXX_OPERATOR_COUNT };
#undef CXX_NUMBER

enum cxx_state { CXX_UNKNOWN, CXX_OURS, CXX_REPLACED };

/* Whose operators the program calls. CXX_UNKNOWN until the first call of one. */
extern HIDDEN enum cxx_state cxx_state;

/* The C++ library's operator that ours passes on to: NULL if the program has none of its own, or if
 * there is no C++ library. Finds out what it is at the first call. */
void *cxx_replaced(enum cxx_operator number);

/* A function of the C++ library by its linker name, NULL if there is none. It may have come with a
 * library that the program loaded for itself. */
void *cxx_symbol(const char *name);

/* The program's new handler; NULL if it has set none. */
typedef void cxx_handler(void);
cxx_handler *cxx_new_handler(void);

/* Throw std::bad_alloc; abort with a line if there is no C++ library to do it. */
_Noreturn void cxx_throw_bad_alloc(void);

#endif
