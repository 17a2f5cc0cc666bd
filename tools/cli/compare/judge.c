#include "compare/judge.h"

#include "base/memory.h"
#include "target/arena.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A pair of malloc and free takes about this long where its block is in the cache. */
#define JUDGE_PAIR_S 20e-9

/* Below these nothing can be gained that would be seen. */
#define JUDGE_SHARE_LEAST        0.01
#define JUDGE_WAITING_MOST       0.5
#define JUDGE_POOL_LEAST         0.5
#define JUDGE_LARGE_MOST         0.5
#define JUDGE_LOADING_MOST       0.01
#define JUDGE_LIVE_LEAST         (1 << 20)
#define JUDGE_STEAL_MOST         0.01
/* Of a service: its load's time. */
#define JUDGE_TIMED_SPREAD       0.02
#define JUDGE_TIMED_LEAST_S      0.5
#define JUDGE_SERVICE_BUSY_LEAST 0.5

#define JUDGE_MEBIBYTE 1048576.0

/* A calm machine takes the processor from a program some ten times per second. */
#define JUDGE_QUEUED_MOST      0.05
#define JUDGE_INTERRUPTED_MOST 50

/* Of shorter runs the kernel does not count the CPU time finely. */
#define JUDGE_TICK_S 0.01

/* ---- the program ---- */

/* What the reasons are judged by. */
struct judge_facts {
    const struct comparison *comparison;
    const struct result_proof *proof; /* of the first judged variant with the shim; or NULL */
    const char *program;
    double cpu_s;       /* of the reference, median */
    double busy;        /* cpu / wall of its calmest round */
    double elsewhere;   /* share of the wall time in which it neither ran nor waited for a
                           processor, but for files or the like; of the round with least of it */
    double queued;      /* share of the wall time in which it waited for a processor, median */
    double interrupted; /* times per second of CPU time that it had to leave one, median */
    bool no_gain;       /* of any judged variant */
    bool uncertain;     /* an interval is wider than the noise threshold */
};

/* Where the wall time of the reference went, as shares of it. */
static void judge_times(const struct rounds *rounds, struct judge_facts *facts) {
    double *queued = memory_array(rounds->count, sizeof *queued);
    double *interrupted = memory_array(rounds->count, sizeof *interrupted);
    facts->elsewhere = 1;
    for (unsigned i = 0; i < rounds->count; i++) {
        const struct launch_result *result = &rounds->items[i].results[rounds->reference];
        double wall_s = metric_value(METRIC_WALL, result), cpu_s = metric_value(METRIC_CPU, result);
        queued[i] = fmin(1e-9 * (double)result->delay_ns / wall_s, 1);
        interrupted[i] = (double)result->involuntary_switches / fmax(cpu_s, JUDGE_TICK_S);
        facts->busy = fmax(facts->busy, cpu_s / wall_s);
        facts->elsewhere = fmin(facts->elsewhere, fmax(1 - cpu_s / wall_s - queued[i], 0));
    }
    facts->queued = paired_median(queued, rounds->count);
    facts->interrupted = paired_median(interrupted, rounds->count);
    free(queued);
    free(interrupted);
}

static struct judge_facts judge_collect(const struct comparison *comparison) {
    const struct result *result = comparison->result;
    const struct rounds *rounds = &result->rounds;
    struct judge_facts facts = {
        .comparison = comparison,
        .program = result->command[0],
        .cpu_s = comparison_reference(comparison, METRIC_CPU),
        .no_gain = true,
        .uncertain = analysis_worst_half_width(rounds) > result->plan.threshold,
    };
    judge_times(rounds, &facts);
    for (unsigned i = 0; i < rounds->variant_count; i++) {
        if (!comparison_judges(comparison, i))
            continue;
        if (comparison_gains(comparison, i))
            facts.no_gain = false;
        if (facts.proof == NULL && result->proofs[i].calls > 0)
            facts.proof = &result->proofs[i];
    }
    return facts;
}

