#include "command.h"

void command_print_help(FILE *out, const struct command *command) {
    fprintf(out, "Usage: tagpool %s %s\n\n%s.\n\nOptions:\n", command->name, command->synopsis,
            command->summary);
    args_print_help(out, command->options);
    fprintf(out, "\n%s", command->details);
}
