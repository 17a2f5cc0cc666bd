/* All the files that a session of comparisons can be written to, for the commands that have one.
 *
 *   paths[], by the options;  exports_open;  measure;  exports_write
 *
 * As export.h: looked at before the measurement, touched when there is a result.
 */
#ifndef REPORT_EXPORTS_H
#define REPORT_EXPORTS_H

#include "base/args.h"
#include "base/export.h"
#include "compare/session.h"

enum exports_kind {
    EXPORTS_JSON,
    EXPORTS_CSV,
    EXPORTS_MARKDOWN,
    EXPORTS_ASCIIDOC,
    EXPORTS_ORG,
    EXPORTS_HTML,
    EXPORTS_COUNT
};

/* Rows of a command's options. EXPORTS is the request's field of type struct exports. */
/* clang-format off */
#define EXPORTS_OPTIONS(REQUEST, EXPORTS)                                                          \
    {0, "export-json", "FILE",                                                                     \
     "write everything as JSON; with '-' to standard output, and\nthe table to standard error",    \
     ARGS_FILE(REQUEST, EXPORTS.paths[EXPORTS_JSON])},                                             \
    {0, "export-csv", "FILE", "write every run as a line of CSV",                                  \
     ARGS_FILE(REQUEST, EXPORTS.paths[EXPORTS_CSV])},                                              \
    {0, "export-markdown", "FILE", "write the table and the verdicts as Markdown",                 \
     ARGS_FILE(REQUEST, EXPORTS.paths[EXPORTS_MARKDOWN])},                                         \
    {0, "export-asciidoc", "FILE", "the same as AsciiDoc",                                         \
     ARGS_FILE(REQUEST, EXPORTS.paths[EXPORTS_ASCIIDOC])},                                         \
    {0, "export-orgmode", "FILE", "the same for Emacs' Org mode",                                  \
     ARGS_FILE(REQUEST, EXPORTS.paths[EXPORTS_ORG])},                                              \
    {0, "html", "FILE", "write one page with charts, which needs nothing else",                    \
     ARGS_FILE(REQUEST, EXPORTS.paths[EXPORTS_HTML])}
/* clang-format on */

struct exports {
    const char *paths[EXPORTS_COUNT]; /* NULL: not asked for */
    struct export files[EXPORTS_COUNT];
};

/* Ends the program with a message when a file cannot be written, or two are the same. */
void exports_open(struct exports *exports);

/* Writes what it can; ends the program with a message for each file that it could not write. */
void exports_write(struct exports *exports, const struct session *session);

/* As export_refuse_output, each of them. */
void exports_refuse_output(const struct exports *exports, const char *path);

bool exports_use_standard_output(const struct exports *exports);

/* Where the tables go: standard output, unless an export is there. */
FILE *exports_tables(const struct exports *exports);

#endif
