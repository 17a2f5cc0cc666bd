/* Several comparisons that were made together: of several commands, or of one with the values of a
 * parameter. Each is a whole comparison of its own; the session adds what they say beside each
 * other.
 *
 *               system   tagpool            a column: one allocator, commands against the first
 *   jq . a        x         x    <- a comparison: one command, variants against the reference
 *   jaq . a       x         x
 *
 * Where rounds alternated, a column is paired like a comparison: round i of one command and round i
 * of another followed each other. Otherwise (--setup may build each command anew) they are two
 * samples, which shift.h compares.
 *
 * Comparisons and texts are somebody else's. A single comparison is a session, too, without
 * columns.
 */
#ifndef COMPARE_SESSION_H
#define COMPARE_SESSION_H

#include "compare/comparison.h"

enum { SESSION_COMMANDS_MAX = ROUNDS_VARIANTS_MAX, SESSION_PARAMETERS_MAX = 4 };

struct session_parameter {
    const char *name;
    const char *values[SESSION_COMMANDS_MAX]; /* by command */
};

struct session {
    unsigned count; /* of commands */
    const struct comparison *comparisons[SESSION_COMMANDS_MAX];
    bool paired; /* the rounds of the commands alternated */
    unsigned parameter_count;
    struct session_parameter parameters[SESSION_PARAMETERS_MAX];
    struct analysis *columns; /* session_analysis() reads them; NULL when there is one command */
};

/* The analyses of the columns, after count, comparisons, paired and parameters were filled in. All
 * comparisons have the same variants and the same metrics. */
void session_make(struct session *session);

void session_free(struct session *session);

/* What a comparison alone is. */
struct session session_of_one(const struct comparison *comparison);

/* Of a command (not the first) against the first, both with the same variant. */
const struct analysis *session_analysis(const struct session *session, unsigned variant,
                                        unsigned command, enum metric metric);

/* What tells a command from the others: "size=10, kind=a" where parameters make them, else its
 * title. A new string. */
char *session_label(const struct session *session, unsigned command);

/* "The commands took turns ..." or why they did not. */
const char *session_pairing_text(const struct session *session);

/* The worst of all comparisons, as comparison_status. */
enum exit_status session_status(const struct session *session,
                                const struct comparison_limits *limits);

#endif
