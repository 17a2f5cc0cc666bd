#include "base/memory.h"
#include "base/terminal.h"
#include "cmd/commands.h"
#include "compare/conduct.h"
#include "launch/output.h"
#include "report/exports.h"
#include "report/session_table.h"
#include "target/library.h"
#include "target/settings.h"
#include "target/variants.h"

#include <stdlib.h>
#include <string.h>

/* What the command line asks for. */
struct compare_request {
    struct conduct_wishes wishes;
    struct variants named; /* by -a */
    struct numbers numbers;
    char *settings;        /* for every variant with the shim */
    const char *reference; /* name; NULL: the default */
    bool strategies;
    bool null;
    struct exports exports;
    enum terminal_style style;
    unsigned time_unit;
    struct comparison_limits limits;
};

static const struct args_option compare_options[] = {
    {'a', "allocator", "NAME[=PATH]",
     "measure another allocator too: jemalloc, mimalloc, tcmalloc\n"
     "or tbbmalloc if installed, all of them with 'all', or any\n"
     "library by its path; may be repeated",
     ARGS_CALL(struct compare_request, named, variants_take_allocator), .suggest = library_suggest},
    SETTINGS_OPTION(struct compare_request, settings),
    {0, "strategies", NULL,
     "measure the strategies of libtagpool.so side by side: direct\n"
     "(the reference), metadata, tagged",
     ARGS_FLAG(struct compare_request, strategies)},
    {0, "reference", "NAME",
     "what the others are compared with (default: system; with\n"
     "--strategies direct, and system is possible too)",
     ARGS_TEXT(struct compare_request, reference)},
    {0, "null", NULL, "compare the reference with itself: a test of the machine",
     ARGS_FLAG(struct compare_request, null)},
    {'r', "runs", "N", "exactly N rounds",
     ARGS_COUNT(struct compare_request, wishes.plan.runs, 1, 100000)},
    {'m', "min-runs", "N",
     "at least N rounds, whatever the time (default: 10 if there\n"
     "is time)",
     ARGS_COUNT(struct compare_request, wishes.plan.min_runs, 1, 100000)},
    {'M', "max-runs", "N", "at most N rounds (default: 1000)",
     ARGS_COUNT(struct compare_request, wishes.plan.max_runs, 1, 100000)},
    {'w', "warmup", "N", "N rounds to discard, after the one that compares outputs",
     ARGS_COUNT(struct compare_request, wishes.plan.warmups, 0, 100000)},
    {0, "duration", "SECONDS", "stop when the time is up (default: 60)",
     ARGS_SECONDS(struct compare_request, wishes.plan.duration_s)},
    {0, "min-time", "SECONDS", "go on for so long, whatever the precision",
     ARGS_SECONDS(struct compare_request, wishes.plan.min_time_s)},
    {0, "precision", "PERCENT",
     "stop when intervals reach this far to either side\n"
     "(default: 1; for --null half the noise threshold)",
     ARGS_PERCENT(struct compare_request, wishes.plan.precision, 0.01, 100)},
    {0, "noise-threshold", "PERCENT", "differences up to this do not matter (default: 1)",
     ARGS_PERCENT(struct compare_request, wishes.plan.threshold, 0, 99)},
    {0, "seed", "N", "repeat the order of an earlier measurement",
     ARGS_COUNT(struct compare_request, wishes.plan.seed, 0, UINT64_MAX)},
    {'n', "name", "TEXT", "what the report calls the command; repeat it for those of --also",
     ARGS_CALL(struct compare_request, wishes.names, conduct_take_text)},
    {0, "also", "COMMAND",
     "measure this command line, too, and compare it with the first: its rounds alternate with "
     "the others'; quotes are understood, no shell runs it without -S; may be repeated",
     ARGS_CALL(struct compare_request, wishes.also, conduct_take_text)},
    {'L', "parameter-list", "VAR VALUES",
     "run the command once for each of VALUES (a,b,c), with the value in place of {VAR}; with "
     "several -L, for each combination",
     ARGS_CALL(struct compare_request, wishes.parameters, parameters_take)},
    {0, "scan", "OPTION=VALUES",
     "compare several values of one option of libtagpool.so, as in retain=0,16M: each takes part "
     "as a variant, in place of tagpool",
     ARGS_CALL(struct compare_request, wishes.plan.scan, variants_take_scan)},
    {'s', "setup", "COMMAND",
     "run by the shell once, before the first run; its output goes to\nstandard error",
     ARGS_TEXT(struct compare_request, wishes.plan.setup)},
    {'p', "prepare", "COMMAND", "the same, before every run",
     ARGS_TEXT(struct compare_request, wishes.plan.prepare)},
    {'C', "conclude", "COMMAND", "the same, after every run",
     ARGS_TEXT(struct compare_request, wishes.plan.conclude)},
    {'c', "cleanup", "COMMAND", "the same once, after the last run",
     ARGS_TEXT(struct compare_request, wishes.plan.cleanup)},
    {'i', "ignore-failure", NULL, "accept a program that ends with another status than 0",
     ARGS_FLAG(struct compare_request, wishes.plan.ignore_failure)},
    SERVICE_OPTIONS(struct compare_request, wishes.service),
    SPOOL_OPTION_INPUT(struct compare_request, wishes.plan.input),
    {0, "output", "WHERE",
     "output of timed runs: null, pipe, inherit or a file\n(default: null); with an export to "
     "standard output, inherit is\nstandard error",
     ARGS_FILE(struct compare_request, wishes.plan.output)},
    {0, "metric", "NAME=REGEX[:higher|lower]",
     "a number of the program's own, taken from the output of each\n"
     "run: the group of REGEX in the last line that matches. With\n"
     ":higher or :lower, that is better; may be repeated",
     ARGS_CALL(struct compare_request, numbers, numbers_take)},
    {0, "headroom", NULL,
     "measure how much there is to gain at all, at any cost (default:\n"
     "where it takes less than a quarter of the rounds' time)",
     ARGS_SET(struct compare_request, wishes.probes.headroom, PROBE_ALWAYS)},
    {0, "no-headroom", NULL, "do not measure that",
     ARGS_SET(struct compare_request, wishes.probes.headroom, PROBE_NEVER)},
    {0, "counters", NULL,
     "count instructions, cycles and misses in rounds of their own, with\n"
     "the processor's counters (default: where there are any, and it\n"
     "takes less than a quarter of the rounds' time)",
     ARGS_FLAG(struct compare_request, wishes.probes.counters)},
    {0, "profile", NULL,
     "run once more and count what the program allocates, for the\n"
     "charts of --html and for the reasons",
     ARGS_FLAG(struct compare_request, wishes.probes.profile)},
    {0, "moments", NULL, "show mean, deviation, minimum, maximum and outliers, too",
     ARGS_FLAG(struct compare_request, wishes.with_moments)},
    METRIC_OPTION_TIME_UNIT(struct compare_request, time_unit),
    COMMAND_OPTION_SHELL(struct compare_request, wishes.shell),
    EXPORTS_OPTIONS(struct compare_request, exports),
    TERMINAL_OPTION_STYLE(struct compare_request, style),
    {0, "fail-if-slower", "PERCENT", "exit status 1 if tagpool is proven slower than this",
     ARGS_PERCENT(struct compare_request, limits.slower_share, 0, 1000)},
    {0, "fail-if-worse", "PERCENT", "the same, and of each --metric that says what is better",
     ARGS_PERCENT(struct compare_request, limits.worse_share, 0, 1000)},
    {0, "strict", NULL, "exit status 4 if the result is inconclusive",
     ARGS_FLAG(struct compare_request, limits.strict)},
    ARGS_OPTION_HELP,
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
    "With --service, each round starts the service with each allocator, waits until --ready says\n"
    "so, runs PROGRAM as its load, and ends it: SIGTERM to its group, SIGKILL to what is left.\n"
    "wall is the time of the load; cpu, page faults and memory are those of the service's whole\n"
    "process tree, cpu and page faults during the load. memory_after_load and memory_settled\n"
    "count what processes share once. The service stays in the foreground and is run without a\n"
    "shell. A load that runs for a fixed time is judged by what it counts, with --metric:\n"
    "    tagpool compare --service 'nginx -g \"daemon off;\"' --ready tcp:80 \\\n"
    "        --metric 'rate=Requests/sec: +([0-9.]+):higher' -- wrk -d 2 http://localhost/\n\n"
    "The headroom is measured in rounds of their own, with 0, 1 and 2 extra pairs of malloc and\n"
    "free after each request: what the CPU time grows by is what the program's own pairs cost.\n"
    "Where there is no gain, or the result is uncertain, the report says why and what to do.\n"
    "'tagpool report' shows a file of --export-json again, or compares two of them.\n\n"
    "Exit status: 0 done; 1 regression proven (--fail-if-slower, --fail-if-worse); 2 wrong usage;\n"
    "3 the program failed, its output differs or the shim was not active; 4 inconclusive\n"
    "(--strict); 125 tagpool itself failed; 126 the program cannot be run, or not with the shim;\n"
    "127 it was not found; 130, 143 or 129 interrupted by Ctrl-C, SIGTERM or SIGHUP, after the\n"
    "rounds that were whole have been reported and exported, and --cleanup was run.\n";

#define COMPARE_PRECISION_STANDARD 0.01
#define COMPARE_DURATION_S         60

/* Of the time of the rounds: what the headroom or the counters may cost unless asked for. */
#define COMPARE_PROBE_SHARE 0.25

/* ---- the command line ---- */

/* The numbers of the program's own: somebody has to read its output for them. */
static void compare_plan_numbers(struct compare_request *request) {
    const char *output = request->wishes.plan.output;
    if (request->numbers.count == 0)
        return;
    if (strcmp(output, "null") != 0 && strcmp(output, "pipe") != 0)
        args_refuse("--metric reads the output of every run; leave out --output %s", output);
    for (unsigned i = 0; i < request->numbers.count; i++)
        for (int metric = 0; metric < METRIC_COUNT; metric++)
            if (strcmp(request->numbers.items[i].name, metric_about[metric].key) == 0 ||
                strcmp(request->numbers.items[i].name, metric_about[metric].title) == 0)
                args_refuse("--metric %s: there is a metric of that name; choose another",
                            request->numbers.items[i].name);
    request->wishes.plan.numbers = &request->numbers;
}

static void compare_check_rounds(struct plan *plan) {
    const char *other = plan->min_time_s != 0                ? "min-time"
                        : plan->duration_s >= 0              ? "duration"
                        : plan->min_runs != 0                ? "min-runs"
                        : plan->max_runs != PLAN_MOST_ROUNDS ? "max-runs"
                        : plan->precision != 0               ? "precision"
                                                             : NULL;
    if (plan->runs != 0 && other != NULL)
        args_refuse("--runs %u is the number of rounds; leave out --%s", plan->runs, other);
    if (plan->duration_s < 0)
        plan->duration_s = COMPARE_DURATION_S;
}

/* Returns the program's command line. */
static char **compare_read_arguments(struct compare_request *request, char **arguments) {
    *request = (struct compare_request){
        .wishes.plan = {.max_runs = PLAN_MOST_ROUNDS,
                        .duration_s = -1,
                        .threshold = 0.01,
                        .seed = randomness_fresh_seed(),
                        .output = "null"},
        .wishes.probes = {.share = COMPARE_PROBE_SHARE},
        .limits = {.slower_share = -1, .worse_share = -1},
    };
    char **command = command_read_program(&command_compare, request, arguments);
    compare_check_rounds(&request->wishes.plan);
    if (request->null && request->strategies)
        args_refuse("--null compares the reference with itself, and --strategies the strategies; "
                    "leave one of them out");
    if (request->wishes.plan.min_runs > request->wishes.plan.max_runs)
        args_refuse("--min-runs %u is more than --max-runs %u", request->wishes.plan.min_runs,
                    request->wishes.plan.max_runs);
    if (request->null && request->wishes.probes.headroom == PROBE_IF_CHEAP)
        request->wishes.probes.headroom = PROBE_NEVER;
    if (request->wishes.plan.min_time_s > request->wishes.plan.duration_s)
        args_refuse("--min-time %g is more than --duration %g", request->wishes.plan.min_time_s,
                    request->wishes.plan.duration_s);
    if (request->wishes.plan.scan != NULL && (request->strategies || request->null))
        args_refuse("--scan chooses the variants; leave out --%s",
                    request->null ? "null" : "strategies");
    compare_plan_numbers(request);
    return command;
}

/* --null: the reference twice, and nothing else. */
static void compare_reduce_to_null(struct compare_request *request, struct variants *variants,
                                   unsigned reference) {
    /* An interval about 0 lies within the threshold only if it is well narrower. */
    if (request->wishes.plan.precision == 0)
        request->wishes.plan.precision = request->wishes.plan.threshold / 2;
    struct variant twice = variants->items[reference];
    *variants = (struct variants){0};
    variants_add(variants, twice);
    twice.name = memory_format("%s again", twice.name);
    variants_add(variants, twice);
}

/* --strategies: they take the place of the standard variants. */
static void compare_add_strategies(const struct compare_request *request,
                                   struct variants *variants) {
    if (request->settings != NULL && strstr(request->settings, "strategy=") != NULL)
        args_refuse("--strategies sets the strategy itself; leave out -o strategy=...");
    if (request->reference != NULL && strcmp(request->reference, "system") == 0)
        variants_add(variants, (struct variant){.name = "system"});
    variants_add_strategies(variants);
}

/* Where the environment switches the program's arena off, the program as it is by default is the
 * reference: nobody runs the other one. */
static void compare_add_standard(struct compare_request *request, const struct target *target,
                                 struct target_findings *findings, struct variants *variants) {
    const struct arena *arena = NULL;
    if (!request->null && target != NULL)
        arena = variants_add_plain(variants, target->binary);
    if (request->wishes.plan.scan != NULL)
        variants_add(variants, (struct variant){.name = "system"});
    else
        variants_add_standard(variants);
    if (request->wishes.plan.scan != NULL)
        variants_add_scan(variants, request->wishes.plan.scan);
    if (arena == NULL)
        return;
    target_add_finding(findings, false,
                       "%s=%s switches the arena of %s off: 'plain' runs without it, as "
                       "%s does by default",
                       arena->variable, getenv(arena->variable), arena->title, arena->title);
    if (request->reference == NULL)
        request->reference = "plain";
}

/* Returns the reference's place. Without a target this is a rehearsal, which only refuses what is
 * wrong for any. */
static unsigned compare_choose_variants(void *wished, const struct target *target,
                                        struct target_findings *findings,
                                        struct variants *variants) {
    struct compare_request *request = wished;
    *variants = (struct variants){0};
    if (request->strategies)
        compare_add_strategies(request, variants);
    else
        compare_add_standard(request, target, findings, variants);
    if (request->reference == NULL)
        request->reference = request->strategies ? "direct" : "system";
    variants_add_list(variants, &request->named);
    int reference = variants_find(variants, request->reference);
    if (target == NULL && strcmp(request->reference, "plain") == 0)
        reference = 0; /* which only a target can have */
    if (reference < 0)
        args_refuse("--reference %s is none of the variants; add it with -a", request->reference);
    if (request->null) {
        compare_reduce_to_null(request, variants, (unsigned)reference);
        reference = 0;
    }
    if (request->wishes.plan.precision == 0)
        request->wishes.plan.precision = COMPARE_PRECISION_STANDARD;
    variants_refuse_inherited_shim();
    variants_settle(variants, request->settings);
    return (unsigned)reference;
}

/* A mistake must not cost a --setup. */
static void compare_rehearse_choice(const struct compare_request *request) {
    struct compare_request copy = *request;
    struct variants variants;
    compare_choose_variants(&copy, NULL, NULL, &variants);
    variants_free(&variants);
}

/* ---- the session ---- */

static int compare_main(char **arguments) {
    struct compare_request request;
    struct terminal terminal;
    struct conduct conduct;
    char **words = compare_read_arguments(&request, arguments);
    metric_show_times_in(request.time_unit);
    terminal_init(&terminal, request.style);
    request.wishes.terminal = &terminal;
    request.wishes.choose = compare_choose_variants;
    request.wishes.request = &request;
    request.wishes.plan.output_to_error = exports_use_standard_output(&request.exports);
    conduct_init(&conduct, &request.wishes, words);
    compare_rehearse_choice(&request);
    output_look(request.wishes.plan.output);
    exports_open(&request.exports);
    exports_refuse_output(&request.exports, output_file(request.wishes.plan.output));
    enum exit_status status = conduct_measure(&conduct);
    if (conduct.session.count > 0) {
        if (status == STATUS_DONE)
            status = session_status(&conduct.session, &request.limits);
        if (request.style != TERMINAL_NONE)
            session_table_print(exports_tables(&request.exports), &terminal, &conduct.session);
        exports_write(&request.exports, &conduct.session);
    }
    fflush(stdout);
    if (conduct.fault != NULL)
        say_error("%s", conduct.fault);
    conduct_free(&conduct);
    return (int)status;
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
