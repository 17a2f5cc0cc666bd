#include "launch/tracing.h"

#include "base/memory.h"
#include "base/say.h"
#include "target/library.h"
#include "target/variant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <tagpool/profile_page.h>
#include <tagpool/sites_page.h>
#include <tagpool/trace_file.h>

static void tracing_execute(const struct proxy_run *run, struct proxy_result *result) {
    if (!proxy_run(run, result))
        say_and_exit(STATUS_OWN_FAILURE, "cannot start the program: %s", strerror(errno));
}

/* The variables of a tracing that we run under ourselves are not for the program. */
static void tracing_remove_inherited(struct variant_environment *environment) {
    static const char *const variables[] = {TAGPOOL_PROFILE_VARIABLE "=",
                                            TAGPOOL_SITES_VARIABLE "=", TAGPOOL_TRACE_VARIABLE "="};
    size_t kept = 0;
    for (size_t i = 0; i < environment->count; i++) {
        bool ours = false;
        for (size_t j = 0; j < sizeof variables / sizeof variables[0]; j++)
            if (strncmp(environment->strings[i], variables[j], strlen(variables[j])) == 0)
                ours = true;
        if (ours)
            free(environment->strings[i]);
        else
            environment->strings[kept++] = environment->strings[i];
    }
    environment->count = kept;
    environment->strings[kept] = NULL;
}

void tracing_run(const struct target *target, const struct tracing_file *files, size_t count,
                 int input, int output, struct proxy_result *result) {
    char *library = library_of_trace();
    struct variant variant = {.name = "traced", .preload = library};
    struct variant_environment environment;
    variant_environment_make(&environment, &variant, NULL);
    tracing_remove_inherited(&environment);
    environment.strings = memory_resize(environment.strings, environment.count + count + 1,
                                        sizeof *environment.strings);
    for (size_t i = 0; i < count; i++)
        if (files[i].path != NULL)
            environment.strings[environment.count++] =
                memory_format("%s=%s", files[i].variable, files[i].path);
    environment.strings[environment.count] = NULL;
    struct proxy_run run = {
        .target = target, .envp = environment.strings, .input = input, .output = output};
    tracing_execute(&run, result);
    variant_environment_free(&environment);
    free(library);
}

void tracing_run_plain(const struct target *target, int input, struct proxy_result *result) {
    struct variant variant = {.name = "plain"};
    struct variant_environment environment;
    variant_environment_make(&environment, &variant, NULL);
    tracing_remove_inherited(&environment);
    struct proxy_run run = {
        .target = target, .envp = environment.strings, .input = input, .output = -1, .mute = true};
    tracing_execute(&run, result);
    variant_environment_free(&environment);
}
