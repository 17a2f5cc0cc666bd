/* If this failed, a fault, a leak or an allocation site would be told by a wrong function, or by
 * none although the file knows it, or tagpool would hang on a helper program. */
#include "tap.h"

#include "base/memory.h"
#include "base/randomness.h"
#include "symbols/elf_symbols.h"
#include "symbols/symbols.h"

#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is asked about: functions of this program. */
enum { INNER_LINE = __LINE__ + 2 };
__attribute__((always_inline)) static inline void *inner(int number) {
    return __builtin_return_address(0) == NULL ? NULL : (void *)(uintptr_t)(unsigned)number;
}

__attribute__((noinline)) static void *outer(volatile int *number) {
    return inner(*number);
}

/* What a C++ compiler calls tree::grow(int). */
__attribute__((noinline)) void grow(int number) __asm__("_ZN4tree4growEi");
__attribute__((noinline)) void grow(int number) {
    __asm__ volatile("" : : "r"(number) : "memory");
}

static char folder[] = "/tmp/tagpool-test-symbols-XXXXXX";
static char self[4096];
static const char *path_variable;

/* The only programs that can be found: those named, NULL-ended. False if one is not installed. */
static bool install(const char *const *names) {
    char bin[64], link[128], target[4096];
    snprintf(bin, sizeof bin, "%s/bin", folder);
    snprintf(target, sizeof target, "rm -rf %s; mkdir %s", bin, bin);
    setenv("PATH", path_variable, 1);
    bool all = system(target) == 0;
    for (; *names != NULL; names++) {
        snprintf(target, sizeof target, "/usr/bin/%s", *names);
        snprintf(link, sizeof link, "%s/%s", bin, *names);
        all = access(target, X_OK) == 0 && symlink(target, link) == 0 && all;
    }
    setenv("PATH", bin, 1);
    return all;
}

static void install_script(const char *name, const char *text) {
    char path[128];
    install((const char *const[]){NULL});
    snprintf(path, sizeof path, "%s/bin/%s", folder, name);
    FILE *out = fopen(path, "w");
    if (out == NULL)
        abort();
    fprintf(out, "#!/bin/sh\n%s\n", text);
    fclose(out);
    chmod(path, 0755);
}

static int note_base(struct dl_phdr_info *info, size_t bytes, void *base) {
    (void)bytes;
    *(uintptr_t *)base = info->dlpi_addr;
    return 1; /* the program comes first */
}

/* Where a function lies in the file. */
static uint64_t offset_of(const void *code) {
    uintptr_t base;
    dl_iterate_phdr(note_base, &base);
    return (uintptr_t)code - base;
}

/* The last line of one place in a file. */
static char *ask(const char *path, const char *build_id, uint64_t offset) {
    struct symbols symbols;
    symbols_init(&symbols);
    size_t module = symbols_add_module(&symbols, path, build_id, build_id == NULL ? 0 : 4);
    size_t frame = symbols_add_frame(&symbols, module, offset);
    symbols_resolve(&symbols);
    char *text = symbols_line(&symbols, frame, symbols_line_count(&symbols, frame) - 1);
    symbols_free(&symbols);
    return text;
}

#define CHECK_TEXT(found, wanted) check_text(__LINE__, found, wanted)
static void check_text(int line, char *found, const char *wanted) {
    if (strcmp(found, wanted) != 0)
        tap_fault(__FILE__, line, "wanted: %s, found: %s", wanted, found);
    free(found);
}

/* This program's file without its sections, which is what a stripped one has lost. */
static char *stripped(void) {
    char *path, command[8300];
    ElfW(Ehdr) head;
    if (asprintf(&path, "%s/stripped", folder) < 0)
        abort();
    setenv("PATH", path_variable, 1);
    snprintf(command, sizeof command, "cp %s %s", self, path);
    int file = system(command) == 0 ? open(path, O_RDWR) : -1;
    if (file < 0 || pread(file, &head, sizeof head, 0) != (ssize_t)sizeof head)
        abort();
    head.e_shoff = 0;
    head.e_shnum = head.e_shstrndx = 0;
    if (pwrite(file, &head, sizeof head, 0) != (ssize_t)sizeof head)
        abort();
    close(file);
    return path;
}

/* ---- the tests ---- */

