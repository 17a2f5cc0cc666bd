#include "base/interrupt.h"

#include "base/clock.h"
#include "base/leftover.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

/* timeout(1) sends one to the process, and one to its group. */
#define INTERRUPT_SAME_NS UINT64_C(300000000)

enum { INTERRUPT_SIGNALS = 3, INTERRUPT_STATUS_BASE = 128 };

static const int interrupt_signals[INTERRUPT_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
static struct sigaction interrupt_before[INTERRUPT_SIGNALS];
static unsigned interrupt_watches;
static volatile sig_atomic_t interrupt_noted; /* the signal's number */
static volatile sig_atomic_t interrupt_passed_to;
static uint64_t interrupt_noted_ns; /* written by the handler alone */

/* Async-signal-safe. All three are blocked meanwhile. */
static void interrupt_note(int number) {
    int error = errno;
    uint64_t now_ns = clock_wall_ns();
    if (interrupt_noted == 0) {
        interrupt_noted = number;
        interrupt_noted_ns = now_ns;
        if (interrupt_passed_to > 0)
            kill((pid_t)interrupt_passed_to, SIGTERM);
    } else if (now_ns - interrupt_noted_ns >= INTERRUPT_SAME_NS) {
        leftover_remove_all();
        signal(number, SIG_DFL);
        raise(number);
    }
    errno = error;
}

void interrupt_watch(void) {
    struct sigaction action = {.sa_handler = interrupt_note, .sa_flags = SA_RESTART};
    if (interrupt_watches++ > 0)
        return;
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < INTERRUPT_SIGNALS; i++)
        sigaddset(&action.sa_mask, interrupt_signals[i]);
    for (int i = 0; i < INTERRUPT_SIGNALS; i++)
        if (sigaction(interrupt_signals[i], NULL, &interrupt_before[i]) == 0 &&
            interrupt_before[i].sa_handler != SIG_IGN)
            sigaction(interrupt_signals[i], &action, NULL);
}

void interrupt_release(void) {
    struct sigaction now;
    if (--interrupt_watches > 0)
        return;
    for (int i = 0; i < INTERRUPT_SIGNALS; i++)
        if (sigaction(interrupt_signals[i], NULL, &now) == 0 && now.sa_handler == interrupt_note)
            sigaction(interrupt_signals[i], &interrupt_before[i], NULL);
}

bool interrupt_came(void) {
    return interrupt_noted != 0;
}

enum exit_status interrupt_status(void) {
    return (enum exit_status)(INTERRUPT_STATUS_BASE + interrupt_noted);
}

void interrupt_pass_to(pid_t process) {
    interrupt_passed_to = (sig_atomic_t)process;
    if (process > 0 && interrupt_came())
        kill(process, SIGTERM);
}
