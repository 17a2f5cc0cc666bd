/* The options of the library as given to the program: `-o key=value`, checked before anything runs.
 *
 * The list is include/tagpool/options.h, which the library reads TAGPOOL_OPTIONS by; so a mistake
 * is found here with the same rules, and `tagpool help options` prints the same list.
 */
#ifndef TARGET_SETTINGS_H
#define TARGET_SETTINGS_H

#include <stdio.h>

/* NULL when "key=value" is sound, else a new string that says what is wrong with it. */
char *settings_fault(const char *setting);

/* "a,b" from what was set before (may be NULL) and one more; `before` is freed. */
char *settings_join(char *before, const char *setting);

void settings_print(FILE *out);

#endif
