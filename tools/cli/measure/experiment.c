#include "measure/experiment.h"

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "launch/output.h"
#include "measure/analysis.h"
#include "measure/hook.h"
#include "measure/own.h"
#include "measure/progress.h"
#include "measure/serviced.h"
#include "pages/stats_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <tagpool/options.h>
#include <unistd.h>

/* The environment grows by up to this much from round to round, in steps of the stack's alignment.
 */
enum { EXPERIMENT_PADDING_STEPS = 256, EXPERIMENT_PADDING_STEP_BYTES = 16 };

/* Records why there is no verdict; always false. */
__attribute__((format(printf, 3, 4))) static bool
experiment_fail(struct experiment *experiment, enum exit_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *reason = memory_format_list(format, arguments);
    va_end(arguments);
    free(experiment->reason);
    experiment->status = status;
    experiment->reason = reason;
    return false;
}

void experiment_init(struct experiment *experiment, const struct plan *plan,
                     const struct target *target, const struct variant *variants,
                     unsigned variant_count, unsigned reference, const struct terminal *terminal) {
    *experiment = (struct experiment){
        .result =
            {
                .plan = *plan,
                .command = target->argv,
                .binary = target->binary,
                .variants = variants,
                .preload = getenv("LD_PRELOAD"),
                .options = getenv(TAGPOOL_OPTIONS_VARIABLE),
                .rounds = {.variant_count = variant_count, .reference = reference},
            },
        .target = target,
        .terminal = terminal,
    };
    own_declare(&experiment->result.rounds, plan->numbers);
    serviced_declare(&experiment->result.rounds, plan);
    schedule_init(&experiment->schedule, variant_count, plan->seed);
    spool_open(&experiment->spool, plan->input);
}

void experiment_free(struct experiment *experiment) {
    spool_close(&experiment->spool);
    result_free(&experiment->result);
    free(experiment->reason);
    experiment->reason = NULL;
}

/* ---- one run ---- */

/* Takes a new string as the reason, or NULL: then it returns true. */
static bool experiment_is_sound(struct experiment *experiment, char *fault) {
    if (fault == NULL)
        return true;
    experiment_fail(experiment, STATUS_TARGET_FAILED, "%s", fault);
    free(fault);
    return false;
}

/* The run itself, between --prepare and --conclude. */
static bool experiment_launch(struct experiment *experiment, char *const *envp, bool captured,
                              struct capture *capture) {
    const struct target *target = experiment->target;
    const struct plan *plan = &experiment->result.plan;
    struct launch launch = {
        .path = target->path,
        .argv = target->argv,
        .envp = envp,
        .descriptors = {spool_descriptor(&experiment->spool), -1, -1},
        .counted = plan->counted,
    };
    if (launch.descriptors[0] < 0)
        return experiment_fail(experiment, STATUS_OWN_FAILURE, "cannot open the input: %s",
                               strerror(errno));
    bool run =
        serviced_begin(plan, &launch) && output_run(&launch, captured ? "pipe" : plan->output,
                                                    plan->output_to_error, plan->numbers, capture);
    int error = errno;
    close(launch.descriptors[0]);
    if (!run)
        return experiment_fail(experiment, STATUS_OWN_FAILURE, "cannot start a run: %s",
                               strerror(error));
    if (!experiment_is_sound(experiment, serviced_finish(plan, &capture->result)))
        return false;
    error = capture->result.exec_errno;
    if (error != 0)
        return experiment_fail(experiment, error == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN,
                               "cannot execute %s: %s", target->path, strerror(error));
    return true;
}

/* Runs the target once; `captured` when its output is wanted, else it goes where the plan says.
 * Without a reason it fails when it was interrupted. */
