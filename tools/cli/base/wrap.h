/* Text for people, broken between words where the terminal ends.
 *
 * What goes to a file or a pipe is not broken, so that a program finds each sentence on one line;
 * but for the help, which is as wide there as a terminal usually is.
 */
#ifndef BASE_WRAP_H
#define BASE_WRAP_H

#include <stdio.h>

enum { WRAP_STANDARD_WIDTH = 80, WRAP_WIDEST = 100 };

/* Columns of the terminal that `out` is, at most WRAP_WIDEST: longer lines are hard to read. 0 when
 * it is none: no line is broken. */
unsigned wrap_width(FILE *out);

/* The same, for help: never 0. */
unsigned wrap_help_width(FILE *out);

/* Prints a text that begins in `column`, without a line end behind it. Its own line ends stay. Each
 * line but the first begins with `indent` blanks. Returns the column after the last word. */
unsigned wrap_print(FILE *out, const char *text, unsigned column, unsigned indent, unsigned width);

/* Prints paragraphs, whose lines are joined and broken anew. A paragraph ends with an empty line;
 * lines that begin with a blank stay as they are. */
void wrap_paragraphs(FILE *out, const char *text, unsigned width);

#endif
