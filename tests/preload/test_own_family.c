/* If this failed, a program with a malloc of its own would crash: it has what glibc's manual names
 * under "Replacing malloc", and leaves the rest to the C library, which builds that on what it has.
 * The names that the program lacks come to ours, with the program's blocks. */
#include "../harness/tap.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

/* ---- the program's family: from one arena, never reused ---- */

static _Alignas(4096) unsigned char arena[64 << 20];
static size_t used;
static unsigned long foreign; /* blocks that came here and are not of it */
static unsigned long freed;

static bool is_own(const void *block) {
    bool own = (uintptr_t)block - (uintptr_t)arena < sizeof arena;
    foreign += !own;
    return own;
}

// The parameter names of libc are its own.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
void *malloc(size_t bytes) {
    size_t start = __atomic_fetch_add(&used, (bytes + 31) / 16 * 16, __ATOMIC_RELAXED) + 16;
    if (bytes > sizeof arena || start + bytes > sizeof arena) {
        errno = ENOMEM;
        return NULL;
    }
    memcpy(&arena[start - 16], &bytes, sizeof bytes);
    return &arena[start];
}

void free(void *block) {
    freed += block != NULL && is_own(block);
}

void *calloc(size_t count, size_t bytes) {
    return malloc(count * bytes); /* the arena is in zeroes, and each byte of it used once */
}

void *realloc(void *block, size_t bytes) {
    size_t before = 0;
    void *moved = malloc(bytes);
    if (block != NULL && is_own(block))
        memcpy(&before, (unsigned char *)block - 16, sizeof before);
    return moved == NULL ? NULL : memcpy(moved, block, before < bytes ? before : bytes);
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)

/* ---- the tests ---- */

static void check_array(size_t before, size_t count) {
    int *block = malloc(before);
    block[3] = 7;
    foreign = 0;
    block = reallocarray(block, count, sizeof *block);
    CHECK(block != NULL && block[3] == 7);
    CHECK((uintptr_t)block - (uintptr_t)arena < sizeof arena);
    free(block);
    CHECK(foreign == 0);
}

static void reallocarray_ends_at_the_realloc_of_the_program(void) {
    check_array(40, 10);
    check_array(40, 1000);
    check_array(40, 100000);
    check_array(100000, 10);
}

static void a_new_array_is_the_program_s_too(void) {
    foreign = 0;
    char *block = reallocarray(NULL, 10, 30);
    CHECK(block != NULL);
    block = realloc(block, 5000);
    free(block);
    CHECK(foreign == 0);
}

/* The compiler may not know it, or it warns of what is done on purpose. */
static size_t opaque_count(size_t count) {
    __asm__ volatile("" : "+r"(count));
    return count;
}

static void an_array_too_large_is_refused(void) {
    errno = 0;
    CHECK(reallocarray(NULL, opaque_count(SIZE_MAX / 2), 3) == NULL && errno == ENOMEM);
}

typedef void free_sized_function(void *block, size_t bytes);

static void free_sized_ends_at_the_free_of_the_program(void) {
    free_sized_function *free_sized = (free_sized_function *)dlsym(RTLD_DEFAULT, "free_sized");
    if (free_sized == NULL) {
        tap_skip("the C library has none");
        return;
    }
    foreign = freed = 0;
    free_sized(malloc(100), 100);
    CHECK(foreign == 0 && freed == 1);
}

static void what_the_library_of_C_allocates_is_the_program_s(void) {
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen("/proc/self/status", "r");
    foreign = 0;
    if (file != NULL) {
        CHECK(getline(&line, &room, file) > 0);
        fclose(file);
    }
    free(line);
    free(strdup("text"));
    CHECK(foreign == 0);
}

int main(void) {
    TAP_RUN(reallocarray_ends_at_the_realloc_of_the_program);
    TAP_RUN(a_new_array_is_the_program_s_too);
    TAP_RUN(an_array_too_large_is_refused);
    TAP_RUN(free_sized_ends_at_the_free_of_the_program);
    TAP_RUN(what_the_library_of_C_allocates_is_the_program_s);
    return tap_done();
}
