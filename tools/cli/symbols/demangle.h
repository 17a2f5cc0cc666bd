/* Names of C++ and Rust as they stand in the source, from c++filt where it is installed, else from
 * the C++ library, which is loaded for it. */
#ifndef SYMBOLS_DEMANGLE_H
#define SYMBOLS_DEMANGLE_H

#include <stddef.h>

/* Puts new strings in the place of those of the names that are mangled; `names` may hold NULL. */
void demangle_all(char **const *names, size_t count);

#endif
