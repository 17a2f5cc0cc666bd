#include "compare/trial.h"

#include "base/command.h"
#include "base/memory.h"
#include "compare/judge.h"
#include "compare/probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The least rounds that allow a verdict; and what they may take unless a trial was asked for. */
enum { TRIAL_ROUNDS_LEAST = PAIRED_ROUNDS_FOR_INTERVAL, TRIAL_LONGEST_S = 30 };

enum { TRIAL_TEXT_BYTES = 96 };

/* ---- what is tried ---- */

/* The reference is number 0. */
static void trial_choose_variants(struct trial *trial, const char *binary) {
    const struct arena *arena = arena_of(binary);
    trial->variants = (struct variants){0};
    variants_add_plain(&trial->variants, binary);
    variants_add_standard(&trial->variants);
    if (arena != NULL && arena->variable != NULL && !arena_is_off(arena)) {
        char *setting = arena_setting(arena);
        variants_add(&trial->variants,
                     (struct variant){.name = memory_format("tagpool, %s", setting),
                                      .shim = true,
                                      .variable = setting});
    }
    variants_settle(&trial->variants, NULL);
}

/* Sentences live as long as the program. */
static void trial_say(struct profile *profile, char *sentence) {
    if (sentence != NULL)
        advice_say(&profile->advice, sentence);
}

void trial_skip(struct profile *profile, const char *why) {
    char *command = command_shell_text(profile->command);
    if (profile->advice.verdict == ADVICE_NO_CALLS)
        trial_say(profile, memory_format("%llu request%s are too few for an allocator to matter",
                                         (unsigned long long)profile->advice.requests,
                                         profile->advice.requests == 1 ? "" : "s"));
    else
        trial_say(profile, memory_format("whether tagpool helps was not tried: %s", why));
    if (profile->advice.verdict == ADVICE_UNTRIED)
        profile->advice.command = memory_format("tagpool compare -- %s", command);
    free(command);
}

/* Why it is not worth the time, or NULL. */
static char *trial_refusal(const struct profile *profile, const struct trial_plan *plan,
                           unsigned variants) {
    double run_s = profile->has_plain ? profile->plain.wall_s : profile->profiled.wall_s;
    double all_s = TRIAL_ROUNDS_LEAST * variants * run_s;
    char run[TRIAL_TEXT_BYTES];
    if (plan->always || (profile->advice.verdict != ADVICE_NO_CALLS && all_s <= TRIAL_LONGEST_S))
        return NULL;
    metric_format(METRIC_WALL, run_s, run, sizeof run);
    return memory_format("a run takes %s, and the %d rounds that a verdict needs %.0f s; --try "
                         "takes that time",
                         run, TRIAL_ROUNDS_LEAST, all_s);
}

/* ---- what is said ---- */

static void trial_say_verdict(const struct trial *trial, struct profile *profile,
                              unsigned variant) {
    static const char *const words[ADVICE_VERDICT_COUNT] = {
        [ADVICE_FASTER] = "tagpool makes it faster",
        [ADVICE_SLOWER] = "tagpool makes it slower",
        [ADVICE_SAME] = "tagpool makes no meaningful difference",
        [ADVICE_INCONCLUSIVE] = "whether tagpool helps is not settled",
    };
    const struct comparison *comparison = &trial->comparison;
    const struct analysis *analyses = comparison->analyses[variant];
    char peak[TRIAL_TEXT_BYTES], faults[TRIAL_TEXT_BYTES];
    char *sentence = comparison_sentence(comparison, variant);
    trial_say(profile,
              memory_format("%s, by a trial of %u rounds: %s", words[profile->advice.verdict],
                            profile->advice.rounds, sentence));
    comparison_format_difference(&analyses[METRIC_PEAK], peak, sizeof peak);
    comparison_format_difference(&analyses[METRIC_FAULTS], faults, sizeof faults);
    trial_say(profile, memory_format("peak memory %s; page faults %s", peak, faults));
    free(sentence);
}

/* The program without its arena, where that is better than all else. */
static void trial_say_arena(const struct trial *trial, struct profile *profile, unsigned tagpool) {
    const struct comparison *comparison = &trial->comparison;
    const struct variants *variants = &trial->variants;
    for (unsigned i = 0; i < variants->count; i++) {
        const struct paired_interval *difference = &comparison->analyses[i][METRIC_CPU].difference;
        if (variants->items[i].variable == NULL || !comparison_gains(comparison, i) ||
            difference->high >= comparison->analyses[tagpool][METRIC_CPU].difference.low)
            continue;
        char *sentence = comparison_sentence(comparison, i);
        char *command = command_shell_text(profile->command);
        trial_say(profile,
                  memory_format("%s is better still: %s", variants->items[i].name, sentence));
        profile->advice.command =
            memory_format("%s tagpool run -- %s", variants->items[i].variable, command);
        free(sentence);
        free(command);
    }
}

