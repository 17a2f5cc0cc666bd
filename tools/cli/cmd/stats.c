#include "base/clock.h"
#include "base/export.h"
#include "base/memory.h"
#include "base/say.h"
#include "base/wrap.h"
#include "cmd/commands.h"
#include "measure/live_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STATS_INTERVAL_S = 2 };

/* What the command line asks for. */
struct stats_request {
    bool all;
    bool watch;
    double interval_s;
    enum live_format format;
    const char *output;
    const char *prune;
    int *pids;
    unsigned pid_count;
    struct export file; /* of --output, opened; or without an option */
};

static const struct args_option stats_options[] = {
    {0, "all", NULL, "every process that runs with the library",
     ARGS_FLAG(struct stats_request, all)},
    {0, "watch", NULL, "look again and again, until Ctrl-C or until the processes have ended",
     ARGS_FLAG(struct stats_request, watch)},
    {0, "interval", "SECONDS", "how long --watch waits (default: 2; 0.1 or more)",
     ARGS_NUMBER_OF(struct stats_request, interval_s, 0.1, ARGS_SECONDS_MOST, 1)},
    {0, "format", "FORMAT", "table, json or openmetrics (default: table)",
     ARGS_CHOICE(struct stats_request, format, live_formats)},
    {0, "output", "FILE", "write to FILE, which is replaced as a whole",
     ARGS_FILE(struct stats_request, output)},
    {0, "prune", "DIRECTORY",
     "first remove the files of ended processes from DIRECTORY; killed\n"
     "ones leave theirs behind",
     ARGS_FILE(struct stats_request, prune)},
    ARGS_OPTION_HELP,
    {0},
};

static const char stats_details[] =
    "Shows what processes do that run with libtagpool.so now. Each keeps its statistics in a file\n"
    "if it was started with TAGPOOL_STATS=/DIRECTORY/ in its environment:\n"
    "    TAGPOOL_STATS=/run/tagpool/ tagpool run -- nginx -g 'daemon off;'\n"
    "    tagpool stats --all --watch\n\n"
    "calls: requests for memory. by pools: those that the pools served. live and free: bytes of\n"
    "the pools in use, counted about once a second while slabs change hands, and held for further\n"
    "blocks. page faults: of the whole process. faults: misused pointers that were found. Files\n"
    "of ended processes are not read; a process of another user needs root.\n\n"
    "Exit status: 0 done; 2 wrong usage; 3 a process has ended, is not to be seen, or keeps no\n"
    "statistics; 125 tagpool itself failed.\n";

static void stats_read_pids(struct stats_request *request, char **words) {
    for (; *words != NULL; words++) {
        char *end;
        errno = 0;
        long pid = strtol(*words, &end, 10);
        if (errno != 0 || end == *words || *end != '\0' || pid <= 0 || pid > INT32_MAX)
            args_refuse("'%s' is not the number of a process", *words);
        request->pids = memory_resize(request->pids, request->pid_count + 1, sizeof *request->pids);
        request->pids[request->pid_count++] = (int)pid;
    }
    if (request->all == (request->pid_count > 0) && (request->all || request->prune == NULL))
        args_refuse(request->all ? "either --all or the numbers of processes"
                                 : "give the number of a process, or --all");
}

/* Why there is nothing to show of a process. */
static void stats_explain(const struct live_process *process) {
    const char *name = process->name[0] != '\0' ? process->name : "?";
    switch (process->state) {
    case LIVE_KEPT:
        break;
    case LIVE_GONE:
        say_error("no process %d runs", process->pid);
        break;
    case LIVE_HIDDEN:
        say_error("process %d (%s) may not be looked at: it is another user's; ask as that user "
                  "or as root",
                  process->pid, name);
        break;
    case LIVE_WITHOUT:
        say_error("process %d (%s) does not run with libtagpool.so: it was started without it, or "
                  "dropped LD_PRELOAD",
                  process->pid, name);
        break;
    case LIVE_NOT_KEPT:
        say_error("process %d (%s) runs with libtagpool.so but keeps no statistics: start it with "
                  "TAGPOOL_STATS=/DIRECTORY/ in its environment",
                  process->pid, name);
        break;
    case LIVE_UNREADABLE:
        say_error("process %d (%s): %s", process->pid, name, process->fault);
        break;
    }
}

/* False if one that was asked for has nothing to show. */
static bool stats_look(const struct stats_request *request, struct live *live) {
    bool sound = true;
    if (request->all) {
        live_look_at_all(live);
        return true;
    }
    *live = (struct live){.items = memory_array(request->pid_count, sizeof *live->items)};
    for (unsigned i = 0; i < request->pid_count; i++) {
        struct live_process *process = &live->items[live->count++];
        live_look(process, request->pids[i]);
        sound = sound && process->state == LIVE_KEPT;
    }
    return sound;
}

