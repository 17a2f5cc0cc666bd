#include "measure/rounds.h"

#include "base/memory.h"

#include <stdlib.h>

struct round *rounds_add(struct rounds *rounds) {
    /* Room grows by doubling: at 0, 1, 2, 4, 8 ... rounds. */
    if ((rounds->count & (rounds->count - 1)) == 0)
        rounds->items =
            memory_resize(rounds->items, rounds->count == 0 ? 1 : 2 * (size_t)rounds->count,
                          sizeof(struct round));
    struct round *round = &rounds->items[rounds->count++];
    *round = (struct round){0};
    return round;
}

void rounds_free(struct rounds *rounds) {
    free(rounds->items);
    rounds->items = NULL;
    rounds->count = 0;
}
