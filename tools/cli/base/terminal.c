#include "base/terminal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TERMINAL_PROGRESS_BYTES = 80 };

const char *const terminal_styles[] = {
    [TERMINAL_AUTO] = "auto",       [TERMINAL_BASIC] = "basic", [TERMINAL_FULL] = "full",
    [TERMINAL_NOCOLOR] = "nocolor", [TERMINAL_COLOR] = "color", [TERMINAL_NONE] = "none",
    [TERMINAL_NONE + 1] = NULL,
};

void terminal_init(struct terminal *terminal, enum terminal_style style) {
    static const struct {
        int colour, progress; /* 1 yes, 0 no, -1 if there is a terminal */
    } styles[] = {
        [TERMINAL_AUTO] = {-1, -1},   [TERMINAL_BASIC] = {0, 0}, [TERMINAL_FULL] = {1, -1},
        [TERMINAL_NOCOLOR] = {0, -1}, [TERMINAL_COLOR] = {1, 0}, [TERMINAL_NONE] = {0, 0},
    };
    const char *name = getenv("TERM");
    const char *no_colour = getenv("NO_COLOR");
    bool dumb = name == NULL || strcmp(name, "dumb") == 0;
    bool colour = isatty(1) && !dumb && (no_colour == NULL || no_colour[0] == '\0');
    terminal->colour = styles[style].colour < 0 ? colour : styles[style].colour == 1;
    terminal->progress = styles[style].progress != 0 && isatty(2) && !dumb;
    terminal->subject = NULL;
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
