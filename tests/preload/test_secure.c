/* If this failed, a user could steer the allocator of a set-user-id program through its
 * environment. The loader drops preloaded libraries there; a library that got in by another way
 * (here: dlopen) must ignore TAGPOOL_OPTIONS and TAGPOOL_STATS. The control is the same program
 * without the set-user-id bit. */
#include "../harness/tap.h"
#include "stats_reader.h"
#include <dlfcn.h>
#include <sys/auxv.h>
#include <sys/stat.h>

static const char *program;

enum { NOBODY = 65534 };

/* Where a program and the library are put for another user. */
static char folder[] = "/tmp/tagpool-secure-XXXXXX", copy[64], library[64];

enum { PRELOADED = 9 }; /* exit status: malloc is the library's */

static bool is_preloaded(void) {
    Dl_info about;
    return dladdr(dlsym(RTLD_DEFAULT, "malloc"), &about) != 0 &&
           strstr(about.dli_fname, "libtagpool") != NULL;
}

/* Says whether the library is there already ("-"), or loads it late and makes it serve something.
 */
static int child_main(const char *path, const char *secure) {
    if ((getauxval(AT_SECURE) != 0) != (strcmp(secure, "secure") == 0))
        return CHILD_SKIPPED; /* the file system does not honour the bit */
    if (strcmp(path, "-") == 0)
        return is_preloaded() ? PRELOADED : 0;
    void *handle = dlopen(path, RTLD_NOW);
    void *(*take)(size_t) = handle == NULL ? NULL : (void *(*)(size_t))dlsym(handle, "malloc");
    void (*give)(void *) = handle == NULL ? NULL : (void (*)(void *))dlsym(handle, "free");
    if (take == NULL || give == NULL)
        return 2;
    for (size_t i = 0; i < 100; i++)
        give(memset(take(40), 1, 40));
    return 0;
}

/* Copies this program and the library to where another user can run and read them; sets the bit if
 * asked. */
static bool place_file(const char *from, const char *to, mode_t mode, uid_t owner) {
    char buffer[65536];
    ssize_t length = 0;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    while (in >= 0 && out >= 0 && (length = read(in, buffer, sizeof buffer)) > 0)
        if (write(out, buffer, (size_t)length) != length)
            break;
    bool placed = in >= 0 && out >= 0 && length == 0 && fchown(out, owner, owner) == 0 &&
                  fchmod(out, mode) == 0;
    close(in);
    close(out);
    return placed;
}

struct outcome {
    bool ran;
    bool spoke;   /* it complained about the option */
    bool counted; /* it claimed a row of the statistics page */
};

static struct outcome run_copy(const char *secure) {
    static struct child child;
    struct stats_file file;
    struct outcome outcome = {false, false, false};
    const char *const argv[] = {copy, library, secure, NULL};
    const char *const changes[] = {"LD_PRELOAD", "TAGPOOL_OPTIONS=colour=red", file.variable, NULL};
    if (!stats_open(&file))
        return outcome;
    chmod(file.path, 0666);
    child_run(&child, changes, argv);
    outcome.ran = child_succeeded(&child);
    outcome.spoke = strstr(child.err, "colour") != NULL;
    outcome.counted = stats_row(&file, child.pid) != NULL;
    CHECK_SAY(outcome.ran || child_skipped(&child), "%s: status %#x: %.200s", secure,
              (unsigned)child.status, child.err);
    stats_close(&file);
    return outcome;
}

static bool place_files(void) {
    if (!shim_is_loaded() || geteuid() != 0) {
        tap_skip(shim_is_loaded() ? "only root can make a set-user-id program of another user"
                                  : "the library is not loaded");
        return false;
    }
    if (copy[0] != '\0')
        return true;
    CHECK(mkdtemp(folder) != NULL && chmod(folder, 0755) == 0);
    snprintf(copy, sizeof copy, "%s/program", folder);
    snprintf(library, sizeof library, "%s/libtagpool.so", folder);
    CHECK(place_file(getenv("LD_PRELOAD"), library, 0755, 0));
    return true;
}

static void remove_files(void) {
    if (copy[0] == '\0')
        return;
    unlink(copy);
    unlink(library);
    rmdir(folder);
}

/* The loader drops the library, and the program runs; without the bit it is there. */
static void a_set_user_id_program_runs_without_what_is_preloaded(void) {
    static struct child child;
    char preload[128];
    if (!place_files())
        return;
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", library);
    const char *const changes[] = {preload, NULL};
    const char *argv[] = {copy, "-", "plain", NULL};
    CHECK(place_file(program, copy, 0755, 0));
    child_run(&child, changes, argv);
    CHECK_SAY(WIFEXITED(child.status) && WEXITSTATUS(child.status) == PRELOADED,
              "control: status %#x: %.200s", (unsigned)child.status, child.err);
    argv[2] = "secure";
    CHECK(place_file(program, copy, 04755, NOBODY));
    child_run(&child, changes, argv);
    if (child_skipped(&child))
        tap_skip("/tmp does not honour the set-user-id bit");
    else
        CHECK_SAY(child_succeeded(&child), "status %#x: %.200s", (unsigned)child.status, child.err);
}

static void a_set_user_id_program_ignores_the_environment(void) {
    if (!LIBC_IS_GLIBC) {
        tap_skip("musl's loader opens no library with such thread-local variables");
        return;
    }
    if (!place_files())
        return;
    CHECK(place_file(program, copy, 0755, 0));
    struct outcome control = run_copy("plain");
    CHECK_SAY(control.ran && control.spoke && control.counted,
              "control: ran %d, spoke %d, counted %d", control.ran, control.spoke, control.counted);
    CHECK(place_file(program, copy, 04755, NOBODY));
    struct outcome secure = run_copy("secure");
    if (!secure.ran)
        tap_skip("/tmp does not honour the set-user-id bit");
    CHECK_SAY(!secure.spoke && !secure.counted, "spoke %d, counted %d", secure.spoke,
              secure.counted);
}

int main(int argc, char **argv) {
    program = argv[0];
    if (argc == 3)
        return child_main(argv[1], argv[2]);
    TAP_RUN(a_set_user_id_program_runs_without_what_is_preloaded);
    TAP_RUN(a_set_user_id_program_ignores_the_environment);
    remove_files();
    return tap_done();
}
