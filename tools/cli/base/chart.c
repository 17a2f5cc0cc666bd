#include "base/chart.h"

#include "base/wrap.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CHART_EIGHTHS = 8 };

/* Parts of a character in eighths: from the left, and from below. */
static const char *const chart_left[CHART_EIGHTHS + 1] = {
    "",
    "\xe2\x96\x8f",
    "\xe2\x96\x8e",
    "\xe2\x96\x8d",
    "\xe2\x96\x8c",
    "\xe2\x96\x8b",
    "\xe2\x96\x8a",
    "\xe2\x96\x89",
    "\xe2\x96\x88",
};
static const char *const chart_below[CHART_EIGHTHS + 1] = {
    " ",
    "\xe2\x96\x81",
    "\xe2\x96\x82",
    "\xe2\x96\x83",
    "\xe2\x96\x84",
    "\xe2\x96\x85",
    "\xe2\x96\x86",
    "\xe2\x96\x87",
    "\xe2\x96\x88",
};

/* The environment decides, in the order of setlocale(3). */
bool chart_is_utf8(FILE *out) {
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    if (!wrap_is_terminal(out))
        return false;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *locale = getenv(variables[i]);
        if (locale != NULL && locale[0] != '\0')
            return strcasestr(locale, "utf-8") != NULL || strcasestr(locale, "utf8") != NULL;
    }
    return false;
}

/* In eighths of characters, at least one for what is not nothing. */
static unsigned chart_length(double share, unsigned width) {
    double clamped = share < 0 ? 0 : share > 1 ? 1 : share;
    unsigned length = (unsigned)(clamped * width * CHART_EIGHTHS + 0.5);
    return length == 0 && share > 0 ? 1 : length;
}

void chart_bar(FILE *out, bool utf8, double share, unsigned width) {
    unsigned length = chart_length(share, width);
    if (!utf8)
        length = (length + CHART_EIGHTHS - 1) / CHART_EIGHTHS * CHART_EIGHTHS;
    for (; length >= CHART_EIGHTHS; length -= CHART_EIGHTHS)
        fputs(utf8 ? chart_left[CHART_EIGHTHS] : "#", out);
    fputs(chart_left[length], out);
}

void chart_columns(FILE *out, bool utf8, const double *values, unsigned count, double most,
                   unsigned height, unsigned margin) {
    for (unsigned line = height; line-- > 0;) {
        fprintf(out, "%*s", (int)margin, "");
        for (unsigned i = 0; i < count; i++) {
            unsigned length = most > 0 ? chart_length(values[i] / most, height) : 0;
            unsigned below = line * CHART_EIGHTHS;
            unsigned part = length <= below ? 0 : length - below;
            part = part > CHART_EIGHTHS ? CHART_EIGHTHS : part;
            fputs(utf8 ? chart_below[part] : part > 0 ? "#" : " ", out);
        }
        fputc('\n', out);
    }
}
