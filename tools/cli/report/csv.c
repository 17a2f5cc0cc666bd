#include "report/csv.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* In quotes where that is needed, with quotes in it doubled. */
static void csv_print_text(FILE *out, const char *words) {
    char *clean = utf8_clean(words);
    const char *text = clean;
    bool quoted = strpbrk(text, ",\"\r\n") != NULL;
    if (quoted)
        fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    if (quoted)
        fputc('"', out);
    free(clean);
}

/* As a shell gives it: 128 + n for signal n. */
static int csv_status(int wait_status) {
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

static void csv_print_names(FILE *out, const struct session *session) {
    const struct rounds *rounds = &session->comparisons[0]->result->rounds;
    fputs("command,round,place,variant,wall_seconds,user_seconds,system_seconds,peak_memory_bytes,"
          "minor_faults,major_faults,voluntary_switches,involuntary_switches,exit_status",
          out);
    for (unsigned i = 0; i < rounds->own_count; i++) {
        fputc(',', out);
        csv_print_text(out, rounds->own[i].key);
    }
    for (unsigned i = 0; i < session->parameter_count; i++) {
        fputs(",parameter_", out);
        csv_print_text(out, session->parameters[i].name);
    }
    fputc('\n', out);
}

static void csv_print_run(FILE *out, const struct launch_result *run) {
    fprintf(out, ",%.9f,%.6f,%.6f,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%d",
            (double)run->wall_ns * 1e-9, (double)run->user_us * 1e-6, (double)run->system_us * 1e-6,
            run->peak_kib * 1024, run->minor_faults, run->major_faults, run->voluntary_switches,
            run->involuntary_switches, csv_status(run->wait_status));
}

static void csv_print_command(FILE *out, const struct session *session, unsigned command) {
    const struct comparison *comparison = session->comparisons[command];
    const struct result *result = comparison->result;
    const struct rounds *rounds = &result->rounds;
    for (unsigned i = 0; i < rounds->count; i++)
        for (unsigned place = 0; place < rounds->variant_count; place++) {
            unsigned variant = rounds->items[i].order[place];
            csv_print_text(out, comparison->title);
            fprintf(out, ",%u,%u,", i + 1, place + 1);
            csv_print_text(out, result->variants[variant].name);
            csv_print_run(out, &rounds->items[i].results[variant]);
            for (unsigned own = 0; own < rounds->own_count; own++)
                fprintf(out, ",%.12g", rounds->items[i].own[variant][own]);
            for (unsigned parameter = 0; parameter < session->parameter_count; parameter++) {
                fputc(',', out);
                csv_print_text(out, session->parameters[parameter].values[command]);
            }
            fputc('\n', out);
        }
}

void csv_print(FILE *out, const struct session *session) {
    csv_print_names(out, session);
    for (unsigned command = 0; command < session->count; command++)
        csv_print_command(out, session, command);
}
