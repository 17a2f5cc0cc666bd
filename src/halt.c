#include "halt.h"

#include "kernel.h"
#include "os.h"
#include "text.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

enum { THREADS_MOST = 1024, ROUNDS_MOST = 16, WAIT_MS = 1000 };

#if defined(__x86_64__)
enum { REGISTER_STACK = 19 }; /* its place in what the kernel calls a status */
#elif defined(__aarch64__)
enum { REGISTER_STACK = 31 };
#else
enum { REGISTER_STACK = -1 }; /* not known: nobody is halted */
#endif

static SELDOM struct {
    uint64_t process;
    uint64_t caller;
    uint32_t count;
    uint32_t unseen;
    uint32_t threads[THREADS_MOST];
    int signals[THREADS_MOST]; /* that was about to be delivered, or 0 */
} halt;

/* The kernel's ptrace(), without the C library's errno. */
static long trace(int request, uint64_t thread, uintptr_t address, const void *data) {
    return KERNEL(ptrace, request, thread, address, data);
}

/* ---- one thread ---- */

static void rest_ms(void) {
    struct timespec time = {.tv_nsec = 1000000};
    KERNEL(nanosleep, &time, 0);
}

/* Wait for a thread to stop. False if it does not come to that, in time; the signal that it was
 * about to get goes to `signal_number`. */
static bool await_stop(uint64_t thread, int *signal_number) {
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms++) {
        int status = 0;
        long found = KERNEL(wait4, thread, &status, __WALL | WNOHANG, 0);
        if (found == (long)thread) {
            bool is_event = status >> 16 != 0;
            *signal_number = is_event ? 0 : WSTOPSIG(status);
            return WIFSTOPPED(status);
        }
        if (kernel_failed(found) && found != -EINTR)
            return false;
        rest_ms();
    }
    return false;
}

static bool halt_thread(uint64_t thread, int *signal_number) {
    if (kernel_failed(trace(PTRACE_SEIZE, thread, 0, NULL)))
        return false;
    if (!kernel_failed(trace(PTRACE_INTERRUPT, thread, 0, NULL)) &&
        await_stop(thread, signal_number))
        return true;
    (void)trace(PTRACE_DETACH, thread, 0, NULL);
    return false;
}

static bool read_registers(uint64_t thread, struct halted *halted) {
    struct iovec room = {.iov_base = halted->registers, .iov_len = sizeof halted->registers};
    if (REGISTER_STACK < 0 || kernel_failed(trace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &room)))
        return false;
    halted->count = room.iov_len / sizeof *halted->registers;
    halted->stack = halted->registers[REGISTER_STACK < 0 ? 0 : REGISTER_STACK];
    return true;
}

/* ---- all of them ---- */

static bool is_known(uint64_t thread) {
    for (uint32_t i = 0; i < halt.count; i++)
        if (halt.threads[i] == thread)
            return true;
    return thread == halt.caller;
}

static void add_thread(uint64_t thread, void (*see)(const struct halted *thread, void *context),
                       void *context) {
    struct halted halted = {.count = 0};
    int signal_number = 0;
    if (is_known(thread))
        return;
    if (halt.count == THREADS_MOST || !halt_thread(thread, &signal_number)) {
        halt.unseen++;
        return;
    }
    halt.threads[halt.count] = (uint32_t)thread;
    halt.signals[halt.count++] = signal_number;
    if (read_registers(thread, &halted))
        see(&halted, context);
    else
        halt.unseen++;
}

/* An entry of a folder, as the kernel writes it: fixed by its binary interface. */
struct entry {
    uint64_t number;
    int64_t next;
    uint16_t bytes;
    uint8_t kind;
    char name[];
};

/* Halt the threads that the system lists. False if it does not list them. */
static bool halt_listed(void (*see)(const struct halted *thread, void *context), void *context) {
    _Alignas(struct entry) char room[1024];
    struct text path = {.length = 0};
    text_add(&path, "/proc/");
    text_add_number(&path, halt.process);
    text_add_span(&path, "/task", sizeof "/task");
    long folder = KERNEL(openat, AT_FDCWD, path.bytes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (kernel_failed(folder))
        return false;
    long bytes;
    while ((bytes = KERNEL(getdents64, folder, room, sizeof room)) > 0) {
        for (long at = 0; at < bytes;) {
            const struct entry *entry = (const struct entry *)(const void *)(room + at);
            uint64_t thread = 0;
            for (const char *digit = entry->name; *digit >= '0' && *digit <= '9'; digit++)
                thread = thread * 10 + (uint64_t)(*digit - '0');
            if (thread != 0)
                add_thread(thread, see, context);
            at += entry->bytes;
        }
    }
    KERNEL(close, folder);
    return true;
}

static void halt_all(void (*see)(const struct halted *thread, void *context), void *context) {
    /* Until no thread is left that could start another. */
    for (int round = 0; round < ROUNDS_MOST; round++) {
        uint32_t before = halt.count;
        halt.unseen = 0;
        if (!halt_listed(see, context)) {
            halt.unseen = 1;
            return;
        }
        if (halt.count == before)
            return;
    }
}

static void release_all(void) {
    for (uint32_t i = 0; i < halt.count; i++)
        (void)trace(PTRACE_DETACH, halt.threads[i], 0,
                    (const void *)(uintptr_t)(unsigned)halt.signals[i]);
}

/* What the helper does: it has our memory and our stack below this frame, and never comes back. */
SLOW __attribute__((noreturn)) static void help(void (*see)(const struct halted *thread,
                                                            void *context),
                                                void (*work)(void *context), void *context) {
    halt_all(see, context);
    work(context);
    release_all();
    for (;;)
        KERNEL(exit, 0);
}

SLOW unsigned halt_others(void (*see)(const struct halted *thread, void *context),
                          void (*work)(void *context), void *context) {
    halt.process = os_process_id();
    halt.caller = os_thread_id();
    long was_dumpable = KERNEL(prctl, PR_GET_DUMPABLE, 0);
    if (was_dumpable != 1)
        KERNEL(prctl, PR_SET_DUMPABLE, 1);
    KERNEL(prctl, PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    long helper = KERNEL(clone, CLONE_VM | CLONE_VFORK | CLONE_UNTRACED, 0, 0, 0, 0);
    if (helper == 0)
        help(see, work, context);
    KERNEL(prctl, PR_SET_PTRACER, 0);
    if (was_dumpable != 1 && !kernel_failed(was_dumpable))
        KERNEL(prctl, PR_SET_DUMPABLE, was_dumpable);
    if (kernel_failed(helper)) {
        work(context);
        return 1;
    }
    KERNEL(wait4, helper, 0, __WALL, 0);
    return halt.unseen;
}
