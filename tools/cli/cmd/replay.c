#include "base/export.h"
#include "base/memory.h"
#include "base/say.h"
#include "cmd/commands.h"
#include "measure/experiment.h"
#include "pages/shared_file.h"
#include "replay/report.h"
#include "target/library.h"
#include "target/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <tagpool/options.h>
#include <unistd.h>

enum replay_option {
    REPLAY_ALLOCATOR,
    REPLAY_STRATEGY,
    REPLAY_OPTION,
    REPLAY_RUNS,
    REPLAY_DURATION,
    REPLAY_SEED,
    REPLAY_VERIFY,
    REPLAY_SINGLE_THREAD,
    REPLAY_NAME,
    REPLAY_EXPORT_JSON,
    REPLAY_STYLE,
    REPLAY_HELP,
};

static const struct args_option replay_options[] = {
    [REPLAY_ALLOCATOR] = {'a', "allocator", "NAME[=PATH]",
                          "replay under another allocator too: jemalloc, mimalloc,\n"
                          "tcmalloc or tbbmalloc if installed, all of them with 'all', or\n"
                          "any library by its path; may be repeated"},
    [REPLAY_STRATEGY] = {0, "strategy", "NAME",
                         "replay under tagpool with this strategy too; may be repeated"},
    [REPLAY_OPTION] = {'o', "option", "KEY=VALUE",
                       "set an option of libtagpool.so; may be repeated\n"
                       "(see 'tagpool help options')"},
    [REPLAY_RUNS] = {'r', "runs", "N", "exactly N rounds"},
    [REPLAY_DURATION] = {0, "duration", "SECONDS", "stop when the time is up (default: 30)"},
    [REPLAY_SEED] = {0, "seed", "N", "repeat the order of an earlier measurement"},
    [REPLAY_VERIFY] = {0, "verify", NULL,
                       "measure nothing: fill every block with a pattern and check that\n"
                       "it is intact at each resize and free, once under each allocator"},
    [REPLAY_SINGLE_THREAD] = {0, "single-thread", NULL, "perform the calls of all threads in one"},
    [REPLAY_NAME] = {'n', "name", "TEXT", "what the report calls the trace"},
    [REPLAY_EXPORT_JSON] = {0, "export-json", "FILE",
                            "write everything as JSON; with '-' to standard output, and\n"
                            "the table to standard error"},
    [REPLAY_STYLE] = {0, "style", "STYLE", "auto, basic, full, nocolor, color or none (no table)"},
    [REPLAY_HELP] = {'h', "help", NULL, "print this help"},
    {0},
};

static const char replay_details[] =
    "Performs the calls that tagpool record wrote to FILE again, without the program, under the\n"
    "system's allocator and under tagpool. A new block is written to and a block that is freed is\n"
    "read, one byte in every 64 (in every 4096 above 64 KiB), as a parser would. Each recorded\n"
    "thread, up to 64, has a thread; one runs at a time, in the recorded order.\n\n"
    "Time per call is CPU time, less that of the same loop with an allocator that does nothing. "
    "It\n"
    "is good for comparing allocators on a run; what a program gains in all, tagpool compare "
    "says.\n\n"
    "Exit status: 0 done; 2 wrong usage; 3 FILE is no sound trace, a block was damaged or an\n"
    "allocator failed; 125 tagpool itself failed.\n";

struct replay_request {
    struct plan plan;
    struct variant variants[ROUNDS_VARIANTS_MAX];
    unsigned variant_count;
    char *settings;
    bool verify;
    bool single;
    bool help;
    const char *name;
    const char *export_json;
    struct export export;
    const char *style;
};

/* ---- the command line ---- */

static void replay_add_variant(struct replay_request *request, const struct variant *variant) {
    if (request->variant_count == ROUNDS_VARIANTS_MAX)
        args_refuse("replay", "at most %d variants can be compared", ROUNDS_VARIANTS_MAX);
    for (unsigned i = 0; i < request->variant_count; i++)
        if (strcmp(request->variants[i].name, variant->name) == 0)
            args_refuse("replay", "two variants are called '%s'", variant->name);
    request->variants[request->variant_count++] = *variant;
}

static void replay_add_allocator(struct replay_request *request, const char *argument) {
    if (strcmp(argument, "all") != 0) {
        char *name;
        struct variant variant = {.preload = library_resolve(argument, &name)};
        variant.name = name;
        variant.shim = library_has_tagpool(variant.preload);
        replay_add_variant(request, &variant);
        return;
    }
    for (const struct library_allocator *known = library_allocators; known->name != NULL; known++) {
        struct variant variant = {.name = known->name, .preload = library_of_allocator(known)};
        if (variant.preload != NULL)
            replay_add_variant(request, &variant);
        else
            say_note("%s is left out: the package %s is not installed", known->name,
                     known->package);
    }
}

static void replay_check_setting(const char *setting) {
    char *fault = settings_fault(setting);
    if (fault != NULL)
        args_refuse("replay", "%s", fault);
}

