#include "base/say.h"
#include "cmd/commands.h"
#include "profile/json.h"
#include "report/exports.h"
#include "report/pair.h"
#include "report/saved.h"
#include "report/table.h"

#include <string.h>

enum report_option {
    REPORT_PROFILE,
    REPORT_FORCE,
    REPORT_FAIL_IF_SLOWER,
    REPORT_EXPORT_JSON,
    REPORT_EXPORT_CSV,
    REPORT_EXPORT_MARKDOWN,
    REPORT_HTML,
    REPORT_STYLE,
    REPORT_HELP,
};

static const struct args_option report_options[] = {
    [REPORT_PROFILE] = {0, "profile", "FILE",
                        "what the program allocates, for the charts of --html: a file\n"
                        "that 'tagpool profile --export-json' wrote"},
    [REPORT_FORCE] = {0, "force", NULL, "compare results of different machines all the same"},
    [REPORT_FAIL_IF_SLOWER] = {0, "fail-if-slower", "PERCENT",
                               "of two results: exit status 1 if a variant is proven to have\n"
                               "become slower than this"},
    [REPORT_EXPORT_JSON] = EXPORTS_OPTION_JSON,
    [REPORT_EXPORT_CSV] = EXPORTS_OPTION_CSV,
    [REPORT_EXPORT_MARKDOWN] = EXPORTS_OPTION_MARKDOWN,
    [REPORT_HTML] = EXPORTS_OPTION_HTML,
    [REPORT_STYLE] = {0, "style", "STYLE", "auto, basic, full, nocolor, color or none (no table)"},
    [REPORT_HELP] = {'h', "help", NULL, "print this help"},
    {0},
};

static const char report_details[] =
    "FILE is what 'tagpool compare --export-json' wrote. One file is shown as if it had just been\n"
    "measured, and written in other forms. Of two files, A and B, the second is compared with the\n"
    "first, variant by variant: the reference by its own time and memory, the others by how they\n"
    "stand to it. Results of different machines say nothing about each other and are refused.\n\n"
    "Exit status: 0 done; 1 a variant became slower (--fail-if-slower); 2 wrong usage, a file "
    "that\n"
    "is no saved result, different machines or different references.\n";

struct report_request {
    const char *profile;
    struct exports exports;
    const char *style;
    double fail_share; /* negative: not asked for */
    bool force;
    bool help;
};

static void report_read_option(struct report_request *request, const struct args *args,
                               enum report_option option) {
    switch (option) {
    case REPORT_PROFILE:
        request->profile = args->value;
        break;
    case REPORT_FORCE:
        request->force = true;
        break;
    case REPORT_FAIL_IF_SLOWER:
        request->fail_share = args_number(args, 0, 1000) / 100;
        break;
    case REPORT_EXPORT_JSON:
        request->exports.paths[EXPORTS_JSON] = args->value;
        break;
    case REPORT_EXPORT_CSV:
        request->exports.paths[EXPORTS_CSV] = args->value;
        break;
    case REPORT_EXPORT_MARKDOWN:
        request->exports.paths[EXPORTS_MARKDOWN] = args->value;
        break;
    case REPORT_HTML:
        request->exports.paths[EXPORTS_HTML] = args->value;
        break;
    case REPORT_STYLE:
        request->style = args->value;
        break;
    case REPORT_HELP:
        request->help = true;
        break;
    }
}

enum { REPORT_FILES_MAX = 2 };

/* Options may stand behind the files too: nothing here is another program's command line. */
static unsigned report_read_arguments(struct report_request *request, char **arguments,
                                      const char *files[REPORT_FILES_MAX]) {
    struct args args;
    unsigned count = 0;
    *request = (struct report_request){.style = "auto", .fail_share = -1};
    args_init(&args, "report", report_options, arguments);
    for (;;) {
        int option = args_read(&args);
        if (option >= 0) {
            report_read_option(request, &args, (enum report_option)option);
            continue;
        }
        if (*args.next == NULL)
            return count;
        if (count == REPORT_FILES_MAX)
            args_refuse("report", "two files can be compared, not more: '%s'", *args.next);
        files[count++] = *args.next++;
    }
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
    static struct saved saved;
    if (request->fail_share >= 0)
        args_refuse("report", "--fail-if-slower is about two files; name the other one, too");
    if (request->force)
        args_refuse("report", "--force is about two files; name the other one, too");
    saved_load(&saved, file);
    if (request->profile != NULL)
        report_read_profile(&saved, request->profile);
    exports_open(&request->exports);
    if (strcmp(request->style, "none") != 0)
        report_table_print(exports_tables(&request->exports), terminal, &saved.comparison);
    exports_write(&request->exports, &saved.comparison);
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
            args_refuse("report", "an export is of one result, not of two; leave out '%s'",
                        files[1]);
    if (request->profile != NULL)
        args_refuse("report", "a profile is of one result, not of two; leave out '%s'", files[1]);
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
    if (strcmp(request->style, "none") != 0)
        pair_print(stdout, terminal, &pair);
    if (difference != NULL && strcmp(request->style, "none") != 0)
        printf("Warning: the results are of different machines (%s).\n", difference);
    return pair_status(&pair, request->fail_share);
}

static int report_main(char **arguments) {
    struct report_request request;
    struct terminal terminal;
    const char *files[REPORT_FILES_MAX];
    unsigned count = report_read_arguments(&request, arguments, files);
    if (request.help) {
        command_print_help(stdout, &command_report);
        return STATUS_DONE;
    }
    if (!terminal_init(&terminal, request.style))
        args_refuse("report", "--style is auto, basic, full, nocolor, color or none, not '%s'",
                    request.style);
    if (count == 0)
        args_refuse("report", "no file is named: tagpool report FILE");
    if (count == 1)
        return report_show(&request, &terminal, files[0]);
    return report_compare(&request, &terminal, files);
}

const struct command command_report = {
    .name = "report",
    .synopsis = "[OPTION...] FILE [FILE]",
    .summary = "Show a saved comparison again, write it in other forms, or compare two",
    .details = report_details,
    .options = report_options,
    .run = report_main,
};
