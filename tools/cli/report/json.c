#include "report/json.h"

#include "base/json.h"
#include "launch/service.h"
#include "profile/json.h"

#include <math.h>
#include <sys/wait.h>

static const char *const report_json_verdicts[] = {
    [PAIRED_FASTER] = "less",
    [PAIRED_SLIGHTLY_FASTER] = "slightly less",
    [PAIRED_NO_DIFFERENCE] = "no meaningful difference",
    [PAIRED_SLIGHTLY_SLOWER] = "slightly more",
    [PAIRED_SLOWER] = "more",
    [PAIRED_INCONCLUSIVE] = "inconclusive",
};

/* null, or what was measured under which load. */
static void report_json_service(struct json *json, const struct plan *plan) {
    if (plan->service == NULL) {
        json_null(json, "service");
        return;
    }
    const struct service_options *options = &plan->service->options;
    json_object(json, "service");
    json_text(json, "command", options->command);
    json_text(json, "ready", options->ready);
    json_exact(json, "settle_seconds", options->settle_s);
    json_exact(json, "patience_seconds", options->patience_s);
    json_flat_array(json, "load");
    for (char **word = plan->service->load.argv; *word != NULL; word++)
        json_text(json, NULL, *word);
    json_end(json);
    json_end(json);
}

static void report_json_plan(struct json *json, const struct result *result) {
    const struct plan *plan = &result->plan;
    json_object(json, "plan");
    json_count(json, "seed", plan->seed);
    json_count(json, "runs", plan->runs);
    json_count(json, "min_runs", plan->min_runs);
    json_count(json, "max_runs", plan->max_runs);
    json_count(json, "warmups", plan->warmups);
    json_exact(json, "duration_seconds", plan->duration_s);
    json_exact(json, "noise_threshold", plan->threshold);
    json_exact(json, "precision", plan->precision);
    json_exact(json, "min_time_seconds", plan->min_time_s);
    json_text(json, "setup", plan->setup);
    json_text(json, "prepare", plan->prepare);
    json_text(json, "conclude", plan->conclude);
    json_text(json, "cleanup", plan->cleanup);
    json_text(json, "scan", plan->scan);
    json_text(json, "input", plan->input);
    json_text(json, "output", plan->output);
    report_json_service(json, plan);
    json_number(json, "confidence", PAIRED_CONFIDENCE);
    json_end(json);
}

/* What every variant has besides its own. */
static void report_json_environment(struct json *json, const struct result *result) {
    json_object(json, "environment");
    json_text(json, "preload", result->preload);
    json_text(json, "options", result->options);
    json_end(json);
}

/* The metrics that this result alone has. */
static void report_json_metrics(struct json *json, const struct rounds *rounds) {
    json_array(json, "metrics");
    for (unsigned i = 0; i < rounds->own_count; i++) {
        const struct metric_about *about = &rounds->own[i];
        json_flat_object(json, NULL);
        json_text(json, "name", about->key);
        json_text(json, "unit", metric_unit_names[about->unit]);
        json_text(json, "better", number_better_names[about->better]);
        json_truth(json, "decides", about->decides);
        json_text(json, "pattern", about->pattern);
        json_end(json);
    }
    json_end(json);
}

static void report_json_difference(struct json *json, const char *key,
                                   const struct analysis *analysis) {
    const struct paired_interval *difference = &analysis->difference;
    json_object(json, key);
    json_number(json, "median", analysis->value);
    json_number(json, "reference_median", analysis->reference);
    json_number(json, "difference", paired_share(difference->estimate));
    if (difference->exists) {
        json_number(json, "low", paired_share(difference->low));
        json_number(json, "high", paired_share(difference->high));
    } else {
        json_null(json, "low");
        json_null(json, "high");
    }
    json_truth(json, "exact", analysis->exact);
    json_text(json, "verdict", report_json_verdicts[analysis->verdict]);
    json_count(json, "rounds_to_settle", analysis->rounds_to_settle);
    json_number(json, "sigma", analysis->sigma);
    json_number(json, "order_effect", paired_share(analysis->order.effect));
    json_truth(json, "order_matters", analysis->order.significant);
    json_number(json, "autocorrelation", analysis->autocorrelation);
    json_truth(json, "autocorrelated", analysis->autocorrelated);
    json_end(json);
}

static void report_json_moments(struct json *json, const struct rounds *rounds, unsigned variant,
                                enum metric metric) {
    struct moments moments = analysis_moments(rounds, variant, metric);
    json_flat_object(json, rounds_about(rounds, metric)->key);
    json_number(json, "mean", moments.mean);
    json_number(json, "deviation", moments.deviation);
    json_number(json, "minimum", moments.minimum);
    json_number(json, "maximum", moments.maximum);
    json_count(json, "outliers", moments.outliers);
    json_end(json);
}

