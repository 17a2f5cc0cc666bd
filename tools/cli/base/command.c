#include "base/command.h"

#include "base/program.h"
#include "base/say.h"
#include "base/words.h"

#include <stdlib.h>

char *command_text(char **argv) {
    return words_join((const char *const *)argv, " ", " ");
}

void command_print_help(FILE *out, const struct command *command) {
    fprintf(out, "Usage: %s%s%s %s\n\n%s.\n\nOptions:\n", say_program(),
            command->name[0] != '\0' ? " " : "", command->name, command->synopsis,
            command->summary != NULL ? command->summary : "Not for people");
    args_print_help(out, command->options);
    fprintf(out, "\n%s", command->details);
}

char **command_read(const struct command *command, void *request, char **arguments) {
    char **rest = args_read(command->options, request, arguments);
    if (rest != NULL)
        return rest;
    command_print_help(stdout, command);
    exit(program_finish(STATUS_DONE));
}

char **command_read_program(const struct command *command, void *request, char **arguments) {
    char **rest = command_read(command, request, arguments);
    if (*rest == NULL)
        args_refuse("no program is named: tagpool %s -- PROGRAM", command->name);
    return rest;
}
