#include "base/say.h"
#include "base/terminal.h"
#include "base/wrap.h"
#include "cmd/commands.h"
#include "profile/json.h"
#include "report/combine.h"
#include "report/exports.h"
#include "report/pair.h"
#include "report/saved_session.h"
#include "report/session_table.h"

#include <stdlib.h>
#include <string.h>

/* What the command line asks for. */
struct report_request {
    const char *profile;
    struct exports exports;
    enum terminal_style style;
    unsigned time_unit;
    bool with_moments;
    double fail_share; /* negative: not asked for */
    bool force;
    bool combine;
};

static const struct args_option report_options[] = {
    {0, "profile", "FILE",
     "what the program allocates, for the charts of --html: a file\n"
     "that 'tagpool profile --export-json' wrote",
     ARGS_FILE(struct report_request, profile)},
    {0, "combine", NULL,
     "results of one command from many machines, or from many runs, as one statement",
     ARGS_FLAG(struct report_request, combine)},
    {0, "force", NULL, "go on with results of different machines, or commands, all the same",
     ARGS_FLAG(struct report_request, force)},
    {0, "fail-if-slower", "PERCENT",
     "of two results, or many: exit status 1 if a variant is proven to have\n"
     "become slower than this",
     ARGS_PERCENT(struct report_request, fail_share, 0, 1000)},
    {0, "moments", NULL, "show mean, deviation, minimum, maximum and outliers, too",
     ARGS_FLAG(struct report_request, with_moments)},
    METRIC_OPTION_TIME_UNIT(struct report_request, time_unit),
    EXPORTS_OPTIONS(struct report_request, exports),
    TERMINAL_OPTION_STYLE(struct report_request, style),
    ARGS_OPTION_HELP,
    {0},
};

static const char report_details[] =
    "FILE is what 'tagpool compare --export-json' wrote. One file is shown as if it had just been\n"
    "measured, and written in other forms. Of two files, A and B, the report tells what changed:\n"
    "how each variant stands to the reference, which was paired inside each session. The times of\n"
    "the reference itself prove nothing across sessions, and are shown only. Results of different\n"
    "machines are refused.\n\n"
    "With --combine, any number of files of one command becomes one statement: what each machine\n"
    "found in its own pairs is combined, and never times. The report gives the spread between\n"
    "machines, what to expect of another one, and names a machine that differs from the others.\n\n"
    "Exit status: 0 done; 1 a variant became slower (--fail-if-slower); 2 wrong usage, a file\n"
    "that is no saved result, different machines or references, with --fail-if-slower no common\n"
    "variant, with --combine a result that is there twice.\n";

enum { REPORT_FILES_MAX = COMBINE_FILES_MAX };

static unsigned report_read_arguments(struct report_request *request, char **arguments,
                                      const char *files[REPORT_FILES_MAX]) {
    unsigned count = 0;
    *request = (struct report_request){.fail_share = -1};
    char **named = command_read_all(&command_report, request, arguments);
    for (; named[count] != NULL; count++) {
        if (count == REPORT_FILES_MAX)
            args_refuse("%d files can be combined, not more: '%s'", REPORT_FILES_MAX, named[count]);
        files[count] = named[count];
    }
    free(named);
    if (count > 2 && !request->combine)
        args_refuse("two files can be compared, not more: '%s'; or combine all with --combine",
                    files[2]);
    return count;
}

/* A profile beside the comparison takes the place of the one in it. */
static void report_read_profile(struct saved *saved, const char *path) {
    char *text_fault;
    const struct json_value *document = json_tree_read(path, &text_fault);
    if (document == NULL)
        say_and_exit(STATUS_USAGE, "cannot read --profile %s: %s", path, text_fault);
    const char *fault = profile_json_load(&saved->profile, document);
    if (fault != NULL)
        say_and_exit(STATUS_USAGE, "%s: %s; give a file that 'tagpool profile --export-json' wrote",
                     path, fault);
    saved->comparison.profile = &saved->profile;
}

static int report_show(struct report_request *request, const struct terminal *terminal,
                       const char *file) {
    static struct saved_session saved;
    if (request->fail_share >= 0)
        args_refuse("--fail-if-slower is about two files; name the other one, too");
    if (request->force)
        args_refuse("--force is about two files; name the other one, too");
    saved_session_load(&saved, file);
    if (request->profile != NULL && saved.session.count > 1)
        args_refuse("a profile is of one command, not of several; leave out --profile");
    if (request->profile != NULL)
        report_read_profile(&saved.items[0], request->profile);
    for (unsigned i = 0; i < saved.session.count; i++)
        saved.items[i].comparison.with_moments = request->with_moments;
    exports_open(&request->exports);
    if (request->style != TERMINAL_NONE)
        session_table_print(exports_tables(&request->exports), terminal, &saved.session);
    exports_write(&request->exports, &saved.session);
    return STATUS_DONE;
}

