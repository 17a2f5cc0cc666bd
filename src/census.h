/* What is live in the pools, for the statistics page: summed up over all slabs, which know it
 * anyway, so that nothing is counted by the calls themselves.
 *
 * It takes a look at each slab, so it is taken where slabs change hands, and no more often than
 * keeps it below a hundredth of the time. Without a page it is a test.
 */
#ifndef CENSUS_H
#define CENSUS_H

/* Take one if there is a page and it is time. Under pool_lock. */
void census_note(void);

/* The same without the lock, for a thread that does not hold it. */
void census_go_on(void);

#endif
