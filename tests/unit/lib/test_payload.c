/* If this failed, a byte that was written after free() or behind the requested size would be
 * overlooked, a block would not be cleared to its end, or a neighbour's bytes would be touched. */
#include "payload.h"
#include "tap.h"

enum { SLOTS_MOST = 64, STRIDE_MOST = 16 * SLOTS_MOST, EDGE = 32 };

/* The payload, with bytes on either side that must stay as they are. */
static _Alignas(16) unsigned char memory[EDGE + STRIDE_MOST + EDGE];
static unsigned char *const block = memory + EDGE;

static void fill(unsigned char value) {
    memset(memory, value, sizeof memory);
}

static bool are_all(const unsigned char *bytes, size_t count, unsigned char value) {
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

static bool edges_are(size_t usable, unsigned char value) {
    return are_all(memory, EDGE, value) &&
           are_all(block + usable, sizeof memory - EDGE - usable, value);
}

static void each_byte_that_is_not_zero_is_found(void) {
    for (size_t usable = 8; usable < STRIDE_MOST; usable += 16) {
        fill(0xff);
        memset(block, 0, usable);
        CHECK_SAY(payload_is_zero(block, usable), "%zu bytes", usable);
        for (size_t i = 0; i < usable; i++) {
            block[i] = 1;
            CHECK_SAY(!payload_is_zero(block, usable), "byte %zu of %zu", i, usable);
            block[i] = 0;
        }
    }
}

static void all_bytes_are_cleared_and_no_others(void) {
    for (size_t usable = 8; usable < STRIDE_MOST; usable += 16) {
        fill(0xaa);
        payload_clear(block, usable);
        CHECK_SAY(are_all(block, usable, 0), "%zu bytes", usable);
        CHECK_SAY(edges_are(usable, 0xaa), "%zu bytes", usable);
    }
}

static void a_canary_fills_what_is_left_and_each_change_is_found(void) {
    for (size_t usable = 8; usable < STRIDE_MOST; usable += 16)
        for (size_t requested = usable > 64 ? usable - 64 : 0; requested <= usable; requested++) {
            block_tag_start(requested); /* another canary each time */
            fill(0xaa);
            memset(block, 0, usable);
            payload_write_canary(block, requested, usable);
            CHECK_SAY(edges_are(usable, 0xaa), "%zu of %zu bytes", requested, usable);
            CHECK_SAY(are_all(block, requested, 0), "%zu of %zu bytes", requested, usable);
            memset(block, 0x55, requested);
            CHECK_SAY(payload_has_canary(block, requested, usable), "%zu of %zu bytes", requested,
                      usable);
            for (size_t i = requested; i < usable; i++) {
                unsigned char own = block[i];
                CHECK_SAY(own != 0, "byte %zu of %zu", i, usable);
                block[i] = (unsigned char)(own ^ 0x10);
                CHECK_SAY(!payload_has_canary(block, requested, usable),
                          "byte %zu of %zu with %zu requested", i, usable, requested);
                block[i] = own;
            }
        }
}

static void a_renewed_canary_is_that_of_the_new_size(void) {
    for (size_t usable = 8; usable < STRIDE_MOST; usable += 16)
        for (size_t requested = 0; requested <= usable; requested++) {
            block_tag_start(requested); /* another canary each time */
            fill(0xaa);
            payload_renew_canary(block, requested, usable);
            CHECK_SAY(payload_has_canary(block, requested, usable), "%zu of %zu bytes", requested,
                      usable);
            CHECK_SAY(edges_are(usable, 0xaa), "%zu of %zu bytes", requested, usable);
            CHECK_SAY(are_all(block, requested, 0xaa), "%zu of %zu bytes", requested, usable);
        }
}

static void the_canary_of_a_block_that_shrinks_goes_on_to_what_there_was(void) {
    for (size_t usable = 8; usable < STRIDE_MOST; usable += 16)
        for (size_t before = usable > 40 ? usable - 40 : 1; before <= usable; before += 3)
            for (size_t requested = 0; requested < before; requested += 5) {
                block_tag_start(requested);
                fill(0xaa);
                payload_renew_canary(block, before, usable);
                payload_extend_canary(block, requested, before);
                CHECK_SAY(payload_has_canary(block, requested, usable),
                          "from %zu to %zu of %zu bytes", before, requested, usable);
                CHECK_SAY(edges_are(usable, 0xaa), "%zu of %zu bytes", requested, usable);
                CHECK_SAY(are_all(block, requested, 0xaa), "%zu of %zu bytes", requested, usable);
            }
}

int main(void) {
    TAP_RUN(each_byte_that_is_not_zero_is_found);
    TAP_RUN(all_bytes_are_cleared_and_no_others);
    TAP_RUN(a_canary_fills_what_is_left_and_each_change_is_found);
    TAP_RUN(a_renewed_canary_is_that_of_the_new_size);
    TAP_RUN(the_canary_of_a_block_that_shrinks_goes_on_to_what_there_was);
    return tap_done();
}
