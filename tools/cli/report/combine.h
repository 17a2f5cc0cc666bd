/* Results of one command from many machines, or from several runs on one, as one statement.
 *
 * Results of one host are combined first, then the hosts: each counts as one machine, however often
 * it measured. stats/combined.h has the method. Every machine compared its variants with its own
 * reference in its own rounds; what is combined are those ratios, never times. A machine with fewer
 * than six rounds has no interval, so it is shown and left out.
 */
#ifndef REPORT_COMBINE_H
#define REPORT_COMBINE_H

#include "base/say.h"
#include "base/terminal.h"
#include "report/saved.h"
#include "stats/combined.h"

#include <stdio.h>

enum { COMBINE_FILES_MAX = 4096 };

/* Of one machine, or one result; and of all. */
struct combine_cell {
    bool known;             /* has an interval */
    double estimate, error; /* of the logarithm */
    bool outlying;          /* differs from the other machines */
};

struct combine_machine {
    char *name;              /* the host, or the file where that is not known */
    const struct saved *any; /* a result of it */
    unsigned results, rounds;
    bool warned; /* a result of it has a warning of the machine */
};

/* Of a variant (not the reference) and a metric. */
struct combine_row {
    const char *variant;
    const struct metric_about *about;
    struct combine_cell *machines; /* by machine */
    unsigned known;                /* machines that count */
    bool over_results;             /* a single machine: the spread is that of its results */
    struct combined combined;
    enum paired_verdict verdict;
};

struct combine {
    unsigned count;
    struct saved **results;
    unsigned machine_count;
    struct combine_machine *machines;
    unsigned *machine_of; /* by result */
    double threshold;
    unsigned row_count;
    struct combine_row rows[ROUNDS_VARIANTS_MAX * METRICS_MAX];
};

/* Reads the files, at least two. Ends the program with STATUS_USAGE and a message when they are not
 * of one command (unless `force`) and one reference, or have no variant in common. */
void combine_make(struct combine *combine, const char *const *paths, unsigned count, bool force);

void combine_print(FILE *out, const struct terminal *terminal, const struct combine *combine);

/* The same for programs. */
void combine_print_json(FILE *out, const struct combine *combine);

/* STATUS_REGRESSION if wall or CPU time is proven to have grown by more than `fail_share`
 * (negative: not asked for). */
enum exit_status combine_status(const struct combine *combine, double fail_share);

#endif
