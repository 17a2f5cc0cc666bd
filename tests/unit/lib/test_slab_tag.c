/* If this failed, a damaged or copied descriptor would be believed, or a sound one not. */
#include "slab_tag.h"
#include "tap.h"

static void a_tag_names_its_owner_for_its_slab_only(void) {
    const unsigned owners[] = {SLAB_OWNER_ORPHAN, SLAB_OWNER_FIRST, 2, 1000, SLAB_OWNER_NONE};
    slab_tag_start(0xfedcba9876543210u);
    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        for (size_t index = 0; index < 1 << 22; index = index * 3 + 1) {
            uint64_t tag = slab_tag_of_owner(owners[i]) ^ index;
            CHECK(slab_tag_owner(tag, index) == (int)owners[i]);
            CHECK(slab_tag_owner(tag | SLAB_TAG_POSTED, index) == (int)owners[i]);
            CHECK(slab_tag_owner(tag, index + 1) == -1);
        }
    }
}

static void a_tag_with_any_bit_of_its_magic_changed_is_none(void) {
    uint64_t tag = slab_tag_of_owner(7) ^ 123;
    for (unsigned bit = 0; bit < SLAB_TAG_OWNER_SHIFT; bit++)
        CHECK(slab_tag_owner(tag ^ (uint64_t)1 << bit, 123) == -1);
}

static void the_usual_rubbish_is_no_tag(void) {
    const uint64_t rubbish[] = {0, 1, UINT64_MAX, 0x4141414141414141u, 0x00007f1234567890u};
    for (size_t i = 0; i < sizeof rubbish / sizeof rubbish[0]; i++)
        CHECK(slab_tag_owner(rubbish[i], 5) == -1);
}

static void the_key_leaves_the_posted_bit_alone(void) {
    slab_tag_start(UINT64_MAX);
    CHECK((slab_tag_key & SLAB_TAG_POSTED) == 0 &&
          (slab_tag_of_owner(SLAB_OWNER_NONE) & SLAB_TAG_POSTED) == 0);
}

int main(void) {
    TAP_RUN(a_tag_names_its_owner_for_its_slab_only);
    TAP_RUN(a_tag_with_any_bit_of_its_magic_changed_is_none);
    TAP_RUN(the_usual_rubbish_is_no_tag);
    TAP_RUN(the_key_leaves_the_posted_bit_alone);
    return tap_done();
}
