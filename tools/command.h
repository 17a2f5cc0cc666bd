/* A command of the program, "tagpool NAME ...". Each cmd_*.c has one; main.c lists them. */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include "args.h"

struct command {
    const char *name;
    const char *synopsis; /* what follows the name in the usage line */
    const char *summary;  /* one line for the list of commands; NULL: not listed, for us alone */
    const char *details;  /* paragraphs for its own help, behind the options */
    const struct args_option *options;
    bool launches;                /* needs the launcher: measures targets */
    int (*run)(char **arguments); /* arguments behind the name; returns the exit status */
};

extern const struct command command_run;
extern const struct command command_bench;
extern const struct command command_compare;
extern const struct command command_doctor;
extern const struct command command_profile;
extern const struct command command_record;
extern const struct command command_report;
extern const struct command command_replay;
extern const struct command command_replay_child;

/* A command line as one text, in a new string, for titles. */
char *command_text(char **argv);

void command_print_help(FILE *out, const struct command *command);

#endif
