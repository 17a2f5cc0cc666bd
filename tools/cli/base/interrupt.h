/* Ctrl-C, and the signals by which others end a program, while something goes on that can be ended
 * early and still be of use.
 *
 * Between interrupt_watch and interrupt_release the first SIGINT, SIGTERM or SIGHUP is only noted:
 * who measures asks for it, tells what was done, and tidies up. A second one, unless it comes at
 * once, ends the program. What is ignored, as SIGINT of a job in the background, stays so.
 */
#ifndef BASE_INTERRUPT_H
#define BASE_INTERRUPT_H

#include "base/say.h"

#include <stdbool.h>
#include <sys/types.h>

/* May be nested: the outermost pair counts. */
void interrupt_watch(void);

/* Puts back what was in place. What came meanwhile stays noted. */
void interrupt_release(void);

bool interrupt_came(void);

/* What to end with: 130 after Ctrl-C, of other signals 128 and their number. */
enum exit_status interrupt_status(void);

/* Ends that process with SIGTERM as soon as a signal is noted, at once if one is. 0: none any more.
 * It must not have been waited for. */
void interrupt_pass_to(pid_t process);

#endif
