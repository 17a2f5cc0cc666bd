#include "slab_tag.h"

FIXED uint64_t slab_tag_key;

void slab_tag_start(uint64_t random_bits) {
    slab_tag_key = random_bits & ~SLAB_TAG_POSTED;
}