static void replay_add_strategy(struct replay_request *request, const char *strategy) {
    char *setting = memory_format("strategy=%s", strategy);
    replay_check_setting(setting);
    struct variant variant = {
        .name = memory_format("tagpool %s", strategy), .shim = true, .settings = setting};
    replay_add_variant(request, &variant);
}

static void replay_read_option(struct replay_request *request, const struct args *args,
                               enum replay_option option) {
    switch (option) {
    case REPLAY_ALLOCATOR:
        replay_add_allocator(request, args->value);
        break;
    case REPLAY_STRATEGY:
        replay_add_strategy(request, args->value);
        break;
    case REPLAY_OPTION:
        replay_check_setting(args->value);
        request->settings = settings_join(request->settings, args->value);
        break;
    case REPLAY_RUNS:
        request->plan.runs = (unsigned)args_count(args, 1, 100000);
        break;
    case REPLAY_DURATION:
        request->plan.duration_s = args_number(args, 0, 1e7);
        break;
    case REPLAY_SEED:
        request->plan.seed = args_count(args, 0, UINT64_MAX);
        break;
    case REPLAY_VERIFY:
        request->verify = true;
        break;
    case REPLAY_SINGLE_THREAD:
        request->single = true;
        break;
    case REPLAY_NAME:
        request->name = args->value;
        break;
    case REPLAY_EXPORT_JSON:
        request->export_json = args->value;
        break;
    case REPLAY_STYLE:
        request->style = args->value;
        break;
    case REPLAY_HELP:
        request->help = true;
        break;
    }
}

/* Returns what is left of the arguments: the file. Options may follow it. */
static const char *replay_read_arguments(struct replay_request *request, char **arguments) {
    struct args args;
    const char *file = NULL;
    *request = (struct replay_request){
        .plan = {.max_runs = PLAN_MOST_ROUNDS,
                 .duration_s = 30,
                 .threshold = 0.01,
                 .precision = 0.01,
                 .seed = randomness_fresh_seed(),
                 .input = "null",
                 .output = "null"},
        .variants = {{.name = "system"}, {.name = "tagpool", .shim = true}},
        .variant_count = 2,
        .style = "auto",
    };
    args_init(&args, "replay", replay_options, arguments);
    for (;;) {
        for (int option = args_read(&args); option >= 0; option = args_read(&args))
            replay_read_option(request, &args, (enum replay_option)option);
        if (*args.next == NULL)
            return file;
        if (file != NULL)
            args_refuse("replay", "one file at a time, not '%s' too", *args.next);
        file = *args.next++;
    }
}

static void replay_settle_variants(struct replay_request *request) {
    const char *inherited = getenv("LD_PRELOAD");
    if (inherited != NULL && strstr(inherited, "libtagpool") != NULL)
        args_refuse("replay", "LD_PRELOAD holds libtagpool.so already, so that no variant would "
                              "run without it; unset LD_PRELOAD");
    for (unsigned i = 0; i < request->variant_count; i++) {
        struct variant *variant = &request->variants[i];
        if (!variant->shim)
            continue;
        if (variant->preload == NULL)
            variant->preload = library_of_tagpool();
        /* What names the variant comes last, and so decides. */
        if (request->settings != NULL)
            variant->settings =
                variant->settings == NULL
                    ? request->settings
                    : settings_join(memory_copy(request->settings), variant->settings);
    }
}

/* ---- measuring ---- */

/* The results that the runs appended, those of timed rounds only. NULL if they are not what was
 * asked for. */
static struct replay_result *replay_read_results(const char *path, unsigned before,
                                                 unsigned count) {
    size_t bytes, wanted = (before + count) * sizeof(struct replay_result);
    struct replay_result *results = (void *)shared_file_read(path, wanted + 1, &bytes);
    if (results == NULL)
        return NULL;
    bool sound = bytes == wanted;
    for (unsigned i = 0; sound && i < before + count; i++)
        sound = results[i].magic == REPLAY_RESULT_MAGIC && results[i].calls != 0;
    memmove(results, results + before, count * sizeof *results);
    if (sound)
        return results;
    free(results);
    return NULL;
}

static int replay_show(struct replay_request *request, const struct result *result,
                       const struct terminal *terminal, const struct replay_report *about,
                       const char *path) {
    unsigned variants = result->rounds.variant_count;
    /* The check ran the reference twice and each other variant once. */
    struct replay_result *results =
        replay_read_results(path, variants + 1, result->rounds.count * variants);
    if (results == NULL) {
        say_error("the replays did not leave the results that were asked for");
        return STATUS_OWN_FAILURE;
    }
    struct replay_report report = *about;
    report.result = result;
    report.results = results;
    if (strcmp(request->style, "none") != 0)
        replay_report_print(export_tables(&request->export), terminal, &report);
    FILE *out = export_begin(&request->export);
    if (out != NULL)
        replay_report_print_json(out, &report);
    export_end(&request->export);
    free(results);
    return STATUS_DONE;
}

