/* How a program of ours begins and ends. */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

/* First thing in main(): makes up for what a caller may have left us, closed standard descriptors
 * and an ignored SIGCHLD. */
void program_start(void);

/* The exit status of a program that is done: `status`, or, if results could not be written to
 * standard output, STATUS_OWN_FAILURE, whatever was measured; says so. */
int program_finish(int status);

#endif
