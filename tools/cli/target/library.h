/* Finds shared libraries to preload: the shim itself, and the allocators that distributions
 * package.
 *
 * Ours lie next to the program (a build folder), or in a library folder from there (../lib,
 * ../lib/MULTIARCH and the like), or where LIBDIR said when the program was built. TAGPOOL_LIB_DIR
 * names the folder of both and comes before; TAGPOOL_LIBRARY names the shim's file and comes first.
 */
#ifndef TARGET_LIBRARY_H
#define TARGET_LIBRARY_H

#include <stdbool.h>
#include <stdio.h>

/* The folder of this program's executable, without a slash at the end. In a build folder the
 * workloads lie below it. */
char *library_own_folder(void);

/* The absolute path of libtagpool.so. Ends the program with a message that says where it was looked
 * for. */
char *library_of_tagpool(void);

/* The same for libtagpool-trace.so, which counts or records what a program allocates. */
char *library_of_trace(void);

/* Prints the path and the version of each of the two, in a line. */
void library_print_versions(FILE *out);

/* An allocator that is known by name. */
struct library_allocator {
    const char *name;     /* as given to -a */
    const char *files[3]; /* names of its library, the preferred first; NULL-ended */
    const char *package;  /* the Debian package that has it */
};

/* Ends with an entry without a name. */
extern const struct library_allocator library_allocators[];

/* What -a takes by name: theirs, and "all"; NULL-ended, all new. */
char **library_suggest(void);

/* The path of a known allocator on this machine, or NULL when it is not installed. */
char *library_of_allocator(const struct library_allocator *allocator);

/* Resolves the argument of -a, NAME, PATH or NAME=PATH[:PATH]: *name and the value for LD_PRELOAD.
 * Ends the program with a message when there is no such library. */
char *library_resolve(const char *argument, char **name);

/* Is libtagpool.so among the libraries of such a value? It then has to prove itself active. */
bool library_has_tagpool(const char *preload);

#endif
