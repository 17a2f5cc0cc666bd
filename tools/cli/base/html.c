#include "base/html.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

void html_text(FILE *out, const char *text) {
    const unsigned char *next = (const unsigned char *)text;
    while (*next != '\0') {
        size_t length = utf8_sequence((const char *)next);
        if (length == 0 || (length == 1 && *next < ' ' && *next != '\n' && *next != '\t'))
            fputs(UTF8_REPLACEMENT, out);
        else if (*next == '<')
            fputs("&lt;", out);
        else if (*next == '>')
            fputs("&gt;", out);
        else if (*next == '&')
            fputs("&amp;", out);
        else if (*next == '"')
            fputs("&quot;", out);
        else if (*next == '\'')
            fputs("&#39;", out);
        else
            fwrite(next, 1, length, out);
        next += length == 0 ? 1 : length;
    }
}

void html_format(FILE *out, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = memory_format_list(format, arguments);
    va_end(arguments);
    html_text(out, text);
    free(text);
}

unsigned html_ticks(double low, double high, unsigned most, double ticks[HTML_TICKS_MAX]) {
    static const double steps[] = {1, 2, 5, 10};
    double unit = pow(10, floor(log10((high - low) / most)));
    double step = unit;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        step = steps[i] * unit;
        if ((high - low) / step <= most)
            break;
    }
    unsigned count = 0;
    double first = ceil(low / step - 1e-9);
    while (count < HTML_TICKS_MAX && (first + count) * step <= high + step * 1e-9) {
        ticks[count] = (first + count) * step;
        count++;
    }
    return count;
}

double html_place(const struct html_scale *scale, double value) {
    double share = (value - scale->low) / (scale->high - scale->low);
    return scale->start + share * (scale->stop - scale->start);
}

void html_format_bytes(double bytes, char *text, size_t text_bytes) {
    static const char *const units[] = {"", "K", "M", "G", "T"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        bytes /= 1024;
    snprintf(text, text_bytes, bytes == floor(bytes) || bytes >= 100 ? "%.0f%s" : "%.1f%s", bytes,
             units[unit]);
}
