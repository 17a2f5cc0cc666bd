#include "base/memory.h"
#include "base/say.h"
#include "cmd/commands.h"
#include "compare/judge.h"
#include "compare/probe.h"
#include "measure/experiment.h"
#include "report/exports.h"
#include "report/table.h"
#include "target/library.h"
#include "target/settings.h"

#include <stdlib.h>
#include <string.h>
#include <tagpool/options.h>

enum compare_option {
    COMPARE_ALLOCATOR,
    COMPARE_OPTION,
    COMPARE_STRATEGIES,
    COMPARE_REFERENCE,
    COMPARE_NULL,
    COMPARE_RUNS,
    COMPARE_MIN_RUNS,
    COMPARE_MAX_RUNS,
    COMPARE_WARMUP,
    COMPARE_DURATION,
    COMPARE_PRECISION,
    COMPARE_NOISE_THRESHOLD,
    COMPARE_SEED,
    COMPARE_NAME,
    COMPARE_PREPARE,
    COMPARE_IGNORE_FAILURE,
    COMPARE_INPUT,
    COMPARE_OUTPUT,
    COMPARE_HEADROOM,
    COMPARE_NO_HEADROOM,
    COMPARE_COUNTERS,
    COMPARE_PROFILE,
    COMPARE_EXPORT_JSON,
    COMPARE_EXPORT_CSV,
    COMPARE_EXPORT_MARKDOWN,
    COMPARE_HTML,
    COMPARE_STYLE,
    COMPARE_FAIL_IF_SLOWER,
    COMPARE_STRICT,
    COMPARE_HELP,
};

static const struct args_option compare_options[] = {
    [COMPARE_ALLOCATOR] = {'a', "allocator", "NAME[=PATH]",
                           "measure another allocator too: jemalloc, mimalloc, tcmalloc\n"
                           "or tbbmalloc if installed, all of them with 'all', or any\n"
                           "library by its path; may be repeated"},
    [COMPARE_OPTION] = {'o', "option", "KEY=VALUE",
                        "set an option of libtagpool.so; may be repeated\n"
                        "(see 'tagpool help options')"},
    [COMPARE_STRATEGIES] = {0, "strategies", NULL,
                            "measure the strategies of libtagpool.so side by side: direct\n"
                            "(the reference), metadata, tagged"},
    [COMPARE_REFERENCE] = {0, "reference", "NAME",
                           "what the others are compared with (default: system; with\n"
                           "--strategies direct, and system is possible too)"},
    [COMPARE_NULL] = {0, "null", NULL, "compare the reference with itself: a test of the machine"},
    [COMPARE_RUNS] = {'r', "runs", "N", "exactly N rounds"},
    [COMPARE_MIN_RUNS] = {'m', "min-runs", "N",
                          "at least N rounds, whatever the time (default: 10 if there\n"
                          "is time)"},
    [COMPARE_MAX_RUNS] = {'M', "max-runs", "N", "at most N rounds (default: 1000)"},
    [COMPARE_WARMUP] = {'w', "warmup", "N",
                        "N rounds discarded, besides the one that compares outputs"},
    [COMPARE_DURATION] = {0, "duration", "SECONDS", "stop when the time is up (default: 60)"},
    [COMPARE_PRECISION] = {0, "precision", "PERCENT",
                           "stop when intervals reach this far to either side\n"
                           "(default: 1; for --null half the noise threshold)"},
    [COMPARE_NOISE_THRESHOLD] = {0, "noise-threshold", "PERCENT",
                                 "differences up to this do not matter (default: 1)"},
    [COMPARE_SEED] = {0, "seed", "N", "repeat the order of an earlier measurement"},
    [COMPARE_NAME] = {'n', "name", "TEXT", "what the report calls the command"},
    [COMPARE_PREPARE] = {'p', "prepare", "COMMAND",
                         "run by the shell before every run; its output goes to standard\nerror"},
    [COMPARE_IGNORE_FAILURE] = {'i', "ignore-failure", NULL,
                                "accept a program that ends with another status than 0"},
    [COMPARE_INPUT] = {0, "input", "FILE",
                       "standard input of every run: a file, 'null', or '-' for ours\n"
                       "(default: ours, unless it is a terminal)"},
    [COMPARE_OUTPUT] = {0, "output", "WHERE",
                        "output of timed runs: null, pipe, inherit or a file\n(default: null)"},
    [COMPARE_HEADROOM] = {0, "headroom", NULL,
                          "measure how much there is to gain at all, at any cost (default:\n"
                          "where it takes less than a quarter of the rounds' time)"},
    [COMPARE_NO_HEADROOM] = {0, "no-headroom", NULL, "do not measure that"},
    [COMPARE_COUNTERS] = {0, "counters", NULL,
                          "count instructions, cycles and misses in rounds of their own, with\n"
                          "the processor's counters (default: where there are any, and it\n"
                          "takes less than a quarter of the rounds' time)"},
    [COMPARE_PROFILE] = {0, "profile", NULL,
                         "run once more and count what the program allocates, for the\n"
                         "charts of --html and for the reasons"},
    [COMPARE_EXPORT_JSON] = EXPORTS_OPTION_JSON,
    [COMPARE_EXPORT_CSV] = EXPORTS_OPTION_CSV,
    [COMPARE_EXPORT_MARKDOWN] = EXPORTS_OPTION_MARKDOWN,
    [COMPARE_HTML] = EXPORTS_OPTION_HTML,
    [COMPARE_STYLE] = {0, "style", "STYLE", "auto, basic, full, nocolor, color or none (no table)"},
    [COMPARE_FAIL_IF_SLOWER] = {0, "fail-if-slower", "PERCENT",
                                "exit status 1 if tagpool is proven slower than this"},
    [COMPARE_STRICT] = {0, "strict", NULL, "exit status 4 if the result is inconclusive"},
    [COMPARE_HELP] = {'h', "help", NULL, "print this help"},
    {0},
};