static void judge_calls(struct reasons *reasons, const struct judge_facts *facts) {
    const struct headroom *headroom = &facts->comparison->headroom;
    bool counted = facts->proof != NULL && facts->proof->missed == 0;
    double calls = counted ? (double)facts->proof->calls : 0;
    bool proven = headroom->measured && headroom->low >= JUDGE_SHARE_LEAST; /* whatever they are */
    if (headroom->measured && headroom->high < 2 * JUDGE_SHARE_LEAST)
        reasons_add(
            reasons, REASON_PROGRAM, "few_calls", facts->no_gain,
            "allocation takes %.1f %% of the CPU time: faster calls gain nothing; look for its "
            "time elsewhere",
            100 * headroom->share);
    else if (!proven && calls > 0 && calls * JUDGE_PAIR_S < JUDGE_SHARE_LEAST * facts->cpu_s)
        reasons_add(
            reasons, REASON_PROGRAM, "few_calls", facts->no_gain,
            "%.0f allocations per second of CPU time are few: faster calls gain nothing; look "
            "for its time elsewhere",
            calls / facts->cpu_s);
}

/* The program has an arena of its own, or large blocks only. */
static void judge_sizes(struct reasons *reasons, const struct judge_facts *facts) {
    const struct result_proof *proof = facts->proof;
    const struct arena *arena = arena_of(facts->comparison->result->binary);
    const struct profile *profile = facts->comparison->profile;
    double large = profile != NULL ? profile->advice.large_share : 0;
    if (arena != NULL && !arena_is_off(arena))
        reasons_add(reasons, REASON_PROGRAM, "own_arena", facts->no_gain,
                    "%s has an arena of its own for %s; tagpool serves %s", arena->title,
                    arena->serves, arena->reaches);
    if (large > JUDGE_LARGE_MOST)
        reasons_add(reasons, REASON_PROGRAM, "large_blocks", facts->no_gain,
                    "%.0f %% of the bytes are in blocks of more than 32 KiB: the program has "
                    "large data, or an arena of its own",
                    100 * large);
    if (proof != NULL && proof->direct_calls == 0 &&
        (double)proof->pool_calls < JUDGE_POOL_LEAST * (double)proof->calls)
        reasons_add(reasons, REASON_PROGRAM, "few_nodes", facts->no_gain,
                    "the pools served only %.0f %% of the calls, the others ask for more than "
                    "node_max, which is 4K at most; 'tagpool profile' shows the sizes",
                    100 * (double)proof->pool_calls / (double)proof->calls);
}

/* A load that runs for so long whatever the service does tells nothing by its time. */
static bool judge_is_load_timed(const struct rounds *rounds) {
    double least = HUGE_VAL, most = 0;
    for (unsigned i = 0; i < rounds->count; i++)
        for (unsigned variant = 0; variant < rounds->variant_count; variant++) {
            double wall_s = metric_value(METRIC_WALL, &rounds->items[i].results[variant]);
            least = fmin(least, wall_s);
            most = fmax(most, wall_s);
        }
    return most - least < JUDGE_TIMED_SPREAD * most && most > JUDGE_TIMED_LEAST_S;
}

static void judge_service(struct reasons *reasons, const struct judge_facts *facts) {
    const struct result *result = facts->comparison->result;
    if (judge_is_load_timed(&result->rounds) && result->rounds.own_count > 0 &&
        result->plan.numbers == NULL)
        reasons_add(reasons, REASON_PROGRAM, "timed_load", true,
                    "the load takes the same time whatever the service does: judge by what it "
                    "counts, with --metric, or let it make a fixed number of requests");
    if (facts->busy < JUDGE_SERVICE_BUSY_LEAST)
        reasons_add(reasons, REASON_PROGRAM, "waiting", facts->no_gain,
                    "the service used the CPU for at most %.0f %% of the load's time: load it "
                    "harder, or judge by cpu",
                    100 * facts->busy);
}

static void judge_time(struct reasons *reasons, const struct judge_facts *facts) {
    const struct comparison *comparison = facts->comparison;
    if (comparison->result->plan.service != NULL) {
        judge_service(reasons, facts);
        return;
    }
    /* The kernel tells of the first process alone how long it waited for a processor; where its
     * children were pushed aside, the rest may have been that, too. */
    if (facts->elsewhere > JUDGE_WAITING_MOST && facts->interrupted < JUDGE_INTERRUPTED_MOST)
        reasons_add(reasons, REASON_PROGRAM, "waiting", facts->no_gain,
                    "it used the CPU for at most %.0f %% of the wall time, and waited for files, "
                    "the network or other processes for at least %.0f %%; an allocator shortens "
                    "only the first: keep its input in memory, or judge by cpu",
                    100 * facts->busy, 100 * facts->elsewhere);
    if (comparison->loading_s > JUDGE_LOADING_MOST * facts->cpu_s)
        reasons_add(reasons, REASON_PROGRAM, "short_run", facts->no_gain,
                    "a run takes %.1f ms of CPU time, and loading the shim alone %.2f ms; give "
                    "it more work per run",
                    1e3 * facts->cpu_s, 1e3 * comparison->loading_s);
    if (facts->proof != NULL && facts->proof->direct_calls == 0 &&
        facts->proof->pool_bytes_peak < JUDGE_LIVE_LEAST)
        reasons_add(reasons, REASON_PROGRAM, "tiny_live_set", facts->no_gain,
                    "its pools held at most %.2f MiB at one time, which fits into the processor's "
                    "cache under any allocator; a larger input may show more",
                    (double)facts->proof->pool_bytes_peak / JUDGE_MEBIBYTE);
}

