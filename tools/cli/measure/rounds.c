#include "measure/rounds.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

struct round *rounds_add(struct rounds *rounds) {
    rounds->items = memory_grow(rounds->items, rounds->count, sizeof(struct round));
    struct round *round = &rounds->items[rounds->count++];
    *round = (struct round){0};
    return round;
}

void rounds_free(struct rounds *rounds) {
    free(rounds->items);
    rounds->items = NULL;
    rounds->count = 0;
}

unsigned rounds_own(struct rounds *rounds, const struct metric_about *about) {
    assert(rounds->own_count < METRICS_OWN_MAX);
    rounds->own[rounds->own_count] = *about;
    return rounds->own_count++;
}

unsigned rounds_metrics(const struct rounds *rounds) {
    return METRIC_COUNT + rounds->own_count;
}

const struct metric_about *rounds_about(const struct rounds *rounds, enum metric metric) {
    return metric < METRIC_COUNT ? &metric_about[metric] : &rounds->own[metric - METRIC_COUNT];
}

double rounds_value(const struct rounds *rounds, unsigned index, unsigned variant,
                    enum metric metric) {
    const struct round *round = &rounds->items[index];
    return metric < METRIC_COUNT ? metric_value(metric, &round->results[variant])
                                 : round->own[variant][metric - METRIC_COUNT];
}
