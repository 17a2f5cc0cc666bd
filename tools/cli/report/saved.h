/* A comparison read back from what --export-json wrote, as if it had just been measured.
 *
 * The statements are made again from the raw rounds, so that a saved result and a fresh one cannot
 * be judged by different rules. Every form that it is printed in is byte for byte the fresh one.
 * It lives as long as the program.
 */
#ifndef REPORT_SAVED_H
#define REPORT_SAVED_H

#include "base/json_tree.h"
#include "compare/comparison.h"

struct saved {
    const char *path;              /* as it was given, for messages */
    const struct json_value *root; /* owns the texts below */
    struct variant variants[ROUNDS_VARIANTS_MAX];
    struct result result;
    struct comparison comparison; /* of that result */
    struct profile profile;       /* of the comparison, if it has one */
};

/* Ends the program with STATUS_USAGE and a message when the file is not a whole comparison. */
void saved_load(struct saved *saved, const char *path);

/* The same, of a document that was read from `path` and lives on. */
void saved_load_value(struct saved *saved, const char *path, const struct json_value *root);

#endif
