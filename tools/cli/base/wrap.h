/* Text for people, broken between words where the terminal ends.
 *
 * What goes to a file or a pipe is not broken, so that a program finds each sentence on one line;
 * but for the help, which is as wide there as a terminal usually is.
 *
 * A report is printed on a sheet, which breaks its lines when it is closed, rows of tables between
 * their columns:
 *
 *   FILE *sheet = wrap_open(stdout);  print;  wrap_close(sheet)
 */
#ifndef BASE_WRAP_H
#define BASE_WRAP_H

#include <stdbool.h>
#include <stdio.h>

enum { WRAP_STANDARD_WIDTH = 80, WRAP_WIDEST = 100 };

/* `out` itself when it is no terminal. There is one sheet at a time. */
FILE *wrap_open(FILE *out);

/* The same for help: as wide as wrap_help_width(). */
FILE *wrap_open_help(FILE *out);

/* Prints the sheet. */
void wrap_close(FILE *sheet);

/* Is it a terminal, or a sheet for one? */
bool wrap_is_terminal(FILE *out);

/* Columns of the terminal that `out` is, or that its sheet is for, at most WRAP_WIDEST: longer
 * lines are hard to read. 0 when it is none: no line is broken. */
unsigned wrap_width(FILE *out);

/* The same, for help: never 0. */
unsigned wrap_help_width(FILE *out);

/* Prints a text that begins in `column`, without a line end behind it. Its own line ends stay. Each
 * line but the first begins with `indent` blanks. Returns the column after the last word. */
unsigned wrap_print(FILE *out, const char *text, unsigned column, unsigned indent, unsigned width);

/* Prints the same in the width of `out`, with a full stop, and ends the line. */
void wrap_sentence(FILE *out, const char *text, unsigned column, unsigned indent);

/* Prints lines so that none is wider than `width` allows: where one is too long, it goes on in the
 * next, below where its second column begins, or, if it has none, a little further in. */
void wrap_lines(FILE *out, const char *text, unsigned width);

/* Prints paragraphs, whose lines are joined and broken anew. A paragraph ends with an empty line;
 * lines that begin with a blank stay as they are. */
void wrap_paragraphs(FILE *out, const char *text, unsigned width);

#endif
