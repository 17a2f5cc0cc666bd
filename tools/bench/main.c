/* tagpool-bench: measures the panel of workloads under every allocator there is. */
#include "base/clock.h"
#include "base/command.h"
#include "base/export.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/program.h"
#include "base/randomness.h"
#include "base/say.h"
#include "base/terminal.h"
#include "bench/parts.h"
#include "bench/report.h"
#include "bench/run.h"
#include "bench/start.h"
#include "bench/strategies.h"
#include "launch/launcher.h"
#include "target/library.h"
#include "target/settings.h"
#include "target/target.h"
#include "target/variants.h"

#include <stdlib.h>
#include <string.h>

enum {
    BENCH_RUNS = 6,
    BENCH_RUNS_QUICK = 3,
    BENCH_STARTS = 300, /* of a process, under each variant */
    BENCH_STARTS_QUICK = 200,
    BENCH_ONLY_MAX = 16,
};

#define BENCH_START_NAME "start"

/* Allocators by -a; none given: all that are installed. */
struct bench_allocators {
    bool given;
    struct variants named;
};

/* Words by --only. */
struct bench_only {
    const char *words[BENCH_ONLY_MAX];
    unsigned count;
};

/* What the command line asks for. */
struct bench_request {
    unsigned runs; /* 0: the default */
    uint64_t seed;
    bool quick;
    bool strategies;
    bool hardening;
    bool list;
    struct bench_allocators allocators;
    struct bench_only only;
    char *settings;
    const char *export_json;
};

static void bench_take_allocator(void *field, const char *argument) {
    struct bench_allocators *allocators = field;
    allocators->given = true;
    if (strcmp(argument, "none") != 0)
        variants_take_allocator(&allocators->named, argument);
}

static void bench_take_only(void *field, const char *word) {
    struct bench_only *only = field;
    if (only->count == BENCH_ONLY_MAX)
        args_refuse("at most %d times --only", BENCH_ONLY_MAX);
    only->words[only->count++] = word;
}

static const struct args_option bench_options[] = {
    {'a', "allocator", "NAME[=PATH]",
     "measure this allocator beside tagpool, instead of all that\n"
     "are installed; 'none': no other; may be repeated",
     ARGS_CALL(struct bench_request, allocators, bench_take_allocator)},
    SETTINGS_OPTION(struct bench_request, settings),
    {0, "only", "WORD", "only workloads with the word in their name or group; may be\nrepeated",
     ARGS_CALL(struct bench_request, only, bench_take_only)},
    {0, "quick", NULL, "fewer workloads and rounds: about two minutes",
     ARGS_FLAG(struct bench_request, quick)},
    {0, "strategies", NULL,
     "compare the strategies of libtagpool.so with each other, on the\n"
     "built-in parser, jq and xmllint: about a minute",
     ARGS_FLAG(struct bench_request, strategies)},
    {0, "hardening", NULL,
     "measure on the same what each part of the hardened mode costs:\nabout a minute",
     ARGS_FLAG(struct bench_request, hardening)},
    {'r', "runs", "N", "N rounds of each workload (default: 6, with --quick 3)",
     ARGS_COUNT(struct bench_request, runs, 1, 1000)},
    {0, "seed", "N", "repeat the order of an earlier measurement",
     ARGS_COUNT(struct bench_request, seed, 0, UINT64_MAX)},
    {0, "list", NULL, "list the workloads, and measure nothing",
     ARGS_FLAG(struct bench_request, list)},
    {0, "export-json", "FILE",
     "write everything as JSON; with '-' to standard output, and\n"
     "the tables to standard error",
     ARGS_FILE(struct bench_request, export_json)},
    ARGS_OPTION_HELP,
    {0},
};

