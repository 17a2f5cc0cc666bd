#include "base/command.h"

#include "base/memory.h"
#include "base/say.h"

#include <stdlib.h>

char *command_text(char **argv) {
    char *text = memory_copy(argv[0]);
    for (char **word = argv + 1; *word != NULL; word++) {
        char *longer = memory_format("%s %s", text, *word);
        free(text);
        text = longer;
    }
    return text;
}

void command_print_help(FILE *out, const struct command *command) {
    fprintf(out, "Usage: %s%s%s %s\n\n%s.\n\nOptions:\n", say_program(),
            command->name[0] != '\0' ? " " : "", command->name, command->synopsis,
            command->summary != NULL ? command->summary : "Not for people");
    args_print_help(out, command->options);
    fprintf(out, "\n%s", command->details);
}
