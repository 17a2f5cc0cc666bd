#include "bench/start.h"

#include "base/memory.h"
#include "base/say.h"
#include "measure/schedule.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static double start_once(const char *path, char *const *envp, int null) {
    char *const argv[] = {memory_copy(path), NULL};
    struct launch launch = {
        .path = path, .argv = argv, .envp = envp, .descriptors = {null, null, null}};
    struct launch_result result = {0};
    if (!launcher_begin(&launch) || !launcher_finish(&result))
        say_and_exit(STATUS_OWN_FAILURE, "cannot start %s: %s", path, strerror(errno));
    if (result.exec_errno != 0 || result.wait_status != 0)
        say_and_exit(STATUS_TARGET_FAILED, "%s did not run to its end", path);
    free(argv[0]);
    return metric_value(METRIC_WALL, &result);
}

/* wall_s[variant * rounds + round] */
static double *start_run(const char *path, const struct variant *variants, unsigned variant_count,
                         unsigned rounds, uint64_t seed) {
    struct variant_environment environments[ROUNDS_VARIANTS_MAX];
    struct schedule schedule;
    double *wall_s = memory_array((size_t)variant_count * rounds, sizeof *wall_s);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        say_and_exit(STATUS_OWN_FAILURE, "cannot open /dev/null: %s", strerror(errno));
    for (unsigned i = 0; i < variant_count; i++)
        variant_environment_make(&environments[i], &variants[i], NULL);
    variant_environments_equalise(environments, variant_count, 0);
    schedule_init(&schedule, variant_count, seed);
    for (unsigned round = 0; round < rounds; round++) {
        unsigned char order[ROUNDS_VARIANTS_MAX];
        schedule_next(&schedule, order);
        for (unsigned place = 0; place < variant_count; place++)
            wall_s[order[place] * rounds + round] =
                start_once(path, environments[order[place]].strings, null);
    }
    for (unsigned i = 0; i < variant_count; i++)
        variant_environment_free(&environments[i]);
    close(null);
    return wall_s;
}

static int start_order(const void *left, const void *right) {
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

void start_measure(struct results_start *start, const char *path, const struct variant *variants,
                   unsigned variant_count, unsigned rounds, uint64_t seed) {
    double *wall_s = start_run(path, variants, variant_count, rounds, seed);
    *start = (struct results_start){.rounds = rounds};
    for (unsigned variant = 0; variant < variant_count; variant++) {
        double *ours = wall_s + (size_t)variant * rounds;
        qsort(ours, rounds, sizeof *ours, start_order);
        start->wall_s[variant] = ours[rounds / 4];
    }
    free(wall_s);
}
