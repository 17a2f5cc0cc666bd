#include "unwind.h"

#include "cfi.h"
#include "kernel.h"
#include "modules.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

enum {
    RULES = 1 << 13,       /* kept: more than the calls of a large program come from */
    PAGES = 1 << 8,        /* known to be readable */
    PAGE_SHIFT = 12,       /* the smallest that there are: others are several of these */
    NEAR_BYTES = 64 << 10, /* a frame is seldom larger */
    FRAME_MOST_BYTES = 64 << 20,
    WORD = sizeof(uintptr_t),
};

/* A rule, and the address that it is for. They are written one after the other while others read:
 * so the address is kept crossed with the rule, and a mixture of two is no address that is asked
 * for. */
struct kept {
    _Atomic(uint64_t) crossed;
    _Atomic(uint64_t) rule;
};

static SELDOM struct {
    uintptr_t own_start; /* of this library */
    uintptr_t own_end;
    struct kept rules[RULES];
    _Atomic(uintptr_t) pages[PAGES];
} cache;

void unwind_start(const void *here) {
    const struct module *own = modules_find((uintptr_t)here);
    if (own == NULL || own->is_program)
        return;
    cache.own_start = own->start;
    cache.own_end = own->end;
}

/* ---- what may be read ---- */

/* The kernel looks at the set of signals before it refuses to do what nobody can ask of it. */
static bool ask_readable(uintptr_t address) {
    enum { NOTHING = -1 };
    return KERNEL(rt_sigprocmask, NOTHING, address, 0, 8) != -EFAULT;
}

/* True if a page can be read. Stacks keep their pages, so that is remembered; not where the way
 * takes a leap, which a damaged stack does. */
static bool is_readable_page(uintptr_t page, bool is_near) {
    _Atomic(uintptr_t) *known = &cache.pages[page % PAGES];
    if (is_near && atomic_load_explicit(known, memory_order_relaxed) == page)
        return true;
    if (!ask_readable(page << PAGE_SHIFT))
        return false;
    atomic_store_explicit(known, page, memory_order_relaxed);
    return true;
}

/* Read a word at or above the stack pointer. False if that cannot be. */
static inline bool read_word(uintptr_t stack, uintptr_t place, uintptr_t *word) {
    if (place % WORD != 0 || place < stack || place - stack > FRAME_MOST_BYTES)
        return false;
    if (!is_readable_page(place >> PAGE_SHIFT, place - stack < NEAR_BYTES))
        return false;
    *word = *(const uintptr_t *)place;
    return true;
}

/* ---- rules ---- */

#if defined(__x86_64__)

static struct cfi_rule look_up(uintptr_t address, bool *is_known) {
    const struct module *module = modules_find(address);
    *is_known = module != NULL;
    if (module == NULL || module->index == NULL)
        return (struct cfi_rule){.kind = CFI_UNKNOWN};
    return cfi_find(module->index, address);
}

/* The rule for an address, in an epoch. */
static inline struct cfi_rule rule_for(uintptr_t address, uint32_t epoch) {
    uint64_t key = address ^ (uint64_t)epoch << 48;
    struct kept *kept = &cache.rules[(key ^ key >> 13) % RULES];
    uint64_t word = atomic_load_explicit(&kept->rule, memory_order_relaxed);
    struct cfi_rule rule;
    if (LIKELY((atomic_load_explicit(&kept->crossed, memory_order_relaxed) ^ word) == key)) {
        memcpy(&rule, &word, sizeof rule);
        return rule;
    }
    bool is_known;
    rule = look_up(address, &is_known);
    if (is_known && modules_epoch() == epoch) {
        memcpy(&word, &rule, sizeof word);
        atomic_store_explicit(&kept->rule, word, memory_order_relaxed);
        atomic_store_explicit(&kept->crossed, word ^ key, memory_order_relaxed);
    }
    return rule;
}

#else

static inline struct cfi_rule rule_for(uintptr_t address, uint32_t epoch) {
    (void)address;
    (void)epoch;
    return (struct cfi_rule){.kind = CFI_UNKNOWN};
}

#endif

/* ---- frames ---- */

struct frame {
    uintptr_t address; /* of code */
    uintptr_t stack;
    uintptr_t pointer;
    bool is_interrupted; /* by a signal: the address is that of an instruction not done yet */
};

/* Where the kernel keeps the registers of a frame that a signal interrupted: in a ucontext_t at the
 * stack pointer, whose numbers are fixed. Of x86-64: no other rule leads here. */
static bool step_over_signal(struct frame *frame) {
    enum { FRAME_POINTER = 120, STACK_POINTER = 160, ADDRESS = 168 };
    struct frame next = {.is_interrupted = true};
    if (!read_word(frame->stack, frame->stack + FRAME_POINTER, &next.pointer) ||
        !read_word(frame->stack, frame->stack + STACK_POINTER, &next.stack) ||
        !read_word(frame->stack, frame->stack + ADDRESS, &next.address))
        return false;
    *frame = next;
    return true;
}

/* By the frame pointer: it leads to the caller's, and the return address lies after that. */
static bool step_by_pointer(struct frame *frame) {
    struct frame next = {.stack = frame->pointer + 2 * WORD};
    if (!read_word(frame->stack, frame->pointer, &next.pointer) ||
        !read_word(frame->stack, frame->pointer + WORD, &next.address))
        return false;
    *frame = next;
    return true;
}

/* Go on to the caller's frame. False at the end, or where the way is lost. */
static inline bool step(struct frame *frame, struct cfi_rule rule) {
    uintptr_t base = frame->pointer + (uintptr_t)(intptr_t)rule.offset;
    struct frame next = {.pointer = frame->pointer};
    switch ((enum cfi_kind)rule.kind) {
    case CFI_FROM_STACK:
        base = frame->stack + (uintptr_t)(intptr_t)rule.offset;
        break;
    case CFI_FROM_FRAME:
        break;
    case CFI_IN_FRAME:
        if (!read_word(frame->stack, base, &base) ||
            !read_word(frame->stack, frame->pointer, &next.pointer))
            return false;
        break;
    case CFI_AFTER_SIGNAL:
        return step_over_signal(frame);
    case CFI_UNKNOWN:
        return step_by_pointer(frame);
    case CFI_END:
    default:
        return false;
    }
    if (base <= frame->stack || !read_word(frame->stack, base - WORD, &next.address))
        return false;
    if (rule.is_saved &&
        !read_word(frame->stack, base + (uintptr_t)(intptr_t)rule.saved_word * WORD, &next.pointer))
        return false;
    next.stack = base;
    *frame = next;
    return true;
}

/* Our own frames and a signal's do not count, but they come to an end. */
enum { STEPS_BESIDE = 64 };

SLOW unsigned unwind_frames(uintptr_t *frames, unsigned most, uint32_t *epoch) {
    const uintptr_t *here = __builtin_frame_address(0);
    struct frame frame = {
        .pointer = here[0], .address = here[1], .stack = (uintptr_t)here + 2 * WORD};
    unsigned count = 0;
    uint32_t now = modules_epoch();
    for (unsigned steps = 0; count < most && steps < most + STEPS_BESIDE; steps++) {
        if (frame.address < 1 << PAGE_SHIFT)
            break;
        uintptr_t after = frame.address + (frame.is_interrupted ? 1 : 0);
        if (frame.address - cache.own_start >= cache.own_end - cache.own_start)
            frames[count++] = after;
        if (!step(&frame, rule_for(after - 1, now)))
            break;
    }
    /* A module that was met on the way may have begun an epoch, and no frame is older than that. */
    *epoch = modules_epoch();
    return count;
}
