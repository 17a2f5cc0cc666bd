/* What is live at exit: a line for each class that has some, and one for all. What the program can
 * still get at by its variables (reach.h) is no leak, and has a line of its own.
 *
 * The buffers of the C library's streams do not count, nor what else it keeps of its own
 * (runtime.h).
 *
 * A library that was loaded before this one may have something left to do at exit. So nothing is
 * freed, written or closed for this.
 */
#ifndef LEAKS_H
#define LEAKS_H

/* Write the lines, and note the sums in the statistics. To be registered as the first function that
 * runs at exit: so it runs after the destructors of all libraries, which the loader registers
 * later. */
void leaks_tell_at_end(void *ignored);

#endif