static bool experiment_run(struct experiment *experiment, char *const *envp, bool captured,
                           struct capture *capture) {
    const struct plan *plan = &experiment->result.plan;
    if (interrupt_came())
        return false;
    bool sound = experiment_is_sound(experiment, hook_begin("--prepare", plan->prepare));
    if (!sound && !interrupt_came())
        return false;
    sound = sound && !interrupt_came() && experiment_launch(experiment, envp, captured, capture);
    /* What was prepared is put away, whatever came of the run, whose fault comes first. */
    char *fault = hook_end("--conclude", plan->conclude);
    if (sound)
        return experiment_is_sound(experiment, fault);
    free(fault);
    return false;
}

/* Ctrl-C: the rounds that it ended are none; the `whole` ones before them count. */
static bool experiment_interrupted(struct experiment *const *experiments, unsigned count,
                                   unsigned whole) {
    for (unsigned i = 0; i < count; i++) {
        struct experiment *experiment = experiments[i];
        experiment->result.interrupted = true;
        experiment->result.rounds.count = whole;
        free(experiment->reason);
        experiment->reason = NULL;
    }
    return whole > 0 || experiment_fail(experiments[0], interrupt_status(),
                                        "interrupted before a round was whole: there is no result");
}

/* ---- environments ---- */

static void experiment_make_environments(const struct experiment *experiment,
                                         const char *stats_path, size_t padding_bytes,
                                         struct variant_environment *environments) {
    unsigned count = experiment->result.rounds.variant_count;
    for (unsigned i = 0; i < count; i++)
        variant_environment_make(&environments[i], &experiment->result.variants[i], stats_path);
    variant_environments_equalise(environments, count, padding_bytes);
}

static void experiment_free_environments(const struct experiment *experiment,
                                         struct variant_environment *environments) {
    for (unsigned i = 0; i < experiment->result.rounds.variant_count; i++)
        variant_environment_free(&environments[i]);
}

/* ---- the check ---- */

static bool experiment_check_success(struct experiment *experiment, unsigned variant) {
    const struct capture *check = &experiment->checks[variant];
    if (experiment->result.plan.ignore_failure || check->result.wait_status == 0)
        return true;
    char *end = launcher_describe_end(check->result.wait_status);
    experiment_fail(experiment, STATUS_TARGET_FAILED,
                    "%s ended with %s%s%s%s; correct the command, or go on all the same with -i",
                    serviced_runs(&experiment->result.plan, experiment->target), end,
                    check->last_words[0] != '\0' ? " (\"" : "", check->last_words,
                    check->last_words[0] != '\0' ? "\")" : "");
    free(end);
    return false;
}

/* Every number that is looked for has to be in the output. */
static bool experiment_check_numbers(struct experiment *experiment, unsigned variant,
                                     const struct capture *capture) {
    char *fault = own_fault(experiment->result.plan.numbers, &capture->found);
    if (fault == NULL)
        return true;
    experiment_fail(experiment, STATUS_TARGET_FAILED, "no verdict: with %s, %s",
                    experiment->result.variants[variant].name, fault);
    free(fault);
    return false;
}

/* The same exit status as the reference? */
static bool experiment_check_status(struct experiment *experiment, unsigned variant) {
    unsigned reference = experiment->result.rounds.reference;
    const struct capture *ours = &experiment->checks[variant];
    const struct capture *theirs = &experiment->checks[reference];
    if (experiment->result.unstable_status ||
        ours->result.wait_status == theirs->result.wait_status)
        return true;
    char *end = launcher_describe_end(ours->result.wait_status);
    char *reference_end = launcher_describe_end(theirs->result.wait_status);
    bool words = ours->last_words[0] != '\0';
    experiment_fail(experiment, STATUS_TARGET_FAILED,
                    "no verdict: with %s the program ended with %s%s%s%s, with %s with %s",
                    experiment->result.variants[variant].name, end, words ? " (\"" : "",
                    ours->last_words, words ? "\")" : "",
                    experiment->result.variants[reference].name, reference_end);
    free(end);
    free(reference_end);
    return false;
}