static const char compare_details[] =
    "Every round runs each variant once, in balanced and shuffled order. Rounds go on until the\n"
    "intervals are narrow or the time is up, never because of what they show. First each variant\n"
    "runs once to compare output and exit status; the shim must have seen calls in that run.\n"
    "PROGRAM is looked up in PATH and run without a shell.\n\n"
    "A difference is given as 'estimate [low ... high]', a 95 % interval. faster: the interval "
    "lies\n"
    "beyond the noise threshold; slightly faster: it touches the threshold, but not 0; no\n"
    "meaningful difference: within the threshold; inconclusive: more rounds are needed.\n\n"
    "The headroom is measured in rounds of their own, with 0, 1 and 2 extra pairs of malloc and\n"
    "free behind each request: what the CPU time grows by is what the program's own pairs cost.\n"
    "Where there is no gain, or the result is uncertain, the report says why and what to do.\n"
    "'tagpool report' shows a file of --export-json again, or compares two of them.\n\n"
    "Exit status: 0 done; 1 regression proven (--fail-if-slower); 2 wrong usage; 3 the program\n"
    "failed, its output differs or the shim was not active; 4 inconclusive (--strict); 125 "
    "tagpool\n"
    "itself failed; 126 the program cannot be run, or not with the shim; 127 it was not found.\n";

#define COMPARE_PRECISION_STANDARD 0.01

enum { COMPARE_STANDARD_VARIANTS = 2 }; /* system and tagpool */

/* Of the time of the rounds: what the headroom or the counters may cost unless asked for. */
#define COMPARE_PROBE_SHARE 0.25

/* Runs of more CPU time do not notice what loading the shim takes. */
#define COMPARE_LOADING_RUN_S 0.05

enum compare_headroom {
    COMPARE_HEADROOM_IF_CHEAP,
    COMPARE_HEADROOM_ALWAYS,
    COMPARE_HEADROOM_NEVER
};

/* What the command line asks for. */
struct compare_request {
    struct plan plan;
    struct variant variants[ROUNDS_VARIANTS_MAX];
    unsigned variant_count;
    char *settings;        /* for every variant with the shim */
    const char *reference; /* name; NULL: the default */
    bool strategies;
    bool null;
    const char *name;
    enum compare_headroom headroom;
    bool counters;
    bool profile;
    struct exports exports;
    const char *style;
    double fail_share; /* negative: not asked for */
    bool strict;
    bool help;
};

/* ---- the command line ---- */

static void compare_add_variant(struct compare_request *request, const struct variant *variant) {
    if (request->variant_count == ROUNDS_VARIANTS_MAX)
        args_refuse("compare", "at most %d variants can be compared", ROUNDS_VARIANTS_MAX);
    for (unsigned i = 0; i < request->variant_count; i++)
        if (strcmp(request->variants[i].name, variant->name) == 0)
            args_refuse("compare",
                        "two variants are called '%s'; give one another name: -a NAME=PATH",
                        variant->name);
    request->variants[request->variant_count++] = *variant;
}

