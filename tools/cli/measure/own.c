#include "measure/own.h"

#include "base/memory.h"

#include <math.h>
#include <stddef.h>

void own_declare(struct rounds *rounds, const struct numbers *numbers) {
    for (unsigned i = 0; numbers != NULL && i < numbers->count; i++) {
        const struct number *number = &numbers->items[i];
        bool decides = number->better != NUMBER_NEITHER_IS_BETTER;
        struct metric_about about =
            metric_own(number->name, METRIC_NUMBER, number->better, decides, number->pattern);
        rounds_own(rounds, &about);
    }
}

char *own_fault(const struct numbers *numbers, const struct numbers_found *found) {
    for (unsigned i = 0; numbers != NULL && i < numbers->count; i++) {
        const struct number *number = &numbers->items[i];
        if (found->rejected[i][0] != '\0')
            return memory_format("--metric %s: '%s' in its output is no number", number->name,
                                 found->rejected[i]);
        if (isnan(found->values[i]))
            return memory_format("--metric %s: no line of its output matches '%s'", number->name,
                                 number->pattern);
        if (!(found->values[i] > 0))
            return memory_format("--metric %s: it is %g, and only numbers above 0 have ratios",
                                 number->name, found->values[i]);
    }
    return NULL;
}

void own_take(struct round *round, unsigned variant, const struct numbers *numbers,
              const struct numbers_found *found) {
    for (unsigned i = 0; numbers != NULL && i < numbers->count; i++)
        round->own[variant][i] = found->values[i];
}
