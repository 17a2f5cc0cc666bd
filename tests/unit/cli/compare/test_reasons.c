/* If this failed, a report would name a reason that does not hold, or not the one that does. */
#include "tap.h"

#include "compare/judge.h"

#include <math.h>

enum { ROUNDS = 8, VARIANTS = 2 };

/* What a case changes of a quiet measurement, for which no reason is given. */
struct change {
    const char *binary;        /* NULL: /usr/bin/parser */
    const char *python_malloc; /* NULL: not set */
    double steal, load;
    const char *governor;
    double cpu_share; /* of the wall time; 0: all */
    double delay_share;
    uint64_t interrupted; /* in a round */
    double loading_s;
    uint64_t calls, pool_calls, pool_bytes_peak; /* 0: plenty */
    double headroom_high;                        /* 0: not measured */
    double headroom_low;
    double second; /* how much longer tagpool takes when it runs second */
};

static void make_rounds(struct rounds *rounds, const struct change *change) {
    *rounds = (struct rounds){.variant_count = VARIANTS};
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct round *round = rounds_add(rounds);
        bool is_second = i % 4 < 2;
        round->order[0] = is_second ? 0 : 1;
        round->order[1] = is_second ? 1 : 0;
        for (int variant = 0; variant < VARIANTS; variant++) {
            /* Small differences, so that there is a spread. */
            double wall_s = 1 + 0.0002 * variant * (int)(i / 4 + i % 2);
            if (variant == 1 && is_second)
                wall_s += change->second;
            double busy = change->cpu_share != 0 ? change->cpu_share : 1;
            round->results[variant] =
                (struct launch_result){.wall_ns = (uint64_t)(1e9 * wall_s),
                                       .user_us = (uint64_t)(1e6 * busy * wall_s),
                                       .involuntary_switches = change->interrupted,
                                       .delay_ns = (uint64_t)(1e9 * change->delay_share * wall_s)};
        }
    }
}

/* The keys of the reasons given, each with a blank behind it. */
static void judge(const struct change *change, char *keys, size_t bytes) {
    static const struct variant variants[VARIANTS] = {{.name = "system"},
                                                      {.name = "tagpool", .shim = true}};
    char *argv[] = {(char[]){"program"}, NULL};
    static char binary[64];
    static struct result result;
    static struct comparison comparison;
    snprintf(binary, sizeof binary, "%s",
             change->binary != NULL ? change->binary : "/usr/bin/parser");
    result = (struct result){
        .plan.threshold = 0.01, .command = argv, .binary = binary, .variants = variants};
    result.proofs[1] = (struct result_proof){
        .calls = change->calls != 0 ? change->calls : 10000000,
        .pool_calls = change->pool_calls != 0 ? change->pool_calls : 10000000,
        .pool_bytes_peak = change->pool_bytes_peak != 0 ? change->pool_bytes_peak : 64 << 20,
        .processes = 1};
    make_rounds(&result.rounds, change);
    comparison_make(&comparison, &result, "title");
    comparison.machine.processors = 2;
    comparison.machine.load = change->load;
    comparison.machine.governor = change->governor != NULL ? (char[]){"powersave"} : NULL;
    comparison.steal = change->steal;
    comparison.loading_s = change->loading_s;
    comparison.headroom = (struct headroom){.measured = change->headroom_high != 0,
                                            .share = change->headroom_high / 2,
                                            .low = change->headroom_low,
                                            .high = change->headroom_high};
    if (change->python_malloc != NULL)
        setenv("PYTHONMALLOC", change->python_malloc, 1);
    else
        unsetenv("PYTHONMALLOC");
    judge_reasons(&comparison);
    keys[0] = '\0';
    for (unsigned i = 0; i < comparison.reasons.count; i++) {
        size_t used = strlen(keys);
        snprintf(keys + used, bytes - used, "%s ", comparison.reasons.items[i].key);
        free(comparison.reasons.items[i].text);
    }
    rounds_free(&result.rounds);
}

static void each_reason_is_given_where_it_holds_and_nowhere_else(void) {
    static const struct {
        struct change change;
        const char *keys;
    } cases[] = {
        {{.steal = 0}, ""},
        {{.binary = "/usr/bin/python3.11"}, "own_arena "},
        {{.binary = "/usr/bin/python3.11", .python_malloc = "malloc"}, ""},
        {{.python_malloc = "malloc"}, ""},
        {{.steal = 0.009}, ""},
        {{.steal = 0.011}, "steal "},
        {{.steal = -1}, ""},
        {{.load = 0.9}, ""},
        {{.load = 1.1}, "load "},
        {{.governor = "powersave"}, "governor "},
        {{.cpu_share = 0.6}, ""},
        {{.cpu_share = 0.4}, "waiting "},
        {{.cpu_share = 0.3, .delay_share = 0.69}, "queued "},
        {{.cpu_share = 0.3, .delay_share = 0.1}, "waiting queued "},
        {{.cpu_share = 0.3, .interrupted = 100}, "queued "},
        {{.cpu_share = 0.3, .interrupted = 9}, "waiting "},
        {{.delay_share = 0.04}, ""},
        {{.binary = "/usr/bin/php8.2"}, "own_arena "},
        {{.loading_s = 0.009}, ""},
        {{.loading_s = 0.011}, "short_run "},
        {{.calls = 600000}, ""},
        {{.calls = 400000, .pool_calls = 400000}, "few_calls "},
        {{.headroom_high = 0.019}, "few_calls "},
        {{.headroom_high = 0.021}, ""},
        {{.headroom_high = 0.1, .calls = 400000, .pool_calls = 400000}, "few_calls "},
        {{.headroom_low = 0.02, .headroom_high = 0.1, .calls = 400000, .pool_calls = 400000}, ""},
        {{.pool_calls = 4900000}, "few_nodes "},
        {{.pool_calls = 5100000}, ""},
        {{.pool_bytes_peak = 1000000}, "tiny_live_set "},
        {{.pool_bytes_peak = 1100000}, ""},
        {{.second = 0.05}, "order "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char keys[256];
        judge(&cases[i].change, keys, sizeof keys);
        CHECK_SAY(strcmp(keys, cases[i].keys) == 0, "case %zu: \"%s\", not \"%s\"", i, keys,
                  cases[i].keys);
    }
}

int main(void) {
    TAP_RUN(each_reason_is_given_where_it_holds_and_nowhere_else);
    return tap_done();
}