static void compare_add_allocator(struct compare_request *request, const char *argument) {
    if (strcmp(argument, "all") != 0) {
        char *name;
        struct variant variant = {.preload = library_resolve(argument, &name)};
        variant.name = name;
        variant.shim = library_has_tagpool(variant.preload);
        compare_add_variant(request, &variant);
        return;
    }
    for (const struct library_allocator *known = library_allocators; known->name != NULL; known++) {
        struct variant variant = {.preload = library_of_allocator(known)};
        if (variant.preload == NULL) {
            say_note("%s is left out: the package %s is not installed", known->name,
                     known->package);
            continue;
        }
        variant.name = known->name;
        compare_add_variant(request, &variant);
    }
}

static void compare_add_setting(struct compare_request *request, const char *setting) {
    char *fault = settings_fault(setting);
    if (fault != NULL)
        args_refuse("compare", "%s", fault);
    request->settings = settings_join(request->settings, setting);
}

/* Options that say how many rounds; false if it is another option. */
static bool compare_read_plan(struct compare_request *request, const struct args *args,
                              enum compare_option option) {
    struct plan *plan = &request->plan;
    switch (option) {
    case COMPARE_RUNS:
        plan->runs = (unsigned)args_count(args, 1, 100000);
        return true;
    case COMPARE_MIN_RUNS:
        plan->min_runs = (unsigned)args_count(args, 1, 100000);
        return true;
    case COMPARE_MAX_RUNS:
        plan->max_runs = (unsigned)args_count(args, 1, 100000);
        return true;
    case COMPARE_WARMUP:
        plan->warmups = (unsigned)args_count(args, 0, 100000);
        return true;
    case COMPARE_DURATION:
        plan->duration_s = args_number(args, 0, 1e7);
        return true;
    case COMPARE_PRECISION:
        plan->precision = args_number(args, 0.01, 100) / 100;
        return true;
    case COMPARE_NOISE_THRESHOLD:
        plan->threshold = args_number(args, 0, 99) / 100;
        return true;
    case COMPARE_SEED:
        plan->seed = args_count(args, 0, UINT64_MAX);
        return true;
    default:
        return false;
    }
}

/* Options that say what is made of the rounds; false if it is another option. */
static bool compare_read_report(struct compare_request *request, const struct args *args,
                                enum compare_option option) {
    switch (option) {
    case COMPARE_HEADROOM:
        request->headroom = COMPARE_HEADROOM_ALWAYS;
        return true;
    case COMPARE_NO_HEADROOM:
        request->headroom = COMPARE_HEADROOM_NEVER;
        return true;
    case COMPARE_COUNTERS:
        request->counters = true;
        return true;
    case COMPARE_PROFILE:
        request->profile = true;
        return true;
    case COMPARE_EXPORT_JSON:
        request->exports.paths[EXPORTS_JSON] = args->value;
        return true;
    case COMPARE_EXPORT_CSV:
        request->exports.paths[EXPORTS_CSV] = args->value;
        return true;
    case COMPARE_EXPORT_MARKDOWN:
        request->exports.paths[EXPORTS_MARKDOWN] = args->value;
        return true;
    case COMPARE_HTML:
        request->exports.paths[EXPORTS_HTML] = args->value;
        return true;
    default:
        return false;
    }
}

static void compare_read_option(struct compare_request *request, const struct args *args,
                                enum compare_option option) {
    switch (option) {
    case COMPARE_ALLOCATOR:
        compare_add_allocator(request, args->value);
        break;
    case COMPARE_OPTION:
        compare_add_setting(request, args->value);
        break;
    case COMPARE_STRATEGIES:
        request->strategies = true;
        break;
    case COMPARE_REFERENCE:
        request->reference = args->value;
        break;
    case COMPARE_NULL:
        request->null = true;
        break;
    case COMPARE_NAME:
        request->name = args->value;
        break;
    case COMPARE_PREPARE:
        request->plan.prepare = args->value;
        break;
    case COMPARE_IGNORE_FAILURE:
        request->plan.ignore_failure = true;
        break;
    case COMPARE_INPUT:
        request->plan.input = args->value;
        break;
    case COMPARE_OUTPUT:
        request->plan.output = args->value;
        break;
    case COMPARE_STYLE:
        request->style = args->value;
        break;
    case COMPARE_FAIL_IF_SLOWER:
        request->fail_share = args_number(args, 0, 1000) / 100;
        break;
    case COMPARE_STRICT:
        request->strict = true;
        break;
    default:
        request->help = true;
    }
}

