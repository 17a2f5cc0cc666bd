#include "launch/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { CAPTURE_CHUNK_BYTES = 65536 };

/* Keeps the last line that has text, as far as it fits; a line may come in pieces. */
static void capture_remember(struct capture *capture, const char *text, size_t bytes) {
    size_t length = strlen(capture->last_words);
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '\n') {
            capture->line_ended = true;
            continue;
        }
        if (capture->line_ended)
            length = 0;
        capture->line_ended = false;
        if (length + 1 < sizeof capture->last_words)
            capture->last_words[length++] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    }
    capture->last_words[length] = '\0';
}

/* Reads what is there now from stream 0 or 1. False at its end. */
static bool capture_drain(int descriptor, struct capture *capture, struct numbers_reader *reader,
                          int stream) {
    static char chunk[CAPTURE_CHUNK_BYTES];
    for (;;) {
        ssize_t bytes = read(descriptor, chunk, sizeof chunk);
        if (bytes > 0) {
            digest_add(&capture->streams[stream], chunk, (size_t)bytes);
            if (stream == 1)
                capture_remember(capture, chunk, (size_t)bytes);
            if (reader != NULL)
                numbers_add(reader, stream, chunk, (size_t)bytes);
        } else if (bytes == 0) {
            return false;
        } else if (errno != EINTR) {
            return errno == EAGAIN;
        }
    }
}

/* Reads both pipes until the launcher answers or they end. */
static void capture_read_until_end(const int pipes[2], struct capture *capture,
                                   struct numbers_reader *reader) {
    struct pollfd watched[3] = {
        {.fd = pipes[0], .events = POLLIN},
        {.fd = pipes[1], .events = POLLIN},
        {.fd = launcher_descriptor(), .events = POLLIN},
    };
    while (watched[2].revents == 0) {
        if (poll(watched, 3, -1) < 0 && errno != EINTR)
            return;
        for (int i = 0; i < 2; i++)
            if (watched[i].revents != 0 && !capture_drain(pipes[i], capture, reader, i))
                watched[i].fd = -1;
    }
    for (int i = 0; i < 2; i++)
        if (watched[i].fd >= 0)
            capture_drain(pipes[i], capture, reader, i);
}

bool capture_run(const struct launch *launch, const struct numbers *numbers,
                 struct capture *capture) {
    int out[2], err[2];
    *capture = (struct capture){0};
    digest_init(&capture->streams[0]);
    digest_init(&capture->streams[1]);
    if (pipe2(out, O_CLOEXEC) != 0)
        return false;
    if (pipe2(err, O_CLOEXEC) != 0) {
        close(out[0]);
        close(out[1]);
        return false;
    }
    struct launch piped = *launch;
    piped.descriptors[1] = out[1];
    piped.descriptors[2] = err[1];
    bool begun = launcher_begin(&piped);
    close(out[1]);
    close(err[1]);
    int pipes[2] = {out[0], err[0]};
    if (begun) {
        fcntl(pipes[0], F_SETFL, O_NONBLOCK);
        fcntl(pipes[1], F_SETFL, O_NONBLOCK);
        struct numbers_reader *reader = numbers != NULL ? numbers_open(numbers) : NULL;
        capture_read_until_end(pipes, capture, reader);
        if (reader != NULL)
            numbers_close(reader, &capture->found);
        begun = launcher_finish(&capture->result);
    }
    close(pipes[0]);
    close(pipes[1]);
    return begun;
}
