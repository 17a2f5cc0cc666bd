#include "halt.h"

#include "kernel.h"
#include "os.h"
#include "text.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

enum {
    THREADS_MOST = 1024,
    ROUNDS_MOST = 16,
    HALT_MS = 3000,  /* until all have to be halted; one in vfork() never is */
    LEAVE_MS = 6000, /* until all have to be out of our code */
    STOP_MS = 500,   /* until one has to stop, after that */
    STEP_MS = 60000, /* the same of one that makes a step: left alone it would get a signal */
    STEPS_MOST =
        200000, /* instructions of one thread; clearing a slab may take one for each byte */
    HELPER_FILES = 16,
};

/* Places of registers in what the kernel calls a status. LINK has the address that a function goes
 * back to; where there is none, the stack pointer leads to it, if the function keeps nothing on the
 * stack. And the bytes below the stack pointer that a function may use. */
#if defined(__x86_64__)
enum { REGISTER_CODE = 16, REGISTER_STACK = 19, REGISTER_LINK = -1, RED_ZONE_BYTES = 128 };
#define HALT_VECTORS NT_X86_XSTATE
#elif defined(__aarch64__)
enum { REGISTER_CODE = 32, REGISTER_STACK = 31, REGISTER_LINK = 30, RED_ZONE_BYTES = 0 };
#define HALT_VECTORS NT_PRFPREG
#else
enum { REGISTER_CODE = -1, REGISTER_STACK = -1, REGISTER_LINK = -1, RED_ZONE_BYTES = 0 };
#define HALT_VECTORS NT_PRFPREG
#endif

struct thread {
    uint32_t id;
    uint8_t signal; /* that it was about to get as it stopped last, or 0 */
    bool is_halted; /* it is there, and rests */
};

static SELDOM struct {
    uint64_t process;
    uint64_t caller;
    struct halt_code ours;
    uint32_t count;
    uint32_t unseen;
    bool is_changing; /* a thread that was listed was gone */
    bool is_full;     /* there are more than have room here */
    bool is_done;     /* the work, to its end */
    struct thread threads[THREADS_MOST];
} halt;

/* The kernel's ptrace(), without the C library's errno. */
static long trace(int request, uint64_t thread, uintptr_t address, const void *data) {
    return KERNEL(ptrace, request, thread, address, data);
}

/* ---- time ---- */

