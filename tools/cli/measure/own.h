/* Numbers that the program prints, as metrics of a measurement: from what numbers.h found in the
 * output of a run to a round's own[].
 */
#ifndef MEASURE_OWN_H
#define MEASURE_OWN_H

#include "measure/rounds.h"

/* Declares them; NULL: there are none. */
void own_declare(struct rounds *rounds, const struct numbers *numbers);

/* NULL when each was found and can be compared, else a new string that says which was not. */
char *own_fault(const struct numbers *numbers, const struct numbers_found *found);

/* Puts what was found into a round. The numbers are those that were declared first. */
void own_take(struct round *round, unsigned variant, const struct numbers *numbers,
              const struct numbers_found *found);

#endif
