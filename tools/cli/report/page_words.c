#include "report/page_words.h"

enum { PAGE_WORDS_COLOURS = 6 };

const char *page_words_metric(enum metric metric) {
    static const char *const titles[METRIC_COUNT] = {
        [METRIC_WALL] = "Wall time",
        [METRIC_CPU] = "CPU time",
        [METRIC_PEAK] = "Peak memory",
        [METRIC_FAULTS] = "Page faults",
    };
    return titles[metric];
}

unsigned page_words_colour(const struct comparison *comparison, unsigned variant) {
    unsigned reference = comparison->result->rounds.reference;
    return (variant - (variant > reference)) % PAGE_WORDS_COLOURS;
}
