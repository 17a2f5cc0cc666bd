/* The options of the library as given to the program: `-o key=value`, checked before anything runs.
 *
 * The list is include/tagpool/options.h, which the library reads TAGPOOL_OPTIONS by; so a mistake
 * is found here with the same rules, and `tagpool help options` prints the same list.
 */
#ifndef TARGET_SETTINGS_H
#define TARGET_SETTINGS_H

#include "base/args.h"

#include <stdio.h>

/* NULL when "key=value" is sound, else a new string that says what is wrong with it. */
char *settings_fault(const char *setting);

/* "a,b" from what was set before (may be NULL) and one more; `before` is freed. */
char *settings_join(char *before, const char *setting);

/* Refuses, as args_refuse does, a setting that is not sound. */
void settings_check(const char *setting);

/* What -o takes, KEY=VALUE or several with commas between them, as TAGPOOL_OPTIONS does: checks
 * them and joins them to those in a field of type char *. */
void settings_take(void *settings, const char *setting);

/* "KEY=VALUE" of those with words as values, "KEY=" of the others; NULL-ended, all new. */
char **settings_suggest(void);

/* A row of a command's options. */
#define SETTINGS_OPTION(REQUEST, FIELD)                                                            \
    {                                                                                              \
        'o', "option", "KEY=VALUE",                                                                \
            "set an option of libtagpool.so, or several: KEY=VALUE,KEY=VALUE; may be repeated "    \
            "(see 'tagpool help options')",                                                        \
            .suggest = settings_suggest, ARGS_CALL(REQUEST, FIELD, settings_take)                  \
    }

void settings_print(FILE *out);

#endif
