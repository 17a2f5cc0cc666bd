#include "report/combine.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what belongs together ---- */

static bool combine_same_command(char *const *left, char *const *right) {
    while (*left != NULL && *right != NULL && strcmp(*left, *right) == 0) {
        left++;
        right++;
    }
    return *left == NULL && *right == NULL;
}

/* The result has to be of the same program and reference as the first. */
static void combine_check(const struct saved *first, const struct saved *saved, bool force) {
    const char *left = result_reference_name(&first->result);
    const char *right = result_reference_name(&saved->result);
    if (strcmp(left, right) != 0)
        say_and_exit(STATUS_USAGE, "the references differ: %s in %s, %s in %s", left, first->path,
                     right, saved->path);
    bool same = strcmp(first->comparison.title, saved->comparison.title) == 0 ||
                combine_same_command(first->result.command, saved->result.command);
    if (!same && !force)
        say_and_exit(STATUS_USAGE,
                     "%s and %s are of different commands (%s; %s); give them one name with -n, or "
                     "go on all the same with --force",
                     first->path, saved->path, first->comparison.title, saved->comparison.title);
}

/* A copy of a file, or a file that is named twice, has all times of the other. */
static bool combine_is_same(const struct saved *left, const struct saved *right) {
    const struct rounds *first = &left->result.rounds, *second = &right->result.rounds;
    if (left->result.plan.seed != right->result.plan.seed || first->count != second->count ||
        first->variant_count != second->variant_count)
        return false;
    for (unsigned i = 0; i < first->count; i++)
        for (unsigned variant = 0; variant < first->variant_count; variant++)
            if (rounds_value(first, i, variant, METRIC_WALL) !=
                rounds_value(second, i, variant, METRIC_WALL))
                return false;
    return true;
}

/* As evidence it counts once. */
static void combine_refuse_same(const struct combine *combine, unsigned place) {
    for (unsigned i = 0; i < place; i++)
        if (combine_is_same(combine->results[i], combine->results[place]))
            say_and_exit(STATUS_USAGE,
                         "%s and %s hold the same result, which would count twice; leave one of "
                         "them out",
                         combine->results[i]->path, combine->results[place]->path);
}

static bool combine_is_warned(const struct saved *saved) {
    const struct reasons *reasons = &saved->comparison.reasons;
    for (unsigned i = 0; i < reasons->count; i++)
        if (reasons->items[i].kind == REASON_MACHINE && reasons->items[i].matters)
            return true;
    return false;
}

/* The machine of a result: a new one, or one that is known. */
static unsigned combine_find_machine(struct combine *combine, const struct saved *saved) {
    const char *host = saved->comparison.machine.host;
    const char *name = host != NULL ? host : saved->path;
    unsigned i = 0;
    while (i < combine->machine_count && strcmp(combine->machines[i].name, name) != 0)
        i++;
    struct combine_machine *machine = &combine->machines[i];
    if (i == combine->machine_count) {
        *machine = (struct combine_machine){.name = memory_copy(name), .any = saved};
        combine->machine_count++;
    }
    machine->results++;
    machine->rounds += saved->result.rounds.count;
    machine->warned = machine->warned || combine_is_warned(saved);
    return i;
}

static void combine_load(struct combine *combine, const char *const *paths, bool force) {
    for (unsigned i = 0; i < combine->count; i++) {
        struct saved *saved = memory_array(1, sizeof *saved);
        saved_load(saved, paths[i]);
        combine->results[i] = saved;
        combine_check(combine->results[0], saved, force);
        combine_refuse_same(combine, i);
        combine->machine_of[i] = combine_find_machine(combine, saved);
        combine->threshold = fmax(combine->threshold, saved->result.plan.threshold);
    }
}

/* ---- the statements ---- */

/* The analysis of a variant and a metric by their names; NULL: the result does not have it. */
static const struct analysis *combine_find(const struct saved *saved, const char *variant,
                                           const char *key) {
    const struct rounds *rounds = &saved->result.rounds;
    unsigned place = result_find(&saved->result, variant);
    if (place == rounds->variant_count || place == rounds->reference)
        return NULL;
    for (unsigned metric = 0; metric < rounds_metrics(rounds); metric++)
        if (strcmp(rounds_about(rounds, (enum metric)metric)->key, key) == 0)
            return &saved->comparison.analyses[place][metric];
    return NULL;
}

