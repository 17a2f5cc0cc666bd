#include "inflate.h"

#include "environment.h"
#include "next.h"
#include "tagpool/inflate.h"

#include <errno.h>

unsigned inflate_pairs;

void inflate_start(void) {
    const char *value = environment_get(TAGPOOL_INFLATE_VARIABLE);
    if (value != NULL && value[0] >= '0' && value[0] <= '0' + TAGPOOL_INFLATE_MOST &&
        value[1] == '\0')
        inflate_pairs = (unsigned)(value[0] - '0');
}

void inflate_request(size_t bytes) {
    int saved_errno = errno;
    for (unsigned i = 0; i < inflate_pairs && bytes <= TAGPOOL_INFLATE_BYTES; i++) {
        void *block = next()->malloc(bytes);
        if (!next_is_bootstrap(block))
            next()->free(block);
    }
    errno = saved_errno;
}
