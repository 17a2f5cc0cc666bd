/* If this failed, blocks would be blamed on call stacks that others were taken from, or a program
 * with very many call stacks would use memory without a bound, or lose stacks without a word. */
#include "modules.h"
#include "stacks.h"
#include "tap.h"

#include <unistd.h>

#define NOINLINE __attribute__((noinline))

/* Before and behind a call, keeps two from becoming one, and each from becoming a jump. */
#define STAY(number) __asm__ volatile("# %0" : : "i"(number) : "memory")

/* A stack ends in take_again(), however that was called. */
enum { BITS = 19, FRAMES = BITS + 2 };
static_assert(1 << BITS > STACKS_MOST, "more stacks than there is room for");

/* The stack of a path through two calls that are chosen between so many times. */
NOINLINE static uint32_t take(unsigned path, unsigned choices) {
    uint32_t number;
    if (choices == 0)
        return stacks_take();
    if ((path & 1) == 0) {
        STAY(0);
        number = take(path >> 1, choices - 1);
        STAY(0);
    } else {
        STAY(1);
        number = take(path >> 1, choices - 1);
        STAY(1);
    }
    return number;
}

NOINLINE static uint32_t take_again(unsigned path) {
    uint32_t number = take(path, BITS);
    STAY(2);
    return number;
}

static uint32_t number_of[1 << BITS];

static void take_all(void) {
    for (unsigned path = 0; path < 1 << BITS; path++)
        number_of[path] = take_again(path);
}

/* What is written to standard error meanwhile. */
static void take_all_hearing(char *said, size_t bytes) {
    FILE *heard = tmpfile();
    int standard_error = dup(STDERR_FILENO);
    dup2(fileno(heard), STDERR_FILENO);
    take_all();
    dup2(standard_error, STDERR_FILENO);
    close(standard_error);
    rewind(heard);
    said[fread(said, 1, bytes - 1, heard)] = '\0';
    fclose(heard);
}

static void the_same_stack_has_the_same_number_and_another_has_another(void) {
    uint32_t one = 0, other = 0;
    for (int i = 0; i < 3; i++) {
        uint32_t now_one = take_again(0), now_other = take_again(1);
        CHECK(now_one != 0 && now_other != 0 && now_one != now_other);
        CHECK(i == 0 || (now_one == one && now_other == other));
        one = now_one;
        other = now_other;
    }
    struct stack stack = stacks_get(one);
    CHECK_SAY(stack.count == FRAMES, "%u frames", stack.count);
}

static void stacks_beyond_the_bound_have_no_number_and_that_is_said_once(void) {
    char said[4096];
    take_all_hearing(said, sizeof said);
    uint32_t missed = 0;
    for (unsigned path = 0; path < 1 << BITS; path++)
        missed += number_of[path] == 0;
    CHECK_SAY(stacks_count() == STACKS_MOST, "%u are kept", stacks_count());
    CHECK_SAY(missed > 0 && stacks_missed() == missed, "%u missed, %u counted", missed,
              stacks_missed());
    const char *line = strstr(said, "no room for more than 262144 different call stacks");
    CHECK_SAY(line != NULL && strchr(line, '\n') == strrchr(said, '\n'), "said: %s", said);
}

static void stacks_that_are_known_keep_their_numbers_then(void) {
    uint32_t wrong = 0;
    for (unsigned path = 0; path < 1 << BITS; path += 97)
        wrong += take_again(path) != number_of[path];
    CHECK_SAY(wrong == 0, "%u changed", wrong);
}

int main(void) {
    if (modules_find((uintptr_t)main) == NULL) {
        printf("1..0 # SKIP the C library does not tell modules\n");
        return 0;
    }
    if (!stacks_start(FRAMES, (const void *)main))
        return 1;
    TAP_RUN(the_same_stack_has_the_same_number_and_another_has_another);
    TAP_RUN(stacks_beyond_the_bound_have_no_number_and_that_is_said_once);
    TAP_RUN(stacks_that_are_known_keep_their_numbers_then);
    return tap_done();
}