/* Returns what is left of the arguments: the program's command line. */
static char **compare_read_arguments(struct compare_request *request, char **arguments) {
    struct args args;
    *request = (struct compare_request){
        .plan = {.max_runs = PLAN_MOST_ROUNDS,
                 .duration_s = 60,
                 .threshold = 0.01,
                 .seed = randomness_fresh_seed(),
                 .output = "null"},
        .variants = {{.name = "system"}, {.name = "tagpool", .shim = true}},
        .variant_count = COMPARE_STANDARD_VARIANTS,
        .style = "auto",
        .fail_share = -1,
    };
    args_init(&args, "compare", compare_options, arguments);
    for (int option = args_read(&args); option >= 0; option = args_read(&args))
        if (!compare_read_plan(request, &args, (enum compare_option)option) &&
            !compare_read_report(request, &args, (enum compare_option)option))
            compare_read_option(request, &args, (enum compare_option)option);
    if (request->plan.min_runs > request->plan.max_runs)
        args_refuse("compare", "--min-runs %u is more than --max-runs %u", request->plan.min_runs,
                    request->plan.max_runs);
    return args.next;
}

/* ---- the variants ---- */

static unsigned compare_find_reference(const struct compare_request *request) {
    for (unsigned i = 0; i < request->variant_count; i++)
        if (strcmp(request->variants[i].name, request->reference) == 0)
            return i;
    args_refuse("compare", "--reference %s is none of the variants; add it with -a",
                request->reference);
}

/* --null: the reference twice, and nothing else. */
static void compare_reduce_to_null(struct compare_request *request, unsigned reference) {
    /* An interval about 0 lies within the threshold only if it is well narrower. */
    if (request->plan.precision == 0)
        request->plan.precision = request->plan.threshold / 2;
    struct variant twice = request->variants[reference];
    request->variants[0] = twice;
    request->variants[1] = twice;
    request->variants[1].name = memory_format("%s again", twice.name);
    request->variant_count = 2;
}

/* --strategies: one variant for each strategy of the library, in the place of the standard ones. */
static void compare_take_strategies(struct compare_request *request) {
    static const char *const strategies[] = {TAGPOOL_CHOICES_strategy};
    struct variant others[ROUNDS_VARIANTS_MAX];
    unsigned other_count = request->variant_count - COMPARE_STANDARD_VARIANTS;
    memcpy(others, request->variants + COMPARE_STANDARD_VARIANTS, other_count * sizeof *others);
    if (request->settings != NULL && strstr(request->settings, "strategy=") != NULL)
        args_refuse("compare", "--strategies sets the strategy itself; leave out -o strategy=...");
    request->variant_count = 0;
    if (strcmp(request->reference, "system") == 0)
        compare_add_variant(request, &(struct variant){.name = "system"});
    for (size_t i = 0; i < sizeof strategies / sizeof strategies[0]; i++) {
        struct variant variant = {.name = strategies[i],
                                  .settings = memory_format("strategy=%s", strategies[i]),
                                  .shim = true};
        compare_add_variant(request, &variant);
    }
    for (unsigned i = 0; i < other_count; i++)
        compare_add_variant(request, &others[i]);
}

/* Returns the reference's place. */
static unsigned compare_settle_variants(struct compare_request *request) {
    const char *inherited = getenv("LD_PRELOAD");
    if (request->reference == NULL)
        request->reference = request->strategies ? "direct" : "system";
    if (request->strategies)
        compare_take_strategies(request);
    unsigned reference = compare_find_reference(request);
    if (request->null) {
        compare_reduce_to_null(request, reference);
        reference = 0;
    }
    if (request->plan.precision == 0)
        request->plan.precision = COMPARE_PRECISION_STANDARD;
    if (inherited != NULL && strstr(inherited, "libtagpool") != NULL)
        args_refuse("compare", "LD_PRELOAD holds libtagpool.so already, so that no variant would "
                               "run without it; unset LD_PRELOAD");
    for (unsigned i = 0; i < request->variant_count; i++) {
        struct variant *variant = &request->variants[i];
        if (variant->shim && variant->preload == NULL)
            variant->preload = library_of_tagpool();
        if (variant->shim && request->settings != NULL)
            variant->settings = variant->settings != NULL
                                    ? memory_format("%s,%s", variant->settings, request->settings)
                                    : request->settings;
    }
    return reference;
}

