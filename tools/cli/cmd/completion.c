#include "cmd/completion.h"

#include "base/words.h"

#include <stdlib.h>
#include <string.h>

/* Prints the words that an option has to choose from, or nothing. */
static void completion_print_choice(FILE *out, const char *before, const struct args_option *option,
                                    const char *after) {
    if (option->kind != ARGS_KIND_CHOICE)
        return;
    char *words = words_join(option->as.words, " ", " ");
    fprintf(out, "%s%s%s", before, words, after);
    free(words);
}

/* Help, in single quotes of a shell and on one line; characters in `marked` get a backslash. */
static void completion_print_quoted(FILE *out, const char *text, const char *marked) {
    fputc('\'', out);
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputs("'\\''", out);
            continue;
        }
        if (strchr(marked, *text) != NULL)
            fputc('\\', out);
        fputc(*text == '\n' ? ' ' : *text, out);
    }
    fputc('\'', out);
}

static void completion_print_names(FILE *out, const struct command *const *commands) {
    for (; *commands != NULL; commands++)
        if ((*commands)->summary != NULL)
            fprintf(out, "%s ", (*commands)->name);
    fputs("help", out);
}

/* Is the word after it its value? */
static bool completion_is_valued(const struct args_option *option) {
    return option->value != NULL && option->otherwise == NULL;
}

/* ---- bash ---- */

static void completion_print_bash_command(FILE *out, const struct command *command) {
    fprintf(out, "    %s)\n        options='", command->name);
    for (const struct args_option *option = command->options; option->name != NULL; option++)
        fprintf(out, "%s--%s", option == command->options ? "" : " ", option->name);
    fputs("'\n        valued='", out);
    for (const struct args_option *option = command->options; option->name != NULL; option++)
        if (completion_is_valued(option)) {
            fprintf(out, " --%s", option->name);
            if (option->letter != '\0')
                fprintf(out, " -%c", option->letter);
        }
    fputs(" '\n        files='", out);
    for (const struct args_option *option = command->options; option->name != NULL; option++)
        if (option->kind == ARGS_KIND_FILE)
            fprintf(out, " --%s", option->name);
    fputs(" '\n        case $before in\n", out);
    for (const struct args_option *option = command->options; option->name != NULL; option++)
        if (option->kind == ARGS_KIND_CHOICE) {
            fprintf(out, "        --%s) ", option->name);
            completion_print_choice(out, "words='", option, "' ;;\n");
        }
    fputs("        esac\n        ;;\n", out);
}

void completion_print_bash(FILE *out, const struct command *const *commands) {
    fputs("# Completion of tagpool for bash; 'tagpool completion bash' wrote it.\n"
          "_tagpool() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local options='' valued='' files='' words='' i\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ] || [ \"${COMP_WORDS[1]}\" = help ]; then\n"
          "        COMPREPLY=($(compgen -W '",
          out);
    completion_print_names(out, commands);
    fputs(" --help --version' -- \"$word\"))\n        return\n    fi\n"
          "    case ${COMP_WORDS[1]} in\n",
          out);
    for (const struct command *const *command = commands; *command != NULL; command++)
        if ((*command)->summary != NULL)
            completion_print_bash_command(out, *command);
    fputs("    *) return ;;\n    esac\n"
          "    # Where the other program's command line begins.\n"
          "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
          "        if [[ $valued == *\" ${COMP_WORDS[i]} \"* ]]; then\n"
          "            i=$((i + 1))\n"
          "        elif [[ ${COMP_WORDS[i]} == -- || ${COMP_WORDS[i]} != -* ]]; then\n"
          "            [[ ${COMP_WORDS[i]} == -- ]] && i=$((i + 1))\n"
          "            if declare -F _command_offset >/dev/null; then\n"
          "                _command_offset \"$i\"\n"
          "            elif [ \"$i\" -eq \"$COMP_CWORD\" ]; then\n"
          "                COMPREPLY=($(compgen -c -- \"$word\"))\n"
          "            else\n"
          "                COMPREPLY=($(compgen -f -- \"$word\"))\n"
          "            fi\n"
          "            return\n"
          "        fi\n"
          "    done\n"
          "    if [ -n \"$words\" ]; then\n"
          "        COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
          "    elif [[ $files == *\" $before \"* ]]; then\n"
          "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
          "    elif [[ $valued == *\" $before \"* ]]; then\n"
          "        return\n"
          "    elif [[ $word == -* ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
          "    else\n"
          "        COMPREPLY=($(compgen -c -f -- \"$word\"))\n"
          "    fi\n"
          "}\n"
          "complete -o filenames -F _tagpool tagpool\n",
          out);
}