static void report_json_variant(struct json *json, const struct comparison *comparison,
                                unsigned index) {
    const struct result *result = comparison->result;
    const struct variant *variant = &result->variants[index];
    json_object(json, NULL);
    json_text(json, "name", variant->name);
    json_text(json, "preload", variant->preload);
    json_text(json, "options", variant->settings);
    json_text(json, "without", variant->without);
    json_truth(json, "reference", index == result->rounds.reference);
    if (variant->shim) {
        json_count(json, "calls", result->proofs[index].calls);
        json_count(json, "pool_calls", result->proofs[index].pool_calls);
        json_count(json, "processes", result->proofs[index].processes);
        json_count(json, "processes_missed", result->proofs[index].missed);
        json_count(json, "pool_bytes_peak", result->proofs[index].pool_bytes_peak);
    }
    json_object(json, "moments");
    for (unsigned metric = 0; metric < rounds_metrics(&result->rounds); metric++)
        report_json_moments(json, &result->rounds, index, (enum metric)metric);
    json_end(json);
    if (index != result->rounds.reference) {
        json_object(json, "differences");
        for (unsigned metric = 0; metric < rounds_metrics(&result->rounds); metric++)
            report_json_difference(json, rounds_about(&result->rounds, (enum metric)metric)->key,
                                   &comparison->analyses[index][metric]);
        json_end(json);
    }
    json_end(json);
}

static void report_json_run(struct json *json, const struct result *whole,
                            const struct round *round, unsigned variant) {
    const struct launch_result *result = &round->results[variant];
    bool signalled = WIFSIGNALED(result->wait_status);
    json_flat_object(json, NULL);
    json_text(json, "variant", whole->variants[variant].name);
    json_number(json, "wall_seconds", (double)result->wall_ns * 1e-9);
    json_number(json, "user_seconds", (double)result->user_us * 1e-6);
    json_number(json, "system_seconds", (double)result->system_us * 1e-6);
    json_count(json, "peak_memory_bytes", result->peak_kib * 1024);
    json_count(json, "minor_faults", result->minor_faults);
    json_count(json, "major_faults", result->major_faults);
    json_count(json, "voluntary_switches", result->voluntary_switches);
    json_count(json, "involuntary_switches", result->involuntary_switches);
    json_number(json, "run_delay_seconds", (double)result->delay_ns * 1e-9);
    json_count(
        json, signalled ? "signal" : "exit_status",
        (uint64_t)(signalled ? WTERMSIG(result->wait_status) : WEXITSTATUS(result->wait_status)));
    if (whole->rounds.own_count > 0) {
        json_flat_object(json, "metrics");
        for (unsigned i = 0; i < whole->rounds.own_count; i++)
            json_exact(json, whole->rounds.own[i].key, round->own[variant][i]);
        json_end(json);
    }
    json_end(json);
}

/* The runs of a round in the order in which they ran. */
static void report_json_round(struct json *json, const struct result *result,
                              const struct round *round) {
    json_object(json, NULL);
    json_count(json, "padding_bytes", round->padding_bytes);
    json_count(json, "turn", round->turn);
    json_array(json, "runs");
    for (unsigned place = 0; place < result->rounds.variant_count; place++)
        report_json_run(json, result, round, round->order[place]);
    json_end(json);
    json_end(json);
}

static void report_json_headroom(struct json *json, const struct headroom *headroom) {
    if (!headroom->measured) {
        json_null(json, "headroom");
        return;
    }
    json_object(json, "headroom");
    json_count(json, "rounds", headroom->rounds);
    json_flat_array(json, "cpu_seconds");
    for (int k = 0; k < HEADROOM_STEPS; k++)
        json_exact(json, NULL, headroom->cpu_s[k]);
    json_end(json);
    json_exact(json, "share", headroom->share);
    json_exact(json, "low", headroom->low);
    json_exact(json, "high", headroom->high);
    /* Of no more digits than the share is known to. */
    json_number(json, "ceiling", round(1e6 * headroom_ceiling(headroom->share)) * 1e-6);
    json_end(json);
}

/* Of each event one value per variant, in their order; `error` is 0 where it was counted. */
static void report_json_counted(struct json *json, const struct comparison *comparison) {
    const struct counted *counted = &comparison->counted;
    if (!counted->measured) {
        json_null(json, "counters");
        return;
    }
    json_object(json, "counters");
    json_count(json, "counter_rounds", counted->rounds);
    for (int i = 0; i < COUNTER_COUNT; i++) {
        json_object(json, counter_about[i].key);
        json_count(json, "error", (uint64_t)counted->errors[i]);
        json_array(json, "values");
        for (unsigned variant = 0;
             counted->errors[i] == 0 && variant < comparison->result->rounds.variant_count;
             variant++) {
            const struct paired_interval *difference = &counted->differences[variant][i];
            json_flat_object(json, NULL);
            json_exact(json, "median", counted->medians[variant][i]);
            json_exact(json, "log_estimate", difference->estimate);
            json_exact(json, "log_low", difference->low);
            json_exact(json, "log_high", difference->high);
            json_end(json);
        }
        json_end(json);
        json_end(json);
    }
    json_end(json);
}

