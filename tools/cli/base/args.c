#include "base/args.h"

#include "base/memory.h"
#include "base/say.h"
#include "base/words.h"
#include "base/wrap.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { ARGS_HELP_COLUMN = 32 };

/* What is being read. */
struct args {
    const struct args_option *options;
    char **next;        /* the words that were not read yet */
    const char *joined; /* the rest of a group of short options; NULL: none is being read */
    const char *value;  /* of the option that was read last; not NULL */
    bool closed;        /* by "--": no option follows */
    const struct args_option *set; /* the last of ARGS_SET; NULL: none */
};

void args_refuse(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = memory_format_list(format, arguments);
    va_end(arguments);
    const char *command = say_command();
    if (strcmp(say_program(), "tagpool") != 0) /* it has no commands */
        say_and_exit(STATUS_USAGE, "%s (see '%s --help')", text, say_program());
    say_and_exit(STATUS_USAGE, "%s (see 'tagpool help%s%s')", text, command[0] != '\0' ? " " : "",
                 command);
}

/* ---- which option ---- */

static const struct args_option *args_find_name(const struct args *args, const char *name,
                                                size_t length) {
    for (const struct args_option *option = args->options; option->name != NULL; option++)
        if (strlen(option->name) == length && strncmp(option->name, name, length) == 0)
            return option;
    struct words_best best = {0};
    char *typed = memory_format("%.*s", (int)length, name);
    for (const struct args_option *option = args->options; option->name != NULL; option++)
        words_consider(&best, option->name, typed);
    args_refuse("unknown option --%s%s", typed, words_hint(&best, "--"));
}

static const struct args_option *args_find_letter(const struct args *args, char letter) {
    for (const struct args_option *option = args->options; option->name != NULL; option++)
        if (option->letter != '\0' && option->letter == letter)
            return option;
    args_refuse("unknown option -%c", letter);
}

static const char *args_following(struct args *args, const struct args_option *option) {
    if (*args->next == NULL)
        args_refuse("option --%s needs a value: --%s %s", option->name, option->name,
                    option->value);
    return *args->next++;
}

/* The option's value: what is joined to it (NULL: nothing), or what follows. Of one that takes two
 * words, VAR VALUES, both in one, unless the first holds the second already, as in VAR=VALUES. */
static const char *args_take_value(struct args *args, const struct args_option *option,
                                   const char *joined) {
    const char *first = joined;
    if (first == NULL)
        first = option->otherwise != NULL ? option->otherwise : args_following(args, option);
    if (strchr(option->value, ' ') == NULL || strchr(first, '=') != NULL)
        return first;
    return memory_format("%s %s", first, args_following(args, option));
}

static const struct args_option *args_next_long(struct args *args, const char *word) {
    size_t length = strcspn(word, "=");
    const struct args_option *option = args_find_name(args, word, length);
    if (option->value == NULL && word[length] == '=')
        args_refuse("option --%s takes no value", option->name);
    if (option->value != NULL)
        args->value = args_take_value(args, option, word[length] == '=' ? word + length + 1 : NULL);
    return option;
}

static const struct args_option *args_next_letter(struct args *args) {
    const struct args_option *option = args_find_letter(args, *args->joined++);
    const char *rest = *args->joined != '\0' ? args->joined : NULL;
    if (option->value != NULL) {
        args->value = args_take_value(args, option, rest);
        rest = NULL;
    }
    args->joined = rest;
    return option;
}

/* The next option, with its value; NULL when the options have ended. */
static const struct args_option *args_next(struct args *args) {
    if (args->joined != NULL)
        return args_next_letter(args);
    const char *word = *args->next;
    if (args->closed || word == NULL || word[0] != '-' || word[1] == '\0')
        return NULL;
    args->next++;
    args->closed = strcmp(word, "--") == 0;
    if (args->closed)
        return NULL;
    if (word[1] == '-')
        return args_next_long(args, word + 2);
    args->joined = word + 1;
    return args_next_letter(args);
}

/* ---- its value ---- */

static void args_take_count(const struct args_option *option, void *field, const char *value) {
    char *end;
    uint64_t low = option->as.count.low, high = option->as.count.high;
    errno = 0;
    unsigned long long count = strtoull(value, &end, 10);
    bool digits = value[0] >= '0' && value[0] <= '9' && *end == '\0';
    if (!digits || errno != 0 || count < low || count > high)
        args_refuse("--%s wants a whole number from %llu to %llu, not '%s'", option->name,
                    (unsigned long long)low, (unsigned long long)high, value);
    if (option->bytes == sizeof(uint64_t))
        *(uint64_t *)field = count * option->as.count.unit;
    else
        *(unsigned *)field = (unsigned)(count * option->as.count.unit);
}

