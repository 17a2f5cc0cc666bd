/* If this failed, a library with damaged unwind tables would crash or hang the program whose stacks
 * are taken. */
#include "cfi.h"
#include "modules.h"
#include "random.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_BYTES ((size_t)4096)

enum { DAMAGES = 20000, ASKED = 16, ADDRESSES = 512 };

/* This program's tables, copied to pages with inaccessible ones around. What they say of code is
 * counted from where they lie: so the code lies as far away as they do. */
static struct cfi_tables original;
static struct cfi_tables copy;
static size_t copy_bytes;
static uintptr_t moved_by;

static unsigned char *saved; /* the original's bytes */

/* The tables lie among constants of the program, around which the address sanitizer keeps watch. */
__attribute__((no_sanitize("address"))) static bool save(void) {
    const volatile unsigned char *bytes = (const volatile unsigned char *)original.start;
    saved = malloc(copy_bytes);
    for (size_t i = 0; saved != NULL && i < copy_bytes; i++)
        saved[i] = bytes[i];
    return saved != NULL;
}

static bool copy_tables(void) {
    const struct module *module = modules_find((uintptr_t)&copy_tables);
    if (module == NULL || module->tables.index == NULL)
        return false;
    original = module->tables;
    copy_bytes = original.end - original.start;
    size_t room = (copy_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    char *pages = mmap(NULL, room + 2 * PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED);
    CHECK(mprotect(pages + PAGE_BYTES, room, PROT_READ | PROT_WRITE) == 0);
    copy.end = (uintptr_t)pages + PAGE_BYTES + room; /* an overrun is met at once */
    copy.start = copy.end - copy_bytes;
    moved_by = copy.start - original.start;
    moved_by &= ~(uintptr_t)3; /* the index stays aligned */
    copy.start = original.start + moved_by;
    copy.end = copy.start + copy_bytes;
    copy.index = (const char *)original.index + moved_by;
    return save();
}

static bool has_tables;

/* False, and the test skipped, where the C library does not tell of them. */
static bool restore(void) {
    if (!has_tables) {
        tap_skip("the C library does not tell modules");
        return false;
    }
    memcpy((void *)copy.start, saved, copy_bytes);
    return true;
}

/* Of functions of this program. */
static uintptr_t some_address(uint64_t *random) {
    return (uintptr_t)&copy_tables - ADDRESSES / 2 + random_below(random, ADDRESSES);
}

static void a_copy_says_what_the_original_does(void) {
    uint64_t random = 1;
    unsigned known = 0;
    if (!restore())
        return;
    for (int i = 0; i < ADDRESSES; i++) {
        uintptr_t address = some_address(&random);
        struct cfi_rule rule = cfi_find(&original, address);
        struct cfi_rule of_copy = cfi_find(&copy, address + moved_by);
        CHECK(memcmp(&rule, &of_copy, sizeof rule) == 0);
        known += rule.kind == CFI_FROM_STACK || rule.kind == CFI_FROM_FRAME;
    }
    CHECK_SAY(known > ADDRESSES / 2, "%u known", known);
}

static void ask(uint64_t *random) {
    for (int i = 0; i < ASKED; i++)
        (void)cfi_find(&copy, some_address(random) + moved_by);
}

/* Few bytes here and there, mostly where they are read first. */
static void damaged_tables_are_not_left(void) {
    uint64_t random = 2;
    size_t index_at = (uintptr_t)copy.index - copy.start;
    for (int damage = 0; damage < DAMAGES && restore(); damage++) {
        unsigned count = 1 + random_below(&random, 64);
        for (unsigned i = 0; i < count; i++) {
            size_t near = damage % 3 == 0 ? 12 : 64 << random_below(&random, 12);
            size_t at = index_at + random_below(&random, (uint32_t)near);
            if (at < copy_bytes)
                ((unsigned char *)copy.start)[at] = (unsigned char)random_next(&random);
        }
        ask(&random);
    }
    CHECK(true);
}

/* The index is whole and leads to rubbish. */
static void tables_of_rubbish_are_not_left(void) {
    static const unsigned char fills[] = {0x00, 0x01, 0x10, 0x7f, 0x80, 0xff};
    uint64_t random = 3;
    size_t kept = (uintptr_t)copy.index - copy.start + PAGE_BYTES / 2;
    for (size_t i = 0; i < sizeof fills && kept < copy_bytes && restore(); i++) {
        memset((char *)copy.start + kept, fills[i], copy_bytes - kept);
        ask(&random);
    }
    for (int i = 0; i < 64 && kept < copy_bytes && restore(); i++) {
        for (size_t at = kept; at < copy_bytes; at++)
            ((unsigned char *)copy.start)[at] = (unsigned char)random_next(&random);
        ask(&random);
    }
    CHECK(true);
}

int main(void) {
    has_tables = copy_tables();
    TAP_RUN(a_copy_says_what_the_original_does);
    TAP_RUN(damaged_tables_are_not_left);
    TAP_RUN(tables_of_rubbish_are_not_left);
    free(saved);
    return tap_done();
}
