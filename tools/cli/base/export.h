/* A file that a result is written to, as --export-json asks: looked at before the measurement, so
 * that a mistake in its path does not cost it, and touched only when there is a result.
 *
 *   export_open;  measure;  FILE *out = export_begin;  if (out != NULL) print;  export_end
 *
 * The result is printed into memory, written to FILE.PID.part and renamed: whatever happens on the
 * way, FILE holds all of it or what was there before. A pipe, a device, a file of somebody else and
 * one of several names are written to as they are.
 */
#ifndef BASE_EXPORT_H
#define BASE_EXPORT_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct export {
    const char *option; /* that named it, for messages */
    const char *path;   /* "-": standard output; NULL: nothing was asked for */
    char *target;       /* the file that is replaced, without links; NULL: none is */
    mode_t mode;        /* of what is there; 0: nothing is */
    int descriptor;     /* what is written to as it is; -1: none */
    FILE *out;          /* between export_begin and export_end */
    char *text;
    size_t text_bytes;
};

/* Ends the program with a message when the file cannot be written. */
void export_open(struct export *export, const char *path);

/* The same for another option than --export-json. */
void export_open_for(struct export *export, const char *option, const char *path);

/* Ends the program with a message when both go to one place: one would replace the other, or both
 * would be in one stream. */
void export_refuse_same(const struct export *first, const struct export *second);

/* The same with the file that the program's --output goes to; NULL: none. */
void export_refuse_output(const struct export *export, const char *path);

bool export_is_standard_output(const struct export *export);

/* Where the result goes, or NULL when nobody wants it. */
FILE *export_begin(struct export *export);

/* Writes the file. False, with a message, when not everything was written. */
bool export_finish(struct export *export);

/* The same, but that ends the program. */
void export_end(struct export *export);

/* Where the tables go: standard output, unless the export is there. */
FILE *export_tables(const struct export *export);

#endif