static void report_json_reasons(struct json *json, const struct reasons *reasons) {
    json_array(json, "reasons");
    for (unsigned i = 0; i < reasons->count; i++) {
        json_flat_object(json, NULL);
        json_text(json, "kind", reason_kind_names[reasons->items[i].kind]);
        json_text(json, "key", reasons->items[i].key);
        json_truth(json, "matters", reasons->items[i].matters);
        json_text(json, "text", reasons->items[i].text);
        json_end(json);
    }
    json_end(json);
}

/* How good the measurement was, and why it came out as it did. */
static void report_json_session(struct json *json, const struct comparison *comparison) {
    const struct result *result = comparison->result;
    json_exact(json, "elapsed_seconds", result->elapsed_s);
    json_truth(json, "interrupted", result->interrupted);
    json_truth(json, "out_of_time", result->out_of_time);
    json_truth(json, "output_stable", !result->unstable[0] && !result->unstable[1]);
    json_truth(json, "stdout_stable", !result->unstable[0]);
    json_truth(json, "stderr_stable", !result->unstable[1]);
    bool resolved = result->rounds.count >= PAIRED_ROUNDS_FOR_INTERVAL;
    json_number(json, "resolution", resolved ? analysis_worst_half_width(&result->rounds) : NAN);
    json_exact(json, "steal", comparison->steal >= 0 ? comparison->steal : NAN);
    json_exact(json, "loading_seconds", comparison->loading_s > 0 ? comparison->loading_s : NAN);
    report_json_headroom(json, &comparison->headroom);
    report_json_counted(json, comparison);
    report_json_reasons(json, &comparison->reasons);
}

static void report_json_comparison(struct json *json, const struct comparison *comparison) {
    const struct result *result = comparison->result;
    json_document(json, NULL, "tagpool-compare", REPORT_JSON_VERSION);
    json_text(json, "name", comparison->title);
    json_flat_array(json, "command");
    for (char **word = result->command; *word != NULL; word++)
        json_text(json, NULL, *word);
    json_end(json);
    machine_print_json(json, &comparison->machine);
    report_json_plan(json, result);
    report_json_environment(json, result);
    report_json_metrics(json, &result->rounds);
    report_json_session(json, comparison);
    json_array(json, "variants");
    for (unsigned i = 0; i < result->rounds.variant_count; i++)
        report_json_variant(json, comparison, i);
    json_end(json);
    json_array(json, "rounds");
    for (unsigned i = 0; i < result->rounds.count; i++)
        report_json_round(json, result, &result->rounds.items[i]);
    json_end(json);
    if (comparison->profile != NULL)
        profile_json_print(json, "profile", comparison->profile);
    json_end(json);
}

/* ---- the session ---- */

static void report_json_parameters(struct json *json, const struct session *session) {
    json_array(json, "parameters");
    for (unsigned i = 0; i < session->parameter_count; i++) {
        json_flat_object(json, NULL);
        json_text(json, "name", session->parameters[i].name);
        json_flat_array(json, "values");
        for (unsigned command = 0; command < session->count; command++)
            json_text(json, NULL, session->parameters[i].values[command]);
        json_end(json);
        json_end(json);
    }
    json_end(json);
}

/* The commands but the first, under each variant. */
static void report_json_columns(struct json *json, const struct session *session) {
    const struct result *result = session->comparisons[0]->result;
    json_array(json, "against_first");
    for (unsigned variant = 0; variant < result->rounds.variant_count; variant++)
        for (unsigned command = 1; command < session->count; command++) {
            json_object(json, NULL);
            json_count(json, "command", command + 1);
            json_text(json, "variant", result->variants[variant].name);
            json_object(json, "differences");
            for (unsigned metric = 0; metric < rounds_metrics(&result->rounds); metric++)
                report_json_difference(
                    json, rounds_about(&result->rounds, (enum metric)metric)->key,
                    session_analysis(session, variant, command, (enum metric)metric));
            json_end(json);
            json_end(json);
        }
    json_end(json);
}

void report_json_print(FILE *out, const struct session *session) {
    struct json json;
    json_init(&json, out);
    if (session->count == 1) {
        report_json_comparison(&json, session->comparisons[0]);
        return;
    }
    json_document(&json, NULL, "tagpool-session", REPORT_JSON_VERSION);
    json_truth(&json, "paired", session->paired);
    report_json_parameters(&json, session);
    report_json_columns(&json, session);
    json_array(&json, "comparisons");
    for (unsigned i = 0; i < session->count; i++)
        report_json_comparison(&json, session->comparisons[i]);
    json_end(&json);
    json_end(&json);
}
