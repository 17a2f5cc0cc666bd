/* The environment card: on what a measurement was made, and how much of it others took.
 *
 * What the system does not tell is NULL or 0: virtual machines often hide the governor, containers
 * the host's name.
 */
#ifndef MEASURE_MACHINE_H
#define MEASURE_MACHINE_H

#include "base/json.h"
#include "base/json_tree.h"

struct machine {
    char *date; /* UTC, ISO 8601 */
    char *system, *release, *architecture, *host;
    char *cpu;        /* the processor's model */
    char *libc;       /* "glibc 2.36" */
    char *huge_pages; /* transparent huge pages: always, madvise or never */
    char *governor;   /* of the first processor */
    bool is_virtual;  /* the processor says that a hypervisor is there */
    uint64_t processors;
    uint64_t page_bytes;
    uint64_t memory_bytes;
    double load; /* processes that ran or waited to, over the last minute; -1: not known */
};

/* The strings are the caller's, for machine_free(). */
void machine_read(struct machine *machine);
void machine_free(struct machine *machine);

/* Date and machine, as members of the open object. */
void machine_print_json(struct json *json, const struct machine *machine);

/* The same of the machine that we run on, as it is now. */
void machine_print_json_here(struct json *json);

/* The same from the object that they are members of. */
void machine_load(struct machine *machine, const struct json_value *document);

/* "AMD EPYC, 2 processors, virtual; Linux 6.1.0 x86_64; glibc 2.36; huge pages madvise; load 0.4",
 * in a new string. */
char *machine_text(const struct machine *machine);

/* NULL when both are one machine, as far as can be told; else a new string that names what differs:
 * "processor: AMD EPYC, Intel Xeon". */
char *machine_difference(const struct machine *left, const struct machine *right);

/* Time of all processors since boot, and what of it other guests of the host took from us. */
struct machine_ticks {
    double all, steal;
};

void machine_read_ticks(struct machine_ticks *ticks);

/* The share that was stolen between two readings; -1 when that is not known. */
double machine_steal(const struct machine_ticks *before, const struct machine_ticks *after);

#endif
