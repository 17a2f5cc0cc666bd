#include "report/saved.h"

#include "base/memory.h"
#include "base/say.h"
#include "base/words.h"
#include "launch/service.h"
#include "profile/json.h"
#include "report/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

__attribute__((noreturn)) static void saved_refuse(const struct saved *saved, const char *what) {
    say_and_exit(STATUS_USAGE, "%s: %s; give a file that 'tagpool compare --export-json' wrote",
                 saved->path, what);
}

/* As long as the program lives, like the texts of the tree. */
static void saved_load_service(struct saved *saved) {
    const struct json_value *found = json_tree_find(saved->root, "plan.service");
    const char *command = json_tree_text(found, "command", NULL);
    if (command == NULL)
        return;
    struct service *service = memory_array(1, sizeof *service);
    service->options = (struct service_options){
        .command = command,
        .ready = json_tree_text(found, "ready", ""),
        .settle_s = json_tree_number(found, "settle_seconds", 0),
        .patience_s = json_tree_number(found, "patience_seconds", 0),
    };
    service->load.argv = json_tree_texts(found, "load");
    saved->result.plan.service = service;
}

static void saved_load_plan(struct saved *saved) {
    const struct json_value *plan = json_tree_find(saved->root, "plan");
    saved->result.plan = (struct plan){
        .seed = json_tree_count(plan, "seed"),
        .runs = (unsigned)json_tree_count(plan, "runs"),
        .min_runs = (unsigned)json_tree_count(plan, "min_runs"),
        .max_runs = (unsigned)json_tree_count(plan, "max_runs"),
        .warmups = (unsigned)json_tree_count(plan, "warmups"),
        .duration_s = json_tree_number(plan, "duration_seconds", 0),
        .threshold = json_tree_number(plan, "noise_threshold", 0.01),
        .precision = json_tree_number(plan, "precision", 0.01),
        .min_time_s = json_tree_number(plan, "min_time_seconds", 0),
        .setup = json_tree_text(plan, "setup", NULL),
        .prepare = json_tree_text(plan, "prepare", NULL),
        .conclude = json_tree_text(plan, "conclude", NULL),
        .cleanup = json_tree_text(plan, "cleanup", NULL),
        .scan = json_tree_text(plan, "scan", NULL),
        .input = json_tree_text(plan, "input", NULL),
        .output = json_tree_text(plan, "output", "null"),
    };
    saved_load_service(saved);
    saved->result.preload = json_tree_text(saved->root, "environment.preload", NULL);
    saved->result.options = json_tree_text(saved->root, "environment.options", NULL);
    saved->result.elapsed_s = json_tree_number(saved->root, "elapsed_seconds", 0);
    saved->result.interrupted = json_tree_truth(saved->root, "interrupted");
    saved->result.out_of_time = json_tree_truth(saved->root, "out_of_time");
    saved->result.unstable[0] = !json_tree_truth(saved->root, "stdout_stable");
    saved->result.unstable[1] = !json_tree_truth(saved->root, "stderr_stable");
}

static void saved_load_command(struct saved *saved) {
    char **argv = json_tree_texts(saved->root, "command");
    if (argv[0] == NULL)
        saved_refuse(saved, "names no command");
    saved->result.command = argv;
}

static void saved_load_variants(struct saved *saved) {
    size_t count;
    const struct json_value *items = json_tree_items(saved->root, "variants", &count);
    struct rounds *rounds = &saved->result.rounds;
    if (count < 2 || count > ROUNDS_VARIANTS_MAX)
        saved_refuse(saved, "does not hold two variants or more");
    rounds->variant_count = (unsigned)count;
    for (unsigned i = 0; i < count; i++) {
        const struct json_value *calls = json_tree_find(&items[i], "calls");
        saved->variants[i] = (struct variant){
            .name = json_tree_text(&items[i], "name", NULL),
            .preload = json_tree_text(&items[i], "preload", NULL),
            .settings = json_tree_text(&items[i], "options", NULL),
            .without = json_tree_text(&items[i], "without", NULL),
            .shim = calls != NULL,
        };
        if (saved->variants[i].name == NULL)
            saved_refuse(saved, "has a variant without a name");
        saved->result.proofs[i] = (struct result_proof){
            .calls = json_tree_count(&items[i], "calls"),
            .pool_calls = json_tree_count(&items[i], "pool_calls"),
            .processes = (unsigned)json_tree_count(&items[i], "processes"),
            .missed = json_tree_count(&items[i], "processes_missed"),
            .pool_bytes_peak = json_tree_count(&items[i], "pool_bytes_peak"),
        };
        if (json_tree_truth(&items[i], "reference"))
            rounds->reference = i;
    }
}

