#include "check/report.h"

#include "base/say.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { CHECK_LEAKS_TOLD = 10 };

/* What a stack is, by the text of the fault. */
static const char *check_role_name(const struct check_fault *fault,
                                   enum tagpool_finding_role role) {
    const char *text = fault->found->text;
    bool is_double = strncmp(text, "double free ", strlen("double free ")) == 0;
    bool is_use = strstr(text, "use of ") != NULL;
    bool is_late = strstr(text, " called from ") == NULL;
    switch (role) {
    case TAGPOOL_FINDING_HERE:
        return is_late ? "found" : is_use ? "used here" : "freed here";
    case TAGPOOL_FINDING_FREED:
        return is_double ? "first freed" : "freed";
    case TAGPOOL_FINDING_ALLOCATED:
        return "allocated";
    case TAGPOOL_FINDING_BEFORE:
    case TAGPOOL_FINDING_ROLES:
    default:
        return "the block before was allocated";
    }
}

static const char *check_plural(uint64_t count) {
    return count == 1 ? "" : "s";
}

/* ---- standard error ---- */

static void check_print_line(const struct check *check, size_t frame, unsigned line,
                             void *context) {
    char *text = symbols_line(&check->symbols, frame, line);
    (void)context;
    fprintf(stderr, "    %s\n", text);
    free(text);
}

static void check_print_fault(const struct check *check, const struct check_fault *fault) {
    bool is_any = false;
    for (unsigned role = 0; role < TAGPOOL_FINDING_ROLES; role++)
        is_any |= fault->stacks[role].count != 0;
    if (!is_any || fault->is_suppressed)
        return;
    /* The library has told the rest of the line, as it found the fault. */
    int length = (int)strcspn(fault->found->text, "(");
    while (length > 0 && fault->found->text[length - 1] == ' ')
        length--;
    say_error("process %" PRIu32 ": %.*s", fault->found->pid, length, fault->found->text);
    for (unsigned role = 0; role < TAGPOOL_FINDING_ROLES; role++) {
        const struct check_stack *stack = &fault->stacks[role];
        if (stack->count == 0)
            continue;
        fprintf(stderr, "  %s", check_role_name(fault, role));
        if (stack->thread != 0)
            fprintf(stderr, " by thread %" PRIu32, stack->thread);
        fprintf(stderr, ":\n");
        check_each_line(check, stack, check_print_line, NULL);
    }
}

static void check_print_leak(const struct check *check, const struct check_leak *leak) {
    say_error("leaked %" PRIu64 " block%s, %" PRIu64 " byte%s, allocated at%s", leak->blocks,
              check_plural(leak->blocks), leak->bytes, check_plural(leak->bytes),
              leak->stack.count != 0 ? ":" : " a place that is not known");
    check_each_line(check, &leak->stack, check_print_line, NULL);
}

static void check_print_leaks(const struct check *check, bool all_leaks) {
    uint64_t places = 0, blocks = 0, bytes = 0;
    for (size_t i = 0; i < check->leak_count && !check->leaks[i].is_suppressed; i++) {
        if (all_leaks || i < CHECK_LEAKS_TOLD) {
            check_print_leak(check, &check->leaks[i]);
            continue;
        }
        places++;
        blocks += check->leaks[i].blocks;
        bytes += check->leaks[i].bytes;
    }
    if (places != 0)
        say_error("leaked %" PRIu64 " block%s, %" PRIu64 " bytes, allocated at %" PRIu64
                  " other place%s: --all-leaks tells them",
                  blocks, check_plural(blocks), bytes, places, check_plural(places));
}

/* What could not be looked at may lead to blocks that seem lost. */
static void check_print_doubts(const struct findings *findings) {
    if (findings->threads_unseen != 0)
        say_note("%" PRIu64 " thread%s could not be looked at: what only they keep is in doubt, "
                 "and does not count as leaked",
                 findings->threads_unseen, check_plural(findings->threads_unseen));
    else if (findings->is_memory_unseen)
        say_note("the memory of a process could not be looked at: what only it leads to is in "
                 "doubt, and does not count as leaked");
    if (findings->doubtful_blocks != 0)
        say_error("in doubt: %" PRIu64 " block%s, %" PRIu64 " bytes", findings->doubtful_blocks,
                  check_plural(findings->doubtful_blocks), findings->doubtful_bytes);
}

