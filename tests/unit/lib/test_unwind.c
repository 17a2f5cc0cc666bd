/* If this failed, faults and leaks would be blamed on functions that had no part in them, or a
 * program with a damaged stack would crash in the allocator that looks at it. */
#include "modules.h"
#include "tap.h"
#include "unwind.h"

#include <alloca.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define NOINLINE __attribute__((noinline))

/* Keeps a call from becoming the last thing that its function does. */
#define STAY() __asm__ volatile("" ::: "memory")

/* Where each function of a test was called from, the outermost first; and the stack that the
 * innermost took. */
static uintptr_t callers[64];
static unsigned caller_count;
static uintptr_t frames[UNWIND_FRAMES_MOST];
static unsigned frame_count;

#define NOTE_CALLER() (callers[caller_count++] = (uintptr_t)__builtin_return_address(0))

NOINLINE static void take(void) {
    uint32_t epoch;
    NOTE_CALLER();
    frame_count = unwind_frames(frames, UNWIND_FRAMES_MOST, &epoch);
    STAY();
}

/* The stack holds all callers, in their order, the innermost after the `beside` frames that the
 * test does not know. */
static void check_callers(unsigned most_beside) {
    unsigned at = 0, beside = 0;
    for (unsigned i = caller_count; i-- > 0;) {
        while (at < frame_count && frames[at] != callers[i]) {
            at++;
            beside++;
        }
        CHECK_SAY(at < frame_count, "caller %u of %u is not on the stack of %u frames", i,
                  caller_count, frame_count);
        at++;
    }
    CHECK_SAY(beside <= most_beside, "%u frames beside", beside);
    caller_count = 0;
    frame_count = 0;
}

NOINLINE static void plain(void (*next)(void)) {
    NOTE_CALLER();
    next();
    STAY();
}

NOINLINE static void of_unknown_size(void (*next)(void), size_t bytes) {
    char *room = alloca(bytes);
    NOTE_CALLER();
    memset(room, 1, bytes);
    next();
    __asm__ volatile("" ::"r"(room) : "memory");
}

NOINLINE static void aligned(void (*next)(void), size_t bytes) {
    _Alignas(64) char room[128];
    char *more = alloca(bytes);
    NOTE_CALLER();
    memset(room, 1, sizeof room);
    memset(more, 1, bytes);
    next();
    __asm__ volatile("" ::"r"(room), "r"(more) : "memory");
}

static void through_plain(void) {
    plain(take);
    STAY();
}
static void through_room(void) {
    of_unknown_size(through_plain, 100);
    STAY();
}
static void through_aligned(void) {
    aligned(through_room, 33);
    STAY();
}

static void each_kind_of_frame_leads_to_its_caller(void) {
    plain(take);
    check_callers(1);
    of_unknown_size(take, 1000);
    check_callers(1);
    aligned(take, 77);
    check_callers(1);
    plain(through_aligned);
    check_callers(8);
}

static int compare(const void *left, const void *right) {
    if (frame_count == 0)
        take();
    return *(const int *)left - *(const int *)right;
}

NOINLINE static void sort(void) {
    int numbers[] = {3, 1, 2};
    NOTE_CALLER();
    qsort(numbers, 3, sizeof numbers[0], compare);
    STAY();
}

static void code_of_libraries_is_passed(void) {
    sort();
    check_callers(8);
}

NOINLINE static void go_down(unsigned depth) {
    if (depth == 0)
        plain(take);
    else
        go_down(depth - 1);
    STAY();
}

static void deep_recursion_gives_the_innermost_frames(void) {
    go_down(20000);
    CHECK(frame_count == UNWIND_FRAMES_MOST);
    CHECK(frames[5] == frames[20]); /* the recursion itself */
    caller_count = frame_count = 0;
}

/* ---- signals ---- */

static void on_signal(int number) {
    (void)number;
    take();
    STAY();
}

NOINLINE static void raise_within(void) {
    NOTE_CALLER();
    raise(SIGUSR1);
    STAY();
}

static void a_signal_handler_leads_to_what_it_interrupted(void) {
    static char other[1 << 16];
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    raise_within();
    check_callers(8);
    stack_t stack = {.ss_sp = other, .ss_size = sizeof other};
    sigaltstack(&stack, NULL);
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &action, NULL);
    raise_within();
    check_callers(8);
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, NULL);
}

/* ---- what is no code of a compiler's ---- */

#if defined(__x86_64__)

static void code_made_at_run_time_is_passed_by_its_frame_pointer(void) {
    /* push rbp; mov rbp, rsp; call rdi; pop rbp; ret */
    static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
    void *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        tap_skip("no memory may be written and executed here");
        return;
    }
    void (*call)(void (*)(void));
    memcpy(page, code, sizeof code);
    memcpy(&call, &page, sizeof call);
    call(through_plain);
    uintptr_t within = (uintptr_t)page + 6;
    bool is_there = false;
    for (unsigned i = 0; i + 1 < frame_count; i++)
        is_there |= frames[i] == within && frames[i + 1] != 0;
    CHECK(is_there);
    caller_count = frame_count = 0;
    munmap(page, 4096);
}

