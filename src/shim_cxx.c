/* Operators new and delete: ours, written in C by their linker names, and which of them are not. */
#include "base.h"
#include "cxx.h"
#include "libc.h"
#include "next.h"
#include "route.h"

#define CALLER __builtin_return_address(0)

#define NEW_PLAIN(form)   route_take(bytes, form)
#define NEW_RARE(form)    route_take_aligned(SLOT_ALIGN, bytes, form)
#define NEW_ALIGNED(form) route_take_aligned(alignment, bytes, form)

/* As the standard asks for: the new handler, if there is one, may make room, throw, or set another.
 */
#define NEW_THROWS(name, arguments, taken)                                                         \
    for (cxx_handler * handler; (handler = cxx_new_handler()) != NULL;) {                          \
        handler();                                                                                 \
        void *block = taken;                                                                       \
        if (block != NULL)                                                                         \
            return block;                                                                          \
    }                                                                                              \
    cxx_throw_bad_alloc()

/* This is C: what can catch is the C++ library's operator of this form, which calls the one that
 * throws: ours. It rounds sizes up without looking for overflow. */
#define NEW_CATCHES(name, arguments, taken)                                                        \
    name##_function *function = AS_FUNCTION(name##_function, cxx_symbol(#name));                   \
    bytes = bytes > PTRDIFF_MAX ? (size_t)PTRDIFF_MAX : bytes;                                     \
    return function != NULL ? function arguments : NULL

#define DEFINE_NEW(name, parameters, arguments, form, how, without_memory)                         \
    typedef void *name##_function parameters;                                                      \
    APART COLD static void *name##_failed parameters {                                             \
        NEW_##without_memory(name, arguments, NEW_##how(form));                                    \
    }                                                                                              \
    SLOW static void *name##_elsewhere parameters {                                                \
        name##_function *function = AS_FUNCTION(name##_function, cxx_replaced(CXX##name));         \
        if (function != NULL)                                                                      \
            return function arguments;                                                             \
        void *block = NEW_##how(form);                                                             \
        return LIKELY(block != NULL) ? block : name##_failed arguments;                            \
    }                                                                                              \
    EXPORT name##_function name;                                                                   \
    EXPORT void *name parameters {                                                                 \
        if (UNLIKELY(cxx_state != CXX_OURS))                                                       \
            return name##_elsewhere arguments;                                                     \
        void *block = NEW_##how(form);                                                             \
        return LIKELY(block != NULL) ? block : name##_failed arguments;                            \
    }
CXX_NEW(DEFINE_NEW)

#define DELETE_PLAIN ROUTE_GIVE
#define DELETE_RARE  route_give_slow
#define DELETE_ALIGNED(pointer, call, bytes, caller)                                               \
    route_give_aligned(pointer, alignment, call, bytes, caller)
#define DELETE_SIZED   bytes
#define DELETE_UNSIZED CHECKED_BYTES_UNKNOWN

#define DELETE_NAME_BLOCK_NEW       "operator delete"
#define DELETE_NAME_BLOCK_NEW_ARRAY "operator delete[]"

#define DEFINE_DELETE(name, parameters, arguments, form_, how, size)                               \
    typedef void name##_function parameters;                                                       \
    static const struct call name##_call = {.function = DELETE_NAME_##form_, .form = form_};       \
    APART SLOW static void name##_elsewhere parameters {                                           \
        name##_function *function = AS_FUNCTION(name##_function, cxx_replaced(CXX##name));         \
        if (function != NULL)                                                                      \
            function arguments;                                                                    \
        else                                                                                       \
            DELETE_##how(pointer, &name##_call, DELETE_##size, CALLER);                            \
    }                                                                                              \
    EXPORT name##_function name;                                                                   \
    EXPORT void name parameters {                                                                  \
        if (UNLIKELY(cxx_state != CXX_OURS))                                                       \
            name##_elsewhere arguments;                                                            \
        else                                                                                       \
            DELETE_##how(pointer, &name##_call, DELETE_##size, CALLER);                            \
    }
CXX_DELETE(DEFINE_DELETE)
