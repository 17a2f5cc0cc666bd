#include "measure/counted.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* Why a counter has no values: the error of the first run that lacks it; 0 when none does. */
static int counted_error(const struct rounds *rounds, int counter) {
    for (unsigned i = 0; i < rounds->count; i++)
        for (unsigned variant = 0; variant < rounds->variant_count; variant++) {
            int error = rounds->items[i].results[variant].counters[counter].error;
            if (error != 0)
                return error;
        }
    return 0;
}

/* Never 0, so that ratios exist. */
static double counted_value(const struct rounds *rounds, unsigned index, unsigned variant,
                            int counter) {
    uint64_t count = rounds->items[index].results[variant].counters[counter].count;
    return count > 0 ? (double)count : 1;
}

static void counted_make_one(struct counted *counted, const struct rounds *rounds, unsigned variant,
                             int counter) {
    double *values = memory_array(rounds->count, sizeof *values);
    for (unsigned i = 0; i < rounds->count; i++)
        values[i] = counted_value(rounds, i, variant, counter);
    counted->medians[variant][counter] = paired_median(values, rounds->count);
    for (unsigned i = 0; i < rounds->count; i++)
        values[i] = log(values[i] / counted_value(rounds, i, rounds->reference, counter));
    counted->differences[variant][counter] = paired_estimate(values, rounds->count);
    free(values);
}

void counted_make(struct counted *counted, const struct rounds *rounds) {
    *counted = (struct counted){.measured = true, .rounds = rounds->count};
    for (int counter = 0; counter < COUNTER_COUNT; counter++) {
        counted->errors[counter] = counted_error(rounds, counter);
        for (unsigned variant = 0; counted->errors[counter] == 0 && variant < rounds->variant_count;
             variant++)
            counted_make_one(counted, rounds, variant, counter);
    }
}