static const char *report_reference(const struct saved *saved) {
    return result_reference_name(&saved->result);
}

static int report_compare(const struct report_request *request, const struct terminal *terminal,
                          const char *const *files) {
    static struct saved before, after;
    static struct pair pair;
    for (int kind = 0; kind < EXPORTS_COUNT; kind++)
        if (request->exports.paths[kind] != NULL)
            args_refuse("an export is of one result, not of two; leave out '%s'", files[1]);
    if (request->profile != NULL)
        args_refuse("a profile is of one result, not of two; leave out '%s'", files[1]);
    if (request->with_moments)
        args_refuse("--moments are of one result, not of two; leave out '%s'", files[1]);
    saved_load(&before, files[0]);
    saved_load(&after, files[1]);
    char *difference = machine_difference(&before.comparison.machine, &after.comparison.machine);
    if (difference != NULL && !request->force)
        say_and_exit(STATUS_USAGE,
                     "the results are of different machines (%s) and say nothing about each "
                     "other; measure both on one, or go on all the same with --force",
                     difference);
    const char *first = report_reference(&before), *second = report_reference(&after);
    if (strcmp(first, second) != 0)
        say_and_exit(STATUS_USAGE,
                     "the references differ (%s, %s), so that the variants cannot be compared; "
                     "measure both against one, with --reference",
                     first, second);
    pair_make(&pair, &before, &after);
    if (request->fail_share >= 0 && !pair_has_variant(&pair))
        say_and_exit(STATUS_USAGE,
                     "the results have no variant but %s in common, so that --fail-if-slower has "
                     "nothing to judge; measure the same variants",
                     first);
    if (request->style != TERMINAL_NONE) {
        FILE *sheet = wrap_open(stdout);
        pair_print(sheet, terminal, &pair);
        if (difference != NULL)
            fprintf(sheet, "Warning: the results are of different machines (%s).\n", difference);
        wrap_close(sheet);
    }
    return pair_status(&pair, request->fail_share);
}

static int report_combine(struct report_request *request, const struct terminal *terminal,
                          const char *const *files, unsigned count) {
    static struct combine combine;
    struct export *json = &request->exports.files[EXPORTS_JSON];
    for (int kind = 0; kind < EXPORTS_COUNT; kind++)
        if (kind != EXPORTS_JSON && request->exports.paths[kind] != NULL)
            args_refuse("what is combined is written as JSON, with --export-json, and not to '%s'",
                        request->exports.paths[kind]);
    if (request->profile != NULL || request->with_moments)
        args_refuse("--%s is of one result, not of many; leave it out",
                    request->profile != NULL ? "profile" : "moments");
    if (count < 2)
        args_refuse("--combine is about two files or more; name the others, too");
    combine_make(&combine, files, count, request->force);
    exports_open(&request->exports);
    if (request->style != TERMINAL_NONE) {
        FILE *sheet = wrap_open(exports_tables(&request->exports));
        combine_print(sheet, terminal, &combine);
        wrap_close(sheet);
    }
    FILE *out = export_begin(json);
    if (out != NULL)
        combine_print_json(out, &combine);
    export_end(json);
    return (int)combine_status(&combine, request->fail_share);
}

static int report_main(char **arguments) {
    struct report_request request;
    struct terminal terminal;
    static const char *files[REPORT_FILES_MAX];
    unsigned count = report_read_arguments(&request, arguments, files);
    terminal_init(&terminal, request.style);
    metric_show_times_in(request.time_unit);
    if (count == 0)
        args_refuse("no file is named: tagpool report FILE");
    if (request.combine)
        return report_combine(&request, &terminal, files, count);
    if (count == 1)
        return report_show(&request, &terminal, files[0]);
    return report_compare(&request, &terminal, files);
}

const struct command command_report = {
    .name = "report",
    .synopsis = "[OPTION...] FILE [FILE...]",
    .summary =
        "Show a saved comparison again, write it in other forms, compare two or combine many",
    .details = report_details,
    .options = report_options,
    .takes_files = true,
    .run = report_main,
};
