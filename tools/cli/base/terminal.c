#include "base/terminal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TERMINAL_PROGRESS_BYTES = 80 };

bool terminal_init(struct terminal *terminal, const char *style) {
    static const struct {
        const char *style;
        int colour, progress; /* 1 yes, 0 no, -1 if there is a terminal */
    } styles[] = {
        {"auto", -1, -1},   {"basic", 0, 0}, {"full", 1, -1},
        {"nocolor", 0, -1}, {"color", 1, 0}, {"none", 0, 0},
    };
    const char *name = getenv("TERM");
    const char *no_colour = getenv("NO_COLOR");
    bool dumb = name == NULL || strcmp(name, "dumb") == 0;
    bool colour = isatty(1) && !dumb && (no_colour == NULL || no_colour[0] == '\0');
    for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++)
        if (strcmp(styles[i].style, style) == 0) {
            terminal->colour = styles[i].colour < 0 ? colour : styles[i].colour == 1;
            terminal->progress = styles[i].progress != 0 && isatty(2) && !dumb;
            terminal->subject = NULL;
            return true;
        }
    return false;
}

void terminal_colour(const struct terminal *terminal, FILE *out, enum terminal_colour colour) {
    static const char *const codes[] = {
        [TERMINAL_PLAIN] = "0", [TERMINAL_GOOD] = "32", [TERMINAL_BAD] = "31",
        [TERMINAL_DIM] = "2",   [TERMINAL_BOLD] = "1",
    };
    if (terminal->colour)
        fprintf(out, "\033[%sm", codes[colour]);
}

void terminal_progress(const struct terminal *terminal, const char *format, ...) {
    char line[TERMINAL_PROGRESS_BYTES];
    va_list arguments;
    if (!terminal->progress)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\r\033[K%s%s%s", terminal->subject != NULL ? terminal->subject : "",
            terminal->subject != NULL ? ": " : "", line);
    fflush(stderr);
}

void terminal_wipe(const struct terminal *terminal) {
    if (terminal->progress)
        fputs("\r\033[K", stderr);
}
