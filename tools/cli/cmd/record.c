#include "base/say.h"
#include "cmd/commands.h"
#include "launch/tracing.h"
#include "replay/recording.h"

#include <string.h>
#include <tagpool/trace_file.h>

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

static int record_main(char **arguments) {
    struct record_request request;
    struct recording recording;
    struct target target;
    struct proxy_result result;
    char **command = record_read_arguments(&request, arguments);
    target_resolve(&target, command);
    target_follow_manager_aloud(&target);
    target_refuse(&target);
    recording_open(&recording, request.output, request.process, request.limit_bytes);
    const struct tracing_file file = {TAGPOOL_TRACE_VARIABLE, recording.part};
    tracing_run(&target, &file, 1, -1, -1, &result);
    bool kept = recording_finish(&recording, command[0], request.quiet);
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
