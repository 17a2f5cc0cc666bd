#include "report/page_words.h"

#include "base/html.h"

enum { PAGE_WORDS_COLOURS = 6 };

void page_words_metric(FILE *out, const struct comparison *comparison, enum metric metric) {
    static const char *const titles[METRIC_COUNT] = {
        [METRIC_WALL] = "Wall time",
        [METRIC_CPU] = "CPU time",
        [METRIC_PEAK] = "Peak memory",
        [METRIC_FAULTS] = "Page faults",
    };
    html_text(out, metric < METRIC_COUNT
                       ? titles[metric]
                       : rounds_about(&comparison->result->rounds, metric)->title);
}

unsigned page_words_colour(const struct comparison *comparison, unsigned variant) {
    unsigned reference = comparison->result->rounds.reference;
    return (variant - (variant > reference)) % PAGE_WORDS_COLOURS;
}
