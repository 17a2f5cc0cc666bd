#include "bench/run.h"

#include "base/interrupt.h"
#include "base/memory.h"
#include "base/say.h"
#include "bench/document.h"
#include "bench/syscalls.h"
#include "compare/comparison.h"
#include "launch/launcher.h"
#include "measure/experiment.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The interpreter itself, where python3 is a script that looks for one. NULL when there is none. */
static char *run_locate_python(void) {
    char line[4096];
    FILE *answer = popen("python3 -c 'import sys; print(sys.executable)' 2>/dev/null", "r");
    if (answer == NULL)
        return NULL;
    char *read = fgets(line, sizeof line, answer);
    if (pclose(answer) != 0 || read == NULL || line[0] != '/')
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    return memory_copy(line);
}

static bool run_has_what_it_needs(const struct panel_workload *workload) {
    const char *needs = panel_needs(workload);
    if (needs == NULL)
        return true;
    char *command = memory_format("{ %s; } </dev/null >/dev/null 2>&1", needs);
    bool has = system(command) == 0;
    free(command);
    return has;
}

char *run_locate(const struct run_plan *plan, const struct panel_workload *workload) {
    const char *program = workload->words[0];
    if (!run_has_what_it_needs(workload))
        return NULL;
    if (strcmp(program, "python3") == 0)
        return run_locate_python();
    if (strchr(program, '/') == NULL)
        return target_search(program);
    char *path = memory_format("%s/%s", plan->folder, program);
    if (access(path, X_OK) == 0)
        return path;
    free(path);
    return NULL;
}

/* ---- the variants of one workload ---- */

/* Those that it is measured under, with their numbers in the plan. */
struct run_variants {
    unsigned count;
    unsigned numbers[ROUNDS_VARIANTS_MAX];
    struct variant variants[ROUNDS_VARIANTS_MAX];
};

static void run_add_variant(struct run_variants *measured, const struct run_plan *plan,
                            unsigned number) {
    measured->numbers[measured->count] = number;
    measured->variants[measured->count++] = plan->variants[number];
}

static uint64_t run_count_calls(const struct variant *variant, const char *path,
                                char *const *argv) {
    struct variant_environment environment;
    variant_environment_make(&environment, variant, NULL);
    uint64_t calls = syscalls_count(path, argv, environment.strings);
    variant_environment_free(&environment);
    return calls;
}

static bool run_works(const struct variant *variant, const char *path, char *const *argv) {
    struct variant_environment environment;
    struct launch_result result;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    variant_environment_make(&environment, variant, NULL);
    struct launch launch = {.path = path,
                            .argv = argv,
                            .envp = environment.strings,
                            .descriptors = {nothing, nothing, nothing}};
    bool works = launcher_begin(&launch) && launcher_finish(&result) && result.exec_errno == 0 &&
                 result.wait_status == 0;
    variant_environment_free(&environment);
    close(nothing);
    return works;
}

/* Some programs do not run with each allocator: leave out, of those that are neither the system's
 * nor ours, the ones under which this one fails. True if there are any. */
static bool run_leave_out(struct run_variants *measured, const struct run_plan *plan,
                          const char *path, char *const *argv) {
    *measured = (struct run_variants){.count = 0};
    for (unsigned i = 0; i < plan->variant_count; i++) {
        const struct variant *variant = &plan->variants[i];
        if (i == 0 || variant->shim || run_works(variant, path, argv))
            run_add_variant(measured, plan, i);
        else
            say_note("%s: left out with %s, under which it fails", plan->terminal->subject,
                     variant->name);
    }
    return measured->count != plan->variant_count;
}

/* ---- the rounds ---- */

static void run_take_over(struct results_row *row, const struct run_variants *measured,
                          const struct result *result) {
    struct comparison comparison;
    comparison_make(&comparison, result, row->workload->name);
    row->rounds = result->rounds.count;
    for (unsigned i = 0; i < result->rounds.variant_count; i++)
        for (int metric = 0; metric < METRIC_COUNT; metric++) {
            bool reference = i == result->rounds.reference;
            const struct analysis *analysis = &comparison.analyses[i][metric];
            unsigned number = measured->numbers[i];
            row->value[number][metric] =
                reference ? comparison_reference(&comparison, (enum metric)metric)
                          : analysis->value;
            if (!reference)
                row->difference[number][metric] = analysis->difference;
        }
}

static void run_begin_row(struct results_row *row, const struct panel_workload *workload) {
    free(row->reason);
    *row = (struct results_row){.workload = workload};
    for (unsigned i = 1; i < ROUNDS_VARIANTS_MAX; i++)
        for (int metric = 0; metric < METRIC_COUNT; metric++) {
            row->value[i][metric] = NAN;
            row->difference[i][metric].estimate = NAN;
        }
}

static bool run_measure(struct results_row *row, const struct run_plan *plan,
                        const struct panel_workload *workload, const struct target *target,
                        const struct run_variants *measured) {
    const struct plan experiment_plan = {
        .runs = plan->runs,
        .max_runs = plan->runs,
        .threshold = 0.01,
        .precision = 0.01,
        .seed = plan->seed,
        .input = "null",
        .output = "null",
    };
    struct experiment experiment;
    run_begin_row(row, workload);
    experiment_init(&experiment, &experiment_plan, target, measured->variants, measured->count, 0,
                    plan->terminal);
    if (experiment_check(&experiment) && experiment_measure(&experiment))
        run_take_over(row, measured, &experiment.result);
    else
        row->reason = memory_copy(experiment.reason);
    /* All of it is meant: the table would lack what was not measured. */
    if (experiment.result.interrupted)
        exit(interrupt_status());
    experiment_free(&experiment);
    return row->reason == NULL;
}

void run_workload(struct results_row *row, const struct run_plan *plan,
                  const struct panel_workload *workload, char *path) {
    char *argv[PANEL_WORDS_MAX + 1] = {path};
    for (int i = 1; i < PANEL_WORDS_MAX && workload->words[i] != NULL; i++)
        argv[i] = memory_copy(workload->words[i][0] == '@'
                                  ? document_path(plan->folder, workload->words[i])
                                  : workload->words[i]);
    const struct target target = {.path = path, .argv = argv, .binary = path};
    struct run_variants measured = {.count = 0};
    for (unsigned i = 0; i < plan->variant_count; i++)
        run_add_variant(&measured, plan, i);
    plan->terminal->subject = workload->name;
    *row = (struct results_row){.workload = workload};
    if (!run_measure(row, plan, workload, &target, &measured) &&
        run_leave_out(&measured, plan, path, argv))
        (void)run_measure(row, plan, workload, &target, &measured);
    for (unsigned i = 0; row->reason == NULL && plan->counts_system_calls && i < measured.count;
         i++)
        row->system_calls[measured.numbers[i]] = run_count_calls(&measured.variants[i], path, argv);
    plan->terminal->subject = NULL;
    for (int i = 1; argv[i] != NULL; i++)
        free(argv[i]);
}