/* Somewhere behind the start of a function, in its body, which sanitizers make long. */
static void lines_come_with_what_was_inlined(const char *tool) {
    struct symbols symbols;
    char wanted[64];
    bool found = false;
    if (!install((const char *const[]){tool, NULL})) {
        tap_skip("it is not installed");
        return;
    }
    symbols_init(&symbols);
    size_t module = symbols_add_module(&symbols, self, NULL, 0);
    uint64_t start = offset_of((const void *)outer);
    for (uint64_t i = 0; i < 512; i++)
        symbols_add_frame(&symbols, module, start + i);
    symbols_resolve(&symbols);
    CHECK(symbols.tool != NULL && strcmp(symbols.tool, tool) == 0);
    snprintf(wanted, sizeof wanted, "(test_symbols.c:%d)", INNER_LINE);
    for (size_t frame = 0; frame < symbols.frame_count; frame++) {
        const struct symbols_frame *asked = &symbols.frames[frame];
        if (asked->place_count != 2)
            continue;
        char *text = symbols_line(&symbols, frame, 0), *last = symbols_line(&symbols, frame, 1);
        found = found || (strstr(text, wanted) != NULL && strstr(last, "outer (") == last);
        free(text);
        free(last);
    }
    if (symbols.frames[0].places == NULL || symbols.frames[0].places[0].line == 0)
        tap_skip("this program has no debug information");
    else
        CHECK(found);
    symbols_free(&symbols);
}

static void llvm_symbolizer_gives_lines_and_inlined_functions(void) {
    lines_come_with_what_was_inlined("llvm-symbolizer");
}

static void addr2line_gives_lines_and_inlined_functions(void) {
    lines_come_with_what_was_inlined("addr2line");
}

static void the_symbol_table_gives_names_where_no_tool_is_installed(void) {
    install((const char *const[]){NULL});
    CHECK_TEXT(ask(self, NULL, offset_of((const void *)outer)), "outer (in test_symbols)");
    CHECK_TEXT(ask(self, NULL, offset_of((const void *)outer) + 1), "outer (in test_symbols)");
    CHECK_TEXT(ask(self, NULL, 1), "test_symbols+0x1");
}

static void names_of_cxx_are_readable_with_cxxfilt(void) {
    if (!install((const char *const[]){"c++filt", NULL}))
        tap_skip("it is not installed");
    else
        CHECK_TEXT(ask(self, NULL, offset_of((const void *)grow)),
                   "tree::grow(int) (in test_symbols)");
}

static void names_of_cxx_are_readable_by_the_cxx_library(void) {
    install((const char *const[]){NULL});
    char *text = ask(self, NULL, offset_of((const void *)grow));
    if (strcmp(text, "_ZN4tree4growEi (in test_symbols)") == 0)
        tap_skip("there is no C++ library");
    else
        CHECK(strcmp(text, "tree::grow(int) (in test_symbols)") == 0);
    free(text);
}

static void why_there_is_no_name_is_said(void) {
    char gone[128];
    char *bare = stripped();
    install((const char *const[]){NULL});
    snprintf(gone, sizeof gone, "%s/libgone.so", folder);
    CHECK_TEXT(ask(gone, NULL, 0x1189), "libgone.so+0x1189 (its file is gone)");
    CHECK_TEXT(ask(self, "\1\2\3\4", 0x1189), "test_symbols+0x1189 (replaced since)");
    CHECK_TEXT(ask(bare, NULL, 0x1189), "stripped+0x1189 (stripped)");
    CHECK_TEXT(ask(NULL, NULL, 0x1189), "0x1189 (generated at run time)");
    CHECK_TEXT(ask("", NULL, 0x1189), "0x1189 (generated at run time)");
    CHECK_TEXT(ask("linux-vdso.so.1", NULL, 0x89), "linux-vdso.so.1+0x89 (of the kernel)");
    CHECK_TEXT(ask("/etc/passwd", NULL, 0x89), "passwd+0x89 (replaced since)");
    free(bare);
}

/* A path that ends the quotes it is asked in would name another file. */
static void any_path_can_be_asked_for(void) {
    static const char *const names[] = {"with space", "with\"quote", "with'\"both", "with\nline"};
    char path[128];
    if (!install((const char *const[]){"llvm-symbolizer", NULL})) {
        tap_skip("it is not installed");
        return;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        CHECK(symlink(self, path) == 0);
        char *text = ask(path, NULL, offset_of((const void *)outer));
        CHECK_SAY(strncmp(text, "outer (", 7) == 0, "found: %s", text);
        free(text);
    }
}

static void a_helper_that_fails_is_as_none(void) {
    static const char *const scripts[] = {
        "exit 1",
        "kill -9 $$",
        "echo",
        "echo wrong; exit 3",
        "while echo x; do :; done | head -c 99",
    };
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        install_script("addr2line", scripts[i]);
        CHECK_TEXT(ask(self, NULL, offset_of((const void *)outer)), "outer (in test_symbols)");
        install_script("llvm-symbolizer", scripts[i]);
        CHECK_TEXT(ask(self, NULL, offset_of((const void *)outer)), "outer (in test_symbols)");
        install_script("c++filt", scripts[i]);
        free(ask(self, NULL, offset_of((const void *)grow)));
    }
}