/* An own metric's place among words, or the first of them. */
static unsigned saved_word(const struct json_value *item, const char *key,
                           const char *const *words) {
    int place = words_find(words, json_tree_text(item, key, ""));
    return place < 0 ? 0 : (unsigned)place;
}

/* The metrics that this result alone has; a result of before they existed has none. */
static void saved_load_metrics(struct saved *saved) {
    size_t count;
    const struct json_value *items = json_tree_items(saved->root, "metrics", &count);
    if (count > METRICS_OWN_MAX)
        saved_refuse(saved, "has more metrics than there can be");
    for (size_t i = 0; i < count; i++) {
        const char *name = json_tree_text(&items[i], "name", NULL);
        if (name == NULL)
            saved_refuse(saved, "has a metric without a name");
        struct metric_about about = metric_own(
            name, (enum metric_unit)saved_word(&items[i], "unit", metric_unit_names),
            (enum number_better)saved_word(&items[i], "better", number_better_names),
            json_tree_truth(&items[i], "decides"), json_tree_text(&items[i], "pattern", NULL));
        rounds_own(&saved->result.rounds, &about);
    }
}

/* ---- rounds ---- */

static unsigned saved_find_variant(const struct saved *saved, const struct json_value *run) {
    unsigned variant = result_find(&saved->result, json_tree_text(run, "variant", ""));
    if (variant == saved->result.rounds.variant_count)
        saved_refuse(saved, "has a run of an unknown variant");
    return variant;
}

static uint64_t saved_scaled(const struct saved *saved, const struct json_value *run,
                             const char *key, double scale) {
    double value = json_tree_number(run, key, -1);
    if (value < 0 || value > 1e9)
        saved_refuse(saved, "has a run without its times");
    return (uint64_t)llround(value * scale);
}

static void saved_load_run(const struct saved *saved, const struct json_value *run,
                           struct launch_result *result) {
    int signal = (int)json_tree_count(run, "signal");
    int status = (int)json_tree_count(run, "exit_status");
    *result = (struct launch_result){
        .wait_status = signal != 0 ? signal & 0x7f : (status & 0xff) << 8,
        .wall_ns = saved_scaled(saved, run, "wall_seconds", 1e9),
        .user_us = saved_scaled(saved, run, "user_seconds", 1e6),
        .system_us = saved_scaled(saved, run, "system_seconds", 1e6),
        .peak_kib = json_tree_count(run, "peak_memory_bytes") / 1024,
        .minor_faults = json_tree_count(run, "minor_faults"),
        .major_faults = json_tree_count(run, "major_faults"),
        .voluntary_switches = json_tree_count(run, "voluntary_switches"),
        .involuntary_switches = json_tree_count(run, "involuntary_switches"),
        .delay_ns = (uint64_t)(1e9 * fmax(json_tree_number(run, "run_delay_seconds", 0), 0) + 0.5),
    };
}

static void saved_load_own(const struct saved *saved, const struct json_value *run, double *own) {
    const struct rounds *rounds = &saved->result.rounds;
    const struct json_value *numbers = json_tree_find(run, "metrics");
    size_t count = numbers != NULL ? numbers->item_count : 0;
    for (unsigned i = 0; i < rounds->own_count; i++) {
        own[i] = i < count ? json_tree_number(&numbers->items[i], "", -1) : -1;
        if (!(own[i] > 0))
            saved_refuse(saved, "has a run without one of its metrics");
    }
}

static void saved_load_round(struct saved *saved, const struct json_value *item) {
    struct rounds *rounds = &saved->result.rounds;
    struct round *round = rounds_add(rounds);
    bool seen[ROUNDS_VARIANTS_MAX] = {false};
    size_t count;
    const struct json_value *runs = json_tree_items(item, "runs", &count);
    if (count != rounds->variant_count)
        saved_refuse(saved, "has a round that is not whole");
    round->padding_bytes = json_tree_count(item, "padding_bytes");
    round->turn = (unsigned)json_tree_count(item, "turn");
    for (unsigned place = 0; place < count; place++) {
        unsigned variant = saved_find_variant(saved, &runs[place]);
        if (seen[variant])
            saved_refuse(saved, "has a round that is not whole");
        seen[variant] = true;
        round->order[place] = (unsigned char)variant;
        saved_load_run(saved, &runs[place], &round->results[variant]);
        saved_load_own(saved, &runs[place], round->own[variant]);
    }
}

static void saved_load_rounds(struct saved *saved) {
    size_t count;
    const struct json_value *rounds = json_tree_items(saved->root, "rounds", &count);
    if (count == 0)
        saved_refuse(saved, "holds no round");
    for (size_t i = 0; i < count; i++)
        saved_load_round(saved, &rounds[i]);
}

/* ---- what was found ---- */

