#include "compare/probe.h"

#include "base/interrupt.h"
#include "base/memory.h"
#include "profile/page.h"
#include "target/library.h"

#include <math.h>
#include <stdlib.h>
#include <tagpool/inflate.h>
#include <tagpool/profile_page.h>

enum { PROBE_LOADING_ROUNDS = 80 };

/* Runs of more CPU time do not notice what loading the shim takes. */
#define PROBE_LOADING_RUN_S 0.05

/* The plan of the comparison, for `rounds` rounds of other variants. */
static struct plan probe_plan(const struct experiment *experiment, unsigned rounds) {
    struct plan plan = experiment->result.plan;
    plan.output = "null";
    plan.runs = rounds;
    plan.warmups = 0;
    plan.ignore_failure = true;
    plan.numbers = NULL;
    return plan;
}

/* Measures `count` variants, the first of which is the reference; those of the comparison itself
 * are run with counters. `subject` stands before the progress. */
static bool probe_run(struct experiment *probe, const struct experiment *experiment,
                      const char *subject, const struct variant *variants, unsigned count,
                      unsigned rounds) {
    struct plan plan = probe_plan(experiment, rounds);
    plan.counted = variants == experiment->result.variants;
    /* The input was spooled: what it is read from serves again. */
    char *input = spool_path(&experiment->spool);
    plan.input = input;
    struct terminal terminal = *experiment->terminal;
    terminal.subject = subject;
    experiment_init(probe, &plan, experiment->target, variants, count, 0, &terminal);
    bool sound = experiment_measure(probe);
    probe->terminal = NULL;
    if (!sound && !interrupt_came())
        say_note("%s", probe->reason);
    free(input);
    return sound && !interrupt_came();
}

static const struct variant *probe_reference(const struct experiment *experiment) {
    return &experiment->result.variants[experiment->result.rounds.reference];
}

/* The trace library, in front of what the reference preloads. */
static char *probe_preload(const struct experiment *experiment) {
    const char *behind = probe_reference(experiment)->preload;
    char *library = library_of_trace();
    char *preload =
        memory_format("%s%s%s", library, behind != NULL ? ":" : "", behind != NULL ? behind : "");
    free(library);
    return preload;
}

void probe_headroom(struct comparison *comparison, const struct experiment *experiment,
                    unsigned rounds) {
    static const char *const variables[HEADROOM_STEPS] = {TAGPOOL_INFLATE_VARIABLE "=0",
                                                          TAGPOOL_INFLATE_VARIABLE "=1",
                                                          TAGPOOL_INFLATE_VARIABLE "=2"};
    static const char *const names[HEADROOM_STEPS] = {"headroom 0", "headroom 1", "headroom 2"};
    struct variant variants[HEADROOM_STEPS];
    struct experiment probe;
    if (rounds < HEADROOM_ROUNDS_LEAST || probe_reference(experiment)->shim)
        return;
    char *preload = probe_preload(experiment);
    for (unsigned k = 0; k < HEADROOM_STEPS; k++)
        variants[k] = (struct variant){.name = names[k],
                                       .preload = preload,
                                       .variable = variables[k],
                                       .without = probe_reference(experiment)->without};
    if (probe_run(&probe, experiment, "headroom", variants, HEADROOM_STEPS, rounds))
        headroom_make(&comparison->headroom, &probe.result.rounds,
                      comparison_reference(comparison, METRIC_CPU));
    experiment_free(&probe);
    free(preload);
}

void probe_counters(struct comparison *comparison, const struct experiment *experiment) {
    struct experiment probe;
    if (experiment->result.plan.service != NULL) /* they count a process to its end */
        return;
    if (probe_run(&probe, experiment, "counters", experiment->result.variants,
                  experiment->result.rounds.variant_count, COUNTED_ROUNDS)) {
        probe.result.rounds.reference = experiment->result.rounds.reference;
        counted_make(&comparison->counted, &probe.result.rounds);
    }
    experiment_free(&probe);
}

/* ---- the profile ---- */

/* What the run left on its page, with the plain run of the comparison beside it. */
static const struct profile *probe_read(const struct comparison *comparison, const char *path,
                                        const struct launch_result *result) {
    struct profile *profile = memory_array(1, sizeof *profile);
    *profile = (struct profile){
        .title = comparison->title,
        .command = comparison->result->command,
        .profiled = {.wait_status = result->wait_status,
                     .wall_s = metric_value(METRIC_WALL, result),
                     .cpu_s = metric_value(METRIC_CPU, result)},
        .plain = {.wall_s = comparison_reference(comparison, METRIC_WALL),
                  .cpu_s = comparison_reference(comparison, METRIC_CPU)},
        .has_plain = true,
    };
    char *fault = profile_page_take(profile, path);
    if (fault == NULL)
        return profile;
    say_note("no profile: %s", fault);
    free(fault);
    free(profile);
    return NULL;
}