/* The same output as the reference, as far as the reference agrees with itself? */
static bool experiment_check_output(struct experiment *experiment, unsigned variant) {
    static const char *const titles[] = {"standard output", "standard error"};
    unsigned reference = experiment->result.rounds.reference;
    const char *reference_name = experiment->result.variants[reference].name;
    for (int i = 0; i < 2; i++) {
        const struct digest *ours = &experiment->checks[variant].streams[i];
        const struct digest *theirs = &experiment->checks[reference].streams[i];
        if (!experiment->result.unstable[i] && !digest_equal(ours, theirs))
            return experiment_fail(
                experiment, STATUS_TARGET_FAILED,
                "no verdict: the program's %s differs: %llu bytes with %s, %llu%s with %s; two "
                "runs with %s agree",
                titles[i], (unsigned long long)ours->bytes,
                experiment->result.variants[variant].name, (unsigned long long)theirs->bytes,
                ours->bytes == theirs->bytes ? " others" : "", reference_name, reference_name);
    }
    return true;
}

/* Reads the statistics page after a run with the shim. */
static bool experiment_check_proof(struct experiment *experiment, unsigned variant,
                                   const char *path) {
    struct stats_summary summary;
    struct result_proof *proof = &experiment->result.proofs[variant];
    const char *name = experiment->result.variants[variant].name;
    const char *fault = stats_file_read(path, &summary);
    if (fault != NULL)
        return experiment_fail(experiment, STATUS_TARGET_FAILED, "no verdict on %s: %s", name,
                               fault);
    proof->calls = stats_summary_calls(&summary);
    proof->processes = summary.process_count;
    proof->missed = summary.processes_missed;
    for (unsigned i = 0; i < summary.process_count; i++) {
        const struct stats_process *process = &summary.processes[i];
        proof->pool_calls += stats_process_pool_calls(process);
        proof->direct_calls += process->counters.direct_calls;
        if (process->pool_bytes_peak > proof->pool_bytes_peak)
            proof->pool_bytes_peak = process->pool_bytes_peak;
    }
    stats_summary_free(&summary);
    if (proof->calls > 0)
        return true;
    if (proof->processes > 0)
        return experiment_fail(
            experiment, STATUS_TARGET_FAILED,
            "no verdict on %s: the shim was loaded but saw no call; %s allocates "
            "nothing, or has an allocator of its own",
            name, experiment->target->argv[0]);
    return experiment_fail(experiment, STATUS_TARGET_FAILED,
                           "no verdict on %s: the shim was not active; %s was not given "
                           "LD_PRELOAD, dropped it, or stops the library from loading",
                           name, experiment->target->argv[0]);
}

/* The reference once more: does it agree with itself? */
static bool experiment_check_reference(struct experiment *experiment, char *const *envp) {
    struct capture again;
    unsigned reference = experiment->result.rounds.reference;
    struct capture *check = &experiment->checks[reference];
    if (!experiment_run(experiment, envp, true, check) ||
        !experiment_check_success(experiment, reference) ||
        !experiment_check_numbers(experiment, reference, check) ||
        !experiment_run(experiment, envp, true, &again))
        return false;
    experiment->result.unstable_status = check->result.wait_status != again.result.wait_status;
    for (int i = 0; i < 2; i++)
        experiment->result.unstable[i] = !digest_equal(&check->streams[i], &again.streams[i]);
    return true;
}

static bool experiment_check_variants(struct experiment *experiment, struct stats_file *page,
                                      const struct variant_environment *environments) {
    for (unsigned i = 0; i < experiment->result.rounds.variant_count; i++) {
        bool shim = experiment->result.variants[i].shim;
        if (i == experiment->result.rounds.reference && !shim)
            continue;
        terminal_progress(experiment->terminal, "checking %s", experiment->result.variants[i].name);
        if (shim)
            stats_file_reset(page);
        if (!experiment_run(experiment, environments[i].strings, true, &experiment->checks[i]) ||
            !experiment_check_status(experiment, i) || !experiment_check_output(experiment, i) ||
            !experiment_check_numbers(experiment, i, &experiment->checks[i]) ||
            (shim && !experiment_check_proof(experiment, i, page->path)))
            return false;
    }
    return true;
}

