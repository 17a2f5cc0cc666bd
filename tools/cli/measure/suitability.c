#include "measure/suitability.h"

#include "base/memory.h"
#include "base/randomness.h"
#include "base/terminal.h"
#include "base/wrap.h"
#include "measure/experiment.h"
#include "target/arena.h"
#include "target/variants.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Below this share of the calls the pools cannot make much of a difference. */
#define SUITABILITY_POOL_LEAST 0.5

void suitability_tell(const char *kind, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = memory_format_list(format, arguments);
    va_end(arguments);
    int column = printf("%-6s", kind);
    wrap_print(stdout, text, (unsigned)column, (unsigned)column, wrap_width(stdout));
    putchar('\n');
    free(text);
}

/* What the shim can and cannot reach in a program with an arena of its own. */
static void suitability_tell_arena(const struct arena *arena) {
    if (arena == NULL)
        return;
    if (arena_is_off(arena)) {
        suitability_tell("note",
                         "%s=%s switches the arena of %s off: the shim reaches every block, but "
                         "judge by %s as it is by default ('plain' of tagpool compare)",
                         arena->variable, getenv(arena->variable), arena->title, arena->title);
        return;
    }
    suitability_tell("note", "%s has an arena of its own for %s: the shim cannot reach these",
                     arena->title, arena->serves);
    suitability_tell("note", "the shim reaches %s", arena->reaches);
    char *setting = arena_setting(arena);
    if (setting != NULL)
        suitability_tell("note",
                         "%s switches the arena off; that is often slower than %s as it is, and "
                         "'tagpool profile' tries both",
                         setting, arena->title);
    free(setting);
}

bool suitability_look(const struct target *target) {
    struct target_findings findings;
    bool works = true;
    target_inspect(target, &findings);
    for (unsigned i = 0; i < findings.count; i++)
        if (!findings.items[i].refuses)
            suitability_tell("note", "%s", findings.items[i].text);
    suitability_tell_arena(arena_of(target->binary));
    for (unsigned i = 0; i < findings.count; i++)
        if (findings.items[i].refuses) {
            suitability_tell("fail", "%s", findings.items[i].text);
            works = false;
        }
    if (works)
        suitability_tell("ok", "%s can be given another allocator with LD_PRELOAD", target->binary);
    return works;
}

static void suitability_tell_proof(const struct result *result) {
    const struct result_proof *proof = &result->proofs[1];
    double share = (double)proof->pool_calls / (double)proof->calls;
    if (result->unstable_status || result->unstable[0] || result->unstable[1])
        suitability_tell(
            "note", "its output or exit status changes from run to run by itself: whether it does "
                    "the same under the shim cannot be told");
    else
        suitability_tell("ok", "output and exit status are the same with the shim and without");
    suitability_tell("ok", "the shim saw %llu call%s in %u process%s",
                     (unsigned long long)proof->calls, proof->calls == 1 ? "" : "s",
                     proof->processes, proof->processes == 1 ? "" : "es");
    if (proof->missed != 0)
        suitability_tell(
            "note",
            "%llu more process%s found no room in the statistics: their calls are not counted",
            (unsigned long long)proof->missed, proof->missed == 1 ? "" : "es");
    if (proof->direct_calls != 0)
        suitability_tell(
            "note", "strategy=direct passes all of them on: there is nothing to gain; leave it out "
                    "of TAGPOOL_OPTIONS");
    else if (share >= SUITABILITY_POOL_LEAST)
        suitability_tell("ok", "its pools served %.1f %% of them", 100 * share);
    else
        suitability_tell("note",
                         "its pools served only %.1f %% of them, the others ask for more than "
                         "node_max: there is little to gain",
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
        suitability_tell("fail", "%s", experiment.reason);
    experiment_free(&experiment);
    variants_free(&variants);
    return works;
}