static void args_take_number(const struct args_option *option, double *field, const char *value) {
    char *end;
    double low = option->as.number.low, high = option->as.number.high;
    double number = strtod(value, &end);
    if (end == value || *end != '\0' || !isfinite(number) || number < low || number > high)
        args_refuse("--%s wants a number from %.10g to %.10g, not '%s'", option->name, low, high,
                    value);
    *field = number / option->as.number.per;
}

static void args_take_choice(const struct args_option *option, unsigned *field, const char *value) {
    int place = words_find(option->as.words, value);
    if (place < 0)
        args_refuse("--%s is %s, not '%s'", option->name,
                    words_join(option->as.words, ", ", " or "), value);
    *field = (unsigned)place;
}

static void args_take(const struct args_option *option, void *request, const char *value) {
    void *field = (char *)request + option->place;
    switch (option->kind) {
    case ARGS_KIND_FLAG:
        *(bool *)field = true;
        break;
    case ARGS_KIND_SET:
        *(unsigned *)field = option->as.constant;
        break;
    case ARGS_KIND_COUNT:
        args_take_count(option, field, value);
        break;
    case ARGS_KIND_NUMBER:
        args_take_number(option, field, value);
        break;
    case ARGS_KIND_TEXT:
    case ARGS_KIND_FILE:
        *(const char **)field = value;
        break;
    case ARGS_KIND_CHOICE:
        args_take_choice(option, field, value);
        break;
    case ARGS_KIND_CALL:
        option->as.call(field, value);
        break;
    case ARGS_KIND_HELP:
        break;
    }
}

/* Two options that set one field to different constants. */
static void args_check_set(const struct args_option *option, const struct args_option *before) {
    if (before != NULL && before->place == option->place &&
        before->as.constant != option->as.constant)
        args_refuse("--%s and --%s contradict each other", before->name, option->name);
}

/* Up to the next word that is no option. False when --help was met. */
static bool args_read_options(struct args *args, void *request) {
    for (const struct args_option *option = args_next(args); option != NULL;
         option = args_next(args)) {
        if (option->kind == ARGS_KIND_HELP)
            return false;
        if (option->kind == ARGS_KIND_SET) {
            args_check_set(option, args->set);
            args->set = option;
        }
        args_take(option, request, args->value);
    }
    return true;
}

char **args_read(const struct args_option *options, void *request, char **arguments) {
    struct args args = {.options = options, .next = arguments, .value = ""};
    return args_read_options(&args, request) ? args.next : NULL;
}

char **args_read_all(const struct args_option *options, void *request, char **arguments) {
    struct args args = {.options = options, .next = arguments, .value = ""};
    size_t count = 0;
    while (arguments[count] != NULL)
        count++;
    char **operands = memory_array(count + 1, sizeof *operands);
    for (count = 0; args_read_options(&args, request); count++) {
        operands[count] = *args.next;
        if (*args.next++ == NULL)
            return operands;
    }
    free(operands);
    return NULL;
}

/* ---- the help ---- */

static void args_print_option(FILE *out, const struct args_option *option) {
    char left[96];
    bool optional = option->otherwise != NULL;
    snprintf(left, sizeof left, "  %c%c%s--%s%s%s%s", option->letter != '\0' ? '-' : ' ',
             option->letter != '\0' ? option->letter : ' ', option->letter != '\0' ? ", " : "  ",
             option->name,
             optional                ? "[="
             : option->value != NULL ? " "
                                     : "",
             option->value != NULL ? option->value : "", optional ? "]" : "");
    int width = fprintf(out, "%-*s", ARGS_HELP_COLUMN, left);
    if (width > ARGS_HELP_COLUMN)
        fprintf(out, "\n%*s", ARGS_HELP_COLUMN, "");
    char *help = memory_copy(option->help);
    for (char *end = strchr(help, '\n'); end != NULL; end = strchr(end, '\n'))
        *end = ' ';
    wrap_print(out, help, ARGS_HELP_COLUMN, ARGS_HELP_COLUMN, wrap_help_width(out));
    fputc('\n', out);
    free(help);
}

void args_print_help(FILE *out, const struct args_option *options) {
    for (; options->name != NULL; options++)
        args_print_option(out, options);
}
