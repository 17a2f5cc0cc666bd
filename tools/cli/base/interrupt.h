/* Ctrl-C while something goes on that can be ended early and still be of use.
 *
 * Between interrupt_watch and interrupt_release the first SIGINT is only noted. A second one,
 * unless it comes at once, does what it would have done before. Where SIGINT is ignored, as of a
 * job in the background, it stays so.
 */
#ifndef BASE_INTERRUPT_H
#define BASE_INTERRUPT_H

#include <stdbool.h>

void interrupt_watch(void);

/* Puts back what was in place. What came meanwhile stays noted. */
void interrupt_release(void);

bool interrupt_came(void);

#endif
