#include "measure/headroom.h"

#include "base/memory.h"
#include "measure/metric.h"
#include "stats/paired.h"

#include <math.h>
#include <stdlib.h>

static double headroom_bound(double share) {
    return fmin(fmax(share, 0), HEADROOM_SHARE_MOST);
}

void headroom_make(struct headroom *headroom, const struct rounds *rounds, double plain_s) {
    double *values = memory_array(rounds->count, sizeof *values);
    *headroom = (struct headroom){.measured = true, .rounds = rounds->count};
    for (unsigned k = 0; k < HEADROOM_STEPS; k++) {
        for (unsigned i = 0; i < rounds->count; i++)
            values[i] = metric_value(METRIC_CPU, &rounds->items[i].results[k]);
        headroom->cpu_s[k] = paired_median(values, rounds->count);
    }
    /* The least-squares slope over k = 0, 1, 2 is half the difference of the ends. */
    for (unsigned i = 0; i < rounds->count; i++)
        values[i] = (metric_value(METRIC_CPU, &rounds->items[i].results[2]) -
                     metric_value(METRIC_CPU, &rounds->items[i].results[0])) /
                    2 / plain_s;
    struct paired_interval interval = paired_estimate(values, rounds->count);
    headroom->share = headroom_bound(interval.estimate);
    headroom->low = headroom_bound(interval.low);
    headroom->high = headroom_bound(interval.high);
    free(values);
}

double headroom_ceiling(double share) {
    return 1 / (1 - headroom_bound(share));
}

unsigned headroom_rounds_for(double seconds, double run_s) {
    /* A round is three runs, the dearer ones up to three times as long; twice on average is
     * careful. */
    double rounds = floor(seconds / (2 * HEADROOM_STEPS * fmax(run_s, 1e-3)));
    if (rounds < HEADROOM_ROUNDS_LEAST)
        return 0;
    return rounds < HEADROOM_ROUNDS_MOST ? (unsigned)rounds : HEADROOM_ROUNDS_MOST;
}
