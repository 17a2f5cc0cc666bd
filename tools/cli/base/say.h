/* What the program says to its user, and how it ends.
 *
 * Every message is one line on standard error that begins with the name of the program and of the
 * running command, "tagpool compare: ..."; a terminal gets it broken between words. A note is
 * advice; an error is followed by the end of the command. Data and tables never go through here:
 * they belong to standard output.
 */
#ifndef BASE_SAY_H
#define BASE_SAY_H

/* Exit statuses of the program; those of `run` are the target's own. 125, 126 and 127 as env(1). */
enum exit_status {
    STATUS_DONE = 0,
    STATUS_REGRESSION = 1, /* slower than --fail-if-slower allows, and proven */
    STATUS_USAGE = 2,      /* the command line is wrong */
    STATUS_TARGET_FAILED =
        3,                   /* the target failed, its output differs, or the shim was not active */
    STATUS_INCONCLUSIVE = 4, /* with --strict */
    STATUS_FOUND = 99,       /* run --check found a fault or a leak */
    STATUS_OWN_FAILURE = 125, /* a file or a system call failed, or libtagpool.so is missing */
    STATUS_CANNOT_RUN = 126,  /* the command was found and cannot be run, or not under the shim */
    STATUS_NOT_FOUND = 127,   /* the command was not found */
    /* 128 and a signal's number: interrupt_status() */
};

/* The name of the running program: "tagpool", unless say_as_program() was told another. The string
 * must live on. */
const char *say_program(void);
void say_as_program(const char *name);

/* Names the running command for all later messages; the string must live on. */
void say_as(const char *command);

/* That name, or "". */
const char *say_command(void);

__attribute__((format(printf, 1, 2))) void say_error(const char *format, ...);
__attribute__((format(printf, 1, 2))) void say_note(const char *format, ...);

/* Says the error and exits with the status. */
__attribute__((format(printf, 2, 3), noreturn)) void say_and_exit(enum exit_status status,
                                                                  const char *format, ...);

#endif
