/* If this failed, classes of which a thread needs little would each take a page and a descriptor of
 * their own, or two of them would hand out the same slot. */
#include "heap_calls.h"
#include "random.h"
#include "tap.h"

enum { LEAST_BYTES = SIZE_CLASS_ALONE_MAX + 1, BLOCKS = 3000 };

static const struct slab *slab_of(const void *block) {
    return slab_at(region_slab_index(block));
}

static size_t class_bytes_of(size_t bytes) {
    return size_class_stride[class_for(bytes)];
}

static void few_blocks_of_many_sizes_share_slabs(void) {
    static unsigned char *blocks[TAGPOOL_NODE_MAX + 1];
    size_t before = region_counts.taken;
    for (size_t bytes = LEAST_BYTES; bytes <= 1024; bytes += 16) {
        blocks[bytes] = take(bytes);
        CHECK(slab_of(blocks[bytes])->stride >= bytes &&
              slab_of(blocks[bytes])->stride < 2 * bytes);
        pattern_fill(blocks[bytes], bytes, (unsigned)bytes);
    }
    size_t slabs = region_counts.taken - before;
    CHECK_SAY(slabs <= 6, "%zu slabs", slabs);
    for (size_t bytes = LEAST_BYTES; bytes <= 1024; bytes += 16) {
        CHECK(pattern_holds(blocks[bytes], bytes, (unsigned)bytes));
        give(blocks[bytes]);
    }
}

static void blocks_of_classes_that_share_are_apart(void) {
    enum { LIVE = 60, ROUNDS = 30000 };
    static unsigned char *blocks[LIVE];
    static size_t sizes[LIVE];
    uint64_t random = 3;
    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t index = random_below(&random, LIVE);
        if (blocks[index] != NULL) {
            CHECK(pattern_holds(blocks[index], sizes[index], (unsigned)index));
            give(blocks[index]);
        }
        sizes[index] = LEAST_BYTES + random_below(&random, 1024 - LEAST_BYTES);
        blocks[index] = take(sizes[index]);
        pattern_fill(blocks[index], sizes[index], (unsigned)index);
    }
    for (size_t i = 0; i < LIVE; i++)
        give(blocks[i]);
}

static void *blocks[BLOCKS];

static void a_class_of_which_much_is_in_use_gets_slabs_of_its_own(void) {
    enum { BYTES = 200 };
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = take(BYTES);
    CHECK(slab_of(blocks[BLOCKS - 1])->stride == class_bytes_of(BYTES));
    for (size_t i = 0; i < BLOCKS; i++)
        give(blocks[i]);
}

/* Each block takes the claim over from the bin of the other class. */
static void so_does_one_whose_blocks_are_taken_often(void) {
    enum { ONE = 600, OTHER = 700, TIMES = 10000 };
    give(take(ONE));
    CHECK(slab_of(take(OTHER))->stride == 1024);
    for (unsigned i = 0; i < TIMES; i++) {
        give(take(ONE));
        give(take(OTHER));
    }
    blocks[0] = take(ONE);
    blocks[1] = take(OTHER);
    CHECK(slab_of(blocks[0])->stride == class_bytes_of(ONE));
    CHECK(slab_of(blocks[1])->stride == class_bytes_of(OTHER));
}

static void *take_and_give_some(void *unused) {
    (void)unused;
    heap_life_open();
    for (size_t bytes = LEAST_BYTES; bytes <= TAGPOOL_NODE_MAX; bytes += 16)
        give(take(bytes));
    heap_life_close(heap_current);
    return NULL;
}

static void a_thread_that_ends_leaves_none_of_them_claimed(void) {
    size_t before = region_counts.taken;
    for (int i = 0; i < 3; i++) {
        run_threads(take_and_give_some, 1, 0);
        CHECK(region_counts.taken == before);
    }
}

int main(void) {
    start_pool();
    heap_life_open();
    TAP_RUN(few_blocks_of_many_sizes_share_slabs);
    TAP_RUN(blocks_of_classes_that_share_are_apart);
    TAP_RUN(a_class_of_which_much_is_in_use_gets_slabs_of_its_own);
    TAP_RUN(so_does_one_whose_blocks_are_taken_often);
    TAP_RUN(a_thread_that_ends_leaves_none_of_them_claimed);
    return tap_done();
}
