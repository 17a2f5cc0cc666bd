/* If this failed, a slab would lose or double a slot, or take a pointer between two blocks for a
 * block. */
#include "os.h"
#include "sandbox.h"
#include "size_class.h"
#include "slab.h"
#include "tap.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static struct slab *slab;

static void begin(unsigned class_index) {
    memset(slab->live, 0, sizeof slab->live);
    slab_init(slab, class_index, true);
    slab_set_owner(slab, SLAB_OWNER_FIRST);
}

static void *slot_address(uint32_t slot) {
    return slab_start(slab) + (size_t)slot * slab->stride;
}

/* Hands out every slot; their number. */
static uint32_t claim_all(void) {
    uint32_t count = 0;
    for (struct slab_claim claim; (claim = slab_claim(slab)).mask != 0;) {
        CHECK((slab->live[claim.word] & claim.mask) == 0);
        CHECK(claim.count == (unsigned)__builtin_popcountll(claim.mask));
        slab->live[claim.word] |= claim.mask;
        count += claim.count;
    }
    return count;
}

static bool is_zero_page(size_t offset) {
    for (size_t i = 0; i < os_page_bytes(); i++)
        if (slab_start(slab)[offset + i] != 0)
            return false;
    return true;
}

static void every_slot_of_every_class_is_handed_out_once(void) {
    for (unsigned index = SIZE_CLASS_FIRST; index < SIZE_CLASS_COUNT; index++) {
        begin(index);
        uint32_t count = claim_all();
        CHECK_SAY(count == slab->slot_count && slab_used(slab) == count, "%u of %u", count,
                  slab->slot_count);
        CHECK(slab_live_count(slab) == count);
        CHECK((size_t)(count + 1) * slab->stride > SLAB_BYTES - slab->stride);
        for (uint32_t slot = 0; slot < count; slot++)
            slab_give(slab, slot, slab_live_of(slab, slot));
        CHECK(slab_used(slab) == 0 && slab_live_count(slab) == 0);
    }
}

static void only_the_start_of_a_slot_is_a_slot(void) {
    for (unsigned index = SIZE_CLASS_FIRST; index < SIZE_CLASS_COUNT; index++) {
        begin(index);
        for (uint32_t offset = 0; offset < SLAB_BYTES; offset++) {
            bool exact;
            uint32_t slot = slab_slot(slab, offset, &exact);
            CHECK(slot == offset / slab->stride && exact == (offset % slab->stride == 0));
        }
    }
}

static void a_claim_that_is_undone_can_be_made_again(void) {
    begin(size_class_of(64));
    struct slab_claim claim = slab_claim(slab);
    CHECK(claim.mask != 0 && claim.fresh);
    slab_unclaim(slab, claim.word, claim.mask, claim.fresh);
    CHECK(slab_used(slab) == 0);
    struct slab_claim again = slab_claim(slab);
    CHECK(again.mask == claim.mask && again.word == claim.word && again.fresh);
}

static enum slab_remote_result give_remote(uint32_t slot) {
    return slab_give_remote(slab, slab_remote_word_of(slab, slot), slot);
}

static void slots_that_others_free_are_folded_in(void) {
    begin(size_class_of(48));
    uint32_t count = claim_all();
    uint32_t before = slab_used(slab);
    CHECK(give_remote(5) == SLAB_REMOTE_POST);
    CHECK(slab_has_remote(slab) && give_remote(7) == SLAB_REMOTE_GIVEN);
    CHECK(give_remote(count - 1) != SLAB_REMOTE_DOUBLE);
    CHECK(give_remote(5) == SLAB_REMOTE_DOUBLE);
    CHECK(slab_fold(slab) == FAULT_SLOT_UNKNOWN);
    CHECK(slab_used(slab) == before - 3 && !slab_has_remote(slab));
    CHECK(!slab_is_live(slab_live_of(slab, 5), 5) && slab_is_live(slab_live_of(slab, 6), 6));
}

static void a_slot_freed_here_and_there_is_found_when_folded(void) {
    begin(size_class_of(48));
    claim_all();
    CHECK(give_remote(9) == SLAB_REMOTE_POST);
    slab_give(slab, 9, slab_live_of(slab, 9));
    CHECK(slab_fold(slab) == 9);
}

static void the_posted_bit_stays_when_the_owner_changes(void) {
    int owner;
    begin(size_class_of(48));
    CHECK(slab_post_remote(slab, &owner) && owner == SLAB_OWNER_FIRST);
    CHECK(!slab_post_remote(slab, &owner));
    slab_set_owner(slab, 77);
    CHECK(slab_is_posted(slab) && slab_owner(slab) == 77);
    slab_unpost(slab);
    CHECK(!slab_is_posted(slab) && slab_owner(slab) == 77);
}

static void pointers_are_diagnosed(void) {
    struct fault_report report = {.fault = FAULT_NONE};
    begin(size_class_of(48));
    slab->live[0] |= slab_claim(slab).mask;
    char *block = slot_address(2);
    CHECK(slab_diagnose(block, &report) == FAULT_NONE && report.slot == 2);
    CHECK(slab_diagnose(block + 8, &report) == FAULT_MISALIGNED);
    CHECK(slab_diagnose(block + 16, &report) == FAULT_INTERIOR);
    CHECK(slab_diagnose(slot_address(slab->slot_count - 1), &report) == FAULT_NEVER_ALLOCATED);
    slab_give(slab, 2, slab_live_of(slab, 2));
    CHECK(slab_diagnose(block, &report) == FAULT_DOUBLE_FREE);
    uint32_t slot;
    CHECK(slab_find(block, &slot) == NULL && slab_find(slot_address(3), &slot) == slab);
    CHECK(slot == 3 && slab_find(&report, &slot) == NULL);
}

