/* What does not change after start: keys, bounds, options, how the checks are done. It lies in
 * pages of its own (FIXED in base.h, layout.ld), which the hardened mode makes read-only: an
 * attacker who can write to any address cannot turn the checks off.
 *
 * A program that is linked with the objects, as the unit tests are, has no such pages: there
 * nothing is made read-only.
 */
#ifndef FIXED_H
#define FIXED_H

#include "base.h"

/* Make it read-only, once all of it is set and while no other thread can be setting any. It stays
 * as it is where the system refuses that. */
void fixed_close(void);

/* Change a number of it all the same; under pool_lock. False, and nothing done, if the system does
 * not let us. */
bool fixed_set(size_t *place, size_t value);

#endif
