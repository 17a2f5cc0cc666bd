#include "encoded.h"

#include <string.h>

enum {
    ENCODED_BASE = 0x70,
    FORM_POINTER = ENCODED_ABSOLUTE,
    FORM_ULEB = 0x01,
    FORM_U2 = 0x02,
    FORM_U4 = 0x03,
    FORM_U8 = 0x04,
    FORM_SLEB = 0x09,
    FORM_S2 = 0x0a,
    FORM_S4 = 0x0b,
    FORM_S8 = 0x0c,
    BASE_PLACE = 0x10, /* where it stands */
};

uint64_t encoded_fixed(struct encoded *bytes, size_t count) {
    uint64_t value = 0;
    if ((size_t)(bytes->end - bytes->at) < count) {
        bytes->at = bytes->end;
        return 0;
    }
    memcpy(&value, bytes->at, count);
    bytes->at += count;
    return value;
}

uint64_t encoded_unsigned(struct encoded *bytes) {
    uint64_t value = 0;
    for (unsigned shift = 0; bytes->at < bytes->end; shift += 7) {
        unsigned char byte = *bytes->at++;
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            break;
    }
    return value;
}

int64_t encoded_signed(struct encoded *bytes) {
    uint64_t value = 0;
    unsigned shift = 0;
    while (bytes->at < bytes->end) {
        unsigned char byte = *bytes->at++;
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
        if ((byte & 0x80) == 0) {
            if ((byte & 0x40) != 0 && shift < 64)
                value |= UINT64_MAX << shift;
            break;
        }
    }
    return (int64_t)value;
}

uint64_t encoded_pointer(struct encoded *bytes, unsigned encoding) {
    uint64_t place = (uint64_t)(uintptr_t)bytes->at;
    uint64_t value = 0;
    switch (encoding & ENCODED_FORM) {
    case FORM_ULEB:
        value = encoded_unsigned(bytes);
        break;
    case FORM_SLEB:
        value = (uint64_t)encoded_signed(bytes);
        break;
    case FORM_U2:
        value = encoded_fixed(bytes, 2);
        break;
    case FORM_S2:
        value = (uint64_t)(int64_t)(int16_t)encoded_fixed(bytes, 2);
        break;
    case FORM_U4:
        value = encoded_fixed(bytes, 4);
        break;
    case FORM_S4:
        value = (uint64_t)(int64_t)(int32_t)encoded_fixed(bytes, 4);
        break;
    case FORM_POINTER:
    case FORM_U8:
    case FORM_S8:
        value = encoded_fixed(bytes, 8);
        break;
    default:
        bytes->at = bytes->end;
    }
    return (encoding & ENCODED_BASE) == BASE_PLACE ? value + place : value;
}