/* Without a clock no time is left. */
static uint64_t now_ms(void) {
    struct timespec now;
    if (kernel_failed(KERNEL(clock_gettime, CLOCK_MONOTONIC, &now)))
        return UINT64_MAX;
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static uint64_t ms_from_now(uint64_t ms) {
    return now_ms() + ms;
}

/* ---- what the system says of a thread ---- */

/* "/proc/PID/task", and what follows. */
static void name_tasks(struct text *path) {
    path->length = 0;
    text_add(path, "/proc/");
    text_add_number(path, halt.process);
    text_add(path, "/task");
}

/* The letter for what it does: R: it runs, S: it waits, Z: it has ended; 0 if it is gone, and '?'
 * if that is not known. */
static char state_of(uint64_t thread) {
    char line[256];
    struct text path;
    name_tasks(&path);
    text_add(&path, "/");
    text_add_number(&path, thread);
    text_add_span(&path, "/stat", sizeof "/stat");
    long file = KERNEL(openat, AT_FDCWD, path.bytes, O_RDONLY | O_CLOEXEC);
    if (kernel_failed(file))
        return file == -ENOENT ? 0 : '?';
    long bytes = KERNEL(read, file, line, sizeof line);
    KERNEL(close, file);
    for (long i = bytes - 3; i >= 0; i--) /* the name may have anything in it */
        if (line[i] == ')')
            return line[i + 2];
    return bytes == -ESRCH ? 0 : '?';
}

/* The first thread is still listed when it has ended, until the last has. */
static bool has_ended(uint64_t thread) {
    char state = state_of(thread);
    return state == 0 || state == 'Z' || state == 'X';
}

/* ---- one thread ---- */

enum stop { STOPPED, SLEEPS, GONE, LATE };

/* Sleep until a thread stops, or some time has passed: false then. */
static bool sleep_until_stop(void) {
    static const struct timespec time = {.tv_nsec = 2000000};
    uint64_t set = (uint64_t)1 << (SIGCHLD - 1);
    long result = KERNEL(rt_sigtimedwait, &set, NULL, &time, sizeof set);
    if (kernel_failed(result) && result != -EAGAIN)
        os_nap_ms();
    return !kernel_failed(result);
}

/* Wait for a thread to stop, no longer than to a moment, nor while it waits itself if it
 * `may_sleep`. What it stopped for is noted. */
static enum stop await_stop(struct thread *thread, uint64_t until_ms, bool may_sleep) {
    for (;;) {
        int status = 0;
        long found = KERNEL(wait4, thread->id, &status, __WALL | WNOHANG, 0);
        if (kernel_failed(found))
            return has_ended(thread->id) ? GONE : LATE;
        if (found != 0) {
            bool is_signal = status >> 16 == 0;
            thread->signal = WIFSTOPPED(status) && is_signal ? (uint8_t)WSTOPSIG(status) : 0;
            return WIFSTOPPED(status) ? STOPPED : GONE;
        }
        if (now_ms() >= until_ms)
            return LATE;
        if (!sleep_until_stop() && may_sleep && state_of(thread->id) == 'S')
            return SLEEPS;
    }
}

static void note_stop(struct thread *thread, enum stop stop) {
    thread->is_halted = stop == STOPPED;
    if (stop == LATE)
        halt.unseen++;
}

/* Read a set of registers behind what is known; false if there is none. */
static bool read_set(uint64_t thread, uintptr_t set, struct halted *halted) {
    struct iovec room = {.iov_base = halted->registers + halted->count,
                         .iov_len =
                             sizeof halted->registers - halted->count * sizeof *halted->registers};
    if (kernel_failed(trace(PTRACE_GETREGSET, thread, set, &room)))
        return false;
    halted->count += room.iov_len / sizeof *halted->registers;
    return true;
}

static uintptr_t register_of(const struct halted *halted, int place) {
    return halted->registers[place < 0 ? 0 : place];
}

static bool read_registers(uint64_t thread, struct halted *halted) {
    halted->count = 0;
    if (REGISTER_STACK < 0 || !read_set(thread, NT_PRSTATUS, halted))
        return false;
    halted->stack = register_of(halted, REGISTER_STACK) - RED_ZONE_BYTES;
    return true;
}

/* ---- out of our code ---- */

/* CALLED: in a function of the C library that our code called, as one that copies. What may be such
 * a call by what is on the stack may be none. */
enum where { OUTSIDE, CALLED, INSIDE };

static bool is_ours(uintptr_t address) {
    return address >= halt.ours.start && address < halt.ours.end;
}

static enum where where_is(const struct thread *thread) {
    struct halted halted = {.count = 0};
    uintptr_t caller = 0;
    if (!thread->is_halted || !read_registers(thread->id, &halted))
        return OUTSIDE;
    if (is_ours(register_of(&halted, REGISTER_CODE)))
        return INSIDE;
    if (REGISTER_LINK >= 0)
        caller = register_of(&halted, REGISTER_LINK);
    else
        (void)trace(PTRACE_PEEKDATA, thread->id, register_of(&halted, REGISTER_STACK), &caller);
    return is_ours(caller) ? CALLED : OUTSIDE;
}

/* Signals that an instruction of the thread itself may raise. */
static uint64_t own_signals(void) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
    uint64_t set = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        set |= (uint64_t)1 << (numbers[i] - 1);
    return set;
}

static bool is_own_signal(int number) {
    return number != 0 && (own_signals() >> (number - 1) & 1) != 0;
}

/* A step that was cut short in a system call ends there, and its signal is pending behind the stop:
 * have the thread stop for that, too, which it does before anything else. */
static void take_trap(struct thread *thread) {
    struct __ptrace_peeksiginfo_args place = {.nr = 1};
    siginfo_t pending;
    bool is_pending = false;
    for (; !is_pending && trace(PTRACE_PEEKSIGINFO, thread->id, (uintptr_t)&place, &pending) == 1;
         place.off++)
        is_pending = pending.si_signo == SIGTRAP && pending.si_code > 0;
    if (is_pending && !kernel_failed(trace(PTRACE_CONT, thread->id, 0, NULL)))
        note_stop(thread, await_stop(thread, ms_from_now(STEP_MS), false));
}

/* One instruction of a thread. False if it does not come to an end, or raises a signal. */
static bool step(struct thread *thread, uint64_t until_ms) {
    /* A signal that it was about to get, but blocks now, waits for it as it is. */
    uintptr_t signal_number = thread->signal;
    if (kernel_failed(trace(PTRACE_SINGLESTEP, thread->id, 0, (const void *)signal_number)))
        return false;
    enum stop stop = await_stop(thread, until_ms, true);
    bool is_late = stop == SLEEPS || stop == LATE;
    if (is_late && !kernel_failed(trace(PTRACE_INTERRUPT, thread->id, 0, NULL)))
        stop = await_stop(thread, ms_from_now(STEP_MS), false);
    note_stop(thread, stop);
    if (is_late && thread->is_halted && thread->signal == 0)
        take_trap(thread);
    if (thread->signal == SIGTRAP)
        thread->signal = 0;
    return !is_late && stop == STOPPED && thread->signal == 0;
}

