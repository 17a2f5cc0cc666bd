/* What the terminal can show: colour, and progress that is wiped away again.
 *
 * Progress goes to standard error and only when that is a terminal. NO_COLOR and --style decide
 * about colour. */
#ifndef BASE_TERMINAL_H
#define BASE_TERMINAL_H

#include "base/args.h"

#include <stdbool.h>
#include <stdio.h>

/* Of --style: hyperfine's. */
enum terminal_style {
    TERMINAL_AUTO,
    TERMINAL_BASIC,
    TERMINAL_FULL,
    TERMINAL_NOCOLOR,
    TERMINAL_COLOR,
    TERMINAL_NONE,
};

/* Their words; NULL-ended. */
extern const char *const terminal_styles[];

/* A row of a command's options. */
#define TERMINAL_OPTION_STYLE(REQUEST, FIELD)                                                      \
    {                                                                                              \
        0, "style", "STYLE", "auto, basic, full, nocolor, color or none (no table)",               \
            ARGS_CHOICE(REQUEST, FIELD, terminal_styles)                                           \
    }

enum terminal_colour { TERMINAL_PLAIN, TERMINAL_GOOD, TERMINAL_BAD, TERMINAL_DIM, TERMINAL_BOLD };

struct terminal {
    bool colour;         /* on standard output */
    bool progress;       /* on standard error */
    const char *subject; /* what the progress is about, in front of it; NULL: nothing */
};

void terminal_init(struct terminal *terminal, enum terminal_style style);

/* Switches a colour on, TERMINAL_PLAIN off. Prints nothing when there is no colour. */
void terminal_colour(const struct terminal *terminal, FILE *out, enum terminal_colour colour);

/* Replaces the line of progress; terminal_wipe takes it away. */
__attribute__((format(printf, 2, 3))) void terminal_progress(const struct terminal *terminal,
                                                             const char *format, ...);

/* How many columns of that line a text may have, in front of which the subject stands. */
unsigned terminal_progress_room(const struct terminal *terminal);

void terminal_wipe(const struct terminal *terminal);

#endif
