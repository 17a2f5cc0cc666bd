/* If this failed, a saved result would be shown with other numbers than the same result when it was
 * measured. */
#include "tap.h"

#include "base/memory.h"
#include "report/csv.h"
#include "report/json.h"
#include "report/markup.h"
#include "report/page.h"
#include "report/saved.h"
#include "report/session_table.h"

#include <float.h>
#include <math.h>
#include <unistd.h>

enum { ROUNDS = 10, VARIANTS = 3 };

static const struct variant variants[VARIANTS] = {
    {.name = "plain \"system\""},
    {.name = "tagpool", .preload = "/lib/a.so:/lib/b.so", .settings = "node_max=64", .shim = true},
    {.name = "other", .preload = "/lib/other.so"}};

/* Numbers that no short decimal is, and that lie closest to one at which a printed digit turns. */
static double odd(double number) {
    return nextafter(number, -DBL_MAX);
}

/* A result in which every member says something. */
static void make_result(struct result *result) {
    static char program[] = "program", argument[] = "-x \"y\"";
    static char *command[] = {program, argument, NULL};
    *result = (struct result){
        .plan = {.runs = ROUNDS,
                 .min_runs = 2,
                 .max_runs = 20,
                 .warmups = 1,
                 .seed = 4711,
                 .duration_s = odd(3.5),
                 .threshold = odd(0.015),
                 .precision = 0.7 / 100,
                 .prepare = "true",
                 .input = "-",
                 .output = "pipe"},
        .command = command,
        .variants = variants,
        .preload = "libodd.so",
        .options = "stats=1",
        .rounds = {.variant_count = VARIANTS},
        .unstable = {true, false},
        .out_of_time = true,
        .elapsed_s = odd(0.25),
    };
    result->proofs[1] = (struct result_proof){
        .calls = 1000, .pool_calls = 900, .pool_bytes_peak = 4096, .processes = 2, .missed = 1};
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct round *round = rounds_add(&result->rounds);
        round->padding_bytes = (size_t)16 * i;
        for (unsigned variant = 0; variant < VARIANTS; variant++) {
            round->order[variant] = (unsigned char)((variant + i) % VARIANTS);
            round->results[variant] =
                (struct launch_result){.wait_status = variant == 2 && i == 3 ? 11 : (int)i << 8,
                                       .wall_ns = 123456789 + (uint64_t)1234567 * i * variant,
                                       .user_us = 100001 + 1001 * i,
                                       .system_us = 7 * variant,
                                       .peak_kib = 2000 + variant,
                                       .minor_faults = 300 - 10 * variant + i,
                                       .major_faults = i == 0,
                                       .voluntary_switches = i,
                                       .involuntary_switches = variant};
        }
    }
}

static void make_counted(struct counted *counted) {
    *counted = (struct counted){.measured = true, .rounds = COUNTED_ROUNDS};
    for (int counter = 0; counter < COUNTER_COUNT; counter++) {
        counted->errors[counter] = counter == 1 ? 2 : 0;
        for (unsigned variant = 0; variant < VARIANTS && counter != 1; variant++) {
            /* -4.45 %: printed with one digit. */
            double estimate = odd(log1p(-0.0445 * variant));
            counted->medians[variant][counter] = odd(1e9 / 3);
            counted->differences[variant][counter] = (struct paired_interval){
                .estimate = estimate, .low = odd(-0.1), .high = M_PI / 100, .exists = true};
        }
    }
}

static void make_comparison(struct comparison *comparison, const struct result *result) {
    comparison_make(comparison, result, "a title, with a comma");
    comparison->machine = (struct machine){
        .date = memory_copy("2026-01-02T03:04:05Z"),
        .system = memory_copy("Linux"),
        .cpu = memory_copy("a | processor"),
        .is_virtual = true,
        .processors = 2,
        .page_bytes = 4096,
        .memory_bytes = 1ull << 33,
        .load = odd(0.25),
    };
    comparison->steal = odd(0.00125);
    comparison->loading_s = odd(0.00125);
    comparison->headroom = (struct headroom){.measured = true,
                                             .rounds = 6,
                                             .cpu_s = {0.1, 1.0 / 3, odd(0.5)},
                                             .share = odd(0.135),
                                             .low = odd(0.125),
                                             .high = odd(0.145)};
    make_counted(&comparison->counted);
    reasons_add(&comparison->reasons, REASON_PROGRAM, "few_calls", true, "few %d", 1);
    reasons_add(&comparison->reasons, REASON_MACHINE, "load", true, "load %d", 2);
    reasons_add(&comparison->reasons, REASON_TARGET, "target", false, "of no matter");
}