/* From the stop after a step, whose signal it would get if this helper died, to one without. */
static void rest(struct thread *thread) {
    if (!thread->is_halted || thread->signal != 0 ||
        kernel_failed(trace(PTRACE_INTERRUPT, thread->id, 0, NULL)) ||
        kernel_failed(trace(PTRACE_CONT, thread->id, 0, NULL)))
        return;
    note_stop(thread, await_stop(thread, ms_from_now(STOP_MS), false));
}

/* Let a thread leave our code; true if it was inside, and is so no more. Signals from elsewhere are
 * blocked meanwhile: they come later, once each and as they were sent. */
static bool leave(struct thread *thread, uint64_t until_ms) {
    uint64_t blocked;
    if (where_is(thread) == OUTSIDE || is_own_signal(thread->signal) ||
        kernel_failed(trace(PTRACE_GETSIGMASK, thread->id, sizeof blocked, &blocked)))
        return false;
    uint64_t all = ~own_signals();
    if (kernel_failed(trace(PTRACE_SETSIGMASK, thread->id, sizeof all, &all)))
        return false;
    uint32_t steps = 0;
    enum where where;
    do {
        bool is_stepping = steps++ < STEPS_MOST && step(thread, until_ms);
        where = where_is(thread);
        if (!is_stepping)
            break;
    } while (where != OUTSIDE && now_ms() < until_ms);
    rest(thread);
    (void)trace(PTRACE_SETSIGMASK, thread->id, sizeof blocked, &blocked);
    return where == OUTSIDE;
}

/* Let all threads leave our code. One may wait for a lock that another has there: then it has its
 * turn when that one has left. */
static void leave_all(void) {
    uint64_t until_ms = ms_from_now(LEAVE_MS);
    bool has_left = true;
    while (has_left) {
        has_left = false;
        for (uint32_t i = 0; i < halt.count && now_ms() < until_ms; i++)
            has_left |= leave(&halt.threads[i], until_ms);
    }
    for (uint32_t i = 0; i < halt.count; i++)
        if (where_is(&halt.threads[i]) == INSIDE)
            halt.unseen++;
}

/* ---- all of them ---- */

static bool is_known(uint64_t thread) {
    for (uint32_t i = 0; i < halt.count; i++)
        if (halt.threads[i].id == thread)
            return true;
    return thread == halt.caller;
}

