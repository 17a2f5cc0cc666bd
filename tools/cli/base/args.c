#include "base/args.h"

#include "base/memory.h"
#include "base/say.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { ARGS_HELP_COLUMN = 32 };

void args_init(struct args *args, const char *command, const struct args_option *options,
               char **arguments) {
    *args = (struct args){.options = options, .command = command, .next = arguments};
}

void args_refuse(const char *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = memory_format_list(format, arguments);
    va_end(arguments);
    if (strcmp(say_program(), "tagpool") != 0) /* it has no commands */
        say_and_exit(STATUS_USAGE, "%s (see '%s --help')", text, say_program());
    say_and_exit(STATUS_USAGE, "%s (see 'tagpool help%s%s')", text, command[0] != '\0' ? " " : "",
                 command);
}

static int args_find_name(const struct args *args, const char *name, size_t length) {
    for (int i = 0; args->options[i].name != NULL; i++)
        if (strlen(args->options[i].name) == length &&
            strncmp(args->options[i].name, name, length) == 0)
            return i;
    args_refuse(args->command, "unknown option --%.*s", (int)length, name);
}

static int args_find_letter(const struct args *args, char letter) {
    for (int i = 0; args->options[i].name != NULL; i++)
        if (letter != '\0' && args->options[i].letter == letter)
            return i;
    args_refuse(args->command, "unknown option -%c", letter);
}

static const char *args_following(struct args *args, int option) {
    if (*args->next == NULL)
        args_refuse(args->command, "option --%s needs a value: --%s %s", args->options[option].name,
                    args->options[option].name, args->options[option].value);
    return *args->next++;
}

static int args_read_long(struct args *args, const char *word) {
    size_t length = strcspn(word, "=");
    int option = args_find_name(args, word, length);
    const struct args_option *found = &args->options[option];
    args->spelled = found->name;
    if (found->value == NULL && word[length] == '=')
        args_refuse(args->command, "option --%s takes no value", found->name);
    if (found->value == NULL)
        return option;
    args->value = word[length] == '=' ? word + length + 1 : args_following(args, option);
    return option;
}

static int args_read_letter(struct args *args) {
    int option = args_find_letter(args, *args->joined++);
    const struct args_option *found = &args->options[option];
    args->spelled = found->name;
    if (found->value != NULL) {
        args->value = *args->joined != '\0' ? args->joined : NULL;
        args->joined = NULL;
        if (args->value == NULL)
            args->value = args_following(args, option);
    } else if (*args->joined == '\0') {
        args->joined = NULL;
    }
    return option;
}

int args_read(struct args *args) {
    args->value = NULL;
    if (args->joined != NULL)
        return args_read_letter(args);
    const char *word = *args->next;
    if (word == NULL || word[0] != '-' || word[1] == '\0')
        return -1;
    args->next++;
    if (strcmp(word, "--") == 0)
        return -1;
    if (word[1] == '-')
        return args_read_long(args, word + 2);
    args->joined = word + 1;
    return args_read_letter(args);
}

uint64_t args_count(const struct args *args, uint64_t low, uint64_t high) {
    char *end;
    errno = 0;
    unsigned long long count = strtoull(args->value, &end, 10);
    bool digits = args->value[0] >= '0' && args->value[0] <= '9' && *end == '\0';
    if (!digits || errno != 0 || count < low || count > high)
        args_refuse(args->command, "--%s wants a whole number from %llu to %llu, not '%s'",
                    args->spelled, (unsigned long long)low, (unsigned long long)high, args->value);
    return count;
}

double args_number(const struct args *args, double low, double high) {
    char *end;
    double number = strtod(args->value, &end);
    if (end == args->value || *end != '\0' || !isfinite(number) || number < low || number > high)
        args_refuse(args->command, "--%s wants a number from %g to %g, not '%s'", args->spelled,
                    low, high, args->value);
    return number;
}

static void args_print_option(FILE *out, const struct args_option *option) {
    char left[96];
    snprintf(left, sizeof left, "  %c%c%s--%s%s%s", option->letter != '\0' ? '-' : ' ',
             option->letter != '\0' ? option->letter : ' ', option->letter != '\0' ? ", " : "  ",
             option->name, option->value != NULL ? " " : "",
             option->value != NULL ? option->value : "");
    int width = fprintf(out, "%-*s", ARGS_HELP_COLUMN, left);
    if (width > ARGS_HELP_COLUMN)
        fprintf(out, "\n%*s", ARGS_HELP_COLUMN, "");
    for (const char *p = option->help; *p != '\0'; p++)
        if (*p == '\n')
            fprintf(out, "\n%*s", ARGS_HELP_COLUMN, "");
        else
            fputc(*p, out);
    fputc('\n', out);
}

void args_print_help(FILE *out, const struct args_option *options) {
    for (; options->name != NULL; options++)
        args_print_option(out, options);
}