static void a_place_is_asked_for_once(void) {
    struct symbols symbols;
    symbols_init(&symbols);
    size_t first = symbols_add_module(&symbols, "/bin/first", "\1\2", 2);
    CHECK(symbols_add_module(&symbols, "/bin/first", "\1\2", 2) == first);
    CHECK(symbols_add_module(&symbols, "/bin/first", "\1\3", 2) != first);
    CHECK(symbols_add_module(&symbols, NULL, NULL, 0) == symbols_add_module(&symbols, "", NULL, 0));
    for (int round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 1000; i++)
            CHECK(symbols_add_frame(&symbols, i % 3, i / 3 * 16) == i);
    CHECK(symbols.frame_count == 1000);
    symbols_free(&symbols);
}

static void the_allocator_is_told_apart_from_who_calls_it(void) {
    static const struct {
        const char *path, *function;
        bool is_allocator;
    } cases[] = {
        {"/lib/libc.so.6", "malloc", true},
        {"/lib/libstdc++.so.6", "operator new(unsigned long)", true},
        {"/lib/libstdc++.so.6", "operator new[](unsigned long)", true},
        {"/usr/lib/libtagpool-trace.so", "anything", true},
        {"/bin/parser", "malloc_node", false},
        {"/bin/parser", "operators", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct symbols symbols;
        symbols_init(&symbols);
        size_t frame =
            symbols_add_frame(&symbols, symbols_add_module(&symbols, cases[i].path, NULL, 0), 1);
        symbols_frame_add(&symbols.frames[frame], cases[i].function, strlen(cases[i].function), "",
                          0, 0);
        CHECK_SAY(symbols_is_allocator(&symbols, frame, 0) == cases[i].is_allocator, "%s",
                  cases[i].function);
        symbols_free(&symbols);
    }
}

/* Half of the files are cut, the others scribbled over where their tables are, at the end. */
static void broken_files_do_no_harm(void) {
    struct randomness randomness = {5};
    struct elf_symbols symbols;
    struct elf_image image;
    char path[128];
    CHECK(elf_image_open(&image, self));
    char *bytes = memory_array(image.bytes, 1);
    snprintf(path, sizeof path, "%s/broken", folder);
    for (int trial = 0; trial < 200; trial++) {
        size_t length = image.bytes;
        memcpy(bytes, image.start, length);
        if (trial % 2 == 0)
            length = randomness_below(&randomness, (uint32_t)length);
        for (unsigned i = 0; i < 8; i++)
            bytes[image.bytes - 1 - randomness_below(&randomness, trial % 4 == 1 ? 2560 : 65536)] =
                (char)randomness_next(&randomness);
        FILE *out = fopen(path, "w");
        if (out == NULL || fwrite(bytes, 1, length, out) != length || fclose(out) != 0)
            abort();
        if (!elf_symbols_open(&symbols, path))
            continue;
        for (uint64_t address = 0; address < length; address += 97)
            elf_symbols_find(&symbols, address);
        elf_symbols_close(&symbols);
    }
    free(bytes);
    elf_image_close(&image);
}

int main(void) {
    volatile int number = 7;
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    path_variable = getenv("PATH") != NULL ? strdup(getenv("PATH")) : "/usr/bin:/bin";
    if (length < 0 || mkdtemp(folder) == NULL)
        abort();
    (void)outer(&number);
    grow(number);
    TAP_RUN(llvm_symbolizer_gives_lines_and_inlined_functions);
    TAP_RUN(addr2line_gives_lines_and_inlined_functions);
    TAP_RUN(the_symbol_table_gives_names_where_no_tool_is_installed);
    TAP_RUN(names_of_cxx_are_readable_with_cxxfilt);
    TAP_RUN(names_of_cxx_are_readable_by_the_cxx_library);
    TAP_RUN(why_there_is_no_name_is_said);
    TAP_RUN(any_path_can_be_asked_for);
    TAP_RUN(a_helper_that_fails_is_as_none);
    TAP_RUN(broken_files_do_no_harm);
    TAP_RUN(a_place_is_asked_for_once);
    TAP_RUN(the_allocator_is_told_apart_from_who_calls_it);
    setenv("PATH", "/usr/bin:/bin", 1);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) != 0 || tap_done();
}
