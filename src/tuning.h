/* How much the next allocator keeps of what is freed: glibc's, which has settings for it.
 *
 * glibc returns what is free at the end of its heap beyond 128 KiB, and maps larger blocks one by
 * one. Without us the program's nodes lie at that end and prevent the first. They are in the pool
 * now, so the same memory would be returned and taken again. So what stays there is bound to the
 * sizes of the blocks that the program frees, as far as it frees enough of them; and goes back when
 * it does not any more. All of glibc's heaps share it, as a thread's gives nothing back while the
 * thread waits. What it keeps while nobody asks it for anything is memory that our pools cannot
 * use.
 *
 * What the program's user has set, or the program by mallopt(3), is left alone. A sample of all
 * frees is enough, but for the first ones: few frees of large blocks can be enough for glibc to
 * return and take its memory again and again. Any thread may call what is here, as it calls the
 * next allocator.
 */
#ifndef TUNING_H
#define TUNING_H

#include "base.h"

/* Note a block of the next allocator that is about to be freed. Returns how many more the thread
 * may free before it notes one again. */
int32_t tuning_note(void *block);

/* True if it keeps more than it would by itself: then some thread is to look at the clock. */
bool tuning_keeps_more(void);

/* A time has passed in which nothing that is not needed is to stay, as in sweep.h. */
void tuning_decay(void);

/* Nobody has asked the next allocator for anything for some time: what it keeps goes back, if that
 * is worth the while. */
void tuning_idle(void);

/* The program has called mallopt() with this parameter. */
void tuning_is_users(int parameter);

#endif