/* ---- zsh ---- */

static void completion_print_zsh_option(FILE *out, const struct args_option *option) {
    bool valued = completion_is_valued(option);
    if (option->letter != '\0')
        fprintf(out, "            {-%c%s,--%s%s}'['", option->letter, valued ? "+" : "",
                option->name, valued ? "=" : "");
    else
        fprintf(out, "            --%s%s'['", option->name, valued ? "=" : "");
    /* Brackets and colons have a meaning within the specification. */
    completion_print_quoted(out, option->help, "[]:\\");
    fputs("']", out);
    if (valued)
        fprintf(out, ":%s:%s", option->value,
                option->kind == ARGS_KIND_FILE     ? "_files"
                : option->kind == ARGS_KIND_CHOICE ? ""
                                                   : " ");
    completion_print_choice(out, "(", option, ")");
    fputs("' \\\n", out);
}

void completion_print_zsh(FILE *out, const struct command *const *commands) {
    fputs("#compdef tagpool\n"
          "# Completion of tagpool for zsh; 'tagpool completion zsh' wrote it.\n"
          "_tagpool() {\n"
          "    local -a commands\n"
          "    commands=(\n",
          out);
    for (const struct command *const *command = commands; *command != NULL; command++)
        if ((*command)->summary != NULL) {
            fprintf(out, "        %s:", (*command)->name);
            completion_print_quoted(out, (*command)->summary, ":");
            fputc('\n', out);
        }
    fputs("        help:'Explain a command'\n    )\n"
          "    if ((CURRENT == 2)) || [[ $words[2] == help ]]; then\n"
          "        _describe command commands\n"
          "        return\n"
          "    fi\n"
          "    local name=$words[2]\n"
          "    shift words\n"
          "    ((CURRENT--))\n"
          "    case $name in\n",
          out);
    for (const struct command *const *command = commands; *command != NULL; command++) {
        if ((*command)->summary == NULL)
            continue;
        fprintf(out, "    %s)\n        _arguments -s -S \\\n", (*command)->name);
        for (const struct args_option *option = (*command)->options; option->name != NULL; option++)
            completion_print_zsh_option(out, option);
        fputs((*command)->launches ? "            '*::program:_normal'\n        ;;\n"
                                   : "            '*:file:_files'\n        ;;\n",
              out);
    }
    fputs("    esac\n}\n_tagpool \"$@\"\n", out);
}

/* ---- fish ---- */

static void completion_print_fish_option(FILE *out, const char *command,
                                         const struct args_option *option) {
    fprintf(out, "complete -c tagpool -n '__fish_seen_subcommand_from %s' -l %s", command,
            option->name);
    if (option->letter != '\0')
        fprintf(out, " -s %c", option->letter);
    if (completion_is_valued(option))
        fputs(option->kind == ARGS_KIND_FILE ? " -r -F" : " -x", out);
    completion_print_choice(out, " -a '", option, "'");
    fputs(" -d ", out);
    completion_print_quoted(out, option->help, "\\");
    fputc('\n', out);
}

void completion_print_fish(FILE *out, const struct command *const *commands) {
    fputs("# Completion of tagpool for fish; 'tagpool completion fish' wrote it.\n"
          "complete -c tagpool -n __fish_use_subcommand -f -a help -d 'Explain a command'\n",
          out);
    for (; *commands != NULL; commands++) {
        const struct command *command = *commands;
        if (command->summary == NULL)
            continue;
        fprintf(out, "complete -c tagpool -n __fish_use_subcommand -f -a %s -d ", command->name);
        completion_print_quoted(out, command->summary, "\\");
        fputc('\n', out);
        for (const struct args_option *option = command->options; option->name != NULL; option++)
            completion_print_fish_option(out, command->name, option);
    }
}
