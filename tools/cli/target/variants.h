/* The variants of a comparison: how allocators, strategies and settings become ways to run the
 * target. Every program that compares allocators makes its list here:
 *
 *   struct variants named = {0};      variants_take_*      while the options are read
 *   struct variants all = {0};        variants_add_*       in the order of the report
 *   variants_settle                   what those with the shim need to run
 *   variants_free
 *
 * A variant is known by its name, so no two have the same, and there are at most VARIANTS_MAX. All
 * functions end the program with a message, as args_refuse does, when that or an argument is wrong.
 * Settings are copied; names and libraries live as long as the program.
 */
#ifndef TARGET_VARIANTS_H
#define TARGET_VARIANTS_H

#include "base/args.h"
#include "target/arena.h"
#include "target/variant.h"

/* Begins as zeroes. */
struct variants {
    struct variant items[VARIANTS_MAX];
    char *settings[VARIANTS_MAX]; /* of each item, the list's own */
    unsigned count;
};

/* What -a takes, for variants_take_allocator: NAME, NAME=PATH[:PATH] or 'all'. */
void variants_take_allocator(void *variants, const char *argument);

/* What --strategy takes: tagpool with this strategy, as "tagpool NAME". */
void variants_take_strategy(void *variants, const char *name);

void variants_add(struct variants *variants, struct variant variant);

/* "system", nothing preloaded, and "tagpool", as it is. */
void variants_add_standard(struct variants *variants);

/* "plain": nothing preloaded, and without the variable by which our environment switches an arena
 * of the program in `binary` off (arena.h). Returns that arena; NULL, and adds nothing, when there
 * is none. */
const struct arena *variants_add_plain(struct variants *variants, const char *binary);

/* One for each strategy of the library, called as the strategy. */
void variants_add_strategies(struct variants *variants);

/* What --scan takes: OPTION=a,b,c of libtagpool.so, checked, into a field of type const char *. */
void variants_take_scan(void *scan, const char *argument);

/* One for each value of a scan, called "OPTION=VALUE". */
void variants_add_scan(struct variants *variants, const char *scan);

/* The known allocators that are installed; a note for each of the others. */
void variants_add_installed(struct variants *variants);

/* Those of another list, behind these. */
void variants_add_list(struct variants *variants, const struct variants *list);

/* The variant's place in the list, or -1. */
int variants_find(const struct variants *variants, const char *name);

/* Is there one with the shim? */
bool variants_have_shim(const struct variants *variants);

/* Gives each variant with the shim its library, unless it has one, and the settings (NULL: none).
 * Its own settings follow and so decide: they are what it is called after. */
void variants_settle(struct variants *variants, const char *settings);

/* Gives the copies back. No item may be used after it. */
void variants_free(struct variants *variants);

/* Refuses to compare from under the shim: every variant would inherit it. */
void variants_refuse_inherited_shim(void);

#endif
