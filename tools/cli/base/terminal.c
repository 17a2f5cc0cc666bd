#include "base/terminal.h"

#include "base/wrap.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TERMINAL_PROGRESS_BYTES = 160, TERMINAL_SUBJECT_BYTES = 40 };

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

/* "jq . big.json: ", or nothing; returns how long it is. */
static unsigned terminal_subject(const struct terminal *terminal, char *text, size_t text_bytes) {
    text[0] = '\0';
    if (terminal->subject == NULL)
        return 0;
    int used = snprintf(text, text_bytes, "%.*s: ", TERMINAL_SUBJECT_BYTES, terminal->subject);
    return used > 0 ? (unsigned)used : 0;
}

unsigned terminal_progress_room(const struct terminal *terminal) {
    char subject[TERMINAL_PROGRESS_BYTES / 2];
    unsigned width = wrap_width(stderr);
    unsigned used = terminal_subject(terminal, subject, sizeof subject) + 1;
    return width > used ? width - used : 0;
}

void terminal_progress(const struct terminal *terminal, const char *format, ...) {
    char line[TERMINAL_PROGRESS_BYTES];
    va_list arguments;
    if (!terminal->progress)
        return;
    unsigned used = terminal_subject(terminal, line, sizeof line / 2);
    va_start(arguments, format);
    vsnprintf(line + used, sizeof line - used, format, arguments);
    va_end(arguments);
    /* A line that goes on in the next one cannot be wiped away. */
    unsigned width = wrap_width(stderr);
    if (width > 0 && strlen(line) >= width)
        line[width - 1] = '\0';
    fprintf(stderr, "\r\033[K%s", line);
    fflush(stderr);
}

void terminal_wipe(const struct terminal *terminal) {
    if (terminal->progress)
        fputs("\r\033[K", stderr);
}
