/* If this failed, leaks=on would end a program with SIGSEGV or SIGBUS as it exits, because it has
 * memory that must not be read: guards in blocks, such as stacks of coroutines have, memory with a
 * protection key, what fork() was told to leave out, or a file shorter than its mapping. */
#include "calls.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* --- the child: MODE --- */

enum { CHILD_ARGUMENTS = 2, NOBODY = 65534, GUARD_INSTALL = 102 };

static void *volatile kept;

/* A block that lies in pages of its own, and leads to another one. */
static void *keep_pages(void) {
    void **block;
    long page_bytes = sysconf(_SC_PAGESIZE);
    if (posix_memalign((void **)&block, (size_t)page_bytes, (size_t)page_bytes) != 0)
        abort();
    block[0] = make(40);
    kept = block;
    return block;
}

static void protect_a_block(void) {
    mprotect(keep_pages(), (size_t)sysconf(_SC_PAGESIZE), PROT_NONE);
}

/* Since Linux 6.13; what was there is gone. */
static void guard_a_block(void) {
    madvise(keep_pages(), (size_t)sysconf(_SC_PAGESIZE), GUARD_INSTALL);
}

/* A block, and memory that leads to one. The C library may lack what sets the rights of a key. */
static void lock_away(void) {
#if defined(__GLIBC__) && defined(PKEY_DISABLE_ACCESS)
    size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
    int key = pkey_alloc(0, 0);
    void *block = keep_pages();
    void **mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mapped[1] = make(80);
    if (key < 0)
        return;
    pkey_mprotect(block, bytes, PROT_READ | PROT_WRITE, key);
    pkey_mprotect(mapped, bytes, PROT_READ | PROT_WRITE, key);
    pkey_set(key, PKEY_DISABLE_ACCESS);
#else
    protect_a_block();
#endif
}

/* Its child has the block, and not its memory. */
static int fork_without_a_block(void) {
    int status = 0;
    madvise(keep_pages(), (size_t)sysconf(_SC_PAGESIZE), MADV_DONTFORK);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        return 0;
    waitpid(child, &status, 0);
    return status != 0;
}

/* Of a file that it may not write, the system does not say which pages are there. */
static int map_beyond_a_file(void) {
    char name[] = "/tmp/tagpool-short-XXXXXX";
    int file = mkstemp(name);
    unlink(name);
    bool is_written = write(file, "short", 5) == 5 && fchmod(file, 0444) == 0;
    if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
        return 1;
    prctl(PR_SET_DUMPABLE, 1);
    kept =
        mmap(NULL, (size_t)4 * sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    return !is_written || kept == MAP_FAILED;
}

static int child_main(const char *mode) {
    leave_no_core();
    find_functions();
    if (strcmp(mode, "protected") == 0)
        protect_a_block();
    if (strcmp(mode, "guarded") == 0)
        guard_a_block();
    if (strcmp(mode, "locked away") == 0)
        lock_away();
    if (strcmp(mode, "not forked") == 0)
        return fork_without_a_block();
    if (strcmp(mode, "short file") == 0)
        return map_beyond_a_file();
    return 0;
}

/* --- the judgement --- */

static const char *program;

static bool run_mode(struct child *child, const char *options, const char *mode) {
    const char *const argv[] = {program, mode, NULL};
    if (!library_has(options)) {
        tap_skip("this library does not have the options");
        return false;
    }
    run_with_options(child, options, argv);
    CHECK_SAY(child_succeeded(child), "%s, %s ends with %#x: %s", options, mode,
              (unsigned)child->status, child->err);
    return true;
}

static const char *const options[] = {"leaks=on", "strategy=tagged,leaks=on", "harden=on,leaks=on"};
enum { OPTIONS = sizeof options / sizeof options[0] };

static void memory_that_cannot_be_read_ends_no_program(void) {
    static const char *const modes[] = {"nothing",     "protected",  "guarded",
                                        "locked away", "not forked", "short file"};
    static struct child child;
    for (size_t i = 0; i < OPTIONS; i++)
        for (size_t j = 0; j < sizeof modes / sizeof modes[0]; j++)
            (void)run_mode(&child, options[i], modes[j]);
}

/* With tags alone a block in pages of its own is none of the pools. */
static void what_is_protected_keeps_what_it_leads_to(void) {
    static const char *const modes[] = {"protected", "locked away"};
    static struct child child;
    for (size_t i = 0; i < OPTIONS; i += 2)
        for (size_t j = 0; j < sizeof modes / sizeof modes[0]; j++)
            if (run_mode(&child, options[i], modes[j]))
                CHECK_SAY(strstr(child.err, "]: still reachable: ") != NULL &&
                              strstr(child.err, "leaked") == NULL,
                          "%s, %s wrote: %s", options[i], modes[j], child.err);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == CHILD_ARGUMENTS)
        return child_main(argv[1]);
    TAP_RUN(memory_that_cannot_be_read_ends_no_program);
    TAP_RUN(what_is_protected_keeps_what_it_leads_to);
    return tap_done();
}
