#include "base/command.h"

#include "base/memory.h"
#include "base/program.h"
#include "base/say.h"
#include "base/words.h"
#include "base/wrap.h"

#include <stdlib.h>
#include <string.h>

char *command_text(char **argv) {
    return words_join((const char *const *)argv, " ", " ");
}

/* As a shell takes it for one word. */
static char *command_quoted(const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_@%+=:,./-";
    if (word[0] != '\0' && strspn(word, plain) == strlen(word))
        return memory_copy(word);
    char *quoted = memory_copy("'");
    for (; *word != '\0'; word++) {
        char *longer =
            *word == '\'' ? memory_format("%s'\\''", quoted) : memory_format("%s%c", quoted, *word);
        free(quoted);
        quoted = longer;
    }
    char *closed = memory_format("%s'", quoted);
    free(quoted);
    return closed;
}

char *command_shell_text(char **argv) {
    char *text = memory_copy("");
    for (; *argv != NULL; argv++) {
        char *word = command_quoted(*argv);
        char *longer = memory_format("%s%s%s", text, text[0] != '\0' ? " " : "", word);
        free(word);
        free(text);
        text = longer;
    }
    return text;
}

char **command_for_shell(char **words) {
    char **argv = memory_array(4, sizeof *argv);
    argv[0] = memory_copy("sh");
    argv[1] = memory_copy("-c");
    argv[2] = command_text(words);
    return argv;
}

void command_print_help(FILE *out, const struct command *command) {
    FILE *sheet = wrap_open_help(out);
    fprintf(sheet, "Usage: %s%s%s %s\n\n%s.\n\nOptions:\n", say_program(),
            command->name[0] != '\0' ? " " : "", command->name, command->synopsis,
            command->summary != NULL ? command->summary : "Not for people");
    args_print_help(sheet, command->options);
    fputc('\n', sheet);
    wrap_paragraphs(sheet, command->details, wrap_help_width(out));
    wrap_close(sheet);
}

/* NULL: --help was met. */
static char **command_help_or(const struct command *command, char **words) {
    if (words != NULL)
        return words;
    command_print_help(stdout, command);
    exit(program_finish(STATUS_DONE));
}

char **command_read(const struct command *command, void *request, char **arguments) {
    return command_help_or(command, args_read(command->options, request, arguments));
}

char **command_read_all(const struct command *command, void *request, char **arguments) {
    return command_help_or(command, args_read_all(command->options, request, arguments));
}

char **command_read_program(const struct command *command, void *request, char **arguments) {
    char **rest = command_read(command, request, arguments);
    if (*rest == NULL)
        args_refuse("no program is named: tagpool %s -- PROGRAM", command->name);
    return rest;
}