void check_print(const struct check *check, bool all_leaks) {
    for (size_t i = 0; i < check->fault_count; i++)
        check_print_fault(check, &check->faults[i]);
    check_print_leaks(check, all_leaks);
    const struct findings *findings = &check->findings;
    if (findings->reachable_blocks != 0)
        say_error("still reachable: %" PRIu64 " block%s, %" PRIu64 " bytes",
                  findings->reachable_blocks, check_plural(findings->reachable_blocks),
                  findings->reachable_bytes);
    if (check->suppressed_faults != 0 || check->suppressed_blocks != 0)
        say_error("suppressed: %" PRIu64 " fault%s, %" PRIu64 " leaked block%s (%" PRIu64 " bytes)",
                  check->suppressed_faults, check_plural(check->suppressed_faults),
                  check->suppressed_blocks, check_plural(check->suppressed_blocks),
                  check->suppressed_bytes);
    if (findings->missed != 0)
        say_note("%" PRIu64 " more findings had no room in the file: their stacks are not told",
                 findings->missed);
    check_print_doubts(findings);
}

/* ---- JSON ---- */

static void check_json_line(const struct check *check, size_t frame, unsigned line, void *context) {
    struct json *json = context;
    const struct symbols_frame *asked = &check->symbols.frames[frame];
    const struct symbols_module *module = &check->symbols.modules[asked->module];
    json_flat_object(json, NULL);
    json_text(json, "function", symbols_function(&check->symbols, frame, line));
    bool has_place = line < asked->place_count && asked->places[line].line != 0;
    json_text(json, "file", has_place ? asked->places[line].file : NULL);
    if (has_place)
        json_count(json, "line", asked->places[line].line);
    else
        json_null(json, "line");
    json_text(json, "module", module->path);
    json_count(json, "offset", asked->offset);
    json_end(json);
}

static void check_json_frames(const struct check *check, struct json *json,
                              const struct check_stack *stack) {
    json_array(json, "frames");
    check_each_line(check, stack, check_json_line, json);
    json_end(json);
}

static void check_json_fault(const struct check *check, struct json *json,
                             const struct check_fault *fault) {
    static const char *const roles[TAGPOOL_FINDING_ROLES] = {
        [TAGPOOL_FINDING_HERE] = "here",
        [TAGPOOL_FINDING_FREED] = "freed",
        [TAGPOOL_FINDING_ALLOCATED] = "allocated",
        [TAGPOOL_FINDING_BEFORE] = "before_allocated",
    };
    json_object(json, NULL);
    json_count(json, "process", fault->found->pid);
    json_text(json, "text", fault->found->text);
    json_truth(json, "suppressed", fault->is_suppressed);
    json_object(json, "stacks");
    for (unsigned role = 0; role < TAGPOOL_FINDING_ROLES; role++) {
        if (fault->stacks[role].count == 0)
            continue;
        json_object(json, roles[role]);
        json_count(json, "thread", fault->stacks[role].thread);
        check_json_frames(check, json, &fault->stacks[role]);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

static void check_json_leak(const struct check *check, struct json *json,
                            const struct check_leak *leak) {
    json_object(json, NULL);
    json_count(json, "blocks", leak->blocks);
    json_count(json, "bytes", leak->bytes);
    json_truth(json, "suppressed", leak->is_suppressed);
    check_json_frames(check, json, &leak->stack);
    json_end(json);
}

static void check_json_outcome(struct json *json, const struct check_outcome *outcome) {
    bool died = WIFSIGNALED(outcome->wait_status);
    json_text(json, "status", outcome->status);
    if (died)
        json_count(json, "signal", (uint64_t)WTERMSIG(outcome->wait_status));
    else
        json_count(json, "exit_status", (uint64_t)WEXITSTATUS(outcome->wait_status));
    json_count(json, "processes", outcome->processes);
    json_count(json, "processes_not_ended", outcome->not_ended);
}

void check_write_json(const struct check *check, const struct check_outcome *outcome,
                      struct json *json, const char *command) {
    json_document(json, NULL, "tagpool-check", 1);
    json_text(json, "command", command);
    check_json_outcome(json, outcome);
    json_array(json, "faults");
    for (size_t i = 0; i < check->fault_count; i++)
        check_json_fault(check, json, &check->faults[i]);
    json_end(json);
    json_array(json, "leaks");
    for (size_t i = 0; i < check->leak_count; i++)
        check_json_leak(check, json, &check->leaks[i]);
    json_end(json);
    json_flat_object(json, "reachable");
    json_count(json, "blocks", check->findings.reachable_blocks);
    json_count(json, "bytes", check->findings.reachable_bytes);
    json_end(json);
    json_flat_object(json, "doubtful");
    json_count(json, "blocks", check->findings.doubtful_blocks);
    json_count(json, "bytes", check->findings.doubtful_bytes);
    json_end(json);
    json_count(json, "findings_missed", check->findings.missed);
    json_end(json);
}