static const char bench_details[] =
    "Measures the panel: the built-in parser, parsers and parser libraries that are installed,\n"
    "single habits of allocation, threads, and the start of a process, under the system's\n"
    "allocator, tagpool and the allocators that are installed. Needs the build folder:\n"
    "'make bench' builds what it measures. What is missing is left out by name.\n\n"
    "Every round runs each variant once, in shuffled order. A ratio of variant / system is the\n"
    "Hodges-Lehmann estimate: of every two rounds the geometric mean, and of these the median.\n"
    "Less is better everywhere.\n\n"
    "Exit status: 0 done; 2 wrong usage; 3 a workload failed, or its output differs, under one of\n"
    "the allocators; 125 tagpool itself failed.\n";

static const struct command bench_command = {
    .name = "",
    .synopsis = "[OPTION...]",
    .summary = "Measure the panel of workloads under every allocator there is",
    .details = bench_details,
    .options = bench_options,
};

static void bench_read_arguments(struct bench_request *request, char **arguments) {
    *request = (struct bench_request){.seed = randomness_fresh_seed()};
    char **rest = command_read(&bench_command, request, arguments);
    if (*rest != NULL)
        args_refuse("unexpected argument '%s'; the programs are those of the panel", *rest);
    if (request->strategies && request->hardening)
        args_refuse("--strategies and --hardening exclude each other");
    if (request->runs == 0)
        request->runs = request->quick ? BENCH_RUNS_QUICK : BENCH_RUNS;
}

/* The whole panel, under every allocator; not the library alone, in several ways. */
static bool bench_is_of_panel(const struct bench_request *request) {
    return !request->strategies && !request->hardening;
}

/* The reference first. */
static void bench_choose_variants(const struct bench_request *request, struct variants *variants) {
    const char *inherited = getenv("LD_PRELOAD");
    *variants = (struct variants){0};
    if (inherited != NULL && inherited[0] != '\0')
        args_refuse("LD_PRELOAD is set, so that no variant would run on the system's allocator "
                    "alone; unset it");
    if (request->strategies)
        strategies_add_variants(variants);
    else if (request->hardening)
        parts_add_variants(variants);
    else
        panel_add_variants(variants);
    variants_add_list(variants, &request->allocators.named);
    if (bench_is_of_panel(request) && !request->allocators.given)
        variants_add_installed(variants);
    variants_settle(variants, request->settings);
}

/* ---- which workloads ---- */

static bool bench_has_word(const struct bench_request *request, const char *name,
                           const char *group) {
    for (unsigned i = 0; i < request->only.count; i++)
        if (strstr(name, request->only.words[i]) != NULL ||
            strstr(group, request->only.words[i]) != NULL)
            return true;
    return request->only.count == 0;
}

static bool bench_is_wanted(const struct bench_request *request,
                            const struct panel_workload *workload) {
    return (workload->quick || !request->quick) &&
           (!request->strategies || strategies_want(workload)) &&
           (!request->hardening || parts_want(workload)) &&
           bench_has_word(request, workload->name, panel_group_names[workload->group]);
}

static bool bench_start_is_wanted(const struct bench_request *request) {
    return bench_is_of_panel(request) &&
           bench_has_word(request, BENCH_START_NAME, BENCH_START_NAME);
}

static void bench_list(const struct bench_request *request) {
    for (const struct panel_workload *workload = panel_workloads; workload->name != NULL;
         workload++) {
        if (!bench_is_wanted(request, workload))
            continue;
        printf("%-22s  %-8s ", workload->name, panel_group_names[workload->group]);
        for (int i = 0; i < PANEL_WORDS_MAX && workload->words[i] != NULL; i++)
            printf(strchr(workload->words[i], ' ') != NULL ? " '%s'" : " %s", workload->words[i]);
        putchar('\n');
    }
    if (bench_start_is_wanted(request))
        printf("%-22s  %-8s  true\n", BENCH_START_NAME, BENCH_START_NAME);
}

/* ---- measuring ---- */

/* "jq" for "jq", "cjson" for "drivers/cjson". */
static const char *bench_program_name(const struct panel_workload *workload) {
    return path_name(workload->words[0]);
}

