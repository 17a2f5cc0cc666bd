#include "stats/moments.h"

#include "stats/paired.h"

#include <math.h>

/* Iglewicz and Hoaglin (1993), How to Detect and Handle Outliers. */
#define MOMENTS_OUTLIER_DEVIATIONS 3.5

struct moments moments_of(const double *values, unsigned n) {
    struct moments moments = {.minimum = values[0], .maximum = values[0]};
    double median = paired_median(values, n), sigma = paired_sigma(values, n), squares = 0;
    for (unsigned i = 0; i < n; i++) {
        moments.mean += values[i] / n;
        moments.minimum = fmin(moments.minimum, values[i]);
        moments.maximum = fmax(moments.maximum, values[i]);
        moments.outliers +=
            sigma > 0 && fabs(values[i] - median) > MOMENTS_OUTLIER_DEVIATIONS * sigma;
    }
    for (unsigned i = 0; i < n; i++)
        squares += (values[i] - moments.mean) * (values[i] - moments.mean);
    moments.deviation = n > 1 ? sqrt(squares / (n - 1)) : 0;
    return moments;
}
