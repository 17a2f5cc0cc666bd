#include "base/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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
    fprintf(stderr, "%s%s%s: %s", say_name, say_running[0] != '\0' ? " " : "", say_running, kind);
    vfprintf(stderr, format, arguments);
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
