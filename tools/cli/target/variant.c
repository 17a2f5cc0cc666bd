#include "target/variant.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <tagpool/findings.h>
#include <tagpool/inflate.h>
#include <tagpool/options.h>
#include <tagpool/profile_page.h>
#include <tagpool/stats_page.h>
#include <tagpool/trace_file.h>

extern char **environ;

#define VARIANT_PRELOAD "LD_PRELOAD"
#define VARIANT_PAD     "TAGPOOL_PAD"

/* No variant sets more variables than these: LD_PRELOAD, TAGPOOL_OPTIONS, TAGPOOL_STATS, and one
 * more. Another may lack one that it does not inherit. */
enum {
    VARIANT_OWN_VARIABLES = 4,
    VARIANT_PADS = VARIANT_OWN_VARIABLES + 2,
    VARIANT_PAD_BYTES = 14
};

static bool variant_is_set_by_us(const char *variable) {
    static const char *const ours[] = {VARIANT_PRELOAD "=",          TAGPOOL_OPTIONS_VARIABLE "=",
                                       TAGPOOL_STATS_VARIABLE "=",   VARIANT_PAD,
                                       TAGPOOL_INFLATE_VARIABLE "=", TAGPOOL_PROFILE_VARIABLE "=",
                                       TAGPOOL_TRACE_VARIABLE "=",   TAGPOOL_FINDINGS_VARIABLE "="};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strncmp(variable, ours[i], strlen(ours[i])) == 0)
            return true;
    return false;
}

/* Is the variable called like the first `length` bytes of `name`? */
static bool variant_is_called(const char *variable, const char *name, size_t length) {
    return strncmp(variable, name, length) == 0 && variable[length] == '=';
}

static bool variant_inherits(const struct variant *variant, const char *variable) {
    const char *own = variant->variable, *without = variant->without;
    return !variant_is_set_by_us(variable) &&
           (own == NULL || !variant_is_called(variable, own, strcspn(own, "="))) &&
           (without == NULL || !variant_is_called(variable, without, strlen(without)));
}

/* Takes over the string. */
static void variant_environment_add(struct variant_environment *environment, char *variable) {
    environment->strings[environment->count++] = variable;
    environment->bytes += strlen(variable) + 1;
}

/* NAME=first<separator>second, leaving out what is empty; nothing when both are. */
static void variant_environment_set(struct variant_environment *environment, const char *name,
                                    const char *first, char separator, const char *second) {
    bool has_first = first != NULL && first[0] != '\0';
    bool has_second = second != NULL && second[0] != '\0';
    if (!has_first && !has_second)
        return;
    char between[2] = {has_first && has_second ? separator : '\0', '\0'};
    variant_environment_add(environment, memory_format("%s=%s%s%s", name, has_first ? first : "",
                                                       between, has_second ? second : ""));
}

void variant_environment_make(struct variant_environment *environment,
                              const struct variant *variant, const char *stats_path) {
    size_t inherited = 0;
    while (environ[inherited] != NULL)
        inherited++;
    *environment = (struct variant_environment){0};
    environment->strings = memory_array(inherited + VARIANT_OWN_VARIABLES + VARIANT_PADS + 1,
                                        sizeof *environment->strings);
    for (size_t i = 0; i < inherited; i++)
        if (variant_inherits(variant, environ[i]))
            variant_environment_add(environment, memory_copy(environ[i]));
    variant_environment_set(environment, VARIANT_PRELOAD, variant->preload, ':',
                            getenv(VARIANT_PRELOAD));
    if (variant->variable != NULL)
        variant_environment_add(environment, memory_copy(variant->variable));
    if (!variant->shim)
        return;
    variant_environment_set(environment, TAGPOOL_OPTIONS_VARIABLE, getenv(TAGPOOL_OPTIONS_VARIABLE),
                            ',', variant->settings);
    variant_environment_set(environment, TAGPOOL_STATS_VARIABLE, stats_path, '\0', NULL);
}

/* "TAGPOOL_PAD0=xx...": `bytes` in all, with the NUL. */
static void variant_environment_pad(struct variant_environment *environment, size_t index,
                                    size_t bytes) {
    char *pad = memory_array(bytes, 1);
    memset(pad, 'x', bytes - 1);
    memcpy(pad, VARIANT_PAD "0=", VARIANT_PAD_BYTES - 1);
    pad[strlen(VARIANT_PAD)] = (char)('0' + index);
    variant_environment_add(environment, pad);
}

void variant_environments_equalise(struct variant_environment *environments, unsigned count,
                                   size_t extra_bytes) {
    size_t most = 0, most_bytes = 0;
    for (unsigned i = 0; i < count; i++) {
        most = environments[i].count > most ? environments[i].count : most;
        most_bytes = environments[i].bytes > most_bytes ? environments[i].bytes : most_bytes;
    }
    size_t full_bytes = most_bytes + (size_t)VARIANT_PADS * VARIANT_PAD_BYTES + extra_bytes;
    for (unsigned i = 0; i < count; i++) {
        struct variant_environment *environment = &environments[i];
        size_t index = 0;
        while (environment->count < most)
            variant_environment_pad(environment, index++, VARIANT_PAD_BYTES);
        variant_environment_pad(environment, index, full_bytes - environment->bytes);
    }
}

void variant_environment_free(struct variant_environment *environment) {
    for (size_t i = 0; i < environment->count; i++)
        free(environment->strings[i]);
    free(environment->strings);
    *environment = (struct variant_environment){0};
}
