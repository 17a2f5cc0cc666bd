#include "base/memory.h"

#include "base/say.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *memory_array(size_t count, size_t item_bytes) {
    void *array = calloc(count != 0 ? count : 1, item_bytes);
    if (array == NULL)
        say_and_exit(STATUS_OWN_FAILURE, "out of memory");
    return array;
}

void *memory_resize(void *array, size_t count, size_t item_bytes) {
    void *resized = reallocarray(array, count != 0 ? count : 1, item_bytes);
    if (resized == NULL)
        say_and_exit(STATUS_OWN_FAILURE, "out of memory");
    return resized;
}

void *memory_grow(void *array, size_t count, size_t item_bytes) {
    bool full = (count & (count - 1)) == 0;
    return full ? memory_resize(array, count == 0 ? 1 : 2 * count, item_bytes) : array;
}

char *memory_copy(const char *string) {
    size_t bytes = strlen(string) + 1;
    return memcpy(memory_array(bytes, 1), string, bytes);
}

char *memory_format_list(const char *format, va_list arguments) {
    char *text;
    if (vasprintf(&text, format, arguments) < 0)
        say_and_exit(STATUS_OWN_FAILURE, "out of memory");
    return text;
}

char *memory_format(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = memory_format_list(format, arguments);
    va_end(arguments);
    return text;
}