/* ---- the results ---- */

static bool compare_has_shim(const struct compare_request *request) {
    for (unsigned i = 0; i < request->variant_count; i++)
        if (request->variants[i].shim)
            return true;
    return false;
}

/* The runs besides the rounds, each as far as it was asked for or costs little. */
static void compare_probe(const struct compare_request *request,
                          const struct experiment *experiment, struct comparison *comparison) {
    const struct result *result = &experiment->result;
    unsigned rounds = headroom_rounds_for(COMPARE_PROBE_SHARE * result->elapsed_s,
                                          comparison_reference(comparison, METRIC_WALL));
    if (request->headroom == COMPARE_HEADROOM_ALWAYS && rounds == 0)
        rounds = HEADROOM_ROUNDS_LEAST;
    bool wanted = request->headroom == COMPARE_HEADROOM_ALWAYS ||
                  (request->headroom == COMPARE_HEADROOM_IF_CHEAP && !request->null);
    if (wanted)
        probe_headroom(comparison, experiment, rounds);
    if (request->counters ||
        (result->rounds.count >= COUNTED_ROUNDS / COMPARE_PROBE_SHARE && counters_available()))
        probe_counters(comparison, experiment);
    if (request->profile)
        comparison->profile = probe_profile(comparison, experiment);
    if (compare_has_shim(request) &&
        comparison_reference(comparison, METRIC_CPU) < COMPARE_LOADING_RUN_S)
        comparison->loading_s = probe_loading(experiment);
}

/* The check and the rounds, with what the machine was like meanwhile. */
static bool compare_experiment(struct experiment *experiment, struct machine *machine,
                               double *steal) {
    struct machine_ticks before, after;
    machine_read(machine);
    if (!experiment_check(experiment))
        return false;
    machine_read_ticks(&before);
    bool sound = experiment_measure(experiment);
    machine_read_ticks(&after);
    *steal = machine_steal(&before, &after);
    return sound;
}

static int compare_measure(struct compare_request *request, unsigned reference,
                           const struct target *target, const struct target_findings *findings,
                           const char *title) {
    struct terminal terminal;
    struct experiment experiment;
    struct comparison comparison;
    struct machine machine;
    double steal;
    if (!terminal_init(&terminal, request->style))
        args_refuse("compare", "--style is auto, basic, full, nocolor, color or none, not '%s'",
                    request->style);
    exports_open(&request->exports);
    experiment_init(&experiment, &request->plan, target, request->variants, request->variant_count,
                    reference, &terminal);
    int status = STATUS_DONE;
    if (compare_experiment(&experiment, &machine, &steal)) {
        comparison_make(&comparison, &experiment.result, title);
        comparison.machine = machine;
        comparison.steal = steal;
        reasons_add_findings(&comparison.reasons, findings);
        compare_probe(request, &experiment, &comparison);
        judge_reasons(&comparison);
        if (strcmp(request->style, "none") != 0)
            report_table_print(exports_tables(&request->exports), &terminal, &comparison);
        exports_write(&request->exports, &comparison);
        status = comparison_status(&comparison, request->fail_share, request->strict);
    } else {
        say_error("%s", experiment.reason);
        status = experiment.status;
    }
    experiment_free(&experiment);
    return status;
}

static int compare_main(char **arguments) {
    struct compare_request request;
    struct target target;
    struct target_findings findings;
    char **command = compare_read_arguments(&request, arguments);
    if (request.help) {
        command_print_help(stdout, &command_compare);
        return STATUS_DONE;
    }
    if (*command == NULL)
        args_refuse("compare", "no program is named: tagpool compare -- PROGRAM");
    unsigned reference = compare_settle_variants(&request);
    target_resolve(&target, command);
    target_inspect(&target, &findings);
    target_report(&findings);
    char *title = request.name != NULL ? memory_copy(request.name) : command_text(command);
    int status = compare_measure(&request, reference, &target, &findings, title);
    free(title);
    return status;
}

const struct command command_compare = {
    .name = "compare",
    .synopsis = "[OPTION...] -- PROGRAM [ARGUMENT...]",
    .summary = "Measure a program with the system's allocator and with tagpool",
    .details = compare_details,
    .options = compare_options,
    .launches = true,
    .run = compare_main,
};
