/* Measures a session: makes its commands of what was asked for, lets their rounds alternate, and
 * makes the comparisons, with their probes and reasons.
 *
 *   conduct_init      the commands: the program's own and those of --also, with each combination of
 *                     the parameters
 *   conduct_measure   the setup, checks, rounds, probes and cleanup
 *   conduct_free      after that, whatever came of it
 *
 * With --setup or --cleanup each command has the machine for itself: what one was set up with, the
 * next one may replace.
 *
 * From the setup to the end of the cleanup signals are only noted (base/interrupt.h): what was done
 * until then is the session, and the cleanup runs.
 */
#ifndef COMPARE_CONDUCT_H
#define COMPARE_CONDUCT_H

#include "compare/probe.h"
#include "compare/session.h"
#include "launch/service.h"
#include "target/parameters.h"
#include "target/variants.h"

/* Of an option that may be repeated. */
struct conduct_texts {
    unsigned count;
    const char *items[SESSION_COMMANDS_MAX];
};

/* Appends to a field of that type. */
void conduct_take_text(void *field, const char *text);

/* What was asked for. */
struct conduct_wishes {
    struct plan plan;
    struct conduct_texts names; /* titles of the commands, in their order, as far as they go */
    struct conduct_texts also;  /* more command lines */
    struct parameters parameters;
    struct service_options service; /* the target, which the commands load */
    struct probe_wishes probes;
    bool shell; /* each command is one line of the shell */
    bool with_moments;
    const struct terminal *terminal;
    /* Makes the variants for the first command, which are those of all, and returns the reference's
     * place. It may change the plan's precision. */
    unsigned (*choose)(void *request, const struct target *target, struct target_findings *findings,
                       struct variants *variants);
    void *request;
};

/* One command, from its words to what is known of it. */
struct conduct_command {
    char **words;
    char *title;
    struct plan plan;
    struct service service; /* in the plan, if there is one */
    struct target target;
    struct target_findings findings;
    struct machine machine;
    double steal;
    struct experiment experiment;
    struct comparison comparison;
};

struct conduct {
    struct conduct_wishes *wishes;
    struct variants variants;
    unsigned reference;
    unsigned count;
    struct conduct_command *commands;
    char *fault; /* why it ended early, in a sentence; NULL: it did not, or was interrupted */
    struct session session; /* after a measurement: the commands that were finished, maybe none */
};

/* Everything passed in must live as long as the session. Ends the program with a message, as
 * args_refuse does, when the commands make no sense. */
void conduct_init(struct conduct *all, struct conduct_wishes *wishes, char **words);

/* STATUS_DONE, or what to end with once the session, if it has any command, has been reported, and
 * after it the fault, if there is one. */
enum exit_status conduct_measure(struct conduct *all);

void conduct_free(struct conduct *all);

#endif
