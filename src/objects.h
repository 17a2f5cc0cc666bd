/* The symbols of what is loaded, read where the loader put them and not asked of it: dlsym() waits
 * for a thread that is inside dlopen(), whose constructors may be waiting for us.
 *
 * What was loaded at the start of the program stands in one list, in the order in which a name is
 * looked for: the program, what is preloaded, what they need. It never goes away. What is loaded
 * later stands behind it. Nothing here allocates, sets errno or, after the first call, locks.
 */
#ifndef OBJECTS_H
#define OBJECTS_H

#include "base.h"

/* True if this library was loaded at the start of the program and the list can be read. Otherwise
 * the order of the list says nothing about us. */
bool objects_are_listed(void);

/* The function of that name that a call from anywhere finds before it comes to this library: in the
 * program, or in what is preloaded before us. NULL if there is none, or if only running code of its
 * library could tell where it is (an indirect function). */
void *objects_before(const char *name);

/* True if there is one of either name, of any kind. */
bool objects_has_before(const char *one, const char *other);

/* The same in what stands behind this library. */
void *objects_behind(const char *name);

/* The same in the one object that objects_behind(neighbour) is in. */
void *objects_beside(const char *neighbour, const char *name);

/* The same in the library that calls itself so (its soname), whenever it was loaded. The list of
 * what was loaded later changes where a library is closed: for rare needs. */
void *objects_in(const char *library, const char *name);

/* What code in the program means by that name, the default version of it; NULL if there is none. */
void *objects_function(const char *name);
void *objects_variable(const char *name);

/* The function that an address lies in, by the table that its module has for the loader: other
 * functions are in no such table. False if none is known. */
struct objects_symbol {
    const char *name; /* valid while the module is loaded */
    uintptr_t offset;
};
bool objects_find_symbol(uintptr_t address, struct objects_symbol *found);

#endif
