#include "profile/runs.h"

#include "base/memory.h"
#include "base/say.h"
#include "launch/output.h"
#include "launch/tracing.h"
#include "pages/sites_file.h"
#include "profile/estimate.h"
#include "profile/page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tagpool/profile_page.h>
#include <unistd.h>

static int runs_input(const struct runs *runs) {
    if (runs->spool == NULL)
        return -1;
    int descriptor = spool_descriptor(runs->spool);
    if (descriptor < 0)
        say_and_exit(STATUS_OWN_FAILURE, "cannot open the input: %s", strerror(errno));
    return descriptor;
}

void runs_plain(const struct runs *runs, struct profile *profile) {
    int input = runs_input(runs);
    tracing_run_plain(runs->target, input, &profile->plain);
    if (input >= 0)
        close(input);
    profile->has_plain = true;
    if (profile->plain.stopped_by == 0)
        return;
    /* It means all of it, even if the program made a clean end. */
    say_error("no profile: stopped in the run without counting, which --no-plain leaves out");
    int status = profile->plain.wait_status;
    proxy_end_like(status != 0 ? status : profile->plain.stopped_by);
}

static void runs_traced(const struct runs *runs, const struct tracing_file *files, size_t count,
                        struct proxy_result *result) {
    int input = runs_input(runs);
    int output = output_open(runs->output, STDOUT_FILENO, runs->to_error);
    if (output < 0)
        say_and_exit(STATUS_USAGE, "cannot write --output %s: %s", runs->output, strerror(errno));
    tracing_run(runs->target, files, count, input, output, result);
    close(output);
    if (input >= 0)
        close(input);
}

/* In a new string, as profile_page_take() does. */
static char *runs_take_sites(struct profile *profile, const char *path) {
    profile->sites = memory_array(1, sizeof *profile->sites);
    const char *fault = profile_sites_take(profile->sites, path);
    if (fault != NULL)
        return memory_copy(fault);
    /* That few were sampled is no sign that there are few. */
    if (profile->advice.verdict == ADVICE_NO_CALLS &&
        estimate_is_rough(profile->sites, &profile->sites->total))
        profile->advice.verdict = ADVICE_UNTRIED;
    return NULL;
}

bool runs_counted(const struct runs *runs, struct profile *profile) {
    struct shared_file page, sites = {0};
    profile_file_create(&page);
    if (runs->want_sites)
        sites_file_create(&sites, runs->sample_bytes);
    const struct tracing_file files[] = {{TAGPOOL_PROFILE_VARIABLE, page.path},
                                         {TAGPOOL_SITES_VARIABLE, sites.path}};
    runs_traced(runs, files, sizeof files / sizeof files[0], &profile->profiled);
    char *fault = profile_page_take(profile, page.path);
    if (fault == NULL && runs->want_sites)
        fault = runs_take_sites(profile, sites.path);
    shared_file_remove(&page);
    if (runs->want_sites)
        shared_file_remove(&sites);
    if (fault != NULL)
        say_error("no profile: %s", fault);
    free(fault);
    return fault == NULL;
}
