#include "base/program.h"

#include "base/say.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A closed 0, 1 or 2 would be taken by the next file that is opened, and the target would write
 * into it. */
static void open_standard_descriptors(void) {
    int descriptor;
    do
        descriptor = open("/dev/null", O_RDWR);
    while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor >= 0)
        close(descriptor);
}

void program_start(void) {
    open_standard_descriptors();
    /* Inherited as ignored, it would leave no ended child to wait for. */
    signal(SIGCHLD, SIG_DFL);
}

int program_finish(int status) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    say_error("cannot write to standard output: %s", strerror(errno));
    return STATUS_OWN_FAILURE;
}