/* Ask a thread to stop. */
static void ask(uint64_t id) {
    if (is_known(id))
        return;
    if (halt.count == THREADS_MOST) {
        halt.is_full = true;
        return;
    }
    struct thread *thread = &halt.threads[halt.count];
    *thread = (struct thread){.id = (uint32_t)id};
    long result = trace(PTRACE_SEIZE, id, 0, NULL);
    if (result == -ESRCH) {
        halt.is_changing = true;
        return;
    }
    halt.count++;
    if (!kernel_failed(result))
        thread->is_halted = !kernel_failed(trace(PTRACE_INTERRUPT, id, 0, NULL));
    else if (!has_ended(id))
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

static uint64_t read_number(const char *digits) {
    uint64_t number = 0;
    for (; *digits >= '0' && *digits <= '9'; digits++)
        number = number * 10 + (uint64_t)(*digits - '0');
    return number;
}

/* True if the system's list has processes by the numbers that system calls know them by: it may be
 * that of another namespace. */
static bool is_list_ours(void) {
    char link[24];
    long length = KERNEL(readlinkat, AT_FDCWD, "/proc/self", link, sizeof link - 1);
    link[kernel_failed(length) ? 0 : length] = '\0';
    return read_number(link) == (uint64_t)KERNEL(getpid, 0);
}

/* Ask the threads that the system lists. False if it does not list them. */
static bool ask_listed(void) {
    _Alignas(struct entry) char room[1024] = "";
    struct text path;
    name_tasks(&path);
    text_add_span(&path, "", 1);
    long folder = KERNEL(openat, AT_FDCWD, path.bytes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (kernel_failed(folder))
        return false;
    long bytes;
    while ((bytes = KERNEL(getdents64, folder, room, sizeof room)) > 0) {
        for (long at = 0; at < bytes;) {
            const struct entry *entry = (const struct entry *)(const void *)(room + at);
            uint64_t thread = read_number(entry->name);
            if (thread != 0)
                ask(thread);
            at += entry->bytes;
        }
    }
    KERNEL(close, folder);
    return bytes == 0;
}

static void halt_all(void) {
    uint64_t until_ms = ms_from_now(HALT_MS);
    bool is_complete = false;
    /* Until no thread is left that could start another. */
    for (int round = 0; round < ROUNDS_MOST && !is_complete; round++) {
        uint32_t before = halt.count;
        halt.is_changing = false;
        if (!ask_listed())
            break;
        for (uint32_t i = before; i < halt.count; i++)
            if (halt.threads[i].is_halted)
                note_stop(&halt.threads[i], await_stop(&halt.threads[i], until_ms, false));
        is_complete = halt.count == before && !halt.is_changing && !halt.is_full;
    }
    if (!is_complete)
        halt.unseen++;
}

void halt_each(void (*see)(const struct halted *thread, void *context), void *context) {
    for (uint32_t i = 0; i < halt.count; i++) {
        struct halted halted = {.count = 0};
        if (!halt.threads[i].is_halted)
            continue;
        if (read_registers(halt.threads[i].id, &halted)) {
            (void)read_set(halt.threads[i].id, HALT_VECTORS, &halted);
            see(&halted, context);
        } else {
            halt.unseen++;
        }
    }
}

static void release_all(void) {
    for (uint32_t i = 0; i < halt.count; i++)
        if (halt.threads[i].is_halted)
            (void)trace(PTRACE_DETACH, halt.threads[i].id, 0,
                        (const void *)(uintptr_t)halt.threads[i].signal);
}

/* ---- the helper ---- */

/* The one or the other may be refused. */
__attribute__((noreturn)) static void end(int ignored) {
    (void)ignored;
    KERNEL(exit_group, 0);
    KERNEL(exit, 0);
    __builtin_trap();
}

/* Where a thread goes on, it may unmap what is looked at: that ends the helper alone. And the
 * helper is told of each stop: the signal is blocked, and so is pending then. */
static void set_signals(void) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGSYS};
    struct {
        void (*handler)(int);
        unsigned long flags;
        void (*restorer)(void); /* never called: there is no way back */
        uint64_t mask;
    } action = {.handler = end, .flags = 0x04000000 /* SA_RESTORER */};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        KERNEL(rt_sigaction, numbers[i], &action, NULL, sizeof action.mask);
    action.handler = SIG_DFL;
    KERNEL(rt_sigaction, SIGCHLD, &action, NULL, sizeof action.mask);
}

/* The helper's descriptors are a copy of the process's. Where none is left, it does without some of
 * these. */
static void make_room_for_files(void) {
    long file = KERNEL(openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!kernel_failed(file))
        KERNEL(close, file);
    for (int i = 0; i < HELPER_FILES && file == -EMFILE; i++)
        KERNEL(close, i);
}

/* What the helper does: it has our memory and our stack below this frame, and never comes back. */
SLOW __attribute__((noreturn)) static void help(void (*work)(void *context), void *context) {
    set_signals();
    make_room_for_files();
    if (is_list_ours())
        halt_all();
    else
        halt.unseen = 1;
    leave_all();
    work(context);
    release_all();
    atomic_signal_fence(memory_order_release);
    halt.is_done = true;
    end(0);
}

/* Signals of the process are its own: a handler is not to run in the helper. */
static long start_helper(void (*work)(void *context), void *context) {
    uint64_t blocked = 0, all = ~own_signals();
    KERNEL(rt_sigprocmask, SIG_SETMASK, &all, &blocked, sizeof all);
    long helper = KERNEL(clone, CLONE_VM | CLONE_VFORK | CLONE_UNTRACED, 0, 0, 0, 0);
    if (helper == 0)
        help(work, context);
    KERNEL(rt_sigprocmask, SIG_SETMASK, &blocked, NULL, sizeof blocked);
    return helper;
}

SLOW bool halt_others(struct halt_code ours, void (*work)(void *context), void *context,
                      unsigned *unseen) {
    halt.process = os_process_id();
    halt.caller = os_thread_id();
    halt.ours = ours;
    halt.count = 0;
    halt.unseen = 0;
    halt.is_full = false;
    halt.is_done = false;
    long was_dumpable = KERNEL(prctl, PR_GET_DUMPABLE, 0);
    if (was_dumpable != 1)
        KERNEL(prctl, PR_SET_DUMPABLE, 1);
    KERNEL(prctl, PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    long helper = start_helper(work, context);
    KERNEL(prctl, PR_SET_PTRACER, 0);
    if (was_dumpable != 1 && !kernel_failed(was_dumpable))
        KERNEL(prctl, PR_SET_DUMPABLE, was_dumpable);
    if (!kernel_failed(helper))
        KERNEL(wait4, helper, 0, __WALL, 0);
    *unseen = halt.unseen;
    return halt.is_done;
}
