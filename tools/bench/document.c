#include "bench/document.h"

#include "base/memory.h"
#include "base/say.h"
#include "launch/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern char **environ;

enum { DOCUMENTS_MAX = 32 };

static struct {
    const char *word;
    char *path;
} documents[DOCUMENTS_MAX];

static void document_generate(const char *generator, const char *size, int memory) {
    char *const argv[] = {memory_copy(generator), memory_copy(size), NULL};
    struct launch launch = {.path = generator,
                            .argv = argv,
                            .envp = environ,
                            .descriptors = {STDIN_FILENO, memory, STDERR_FILENO}};
    struct launch_result result;
    if (!launcher_begin(&launch) || !launcher_finish(&result))
        say_and_exit(STATUS_OWN_FAILURE, "cannot start %s: %s", generator, strerror(errno));
    if (result.exec_errno != 0)
        say_and_exit(STATUS_OWN_FAILURE, "cannot execute %s: %s; build it with 'make'", generator,
                     strerror(result.exec_errno));
    if (result.wait_status != 0)
        say_and_exit(STATUS_OWN_FAILURE, "'%s %s' failed", generator, size);
    free(argv[0]);
    free(argv[1]);
}

static char *document_make(const char *folder, const char *word) {
    const char *point = strchr(word, '.');
    char *size = memory_format("%.*s", (int)(point - word - 1), word + 1);
    char *generator = memory_format("%s/workloads/%s_generate", folder, point + 1);
    int memory = memfd_create(word, MFD_CLOEXEC);
    if (memory < 0)
        say_and_exit(STATUS_OWN_FAILURE, "no memory for a document: %s", strerror(errno));
    document_generate(generator, size, memory);
    free(generator);
    free(size);
    char *path = memory_format("/proc/%ld/fd/%d", (long)getpid(), memory);
    if (access(path, R_OK) != 0)
        say_and_exit(STATUS_OWN_FAILURE, "cannot read %s: %s; mount /proc", path, strerror(errno));
    return path;
}

const char *document_path(const char *folder, const char *word) {
    int i = 0;
    while (i < DOCUMENTS_MAX && documents[i].word != NULL && strcmp(documents[i].word, word) != 0)
        i++;
    if (i == DOCUMENTS_MAX)
        say_and_exit(STATUS_OWN_FAILURE, "the panel has more than %d documents", DOCUMENTS_MAX);
    if (documents[i].word == NULL) {
        documents[i].path = document_make(folder, word);
        documents[i].word = word;
    }
    return documents[i].path;
}
