/* Counts the system calls of a program, by following it and its threads and children step by step.
 * That takes many times as long as the program does, so it is done once and apart from what is
 * timed.
 */
#ifndef BENCH_SYSCALLS_H
#define BENCH_SYSCALLS_H

#include <stdint.h>

/* The system calls of one run, whose input and output is /dev/null; 0 where processes cannot be
 * followed, or the program failed. */
uint64_t syscalls_count(const char *path, char *const *argv, char *const *envp);

#endif
