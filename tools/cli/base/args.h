/* Options of a command line, from a table that also prints their help.
 *
 * A command describes its options once, in an array that ends with an entry without `name`. Reading
 * follows getopt_long: `--name VALUE`, `--name=VALUE`, `-n VALUE`, `-nVALUE`, flags may be joined
 * (`-iq`). It stops at `--` or at the first argument that is no option, because what follows is
 * another program's command line. Every mistake is one line that names the argument, and exit
 * status STATUS_USAGE.
 */
#ifndef BASE_ARGS_H
#define BASE_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct args_option {
    char letter;       /* short form, 0 for none */
    const char *name;  /* long form without the dashes; NULL ends the table */
    const char *value; /* name of its value in the help, NULL for a flag */
    const char *help;  /* one sentence; "\n" continues it on another line */
};

struct args {
    const struct args_option *options;
    const char *command; /* for the hint "see 'tagpool help COMMAND'" */
    char **next;         /* what was not read yet; NULL-ended */
    const char *joined;  /* the rest of a group of short options */
    const char *spelled; /* the option read last, as the table spells it: "--runs" */
    const char *value;   /* its value */
};

/* `arguments` are those behind the command's name. */
void args_init(struct args *args, const char *command, const struct args_option *options,
               char **arguments);

/* The next option's place in the table, or -1 when the options have ended; args->next is then the
 * first word of the target's command line (or NULL). */
int args_read(struct args *args);

/* The value of the option read last, as a number within [low, high]; anything else is an error. */
uint64_t args_count(const struct args *args, uint64_t low, uint64_t high);
double args_number(const struct args *args, double low, double high);

/* Ends with STATUS_USAGE: the text, and where to read on. */
__attribute__((format(printf, 2, 3), noreturn)) void args_refuse(const char *command,
                                                                 const char *format, ...);

/* One line or more per option, aligned. */
void args_print_help(FILE *out, const struct args_option *options);

#endif