static int replay_measure(struct replay_request *request, const struct target *target,
                          struct terminal *terminal, const struct replay_report *report,
                          const char *results_path) {
    struct experiment experiment;
    int status = STATUS_DONE;
    experiment_init(&experiment, &request->plan, target, request->variants, request->variant_count,
                    0, terminal);
    bool sound = experiment_check(&experiment);
    if (sound && request->verify)
        printf("%s: %llu calls replayed under %u allocators, every block intact\n", report->title,
               (unsigned long long)report->summary->calls, request->variant_count);
    else if (sound && experiment_measure(&experiment))
        status = replay_show(request, &experiment.result, terminal, report, results_path);
    else {
        say_error("%s", experiment.reason);
        status = experiment.status;
    }
    experiment_free(&experiment);
    return status;
}

/* The trace, read and checked as a whole; ends the program when it is not sound. */
static char *replay_check_trace(const char *file, struct trace_reader *reader,
                                struct trace_summary *summary) {
    char *path = realpath(file, NULL);
    if (path == NULL || access(path, R_OK) != 0)
        say_and_exit(STATUS_USAGE, "cannot read %s: %s", file, strerror(errno));
    const char *fault = trace_reader_check(reader, path, summary);
    if (fault != NULL)
        say_and_exit(STATUS_TARGET_FAILED, "%s: %s", file, fault);
    if (summary->calls == 0)
        say_and_exit(STATUS_TARGET_FAILED, "%s: the trace holds no calls", file);
    if (reader->head.end != TAGPOOL_TRACE_EXITED)
        say_note("%s holds only the beginning of the run", file);
    return path;
}

static int replay_main(char **arguments) {
    static struct trace_reader reader;
    struct trace_summary summary;
    struct replay_request request;
    struct target target;
    struct terminal terminal;
    char own_path[PATH_MAX];
    const char *file = replay_read_arguments(&request, arguments);
    if (request.help) {
        command_print_help(stdout, &command_replay);
        return STATUS_DONE;
    }
    if (file == NULL)
        args_refuse("replay", "no trace is named: tagpool replay FILE");
    if (!terminal_init(&terminal, request.style))
        args_refuse("replay", "--style is auto, basic, full, nocolor, color or none, not '%s'",
                    request.style);
    replay_settle_variants(&request);
    export_open(&request.export, request.export_json);
    char *path = replay_check_trace(file, &reader, &summary);
    ssize_t length = readlink("/proc/self/exe", own_path, sizeof own_path - 1);
    if (length <= 0)
        say_and_exit(STATUS_OWN_FAILURE, "cannot find this program: %s", strerror(errno));
    own_path[length] = '\0';
    struct shared_file results;
    shared_file_create(&results,
                       &(struct shared_content){.kind = "replay", .head = "", .bytes = 1});
    if (truncate(results.path, 0) != 0)
        say_and_exit(STATUS_OWN_FAILURE, "cannot empty %s: %s", results.path, strerror(errno));
    char mode[] = {request.verify ? 'v' : 't', request.single ? '1' : 'n', '\0'};
    char child[] = "replay-child";
    char *command[] = {own_path, child, mode, results.path, path, NULL};
    target_resolve(&target, command);
    struct replay_report report = {
        .title = request.name != NULL ? request.name : file,
        .head = &reader.head,
        .summary = &summary,
        .single = request.single,
    };
    int status = replay_measure(&request, &target, &terminal, &report, results.path);
    shared_file_remove(&results);
    free(path);
    return status;
}

const struct command command_replay = {
    .name = "replay",
    .synopsis = "[OPTION...] FILE",
    .summary = "Measure allocators on a recorded run, without the program",
    .details = replay_details,
    .options = replay_options,
    .launches = true,
    .run = replay_main,
};

/* ---- the process that is measured: tagpool replay-child MODE RESULTS TRACE ---- */

static int replay_child_main(char **arguments) {
    struct replay_result result = {0};
    uint64_t calls = 0, live_blocks = 0;
    const char *fault;
    say_as("replay");
    if (arguments[0] == NULL || arguments[1] == NULL || arguments[2] == NULL)
        args_refuse("replay", "replay-child is for tagpool replay alone");
    bool verify = arguments[0][0] == 'v';
    bool single = arguments[0][0] != '\0' && arguments[0][1] == '1';
    if (verify)
        fault = replay_verify(arguments[2], single, &calls, &live_blocks);
    else
        fault = replay_time(arguments[2], single, &result);
    if (fault != NULL)
        say_and_exit(STATUS_TARGET_FAILED, "%s", fault);
    if (verify) {
        printf("%llu calls, %llu blocks left\n", (unsigned long long)calls,
               (unsigned long long)live_blocks);
        return STATUS_DONE;
    }
    int file = open(arguments[1], O_WRONLY | O_APPEND | O_CLOEXEC);
    if (file < 0 || write(file, &result, sizeof result) != (ssize_t)sizeof result)
        say_and_exit(STATUS_OWN_FAILURE, "cannot write to %s: %s", arguments[1], strerror(errno));
    close(file);
    return STATUS_DONE;
}

static const struct args_option replay_child_options[] = {{0}};

const struct command command_replay_child = {
    .name = "replay-child",
    .synopsis = "MODE RESULTS TRACE",
    .details = "It is for tagpool replay alone.\n",
    .options = replay_child_options,
    .run = replay_child_main,
};
