#include "unwind.h"

#include "cfi.h"
#include "kernel.h"
#include "modules.h"
#include "os.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

enum {
    RULES = 1 << 13,       /* kept: more than the calls of a large program come from */
    PAGES = 1 << 8,        /* known to be readable */
    PAGE_SHIFT = 12,       /* the smallest that there are: others are several of these */
    NEAR_BYTES = 64 << 10, /* a frame is seldom larger */
    FRAME_MOST_BYTES = 64 << 20,
};

#define WORD sizeof(uintptr_t)

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
    struct kept *rules; /* RULES of them; NULL: none are kept */
    _Atomic(uintptr_t) pages[PAGES];
} cache;

void unwind_start(const void *here) {
    size_t bytes = os_round_to_page(RULES * sizeof(struct kept));
    struct kept *rules = cache.rules == NULL ? os_reserve(bytes, os_page_bytes()) : NULL;
    if (rules != NULL && os_commit(rules, bytes))
        cache.rules = rules;
    const struct module *own = modules_find((uintptr_t)here);
    if (own == NULL || own->is_program)
        return;
    cache.own_start = own->start;
    cache.own_end = own->end;
}

/* ---- what may be read ---- */

/* The kernel looks at the set of signals before it refuses to do what nobody can ask of it. Another
 * error says nothing: a filter may stand before it (seccomp(2)). */
static bool ask_readable(uintptr_t address) {
    enum { NOTHING = -1 };
    return KERNEL(rt_sigprocmask, NOTHING, address, 0, 8) == -EINVAL;
}

/* True if a page can be read. Stacks keep their pages, so that is remembered; not where the way
 * takes a leap, which a damaged stack does, nor where a frame pointer leads that no table speaks
 * of: it may hold anything, and a stack that lay there may be gone. */
static bool is_readable_page(uintptr_t page, bool is_trusted) {
    _Atomic(uintptr_t) *known = &cache.pages[page % PAGES];
    if (is_trusted && atomic_load_explicit(known, memory_order_relaxed) == page)
        return true;
    if (!ask_readable(page << PAGE_SHIFT))
        return false;
    atomic_store_explicit(known, page, memory_order_relaxed);
    return true;
}

/* A frame, on the way from the innermost to the outermost. */
struct frame {
    uintptr_t address; /* of code */
    uintptr_t stack;
    uintptr_t pointer;
    uintptr_t readable_end; /* from `stack` up to here all can be read */
    bool is_interrupted;    /* by a signal: the address is that of an instruction not done yet */
};

/* Where what can be read ends, with a word beyond what was known before; 0 if that word cannot be
 * read. */
SLOW static uintptr_t ask_word(uintptr_t stack, uintptr_t readable_end, uintptr_t place,
                               bool is_by_rule) {
    uintptr_t page = place >> PAGE_SHIFT;
    if (place % WORD != 0 || place < stack || place - stack > FRAME_MOST_BYTES)
        return 0;
    if (!is_readable_page(page, is_by_rule && place - stack < NEAR_BYTES))
        return 0;
    return page == readable_end >> PAGE_SHIFT ? (page + 1) << PAGE_SHIFT : readable_end;
}

/* Read a word at or above the stack pointer, that a rule led to, or not. False if that cannot be.
 */
FAST bool read_word(struct frame *frame, uintptr_t place, bool is_by_rule, uintptr_t *word) {
    if (UNLIKELY(place < frame->stack || place >= frame->readable_end || place % WORD != 0)) {
        uintptr_t end = ask_word(frame->stack, frame->readable_end, place, is_by_rule);
        if (end == 0)
            return false;
        frame->readable_end = end;
    }
    *word = *(const uintptr_t *)place;
    return true;
}

/* ---- rules ---- */

#if defined(__x86_64__)

static struct cfi_rule look_up(uintptr_t address, bool *is_known) {
    const struct module *module = modules_find(address);
    *is_known = module != NULL;
    if (module == NULL || module->tables.index == NULL)
        return (struct cfi_rule){.kind = CFI_UNKNOWN};
    return cfi_find(&module->tables, address);
}

