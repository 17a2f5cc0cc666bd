#include "cxx.h"

#include "fault.h"
#include "libc.h"
#include "next.h"
#include "objects.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

FIXED enum cxx_state cxx_state;
static FIXED void *library[CXX_OPERATOR_COUNT]; /* its operators, if the program has some */

/* An allocator behind us may have operators too, which neither throw nor call the program's. So the
 * C++ library is asked by its name, which finds it wherever it was loaded; where it has another, or
 * is part of the program, whoever has the function. */
void *cxx_symbol(const char *name) {
    static const char libraries[][sizeof "libc++abi.so.1"] = {"libstdc++.so.6", "libc++.so.1",
                                                              "libc++abi.so.1"};
    void *symbol = NULL;
    for (size_t i = 0; symbol == NULL && i < sizeof libraries / sizeof libraries[0]; i++)
        symbol = objects_in(libraries[i], name);
    return symbol != NULL ? symbol : next_symbol(name);
}

/* This library, from the first byte that is loaded to the last: the linker's names. */
extern HIDDEN const char __ehdr_start[];
extern HIDDEN const char _end[];

static bool is_ours(const void *address) {
    return (const char *)address >= __ehdr_start && (const char *)address < _end;
}

/* True if somebody else's function of this name comes before ours. */
static bool is_replaced(const char *name) {
    if (objects_are_listed())
        return objects_before(name) != NULL;
    void *symbol = dlsym(RTLD_DEFAULT, name);
    return symbol != NULL && !is_ours(symbol);
}

COLD static enum cxx_state find(void) {
    /* One behind the other: a table of pointers would be relocated at each start. */
    static const char names[] =
#define CXX_NAME(name, ...) #name "\0"
        CXX_NEW(CXX_NAME) CXX_DELETE(CXX_NAME);
#undef CXX_NAME
    /* With a malloc() before ours the operators have to end there, as the library's do. */
    enum cxx_state found = is_replaced("malloc") ? CXX_REPLACED : CXX_OURS;
    const char *name = names;
    for (size_t i = 0; i < CXX_OPERATOR_COUNT; i++, name += strlen(name) + 1)
        if (is_replaced(name))
            found = CXX_REPLACED;
    name = names;
    for (size_t i = 0; found == CXX_REPLACED && i < CXX_OPERATOR_COUNT; i++) {
        library[i] = cxx_symbol(name);
        name += strlen(name) + 1;
    }
    return found;
}

void *cxx_replaced(enum cxx_operator number) {
    if (__atomic_load_n(&cxx_state, __ATOMIC_ACQUIRE) == CXX_UNKNOWN)
        __atomic_store_n(&cxx_state, find(), __ATOMIC_RELEASE); /* each thread finds the same */
    return cxx_state == CXX_REPLACED ? library[number] : NULL;
}

typedef cxx_handler *get_function(void);
typedef void *new_function(size_t bytes);

APART cxx_handler *cxx_new_handler(void) {
    get_function *get_new_handler = AS_FUNCTION(get_function, cxx_symbol("_ZSt15get_new_handlerv"));
    return get_new_handler != NULL ? get_new_handler() : NULL;
}

/* Its own operator new does it, asked for what cannot be had: not for SIZE_MAX, which it would
 * round up. */
APART COLD _Noreturn void cxx_throw_bad_alloc(void) {
    new_function *operator_new = AS_FUNCTION(new_function, cxx_symbol("_Znwm"));
    if (operator_new != NULL)
        operator_new(PTRDIFF_MAX);
    struct text line = {.length = 0};
    text_add(&line, "out of memory in operator new, and no C++ library to throw std::bad_alloc");
    fault_line(&line);
    abort();
}
