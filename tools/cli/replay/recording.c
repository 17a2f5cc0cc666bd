#include "replay/recording.h"

#include "base/leftover.h"
#include "base/memory.h"
#include "base/say.h"
#include "measure/metric.h"
#include "pages/trace_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((noreturn)) static void recording_refuse(const struct recording *recording,
                                                       const char *why) {
    say_and_exit(STATUS_USAGE, "cannot write --output %s: %s", recording->output, why);
}

/* Opens the file to know that it can be written, and leaves it as it was. */
static void recording_find(struct recording *recording) {
    struct stat about;
    int flags = O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int file = open(recording->output, flags | O_CREAT | O_EXCL, 0666);
    bool created = file >= 0;
    if (!created && errno == EEXIST)
        file = open(recording->output, flags);
    if (file < 0 || fstat(file, &about) != 0)
        recording_refuse(recording, strerror(errno));
    if (!S_ISREG(about.st_mode))
        recording_refuse(recording, "a trace has to be a file");
    close(file);
    recording->mode = created ? 0 : about.st_mode;
    recording->path = realpath(recording->output, NULL);
    if (recording->path == NULL)
        recording_refuse(recording, strerror(errno));
    if (created)
        unlink(recording->path);
}

/* What is recorded goes to a new file, because an earlier one may still be written to. */
static void recording_create(struct recording *recording) {
    struct tagpool_trace_head head = {
        .magic = TAGPOOL_TRACE_MAGIC,
        .version = TAGPOOL_TRACE_VERSION,
        .head_bytes = sizeof head,
        .limit_bytes = recording->limit_bytes,
    };
    if (recording->process != NULL)
        memcpy(head.wanted, recording->process, strlen(recording->process));
    recording->part = memory_format("%s.part", recording->path);
    recording->sealed = memory_format("%s.sealed", recording->path);
    unlink(recording->part);
    int file = open(recording->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0 || write(file, &head, sizeof head) != (ssize_t)sizeof head)
        say_and_exit(STATUS_OWN_FAILURE, "cannot write %s: %s", recording->part, strerror(errno));
    close(file);
}

static void recording_print(const struct recording *recording,
                            const struct tagpool_trace_head *head) {
    static const char *const ends[] = {
#define RECORDING_END_TEXT(ID, TEXT) TEXT,
        TAGPOOL_TRACE_ENDS(RECORDING_END_TEXT)
#undef RECORDING_END_TEXT
    };
    char bytes[32], peak[32];
    metric_format(METRIC_PEAK, (double)(sizeof *head + head->stream_bytes), bytes, sizeof bytes);
    metric_format(METRIC_PEAK, (double)head->peak_bytes, peak, sizeof peak);
    say_error("%s: %" PRIu64 " call%s of %s in %s, %" PRIu64 " thread%s, at most %s live; %s",
              recording->output, head->calls, head->calls == 1 ? "" : "s", head->name, bytes,
              head->threads, head->threads == 1 ? "" : "s", peak, ends[head->end]);
    if (head->left_out != 0 && recording->process == NULL)
        say_note("one process was recorded and %" PRIu64 " left out; --process NAME chooses",
                 head->left_out);
    if (head->missed_calls != 0)
        say_note("%" PRIu64 " call%s of signal handlers, or beside a fork, %s left out",
                 head->missed_calls, head->missed_calls == 1 ? "" : "s",
                 head->missed_calls == 1 ? "is" : "are");
}

/* The trace takes the place of what was there. */
static const char *recording_keep(const struct recording *recording) {
    bool kept = (recording->mode == 0 || chmod(recording->sealed, recording->mode & 0777) == 0) &&
                rename(recording->sealed, recording->path) == 0;
    return kept ? NULL : strerror(errno);
}

static bool recording_seal(const struct recording *recording, const char *program, bool quiet) {
    static struct trace_reader reader;
    struct trace_summary summary;
    const char *fault = trace_reader_seal(&reader, recording->part, recording->sealed, &summary);
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
        fault = recording_keep(recording);
    if (fault != NULL) {
        say_error("no trace: %s: %s", recording->output, fault);
        return false;
    }
    for (char *p = reader.head.name; p < reader.head.name + sizeof reader.head.name; p++)
        if (*p != '\0' && (*p < ' ' || *p > '~'))
            *p = '?';
    reader.head.name[sizeof reader.head.name - 1] = '\0';
    if (!quiet)
        recording_print(recording, &reader.head);
    return true;
}

void recording_open(struct recording *recording, const char *output, const char *process,
                    uint64_t limit_bytes) {
    *recording =
        (struct recording){.output = output, .process = process, .limit_bytes = limit_bytes};
    recording_find(recording);
    recording_create(recording);
}

bool recording_finish(const struct recording *recording, const char *program, bool quiet) {
    leftover_note(recording->sealed);
    bool kept = recording_seal(recording, program, quiet);
    unlink(recording->part);
    return kept;
}
