/* churn: takes and frees blocks of many sizes and lifetimes, and resizes some. */
#include <stdlib.h>

enum { BLOCKS = 60000, PLACES = 512 };

int main(void) {
    static void *kept[PLACES];
    for (unsigned i = 0; i < BLOCKS; i++) {
        unsigned place = i * 2654435761u >> 23;
        free(kept[place]);
        kept[place] = malloc(1 + i * 40503u % (i % 100 == 0 ? 100000 : 900));
        if (i % 8 == 1)
            kept[place] = realloc(kept[place], 50);
    }
    return 0;
}
