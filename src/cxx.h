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

/* X(LINKER NAME): all of them. */
#define CXX_OPERATORS(X)                                                                           \
    X(_Znwm)                                                                                       \
    X(_Znam)                                                                                       \
    X(_ZnwmRKSt9nothrow_t)                                                                         \
    X(_ZnamRKSt9nothrow_t)                                                                         \
    X(_ZnwmSt11align_val_t)                                                                        \
    X(_ZnamSt11align_val_t)                                                                        \
    X(_ZnwmSt11align_val_tRKSt9nothrow_t)                                                          \
    X(_ZnamSt11align_val_tRKSt9nothrow_t)                                                          \
    X(_ZdlPv)                                                                                      \
    X(_ZdaPv)                                                                                      \
    X(_ZdlPvm)                                                                                     \
    X(_ZdaPvm)                                                                                     \
    X(_ZdlPvRKSt9nothrow_t)                                                                        \
    X(_ZdaPvRKSt9nothrow_t)                                                                        \
    X(_ZdlPvSt11align_val_t)                                                                       \
    X(_ZdaPvSt11align_val_t)                                                                       \
    X(_ZdlPvmSt11align_val_t)                                                                      \
    X(_ZdaPvmSt11align_val_t)                                                                      \
    X(_ZdlPvSt11align_val_tRKSt9nothrow_t)                                                         \
    X(_ZdaPvSt11align_val_tRKSt9nothrow_t)

#define CXX_NUMBER(name) CXX##name,
enum cxx_operator { CXX_OPERATORS(CXX_NUMBER) CXX_OPERATOR_COUNT };
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
