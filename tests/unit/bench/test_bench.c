/* If this failed, the table that allocators are judged by could name the wrong winner, or a
 * strategy could be missing from it. */
#include "tap.h"

#include "bench/report.h"
#include "bench/start.h"

#include <math.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <tagpool/options.h>
#include <unistd.h>

/* Variants of every case: the system, tagpool and two others. */
enum { SYSTEM, TAGPOOL, FIRST, SECOND, VARIANTS };

static const struct variant variants[VARIANTS] = {
    {.name = "system"},
    {.name = "tagpool", .shim = true},
    {.name = "first"},
    {.name = "second"},
};

static struct results_row row_of(const struct panel_workload *workload, double tagpool,
                                 double first, double second) {
    struct results_row row = {.workload = workload, .rounds = 7};
    const double ratios[VARIANTS] = {1, tagpool, first, second};
    for (int variant = 0; variant < VARIANTS; variant++)
        for (int metric = 0; metric < METRIC_COUNT; metric++) {
            row.value[variant][metric] = ratios[variant];
            row.difference[variant][metric].estimate = log(ratios[variant]);
        }
    return row;
}

static bool near(double value, double expected) {
    return fabs(value - expected) < 1e-9;
}

static const struct panel_workload parser = {"parser", PANEL_PARSERS, false, {"parser"}};
static const struct panel_workload habit = {"habit", PANEL_HABITS, false, {"habit"}};
static const struct panel_workload threads = {"threads", PANEL_THREADS, false, {"threads"}};
static const struct panel_workload calls = {PANEL_REPLAY, PANEL_CALLS, false, {"replay"}};
static const struct panel_workload bare = {PANEL_REPLAY_BARE, PANEL_CALLS, false, {"bare"}};

static struct results results_of(struct results_row *rows, unsigned count) {
    return (struct results){
        .variants = variants, .variant_count = VARIANTS, .rows = rows, .row_count = count};
}

static void means_are_geometric_and_over_their_groups_only(void) {
    struct results_row rows[] = {
        row_of(&parser, 0.5, 0.9, 0.6),  row_of(&habit, 2.0, 0.9, 0.6),
        row_of(&threads, 3.0, 0.9, 0.6), row_of(&calls, 9.0, 0.9, 0.6),
        row_of(&parser, 7.0, 7.0, 7.0),
    };
    rows[4].reason = (char[]){"it failed"};
    struct results results = results_of(rows, 5);
    CHECK(near(results_mean(&results, RESULTS_SINGLE_THREADED, TAGPOOL, METRIC_CPU), 1.0));
    CHECK(near(results_mean(&results, 1U << PANEL_PARSERS, TAGPOOL, METRIC_CPU), 0.5));
    CHECK(near(results_mean(&results, RESULTS_THREADED, TAGPOOL, METRIC_CPU), 3.0));
    results.row_count = 1;
    CHECK(isnan(results_mean(&results, RESULTS_THREADED, TAGPOOL, METRIC_CPU)));
}

static void the_best_other_is_neither_the_system_nor_tagpool(void) {
    struct results_row rows[] = {row_of(&parser, 0.1, 1.9, 1.6)};
    struct results results = results_of(rows, 1);
    unsigned best = VARIANTS;
    CHECK(near(results_best_other_ratio(&results, &rows[0], METRIC_CPU), 1.6));
    CHECK(near(results_best_other_mean(&results, RESULTS_SINGLE_THREADED, METRIC_CPU, &best), 1.6));
    CHECK(best == SECOND);
    results.variant_count = FIRST;
    CHECK(isnan(results_best_other_ratio(&results, &rows[0], METRIC_CPU)));
    CHECK(!results_is_behind(5.0, results_best_other_ratio(&results, &rows[0], METRIC_CPU)));
}

static void a_ratio_is_marked_by_what_is_printed_of_it(void) {
    CHECK(!results_is_above(1.004, METRIC_CPU));
    CHECK(results_is_above(1.006, METRIC_CPU));
    CHECK(!results_is_above(1.024, METRIC_PEAK));
    CHECK(results_is_above(1.026, METRIC_PEAK));
    CHECK(!results_is_behind(0.72, 0.70));
    CHECK(results_is_behind(0.73, 0.70));
}

