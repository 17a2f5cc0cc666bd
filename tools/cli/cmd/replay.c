#include "base/export.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/say.h"
#include "base/terminal.h"
#include "base/wrap.h"
#include "cmd/commands.h"
#include "measure/experiment.h"
#include "replay/report.h"
#include "replay/times.h"
#include "target/library.h"
#include "target/settings.h"
#include "target/variants.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REPLAY_DURATION_S = 30 };

/* What the command line asks for. */
struct replay_request {
    struct plan plan;
    struct variants variants;
    char *settings;
    bool verify;
    bool single;
    const char *name;
    const char *export_json;
    enum terminal_style style;
};

static const struct args_option replay_options[] = {
    {'a', "allocator", "NAME[=PATH]",
     "replay under another allocator too: jemalloc, mimalloc,\n"
     "tcmalloc or tbbmalloc if installed, all of them with 'all', or\n"
     "any library by its path; may be repeated",
     ARGS_CALL(struct replay_request, variants, variants_take_allocator),
     .suggest = library_suggest},
    {0, "strategy", "NAME", "replay under tagpool with this strategy too; may be repeated",
     ARGS_CALL(struct replay_request, variants, variants_take_strategy)},
    SETTINGS_OPTION(struct replay_request, settings),
    {'r', "runs", "N", "exactly N rounds", ARGS_COUNT(struct replay_request, plan.runs, 1, 100000)},
    {0, "duration", "SECONDS", "stop when the time is up (default: 30)",
     ARGS_SECONDS(struct replay_request, plan.duration_s)},
    {0, "seed", "N", "repeat the order of an earlier measurement",
     ARGS_COUNT(struct replay_request, plan.seed, 0, UINT64_MAX)},
    {0, "verify", NULL,
     "measure nothing: fill every block with a pattern and check that\n"
     "it is intact at each resize and free, once under each allocator",
     ARGS_FLAG(struct replay_request, verify)},
    {0, "single-thread", NULL, "perform the calls of all threads in one",
     ARGS_FLAG(struct replay_request, single)},
    {'n', "name", "TEXT", "what the report calls the trace",
     ARGS_TEXT(struct replay_request, name)},
    {0, "export-json", "FILE",
     "write everything as JSON; with '-' to standard output, and\n"
     "the table to standard error",
     ARGS_FILE(struct replay_request, export_json)},
    TERMINAL_OPTION_STYLE(struct replay_request, style),
    ARGS_OPTION_HELP,
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

/* ---- the command line ---- */

static void replay_check_request(struct replay_request *request) {
    struct plan *plan = &request->plan;
    const char *measures = plan->runs != 0                ? "runs"
                           : plan->duration_s >= 0        ? "duration"
                           : request->export_json != NULL ? "export-json"
                                                          : NULL;
    if (request->verify && measures != NULL)
        args_refuse("--verify measures nothing; leave out --%s", measures);
    if (plan->runs != 0 && plan->duration_s >= 0)
        args_refuse("--runs %u is the number of rounds; leave out --duration", plan->runs);
    if (plan->duration_s < 0)
        plan->duration_s = REPLAY_DURATION_S;
}

/* Returns the file. */
static const char *replay_read_arguments(struct replay_request *request, char **arguments) {
    *request = (struct replay_request){
        .plan = {.max_runs = PLAN_MOST_ROUNDS,
                 .duration_s = -1,
                 .threshold = 0.01,
                 .precision = 0.01,
                 .seed = randomness_fresh_seed(),
                 .input = "null",
                 .output = "null"},
    };
    variants_add_standard(&request->variants);
    char **files = command_read_all(&command_replay, request, arguments);
    replay_check_request(request);
    const char *file = files[0];
    if (file == NULL)
        args_refuse("no trace is named: tagpool replay FILE");
    if (files[1] != NULL)
        args_refuse("one file at a time, not '%s' too", files[1]);
    free(files);
    return file;
}

/* ---- measuring ---- */

static int replay_show(const struct replay_request *request, struct export *export,
                       const struct result *result, const struct terminal *terminal,
                       const struct replay_report *about, const char *path) {
    unsigned variants = result->rounds.variant_count;
    unsigned count = result->rounds.count * variants;
    /* The check ran the reference twice and each other variant once. */
    if (result->interrupted)
        times_keep_first(path, variants + 1 + count);
    struct replay_result *results = times_read(path, variants + 1, count);
    if (results == NULL) {
        say_error("the replays did not leave the results that were asked for");
        return STATUS_OWN_FAILURE;
    }
    struct replay_report report = *about;
    report.result = result;
    report.results = results;
    if (request->style != TERMINAL_NONE) {
        FILE *sheet = wrap_open(export_tables(export));
        replay_report_print(sheet, terminal, &report);
        wrap_close(sheet);
    }
    FILE *out = export_begin(export);
    if (out != NULL)
        replay_report_print_json(out, &report);
    export_end(export);
    free(results);
    return result->interrupted ? (int)interrupt_status() : STATUS_DONE;
}

static int replay_measure(const struct replay_request *request, struct export *export,
                          const struct target *target, struct terminal *terminal,
                          const struct replay_report *report, const char *results_path) {
    struct experiment experiment;
    int status = STATUS_DONE;
    experiment_init(&experiment, &request->plan, target, request->variants.items,
                    request->variants.count, 0, terminal);
    bool sound = experiment_check(&experiment);
    if (sound && request->verify)
        printf("%s: %llu call%s replayed under %u allocators, every block intact\n", report->title,
               (unsigned long long)report->summary->calls, report->summary->calls == 1 ? "" : "s",
               request->variants.count);
    else if (sound && experiment_measure(&experiment))
        status = replay_show(request, export, &experiment.result, terminal, report, results_path);
    else {
        say_error("%s", experiment.reason);
        status = experiment.status;
    }
    experiment_free(&experiment);
    return status;
}

/* Each replay reads it again, from our descriptor of the copy. */
static char *replay_keep_standard_input(void) {
    static struct spool spool;
    spool_open(&spool, "-");
    return memory_format("/proc/%d/fd/%d", (int)getpid(), spool.source);
}

/* The trace, read and checked as a whole; ends the program when it is not sound. */
static char *replay_check_trace(const char *file, struct trace_reader *reader,
                                struct trace_summary *summary) {
    char *path = strcmp(file, "-") == 0 ? replay_keep_standard_input() : realpath(file, NULL);
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
    struct export export;
    char own_path[PATH_MAX];
    const char *file = replay_read_arguments(&request, arguments);
    terminal_init(&terminal, request.style);
    variants_refuse_inherited_shim();
    variants_settle(&request.variants, request.settings);
    export_open(&export, request.export_json);
    char *path = replay_check_trace(file, &reader, &summary);
    ssize_t length = readlink("/proc/self/exe", own_path, sizeof own_path - 1);
    if (length <= 0)
        say_and_exit(STATUS_OWN_FAILURE, "cannot find this program: %s", strerror(errno));
    own_path[length] = '\0';
    struct shared_file results;
    times_create(&results);
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
    int status = replay_measure(&request, &export, &target, &terminal, &report, results.path);
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
    .takes_files = true,
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
        args_refuse("replay-child is for tagpool replay alone");
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
    times_append(arguments[1], &result);
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
