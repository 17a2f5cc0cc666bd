/* If this failed, long-running programs would grow although what they hold does not: sizes that
 * shift over time, large phases followed by small ones, and blocks of many ages. */
#include "../harness/tap.h"
#include "../preload/behaviour.h"

enum { CONNECTIONS = 3000, PHASES = 24, HUGE_PAGE_KIB = 2048 };

static unsigned steps_per_phase;

static struct {
    unsigned char *block;
    size_t bytes;
} connection[CONNECTIONS];

/* One phase: most requests are of one middle size, which shifts from phase to phase. */
static bool run_phase(unsigned phase, uint64_t *random) {
    bool held = true;
    size_t middle = 24 + phase * 37 % 800;
    for (unsigned step = 0; step < steps_per_phase; step++) {
        size_t i = random_below(random, CONNECTIONS);
        if (connection[i].block != NULL)
            held &= pattern_holds(connection[i].block, connection[i].bytes, (unsigned)i);
        free(connection[i].block);
        uint32_t dice = random_next(random);
        connection[i].bytes = dice % 10 == 0 ? dice / 16 % 4000 : middle / 2 + dice / 16 % middle;
        connection[i].block = malloc(connection[i].bytes);
        pattern_fill(connection[i].block, connection[i].bytes, (unsigned)i);
    }
    return held;
}

/* All phases once; the most memory that was resident after one of them. */
static size_t run_phases(uint64_t *random) {
    size_t most_kib = 0;
    for (unsigned phase = 0; phase < PHASES; phase++) {
        CHECK_SAY(run_phase(phase, random), "phase %u lost bytes", phase);
        size_t now_kib = resident_kib();
        most_kib = now_kib > most_kib ? now_kib : most_kib;
    }
    return most_kib;
}

/* Peaks are compared: memory goes back after a time, so one moment says little. Where it went back
 * in between, a huge page may be what grows next. */
static void shifting_sizes_do_not_grow_memory(void) {
    uint64_t random = 77;
    size_t before_kib = run_phases(&random);
    size_t after_kib = run_phases(&random);
    CHECK_SAY(after_kib <= before_kib + before_kib / 4 + 1024 + HUGE_PAGE_KIB,
              "%zu KiB became %zu KiB", before_kib, after_kib);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        free(connection[i].block);
        connection[i].block = NULL;
    }
}

/* 30 MiB of one class, all freed, then as much of the next: the slabs of one serve the other. */
static void empty_slabs_serve_any_class(void) {
    enum { BYTES = 30 << 20, COUNT = BYTES / 64 };
    static void *block[COUNT];
    size_t first_kib = 0, before_kib = resident_kib();
    for (size_t bytes = 64; bytes <= 1024; bytes += 160) {
        for (size_t i = 0; i < BYTES / bytes; i++)
            block[i] = memset(malloc(bytes), 1, bytes);
        if (bytes == 64)
            first_kib = resident_kib();
        CHECK_SAY(resident_kib() <= first_kib + (6 << 10),
                  "class of %zu bytes: %zu KiB, the first had %zu", bytes, resident_kib(),
                  first_kib);
        for (size_t i = 0; i < BYTES / bytes; i++)
            free(block[i]);
    }
    malloc_trim(0);
    CHECK_SAY(resident_kib() <= before_kib + (12 << 10), "%zu KiB became %zu KiB", before_kib,
              resident_kib());
}

/* True when all nodes are in pools that give memory back: neither the next allocator's nor marked.
 */
static bool pools_give_back(void) {
    const char *preload = getenv("LD_PRELOAD");
    return pools_are_unlimited() && !pools_are_hardened() &&
           (preload == NULL || strstr(preload, "/small/") == NULL);
}

/* A phase whose blocks are gone but for a few, one in most slabs: when the program goes on with
 * others a moment later, the memory between the few goes back. */
static void what_few_blocks_are_left_in_goes_back(void) {
    enum { BYTES = 300, COUNT = (60 << 20) / BYTES, EACH = 400, ROUNDS = 400000, DECAY_MS = 1100 };
    static unsigned char *block[COUNT];
    uint64_t random = 5;
    for (size_t i = 0; i < COUNT; i++) {
        block[i] = malloc(BYTES);
        pattern_fill(block[i], BYTES, (unsigned)i);
    }
    size_t full_kib = resident_kib();
    for (size_t i = 0; i < COUNT; i++) {
        if (i % EACH == 0)
            continue;
        free(block[i]);
        block[i] = NULL;
    }
    nap_ms(DECAY_MS);
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t i = random_below(&random, CONNECTIONS);
        free(connection[i].block);
        connection[i].block = memset(malloc(100), 1, 100);
    }
    if (pools_give_back())
        CHECK_SAY(resident_kib() <= full_kib / 2, "of %zu KiB there are still %zu", full_kib,
                  resident_kib());
    for (size_t i = 0; i < COUNT; i += EACH)
        CHECK(pattern_holds(block[i], BYTES, (unsigned)i));
    for (size_t i = 0; i < COUNT; i++)
        free(block[i]);
    for (size_t i = 0; i < CONNECTIONS; i++)
        free(connection[i].block);
}

int main(void) {
    steps_per_phase = tap_repeats(30000, 60000);
    TAP_RUN(shifting_sizes_do_not_grow_memory);
    TAP_RUN(empty_slabs_serve_any_class);
    TAP_RUN(what_few_blocks_are_left_in_goes_back);
    return tap_done();
}
