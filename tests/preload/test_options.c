/* If this failed, a typing error in TAGPOOL_OPTIONS would silently change what is measured, or stop
 * the program: each one is named on stderr in one line, and ignored. */
#include "../harness/tap.h"
#include "stats_reader.h"
#include "tagpool/options.h"

enum { CALLS = 500 };

static const char *program;

/* One value of TAGPOOL_OPTIONS and what must come of it. */
static const struct setting {
    const char *options;
    const char *complaint; /* what the line on stderr names, or NULL for no line */
    size_t served_bytes; /* the largest of the child's requests that the pool must serve; 0: none */
} settings[] = {
    {"", NULL, 4000},
    {"strategy=metadata", NULL, 4000},
    {"strategy=direct", NULL, 0},
    {"node_max=256", NULL, 256},
    {"node_max=4K", NULL, 4000},
    {"strategy=metadata,node_max=512", NULL, 512},
    {"node_max=512,strategy=metadata", NULL, 512},
    {"node_max=512,node_max=256", NULL, 256},
    {"pool_limit=64M,retain=1M", NULL, 4000},
    {"pool_limit=0", NULL, 4000},
    {"pool_limit=2G,retain=0", NULL, 4000},
    {"colour=red", "colour", 4000},
    {"Strategy=direct", "Strategy", 4000},
    {"strategy=fast", "strategy", 4000},
    {"strategy=", "strategy", 4000},
    {"strategy", "strategy", 4000},
    {"strategy=directly", "strategy", 4000},
    {"node_max=8", "node_max", 4000},
    {"node_max=4097", "node_max", 4000},
    {"node_max=8K", "node_max", 4000},
    {"node_max=ten", "node_max", 4000},
    {"node_max=512x", "node_max", 4000},
    {"node_max=-512", "node_max", 4000},
    {"node_max=", "node_max", 4000},
    {"node_max=99999999999999999999999", "node_max", 4000},
    {"pool_limit=99999999999G", "pool_limit", 4000},
    {"retain=1T", "retain", 4000},
    {"=5", "", 4000},
    /* The good part of a list is used, whatever stands around it. */
    {"colour=red,node_max=256", "colour", 256},
    {"node_max=256,colour=red", "colour", 256},
};

/* Each request is the largest that one of the values of node_max above serves. */
static const size_t requests[] = {256, 512, 4000};
enum { REQUESTS = sizeof requests / sizeof requests[0] };

enum { HELD_KIB = 48 << 10, HELD_BYTES = 512, HELD_BLOCKS = HELD_KIB / HELD_BYTES * 1024 };

/* Fills the pool, empties it, and writes how much more memory is resident than before. */
static int memory_main(void) {
    static void *block[HELD_BLOCKS];
    size_t before_kib = resident_kib();
    memset(block, 1, sizeof block);
    size_t table_kib = resident_kib() - before_kib;
    for (size_t i = 0; i < HELD_BLOCKS; i++)
        block[i] = memset(malloc(HELD_BYTES), 1, HELD_BYTES);
    for (size_t i = 0; i < HELD_BLOCKS; i++)
        free(block[i]);
    dprintf(STDOUT_FILENO, "%zu\n", resident_kib() - before_kib - table_kib);
    return 0;
}

static int child_main(size_t calls) {
    for (size_t i = 0; i < REQUESTS; i++)
        for (size_t k = 0; k < calls; k++)
            free(malloc(requests[i]));
    return 0;
}

static uint64_t pool_calls_of(const char *options, const char *calls, struct child *child) {
    struct stats_file file;
    char variable[256];
    const char *const changes[] = {file.variable, variable, NULL};
    const char *const argv[] = {program, "calls", calls, NULL};
    if (!stats_open(&file)) {
        CHECK_SAY(false, "no statistics file can be made");
        return 0;
    }
    snprintf(variable, sizeof variable, TAGPOOL_OPTIONS_VARIABLE "=%s", options);
    child_run(child, changes, argv);
    const struct tagpool_stats_row *row = stats_row(&file, child->pid);
    CHECK_SAY(row != NULL, "\"%s\": the child has no row", options);
    uint64_t calls_counted = row != NULL ? stats_pool_calls(row) : 0;
    stats_close(&file);
    return calls_counted;
}

