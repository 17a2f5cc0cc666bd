/* Commands of the user around what is measured: --setup, --prepare, --conclude and --cleanup.
 *
 *   setup    (prepare  run  conclude)  (prepare  run  conclude) ...    cleanup
 *
 * The shell runs each, with our environment and never with the allocator of a variant. What it
 * writes goes to standard error: standard output may be where results go.
 */
#ifndef MEASURE_HOOK_H
#define MEASURE_HOOK_H

/* Both: NULL when it ended well or there is no command, else a new string that says how it ended.
 * `option` names it: "--prepare". */

/* What comes before: a signal that interrupts us ends it, too. */
char *hook_begin(const char *option, const char *command);

/* What tidies up, which is what an interruption has to wait for. */
char *hook_end(const char *option, const char *command);

#endif
