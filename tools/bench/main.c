/* tagpool-bench: measures the panel of workloads under every allocator there is. */
#include "base/clock.h"
#include "base/command.h"
#include "base/export.h"
#include "base/memory.h"
#include "base/program.h"
#include "base/randomness.h"
#include "base/say.h"
#include "bench/report.h"
#include "bench/run.h"
#include "bench/start.h"
#include "bench/strategies.h"
#include "launch/launcher.h"
#include "target/library.h"
#include "target/settings.h"
#include "target/target.h"

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

enum bench_option {
    BENCH_ALLOCATOR,
    BENCH_OPTION,
    BENCH_ONLY,
    BENCH_QUICK,
    BENCH_STRATEGIES,
    BENCH_RUNS_OPTION,
    BENCH_SEED,
    BENCH_LIST,
    BENCH_EXPORT_JSON,
    BENCH_HELP,
};

static const struct args_option bench_options[] = {
    [BENCH_ALLOCATOR] = {'a', "allocator", "NAME[=PATH]",
                         "measure this allocator beside tagpool, instead of all that\n"
                         "are installed; 'none': no other; may be repeated"},
    [BENCH_OPTION] = {'o', "option", "KEY=VALUE",
                      "set an option of libtagpool.so; may be repeated\n"
                      "(see 'tagpool help options')"},
    [BENCH_ONLY] = {0, "only", "WORD",
                    "only workloads with the word in their name or group; may be\nrepeated"},
    [BENCH_QUICK] = {0, "quick", NULL, "fewer workloads and rounds: about two minutes"},
    [BENCH_STRATEGIES] = {0, "strategies", NULL,
                          "compare the strategies of libtagpool.so with each other, on the\n"
                          "built-in parser, jq and xmllint: about a minute"},
    [BENCH_RUNS_OPTION] = {'r', "runs", "N",
                           "N rounds of each workload (default: 6, with --quick 3)"},
    [BENCH_SEED] = {0, "seed", "N", "repeat the order of an earlier measurement"},
    [BENCH_LIST] = {0, "list", NULL, "list the workloads, and measure nothing"},
    [BENCH_EXPORT_JSON] = {0, "export-json", "FILE",
                           "write everything as JSON; with '-' to standard output, and\n"
                           "the tables to standard error"},
    [BENCH_HELP] = {'h', "help", NULL, "print this help"},
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

/* What the command line asks for. */
struct bench_request {
    unsigned runs; /* 0: the default */
    uint64_t seed;
    bool quick;
    bool strategies;
    bool list;
    bool help;
    bool allocators_named;
    const char *only[BENCH_ONLY_MAX];
    unsigned only_count;
    char *settings;
    const char *export_json;
    struct variant variants[ROUNDS_VARIANTS_MAX];
    unsigned standard_count; /* of variants that are there before any is named */
    unsigned variant_count;
};

/* ---- the command line ---- */

static void bench_add_variant(struct bench_request *request, struct variant variant) {
    if (request->variant_count == ROUNDS_VARIANTS_MAX)
        args_refuse("", "at most %d variants can be compared", ROUNDS_VARIANTS_MAX);
    for (unsigned i = 0; i < request->variant_count; i++)
        if (strcmp(request->variants[i].name, variant.name) == 0)
            args_refuse("", "two variants are called '%s'; give one another name: -a NAME=PATH",
                        variant.name);
    request->variants[request->variant_count++] = variant;
}

static void bench_add_named(struct bench_request *request, const char *argument) {
    request->allocators_named = true;
    if (strcmp(argument, "none") == 0)
        return;
    char *name;
    struct variant variant = {.preload = library_resolve(argument, &name)};
    variant.name = name;
    variant.shim = library_has_tagpool(variant.preload);
    bench_add_variant(request, variant);
}

static void bench_add_setting(struct bench_request *request, const char *setting) {
    char *fault = settings_fault(setting);
    if (fault != NULL)
        args_refuse("", "%s", fault);
    request->settings = settings_join(request->settings, setting);
}

static void bench_add_only(struct bench_request *request, const char *word) {
    if (request->only_count == BENCH_ONLY_MAX)
        args_refuse("", "at most %d times --only", BENCH_ONLY_MAX);
    request->only[request->only_count++] = word;
}

static void bench_read_option(struct bench_request *request, const struct args *args, int option) {
    switch ((enum bench_option)option) {
    case BENCH_ALLOCATOR:
        bench_add_named(request, args->value);
        break;
    case BENCH_OPTION:
        bench_add_setting(request, args->value);
        break;
    case BENCH_ONLY:
        bench_add_only(request, args->value);
        break;
    case BENCH_QUICK:
        request->quick = true;
        break;
    case BENCH_STRATEGIES:
        request->strategies = true;
        break;
    case BENCH_RUNS_OPTION:
        request->runs = (unsigned)args_count(args, 1, 1000);
        break;
    case BENCH_SEED:
        request->seed = args_count(args, 0, UINT64_MAX);
        break;
    case BENCH_LIST:
        request->list = true;
        break;
    case BENCH_EXPORT_JSON:
        request->export_json = args->value;
        break;
    case BENCH_HELP:
        request->help = true;
    }
}

static void bench_read_arguments(struct bench_request *request, char **arguments) {
    struct args args;
    *request = (struct bench_request){
        .seed = randomness_fresh_seed(),
        .variants = {{.name = "system"}},
        .variant_count = 1,
    };
    for (const struct bench_configuration *configuration = bench_configurations;
         configuration->name != NULL; configuration++)
        bench_add_variant(request, (struct variant){.name = configuration->name,
                                                    .settings = configuration->settings,
                                                    .shim = true});
    request->standard_count = request->variant_count;
    args_init(&args, "", bench_options, arguments);
    for (int option = args_read(&args); option >= 0; option = args_read(&args))
        bench_read_option(request, &args, option);
    if (*args.next != NULL)
        args_refuse("", "unexpected argument '%s'; the programs are those of the panel",
                    *args.next);
    if (request->runs == 0)
        request->runs = request->quick ? BENCH_RUNS_QUICK : BENCH_RUNS;
}

/* --strategies: they take the place of the configurations and of the installed allocators; those
 * that were named follow. */
static void bench_take_strategies(struct bench_request *request) {
    struct variant named[ROUNDS_VARIANTS_MAX];
    unsigned named_count = request->variant_count - request->standard_count;
    memcpy(named, request->variants + request->standard_count, named_count * sizeof *named);
    request->allocators_named = true;
    request->variant_count = bench_strategies_variants(request->variants);
    for (unsigned i = 0; i < named_count; i++)
        bench_add_variant(request, named[i]);
}

/* The allocators that are installed, and for tagpool its library and all settings. */
static void bench_settle_variants(struct bench_request *request) {
    const char *inherited = getenv("LD_PRELOAD");
    if (inherited != NULL && inherited[0] != '\0')
        args_refuse("", "LD_PRELOAD is set, so that no variant would run on the system's "
                        "allocator alone; unset it");
    if (request->strategies)
        bench_take_strategies(request);
    for (const struct library_allocator *known = library_allocators;
         !request->allocators_named && known->name != NULL; known++) {
        char *path = library_of_allocator(known);
        if (path != NULL)
            bench_add_variant(request, (struct variant){.name = known->name, .preload = path});
        else
            say_note("%s is left out: the package %s is not installed", known->name,
                     known->package);
    }
    for (unsigned i = 0; i < request->variant_count; i++) {
        struct variant *variant = &request->variants[i];
        if (variant->shim && variant->preload == NULL)
            variant->preload = library_of_tagpool();
        if (variant->shim && request->settings != NULL)
            variant->settings = variant->settings != NULL
                                    ? memory_format("%s,%s", variant->settings, request->settings)
                                    : request->settings;
    }
}

/* ---- which workloads ---- */

static bool bench_has_word(const struct bench_request *request, const char *name,
                           const char *group) {
    for (unsigned i = 0; i < request->only_count; i++)
        if (strstr(name, request->only[i]) != NULL || strstr(group, request->only[i]) != NULL)
            return true;
    return request->only_count == 0;
}

static bool bench_is_wanted(const struct bench_request *request,
                            const struct bench_workload *workload) {
    return (workload->quick || !request->quick) &&
           (!request->strategies || bench_strategies_want(workload)) &&
           bench_has_word(request, workload->name, bench_group_names[workload->group]);
}

static bool bench_start_is_wanted(const struct bench_request *request) {
    return !request->strategies && bench_has_word(request, BENCH_START_NAME, BENCH_START_NAME);
}

static void bench_list(const struct bench_request *request) {
    for (const struct bench_workload *workload = bench_panel; workload->name != NULL; workload++) {
        if (!bench_is_wanted(request, workload))
            continue;
        printf("%-22s  %-8s ", workload->name, bench_group_names[workload->group]);
        for (int i = 0; i < BENCH_WORDS_MAX && workload->words[i] != NULL; i++)
            printf(strchr(workload->words[i], ' ') != NULL ? " '%s'" : " %s", workload->words[i]);
        putchar('\n');
    }
    if (bench_start_is_wanted(request))
        printf("%-22s  %-8s  true\n", BENCH_START_NAME, BENCH_START_NAME);
}

/* ---- measuring ---- */

/* "jq" for "jq", "cjson" for "drivers/cjson". */
static const char *bench_program_name(const struct bench_workload *workload) {
    const char *slash = strrchr(workload->words[0], '/');
    return slash != NULL ? slash + 1 : workload->words[0];
}

/* Adds a program's name to the list of those that are missing, once. */
static void bench_add_missing(char **missing, const struct bench_workload *workload) {
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
static bool bench_measure_panel(struct bench_results *results, const struct bench_plan *plan,
                                const struct bench_request *request) {
    bool sound = true;
    char *missing = memory_copy("");
    for (const struct bench_workload *workload = bench_panel; workload->name != NULL; workload++) {
        char *path = bench_is_wanted(request, workload) ? bench_locate(plan, workload) : NULL;
        if (path == NULL) {
            if (bench_is_wanted(request, workload))
                bench_add_missing(&missing, workload);
            continue;
        }
        results->rows = memory_resize(results->rows, results->row_count + 1, sizeof *results->rows);
        struct bench_row *row = &results->rows[results->row_count++];
        bench_run(row, plan, workload, path);
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

static void bench_measure_start(struct bench_results *results,
                                const struct bench_request *request) {
    char *path = bench_start_is_wanted(request) ? target_search("true") : NULL;
    if (path != NULL)
        bench_start_measure(&results->start, path, request->variants, request->variant_count,
                            request->quick ? BENCH_STARTS_QUICK : BENCH_STARTS, request->seed);
    free(path);
}

static int bench_measure(struct bench_request *request) {
    struct terminal terminal;
    struct export export;
    bench_settle_variants(request);
    terminal_init(&terminal, "auto");
    export_open(&export, request->export_json);
    const struct bench_plan plan = {
        .runs = request->runs,
        .seed = request->seed,
        .folder = library_own_folder(),
        .variants = request->variants,
        .variant_count = request->variant_count,
        .terminal = &terminal,
    };
    struct bench_results results = {.variants = request->variants,
                                    .variant_count = request->variant_count};
    double start_s = clock_wall_s();
    bench_measure_start(&results, request);
    bool sound = bench_measure_panel(&results, &plan, request);
    if (results.row_count == 0 && results.start.rounds == 0)
        say_and_exit(STATUS_USAGE, "no workload is left to measure; 'tagpool-bench --list' lists "
                                   "them, 'make bench' builds them");
    const struct bench_report report = {.results = &results,
                                        .runs = request->runs,
                                        .seed = request->seed,
                                        .elapsed_s = clock_wall_s() - start_s};
    if (request->strategies)
        bench_strategies_print(export_tables(&export), &report, plan.folder);
    else
        bench_report_print(export_tables(&export), &report);
    FILE *out = export_begin(&export);
    if (out != NULL)
        bench_report_print_json(out, &report);
    export_end(&export);
    return sound ? STATUS_DONE : STATUS_TARGET_FAILED;
}

static const struct command bench_command = {
    .name = "",
    .synopsis = "[OPTION...]",
    .summary = "Measure the panel of workloads under every allocator there is",
    .details = bench_details,
    .options = bench_options,
};

static int bench_run_request(char **arguments) {
    struct bench_request request;
    bench_read_arguments(&request, arguments);
    if (request.help) {
        command_print_help(stdout, &bench_command);
        return STATUS_DONE;
    }
    if (request.list) {
        bench_list(&request);
        return STATUS_DONE;
    }
    /* Python's own pools would hide most of its allocations; no other program looks at this. */
    setenv("PYTHONMALLOC", "malloc", 1);
    return bench_measure(&request);
}

int main(int argument_count, char **arguments) {
    say_as_program("tagpool-bench");
    program_start();
    launcher_must_start();
    return program_finish(bench_run_request(arguments + (argument_count > 0 ? 1 : 0)));
}
