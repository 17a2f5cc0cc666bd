#include "command.h"
#include "library.h"
#include "memory.h"
#include "metric.h"
#include "proxy.h"
#include "say.h"
#include "settings.h"
#include "stats_file.h"
#include "target.h"
#include "variant.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <tagpool/options.h>
#include <unistd.h>

enum run_option { RUN_OPTION, RUN_STATS, RUN_HELP };

static const struct args_option run_options[] = {
    [RUN_OPTION] =
        {'o', "option", "KEY=VALUE",
         "set an option of libtagpool.so; may be repeated\n(see 'tagpool help options')"},
    [RUN_STATS] = {0, "stats", NULL, "print what the pools served afterwards, on standard error"},
    [RUN_HELP] = {'h', "help", NULL, "print this help"},
    {0},
};

static const char run_details[] =
    "PROGRAM is looked up in PATH and run without a shell. Its exit status is passed through; if "
    "it\n"
    "dies of a signal, tagpool dies of the same. 126: it cannot be run, or not with the shim;\n"
    "127: it was not found; 125: tagpool itself failed; 2: wrong usage.\n";

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

/* ---- running ---- */

__attribute__((noreturn)) static void run_execute(const struct target *target, char **envp) {
    execve(target->path, target->argv, envp);
    say_and_exit(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN, "cannot execute %s: %s",
                 target->path, strerror(errno));
}

__attribute__((noreturn)) static void run_with_stats(const struct target *target,
                                                     const struct variant *variant) {
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
    run_print_stats(page.path, target->argv[0]);
    stats_file_remove(&page);
    proxy_end_like(result.wait_status);
}

/* ---- the command ---- */

static int run_main(char **arguments) {
    struct args args;
    char *settings = NULL;
    bool stats = false;
    args_init(&args, "run", run_options, arguments);
    for (int option = args_read(&args); option >= 0; option = args_read(&args)) {
        char *fault = option == RUN_OPTION ? settings_fault(args.value) : NULL;
        if (fault != NULL)
            args_refuse("run", "%s", fault);
        if (option == RUN_HELP) {
            command_print_help(stdout, &command_run);
            return STATUS_DONE;
        }
        if (option == RUN_OPTION)
            settings = settings_join(settings, args.value);
        stats = stats || option == RUN_STATS;
    }
    if (*args.next == NULL)
        args_refuse("run", "no program is named: tagpool run -- PROGRAM");
    struct target target;
    struct target_findings findings;
    target_resolve(&target, args.next);
    target_inspect(&target, &findings);
    /* Only a refusal is said: the program's standard error is its own. */
    for (unsigned i = 0; i < findings.count; i++)
        if (findings.items[i].refuses)
            say_and_exit(STATUS_CANNOT_RUN, "%s", findings.items[i].text);
    struct variant variant = {.preload = library_of_tagpool(), .settings = settings, .shim = true};
    if (stats)
        run_with_stats(&target, &variant);
    struct variant_environment environment;
    variant_environment_make(&environment, &variant, NULL);
    run_execute(&target, environment.strings);
}

const struct command command_run = {
    .name = "run",
    .synopsis = "[OPTION...] -- PROGRAM [ARGUMENT...]",
    .summary = "Run a program with the allocator libtagpool.so",
    .details = run_details,
    .options = run_options,
    .run = run_main,
};
