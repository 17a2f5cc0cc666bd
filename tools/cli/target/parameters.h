/* Parameters of a session: `-L VAR a,b,c` makes one command of each value, with {VAR} replaced by
 * it; several parameters make one of each combination, the last one changing fastest.
 */
#ifndef TARGET_PARAMETERS_H
#define TARGET_PARAMETERS_H

#include <stdbool.h>

enum { PARAMETERS_MAX = 4, PARAMETERS_VALUES_MAX = 16 };

/* Begins as zeroes. */
struct parameters {
    unsigned count;
    struct parameter {
        char *name; /* the block of the values, too */
        unsigned value_count;
        const char *values[PARAMETERS_VALUES_MAX];
    } items[PARAMETERS_MAX];
};

/* What -L takes: "VAR a,b,c" or "VAR=a,b,c". Refuses, as args_refuse does, what is not of that
 * form. */
void parameters_take(void *field, const char *argument);

/* Gives names and values back; nobody may use them after it. */
void parameters_free(struct parameters *parameters);

/* How many combinations there are; 1 without parameters. */
unsigned parameters_combinations(const struct parameters *parameters);

/* The value that a parameter has in a combination. */
const char *parameters_value(const struct parameters *parameters, unsigned parameter,
                             unsigned combination);

/* A text with the combination's values in place of their names, in a new string; NULL for NULL. */
char *parameters_apply(const struct parameters *parameters, unsigned combination, const char *text);

/* Is {VAR} in the text? NULL: no. */
bool parameters_is_in(const struct parameter *parameter, const char *text);

#endif
