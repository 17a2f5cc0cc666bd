#include "text.h"

#include <string.h>

void text_add_span(struct text *text, const char *start, size_t length) {
    size_t room = sizeof text->bytes - text->length;
    size_t bytes = length < room ? length : room;
    memcpy(text->bytes + text->length, start, bytes);
    text->length += bytes;
}

void text_add(struct text *text, const char *string) {
    text_add_span(text, string, strlen(string));
}

static void add_digits(struct text *text, uint64_t number, unsigned base) {
    char digits[20];
    size_t start = sizeof digits;
    do {
        digits[--start] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0);
    text_add_span(text, digits + start, sizeof digits - start);
}

void text_add_number(struct text *text, uint64_t number) {
    add_digits(text, number, 10);
}

void text_add_hex(struct text *text, uint64_t number) {
    text_add(text, "0x");
    add_digits(text, number, 16);
}

NEAR static unsigned suffix_shift(char suffix) {
    switch (suffix) {
    case 'k':
    case 'K':
        return 10;
    case 'm':
    case 'M':
        return 20;
    case 'g':
    case 'G':
        return 30;
    default:
        return 0;
    }
}

NEAR bool text_read_number(const char *start, size_t length, uint64_t *number) {
    unsigned shift = length > 1 ? suffix_shift(start[length - 1]) : 0;
    size_t digits = shift != 0 ? length - 1 : length;
    uint64_t value = 0;
    if (digits == 0)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (start[i] < '0' || start[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(start[i] - '0'), &value))
            return false;
    }
    if (value > UINT64_MAX >> shift)
        return false;
    *number = value << shift;
    return true;
}

NEAR bool text_equals(const char *start, size_t length, const char *word) {
    return strlen(word) == length && memcmp(start, word, length) == 0;
}
