/* If this failed, leaks=on would break what a program still does after its leaks were counted: in
 * functions for its exit that it registered before the library was there, and in the writing of its
 * streams. */
#include "calls.h"
#include "sandbox.h"

#include <iconv.h>
#include <link.h>
#include <locale.h>
#include <netdb.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <wchar.h>

enum { CHILD_ARGUMENTS = 2 };

/* musl has nothing that frees its memory. */
#ifdef __GLIBC__

/* --- the child: MODE --- */

static const char *late_mode;
static FILE *kept_stream;

static void convert(void) {
    char from[] = "text", to[64], *in = from, *out = to;
    size_t in_bytes = sizeof from, out_bytes = sizeof to;
    iconv_t converter = iconv_open("UTF-16", "ISO-8859-15");
    if (converter != (iconv_t)-1) {
        (void)iconv(converter, &in, &in_bytes, &out, &out_bytes);
        iconv_close(converter);
    }
}

static void use_locale(void) {
    wchar_t wide[16];
    setlocale(LC_ALL, "C.UTF-8");
    (void)mbstowcs(wide, "\xc3\xa4", 16);
    locale_t other = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    freelocale(other);
    setlocale(LC_ALL, "");
    (void)strerror(12345);
    (void)strsignal(64);
}

static void use_names(void) {
    (void)getpwnam("root");
    (void)getpwuid(1);
    (void)gethostbyname("localhost");
    (void)getservbyname("http", "tcp");
}

static void use_loader(void) {
    void *library = dlopen("libm.so.6", RTLD_NOW);
    if (library != NULL)
        dlclose(library);
    (void)dlopen("/nothing/of/that/name", RTLD_NOW);
    (void)dlerror();
    (void)dlsym(RTLD_DEFAULT, "no_such_function");
}

static void use_environment(void) {
    time_t now = time(NULL);
    setenv("TZ", "Europe/Berlin", 1);
    (void)localtime(&now);
    putenv((char[]){"LATE=1"});
    unsetenv("LATE");
    (void)getenv("PATH");
}

static void use_regex(void) {
    regex_t regex;
    if (regcomp(&regex, "^(a|b)*[[:alpha:]]$", REG_EXTENDED) == 0)
        regfree(&regex);
}

static void *touch(void *argument) {
    free(opaque(malloc(100)));
    return argument;
}

/* One thread more, whose stack may be one that was kept of another. */
static void use_thread(void) {
    run_thread(touch, NULL);
}

static void use_streams(void) {
    printf("late\n");
    if (kept_stream != NULL) {
        fprintf(kept_stream, "late\n");
        fclose(kept_stream);
    }
}

static void use_all(void) {
    convert();
    use_locale();
    use_names();
    use_loader();
    use_environment();
    use_regex();
    use_thread();
}

/* Nobody is there to be waited for. */
static void look_for_children(void) {
    if (waitpid(-1, NULL, __WALL) >= 0 || errno != ECHILD)
        _exit(3);
}

static void late(int status, void *argument) {
    (void)argument;
    if (strcmp(late_mode, "used late") == 0 || strcmp(late_mode, "used before") == 0)
        use_all();
    look_for_children();
    use_streams();
    if (status == 0)
        fflush(NULL);
}

/* ---- streams of the program's own functions ---- */

static unsigned *calls; /* in all processes */

/* Say how many there were, where somebody can hear it. */
static void note_call(void) {
    char digit = (char)('0' + ++*calls);
    if (write(STDOUT_FILENO, &digit, 1) < 0)
        errno = 0;
}

static ssize_t write_own(void *context, const char *text, size_t bytes) {
    (void)context;
    (void)text;
    note_call();
    return (ssize_t)bytes;
}

static ssize_t read_own(void *context, char *text, size_t bytes) {
    (void)context;
    memset(text, 'a', bytes);
    return (ssize_t)bytes;
}

static int seek_own(void *context, off64_t *offset, int whence) {
    (void)context;
    (void)whence;
    note_call();
    *offset = 0;
    return 0;
}

