#include "base/say.h"

#include "base/wrap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SAY_INDENT = 4 };

static const char *say_name = "tagpool";
static const char *say_running = "";

const char *say_program(void) {
    return say_name;
}

void say_as_program(const char *name) {
    say_name = name;
}

void say_as(const char *command) {
    say_running = command;
}

const char *say_command(void) {
    return say_running;
}

static void say_line(const char *kind, const char *format, va_list arguments) {
    fflush(stdout);
    char *text; /* memory.h ends with a message, so it is no help here */
    int bytes = vasprintf(&text, format, arguments);
    int column = fprintf(stderr, "%s%s%s: %s", say_name, say_running[0] != '\0' ? " " : "",
                         say_running, kind);
    if (bytes >= 0) {
        wrap_print(stderr, text, (unsigned)column, SAY_INDENT, wrap_width(stderr));
        free(text);
    } else {
        fputs(format, stderr);
    }
    fputc('\n', stderr);
}

void say_error(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say_line("", format, arguments);
    va_end(arguments);
}

void say_note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say_line("note: ", format, arguments);
    va_end(arguments);
}

void say_and_exit(enum exit_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say_line("", format, arguments);
    va_end(arguments);
    exit((int)status);
}
