#include "measure/serviced.h"

#include "base/say.h"

#include <stddef.h>

void serviced_declare(struct rounds *rounds, const struct plan *plan) {
    if (plan->service == NULL)
        return;
    struct metric_about after =
        metric_own("memory_after_load", METRIC_BYTES, NUMBER_LOWER_IS_BETTER, false, NULL);
    struct metric_about settled =
        metric_own("memory_settled", METRIC_BYTES, NUMBER_LOWER_IS_BETTER, false, NULL);
    rounds_own(rounds, &after);
    if (plan->service->options.settle_s > 0)
        rounds_own(rounds, &settled);
}

bool serviced_begin(const struct plan *plan, struct launch *launch) {
    if (plan->service == NULL)
        return true;
    if (!service_open_log(plan->service))
        return false;
    launch->service = &plan->service->launch;
    launch->counted = false;
    return true;
}

char *serviced_finish(const struct plan *plan, const struct launch_result *result) {
    static bool told;
    if (plan->service == NULL)
        return NULL;
    char *fault = service_fault(plan->service, result);
    if (fault == NULL && result->service.killed != 0 && !told) {
        told = true;
        say_note("'%s' did not end within %g s of SIGTERM and was killed",
                 plan->service->options.command, plan->service->launch.patience_s);
    }
    service_close_log(plan->service);
    return fault;
}

void serviced_take(struct round *round, unsigned variant, const struct plan *plan,
                   const struct launch_result *result) {
    if (plan->service == NULL)
        return;
    unsigned place = plan->numbers != NULL ? plan->numbers->count : 0;
    const struct supervisor_report *report = &result->service;
    /* Above 0, so that ratios exist. */
    round->own[variant][place] = report->after_bytes > 0 ? (double)report->after_bytes : 1;
    if (plan->service->options.settle_s > 0)
        round->own[variant][place + 1] =
            report->settled_bytes > 0 ? (double)report->settled_bytes : 1;
}

const char *serviced_runs(const struct plan *plan, const struct target *target) {
    return plan->service != NULL ? plan->service->load.argv[0] : target->argv[0];
}