static void saved_load_headroom(struct headroom *headroom, const struct json_value *item) {
    size_t count;
    const struct json_value *cpu = json_tree_items(item, "cpu_seconds", &count);
    if (count != HEADROOM_STEPS)
        return;
    *headroom = (struct headroom){
        .measured = true,
        .rounds = (unsigned)json_tree_count(item, "rounds"),
        .share = json_tree_number(item, "share", 0),
        .low = json_tree_number(item, "low", 0),
        .high = json_tree_number(item, "high", 0),
    };
    for (int k = 0; k < HEADROOM_STEPS; k++)
        headroom->cpu_s[k] = json_tree_number(&cpu[k], "", 0);
}

static void saved_load_counter(struct counted *counted, int counter,
                               const struct json_value *item) {
    size_t count;
    const struct json_value *values = json_tree_items(item, "values", &count);
    counted->errors[counter] = (int)json_tree_count(item, "error");
    if (count == 0 && counted->errors[counter] == 0)
        counted->errors[counter] = ENODATA;
    for (size_t i = 0; i < count && i < ROUNDS_VARIANTS_MAX; i++) {
        counted->medians[i][counter] = json_tree_number(&values[i], "median", 0);
        counted->differences[i][counter] = (struct paired_interval){
            .estimate = json_tree_number(&values[i], "log_estimate", 0),
            .low = json_tree_number(&values[i], "log_low", 0),
            .high = json_tree_number(&values[i], "log_high", 0),
            .exists = counted->rounds >= PAIRED_ROUNDS_FOR_INTERVAL,
        };
    }
}

static void saved_load_counted(struct counted *counted, const struct json_value *item) {
    if (item == NULL || item->kind != JSON_OBJECT)
        return;
    counted->measured = true;
    counted->rounds = (unsigned)json_tree_count(item, "counter_rounds");
    for (int i = 0; i < COUNTER_COUNT; i++)
        saved_load_counter(counted, i, json_tree_find(item, counter_about[i].key));
}

static void saved_load_reasons(struct reasons *reasons, const struct json_value *root) {
    size_t count;
    const struct json_value *items = json_tree_items(root, "reasons", &count);
    for (size_t i = 0; i < count; i++) {
        const char *kind = json_tree_text(&items[i], "kind", "");
        for (int known = 0; known < REASON_KINDS; known++)
            if (strcmp(kind, reason_kind_names[known]) == 0)
                reasons_add(reasons, (enum reason_kind)known, json_tree_text(&items[i], "key", ""),
                            json_tree_truth(&items[i], "matters"), "%s",
                            json_tree_text(&items[i], "text", ""));
    }
}

static void saved_load_profile(struct saved *saved) {
    const struct json_value *value = json_tree_find(saved->root, "profile");
    if (value == NULL || value->kind != JSON_OBJECT)
        return;
    const char *fault = profile_json_load(&saved->profile, value);
    if (fault != NULL)
        saved_refuse(saved, memory_format("has a profile that %s", fault));
    saved->comparison.profile = &saved->profile;
}

static void saved_load_comparison(struct saved *saved) {
    struct comparison *comparison = &saved->comparison;
    comparison_make(comparison, &saved->result,
                    json_tree_text(saved->root, "name", saved->result.command[0]));
    machine_load(&comparison->machine, saved->root);
    comparison->steal = json_tree_number(saved->root, "steal", -1);
    comparison->loading_s = json_tree_number(saved->root, "loading_seconds", 0);
    saved_load_headroom(&comparison->headroom, json_tree_find(saved->root, "headroom"));
    saved_load_counted(&comparison->counted, json_tree_find(saved->root, "counters"));
    saved_load_reasons(&comparison->reasons, saved->root);
    saved_load_profile(saved);
}

void saved_load_value(struct saved *saved, const char *path, const struct json_value *root) {
    *saved = (struct saved){.path = path, .root = root};
    if (strcmp(json_tree_text(root, "schema", ""), "tagpool-session") == 0)
        saved_refuse(saved, "holds several comparisons, where one is wanted");
    if (strcmp(json_tree_text(root, "schema", ""), "tagpool-compare") != 0)
        saved_refuse(saved, "is no saved comparison");
    if (json_tree_count(root, "schema_version") != REPORT_JSON_VERSION)
        saved_refuse(saved, "is of another version of tagpool");
    saved_load_command(saved);
    saved->result.variants = saved->variants;
    saved_load_plan(saved);
    saved_load_variants(saved);
    saved_load_metrics(saved);
    saved_load_rounds(saved);
    saved_load_comparison(saved);
}

void saved_load(struct saved *saved, const char *path) {
    char *fault;
    const struct json_value *root = json_tree_read(path, &fault);
    if (root == NULL)
        say_and_exit(STATUS_USAGE, "cannot read %s: %s", path, fault);
    saved_load_value(saved, path, root);
}