static void time_in_allocation_is_what_the_calls_add_to_the_bare_loop(void) {
    struct results_row rows[] = {row_of(&calls, 0.7, 1, 1), row_of(&bare, 1.0, 1, 1)};
    struct results results = results_of(rows, 2);
    rows[0].value[SYSTEM][METRIC_CPU] = 0.100;
    rows[1].value[SYSTEM][METRIC_CPU] = 0.040;
    /* 100 - 40 = 60 ms of allocation become 70 - 40 = 30. */
    CHECK(near(results_allocation_ratio(&results, TAGPOOL), 0.5));
    CHECK(near(results_allocation_ratio(&results, SYSTEM), 1.0));
    results.row_count = 1;
    CHECK(isnan(results_allocation_ratio(&results, TAGPOOL)));
}

/* The target whose text begins so, of the last results_targets. */
static const struct results_target *find_target(const struct results_target *targets,
                                                unsigned count, const char *text) {
    for (unsigned i = 0; i < count; i++)
        if (strncmp(targets[i].text, text, strlen(text)) == 0)
            return &targets[i];
    return NULL;
}

static void a_target_is_met_at_its_limit_and_missed_beyond(void) {
    struct results_row rows[] = {row_of(&parser, 0.64, 0.70, 0.64), row_of(&threads, 5, 1, 1)};
    struct results results = results_of(rows, 2);
    struct results_target targets[RESULTS_TARGETS_MAX];
    unsigned count = results_targets(&results, TAGPOOL, targets);
    const struct results_target *mean = find_target(targets, count, "CPU time, geometric mean");
    const struct results_target *behind = find_target(targets, count, "CPU time, farthest behind");
    const struct results_target *start = find_target(targets, count, "starting a process");
    CHECK(mean != NULL && near(mean->reached, 0.64) && results_target_is_met(mean));
    CHECK(behind != NULL && near(behind->reached, 1.0) && results_target_is_met(behind));
    CHECK(start != NULL && isnan(start->reached));
    rows[0] = row_of(&parser, 0.67, 0.70, 0.64);
    count = results_targets(&results, TAGPOOL, targets);
    mean = find_target(targets, count, "CPU time, geometric mean");
    behind = find_target(targets, count, "CPU time, farthest behind");
    CHECK(mean != NULL && !results_target_is_met(mean));
    CHECK(behind != NULL && !results_target_is_met(behind));
    results.start = (struct results_start){.rounds = 9, .wall_s = {700e-6, 741e-6, 1, 1}};
    count = results_targets(&results, TAGPOOL, targets);
    start = find_target(targets, count, "starting a process");
    CHECK(start != NULL && fabs(start->reached - 41) < 1e-6 && !results_target_is_met(start));
}

static void every_strategy_but_direct_is_on_the_panel(void) {
    static const char *const strategies[] = {TAGPOOL_CHOICES_strategy};
    struct variants measured = {0};
    panel_add_variants(&measured);
    for (size_t i = 0; i < sizeof strategies / sizeof strategies[0]; i++) {
        char setting[64];
        bool found = false;
        snprintf(setting, sizeof setting, "strategy=%s", strategies[i]);
        for (unsigned j = 0; j < measured.count; j++)
            found = found || (measured.items[j].settings != NULL &&
                              strstr(measured.items[j].settings, setting) != NULL);
        CHECK_SAY(found == (strcmp(strategies[i], "direct") != 0), "%s", setting);
    }
    variants_free(&measured);
}

static void the_names_on_the_panel_are_unique_and_those_used_are_there(void) {
    static const char *const used[] = {PANEL_SMALL_DOCUMENT, PANEL_EXCHANGE, PANEL_REPLAY,
                                       PANEL_REPLAY_BARE};
    for (int i = 0; panel_workloads[i].name != NULL; i++)
        for (int j = 0; j < i; j++)
            CHECK_SAY(strcmp(panel_workloads[i].name, panel_workloads[j].name) != 0, "%s twice",
                      panel_workloads[i].name);
    for (size_t i = 0; i < sizeof used / sizeof used[0]; i++) {
        bool found = false;
        for (int j = 0; panel_workloads[j].name != NULL; j++)
            found = found ||
                    (strcmp(panel_workloads[j].name, used[i]) == 0 && panel_workloads[j].quick);
        CHECK_SAY(found, "%s", used[i]);
    }
}

