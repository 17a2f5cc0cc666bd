#include "export.h"

#include "say.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void export_open(struct export *export, const char *path) {
    export_open_for(export, "--export-json", path);
}

void export_open_for(struct export *export, const char *option, const char *path) {
    *export = (struct export){.option = option, .path = path};
    if (path == NULL)
        return;
    export->out = strcmp(path, "-") == 0 ? stdout : fopen(path, "a");
    if (export->out == NULL)
        say_and_exit(STATUS_USAGE, "cannot write %s %s: %s", option, path, strerror(errno));
}

FILE *export_begin(struct export *export) {
    if (export->out != NULL && export->out != stdout)
        export->failed = ftruncate(fileno(export->out), 0) != 0;
    return export->out;
}

void export_end(struct export *export) {
    FILE *out = export->out;
    /* Standard output is judged when the program ends. */
    if (out == NULL || out == stdout)
        return;
    bool failed = export->failed || ferror(out) != 0;
    export->out = NULL;
    if (fclose(out) != 0 || failed)
        say_and_exit(STATUS_OWN_FAILURE, "cannot write %s %s: %s", export->option, export->path,
                     strerror(errno));
}

FILE *export_tables(const struct export *export) {
    return export->out == stdout ? stderr : stdout;
}
