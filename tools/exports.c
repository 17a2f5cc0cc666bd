#include "exports.h"

#include "report_csv.h"
#include "report_html.h"
#include "report_json.h"
#include "report_markdown.h"
#include "say.h"

static const struct {
    const char *option;
    void (*print)(FILE *out, const struct comparison *comparison);
} exports_kinds[EXPORTS_COUNT] = {
    [EXPORTS_JSON] = {"--export-json", report_json_print},
    [EXPORTS_CSV] = {"--export-csv", report_csv_print},
    [EXPORTS_MARKDOWN] = {"--export-markdown", report_markdown_print},
    [EXPORTS_HTML] = {"--html", report_html_print},
};

void exports_open(struct exports *exports) {
    const char *taken = NULL;
    for (int kind = 0; kind < EXPORTS_COUNT; kind++) {
        export_open_for(&exports->files[kind], exports_kinds[kind].option, exports->paths[kind]);
        if (exports->files[kind].out != stdout)
            continue;
        if (taken != NULL)
            say_and_exit(STATUS_USAGE,
                         "%s and %s both go to standard output; give one of them a file", taken,
                         exports_kinds[kind].option);
        taken = exports_kinds[kind].option;
    }
}

void exports_write(struct exports *exports, const struct comparison *comparison) {
    for (int kind = 0; kind < EXPORTS_COUNT; kind++) {
        FILE *out = export_begin(&exports->files[kind]);
        if (out != NULL)
            exports_kinds[kind].print(out, comparison);
        export_end(&exports->files[kind]);
    }
}

FILE *exports_tables(const struct exports *exports) {
    for (int kind = 0; kind < EXPORTS_COUNT; kind++)
        if (exports->files[kind].out == stdout)
            return stderr;
    return stdout;
}
