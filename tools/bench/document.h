/* The documents that the panel reads, made by the project's own generators: the same bytes on every
 * machine.
 *
 * A document "@SIZE.FORMAT" is what "workloads/FORMAT_generate SIZE" prints. It is kept in memory,
 * in a file without a name, and other processes read it as /proc/PID/fd/N; so nothing is left
 * behind, whatever ends this program, and no disk is measured.
 */
#ifndef BENCH_DOCUMENT_H
#define BENCH_DOCUMENT_H

/* The path of a document, made when it is first asked for. `folder` holds the workloads. Ends the
 * program with a message when it cannot be made. */
const char *document_path(const char *folder, const char *word);

#endif
