#include "cmd/completion.h"

#include "base/words.h"

#include <stdlib.h>
#include <string.h>

/* The values that an option has to choose from, with blanks between them, in a new string; NULL
 * when it has none. */
static char *completion_values(const struct args_option *option) {
    if (option->kind == ARGS_KIND_CHOICE)
        return words_join(option->as.words, " ", " ");
    if (option->suggest == NULL)
        return NULL;
    char **list = option->suggest();
    char *text = words_join((const char *const *)list, " ", " ");
    for (char **word = list; *word != NULL; word++)
        free(*word);
    free(list);
    return text;
}

static void completion_print_choice(FILE *out, const char *before, const struct args_option *option,
                                    const char *after) {
    char *words = completion_values(option);
    if (words != NULL)
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

/* And the one after that, too: VAR VALUES? */
static bool completion_is_paired(const struct args_option *option) {
    return completion_is_valued(option) && strchr(option->value, ' ') != NULL;
}

/* Prints the numbers of the processes that a user may ask for, in each of the shells. */
static const char completion_processes[] =
    "grep -ls libtagpool /proc/*/maps 2>/dev/null | cut -d/ -f3 | grep \"^[0-9]\"";

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
    fputs(" '\n        paired='", out);
    for (const struct args_option *option = command->options; option->name != NULL; option++)
        if (completion_is_paired(option))
            fprintf(out, " --%s -%c", option->name, option->letter);
    fputs(" '\n        files='", out);
    for (const struct args_option *option = command->options; option->name != NULL; option++)
        if (option->kind == ARGS_KIND_FILE)
            fprintf(out, " --%s", option->name);
    fputs(" '\n        case $before in\n", out);
    for (const struct args_option *option = command->options; option->name != NULL; option++)
        if (option->kind == ARGS_KIND_CHOICE || option->suggest != NULL) {
            fprintf(out, "        --%s", option->name);
            if (option->letter != '\0')
                fprintf(out, " | -%c", option->letter);
            completion_print_choice(out, ") words='", option, "' ;;\n");
        }
    fputs("        esac\n", out);
    if (command->takes_files)
        fputs("        operands=files\n", out);
    if (command->takes_processes)
        fprintf(out, "        operands=$(%s)\n", completion_processes);
    fputs("        ;;\n", out);
}

/* The words that may follow a command, other than options. */
static void completion_print_topics(FILE *out, const struct command *const *commands,
                                    const char *separator) {
    for (; *commands != NULL; commands++)
        for (const char *const *topic = (*commands)->topics; topic != NULL && *topic != NULL;
             topic++)
            fprintf(out, "%s%s", *topic, separator);
}

/* What was typed, in one array, and what can be said without the command. */
static void completion_print_bash_begin(FILE *out, const struct command *const *commands) {
    fputs("# Completion of tagpool for bash; 'tagpool completion bash' wrote it.\n"
          "_tagpool() {\n"
          "    local typed=() places=() part last i options='' valued='' paired='' files=''\n"
          "    local operands=program words='' word before value=''\n"
          "    COMPREPLY=()\n"
          "    # bash takes --option=value apart, and KEY=VALUE.\n"
          "    for ((i = 0; i <= COMP_CWORD; i++)); do\n"
          "        part=${COMP_WORDS[i]}\n"
          "        last=$((${#typed[@]} - 1))\n"
          "        if ((last > 0)) && [[ $part == = || ${typed[last]} == *= ]]; then\n"
          "            typed[last]+=$part\n"
          "        else\n"
          "            typed+=(\"$part\")\n"
          "            places+=(\"$i\")\n"
          "        fi\n"
          "    done\n"
          "    last=$((${#typed[@]} - 1))\n"
          "    word=${typed[last]}\n"
          "    before=${typed[last - 1]}\n"
          "    if [ \"$last\" -eq 1 ] || [ \"${typed[1]}\" = help ]; then\n"
          "        words='",
          out);
    completion_print_names(out, commands);
    fputs("'\n        [ \"$last\" -eq 1 ] && words+=' --help --version' || words+=' options'\n"
          "        COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n        return\n    fi\n"
          "    if [[ $word == --*=* ]]; then\n"
          "        before=${word%%=*}\n"
          "        word=${word#*=}\n"
          "        value=yes\n"
          "    fi\n"
          "    case ${typed[1]} in\n    completion)\n        COMPREPLY=($(compgen -W '",
          out);
    completion_print_topics(out, commands, " ");
    fputs("' -- \"$word\"))\n        return\n        ;;\n", out);
}

