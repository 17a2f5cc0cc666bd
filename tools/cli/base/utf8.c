#include "base/utf8.h"

#include "base/memory.h"

#include <string.h>

unsigned utf8_sequence(const char *text) {
    const unsigned char *bytes = (const unsigned char *)text;
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        unsigned length;
    } forms[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    if (bytes[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (bytes[0] < forms[i].first_low || bytes[0] > forms[i].first_high)
            continue;
        if (bytes[1] < forms[i].second_low || bytes[1] > forms[i].second_high)
            return 0;
        for (unsigned j = 2; j < forms[i].length; j++)
            if (bytes[j] < 0x80 || bytes[j] > 0xbf)
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