bool experiment_check(struct experiment *experiment) {
    struct variant_environment environments[ROUNDS_VARIANTS_MAX];
    struct stats_file page;
    unsigned reference = experiment->result.rounds.reference;
    interrupt_watch();
    stats_file_create(&page);
    experiment_make_environments(experiment, page.path, 0, environments);
    terminal_progress(experiment->terminal, "checking %s",
                      experiment->result.variants[reference].name);
    bool sound = experiment_check_reference(experiment, environments[reference].strings) &&
                 experiment_check_variants(experiment, &page, environments);
    terminal_wipe(experiment->terminal);
    experiment_free_environments(experiment, environments);
    stats_file_remove(&page);
    interrupt_release();
    return interrupt_came() ? experiment_interrupted(&experiment, 1, 0) : sound;
}

/* ---- the timed rounds ---- */

/* A timed run has to end as it did in the check. */
static bool experiment_check_end(struct experiment *experiment, unsigned variant, int wait_status) {
    int expected = experiment->checks[variant].result.wait_status;
    if (wait_status == expected || experiment->result.plan.ignore_failure)
        return true;
    char *end = launcher_describe_end(wait_status);
    char *expected_end = launcher_describe_end(expected);
    experiment_fail(experiment, STATUS_TARGET_FAILED,
                    "no verdict: with %s the program ended with %s in round %u, with %s in the "
                    "warm-up",
                    experiment->result.variants[variant].name, end, experiment->result.rounds.count,
                    expected_end);
    free(end);
    free(expected_end);
    return false;
}

static bool experiment_round(struct experiment *experiment, struct round *round) {
    struct variant_environment environments[ROUNDS_VARIANTS_MAX];
    struct capture capture = {0};
    bool sound = true;
    round->padding_bytes =
        (size_t)randomness_below(&experiment->schedule.randomness, EXPERIMENT_PADDING_STEPS) *
        EXPERIMENT_PADDING_STEP_BYTES;
    schedule_next(&experiment->schedule, round->order);
    experiment_make_environments(experiment, NULL, round->padding_bytes, environments);
    for (unsigned place = 0; sound && place < experiment->result.rounds.variant_count; place++) {
        unsigned variant = round->order[place];
        sound = experiment_run(experiment, environments[variant].strings, false, &capture) &&
                !interrupt_came() &&
                experiment_check_end(experiment, variant, capture.result.wait_status) &&
                experiment_check_numbers(experiment, variant, &capture);
        round->results[variant] = capture.result;
        own_take(round, variant, experiment->result.plan.numbers, &capture.found);
        serviced_take(round, variant, &experiment->result.plan, &capture.result);
    }
    experiment_free_environments(experiment, environments);
    return sound;
}

/* After how many rounds the next decision falls. */
static unsigned experiment_goal(const struct experiment *experiment) {
    const struct plan *plan = &experiment->result.plan;
    if (plan->runs != 0)
        return plan->runs;
    unsigned least = plan->min_runs != 0 ? plan->min_runs : PLAN_LEAST_ROUNDS;
    unsigned goal = EXPERIMENT_PILOT_ROUNDS;
    if (experiment->result.rounds.count >= EXPERIMENT_PILOT_ROUNDS) {
        goal = paired_rounds_for(analysis_worst_sigma(&experiment->result.rounds), plan->precision,
                                 plan->max_runs);
        goal = goal > least ? goal : least;
    }
    goal = schedule_round_up(&experiment->schedule, goal);
    return goal < plan->max_runs ? goal : plan->max_runs;
}

