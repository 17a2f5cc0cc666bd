#include "compare/reasons.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>

const char *const reason_kind_names[REASON_KINDS] = {
    [REASON_TARGET] = "target",
    [REASON_PROGRAM] = "program",
    [REASON_MACHINE] = "machine",
};

void reasons_add(struct reasons *reasons, enum reason_kind kind, const char *key, bool matters,
                 const char *format, ...) {
    va_list arguments;
    if (reasons->count == REASONS_MAX)
        return;
    struct reason *reason = &reasons->items[reasons->count++];
    *reason = (struct reason){.kind = kind, .key = key, .matters = matters};
    va_start(arguments, format);
    reason->text = memory_format_list(format, arguments);
    va_end(arguments);
}

void reasons_add_findings(struct reasons *reasons, const struct target_findings *findings) {
    for (unsigned i = 0; i < findings->count; i++)
        reasons_add(reasons, REASON_TARGET, "target", false, "%s", findings->items[i].text);
}
