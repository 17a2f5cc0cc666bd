/* What a measurement found: pure data, without an analysis and without a means to measure on.
 *
 * experiment.h fills one by measuring, report/saved.h from a file. Everything that judges or prints
 * takes it from here, and cannot tell one from the other.
 *
 * A result owns its rounds alone. Command, variants and texts are somebody else's and live longer.
 */
#ifndef MEASURE_RESULT_H
#define MEASURE_RESULT_H

#include "measure/plan.h"
#include "measure/rounds.h"
#include "target/variant.h"

/* What the statistics page said about a variant in the check. */
struct result_proof {
    uint64_t calls;           /* that reached the shim */
    uint64_t pool_calls;      /* that its pools served */
    uint64_t direct_calls;    /* that strategy=direct passed on; 0 with another strategy */
    uint64_t pool_bytes_peak; /* of the process whose pools were largest */
    unsigned processes;
    uint64_t missed; /* processes beyond those: their calls are not in the counts above */
};

struct result {
    struct plan plan;
    char **command;                 /* NULL-ended */
    const char *binary;             /* the ELF file behind the command; NULL: not known */
    const struct variant *variants; /* rounds.variant_count of them */
    const char *preload;            /* LD_PRELOAD of all variants, besides their own; NULL: none */
    const char *options;            /* the same of TAGPOOL_OPTIONS */
    struct rounds rounds;
    struct result_proof proofs[ROUNDS_VARIANTS_MAX]; /* of the variants with the shim */
    bool unstable[2]; /* the reference's standard output or error changes by itself: not compared */
    bool unstable_status; /* and so does its exit status */
    bool out_of_time;     /* the duration ended the measurement, not the precision */
    bool interrupted;     /* by the user, after the last round that is here */
    double elapsed_s;     /* of the timed rounds */
};

/* The name of the variant that the others are compared with. */
const char *result_reference_name(const struct result *result);

/* Bytes of the longest name of a variant: the width of a column of names. */
unsigned result_name_width(const struct result *result);

/* The variant of that name, or rounds.variant_count. */
unsigned result_find(const struct result *result, const char *name);

void result_free(struct result *result);

#endif
