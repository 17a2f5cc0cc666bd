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