static void the_export_tells_medians_from_ratios_and_groups_apart(void) {
    static const char *const parts[] = {
        "\"mean_ratios_parsers\": {\"wall_seconds\": 0.5, \"cpu_seconds\": 0.5,",
        "\"mean_ratios_single_threaded\": {\"wall_seconds\": 1, \"cpu_seconds\": 1,",
        "\"mean_ratios_threads\": {\"wall_seconds\": 4, \"cpu_seconds\": 4,",
        "\"cpu_seconds\": {\"median\": 0.03, \"ratio\": 0.5, \"low\": 0.25, \"high\": 0.75}",
        "\"process_start_seconds\": 0.25,",
        "\"process_start_seconds_over_reference\": 0.125,",
    };
    struct results_row rows[] = {row_of(&parser, 0.5, 0.9, 0.6), row_of(&habit, 2.0, 0.9, 0.6),
                                 row_of(&threads, 4.0, 0.9, 0.6)};
    struct results results = results_of(rows, 3);
    const struct report report = {.results = &results, .runs = 7};
    char *text = NULL;
    size_t bytes;
    rows[0].value[TAGPOOL][METRIC_CPU] = 0.03;
    rows[0].difference[TAGPOOL][METRIC_CPU] =
        (struct paired_interval){log(0.5), log(0.25), log(0.75), true};
    results.start = (struct results_start){.rounds = 9, .wall_s = {0.125, 0.25, 1, 1}};
    FILE *out = open_memstream(&text, &bytes);
    report_print_json(out, &report);
    fclose(out);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        CHECK_SAY(strstr(text, parts[i]) != NULL, "it lacks %s", parts[i]);
    free(text);
}

/* Of eight starts two take no time, one 0.1 s and five 0.25 s: the lower quartile is the third. A
 * busy machine may lengthen it, so there are three tries. */
static void the_start_of_a_process_is_its_lower_quartile(void) {
    char script[] = "/tmp/tagpool-start-XXXXXX", counter[64];
    struct results_start start = {.wall_s = {1}};
    int file = mkstemp(script);
    dprintf(file, "#!/bin/sh\necho >>$0.n\n"
                  "case $(wc -l <$0.n) in 1|5) ;; 3) sleep 0.1 ;; *) sleep 0.25 ;; esac\n");
    fchmod(file, 0700);
    close(file);
    snprintf(counter, sizeof counter, "%s.n", script);
    for (int tries = 0; tries < 3 && start.wall_s[SYSTEM] >= 0.25; tries++) {
        start_measure(&start, script, variants, 1, 8, 1);
        unlink(counter);
    }
    CHECK_SAY(start.rounds == 8 && start.wall_s[SYSTEM] >= 0.1 && start.wall_s[SYSTEM] < 0.25,
              "%u starts, quartile %g s", start.rounds, start.wall_s[SYSTEM]);
    unlink(script);
}

int main(void) {
    if (!launcher_start())
        return 1;
    TAP_RUN(means_are_geometric_and_over_their_groups_only);
    TAP_RUN(the_best_other_is_neither_the_system_nor_tagpool);
    TAP_RUN(a_ratio_is_marked_by_what_is_printed_of_it);
    TAP_RUN(time_in_allocation_is_what_the_calls_add_to_the_bare_loop);
    TAP_RUN(a_target_is_met_at_its_limit_and_missed_beyond);
    TAP_RUN(the_export_tells_medians_from_ratios_and_groups_apart);
    TAP_RUN(the_start_of_a_process_is_its_lower_quartile);
    TAP_RUN(every_strategy_but_direct_is_on_the_panel);
    TAP_RUN(the_names_on_the_panel_are_unique_and_those_used_are_there);
    return tap_done();
}