/* What follows the case of each command: which words to offer. */
static void completion_print_bash_end(FILE *out) {
    fputs("    *) return ;;\n    esac\n"
          "    # Where the other program's command line begins.\n"
          "    for ((i = 2; i < last; i++)); do\n"
          "        if [[ $valued == *\" ${typed[i]} \"* ]]; then\n"
          "            if [[ $paired == *\" ${typed[i]} \"* && ${typed[i+1]} != *=* ]]; then\n"
          "                i=$((i + 1))\n"
          "            fi\n"
          "            i=$((i + 1))\n"
          "        elif [[ $operands == program && (${typed[i]} == -- || ${typed[i]} != -*) ]]; "
          "then\n"
          "            [[ ${typed[i]} == -- ]] && i=$((i + 1))\n"
          "            if declare -F _command_offset >/dev/null; then\n"
          "                _command_offset \"${places[i]}\"\n"
          "            elif [ \"$i\" -eq \"$last\" ]; then\n"
          "                COMPREPLY=($(compgen -c -- \"$word\"))\n"
          "            else\n"
          "                COMPREPLY=($(compgen -f -- \"$word\"))\n"
          "            fi\n"
          "            return\n"
          "        fi\n"
          "    done\n"
          "    if [ -n \"$words\" ]; then\n"
          "        COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
          "        # The part before the last '=' is there already.\n"
          "        if [[ $word == *=* && $COMP_WORDBREAKS == *=* ]]; then\n"
          "            COMPREPLY=(\"${COMPREPLY[@]#*=}\")\n"
          "        fi\n"
          "        [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
          "    elif [[ $files == *\" $before \"* ]]; then\n"
          "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
          "    elif [[ -n $value || $valued == *\" $before \"* ]]; then\n"
          "        return\n"
          "    elif [[ $word == -* ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
          "    elif [[ $operands == files ]]; then\n"
          "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
          "    elif [[ $operands == program ]]; then\n"
          "        COMPREPLY=($(compgen -c -f -- \"$word\"))\n"
          "    else\n"
          "        COMPREPLY=($(compgen -W \"$operands\" -- \"$word\"))\n"
          "    fi\n"
          "}\n"
          "complete -o filenames -F _tagpool tagpool\n",
          out);
}

void completion_print_bash(FILE *out, const struct command *const *commands) {
    completion_print_bash_begin(out, commands);
    for (const struct command *const *command = commands; *command != NULL; command++)
        if ((*command)->summary != NULL && (*command)->topics == NULL)
            completion_print_bash_command(out, *command);
    completion_print_bash_end(out);
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
                completion_is_paired(option)                                  ? " :values: "
                : option->kind == ARGS_KIND_FILE                              ? "_files"
                : option->kind == ARGS_KIND_CHOICE || option->suggest != NULL ? ""
                                                                              : " ");
    completion_print_choice(out, "(", option, ")");
    fputs("' \\\n", out);
}

static void completion_print_zsh_operands(FILE *out, const struct command *command) {
    fputs("            ", out);
    if (command->takes_processes)
        fprintf(out, "'*:process:{compadd -- $(%s)}'", completion_processes);
    else if (command->takes_files)
        fputs("'*:file:_files'", out);
    else
        fputs("'(-)1:program:_command_names -e' '*::argument:_normal'", out);
    fputs("\n        ;;\n", out);
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
          "    if ((CURRENT > 2)) && [[ $words[2] == help ]]; then\n"
          "        commands+=(options:'List the options of libtagpool.so')\n"
          "    fi\n"
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
        fprintf(out, "    %s)\n", (*command)->name);
        if ((*command)->topics != NULL) {
            fputs("        _values word ", out);
            completion_print_topics(out, commands, " ");
            fputs("\n        ;;\n", out);
            continue;
        }
        fputs("        _arguments -s -S \\\n", out);
        for (const struct args_option *option = (*command)->options; option->name != NULL; option++)
            completion_print_zsh_option(out, option);
        completion_print_zsh_operands(out, *command);
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
          "complete -c tagpool -n __fish_use_subcommand -f -a help -d 'Explain a command'\n"
          "complete -c tagpool -n '__fish_seen_subcommand_from help' -f -a '",
          out);
    completion_print_names(out, commands);
    fputs(" options'\ncomplete -c tagpool -n '__fish_seen_subcommand_from completion' -f -a '",
          out);
    completion_print_topics(out, commands, " ");
    fputs("'\n", out);
    for (; *commands != NULL; commands++) {
        const struct command *command = *commands;
        if (command->summary == NULL)
            continue;
        fprintf(out, "complete -c tagpool -n __fish_use_subcommand -f -a %s -d ", command->name);
        completion_print_quoted(out, command->summary, "\\");
        fputc('\n', out);
        if (command->takes_processes)
            fprintf(out, "complete -c tagpool -n '__fish_seen_subcommand_from %s' -f -a '(%s)'\n",
                    command->name, completion_processes);
        for (const struct args_option *option = command->options; option->name != NULL; option++)
            completion_print_fish_option(out, command->name, option);
    }
}
