#include "assertion.h"

#ifdef TAGPOOL_DEBUG

#include "os.h"

#include <stdlib.h>

/* Not a struct text, so that the tracing library needs no more than this file. */
struct line {
    size_t length;
    char bytes[256];
};

static void add(struct line *line, const char *string) {
    for (; *string != '\0' && line->length < sizeof line->bytes - 1; string++)
        line->bytes[line->length++] = *string;
}

static void add_number(struct line *line, uint64_t number) {
    char digits[21];
    size_t first = sizeof digits - 1;
    digits[first] = '\0';
    do
        digits[--first] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    add(line, &digits[first]);
}

COLD _Noreturn void assertion_failed(const char *file, unsigned line_number,
                                     const char *condition) {
    struct line line = {.length = 0};
    add(&line, "tagpool[");
    add_number(&line, os_process_id());
    add(&line, "]: assertion failed: ");
    add(&line, file);
    add(&line, ":");
    add_number(&line, line_number);
    add(&line, ": ");
    add(&line, condition);
    line.bytes[line.length++] = '\n';
    os_write_error(line.bytes, line.length);
    abort();
}

#endif