/* What a table of all leaves out: one line for those without statistics, which may be many. */
static void stats_tell_rest(const struct live *live) {
    const struct live_process *first = NULL;
    unsigned without = 0;
    for (unsigned i = 0; i < live->count; i++)
        if (live->items[i].state == LIVE_NOT_KEPT) {
            first = without++ == 0 ? &live->items[i] : first;
        } else {
            stats_explain(&live->items[i]);
        }
    if (without != 0)
        say_note("%u process%s with libtagpool.so but keep%s no statistics, %s %d (%s): start "
                 "with TAGPOOL_STATS=/DIRECTORY/ in the environment",
                 without, without == 1 ? " runs" : "es run", without == 1 ? "s" : "",
                 without == 1 ? "number" : "such as", first->pid, first->name);
    if (live->count == 0)
        say_note("no process%s runs with libtagpool.so",
                 live->hidden != 0 ? " that may be looked at" : "");
    if (live->hidden != 0)
        say_note("%u process%s of other users may not be looked at: ask as root", live->hidden,
                 live->hidden == 1 ? "" : "es");
}

static void stats_open(struct stats_request *request) {
    export_open_for(&request->file, "--output", request->output != NULL ? request->output : "-");
}

static void stats_print(struct stats_request *request, const struct live *live,
                        const struct live *before, double seconds) {
    if (request->file.option == NULL)
        stats_open(request);
    FILE *out = export_begin(&request->file);
    FILE *sheet = request->format == LIVE_TABLE ? wrap_open(out) : out;
    live_report_print(sheet, request->format, live, before, seconds);
    wrap_close(sheet);
    export_end(&request->file);
    request->file.option = NULL;
    fflush(stdout);
}

static bool stats_any_kept(const struct live *live) {
    for (unsigned i = 0; i < live->count; i++)
        if (live->items[i].state == LIVE_KEPT)
            return true;
    return false;
}

static void stats_wait(double seconds) {
    struct timespec left = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

static int stats_watch(struct stats_request *request, struct live *live) {
    struct live before = {0};
    double last_s = clock_wall_s(), seconds = 0;
    bool screen = request->output == NULL && request->format == LIVE_TABLE && isatty(STDOUT_FILENO);
    while (request->all || stats_any_kept(live)) {
        if (screen)
            fputs("\033[H\033[2J", stdout);
        stats_print(request, live, before.items != NULL ? &before : NULL, seconds);
        if (screen)
            printf("\nevery %g s; Ctrl-C ends it\n", request->interval_s);
        fflush(stdout);
        stats_wait(request->interval_s);
        live_free(&before);
        before = *live;
        stats_look(request, live);
        seconds = clock_wall_s() - last_s;
        last_s += seconds;
    }
    live_free(&before);
    say_note(request->pid_count == 1 ? "the process has ended" : "the processes have ended");
    return STATUS_DONE;
}

static void stats_prune(const struct stats_request *request) {
    int removed = live_prune(request->prune);
    if (removed < 0)
        say_and_exit(STATUS_USAGE, "cannot read --prune %s: %s", request->prune, strerror(errno));
    if (request->format == LIVE_TABLE)
        say_note("%d file%s of ended processes removed", removed, removed == 1 ? "" : "s");
}

static int stats_main(char **arguments) {
    struct stats_request request = {0};
    struct live live;
    char **processes = command_read_all(&command_stats, &request, arguments);
    stats_read_pids(&request, processes);
    free(processes);
    if (request.interval_s != 0 && !request.watch)
        args_refuse("--interval is how long --watch waits; add that, or leave it out");
    if (request.interval_s == 0)
        request.interval_s = STATS_INTERVAL_S;
    stats_open(&request); /* before anything is removed or waited for */
    if (request.prune != NULL)
        stats_prune(&request);
    if (!request.all && request.pid_count == 0)
        return STATUS_DONE;
    bool sound = stats_look(&request, &live);
    if (!sound || (request.all && request.format == LIVE_TABLE)) {
        if (request.all)
            stats_tell_rest(&live);
        else
            for (unsigned i = 0; i < live.count; i++)
                stats_explain(&live.items[i]);
    }
    int status = sound ? STATUS_DONE : STATUS_TARGET_FAILED;
    if (request.watch && (request.all || stats_any_kept(&live)))
        status = stats_watch(&request, &live);
    else if (request.all || stats_any_kept(&live))
        stats_print(&request, &live, NULL, 0);
    live_free(&live);
    free(request.pids);
    return status;
}

const struct command command_stats = {
    .name = "stats",
    .synopsis = "[OPTION...] PROCESS...|--all",
    .summary = "Show what running processes do with the allocator",
    .details = stats_details,
    .options = stats_options,
    .takes_processes = true,
    .run = stats_main,
};
