#include "bench/run.h"

#include "base/interrupt.h"
#include "base/memory.h"
#include "bench/document.h"
#include "bench/syscalls.h"
#include "compare/comparison.h"
#include "measure/experiment.h"

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

static void run_take_over(struct results_row *row, const struct result *result) {
    struct comparison comparison;
    comparison_make(&comparison, result, row->workload->name);
    row->rounds = result->rounds.count;
    for (unsigned i = 0; i < result->rounds.variant_count; i++)
        for (int metric = 0; metric < METRIC_COUNT; metric++) {
            bool reference = i == result->rounds.reference;
            const struct analysis *analysis = &comparison.analyses[i][metric];
            row->value[i][metric] = reference
                                        ? comparison_reference(&comparison, (enum metric)metric)
                                        : analysis->value;
            if (!reference)
                row->difference[i][metric] = analysis->difference;
        }
}

static void run_count_system_calls(struct results_row *row, const struct run_plan *plan,
                                   const char *path, char *const *argv) {
    for (unsigned i = 0; i < plan->variant_count; i++) {
        struct variant_environment environment;
        variant_environment_make(&environment, &plan->variants[i], NULL);
        row->system_calls[i] = syscalls_count(path, argv, environment.strings);
        variant_environment_free(&environment);
    }
}

void run_workload(struct results_row *row, const struct run_plan *plan,
                  const struct panel_workload *workload, char *path) {
    const struct plan experiment_plan = {
        .runs = plan->runs,
        .max_runs = plan->runs,
        .threshold = 0.01,
        .precision = 0.01,
        .seed = plan->seed,
        .input = "null",
        .output = "null",
    };
    char *argv[PANEL_WORDS_MAX + 1] = {path};
    for (int i = 1; i < PANEL_WORDS_MAX && workload->words[i] != NULL; i++)
        argv[i] = memory_copy(workload->words[i][0] == '@'
                                  ? document_path(plan->folder, workload->words[i])
                                  : workload->words[i]);
    const struct target target = {.path = path, .argv = argv, .binary = path};
    struct experiment experiment;
    *row = (struct results_row){.workload = workload};
    plan->terminal->subject = workload->name;
    experiment_init(&experiment, &experiment_plan, &target, plan->variants, plan->variant_count, 0,
                    plan->terminal);
    if (experiment_check(&experiment) && experiment_measure(&experiment))
        run_take_over(row, &experiment.result);
    else
        row->reason = memory_copy(experiment.reason);
    plan->terminal->subject = NULL;
    /* All of it is meant: the table would lack what was not measured. */
    if (experiment.result.interrupted)
        exit(interrupt_status());
    experiment_free(&experiment);
    if (row->reason == NULL && plan->counts_system_calls)
        run_count_system_calls(row, plan, path, argv);
    for (int i = 1; argv[i] != NULL; i++)
        free(argv[i]);
}
