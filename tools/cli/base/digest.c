#include "base/digest.h"

void digest_init(struct digest *digest) {
    *digest = (struct digest){.hash = 0xcbf29ce484222325ULL};
}

void digest_add(struct digest *digest, const void *data, size_t bytes) {
    const unsigned char *p = data;
    uint64_t hash = digest->hash;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ p[i]) * 0x100000001b3ULL;
    digest->hash = hash;
    digest->bytes += bytes;
}

bool digest_equal(const struct digest *left, const struct digest *right) {
    return left->hash == right->hash && left->bytes == right->bytes;
}