static void trial_say_reasons(const struct trial *trial, struct profile *profile) {
    const struct reasons *reasons = &trial->comparison.reasons;
    for (unsigned i = 0; i < reasons->count; i++)
        if (reasons->items[i].matters)
            trial_say(profile,
                      memory_format("%s%s",
                                    reasons->items[i].kind == REASON_MACHINE ? "warning: " : "",
                                    reasons->items[i].text));
}

static void trial_advise(const struct trial *trial, struct profile *profile) {
    struct advice *advice = &profile->advice;
    unsigned tagpool = (unsigned)variants_find(&trial->variants, "tagpool");
    char *command = command_shell_text(profile->command);
    advice->rounds = trial->comparison.result->rounds.count;
    memcpy(advice->trial, trial->comparison.analyses[tagpool], sizeof advice->trial);
    advice->headroom = trial->comparison.headroom;
    advice->verdict = advice_judge(advice->trial);
    if (advice->verdict == ADVICE_FASTER)
        advice->command = memory_format("tagpool run -- %s", command);
    if (advice->verdict == ADVICE_INCONCLUSIVE)
        advice->command = memory_format("tagpool compare -- %s", command);
    trial_say_verdict(trial, profile, tagpool);
    trial_say_arena(trial, profile, tagpool);
    trial_say(profile, comparison_headroom_text(&trial->comparison));
    trial_say_reasons(trial, profile);
    free(command);
}

/* ---- the trial ---- */

static bool trial_measure(struct trial *trial, const struct target *target, const struct plan *plan,
                          const struct terminal *terminal) {
    struct machine_ticks before, after;
    struct machine machine;
    struct terminal own = *terminal;
    own.subject = "trial";
    machine_read(&machine);
    experiment_init(&trial->experiment, plan, target, trial->variants.items, trial->variants.count,
                    0, &own);
    machine_read_ticks(&before);
    bool sound = experiment_check(&trial->experiment) && experiment_measure(&trial->experiment);
    machine_read_ticks(&after);
    trial->experiment.terminal = terminal;
    if (!sound || trial->experiment.result.rounds.count == 0) {
        machine_free(&machine);
        return false;
    }
    comparison_make(&trial->comparison, &trial->experiment.result, "trial");
    trial->comparison.machine = machine;
    trial->comparison.steal = machine_steal(&before, &after);
    return true;
}

bool trial_run(struct trial *trial, const struct trial_plan *plan, struct profile *profile,
               const struct target *target, const struct spool *spool,
               const struct terminal *terminal) {
    trial_choose_variants(trial, target->binary);
    char *refusal = trial_refusal(profile, plan, trial->variants.count);
    if (refusal != NULL) {
        trial_skip(profile, refusal);
        variants_free(&trial->variants);
        return false;
    }
    /* The input was spooled: what it is read from serves again. */
    char *input = spool_path(spool);
    const struct plan experiment_plan = {
        .runs = plan->runs,
        .min_runs = TRIAL_ROUNDS_LEAST,
        .max_runs = PLAN_MOST_ROUNDS,
        .duration_s = plan->duration_s,
        .threshold = 0.01,
        .precision = 0.01,
        .seed = randomness_fresh_seed(),
        .ignore_failure = profile->profiled.wait_status != 0,
        .input = input,
        .output = "null",
    };
    bool measured = trial_measure(trial, target, &experiment_plan, terminal);
    if (measured) {
        static const struct probe_wishes wishes = {.headroom = PROBE_IF_CHEAP, .share = 1};
        trial->comparison.title = profile->title;
        trial->comparison.profile = profile;
        if (!trial->experiment.result.interrupted)
            probe_all(&trial->comparison, &trial->experiment, &wishes);
        judge_reasons(&trial->comparison);
        trial_advise(trial, profile);
    } else {
        trial_skip(profile, trial->experiment.reason);
        trial_free(trial);
    }
    free(input);
    return measured;
}

void trial_free(struct trial *trial) {
    experiment_free(&trial->experiment);
    variants_free(&trial->variants);
}
