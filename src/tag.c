#include "tag.h"

FIXED uint64_t tag_key;

void tag_start(uint64_t random_bits) {
    tag_key = random_bits & ~TAG_POSTED;
}
