#include "base/size.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool size_read(const char *text, uint64_t *bytes) {
    static const char suffixes[] = "KMG";
    char *end;
    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    *bytes = strtoull(text, &end, 10);
    const char *suffix = *end != '\0' ? strchr(suffixes, toupper((unsigned char)*end)) : NULL;
    if (suffix != NULL) {
        end++;
        for (const char *p = suffixes; p <= suffix; p++)
            if (__builtin_mul_overflow(*bytes, (uint64_t)1024, bytes))
                return false;
    }
    return errno == 0 && *end == '\0';
}

const char *size_unit(double *bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; *bytes >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        *bytes /= 1024;
    return units[unit];
}
