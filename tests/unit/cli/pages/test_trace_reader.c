/* If this failed, a replay would not perform what was recorded, or a damaged trace could crash
 * tagpool or be taken for a sound one. */
#include "tap.h"

#include "base/randomness.h"
#include "pages/trace_reader.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTE(kind, number) (unsigned char)(TAGPOOL_TRACE_##kind | (number) << 3)

enum { FILE_BYTES_MAX = 4096, ROUNDS = 5000 };

static char path[64], recorded[64]; /* of files in memory */
static struct trace_reader reader;

static void write_file(const void *head, const void *stream, size_t bytes) {
    int file = open(recorded, O_WRONLY | O_TRUNC | O_CLOEXEC);
    CHECK(file >= 0 && write(file, head, sizeof(struct tagpool_trace_head)) ==
                           (ssize_t)sizeof(struct tagpool_trace_head));
    CHECK(write(file, stream, bytes) == (ssize_t)bytes);
    close(file);
}

/* A file as it is after a run that ended by exit(). */
static void write_unsealed(const unsigned char *stream, size_t bytes) {
    struct tagpool_trace_head head = {
        .magic = TAGPOOL_TRACE_MAGIC,
        .version = TAGPOOL_TRACE_VERSION,
        .head_bytes = sizeof head,
        .stream_bytes = bytes,
        .end = TAGPOOL_TRACE_EXITED,
    };
    write_file(&head, stream, bytes);
}

/* malloc(5), thread 40: calloc(100), aligned 64 for 300, realloc of slot 0 to 1000, free of slots 1
 * and 2, malloc(7) into slot 2 again. */
static const unsigned char sample[] = {
    BYTE(MALLOC, 5),
    BYTE(THREAD, 31),
    9,
    BYTE(CALLOC, 31),
    69,
    BYTE(ALIGNED, 6),
    0xac,
    2,
    BYTE(REALLOC, 3),
    0xe8,
    7,
    BYTE(FREE, 2),
    BYTE(FREE, 2),
    BYTE(MALLOC, 7),
};

static const struct trace_call sample_calls[] = {
    {.kind = TAGPOOL_TRACE_MALLOC, .thread = 0, .slot = 0, .bytes = 5},
    {.kind = TAGPOOL_TRACE_CALLOC, .thread = 40, .slot = 1, .bytes = 100},
    {.kind = TAGPOOL_TRACE_ALIGNED, .thread = 40, .slot = 2, .alignment_log = 6, .bytes = 300},
    {.kind = TAGPOOL_TRACE_REALLOC, .thread = 40, .slot = 0, .bytes = 1000},
    {.kind = TAGPOOL_TRACE_FREE, .thread = 40, .slot = 1},
    {.kind = TAGPOOL_TRACE_FREE, .thread = 40, .slot = 2},
    {.kind = TAGPOOL_TRACE_MALLOC, .thread = 40, .slot = 2, .bytes = 7},
};

static void the_calls_of_the_format_are_read_as_they_are_described(void) {
    struct trace_call call;
    struct trace_summary summary;
    write_unsealed(sample, sizeof sample);
    CHECK(trace_reader_seal(&reader, recorded, path, &summary) == NULL);
    CHECK(trace_reader_open(&reader, path, true) == NULL);
    for (int pass = 0; pass < 2; pass++) {
        trace_reader_rewind(&reader);
        for (size_t i = 0; i < sizeof sample_calls / sizeof sample_calls[0]; i++) {
            CHECK(trace_reader_next(&reader, &call) == NULL);
            CHECK_SAY(memcmp(&call, &sample_calls[i], sizeof call) == 0, "call %zu differs", i);
        }
        for (int again = 0; again < 2; again++) {
            CHECK(trace_reader_next(&reader, &call) == NULL);
            CHECK(call.kind == TAGPOOL_TRACE_END);
        }
    }
    trace_reader_close(&reader);
}

