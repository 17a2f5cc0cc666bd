#include "target/parameters.h"

#include "base/args.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void parameters_take(void *field, const char *argument) {
    struct parameters *parameters = field;
    size_t length = strcspn(argument, " =");
    if (length == 0 || argument[length] == '\0' || argument[length + 1] == '\0' ||
        strcspn(argument, "{}") < length)
        args_refuse("-L wants VAR a,b,c, not '%s'", argument);
    if (parameters->count == PARAMETERS_MAX)
        args_refuse("at most %d parameters can be varied", PARAMETERS_MAX);
    struct parameter *parameter = &parameters->items[parameters->count];
    char *name = memory_copy(argument);
    char *value = name + length + 1;
    name[length] = '\0';
    *parameter = (struct parameter){.name = name};
    for (unsigned i = 0; i < parameters->count; i++)
        if (strcmp(parameters->items[i].name, name) == 0)
            args_refuse("two parameters are called '%s'", name);
    for (char *next; value != NULL; value = next) {
        next = strchr(value, ',');
        if (next != NULL)
            *next++ = '\0';
        if (parameter->value_count == PARAMETERS_VALUES_MAX)
            args_refuse("-L %s: at most %d values", name, PARAMETERS_VALUES_MAX);
        parameter->values[parameter->value_count++] = value;
    }
    parameters->count++;
}

void parameters_free(struct parameters *parameters) {
    for (unsigned i = 0; i < parameters->count; i++)
        free(parameters->items[i].name);
    parameters->count = 0;
}

unsigned parameters_combinations(const struct parameters *parameters) {
    unsigned combinations = 1;
    for (unsigned i = 0; i < parameters->count; i++)
        combinations *= parameters->items[i].value_count;
    return combinations;
}

const char *parameters_value(const struct parameters *parameters, unsigned parameter,
                             unsigned combination) {
    for (unsigned i = parameters->count; i-- > parameter + 1;)
        combination /= parameters->items[i].value_count;
    return parameters->items[parameter]
        .values[combination % parameters->items[parameter].value_count];
}

/* The parameter whose name in braces the text begins with, or `count`. */
static unsigned parameters_at(const struct parameters *parameters, const char *text) {
    unsigned i = 0;
    for (; i < parameters->count; i++) {
        size_t length = strlen(parameters->items[i].name);
        if (text[0] == '{' && strncmp(text + 1, parameters->items[i].name, length) == 0 &&
            text[1 + length] == '}')
            break;
    }
    return i;
}

char *parameters_apply(const struct parameters *parameters, unsigned combination,
                       const char *text) {
    char *applied;
    size_t bytes;
    if (text == NULL)
        return NULL;
    FILE *out = open_memstream(&applied, &bytes);
    if (out == NULL)
        return memory_copy(text);
    while (*text != '\0') {
        unsigned i = parameters_at(parameters, text);
        if (i == parameters->count) {
            fputc(*text++, out);
            continue;
        }
        fputs(parameters_value(parameters, i, combination), out);
        text += strlen(parameters->items[i].name) + 2;
    }
    fclose(out);
    return applied;
}

bool parameters_is_in(const struct parameter *parameter, const char *text) {
    char *braced = memory_format("{%s}", parameter->name);
    bool is_in = text != NULL && strstr(text, braced) != NULL;
    free(braced);
    return is_in;
}
