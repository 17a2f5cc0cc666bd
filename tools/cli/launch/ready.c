#include "launch/ready.h"

#include "base/clock.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READY_TEXT_BYTES = 1024, READY_WAIT_S = 5, READY_STEP_NS = 5000000 };

/* What is asked, taken apart. */
struct ready_address {
    char host[READY_TEXT_BYTES];
    char port[16];
    char path[READY_TEXT_BYTES]; /* "" for tcp: */
};

static bool ready_is_tcp(const char *test) {
    return strncmp(test, "tcp:", 4) == 0;
}

static bool ready_is_http(const char *test) {
    return strncmp(test, "http:", 5) == 0;
}

static bool ready_is_port(const char *text) {
    char *end;
    long port = strtol(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && port > 0 && port < 65536;
}

/* "HOST:PORT", "[HOST]:PORT", "HOST" or "PORT"; what is not there stays as it is. */
static bool ready_split(struct ready_address *address, const char *text, size_t length) {
    char copy[READY_TEXT_BYTES];
    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    char *host = copy, *port = strrchr(copy, ':');
    if (copy[0] == '[') {
        char *close = strchr(copy, ']');
        if (close == NULL)
            return false;
        *close = '\0';
        host = copy + 1;
        port = close[1] == ':' ? close + 1 : NULL;
    }
    if (port != NULL)
        *port++ = '\0';
    if (host[0] != '\0')
        snprintf(address->host, sizeof address->host, "%s", host);
    if (port == NULL)
        return true;
    snprintf(address->port, sizeof address->port, "%s", port);
    return ready_is_port(port);
}

static bool ready_parse(const char *test, struct ready_address *address) {
    *address = (struct ready_address){.host = "localhost", .port = "80"};
    if (ready_is_tcp(test)) {
        test += 4;
        if (strchr(test, ':') != NULL)
            return ready_split(address, test, strlen(test));
        snprintf(address->port, sizeof address->port, "%s", test);
        return ready_is_port(test);
    }
    test += 5;
    if (strncmp(test, "http://", 7) == 0)
        test += 5;
    if (strncmp(test, "//", 2) != 0)
        return false;
    test += 2;
    size_t length = strcspn(test, "/");
    snprintf(address->path, sizeof address->path, "%s", test[length] != '\0' ? test + length : "/");
    return length > 0 && ready_split(address, test, length);
}

char *ready_fault(const char *test) {
    struct ready_address address;
    if (test[0] == '\0')
        return memory_copy("it is empty");
    if (strncmp(test, "https:", 6) == 0)
        return memory_copy("https is not spoken here; give a command, such as 'curl -fsk URL'");
    if ((ready_is_tcp(test) || ready_is_http(test)) && !ready_parse(test, &address))
        return memory_format("'%s' is neither tcp:PORT, tcp:HOST:PORT nor http://HOST:PORT/PATH",
                             test);
    return NULL;
}

/* ---- asking ---- */

/* A connection, or -1. */
static int ready_connect(const struct ready_address *address) {
    struct addrinfo *found = NULL, hints = {.ai_socktype = SOCK_STREAM};
    struct timeval limit = {.tv_sec = READY_WAIT_S};
    int made = -1;
    if (getaddrinfo(address->host, address->port, &hints, &found) != 0)
        return -1;
    for (struct addrinfo *way = found; made < 0 && way != NULL; way = way->ai_next) {
        made = socket(way->ai_family, way->ai_socktype | SOCK_CLOEXEC, way->ai_protocol);
        if (made < 0)
            continue;
        setsockopt(made, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        if (connect(made, way->ai_addr, way->ai_addrlen) != 0) {
            close(made);
            made = -1;
        }
    }
    freeaddrinfo(found);
    return made;
}

static bool ready_get(int made, const struct ready_address *address) {
    char text[2 * READY_TEXT_BYTES + 128];
    int length =
        snprintf(text, sizeof text, "GET %s HTTP/1.0\r\nHost: %s:%s\r\nConnection: close\r\n\r\n",
                 address->path, address->host, address->port);
    if (send(made, text, (size_t)length, MSG_NOSIGNAL) != length)
        return false;
    size_t filled = 0;
    ssize_t bytes;
    while (filled < 16 && (bytes = recv(made, text + filled, 16 - filled, 0)) > 0)
        filled += (size_t)bytes;
    text[filled] = '\0';
    /* "HTTP/1.1 200" */
    long status = strncmp(text, "HTTP/", 5) == 0 && filled >= 12 ? strtol(text + 9, NULL, 10) : 0;
    return status >= 100 && status < 400;
}

static bool ready_ask_network(const char *test) {
    struct ready_address address;
    int made = ready_parse(test, &address) ? ready_connect(&address) : -1;
    if (made < 0)
        return false;
    bool ready = address.path[0] == '\0' || ready_get(made, &address);
    close(made);
    return ready;
}

__attribute__((noreturn)) static void ready_execute(const char *command) {
    sigset_t none;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3; i++)
        dup2(nothing, i);
    setpgid(0, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static bool ready_ask_command(const char *command) {
    int status;
    uint64_t end_ns = clock_wall_ns() + (uint64_t)READY_WAIT_S * 1000000000u;
    pid_t child = fork();
    if (child == 0)
        ready_execute(command);
    pid_t ended = child < 0 ? -1 : 0;
    while (child > 0 && (ended = waitpid(child, &status, WNOHANG)) == 0 && clock_wall_ns() < end_ns)
        nanosleep(&(struct timespec){0, READY_STEP_NS}, NULL);
    if (child > 0)
        kill(-child, SIGKILL);
    if (ended == 0)
        waitpid(child, &status, 0);
    return ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool ready_is(const char *test) {
    return ready_is_tcp(test) || ready_is_http(test) ? ready_ask_network(test)
                                                     : ready_ask_command(test);
}