/* The rule for an address, in an epoch. */
static inline struct cfi_rule rule_for(uintptr_t address, uint32_t epoch) {
    uint64_t key = address ^ (uint64_t)epoch << 48;
    static SELDOM struct kept none;
    struct kept *kept = cache.rules == NULL ? &none : &cache.rules[(key ^ key >> 13) % RULES];
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

/* Where the kernel keeps the registers of a frame that a signal interrupted: in a ucontext_t at the
 * stack pointer, whose numbers are fixed. Of x86-64: no other rule leads here. */
static bool step_over_signal(struct frame *frame) {
    enum { FRAME_POINTER = 120, STACK_POINTER = 160, ADDRESS = 168 };
    struct frame next = {.is_interrupted = true};
    if (!read_word(frame, frame->stack + FRAME_POINTER, true, &next.pointer) ||
        !read_word(frame, frame->stack + STACK_POINTER, true, &next.stack) ||
        !read_word(frame, frame->stack + ADDRESS, true, &next.address))
        return false;
    next.readable_end = next.stack;
    *frame = next;
    return true;
}

/* By the frame pointer: it leads to the caller's, and the return address lies after that. */
static bool step_by_pointer(struct frame *frame) {
    uintptr_t pointer, address;
    if (!read_word(frame, frame->pointer, false, &pointer) ||
        !read_word(frame, frame->pointer + WORD, false, &address))
        return false;
    frame->stack = frame->pointer + 2 * WORD;
    frame->pointer = pointer;
    frame->address = address;
    frame->is_interrupted = false;
    return true;
}

/* Go on to the caller's frame, which begins at `base`, by a rule that says where ours begins. */
FAST bool step_to(struct frame *frame, uintptr_t base, struct cfi_rule rule) {
    if (base <= frame->stack || !read_word(frame, base - WORD, true, &frame->address))
        return false;
    if (rule.is_saved && !read_word(frame, base + (uintptr_t)(intptr_t)rule.saved_word * WORD, true,
                                    &frame->pointer))
        return false;
    frame->stack = base;
    frame->is_interrupted = false;
    return true;
}

/* A frame that its own pointer leads to by way of memory. */
static bool step_in_frame(struct frame *frame, struct cfi_rule rule) {
    uintptr_t base, pointer;
    if (!read_word(frame, frame->pointer + (uintptr_t)(intptr_t)rule.offset, true, &base) ||
        !read_word(frame, frame->pointer, true, &pointer))
        return false;
    frame->pointer = pointer;
    return step_to(frame, base, rule);
}

/* By one of the rules that are rare. By value, so that what is frequent goes on in registers. An
 * address of 0 is the end. */
SLOW static struct frame step_rarely(struct frame frame, struct cfi_rule rule) {
    bool goes_on = false;
    if (rule.kind == CFI_IN_FRAME)
        goes_on = step_in_frame(&frame, rule);
    else if (rule.kind == CFI_AFTER_SIGNAL)
        goes_on = step_over_signal(&frame);
    else if (rule.kind == CFI_UNKNOWN)
        goes_on = step_by_pointer(&frame);
    if (!goes_on)
        frame.address = 0;
    return frame;
}

/* Go on to the caller's frame. False at the end, or where the way is lost. */
FAST bool step(struct frame *frame, struct cfi_rule rule) {
    uintptr_t offset = (uintptr_t)(intptr_t)rule.offset;
    if (LIKELY(rule.kind == CFI_FROM_STACK))
        return step_to(frame, frame->stack + offset, rule);
    if (LIKELY(rule.kind == CFI_FROM_FRAME))
        return step_to(frame, frame->pointer + offset, rule);
    *frame = step_rarely(*frame, rule);
    return true;
}

/* Our own frames and a signal's do not count, but they come to an end. */
enum { STEPS_BESIDE = 64 };

SLOW unsigned unwind_frames(uintptr_t *frames, unsigned most, uint32_t *epoch) {
    const uintptr_t *here = __builtin_frame_address(0);
    struct frame frame = {
        .pointer = here[0], .address = here[1], .stack = (uintptr_t)here + 2 * WORD};
    /* What is on our own page can be read. */
    frame.readable_end = ((uintptr_t)here | (((uintptr_t)1 << PAGE_SHIFT) - 1)) + 1;
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
