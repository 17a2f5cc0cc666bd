/* A command of the program, "tagpool NAME ...". Each cmd_*.c has one; main.c lists them. */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include "args.h"

struct command {
    const char *name;
    const char *synopsis; /* what follows the name in the usage line */
    const char *summary;  /* one line for the list of commands */
    const char *details;  /* paragraphs for its own help, behind the options */
    const struct args_option *options;
    bool launches;                /* needs the launcher: measures targets */
    int (*run)(char **arguments); /* arguments behind the name; returns the exit status */
};

extern const struct command command_run;
extern const struct command command_bench;
extern const struct command command_compare;

void command_print_help(FILE *out, const struct command *command);

#endif
