/* A command of the program, "tagpool NAME ...", or all of a program that has no commands. */
#ifndef BASE_COMMAND_H
#define BASE_COMMAND_H

#include "base/args.h"

#include <stdio.h>

struct command {
    const char *name;     /* "" for a program that has no commands */
    const char *synopsis; /* what follows the name in the usage line */
    const char *summary;  /* one line for the list of commands; NULL: not listed, for us alone */
    const char *details;  /* paragraphs for its own help, after the options */
    const struct args_option *options;
    const char *const *topics;    /* words that may follow, NULL-ended; NULL: none */
    bool takes_files;             /* names of files follow */
    bool takes_processes;         /* numbers of processes with the library follow */
    bool launches;                /* needs the launcher: measures targets */
    int (*run)(char **arguments); /* arguments after the name; returns the exit status */
};

/* A command line as one text, in a new string, for titles. */
char *command_text(char **argv);

/* The same, quoted so that a shell reads it as these words. */
char *command_shell_text(char **argv);

/* A row of a command's options: the words are one line for the shell, as command_for_shell makes of
 * them. */
#define COMMAND_OPTION_SHELL(REQUEST, FIELD)                                                       \
    {                                                                                              \
        'S', "shell", NULL, "run PROGRAM as one line of the shell: for pipes and the like",        \
            ARGS_FLAG(REQUEST, FIELD)                                                              \
    }

/* "sh -c LINE", in a new array; LINE is the words with blanks between them. */
char **command_for_shell(char **words);

void command_print_help(FILE *out, const struct command *command);

/* Reads the command's options into its request and returns the words after them. Prints the help
 * and ends the program when that is asked for. */
char **command_read(const struct command *command, void *request, char **arguments);

/* The same, where those words are no program's command line: options may follow them. A new
 * array. */
char **command_read_all(const struct command *command, void *request, char **arguments);

/* command_read(), where those words are a program's command line: refuses when there is none. */
char **command_read_program(const struct command *command, void *request, char **arguments);

#endif