#endif

/* Damages its own frame while the stack is taken: the saved frame pointer and the return address.
 */
NOINLINE static void damaged(uintptr_t pointer, uintptr_t address) {
    volatile uintptr_t *frame = __builtin_frame_address(0);
    uintptr_t was_pointer = frame[0], was_address = frame[1];
    frame[0] = pointer;
    frame[1] = address;
    take();
    frame[0] = was_pointer;
    frame[1] = was_address;
    STAY();
}

static void a_damaged_stack_ends_and_does_no_harm(void) {
    char *hidden = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uintptr_t here = (uintptr_t)&hidden;
    const uintptr_t values[] = {0,
                                1,
                                0x4141414141414141,
                                UINTPTR_MAX,
                                (uintptr_t)hidden,
                                (uintptr_t)hidden + 8184,
                                here,
                                here + 1,
                                here - 4096,
                                here + (1 << 20),
                                (uintptr_t)&a_damaged_stack_ends_and_does_no_harm,
                                (uintptr_t)&free};
    enum { COUNT = sizeof values / sizeof values[0] };
    for (unsigned i = 0; i < COUNT; i++)
        for (unsigned j = 0; j < COUNT; j++) {
            damaged(values[i], values[j]);
            CHECK(frame_count >= 1 && frame_count <= UNWIND_FRAMES_MOST);
            caller_count = frame_count = 0;
        }
    munmap(hidden, 8192);
}

#ifdef __GLIBC__ /* musl has no contexts */
static ucontext_t outer_context, inner_context;

static void inside(void) {
    through_plain();
    swapcontext(&inner_context, &outer_context);
}

static void run_on(char *stack, size_t bytes, void (*function)(void)) {
    getcontext(&inner_context);
    inner_context.uc_stack.ss_sp = stack;
    inner_context.uc_stack.ss_size = bytes;
    makecontext(&inner_context, function, 0);
    swapcontext(&outer_context, &inner_context);
}

/* Beyond the end of such a stack nothing can be read. */
static void the_stack_of_a_coroutine_ends_where_it_does(void) {
    enum { BYTES = 65536 };
    char *stack = mmap(NULL, BYTES + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(stack, BYTES, PROT_READ | PROT_WRITE);
    run_on(stack, BYTES, inside);
    check_callers(4);
    munmap(stack, BYTES + 4096);
}

static uintptr_t gone;

/* Called from where no table tells of a frame, with a frame pointer to what is gone. */
static void led_astray(void) {
    damaged(gone, (uintptr_t)&gone);
    swapcontext(&inner_context, &outer_context);
}

/* Of two stacks side by side, the upper one is not there any more. */
static void what_could_be_read_once_is_not_taken_for_readable(void) {
    const size_t bytes = 16384;
    char *stacks =
        mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    run_on(stacks + bytes, bytes, inside);
    check_callers(4);
    mprotect(stacks + bytes, bytes, PROT_NONE);
    for (gone = (uintptr_t)stacks + bytes; gone < (uintptr_t)stacks + 2 * bytes; gone += 512) {
        run_on(stacks, bytes, led_astray);
        CHECK(frame_count >= 1 && frame_count <= UNWIND_FRAMES_MOST);
        caller_count = frame_count = 0;
    }
    munmap(stacks, 2 * bytes);
}
#endif

/* ---- modules ---- */

static void an_address_is_named_by_its_module(void) {
    const struct module *own = modules_find((uintptr_t)&an_address_is_named_by_its_module);
    const struct module *other = modules_find((uintptr_t)callers);
    if (own == NULL) {
        tap_skip("the C library does not tell modules");
        return;
    }
    CHECK(own->is_program && strstr(own->path, "test_unwind") != NULL);
    CHECK(other == own && modules_find_in((uintptr_t)callers, modules_epoch()) == own);
    CHECK(modules_find(0) == NULL && modules_find(UINTPTR_MAX) == NULL);
    CHECK(modules_at(0) != NULL && modules_at(MODULES_MOST) == NULL);
}

int main(void) {
    if (modules_find((uintptr_t)main) == NULL) {
        printf("1..0 # SKIP the C library does not tell modules\n");
        return 0;
    }
    TAP_RUN(each_kind_of_frame_leads_to_its_caller);
    TAP_RUN(code_of_libraries_is_passed);
    TAP_RUN(deep_recursion_gives_the_innermost_frames);
    TAP_RUN(a_signal_handler_leads_to_what_it_interrupted);
#if defined(__x86_64__)
    TAP_RUN(code_made_at_run_time_is_passed_by_its_frame_pointer);
#endif
    TAP_RUN(a_damaged_stack_ends_and_does_no_harm);
#ifdef __GLIBC__
    TAP_RUN(the_stack_of_a_coroutine_ends_where_it_does);
    TAP_RUN(what_could_be_read_once_is_not_taken_for_readable);
#endif
    TAP_RUN(an_address_is_named_by_its_module);
    return tap_done();
}
