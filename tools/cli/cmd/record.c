#include "base/leftover.h"
#include "base/memory.h"
#include "base/say.h"
#include "cmd/commands.h"
#include "launch/tracing.h"
#include "measure/metric.h"
#include "pages/trace_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORD_LIMIT_BYTES = 1 << 30 }; /* unless another is given */

/* What the command line asks for. */
struct record_request {
    const char *output;
    uint64_t limit_bytes;
    const char *process;
    bool quiet;
};

static const struct args_option record_options[] = {
    {'o', "output", "FILE", "the trace to make; what is in FILE is replaced",
     ARGS_FILE(struct record_request, output)},
    {0, "limit", "MIB",
     "record no more than so much, about 500,000 calls to a MiB\n"
     "(default: 1024)",
     ARGS_MIB(struct record_request, limit_bytes, 1, 1 << 20)},
    {0, "process", "NAME",
     "record the first process whose program has this file name\n"
     "(default: PROGRAM itself)",
     ARGS_TEXT(struct record_request, process)},
    {'q', "quiet", NULL, "say nothing about what was recorded",
     ARGS_FLAG(struct record_request, quiet)},
    ARGS_OPTION_HELP,
    {0},
};

static const char record_details[] =
    "Runs PROGRAM and writes each of its calls of malloc and free to FILE, about 2 bytes a call, "
    "for\n"
    "tagpool replay. One process is recorded: the first; what it executes in its place by exec\n"
    "replaces it, and its children are left out. The calls of all its threads are in one order.\n"
    "What was recorded is kept when the program is killed; it is in FILE.part until the run ends.\n"
    "A process that outlives PROGRAM is recorded until then. The library keeps about 130 bytes "
    "for\n"
    "each live block, in memory of its own.\n\n"
    "The exit status is PROGRAM's; if it dies of a signal, tagpool dies of the same. 126: it\n"
    "cannot be run, or not with the library; 127: it was not found; 125: tagpool itself failed;\n"
    "2: wrong usage.\n";

static char **record_read_arguments(struct record_request *request, char **arguments) {
    *request = (struct record_request){.limit_bytes = RECORD_LIMIT_BYTES};
    char **command = command_read(&command_record, request, arguments);
    if (request->process != NULL && strlen(request->process) >= TAGPOOL_TRACE_NAME_BYTES)
        args_refuse("--process is a file name of at most %d bytes", TAGPOOL_TRACE_NAME_BYTES - 1);
    if (request->output == NULL)
        args_refuse("no file is named for the trace: tagpool record -o FILE -- PROGRAM");
    if (*command == NULL)
        args_refuse("no program is named: tagpool record -o FILE -- PROGRAM");
    return command;
}

/* The paths are absolute: the program may change its directory. */
struct record_files {
    char *output; /* without links */
    char *part;   /* what the library writes to */
    char *sealed; /* the trace, until it takes the place of `output` */
    mode_t mode;  /* of what is in `output` already; 0: nothing is */
};

__attribute__((noreturn)) static void record_refuse_output(const struct record_request *request,
                                                           const char *why) {
    say_and_exit(STATUS_USAGE, "cannot write --output %s: %s", request->output, why);
}

/* Finds out now whether OUTPUT can be written, and leaves it as it was. */
static void record_find_output(const struct record_request *request, struct record_files *files) {
    struct stat about;
    int flags = O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int file = open(request->output, flags | O_CREAT | O_EXCL, 0666);
    bool created = file >= 0;
    if (!created && errno == EEXIST)
        file = open(request->output, flags);
    if (file < 0 || fstat(file, &about) != 0)
        record_refuse_output(request, strerror(errno));
    if (!S_ISREG(about.st_mode))
        record_refuse_output(request, "a trace has to be a file");
    close(file);
    files->mode = created ? 0 : about.st_mode;
    files->output = realpath(request->output, NULL);
    if (files->output == NULL)
        record_refuse_output(request, strerror(errno));
    if (created)
        unlink(files->output);
}

/* What is recorded goes to OUTPUT.part: a new file, because an earlier one may still be written to.
 */
