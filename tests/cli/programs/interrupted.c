/* Forks in a signal handler that interrupts calls of the malloc family; its children go on for a
 * while. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
enum { FORKS = 100 };
static volatile sig_atomic_t forks, in_child, failed;
static void fork_here(int number) {
    (void)number;
    if (!in_child && forks < FORKS && ++forks && fork() == 0)
        in_child = 1;
}
int main(void) {
    static char *blocks[64];
    struct itimerval timer = {{0, 1000}, {0, 1000}};
    signal(SIGALRM, fork_here);
    setitimer(ITIMER_REAL, &timer, NULL);
    for (int i = 0, left = 2000; forks < FORKS && (!in_child || left-- > 0); i++) {
        int status;
        free(blocks[i % 64]);
        blocks[i % 64] = realloc(malloc(1 + i % 200), 100 + i % 300);
        memset(blocks[i % 64], i, 100);
        if (!in_child && waitpid(-1, &status, WNOHANG) > 0)
            failed |= status != 0;
    }
    for (int status; !in_child && waitpid(-1, &status, 0) > 0;)
        failed |= status != 0;
    return failed;
}