/* Something unwritten in one, something unread in the other. */
static void open_own_streams(void) {
    static const cookie_io_functions_t functions = {
        .read = read_own, .write = write_own, .seek = seek_own};
    FILE *written = fopencookie(NULL, "w", functions);
    FILE *read = fopencookie(NULL, "r", functions);
    calls = mmap(NULL, sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (calls == MAP_FAILED || fputc('a', written) == EOF || fgetc(read) == EOF)
        _exit(5);
}

/* Before the constructor of any library, and so of ours. */
static void before_constructors(int count, char **arguments, char **environment) {
    (void)environment;
    if (count != CHILD_ARGUMENTS)
        return;
    late_mode = arguments[1];
    on_exit(late, NULL);
}

__attribute__((section(".preinit_array"),
               used)) static void (*const preinit)(int, char **, char **) = before_constructors;

static void complain_of_signal(int number) {
    (void)number;
    _exit(4);
}

/* Who tries is ended; nor may a file be opened, but files may be asked for. */
static void shut_in(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
    };
    set_filter(filter, sizeof filter / sizeof filter[0]);
}

/* A block that the C library has from the program. */
static void put_into_environment(void) {
    char *variable = opaque(malloc(40));
    snprintf(variable, 40, "TAGPOOL_TEST_PUT=1");
    putenv(variable);
}

/* As one that another thread is closing: it is in the loader's list, and in memory no more. */
static void leave_library_half_closed(void) {
    struct link_map *library = dlopen("libresolv.so.2", RTLD_NOW);
    if (library == NULL)
        _exit(6);
    library->l_ld = NULL;
}

static int child_main(const char *mode) {
    static const int numbers[] = {SIGCHLD, SIGABRT, SIGSEGV, SIGALRM, SIGPIPE};
    leave_no_core();
    find_functions();
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        signal(numbers[i], complain_of_signal);
    if (strcmp(mode, "used before") == 0)
        use_all();
    run_thread(touch, NULL);
    if (strcmp(mode, "stream") == 0)
        kept_stream = fdopen(dup(STDOUT_FILENO), "w");
    if (kept_stream != NULL)
        fprintf(kept_stream, "early\n");
    if (strcmp(mode, "put") == 0)
        put_into_environment();
    if (strcmp(mode, "own streams") == 0)
        open_own_streams();
    if (strcmp(mode, "half closed") == 0)
        leave_library_half_closed();
    if (strcmp(mode, "no clone") == 0)
        answer_call(SYS_clone, SECCOMP_RET_ERRNO | EAGAIN);
    if (strcmp(mode, "killing clone") == 0)
        answer_call(SYS_clone, SECCOMP_RET_KILL_PROCESS);
    if (strcmp(mode, "raising clone") == 0)
        answer_call(SYS_clone, SECCOMP_RET_TRAP);
    if (strcmp(mode, "shut in") == 0)
        shut_in();
    printf("early\n");
    return 0;
}

/* --- the judgement --- */

static const char *program;

static void run_mode(struct child *child, enum misuse_strategy strategy, const char *mode) {
    char options[128];
    const char *const argv[] = {program, mode, NULL};
    snprintf(options, sizeof options, "%s,leaks=on", strategies[strategy].options);
    run_with_options(child, options, argv);
    CHECK_SAY(child_succeeded(child), "%s, %s ends with %#x: %s", options, mode,
              (unsigned)child->status, child->err);
    CHECK_SAY(strstr(child->err, "leaked ") == NULL, "%s, %s wrote: %s", options, mode, child->err);
}

/* All that it wrote, once each, as it was written. */
static void check_output(const struct child *child, const char *expected) {
    CHECK_SAY(strcmp(child->out, expected) == 0, "it wrote: %s", child->out);
}