/* Has enough been measured, by rounds and by time? */
static bool experiment_is_done(const struct experiment *experiment, unsigned goal) {
    const struct plan *plan = &experiment->result.plan;
    unsigned done = experiment->result.rounds.count;
    return done >= goal && (plan->runs != 0 || done >= plan->max_runs ||
                            experiment->result.elapsed_s >= plan->min_time_s);
}

/* Would another round end after the time that was given? A number of rounds that was asked for goes
 * before. */
static bool experiment_time_is_up(const struct experiment *experiment) {
    const struct plan *plan = &experiment->result.plan;
    unsigned done = experiment->result.rounds.count;
    if (done == 0 || plan->runs != 0 || done < plan->min_runs)
        return false;
    return experiment->result.elapsed_s + experiment->result.elapsed_s / done > plan->duration_s;
}

static bool experiment_warm_up(struct experiment *experiment) {
    struct round discarded;
    for (unsigned i = 0; i < experiment->result.plan.warmups; i++) {
        terminal_progress(experiment->terminal, "warm-up round %u of %u", i + 1,
                          experiment->result.plan.warmups);
        if (!experiment_round(experiment, &discarded))
            return false;
    }
    return true;
}

/* The most demanding one's. */
static unsigned experiment_common_goal(struct experiment *const *experiments, unsigned count) {
    unsigned common = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned goal = experiment_goal(experiments[i]);
        common = goal > common ? goal : common;
    }
    return common;
}

/* Is the time of one of them up? Then it is for all. */
static bool experiment_is_out_of_time(struct experiment *const *experiments, unsigned count) {
    bool out = false;
    for (unsigned i = 0; i < count; i++)
        out = out || experiment_time_is_up(experiments[i]);
    for (unsigned i = 0; i < count; i++)
        experiments[i]->result.out_of_time = out;
    return out;
}

/* A round of each. */
static bool experiment_turns(struct experiment *const *experiments, unsigned count,
                             struct schedule *turns) {
    unsigned char order[ROUNDS_VARIANTS_MAX];
    bool sound = true;
    schedule_next(turns, order);
    for (unsigned turn = 0; sound && turn < count; turn++) {
        struct experiment *experiment = experiments[order[turn]];
        struct round *round = rounds_add(&experiment->result.rounds);
        double start_s = clock_wall_s();
        sound = experiment_round(experiment, round);
        round->turn = turn;
        experiment->result.elapsed_s += clock_wall_s() - start_s;
    }
    return sound;
}

/* The rounds after the warm-up. */
static bool experiment_go_round(struct experiment *const *experiments, unsigned count) {
    const struct result *first = &experiments[0]->result;
    struct schedule turns;
    schedule_init(&turns, count, first->plan.seed);
    unsigned goal = experiment_common_goal(experiments, count);
    while (!experiment_is_done(experiments[0], goal) &&
           !experiment_is_out_of_time(experiments, count)) {
        unsigned whole = first->rounds.count;
        progress_show(experiments[0]->terminal, first, goal > whole ? goal : whole + 1, count);
        if (!experiment_turns(experiments, count, &turns))
            return interrupt_came() && experiment_interrupted(experiments, count, whole);
        /* Decided only where a goal was reached, by the spread and never by the difference itself.
         */
        if (first->rounds.count >= goal)
            goal = experiment_common_goal(experiments, count);
    }
    return true;
}

bool experiment_measure_together(struct experiment *const *experiments, unsigned count) {
    bool sound = true;
    interrupt_watch();
    for (unsigned i = 0; sound && i < count; i++)
        sound = experiment_warm_up(experiments[i]);
    if (sound)
        sound = experiment_go_round(experiments, count);
    else if (interrupt_came())
        sound = experiment_interrupted(experiments, count, 0);
    interrupt_release();
    terminal_wipe(experiments[0]->terminal);
    return sound;
}

bool experiment_measure(struct experiment *experiment) {
    return experiment_measure_together(&experiment, 1);
}
