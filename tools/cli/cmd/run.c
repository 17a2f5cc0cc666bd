#include "base/memory.h"
#include "base/say.h"
#include "cmd/commands.h"
#include "launch/proxy.h"
#include "measure/metric.h"
#include "pages/stats_file.h"
#include "target/library.h"
#include "target/settings.h"
#include "target/target.h"
#include "target/variant.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <tagpool/options.h>
#include <unistd.h>

/* What --check sets; options of the user follow and win. */
static const char run_check_settings[] = "strategy=tagged,harden=on,leaks=on,on_fault=report";

/* What the command line asks for. */
struct run_request {
    char *settings;
    bool check;
    bool stats;
};

static const struct args_option run_options[] = {
    SETTINGS_OPTION(struct run_request, settings),
    {0, "check", NULL,
     "look for faults and leaks: tagged, hardened, leaks, report;\n"
     "exit status 99 if something was found",
     ARGS_FLAG(struct run_request, check)},
    {0, "stats", NULL, "print what the pools served afterwards, on standard error",
     ARGS_FLAG(struct run_request, stats)},
    ARGS_OPTION_HELP,
    {0},
};

static const char run_details[] =
    "PROGRAM is looked up in PATH and run without a shell. Its exit status is passed through; if "
    "it\n"
    "dies of a signal, tagpool dies of the same. 126: it cannot be run, or not with the shim;\n"
    "127: it was not found; 125: tagpool itself failed; 2: wrong usage.\n"
    "\n"
    "--check runs it with strategy=tagged,harden=on,leaks=on,on_fault=report and your -o options\n"
    "behind those. Each fault is a line on standard error, and so is each size of leaked blocks; "
    "the\n"
    "last line is the sum: 'check: 2 faults, 3 leaked blocks (120 bytes)'. If something was found "
    "the\n"
    "exit status is 99, whatever the program's own. Where other threads still run at exit, what "
    "they\n"
    "and the C library keep counts as leaked, and a line says so: let them end first.\n";

/* ---- statistics ---- */

static void run_print_classes(const struct stats_process *process, uint64_t calls) {
    fprintf(stderr, "  %12s  %14s  %7s\n", "up to bytes", "calls", "share");
    for (unsigned i = 0; i < TAGPOOL_STATS_CLASSES; i++) {
        uint64_t served = process->counters.pool_calls[i];
        if (served != 0)
            fprintf(stderr, "  %12" PRIu64 "  %14" PRIu64 "  %5.1f %%\n", process->class_bytes[i],
                    served, 100 * (double)served / (double)calls);
    }
}

