/* Why there is no gain, or why a result is uncertain: one sentence each, with what to do.
 *
 * Reasons of the program matter when it gains nothing; those of the machine when the result is
 * uncertain. All are kept, and exported, whether they matter or not. Beyond REASONS_MAX they are
 * dropped; the texts live as long as the program.
 */
#ifndef COMPARE_REASONS_H
#define COMPARE_REASONS_H

#include "target/target.h"

#include <stdbool.h>

enum { REASONS_MAX = 32 };

enum reason_kind {
    REASON_TARGET,  /* known before the first run */
    REASON_PROGRAM, /* what the runs showed about the program */
    REASON_MACHINE, /* what they showed about the machine */
    REASON_KINDS,
};

struct reason {
    enum reason_kind kind;
    const char *key; /* for programs: "few_calls" */
    bool matters;    /* belongs into a report for people */
    char *text;
};

struct reasons {
    unsigned count;
    struct reason items[REASONS_MAX];
};

/* "target", "program", "machine". */
extern const char *const reason_kind_names[REASON_KINDS];

/* `format` makes one sentence, without its full stop; the key lives on. */
__attribute__((format(printf, 5, 6))) void reasons_add(struct reasons *reasons,
                                                       enum reason_kind kind, const char *key,
                                                       bool matters, const char *format, ...);

/* Those that did not refuse the target; they were said before the first run, so none matters. */
void reasons_add_findings(struct reasons *reasons, const struct target_findings *findings);

#endif
