#include "report/exports.h"

#include "base/say.h"
#include "report/csv.h"
#include "report/json.h"
#include "report/markup.h"
#include "report/page.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *option;
    void (*print)(FILE *out, const struct session *session);
} exports_kinds[EXPORTS_COUNT] = {
    [EXPORTS_JSON] = {"--export-json", report_json_print},
    [EXPORTS_CSV] = {"--export-csv", csv_print},
    [EXPORTS_MARKDOWN] = {"--export-markdown", markup_print_markdown},
    [EXPORTS_ASCIIDOC] = {"--export-asciidoc", markup_print_asciidoc},
    [EXPORTS_ORG] = {"--export-orgmode", markup_print_org},
    [EXPORTS_HTML] = {"--html", page_print},
};

/* One would replace the other, or both would be in one stream. */
static void exports_refuse_same(const struct export *first, const struct export *second) {
    if (export_is_standard_output(first) && export_is_standard_output(second))
        say_and_exit(STATUS_USAGE, "%s and %s both go to standard output; give one of them a file",
                     first->option, second->option);
    if (first->target != NULL && second->target != NULL &&
        strcmp(first->target, second->target) == 0)
        say_and_exit(STATUS_USAGE, "%s and %s both go to %s; give one of them another file",
                     first->option, second->option, second->path);
}

void exports_open(struct exports *exports) {
    for (int kind = 0; kind < EXPORTS_COUNT; kind++) {
        export_open_for(&exports->files[kind], exports_kinds[kind].option, exports->paths[kind]);
        for (int before = 0; before < kind; before++)
            exports_refuse_same(&exports->files[before], &exports->files[kind]);
    }
}

void exports_write(struct exports *exports, const struct session *session) {
    bool written = true;
    for (int kind = 0; kind < EXPORTS_COUNT; kind++) {
        FILE *out = export_begin(&exports->files[kind]);
        if (out != NULL)
            exports_kinds[kind].print(out, session);
        written = export_finish(&exports->files[kind]) && written;
    }
    if (!written)
        exit(STATUS_OWN_FAILURE);
}

FILE *exports_tables(const struct exports *exports) {
    for (int kind = 0; kind < EXPORTS_COUNT; kind++)
        if (export_is_standard_output(&exports->files[kind]))
            return stderr;
    return stdout;
}
