#include "check/check.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- stacks ---- */

static struct check_stack check_stack_of(struct check *check, const struct findings_stack *found) {
    struct check_stack stack = {.count = found->count, .thread = found->thread};
    stack.frames = memory_array(found->count, sizeof *stack.frames);
    for (unsigned i = 0; i < found->count; i++) {
        uint64_t address;
        memcpy(&address, &found->frames[i], sizeof address);
        address--;
        const struct findings_module *module = findings_module_at(&check->findings, found, address);
        size_t number = module != NULL
                            ? symbols_add_module(&check->symbols, module->path, module->build_id,
                                                 module->build_id_bytes)
                            : symbols_add_module(&check->symbols, NULL, NULL, 0);
        stack.frames[i] = symbols_add_frame(&check->symbols, number,
                                            address - (module != NULL ? module->bias : 0));
    }
    return stack;
}

static bool check_stack_is_suppressed(const struct check *check, const struct suppress *suppress,
                                      enum suppress_kind kind, const struct check_stack *stack) {
    for (unsigned i = 0; i < stack->count; i++)
        if (suppress_matches(suppress, kind, &check->symbols, stack->frames[i]))
            return true;
    return false;
}

/* The line is the last that is told: what called main() is the same in all programs. */
static bool check_is_outermost(const struct check *check, size_t frame, unsigned line) {
    const char *function = symbols_function(&check->symbols, frame, line);
    return function != NULL && strcmp(function, "main") == 0;
}

void check_each_line(const struct check *check, const struct check_stack *stack,
                     void (*tell)(const struct check *check, size_t frame, unsigned line,
                                  void *context),
                     void *context) {
    bool is_inside = true;
    for (unsigned i = 0; i < stack->count; i++) {
        size_t frame = stack->frames[i];
        for (unsigned line = 0; line < symbols_line_count(&check->symbols, frame); line++) {
            is_inside = is_inside && symbols_is_allocator(&check->symbols, frame, line);
            if (is_inside)
                continue;
            tell(check, frame, line, context);
            if (check_is_outermost(check, frame, line))
                return;
        }
    }
}

/* ---- findings ---- */

/* Leaks that are suppressed last, then by bytes, then by their stacks: so equal ones are
 * neighbours. */
static int check_compare_leaks(const void *left, const void *right) {
    const struct check_leak *a = left, *b = right;
    if (a->is_suppressed != b->is_suppressed)
        return a->is_suppressed ? 1 : -1;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return a->blocks > b->blocks ? -1 : a->blocks < b->blocks;
}

static int check_compare_stacks(const void *left, const void *right) {
    const struct check_stack *a = &((const struct check_leak *)left)->stack;
    const struct check_stack *b = &((const struct check_leak *)right)->stack;
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    return a->count == 0 ? 0 : memcmp(a->frames, b->frames, a->count * sizeof *a->frames);
}

/* Joins the leaks of one stack, in several processes or kept twice. */
static void check_join_leaks(struct check *check) {
    size_t count = 0;
    if (check->leak_count == 0)
        return;
    qsort(check->leaks, check->leak_count, sizeof *check->leaks, check_compare_stacks);
    for (size_t i = 1; i < check->leak_count; i++) {
        struct check_leak *last = &check->leaks[count];
        if (check_compare_stacks(last, &check->leaks[i]) == 0) {
            last->blocks += check->leaks[i].blocks;
            last->bytes += check->leaks[i].bytes;
            free(check->leaks[i].stack.frames);
        } else {
            check->leaks[++count] = check->leaks[i];
        }
    }
    check->leak_count = count + 1;
}

static void check_suppress(struct check *check, const struct suppress *suppress) {
    for (size_t i = 0; i < check->fault_count; i++) {
        struct check_fault *fault = &check->faults[i];
        for (unsigned role = 0; role < TAGPOOL_FINDING_ROLES; role++)
            fault->is_suppressed |=
                check_stack_is_suppressed(check, suppress, SUPPRESS_FAULT, &fault->stacks[role]);
        check->suppressed_faults += fault->is_suppressed;
    }
    for (size_t i = 0; i < check->leak_count; i++) {
        struct check_leak *leak = &check->leaks[i];
        leak->is_suppressed =
            check_stack_is_suppressed(check, suppress, SUPPRESS_LEAK, &leak->stack);
        check->suppressed_blocks += leak->is_suppressed ? leak->blocks : 0;
        check->suppressed_bytes += leak->is_suppressed ? leak->bytes : 0;
    }
}

const char *check_read(struct check *check, const char *path, const struct suppress *suppress) {
    *check = (struct check){0};
    symbols_init(&check->symbols);
    const char *fault = findings_file_read(path, &check->findings);
    if (fault != NULL)
        return fault;
    const struct findings *findings = &check->findings;
    check->fault_count = findings->fault_count;
    check->faults = memory_array(check->fault_count, sizeof *check->faults);
    for (size_t i = 0; i < check->fault_count; i++) {
        check->faults[i].found = &findings->faults[i];
        for (unsigned role = 0; role < TAGPOOL_FINDING_ROLES; role++)
            check->faults[i].stacks[role] =
                check_stack_of(check, &findings->faults[i].stacks[role]);
    }
    check->leak_count = findings->leak_count;
    check->leaks = memory_array(check->leak_count, sizeof *check->leaks);
    for (size_t i = 0; i < check->leak_count; i++)
        check->leaks[i] =
            (struct check_leak){.blocks = findings->leaks[i].blocks,
                                .bytes = findings->leaks[i].bytes,
                                .stack = check_stack_of(check, &findings->leaks[i].stack)};
    symbols_resolve(&check->symbols);
    check_join_leaks(check);
    check_suppress(check, suppress);
    qsort(check->leaks, check->leak_count, sizeof *check->leaks, check_compare_leaks);
    return NULL;
}

void check_free(struct check *check) {
    for (size_t i = 0; i < check->fault_count; i++)
        for (unsigned role = 0; role < TAGPOOL_FINDING_ROLES; role++)
            free(check->faults[i].stacks[role].frames);
    for (size_t i = 0; i < check->leak_count; i++)
        free(check->leaks[i].stack.frames);
    free(check->faults);
    free(check->leaks);
    findings_file_free(&check->findings);
    symbols_free(&check->symbols);
    *check = (struct check){0};
}
