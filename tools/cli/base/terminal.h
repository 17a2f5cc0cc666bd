/* What the terminal can show: colour, and progress that is wiped away again.
 *
 * Progress goes to standard error and only when that is a terminal. NO_COLOR and --style decide
 * about colour. */
#ifndef BASE_TERMINAL_H
#define BASE_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

enum terminal_colour { TERMINAL_PLAIN, TERMINAL_GOOD, TERMINAL_BAD, TERMINAL_DIM, TERMINAL_BOLD };

struct terminal {
    bool colour;         /* on standard output */
    bool progress;       /* on standard error */
    const char *subject; /* what the progress is about, in front of it; NULL: nothing */
};

/* `style` is hyperfine's: auto, basic, full, nocolor, color or none; false for any other word. */
bool terminal_init(struct terminal *terminal, const char *style);

/* Switches a colour on, TERMINAL_PLAIN off. Prints nothing when there is no colour. */
void terminal_colour(const struct terminal *terminal, FILE *out, enum terminal_colour colour);

/* Replaces the line of progress; terminal_wipe takes it away. */
__attribute__((format(printf, 2, 3))) void terminal_progress(const struct terminal *terminal,
                                                             const char *format, ...);
void terminal_wipe(const struct terminal *terminal);

#endif
