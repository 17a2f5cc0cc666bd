/* The arguments of a workload: options that take a number, flags, and operands.
 *
 * Each program describes its options in a table and its usage in one line; command_parse does the
 * rest. A refusal is one line on stderr, "NAME: what is wrong; usage: ...", and exit status 2.
 * Numbers may carry a suffix K, M or G (powers of 1024). Compiles as C and as C++.
 */
#ifndef WORKLOADS_COMMAND_LINE_H
#define WORKLOADS_COMMAND_LINE_H

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct command_option {
    char letter;
    uint64_t *value;  /* holds the default before, the chosen number after */
    uint64_t minimum; /* both included */
    uint64_t maximum; /* 0: a flag, whose value becomes 1 */
};

struct command {
    const char *name;
    const char *usage; /* the arguments, without the name */
    const struct command_option *options;
    size_t option_count;
    int operands_min;
    int operands_max;
};

__attribute__((noreturn, format(printf, 2, 3))) static inline void
command_refuse(const struct command *command, const char *format, ...) {
    va_list arguments;
    fprintf(stderr, "%s: ", command->name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "; usage: %s %s\n", command->name, command->usage);
    exit(2);
}

/* The number in `text`, or a refusal when it is none or out of range. */
static inline uint64_t command_number(const struct command *command, const char *text,
                                      uint64_t minimum, uint64_t maximum) {
    static const char suffixes[] = "KMG";
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    int valid = text[0] >= '0' && text[0] <= '9' && errno == 0;
    const char *suffix = valid && *end != '\0' ? strchr(suffixes, *end) : NULL;
    if (suffix != NULL) {
        int shift = 10 * (int)(suffix - suffixes + 1);
        valid = number <= (UINT64_MAX >> shift);
        number <<= shift;
        end++;
    }
    if (!valid || *end != '\0' || number < minimum || number > maximum)
        command_refuse(command, "'%s' is not a number from %" PRIu64 " to %" PRIu64, text, minimum,
                       maximum);
    return number;
}

static inline const struct command_option *command_find(const struct command *command, int letter) {
    for (size_t i = 0; i < command->option_count; i++)
        if (command->options[i].letter == letter)
            return &command->options[i];
    return NULL;
}

/* Stores the options; returns the index in argv of the first operand. Does not return on bad usage.
 */
static inline int command_parse(const struct command *command, int argc, char **argv) {
    char letters[64] = ":";
    size_t length = 1;
    for (size_t i = 0; i < command->option_count && length + 2 < sizeof letters; i++) {
        letters[length++] = command->options[i].letter;
        if (command->options[i].maximum != 0)
            letters[length++] = ':';
    }
    letters[length] = '\0';
    opterr = 0;
    for (int letter; (letter = getopt(argc, argv, letters)) != -1;) {
        const struct command_option *option = command_find(command, letter);
        if (letter == ':')
            command_refuse(command, "option -%c needs a number", optopt);
        if (option == NULL)
            command_refuse(command, "unknown option -%c", optopt);
        *option->value = option->maximum == 0
                             ? 1
                             : command_number(command, optarg, option->minimum, option->maximum);
    }
    if (argc - optind < command->operands_min)
        command_refuse(command, "an argument is missing");
    if (argc - optind > command->operands_max)
        command_refuse(command, "unexpected argument '%s'", argv[optind + command->operands_max]);
    return optind;
}

#endif
