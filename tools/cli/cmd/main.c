/* tagpool: runs programs under libtagpool.so and measures what that changes. Commands are listed in
 * `main_commands`. */
#include "base/program.h"
#include "base/say.h"
#include "base/words.h"
#include "base/wrap.h"
#include "cmd/commands.h"
#include "cmd/completion.h"
#include "launch/launcher.h"
#include "target/library.h"
#include "target/settings.h"
#include "target/target.h"

#include <stdlib.h>
#include <string.h>
#include <tagpool/version.h>

static const struct command main_command_completion;

static const struct command *const main_commands[] = {
    &command_compare,
    &command_report,
    &command_profile,
    &command_record,
    &command_replay,
    &command_run,
    &command_doctor,
    &command_stats,
    &main_command_completion,
    &command_replay_child,
    NULL,
};

static const struct command *main_find(const char *name) {
    for (int i = 0; main_commands[i] != NULL; i++)
        if (name != NULL && strcmp(main_commands[i]->name, name) == 0)
            return main_commands[i];
    return NULL;
}

static void main_print_help(FILE *terminal) {
    FILE *out = wrap_open_help(terminal);
    fputs("Usage: tagpool COMMAND [OPTION...] -- PROGRAM [ARGUMENT...]\n\n"
          "Runs an unmodified program with the allocator libtagpool.so, and measures\n"
          "what that changes.\n\nCommands:\n",
          out);
    for (int i = 0; main_commands[i] != NULL; i++)
        if (main_commands[i]->summary != NULL)
            fprintf(out, "  %-12s  %s\n", main_commands[i]->name, main_commands[i]->summary);
    fputs("  help COMMAND  Explain a command\n"
          "  help options  List the options of libtagpool.so\n\n"
          "  --version     Print the version; with --libraries also those of the libraries\n\n"
          "Example:\n  tagpool compare -- jq . big.json\n",
          out);
    wrap_close(out);
}

/* The command that was meant, if one is near. */
static char *main_hint(const char *typed) {
    struct words_best best = {0};
    for (int i = 0; main_commands[i] != NULL; i++)
        if (main_commands[i]->summary != NULL)
            words_consider(&best, main_commands[i]->name, typed);
    words_consider(&best, "help", typed);
    return words_hint(&best, "");
}

/* Somebody may have left the command out. */
__attribute__((noreturn)) static void main_refuse_command(const char *name) {
    char *hint = main_hint(name);
    char *path = hint[0] == '\0' ? target_search(name) : NULL;
    args_refuse("unknown command '%s'%s%s%s", name, hint,
                path != NULL ? "; to measure that program: tagpool compare -- " : "",
                path != NULL ? name : "");
}

static int main_help(char **arguments) {
    const char *topic = arguments[0];
    const struct command *command = main_find(topic);
    say_as("help");
    if (topic != NULL && arguments[1] != NULL)
        say_and_exit(STATUS_USAGE, "one topic at a time, not '%s' (see 'tagpool help')",
                     arguments[1]);
    if (topic == NULL)
        main_print_help(stdout);
    else if (command != NULL)
        command_print_help(stdout, command);
    else if (strcmp(topic, "options") == 0)
        settings_print(stdout);
    else
        say_and_exit(STATUS_USAGE, "no command or topic is called '%s'%s (see 'tagpool help')",
                     topic, main_hint(topic));
    return STATUS_DONE;
}

/* ---- tagpool completion ---- */

static const struct args_option main_completion_options[] = {
    ARGS_OPTION_HELP,
    {0},
};

static int main_complete(char **arguments) {
    static const struct {
        const char *shell;
        void (*print)(FILE *out, const struct command *const *commands);
    } shells[] = {
        {"bash", completion_print_bash},
        {"zsh", completion_print_zsh},
        {"fish", completion_print_fish},
    };
    char **words = command_read_all(&main_command_completion, NULL, arguments);
    const char *shell = words[0];
    if (shell != NULL && words[1] != NULL)
        args_refuse("one shell at a time, not '%s' too", words[1]);
    free(words);
    for (size_t i = 0; shell != NULL && i < sizeof shells / sizeof shells[0]; i++)
        if (strcmp(shells[i].shell, shell) == 0) {
            shells[i].print(stdout, main_commands);
            return STATUS_DONE;
        }
    args_refuse("the shell is bash, zsh or fish, not '%s'", shell != NULL ? shell : "");
}

static const char *const main_shells[] = {"bash", "zsh", "fish", NULL};

static const struct command main_command_completion = {
    .name = "completion",
    .topics = main_shells,
    .synopsis = "bash|zsh|fish",
    .summary = "Print what completes tagpool's command line in a shell",
    .details = "'make install' installs all three. For one session of bash:\n"
               "    source <(tagpool completion bash)\n",
    .options = main_completion_options,
    .run = main_complete,
};

/* ---- tagpool --version ---- */

static int main_version(char **arguments) {
    bool libraries = arguments[0] != NULL && strcmp(arguments[0], "--libraries") == 0;
    if (arguments[libraries ? 1 : 0] != NULL)
        args_refuse("--version takes --libraries and nothing else");
    puts("tagpool " TAGPOOL_VERSION);
    if (libraries)
        library_print_versions(stdout);
    return STATUS_DONE;
}

int main(int argument_count, char **arguments) {
    const char *name = argument_count > 1 ? arguments[1] : NULL;
    const struct command *command = main_find(name);
    program_start();
    if (command != NULL && command->launches)
        launcher_must_start();
    if (command != NULL) {
        say_as(command->name);
        return program_finish(command->run(arguments + 2));
    }
    if (name == NULL) {
        main_print_help(stderr);
        return STATUS_USAGE;
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return program_finish(main_help(arguments + 2));
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        return program_finish(main_version(arguments + 2));
    }
    if (strcmp(name, "bench") == 0)
        say_and_exit(STATUS_USAGE, "the benchmark is a program of its own, which is not installed: "
                                   "'make bench' builds and runs it");
    if (name[0] == '-')
        args_refuse("unknown option %s", name);
    main_refuse_command(name);
}