static void record_create(const struct record_request *request, struct record_files *files) {
    struct tagpool_trace_head head = {
        .magic = TAGPOOL_TRACE_MAGIC,
        .version = TAGPOOL_TRACE_VERSION,
        .head_bytes = sizeof head,
        .limit_bytes = request->limit_bytes,
    };
    if (request->process != NULL)
        memcpy(head.wanted, request->process, strlen(request->process));
    record_find_output(request, files);
    files->part = memory_format("%s.part", files->output);
    files->sealed = memory_format("%s.sealed", files->output);
    unlink(files->part);
    int file = open(files->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0 || write(file, &head, sizeof head) != (ssize_t)sizeof head)
        say_and_exit(STATUS_OWN_FAILURE, "cannot write %s: %s", files->part, strerror(errno));
    close(file);
}

static void record_print(const struct record_request *request,
                         const struct tagpool_trace_head *head) {
    static const char *const ends[] = {
#define RECORD_END_TEXT(ID, TEXT) TEXT,
        TAGPOOL_TRACE_ENDS(RECORD_END_TEXT)
#undef RECORD_END_TEXT
    };
    char bytes[32], peak[32];
    metric_format(METRIC_PEAK, (double)(sizeof *head + head->stream_bytes), bytes, sizeof bytes);
    metric_format(METRIC_PEAK, (double)head->peak_bytes, peak, sizeof peak);
    fprintf(stderr,
            "tagpool record: %s: %" PRIu64 " calls of %s in %s, %" PRIu64 " thread%s, at most %s "
            "live; %s\n",
            request->output, head->calls, head->name, bytes, head->threads,
            head->threads == 1 ? "" : "s", peak, ends[head->end]);
    if (head->left_out != 0 && request->process == NULL)
        say_note("one process was recorded and %" PRIu64 " left out; --process NAME chooses",
                 head->left_out);
    if (head->missed_calls != 0)
        say_note("%" PRIu64 " calls of signal handlers are left out", head->missed_calls);
}

/* The trace takes the place of what was there. */
static const char *record_keep(const struct record_files *files) {
    bool kept = (files->mode == 0 || chmod(files->sealed, files->mode & 0777) == 0) &&
                rename(files->sealed, files->output) == 0;
    return kept ? NULL : strerror(errno);
}

/* False when there is nothing worth keeping. */
static bool record_finish(const struct record_request *request, const struct record_files *files,
                          const char *program) {
    static struct trace_reader reader;
    struct trace_summary summary;
    const char *fault = trace_reader_seal(&reader, files->part, files->sealed, &summary);
    if (fault == NULL && reader.head.pid == 0 && reader.head.left_out != 0) {
        say_error("no trace: no process was called %s", reader.head.wanted);
        return false;
    }
    if (fault == NULL && reader.head.pid == 0) {
        say_error("no trace: the library was not active in %s, which dropped LD_PRELOAD or stops "
                  "it from loading",
                  program);
        return false;
    }
    if (fault == NULL)
        fault = record_keep(files);
    if (fault != NULL) {
        say_error("no trace: %s: %s", request->output, fault);
        return false;
    }
    for (char *p = reader.head.name; p < reader.head.name + sizeof reader.head.name; p++)
        if (*p != '\0' && (*p < ' ' || *p > '~'))
            *p = '?';
    reader.head.name[sizeof reader.head.name - 1] = '\0';
    if (!request->quiet)
        record_print(request, &reader.head);
    return true;
}

static int record_main(char **arguments) {
    struct record_request request;
    struct record_files files;
    struct target target;
    struct proxy_result result;
    char **command = record_read_arguments(&request, arguments);
    tracing_resolve(&target, command);
    record_create(&request, &files);
    tracing_run(&target, TAGPOOL_TRACE_VARIABLE, files.part, -1, &result);
    leftover_note(files.sealed);
    bool kept = record_finish(&request, &files, command[0]);
    unlink(files.part);
    if (!kept && result.wait_status == 0)
        return STATUS_TARGET_FAILED;
    proxy_end_like(result.wait_status);
}

const struct command command_record = {
    .name = "record",
    .synopsis = "-o FILE [OPTION...] -- PROGRAM [ARGUMENT...]",
    .summary = "Write down the allocation calls of a run, for tagpool replay",
    .details = record_details,
    .options = record_options,
    .run = record_main,
};
