#include "measure/suitability.h"

#include "base/randomness.h"
#include "base/terminal.h"
#include "measure/experiment.h"
#include "target/arena.h"
#include "target/variants.h"

#include <stdio.h>
#include <stdlib.h>

/* Below this share of the calls the pools cannot make much of a difference. */
#define SUITABILITY_POOL_LEAST 0.5

/* What the shim can and cannot reach in a program with an arena of its own. */
static void suitability_tell_arena(const struct arena *arena) {
    if (arena == NULL)
        return;
    if (arena_is_off(arena)) {
        printf("note  %s=%s switches the arena of %s off: the shim reaches every block, but "
               "judge by %s as it is by default ('plain' of tagpool compare)\n",
               arena->variable, getenv(arena->variable), arena->title, arena->title);
        return;
    }
    printf("note  %s has an arena of its own for %s: the shim cannot reach these\n"
           "note  the shim reaches %s\n",
           arena->title, arena->serves, arena->reaches);
    char *setting = arena_setting(arena);
    if (setting != NULL)
        printf("note  %s switches the arena off; that is often slower than %s as it is, and "
               "'tagpool profile' tries both\n",
               setting, arena->title);
    free(setting);
}

bool suitability_look(const struct target *target) {
    struct target_findings findings;
    bool works = true;
    target_inspect(target, &findings);
    for (unsigned i = 0; i < findings.count; i++)
        if (!findings.items[i].refuses)
            printf("note  %s\n", findings.items[i].text);
    suitability_tell_arena(arena_of(target->binary));
    for (unsigned i = 0; i < findings.count; i++)
        if (findings.items[i].refuses) {
            printf("fail  %s\n", findings.items[i].text);
            works = false;
        }
    if (works)
        printf("ok    %s can be given another allocator with LD_PRELOAD\n", target->binary);
    return works;
}

static void suitability_tell_proof(const struct result *result) {
    const struct result_proof *proof = &result->proofs[1];
    double share = (double)proof->pool_calls / (double)proof->calls;
    if (result->unstable_status || result->unstable[0] || result->unstable[1])
        puts("note  its output or exit status changes from run to run by itself: whether it does "
             "the same under the shim cannot be told");
    else
        puts("ok    output and exit status are the same with the shim and without");
    printf("ok    the shim saw %llu calls in %u process%s\n", (unsigned long long)proof->calls,
           proof->processes, proof->processes == 1 ? "" : "es");
    if (proof->missed != 0)
        printf("note  %llu more processes found no room in the statistics: their calls are not "
               "counted\n",
               (unsigned long long)proof->missed);
    if (proof->direct_calls != 0)
        puts("note  strategy=direct passes all of them on: there is nothing to gain; leave it out "
             "of TAGPOOL_OPTIONS");
    else if (share >= SUITABILITY_POOL_LEAST)
        printf("ok    its pools served %.1f %% of them\n", 100 * share);
    else
        printf("note  its pools served only %.1f %% of them, the others ask for more than "
               "node_max: there is little to gain\n",
               100 * share);
}

bool suitability_run(const struct target *target, const char *input, bool ignore_failure,
                     struct service *service) {
    struct terminal terminal;
    struct experiment experiment;
    struct plan plan = {
        .runs = 1,
        .max_runs = 1,
        .threshold = 0.01,
        .seed = randomness_fresh_seed(),
        .ignore_failure = ignore_failure,
        .input = input,
        .output = "null",
        .service = service,
    };
    struct variants variants = {0};
    variants_add_standard(&variants);
    variants_settle(&variants, NULL);
    terminal_init(&terminal, TERMINAL_NOCOLOR);
    experiment_init(&experiment, &plan, target, variants.items, variants.count, 0, &terminal);
    bool works = experiment_check(&experiment);
    if (works)
        suitability_tell_proof(&experiment.result);
    else
        printf("fail  %s\n", experiment.reason);
    experiment_free(&experiment);
    variants_free(&variants);
    return works;
}
