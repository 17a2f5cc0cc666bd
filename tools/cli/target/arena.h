/* Programs with an arena of their own: they take memory in large pieces and cut it into small
 * blocks themselves, so that malloc, and any allocator in its place, sees the pieces alone.
 *
 * Some can be told by a variable to use malloc instead. That makes every block visible, but the
 * arena is fast, and nobody runs the program so: the reference to judge by is the program as it is
 * by default.
 */
#ifndef TARGET_ARENA_H
#define TARGET_ARENA_H

#include <stdbool.h>

struct arena {
    const char *title;         /* "Python" */
    const char *programs[3];   /* file names, without the version behind; NULL-ended */
    const char *library;       /* beginning of the library that embeds it; NULL: none */
    const char *serves;        /* what comes from the arena */
    const char *reaches;       /* what the shim serves all the same */
    const char *variable;      /* what switches the arena off; NULL: nothing does */
    const char *off_values[4]; /* its values that do, the usual one first; NULL-ended */
};

/* The arena of the program in this ELF file, by its name or a library that it is linked with; NULL
 * when none is known. */
const struct arena *arena_of(const char *binary);

/* Does our environment switch it off? */
bool arena_is_off(const struct arena *arena);

/* "PYTHONMALLOC=malloc", in a new string; NULL when nothing switches it off. */
char *arena_setting(const struct arena *arena);

#endif
