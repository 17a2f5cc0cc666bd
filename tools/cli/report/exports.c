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

void exports_open(struct exports *exports) {
    for (int kind = 0; kind < EXPORTS_COUNT; kind++) {
        export_open_for(&exports->files[kind], exports_kinds[kind].option, exports->paths[kind]);
        for (int before = 0; before < kind; before++)
            export_refuse_same(&exports->files[before], &exports->files[kind]);
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

bool exports_use_standard_output(const struct exports *exports) {
    for (int kind = 0; kind < EXPORTS_COUNT; kind++)
        if (exports->paths[kind] != NULL && strcmp(exports->paths[kind], "-") == 0)
            return true;
    return false;
}

FILE *exports_tables(const struct exports *exports) {
    return exports_use_standard_output(exports) ? stderr : stdout;
}

void exports_refuse_output(const struct exports *exports, const char *path) {
    for (int kind = 0; kind < EXPORTS_COUNT; kind++)
        export_refuse_output(&exports->files[kind], path);
}
