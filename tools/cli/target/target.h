/* The program to be measured: where it is, and whether LD_PRELOAD can reach it.
 *
 * The command is looked up as execvp would, without a shell. Findings are what stands between the
 * shim and the program: some make a run under the shim pointless and are refused, others are only
 * worth knowing.
 */
#ifndef TARGET_TARGET_H
#define TARGET_TARGET_H

#include <stdbool.h>

enum { TARGET_FINDINGS_MAX = 16, TARGET_INTERPRETERS_MAX = 4 };

struct target {
    char *path;   /* what is executed */
    char **argv;  /* the command; begins with /bin/sh for a script that names no interpreter */
    char *binary; /* the ELF file behind it: the last interpreter of a script, else the path */
};

struct target_finding {
    bool refuses; /* a run under the shim would show nothing */
    char *text;   /* one sentence that says what to do */
};

struct target_findings {
    unsigned count;
    struct target_finding items[TARGET_FINDINGS_MAX];
};

/* The path of a program that PATH leads to, as execvp searches: an executable file wins over one
 * that is not. NULL when there is none at all. */
char *target_search(const char *name);

/* Resolves argv (NULL-ended, kept). Ends the program with 126 or 127 and a message when it cannot
 * be run. */
void target_resolve(struct target *target, char **argv);

/* Where the target is a shim of a version manager (manager.h), or a script that is run by one,
 * takes the program behind it instead, and returns a sentence that says so, in a new string; else
 * NULL. */
char *target_follow_manager(struct target *target);

/* The same, and says it. */
void target_follow_manager_aloud(struct target *target);

/* Looks at the file and at the environment. */
void target_inspect(const struct target *target, struct target_findings *findings);

/* Adds one that somebody else has found. */
__attribute__((format(printf, 3, 4))) void
target_add_finding(struct target_findings *findings, bool refuses, const char *format, ...);

/* Says the findings; ends the program with 126 when one of them refuses. */
void target_report(const struct target_findings *findings);

/* Inspects, and says nothing but a refusal, which ends the program. */
void target_refuse(const struct target *target);

/* Resolves and refuses, for commands that leave standard error to the program. */
void target_resolve_quietly(struct target *target, char **argv);

#endif
