/* Files of ours that must not outlive us: removed when the program ends, by exit() or by a signal.
 *
 * Forked children leave by _exit() or exec(), and so remove nothing.
 */
#ifndef BASE_LEFTOVER_H
#define BASE_LEFTOVER_H

/* The string must live until it is forgotten. */
void leftover_note(const char *path);
void leftover_forget(const char *path);

/* For who ends by _exit(). */
void leftover_remove_all(void);

#endif