static void what_runs_after_the_count_finds_the_C_library_as_it_was(void) {
    static const char *const modes[] = {"nothing", "used late", "used before", "no clone"};
    static struct child child;
    for (int strategy = 0; strategy < MISUSE_STRATEGY_COUNT; strategy++)
        for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
            run_mode(&child, (enum misuse_strategy)strategy, modes[i]);
            check_output(&child, "early\nlate\n");
        }
}

static void a_library_that_is_being_closed_is_not_looked_at(void) {
    static struct child child;
    for (int strategy = 0; strategy < MISUSE_STRATEGY_COUNT; strategy++) {
        run_mode(&child, (enum misuse_strategy)strategy, "half closed");
        check_output(&child, "early\nlate\n");
    }
}

static void a_stream_is_written_once_and_in_order(void) {
    static struct child child;
    for (int strategy = 0; strategy < MISUSE_STRATEGY_COUNT; strategy++) {
        run_mode(&child, (enum misuse_strategy)strategy, "stream");
        check_output(&child, "early\nlate\nearly\nlate\n");
    }
}

static void the_functions_of_a_stream_are_called_once(void) {
    static struct child plain, child;
    const char *const argv[] = {program, "own streams", NULL};
    run_with_options(&plain, "leaks=off", argv);
    CHECK_SAY(strchr(plain.out, '2') != NULL && strchr(plain.out, '3') == NULL, "it wrote: %s",
              plain.out);
    for (int strategy = 0; strategy < MISUSE_STRATEGY_COUNT; strategy++) {
        run_mode(&child, (enum misuse_strategy)strategy, "own streams");
        check_output(&child, plain.out);
    }
}

static void what_the_environment_has_of_the_program_is_no_leak(void) {
    static struct child child;
    for (int strategy = 0; strategy < MISUSE_STRATEGY_COUNT; strategy++) {
        run_mode(&child, (enum misuse_strategy)strategy, "put");
        CHECK_SAY(strstr(child.err, "]: still reachable: 1 blocks, ") != NULL, "it wrote: %s",
                  child.err);
    }
}

/* There a copy is not even tried. */
static void a_process_in_a_sandbox_ends_as_without_the_option(void) {
    static const char *const modes[] = {"shut in", "killing clone", "raising clone"};
    static struct child child;
    for (int strategy = 0; strategy < MISUSE_STRATEGY_COUNT; strategy++)
        for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
            run_mode(&child, (enum misuse_strategy)strategy, modes[i]);
}

/* What the C library keeps can be got at, and is the program's as far as anybody knows. */
static void without_a_copy_of_the_process_nothing_is_lost(void) {
    static struct child child;
    run_mode(&child, MISUSE_STRATEGY_hardened, "no clone");
    CHECK_SAY(strstr(child.err, "]: still reachable: ") != NULL, "it wrote: %s", child.err);
    run_mode(&child, MISUSE_STRATEGY_hardened, "nothing");
    CHECK_SAY(child.err[0] == '\0', "it wrote: %s", child.err);
}

static int test_main(void) {
    if (!library_has("harden=on,leaks=on")) {
        tap_skip("this library does not have leaks=on");
        tap_report("what runs after the count finds the C library as it was");
        return tap_done();
    }
    TAP_RUN(what_runs_after_the_count_finds_the_C_library_as_it_was);
    TAP_RUN(a_library_that_is_being_closed_is_not_looked_at);
    TAP_RUN(a_stream_is_written_once_and_in_order);
    TAP_RUN(the_functions_of_a_stream_are_called_once);
    TAP_RUN(what_the_environment_has_of_the_program_is_no_leak);
    TAP_RUN(a_process_in_a_sandbox_ends_as_without_the_option);
    TAP_RUN(without_a_copy_of_the_process_nothing_is_lost);
    return tap_done();
}

int main(int argc, char **argv) {
    program = argv[0];
    return argc == CHILD_ARGUMENTS ? child_main(argv[1]) : test_main();
}

#else
int main(void) {
    tap_skip("this C library frees nothing at exit");
    tap_report("what runs after the count finds the C library as it was");
    return tap_done();
}
#endif