/* One line, by this process, about this variable, that names what is wrong. */
static void check_complaint(const struct setting *setting, const struct child *child) {
    char beginning[64], name[64];
    const char *end = strchr(child->err, '\n');
    snprintf(beginning, sizeof beginning, "tagpool[%d]: " TAGPOOL_OPTIONS_VARIABLE ": ",
             (int)child->pid);
    snprintf(name, sizeof name, "%s", setting->complaint);
    CHECK_SAY(strncmp(child->err, beginning, strlen(beginning)) == 0,
              "\"%s\" is answered by \"%s\"", setting->options, child->err);
    CHECK_SAY(end != NULL && end[1] == '\0', "\"%s\" is not answered by one line: \"%s\"",
              setting->options, child->err);
    CHECK_SAY(strstr(child->err + strlen(beginning), name) != NULL,
              "\"%s\": \"%s\" does not name it", setting->options, child->err);
}

static void every_setting_is_used_or_named_and_replaced_by_the_default(void) {
    static struct child child;
    if (!shim_is_loaded()) {
        tap_skip("the library is not loaded");
        return;
    }
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        uint64_t expected = 0;
        for (size_t k = 0; k < REQUESTS; k++)
            expected += requests[k] <= settings[i].served_bytes ? CALLS : 0;
        uint64_t none = pool_calls_of(settings[i].options, "0", &child);
        uint64_t served = pool_calls_of(settings[i].options, "500", &child) - none;
        CHECK_SAY(child_succeeded(&child), "\"%s\": status %#x", settings[i].options,
                  (unsigned)child.status);
        CHECK_SAY(served == expected, "\"%s\": the pool served %ju of %d, not %ju",
                  settings[i].options, (uintmax_t)served, CALLS * (int)REQUESTS,
                  (uintmax_t)expected);
        if (settings[i].complaint != NULL)
            check_complaint(&settings[i], &child);
        else
            CHECK_SAY(child.err[0] == '\0', "\"%s\" is answered by \"%s\"", settings[i].options,
                      child.err);
    }
}

static void empty_slabs_are_retained_up_to_the_bound(void) {
    static struct child child;
    static const struct {
        const char *options;
        size_t least_kib, most_kib;
    } cases[] = {{"TAGPOOL_OPTIONS=retain=0", 0, 2 << 10},
                 {"TAGPOOL_OPTIONS=retain=4M", 3 << 10, 6 << 10},
                 {"TAGPOOL_OPTIONS=", HELD_KIB, HELD_KIB + (4 << 10)}};
    const char *const argv[] = {program, "memory", "0", NULL};
    if (!shim_is_loaded() || resident_kib() == 0) {
        tap_skip(shim_is_loaded() ? "no /proc to read the resident memory from"
                                  : "the library is not loaded");
        return;
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const changes[] = {cases[i].options, NULL};
        child_run(&child, changes, argv);
        size_t kept_kib = strtoul(child.out, NULL, 10);
        CHECK_SAY(child_succeeded(&child) && kept_kib >= cases[i].least_kib &&
                      kept_kib <= cases[i].most_kib,
                  "%s: %zu KiB are kept, status %#x", cases[i].options, kept_kib,
                  (unsigned)child.status);
    }
}

static void a_long_value_does_no_harm(void) {
    static struct child child;
    static char variable[70000] = "TAGPOOL_OPTIONS=";
    const char *const changes[] = {variable, NULL};
    const char *const argv[] = {program, "calls", "10", NULL};
    memset(variable + strlen(variable), 'x', sizeof variable - strlen(variable) - 1);
    child_run(&child, changes, argv);
    CHECK_SAY(child_succeeded(&child), "status %#x", (unsigned)child.status);
    CHECK_SAY(strlen(child.err) < 1000, "the line has %zu bytes", strlen(child.err));
    memset(strchr(variable, '=') + 1, ',', sizeof variable - strlen("TAGPOOL_OPTIONS=") - 1);
    child_run(&child, changes, argv);
    CHECK_SAY(child_succeeded(&child), "status %#x", (unsigned)child.status);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 3 && strcmp(argv[1], "memory") == 0)
        return memory_main();
    if (argc == 3)
        return child_main(strtoul(argv[2], NULL, 10));
    TAP_RUN(every_setting_is_used_or_named_and_replaced_by_the_default);
    TAP_RUN(empty_slabs_are_retained_up_to_the_bound);
    TAP_RUN(a_long_value_does_no_harm);
    return tap_done();
}
