/* A file that a result is written to, as --export-json asks: opened before the measurement, so that
 * a mistake in its path does not cost it, and emptied only when there is a result, so that an
 * earlier one outlives a failure.
 *
 *   export_open;  measure;  FILE *out = export_begin;  if (out != NULL) print;  export_end
 */
#ifndef TOOLS_EXPORT_H
#define TOOLS_EXPORT_H

#include <stdbool.h>
#include <stdio.h>

struct export {
    const char *option; /* that named it, for messages */
    const char *path;   /* "-": standard output; NULL: nothing was asked for */
    FILE *out;
    bool failed;
};

/* Ends the program with a message when the file cannot be written. */
void export_open(struct export *export, const char *path);

/* The same for another option than --export-json. */
void export_open_for(struct export *export, const char *option, const char *path);

/* Where the result goes, or NULL when nobody wants it. */
FILE *export_begin(struct export *export);

/* Closes the file. Ends the program with a message when not everything was written. */
void export_end(struct export *export);

/* Where the tables go: standard output, unless the export is there. */
FILE *export_tables(const struct export *export);

#endif