static void a_summary_counts_what_is_in_the_trace(void) {
    struct trace_summary summary;
    write_unsealed(sample, sizeof sample);
    CHECK(trace_reader_seal(&reader, recorded, path, &summary) == NULL);
    CHECK(trace_reader_check(&reader, path, &summary) == NULL);
    CHECK(summary.calls == 7 && summary.requests == 5);
    CHECK(summary.slots == 3 && summary.threads == 41);
    CHECK(summary.peak_bytes == 1000 + 100 + 300 && summary.largest_bytes == 1000);
    CHECK(summary.live_bytes == 1000 + 7);
    CHECK(reader.head.end == TAGPOOL_TRACE_EXITED);
}

static void an_empty_stream_can_be_sealed(void) {
    struct trace_summary summary;
    write_unsealed(sample, 0);
    CHECK(trace_reader_seal(&reader, recorded, path, &summary) == NULL);
    CHECK(trace_reader_check(&reader, path, &summary) == NULL);
    CHECK(summary.calls == 0 && summary.slots == 0);
}

static void what_the_recorder_left_behind_its_last_call_is_left_out(void) {
    unsigned char longer[sizeof sample + 1000];
    struct trace_summary summary;
    struct stat about;
    memset(longer, 0xff, sizeof longer);
    memcpy(longer, sample, sizeof sample);
    struct tagpool_trace_head head = {
        .magic = TAGPOOL_TRACE_MAGIC,
        .version = TAGPOOL_TRACE_VERSION,
        .head_bytes = sizeof head,
        .stream_bytes = sizeof sample,
    };
    write_file(&head, longer, sizeof longer);
    CHECK(trace_reader_seal(&reader, recorded, path, &summary) == NULL);
    CHECK(stat(path, &about) == 0 && (size_t)about.st_size == sizeof head + sizeof sample + 1);
    /* A process may still have it mapped. */
    CHECK(stat(recorded, &about) == 0 && (size_t)about.st_size == sizeof head + sizeof longer);
    CHECK(trace_reader_check(&reader, path, &summary) == NULL);
    CHECK(summary.calls == 7 && reader.head.end == TAGPOOL_TRACE_RUNNING);
}

static void expect_fault(const unsigned char *stream, size_t bytes, const char *what) {
    struct trace_summary summary;
    write_unsealed(stream, bytes);
    const char *fault = trace_reader_seal(&reader, recorded, path, &summary);
    CHECK_SAY(fault != NULL, "%s was taken for a sound trace", what);
}

