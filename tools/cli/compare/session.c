#include "compare/session.h"

#include "base/memory.h"
#include "stats/shift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct session session_of_one(const struct comparison *comparison) {
    return (struct session){.count = 1, .comparisons = {comparison}, .paired = true};
}

static const struct rounds *session_rounds(const struct session *session, unsigned command) {
    return &session->comparisons[command]->result->rounds;
}

static struct analysis *session_place(const struct session *session, unsigned variant,
                                      unsigned command, enum metric metric) {
    return &session->columns[((size_t)variant * session->count + command) * METRICS_MAX + metric];
}

const struct analysis *session_analysis(const struct session *session, unsigned variant,
                                        unsigned command, enum metric metric) {
    return session_place(session, variant, command, metric);
}

/* ---- the columns ---- */

/* The rounds of one variant, in which the commands are what is compared. */
static struct rounds session_column(const struct session *session, unsigned variant) {
    struct rounds column = *session_rounds(session, 0);
    column.variant_count = session->count;
    column.reference = 0;
    column.items = NULL;
    column.count = 0;
    for (unsigned i = 0; i < session_rounds(session, 0)->count; i++) {
        struct round *round = rounds_add(&column);
        for (unsigned command = 0; command < session->count; command++) {
            const struct round *from = &session_rounds(session, command)->items[i];
            round->order[from->turn % session->count] = (unsigned char)command;
            round->results[command] = from->results[variant];
            memcpy(round->own[command], from->own[variant], sizeof from->own[variant]);
        }
    }
    return column;
}

static double *session_logarithms(const struct rounds *rounds, unsigned variant,
                                  enum metric metric) {
    double *values = memory_array(rounds->count, sizeof *values);
    for (unsigned i = 0; i < rounds->count; i++)
        values[i] = log(rounds_value(rounds, i, variant, metric));
    return values;
}

/* Two samples of different times. */
static struct analysis session_analyse_apart(const struct session *session, unsigned variant,
                                             unsigned command, enum metric metric) {
    const struct rounds *first = session_rounds(session, 0);
    const struct rounds *second = session_rounds(session, command);
    double *x = session_logarithms(first, variant, metric);
    double *y = session_logarithms(second, variant, metric);
    struct analysis analysis = {
        .reference = exp(paired_median(x, first->count)),
        .value = exp(paired_median(y, second->count)),
        .difference = shift_estimate(x, first->count, y, second->count),
    };
    analysis.verdict =
        paired_judge(&analysis.difference, session->comparisons[0]->result->plan.threshold);
    free(x);
    free(y);
    return analysis;
}

static void session_analyse_column(struct session *session, unsigned variant,
                                   const struct rounds *column) {
    double threshold = session->comparisons[0]->result->plan.threshold;
    for (unsigned command = 1; command < session->count; command++)
        for (unsigned metric = 0; metric < rounds_metrics(session_rounds(session, 0)); metric++) {
            struct analysis *analysis =
                session_place(session, variant, command, (enum metric)metric);
            if (column != NULL)
                analysis_make(analysis, column, command, (enum metric)metric, threshold);
            else
                *analysis = session_analyse_apart(session, variant, command, (enum metric)metric);
        }
}

void session_make(struct session *session) {
    unsigned variants = session_rounds(session, 0)->variant_count;
    session->columns = NULL;
    if (session->count < 2)
        return;
    session->columns =
        memory_array((size_t)variants * session->count * METRICS_MAX, sizeof *session->columns);
    for (unsigned variant = 0; variant < variants; variant++) {
        if (session->paired) {
            struct rounds column = session_column(session, variant);
            session_analyse_column(session, variant, &column);
            rounds_free(&column);
        } else {
            session_analyse_column(session, variant, NULL);
        }
    }
}

void session_free(struct session *session) {
    free(session->columns);
    session->columns = NULL;
}

/* ---- in words ---- */

char *session_label(const struct session *session, unsigned command) {
    const char *title = session->comparisons[command]->title;
    char *text = NULL;
    for (unsigned i = 0; i < session->parameter_count; i++) {
        const struct session_parameter *parameter = &session->parameters[i];
        if (parameter->values[command] == NULL)
            continue;
        char *longer =
            memory_format("%s%s%s=%s", text != NULL ? text : "", text != NULL ? ", " : "",
                          parameter->name, parameter->values[command]);
        free(text);
        text = longer;
    }
    return text != NULL ? text : memory_copy(title);
}

const char *session_pairing_text(const struct session *session) {
    return session->paired ? "the commands took turns, round by round, and are compared in pairs"
                           : "each command ran by itself after its --setup, so that they are not "
                             "compared in pairs: a machine that changed meanwhile changes them";
}

enum exit_status session_status(const struct session *session,
                                const struct comparison_limits *limits) {
    enum exit_status worst = STATUS_DONE;
    for (unsigned i = 0; i < session->count; i++) {
        enum exit_status status = comparison_status(session->comparisons[i], limits);
        if (status == STATUS_REGRESSION || worst == STATUS_DONE)
            worst = status;
    }
    return worst;
}