/* Adds a program's name to the list of those that are missing, once. */
static void bench_add_missing(char **missing, const struct panel_workload *workload) {
    const char *name = bench_program_name(workload);
    size_t length = strlen(name);
    for (const char *found = *missing; (found = strstr(found, name)) != NULL; found += length)
        if ((found == *missing || found[-1] == ' ') &&
            (found[length] == ',' || found[length] == '\0'))
            return;
    char *longer = memory_format("%s%s%s", *missing, **missing != '\0' ? ", " : "", name);
    free(*missing);
    *missing = longer;
}

/* Returns whether every workload gave a result. */
static bool bench_measure_panel(struct results *results, const struct run_plan *plan,
                                const struct bench_request *request) {
    bool sound = true;
    char *missing = memory_copy("");
    for (const struct panel_workload *workload = panel_workloads; workload->name != NULL;
         workload++) {
        char *path = bench_is_wanted(request, workload) ? run_locate(plan, workload) : NULL;
        if (path == NULL) {
            if (bench_is_wanted(request, workload))
                bench_add_missing(&missing, workload);
            continue;
        }
        results->rows = memory_resize(results->rows, results->row_count + 1, sizeof *results->rows);
        struct results_row *row = &results->rows[results->row_count++];
        run_workload(row, plan, workload, path);
        free(path);
        if (row->reason != NULL) {
            say_error("%s: %s", workload->name, row->reason);
            sound = false;
        }
    }
    if (missing[0] != '\0')
        say_note(
            "skipped, not installed: %s ('tools/dev/install-deps --bench' installs what they need)",
            missing);
    free(missing);
    return sound;
}

static void bench_measure_start(struct results *results, const struct variants *variants,
                                const struct bench_request *request) {
    char *path = bench_start_is_wanted(request) ? target_search("true") : NULL;
    if (path != NULL)
        start_measure(&results->start, path, variants->items, variants->count,
                      request->quick ? BENCH_STARTS_QUICK : BENCH_STARTS, request->seed);
    free(path);
}

static int bench_measure(const struct bench_request *request) {
    struct variants variants;
    struct terminal terminal;
    struct export export;
    bench_choose_variants(request, &variants);
    terminal_init(&terminal, TERMINAL_AUTO);
    export_open(&export, request->export_json);
    const struct run_plan plan = {
        .runs = request->runs,
        .seed = request->seed,
        .folder = library_own_folder(),
        .variants = variants.items,
        .variant_count = variants.count,
        .counts_system_calls = bench_is_of_panel(request) && request->runs > 1,
        .terminal = &terminal,
    };
    struct results results = {.variants = variants.items, .variant_count = variants.count};
    double start_s = clock_wall_s();
    bench_measure_start(&results, &variants, request);
    bool sound = bench_measure_panel(&results, &plan, request);
    if (results.row_count == 0 && results.start.rounds == 0)
        say_and_exit(STATUS_USAGE, "no workload is left to measure; 'tagpool-bench --list' lists "
                                   "them, 'make bench' builds them");
    const struct report report = {.results = &results,
                                  .runs = request->runs,
                                  .seed = request->seed,
                                  .elapsed_s = clock_wall_s() - start_s};
    if (request->strategies)
        strategies_print(export_tables(&export), &report, plan.folder);
    else if (request->hardening)
        parts_print(export_tables(&export), &report);
    else
        report_print(export_tables(&export), &report);
    FILE *out = export_begin(&export);
    if (out != NULL)
        report_print_json(out, &report);
    export_end(&export);
    return sound ? STATUS_DONE : STATUS_TARGET_FAILED;
}

static int bench_run_request(char **arguments) {
    struct bench_request request;
    bench_read_arguments(&request, arguments);
    if (request.list) {
        bench_list(&request);
        return STATUS_DONE;
    }
    /* Python is measured as people run it, whatever our own environment says. */
    unsetenv("PYTHONMALLOC");
    return bench_measure(&request);
}

int main(int argument_count, char **arguments) {
    say_as_program("tagpool-bench");
    program_start();
    launcher_must_start();
    return program_finish(bench_run_request(arguments + (argument_count > 0 ? 1 : 0)));
}
