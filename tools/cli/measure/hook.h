/* Commands of the user around what is measured: --setup, --prepare, --conclude and --cleanup.
 *
 *   setup    (prepare  run  conclude)  (prepare  run  conclude) ...    cleanup
 *
 * The shell runs each, with our environment and never with the allocator of a variant. What it
 * writes goes to standard error: standard output may be where results go.
 */
#ifndef MEASURE_HOOK_H
#define MEASURE_HOOK_H

/* NULL when it ended well or there is no command, else a new string that says how it ended.
 * `option` names it: "--prepare". Ctrl-C in it ends the program. */
char *hook_run(const char *option, const char *command);

#endif
