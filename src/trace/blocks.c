#include "blocks.h"

#include "os.h"

enum { FIRST_CAPACITY = 1 << 12, LAST_CAPACITY = 1 << 27, RUN_SHIFT = 6 };

static struct block *table;
static size_t capacity; /* 0 or a power of two */
static size_t count;
static bool full; /* it cannot grow any more */

/* Under a limit of the address space, the program's share is not to be taken. */
enum { SHARE_OF_LIMIT = 16 };

/* Blocks of one KiB of addresses keep their order in the table, because a program uses neighbours
 * one after the other; where such a run lies is scattered by Fibonacci hashing. */
static size_t home_of(uint64_t address, size_t table_capacity) {
    unsigned shift = 64 + RUN_SHIFT - (unsigned)__builtin_ctzll(table_capacity);
    size_t run = (size_t)((address >> (4 + RUN_SHIFT)) * 0x9e3779b97f4a7c15u >> shift);
    return run << RUN_SHIFT | (address >> 4 & ((1u << RUN_SHIFT) - 1));
}

/* The place of an address, or the empty one where it belongs. */
static size_t place_of(const struct block *blocks, size_t table_capacity, uint64_t address) {
    size_t place = home_of(address, table_capacity);
    while (blocks[place].address != 0 && blocks[place].address != address)
        place = (place + 1) & (table_capacity - 1);
    return place;
}

/* NULL if there is no room. */
static struct block *map_table(size_t bytes) {
    if (bytes > os_address_space_limit() / SHARE_OF_LIMIT)
        return NULL;
    struct block *larger = os_reserve(bytes, os_page_bytes());
    if (larger == NULL || os_commit(larger, bytes))
        return larger;
    os_unreserve(larger, bytes);
    return NULL;
}

static bool grow(void) {
    size_t larger_capacity = capacity == 0 ? FIRST_CAPACITY : 2 * capacity;
    if (larger_capacity > LAST_CAPACITY)
        return false;
    struct block *larger = map_table(os_round_to_page(larger_capacity * sizeof *table));
    if (larger == NULL)
        return false;
    for (size_t i = 0; i < capacity; i++)
        if (table[i].address != 0)
            larger[place_of(larger, larger_capacity, table[i].address)] = table[i];
    if (table != NULL)
        os_unreserve(table, os_round_to_page(capacity * sizeof *table));
    table = larger;
    capacity = larger_capacity;
    return true;
}

bool blocks_add(const struct block *block) {
    if (count >= capacity / 2 && !full)
        full = !grow();
    /* Where it cannot grow it is filled on, but not so far that probing takes long. */
    if (count >= capacity / 8 * 7)
        return false;
    table[place_of(table, capacity, block->address)] = *block;
    count++;
    return true;
}

/* Empty a place: what was pushed behind it by probing moves up, so that no hole cuts a probe. */
static void vacate(size_t place) {
    size_t hole = place;
    for (size_t next = (place + 1) & (capacity - 1); table[next].address != 0;
         next = (next + 1) & (capacity - 1)) {
        size_t home = home_of(table[next].address, capacity);
        /* Distances, around the end of the table: its home is not behind the hole. */
        if (((next - home) & (capacity - 1)) >= ((next - hole) & (capacity - 1))) {
            table[hole] = table[next];
            hole = next;
        }
    }
    table[hole].address = 0;
}

bool blocks_take(const void *address, struct block *block) {
    if (count == 0)
        return false;
    size_t place = place_of(table, capacity, (uintptr_t)address);
    if (table[place].address == 0)
        return false;
    *block = table[place];
    vacate(place);
    count--;
    return true;
}
