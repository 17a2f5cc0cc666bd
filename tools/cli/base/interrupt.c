#include "base/interrupt.h"

#include "base/clock.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

/* timeout(1) sends one to the process, and one to its group. */
#define INTERRUPT_SAME_NS UINT64_C(300000000)

static volatile sig_atomic_t interrupt_noted;
static uint64_t interrupt_noted_ns; /* written by the handler alone */
static struct sigaction interrupt_before;

/* Async-signal-safe. */
static void interrupt_note(int number) {
    uint64_t now_ns = clock_wall_ns();
    if (interrupt_noted == 0) {
        interrupt_noted = 1;
        interrupt_noted_ns = now_ns;
        return;
    }
    if (now_ns - interrupt_noted_ns < INTERRUPT_SAME_NS)
        return;
    sigaction(number, &interrupt_before, NULL);
    raise(number);
}

void interrupt_watch(void) {
    struct sigaction action = {.sa_handler = interrupt_note, .sa_flags = SA_RESTART};
    if (sigaction(SIGINT, NULL, &interrupt_before) == 0 && interrupt_before.sa_handler != SIG_IGN)
        sigaction(SIGINT, &action, NULL);
}

void interrupt_release(void) {
    struct sigaction now;
    if (sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == interrupt_note)
        sigaction(SIGINT, &interrupt_before, NULL);
}

bool interrupt_came(void) {
    return interrupt_noted != 0;
}
