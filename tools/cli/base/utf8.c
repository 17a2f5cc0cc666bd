#include "base/utf8.h"

#include "base/memory.h"

#include <string.h>

unsigned utf8_sequence(const char *first) {
    const unsigned char *text = (const unsigned char *)first;
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        unsigned length;
    } forms[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    if (text[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (text[0] < forms[i].first_low || text[0] > forms[i].first_high)
            continue;
        if (text[1] < forms[i].second_low || text[1] > forms[i].second_high)
            return 0;
        for (unsigned j = 2; j < forms[i].length; j++)
            if (text[j] < 0x80 || text[j] > 0xbf)
                return 0;
        return forms[i].length;
    }
    return 0;
}

char *utf8_clean(const char *text) {
    char *clean = memory_array(strlen(text) * strlen(UTF8_REPLACEMENT) + 1, 1);
    char *end = clean;
    while (*text != '\0') {
        unsigned length = utf8_sequence(text);
        end = length != 0 ? mempcpy(end, text, length) : stpcpy(end, UTF8_REPLACEMENT);
        text += length != 0 ? length : 1;
    }
    *end = '\0';
    return clean;
}
