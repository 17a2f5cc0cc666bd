/* A digest of what a program wrote: enough to tell that two outputs differ, never the output
 * itself.
 *
 * FNV-1a over 64 bits. It guards against accidents, not against forgery.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct digest {
    uint64_t hash;
    uint64_t bytes;
};

void digest_init(struct digest *digest);
void digest_add(struct digest *digest, const void *data, size_t bytes);
bool digest_equal(const struct digest *left, const struct digest *right);

#endif
