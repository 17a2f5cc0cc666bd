/* A variant: one way to run the target, told apart from the others by its environment alone.
 *
 * The environment lies above the stack, so its size moves the stack and with it the alignment of
 * everything on it. Every variant of a round therefore gets a block of the same size and the same
 * number of variables, filled up by TAGPOOL_PAD*, and that size changes from round to round.
 */
#ifndef TARGET_VARIANT_H
#define TARGET_VARIANT_H

#include <stdbool.h>
#include <stddef.h>

enum { VARIANTS_MAX = 16 }; /* in a comparison */

struct variant {
    const char *name;
    const char *preload;  /* libraries put in front of LD_PRELOAD; NULL: none */
    const char *settings; /* options of libtagpool.so, appended to TAGPOOL_OPTIONS; NULL: none */
    bool shim;            /* libtagpool.so is among the libraries: it has to prove itself active */
    const char *variable; /* one more for its environment, "NAME=VALUE"; NULL: none */
    const char *without;  /* a variable that it does not inherit; NULL: none */
};

/* An environment that is being made. `strings` ends in NULL. */
struct variant_environment {
    char **strings;
    size_t count;
    size_t bytes; /* of all strings with their NULs */
};

/* The variant's environment on top of ours. `stats_path` is passed on in TAGPOOL_STATS; NULL: the
 * timed, plain shim. */
void variant_environment_make(struct variant_environment *environment,
                              const struct variant *variant, const char *stats_path);

/* Fills the environments up to one count and one size; `extra_bytes` more than the largest needs.
 */
void variant_environments_equalise(struct variant_environment *environments, unsigned count,
                                   size_t extra_bytes);

void variant_environment_free(struct variant_environment *environment);

#endif