static void calls_that_cannot_be_are_refused(void) {
    expect_fault((unsigned char[]){BYTE(FREE, 0)}, 1, "a free without a block");
    expect_fault((unsigned char[]){BYTE(MALLOC, 1), BYTE(FREE, 0), BYTE(FREE, 0)}, 3,
                 "a double free");
    expect_fault((unsigned char[]){BYTE(MALLOC, 1), BYTE(FREE, 2)}, 2, "a slot never used");
    expect_fault((unsigned char[]){BYTE(MALLOC, 1), BYTE(FREE, 1)}, 2, "a slot below 0");
    expect_fault((unsigned char[]){BYTE(MALLOC, 31)}, 1, "a size that is cut");
    expect_fault((unsigned char[]){BYTE(MALLOC, 1), BYTE(REALLOC, 0)}, 2, "a realloc without size");
    expect_fault((unsigned char[]){7}, 1, "an unknown kind");
    expect_fault((unsigned char[]){BYTE(MALLOC, 31), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0x7f},
                 11, "a size above 64 bits");
    expect_fault((unsigned char[]){BYTE(MALLOC, 31), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, 8,
                 "a size above 48 bits");
    expect_fault((unsigned char[]){BYTE(THREAD, 31), 0xff, 0xff, 0xff, 0x7f}, 5,
                 "a thread above the limit");
}

/* A sealed trace in memory. */
static size_t sealed_sample(unsigned char *file) {
    struct trace_summary summary;
    write_unsealed(sample, sizeof sample);
    CHECK(trace_reader_seal(&reader, recorded, path, &summary) == NULL);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t bytes = read(descriptor, file, FILE_BYTES_MAX);
    close(descriptor);
    return bytes > 0 ? (size_t)bytes : 0;
}

static void replace_file(const unsigned char *file, size_t bytes) {
    int descriptor = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    CHECK(write(descriptor, file, bytes) == (ssize_t)bytes);
    close(descriptor);
}

static void a_trace_cut_anywhere_is_refused(void) {
    static unsigned char file[FILE_BYTES_MAX];
    struct trace_summary summary;
    size_t bytes = sealed_sample(file);
    CHECK(trace_reader_check(&reader, path, &summary) == NULL);
    for (size_t kept = 0; kept < bytes; kept++) {
        replace_file(file, kept);
        CHECK_SAY(trace_reader_check(&reader, path, &summary) != NULL, "%zu of %zu bytes", kept,
                  bytes);
    }
    file[bytes] = 0;
    replace_file(file, bytes + 1);
    CHECK(trace_reader_check(&reader, path, &summary) != NULL);
}

static void a_changed_byte_of_the_stream_is_noticed(void) {
    static unsigned char file[FILE_BYTES_MAX];
    struct trace_summary summary;
    size_t bytes = sealed_sample(file);
    for (size_t i = sizeof(struct tagpool_trace_head); i < bytes; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            file[i] ^= (unsigned char)(1u << bit);
            replace_file(file, bytes);
            CHECK_SAY(trace_reader_check(&reader, path, &summary) != NULL,
                      "bit %u of byte %zu was turned", bit, i);
            file[i] ^= (unsigned char)(1u << bit);
        }
}

/* Sanitizers and the crash of this program tell; a rubbish stream may also be sound by chance. */
static void rubbish_does_no_harm(void) {
    static unsigned char file[FILE_BYTES_MAX], rubbish[FILE_BYTES_MAX];
    struct randomness randomness = {.state = 7};
    struct trace_summary summary;
    size_t bytes = sealed_sample(file);
    unsigned refused = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        memcpy(rubbish, file, bytes);
        for (unsigned i = 0; i <= round % 6; i++)
            rubbish[randomness_below(&randomness, (uint32_t)bytes)] =
                (unsigned char)randomness_next(&randomness);
        replace_file(rubbish, bytes);
        refused += trace_reader_check(&reader, path, &summary) != NULL;
    }
    CHECK_SAY(refused > ROUNDS / 4, "only %u of %d were refused", refused, ROUNDS);
}

static void what_is_no_trace_is_called_so(void) {
    struct trace_summary summary;
    unsigned char text[600];
    memset(text, 'x', sizeof text);
    replace_file(text, sizeof text);
    const char *fault = trace_reader_check(&reader, path, &summary);
    CHECK(fault != NULL && strstr(fault, "it is not a trace") != NULL);
    fault = trace_reader_check(&reader, "/", &summary);
    CHECK(fault != NULL && strcmp(fault, "it is not a file") == 0);
    fault = trace_reader_check(&reader, "/nonexistent/trace", &summary);
    CHECK(fault != NULL);
}

int main(void) {
    int file = memfd_create("trace", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    file = memfd_create("recorded", MFD_CLOEXEC);
    snprintf(recorded, sizeof recorded, "/proc/self/fd/%d", file);
    TAP_RUN(the_calls_of_the_format_are_read_as_they_are_described);
    TAP_RUN(a_summary_counts_what_is_in_the_trace);
    TAP_RUN(an_empty_stream_can_be_sealed);
    TAP_RUN(what_the_recorder_left_behind_its_last_call_is_left_out);
    TAP_RUN(calls_that_cannot_be_are_refused);
    TAP_RUN(a_trace_cut_anywhere_is_refused);
    TAP_RUN(a_changed_byte_of_the_stream_is_noticed);
    TAP_RUN(rubbish_does_no_harm);
    TAP_RUN(what_is_no_trace_is_called_so);
    return tap_done();
}