/* The last byte of each slot says which it is. */
static unsigned char *mark_of(uint32_t slot) {
    return (unsigned char *)slot_address(slot) + slab->stride - 1;
}

/* Bytes of the pages in which no `each`-th slot has a byte. */
static size_t bytes_without(uint32_t count, uint32_t each) {
    size_t page_bytes = os_page_bytes(), sum = 0;
    for (size_t page = 0; page < SLAB_BYTES; page += page_bytes) {
        bool is_free = true;
        for (uint32_t slot = 0; slot < count; slot += each)
            is_free &= (size_t)slot * slab->stride >= page + page_bytes ||
                       ((size_t)slot + 1) * slab->stride <= page;
        sum += is_free ? page_bytes : 0;
    }
    return sum;
}

/* Every `each`-th slot stays, and so does what it holds; pages without any come back as zeroes. */
static void check_purge(unsigned class_index, uint32_t each) {
    begin(class_index);
    uint32_t count = claim_all();
    for (uint32_t slot = 0; slot < count; slot++)
        *mark_of(slot) = (unsigned char)(slot % 251 + 1);
    for (uint32_t slot = 0; slot < count; slot++)
        if (slot % each != 0)
            slab_give(slab, slot, slab_live_of(slab, slot));
    size_t purged_bytes = slab_purge(slab, 0);
    size_t zero_bytes = 0;
    for (size_t page = 0; page < SLAB_BYTES; page += os_page_bytes())
        zero_bytes += is_zero_page(page) ? os_page_bytes() : 0;
    CHECK_SAY(zero_bytes == purged_bytes, "each %u of class %u: %zu bytes, %zu are zero", each,
              class_index, purged_bytes, zero_bytes);
    CHECK(purged_bytes == bytes_without(count, each));
    for (uint32_t slot = 0; slot < count; slot += each) {
        CHECK(*mark_of(slot) == slot % 251 + 1);
        slab_give(slab, slot, slab_live_of(slab, slot));
    }
    CHECK(slab_purge(slab, 0) == SLAB_BYTES);
}

static void only_pages_without_a_block_are_returned(void) {
    for (unsigned index = SIZE_CLASS_FIRST; index < SIZE_CLASS_COUNT; index++) {
        check_purge(index, 2);
        check_purge(index, (uint32_t)(3 * os_page_bytes() / size_class_stride[index]));
    }
}

/* In a process in which madvise() fails. */
static void purge_nothing(void) {
    answer_call(SYS_madvise, SECCOMP_RET_ERRNO | EINVAL);
    CHECK(slab_purge(slab, 0) == 0 && *mark_of(slab->slot_count - 1) == 77);
}

static void what_the_system_does_not_take_stays_as_it_is(void) {
    begin(size_class_of(64));
    uint32_t count = claim_all();
    *mark_of(count - 1) = 77;
    for (uint32_t slot = 1; slot < count; slot++)
        slab_give(slab, slot, slab_live_of(slab, slot));
    check_apart(purge_nothing);
    CHECK(slab_purge(slab, 0) == SLAB_BYTES - os_page_bytes() && *mark_of(count - 1) == 0);
    slab_give(slab, 0, slab_live_of(slab, 0));
}

/* A tag lies in the slot before its block. */
static void a_page_with_a_tag_alone_is_kept(void) {
    uint32_t slots = (uint32_t)(os_page_bytes() / 64);
    slab_gap_bytes = SLAB_GAP_BYTES;
    begin(size_class_of(64));
    claim_all();
    for (uint32_t slot = 0; slot < slab->slot_count; slot++)
        if (slot != slots - 1) /* starts with the second page, its tag ends the first */
            slab_give(slab, slot, slab_live_of(slab, slot));
    CHECK(slab_purge(slab, 0) == SLAB_BYTES - 2 * os_page_bytes());
    slab_give(slab, slots - 1, slab_live_of(slab, slots - 1));
    slab_gap_bytes = 0;
}

int main(void) {
    bool zeroed;
    slab_tag_start(0x123456789abcdef0u);
    CHECK(region_start(0, 0));
    CHECK(lock_acquire(&pool_lock));
    slab = slab_at(region_take_slab(0, &zeroed)); /* the lock stays: it stands in for an owner */
    TAP_RUN(every_slot_of_every_class_is_handed_out_once);
    TAP_RUN(only_the_start_of_a_slot_is_a_slot);
    TAP_RUN(a_claim_that_is_undone_can_be_made_again);
    TAP_RUN(slots_that_others_free_are_folded_in);
    TAP_RUN(a_slot_freed_here_and_there_is_found_when_folded);
    TAP_RUN(the_posted_bit_stays_when_the_owner_changes);
    TAP_RUN(pointers_are_diagnosed);
    TAP_RUN(only_pages_without_a_block_are_returned);
    TAP_RUN(a_page_with_a_tag_alone_is_kept);
    TAP_RUN(what_the_system_does_not_take_stays_as_it_is);
    lock_release(&pool_lock);
    return tap_done();
}