static void run_print_counters(const struct stats_process *process) {
    static const char *const help[] = {
#define RUN_HELP_TEXT(NAME, HELP) HELP,
        TAGPOOL_STATS_COUNTERS(RUN_HELP_TEXT)
#undef RUN_HELP_TEXT
    };
    const uint64_t counts[] = {
#define RUN_COUNT(NAME, HELP) process->counters.NAME,
        TAGPOOL_STATS_COUNTERS(RUN_COUNT)
#undef RUN_COUNT
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (counts[i] != 0)
            fprintf(stderr, "  %12s  %14" PRIu64 "  %s\n", "", counts[i], help[i]);
}

static void run_print_process(const struct stats_process *process) {
    char peak[32];
    uint64_t calls = stats_process_calls(process);
    uint64_t served = stats_process_pool_calls(process);
    metric_format(METRIC_PEAK, (double)process->pool_bytes_peak, peak, sizeof peak);
    fprintf(stderr,
            "%s (process %" PRIu64 "): %" PRIu64 " calls, %.1f %% served by the pools; peak memory "
            "of the pools %s; threads %" PRIu64 "\n",
            process->name[0] != '\0' ? process->name : "?", process->pid, calls,
            calls != 0 ? 100 * (double)served / (double)calls : 0, peak, process->threads);
    if (process->state != TAGPOOL_STATS_ENDED)
        fprintf(stderr, "  (it did not leave by exit(): counts may be up to 64 too high per class "
                        "and thread)\n");
    if (served != 0)
        run_print_classes(process, calls);
    run_print_counters(process);
}

static void run_print_stats(const char *path, const char *program) {
    struct stats_summary summary;
    const char *fault = stats_file_read(path, &summary);
    if (fault != NULL) {
        say_error("no statistics: %s", fault);
        return;
    }
    if (summary.process_count == 0)
        say_error("no statistics: the shim was not active in %s, which dropped LD_PRELOAD or "
                  "stops the library from loading",
                  program);
    for (unsigned i = 0; i < summary.process_count; i++)
        run_print_process(&summary.processes[i]);
    if (summary.processes_missed != 0)
        say_note("%" PRIu64 " more processes found no room in the statistics",
                 summary.processes_missed);
    stats_summary_free(&summary);
}

/* ---- the check ---- */

/* What a checked run has found, over all its processes. */
struct run_findings {
    uint64_t faults;
    uint64_t leaked_blocks;
    uint64_t leaked_bytes;
    uint64_t processes;
    uint64_t not_ended; /* processes whose leaks nobody counted */
};

static struct run_findings run_find(const struct stats_summary *summary) {
    struct run_findings findings = {
        .faults = summary->missed_faults,
        .leaked_blocks = summary->missed_leaked_blocks,
        .leaked_bytes = summary->missed_leaked_bytes,
        .processes = summary->process_count + summary->processes_missed,
        .not_ended = summary->processes_missed - summary->missed_ended,
    };
    for (unsigned i = 0; i < summary->process_count; i++) {
        const struct stats_process *process = &summary->processes[i];
        findings.faults += process->faults;
        findings.leaked_blocks += process->leaked_blocks;
        findings.leaked_bytes += process->leaked_bytes;
        findings.not_ended += process->state != TAGPOOL_STATS_ENDED;
    }
    return findings;
}

/* Says the sum. Returns STATUS_DONE when nothing was found. */
static enum exit_status run_check(const char *path, const char *program) {
    struct stats_summary summary;
    const char *fault = stats_file_read(path, &summary);
    if (fault != NULL) {
        say_error("check: no result: %s", fault);
        return STATUS_OWN_FAILURE;
    }
    if (stats_summary_calls(&summary) == 0) {
        say_error("check: no result: the shim saw no call of %s, which dropped LD_PRELOAD, brings "
                  "a malloc of its own or allocates nothing",
                  program);
        stats_summary_free(&summary);
        return STATUS_CANNOT_RUN;
    }
    struct run_findings findings = run_find(&summary);
    say_error("check: %" PRIu64 " fault%s, %" PRIu64 " leaked block%s (%" PRIu64 " bytes)",
              findings.faults, findings.faults != 1 ? "s" : "", findings.leaked_blocks,
              findings.leaked_blocks != 1 ? "s" : "", findings.leaked_bytes);
    if (findings.not_ended != 0)
        say_note("%" PRIu64 " of %" PRIu64 " processes did not leave by exit(): their leaks are "
                 "not counted",
                 findings.not_ended, findings.processes);
    stats_summary_free(&summary);
    return findings.faults != 0 || findings.leaked_blocks != 0 ? STATUS_FOUND : STATUS_DONE;
}

/* ---- running ---- */

__attribute__((noreturn)) static void run_execute(const struct target *target, char **envp) {
    execve(target->path, target->argv, envp);
    say_and_exit(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN, "cannot execute %s: %s",
                 target->path, strerror(errno));
}

__attribute__((noreturn)) static void run_with_page(const struct target *target,
                                                    const struct variant *variant,
                                                    const struct run_request *request) {
    struct stats_file page;
    struct variant_environment environment;
    struct proxy_result result;
    stats_file_create(&page);
    variant_environment_make(&environment, variant, page.path);
    struct proxy_run run = {.target = target, .envp = environment.strings, .input = -1};
    if (!proxy_run(&run, &result)) {
        int error = errno;
        stats_file_remove(&page);
        say_and_exit(STATUS_OWN_FAILURE, "cannot start the program: %s", strerror(error));
    }
    if (request->stats)
        run_print_stats(page.path, target->argv[0]);
    int found = request->check ? run_check(page.path, target->argv[0]) : STATUS_DONE;
    stats_file_remove(&page);
    if (found != STATUS_DONE)
        exit(found);
    proxy_end_like(result.wait_status);
}

/* ---- the command ---- */

static void run_program(const struct run_request *request, char **command) {
    struct target target;
    struct target_findings findings;
    target_resolve(&target, command);
    target_inspect(&target, &findings);
    /* Only a refusal is said: the program's standard error is its own. */
    for (unsigned i = 0; i < findings.count; i++)
        if (findings.items[i].refuses)
            say_and_exit(STATUS_CANNOT_RUN, "%s", findings.items[i].text);
    char *settings = request->settings;
    if (request->check)
        settings = settings == NULL ? memory_copy(run_check_settings)
                                    : memory_format("%s,%s", run_check_settings, settings);
    struct variant variant = {.preload = library_of_tagpool(), .settings = settings, .shim = true};
    if (request->stats || request->check)
        run_with_page(&target, &variant, request);
    struct variant_environment environment;
    variant_environment_make(&environment, &variant, NULL);
    run_execute(&target, environment.strings);
}

static int run_main(char **arguments) {
    struct run_request request = {0};
    run_program(&request, command_read_program(&command_run, &request, arguments));
    return STATUS_OWN_FAILURE;
}

const struct command command_run = {
    .name = "run",
    .synopsis = "[OPTION...] -- PROGRAM [ARGUMENT...]",
    .summary = "Run a program with the allocator libtagpool.so",
    .details = run_details,
    .options = run_options,
    .run = run_main,
};