/* Every result of a machine that has an interval, as strata. */
static unsigned combine_collect(const struct combine *combine, const struct combine_row *row,
                                unsigned machine, struct combined_stratum *strata) {
    unsigned count = 0;
    for (unsigned i = 0; i < combine->count; i++) {
        if (combine->machine_of[i] != machine)
            continue;
        const struct analysis *analysis =
            combine_find(combine->results[i], row->variant, row->about->key);
        if (analysis != NULL && (analysis->exact || analysis->difference.exists))
            strata[count++] = (struct combined_stratum){
                .estimate = analysis->difference.estimate,
                .error = analysis->exact ? 0 : combined_error_of(&analysis->difference),
            };
    }
    return count;
}

static void combine_row_over_machines(const struct combine *combine, struct combine_row *row,
                                      struct combined_stratum *strata) {
    unsigned next = 0;
    for (unsigned i = 0; i < combine->machine_count; i++)
        if (row->machines[i].known)
            strata[next++] = (struct combined_stratum){.estimate = row->machines[i].estimate,
                                                       .error = row->machines[i].error};
    row->combined = combined_make(strata, row->known);
    next = 0;
    for (unsigned i = 0; i < combine->machine_count; i++)
        if (row->machines[i].known)
            row->machines[i].outlying = strata[next++].outlying;
}

/* First the results of each machine, then the machines. */
static void combine_row_make(const struct combine *combine, struct combine_row *row) {
    struct combined_stratum *strata = memory_array(combine->count, sizeof *strata);
    row->machines = memory_array(combine->machine_count, sizeof *row->machines);
    for (unsigned i = 0; i < combine->machine_count; i++) {
        unsigned count = combine_collect(combine, row, i, strata);
        if (count == 0)
            continue;
        struct combined of_machine = combined_make(strata, count);
        row->machines[i] = (struct combine_cell){
            .known = true, .estimate = of_machine.all.estimate, .error = of_machine.error};
        row->known++;
        row->combined = of_machine;
    }
    row->over_results = row->known == 1;
    if (row->known > 1)
        combine_row_over_machines(combine, row, strata);
    row->verdict = paired_judge(&row->combined.all, combine->threshold);
    free(strata);
}

void combine_make(struct combine *combine, const char *const *paths, unsigned count, bool force) {
    *combine = (struct combine){.count = count};
    combine->results = memory_array(count, sizeof(struct saved *));
    combine->machines = memory_array(count, sizeof *combine->machines);
    combine->machine_of = memory_array(count, sizeof *combine->machine_of);
    combine_load(combine, paths, force);
    const struct saved *first = combine->results[0];
    const struct rounds *rounds = &first->result.rounds;
    for (unsigned metric = 0; metric < rounds_metrics(rounds); metric++)
        for (unsigned variant = 0; variant < rounds->variant_count; variant++) {
            struct combine_row row = {.variant = first->variants[variant].name,
                                      .about = rounds_about(rounds, (enum metric)metric)};
            bool common = variant != rounds->reference;
            for (unsigned i = 0; common && i < count; i++)
                common = combine_find(combine->results[i], row.variant, row.about->key) != NULL;
            if (!common)
                continue;
            combine_row_make(combine, &row);
            combine->rows[combine->row_count++] = row;
        }
    if (combine->row_count == 0)
        say_and_exit(STATUS_USAGE, "the results have no variant in common");
}

enum exit_status combine_status(const struct combine *combine, double fail_share) {
    for (unsigned i = 0; i < combine->row_count; i++) {
        const struct combine_row *row = &combine->rows[i];
        bool time = strcmp(row->about->key, metric_about[METRIC_WALL].key) == 0 ||
                    strcmp(row->about->key, metric_about[METRIC_CPU].key) == 0;
        if (fail_share >= 0 && time && row->combined.all.exists &&
            paired_share(row->combined.all.low) > fail_share)
            return STATUS_REGRESSION;
    }
    return STATUS_DONE;
}