const struct profile *probe_profile(const struct comparison *comparison,
                                    const struct experiment *experiment) {
    const struct profile *profile = NULL;
    struct shared_file page;
    struct experiment probe;
    profile_file_create(&page);
    char *preload = probe_preload(experiment);
    char *variable = memory_format("%s=%s", TAGPOOL_PROFILE_VARIABLE, page.path);
    struct variant variant = {.name = "profile",
                              .preload = preload,
                              .variable = variable,
                              .without = probe_reference(experiment)->without};
    if (probe_run(&probe, experiment, "profile", &variant, 1, 1))
        profile = probe_read(comparison, page.path, &probe.result.rounds.items[0].results[0]);
    experiment_free(&probe);
    shared_file_remove(&page);
    free(variable);
    free(preload);
    return profile;
}

/* ---- loading ---- */

/* What the second variant takes more of CPU time. Loading waits for nothing, so its CPU time is its
 * time, and other programs add less to that; what they add, they add to both runs of a round. */
static double probe_more_cpu(const struct rounds *rounds) {
    double *differences = memory_array(rounds->count, sizeof *differences);
    for (unsigned i = 0; i < rounds->count; i++) {
        const struct launch_result *results = rounds->items[i].results;
        differences[i] = metric_value(METRIC_CPU, &results[1]) - metric_value(METRIC_CPU, results);
    }
    double more = paired_estimate(differences, rounds->count).estimate;
    free(differences);
    return fmax(more, 0);
}

double probe_loading(const struct experiment *experiment) {
    static char name[] = "tagpool", version[] = "--version";
    static char *command[] = {name, version, NULL};
    struct target target = {.argv = command};
    struct plan plan = {
        .runs = PROBE_LOADING_ROUNDS,
        .max_runs = PROBE_LOADING_ROUNDS,
        .duration_s = 1,
        .seed = experiment->result.plan.seed,
        .ignore_failure = true,
        .input = "null",
        .output = "null",
    };
    struct variant variants[2] = {{.name = "without"}, {.name = "with", .shim = true}};
    struct experiment probe;
    char *library = library_of_tagpool();
    char *program = memory_format("%s/tagpool", library_own_folder());
    variants[1].preload = library;
    target.path = program;
    struct terminal terminal = *experiment->terminal;
    terminal.subject = "loading";
    experiment_init(&probe, &plan, &target, variants, 2, 0, &terminal);
    double loading_s = 0;
    if (experiment_measure(&probe) && !interrupt_came())
        loading_s = probe_more_cpu(&probe.result.rounds);
    probe.terminal = NULL;
    experiment_free(&probe);
    free(program);
    free(library);
    return loading_s;
}

/* ---- all of them ---- */

static bool probe_has_shim(const struct result *result) {
    for (unsigned i = 0; i < result->rounds.variant_count; i++)
        if (result->variants[i].shim)
            return true;
    return false;
}

void probe_all(struct comparison *comparison, const struct experiment *experiment,
               const struct probe_wishes *wishes) {
    const struct result *result = &experiment->result;
    unsigned rounds = headroom_rounds_for(wishes->share * result->elapsed_s,
                                          comparison_reference(comparison, METRIC_WALL));
    if (wishes->headroom == PROBE_ALWAYS && rounds == 0)
        rounds = HEADROOM_ROUNDS_LEAST;
    if (wishes->headroom != PROBE_NEVER)
        probe_headroom(comparison, experiment, rounds);
    if (wishes->counters ||
        (result->rounds.count * wishes->share >= COUNTED_ROUNDS && counters_available()))
        probe_counters(comparison, experiment);
    if (wishes->profile)
        comparison->profile = probe_profile(comparison, experiment);
    /* The same for every program of a session. A service is measured when it is loaded already. */
    if (comparison->loading_s == 0 && probe_has_shim(result) && result->plan.service == NULL &&
        comparison_reference(comparison, METRIC_CPU) < PROBE_LOADING_RUN_S)
        comparison->loading_s = probe_loading(experiment);
}