static void print_table(FILE *out, const struct session *session) {
    const struct terminal terminal = {.colour = true};
    session_table_print(out, &terminal, session);
}

static const struct form {
    const char *name;
    void (*print)(FILE *out, const struct session *session);
} forms[] = {
    {"table", print_table},
    {"JSON", report_json_print},
    {"CSV", csv_print},
    {"Markdown", markup_print_markdown},
    {"AsciiDoc", markup_print_asciidoc},
    {"Org", markup_print_org},
    {"page", page_print},
};

static char *printed(const struct form *form, const struct comparison *comparison) {
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        abort();
    struct session session = session_of_one(comparison);
    form->print(out, &session);
    fclose(out);
    return text;
}

/* Writes the comparison to a file and reads it back. */
static void load_again(struct saved *saved, const struct comparison *comparison) {
    char path[] = "/tmp/tagpool-saved-XXXXXX";
    int file = mkstemp(path);
    FILE *out = file >= 0 ? fdopen(file, "w") : NULL;
    if (out == NULL)
        abort();
    struct session session = session_of_one(comparison);
    report_json_print(out, &session);
    fclose(out);
    saved_load(saved, path);
    unlink(path);
}

/* The line in which two texts differ first. */
static void say_difference(const char *fresh, const char *again) {
    size_t start = 0;
    for (size_t i = 0; fresh[i] != '\0' && fresh[i] == again[i]; i++)
        if (fresh[i] == '\n')
            start = i + 1;
    printf("# fresh: %.*s\n", (int)strcspn(fresh + start, "\n"), fresh + start);
    printf("# saved: %.*s\n", (int)strcspn(again + start, "\n"), again + start);
}

static void every_form_of_a_saved_result_is_that_of_the_fresh_one(void) {
    static struct result result;
    static struct comparison comparison;
    static struct saved saved;
    make_result(&result);
    make_comparison(&comparison, &result);
    load_again(&saved, &comparison);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char *fresh = printed(&forms[i], &comparison);
        char *again = printed(&forms[i], &saved.comparison);
        if (strcmp(fresh, again) != 0)
            say_difference(fresh, again);
        CHECK_SAY(strcmp(fresh, again) == 0, "%s", forms[i].name);
        free(fresh);
        free(again);
    }
    machine_free(&comparison.machine);
    result_free(&result);
}

static void check_counted(const struct counted *again, const struct counted *fresh) {
    CHECK(again->measured == fresh->measured && again->rounds == fresh->rounds);
    for (int counter = 0; counter < COUNTER_COUNT; counter++) {
        CHECK(again->errors[counter] == fresh->errors[counter]);
        for (unsigned variant = 0; variant < VARIANTS; variant++) {
            const struct paired_interval *left = &again->differences[variant][counter];
            const struct paired_interval *right = &fresh->differences[variant][counter];
            CHECK(again->medians[variant][counter] == fresh->medians[variant][counter]);
            CHECK(left->estimate == right->estimate && left->low == right->low);
            CHECK(left->high == right->high && left->exists == right->exists);
        }
    }
}

/* Anything that a report is made from, and not only what one happens to print. */
static void every_number_is_read_back_as_it_was(void) {
    static struct result result;
    static struct comparison comparison;
    static struct saved saved;
    make_result(&result);
    make_comparison(&comparison, &result);
    load_again(&saved, &comparison);
    const struct headroom *fresh = &comparison.headroom, *again = &saved.comparison.headroom;
    CHECK(saved.result.plan.duration_s == result.plan.duration_s);
    CHECK(saved.result.plan.threshold == result.plan.threshold);
    CHECK(saved.result.plan.precision == result.plan.precision);
    CHECK(saved.result.elapsed_s == result.elapsed_s);
    CHECK(saved.comparison.steal == comparison.steal);
    CHECK(saved.comparison.loading_s == comparison.loading_s);
    CHECK(saved.comparison.machine.load == comparison.machine.load);
    CHECK(again->share == fresh->share && again->low == fresh->low && again->high == fresh->high);
    for (int k = 0; k < HEADROOM_STEPS; k++)
        CHECK(again->cpu_s[k] == fresh->cpu_s[k]);
    check_counted(&saved.comparison.counted, &comparison.counted);
    for (unsigned i = 0; i < ROUNDS; i++)
        /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): both are zeroed, gaps too */
        CHECK(memcmp(&saved.result.rounds.items[i], &result.rounds.items[i],
                     sizeof(struct round)) == 0);
    machine_free(&comparison.machine);
    result_free(&result);
}

int main(void) {
    TAP_RUN(every_form_of_a_saved_result_is_that_of_the_fresh_one);
    TAP_RUN(every_number_is_read_back_as_it_was);
    return tap_done();
}