/* The variant that runs as the program does by default. */
static void judge_variants(struct reasons *reasons, const struct comparison *comparison) {
    const struct result *result = comparison->result;
    for (unsigned i = 0; i < result->rounds.variant_count; i++) {
        const struct variant *variant = &result->variants[i];
        const char *value = variant->without != NULL ? getenv(variant->without) : NULL;
        if (value != NULL)
            reasons_add(reasons, REASON_TARGET, "arena_off", true,
                        "'%s' runs without %s=%s, as the program does by default; the others with "
                        "it",
                        variant->name, variant->without, value);
    }
}

/* ---- the machine ---- */

static void judge_rounds(struct reasons *reasons, const struct comparison *comparison) {
    const struct result *result = comparison->result;
    for (unsigned i = 0; i < result->rounds.variant_count; i++) {
        const struct analysis *wall = &comparison->analyses[i][METRIC_WALL];
        const char *name = result->variants[i].name;
        if (i == result->rounds.reference)
            continue;
        if (wall->order.significant)
            reasons_add(reasons, REASON_MACHINE, "order",
                        fabs(wall->order.effect) > result->plan.threshold / 2,
                        "order matters for %s: %+.1f %% wall time when it runs second; the "
                        "balanced order evens it out",
                        name, 100 * paired_share(wall->order.effect));
        if (wall->autocorrelated)
            reasons_add(reasons, REASON_MACHINE, "autocorrelation", true,
                        "rounds of %s depend on each other (autocorrelation %.2f): its interval "
                        "is too narrow; repeat on a calmer machine",
                        name, wall->autocorrelation);
    }
}

static void judge_machine(struct reasons *reasons, const struct judge_facts *facts) {
    const struct comparison *comparison = facts->comparison;
    const struct machine *machine = &comparison->machine;
    const char *governor = machine->governor;
    if (comparison->steal > JUDGE_STEAL_MOST)
        reasons_add(reasons, REASON_MACHINE, "steal", facts->uncertain,
                    "other guests of this host took %.1f %% of the processors' time: repeat when "
                    "it is calmer",
                    100 * comparison->steal);
    if (facts->queued > JUDGE_QUEUED_MOST)
        reasons_add(reasons, REASON_MACHINE, "queued", true,
                    "it waited for a processor for %.0f %% of the wall time of its median round, "
                    "because other programs ran: judge by cpu, or repeat when the machine is calm",
                    100 * facts->queued);
    else if (facts->interrupted > JUDGE_INTERRUPTED_MOST)
        reasons_add(reasons, REASON_MACHINE, "queued", true,
                    "other programs took the processor from it %.0f times per second of CPU time: "
                    "judge by cpu, or repeat when the machine is calm",
                    facts->interrupted);
    if (machine->load > 0.5 * (double)machine->processors)
        reasons_add(reasons, REASON_MACHINE, "load", true,
                    "the load was %.1f on %llu processors before the first run: stop what else "
                    "runs, and repeat",
                    machine->load, (unsigned long long)machine->processors);
    if (governor != NULL && strcmp(governor, "performance") != 0)
        reasons_add(reasons, REASON_MACHINE, "governor", facts->uncertain,
                    "the clock follows the load (governor %s): 'cpupower frequency-set -g "
                    "performance' steadies it",
                    governor);
}

void judge_reasons(struct comparison *comparison) {
    struct reasons *reasons = &comparison->reasons;
    struct judge_facts facts = judge_collect(comparison);
    judge_calls(reasons, &facts);
    judge_variants(reasons, comparison);
    judge_sizes(reasons, &facts);
    judge_time(reasons, &facts);
    judge_rounds(reasons, comparison);
    judge_machine(reasons, &facts);
}
