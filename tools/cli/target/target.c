#include "target/target.h"

#include "base/memory.h"
#include "base/path.h"
#include "base/say.h"
#include "target/elf_file.h"
#include "target/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <tagpool/options.h>
#include <unistd.h>

extern char **environ;

enum { TARGET_SCRIPT_LINE_BYTES = 256 };

/* ---- where it is ---- */

static bool target_is_file(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && !S_ISDIR(about.st_mode);
}

char *target_search(const char *name) {
    const char *path = getenv("PATH");
    char *second_best = NULL;
    if (path == NULL)
        path = "/bin:/usr/bin";
    for (;;) {
        size_t length = strcspn(path, ":");
        char *candidate =
            memory_format("%.*s/%s", length != 0 ? (int)length : 1, length != 0 ? path : ".", name);
        if (target_is_file(candidate) && access(candidate, X_OK) == 0) {
            free(second_best);
            return candidate;
        }
        if (second_best == NULL && target_is_file(candidate))
            second_best = candidate;
        else
            free(candidate);
        if (path[length] == '\0')
            return second_best;
        path += length + 1;
    }
}

static char *target_locate(const char *name) {
    if (name[0] == '\0')
        say_and_exit(STATUS_NOT_FOUND, "the program's name is empty; give its name or its path");
    if (strchr(name, '/') == NULL) {
        char *path = target_search(name);
        if (path == NULL && strpbrk(name, " |<>&;$`(") != NULL)
            say_and_exit(STATUS_NOT_FOUND,
                         "%s: there is no such program; if it is a line for the shell, write "
                         "sh -c '%s', or use --shell where the command has it",
                         name, name);
        if (path == NULL)
            say_and_exit(STATUS_NOT_FOUND,
                         "%s: not found in PATH; check the spelling or give its path", name);
        return path;
    }
    struct stat about;
    if (stat(name, &about) != 0)
        say_and_exit(errno == EACCES ? STATUS_CANNOT_RUN : STATUS_NOT_FOUND, "%s: %s", name,
                     errno == ENOENT ? "no such file; check the path" : strerror(errno));
    if (S_ISDIR(about.st_mode))
        say_and_exit(STATUS_CANNOT_RUN, "%s: is a directory; name the program in it", name);
    return memory_copy(name);
}

/* The interpreter that a file names in its first line ("#!"), with what it is given, in `line`.
 * NULL when it names none. */
static char *target_script_line(const char *path, char line[TARGET_SCRIPT_LINE_BYTES]) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t bytes = descriptor >= 0 ? read(descriptor, line, TARGET_SCRIPT_LINE_BYTES - 1) : -1;
    if (descriptor >= 0)
        close(descriptor);
    if (bytes < 2 || line[0] != '#' || line[1] != '!')
        return NULL;
    line[bytes] = '\0';
    line[strcspn(line, "\n")] = '\0';
    char *start = line + 2 + strspn(line + 2, " \t");
    return *start != '\0' ? start : NULL;
}

/* "/usr/bin/env [-S] [NAME=VALUE] python3 -u": what env will execute. NULL when that cannot be
 * told. */
static char *target_behind_env(char *words) {
    for (char *word = strtok(words, " \t"); word != NULL; word = strtok(NULL, " \t"))
        if (word[0] != '-' && strchr(word, '=') == NULL)
            return strchr(word, '/') != NULL ? memory_copy(word) : target_search(word);
    return NULL;
}

/* The kernel would say of the script itself that it is not there. */
static void target_check_interpreter(const char *script, char *interpreter) {
    char *end = interpreter + strlen(interpreter) - 1;
    if (access(interpreter, F_OK) == 0 || errno == EACCES)
        return;
    if (*end == '\r') {
        *end = '\0';
        say_and_exit(STATUS_NOT_FOUND,
                     "%s: its first line ends in a carriage return, which counts as part of its "
                     "interpreter's name, %s; convert the file to Unix line ends",
                     script, interpreter);
    }
    say_and_exit(STATUS_NOT_FOUND,
                 "%s: its interpreter %s cannot be found (%s); correct its first line", script,
                 interpreter, strerror(errno));
}

/* Follows "#!" lines to the ELF file that will run. */
static char *target_follow(const char *path) {
    char line[TARGET_SCRIPT_LINE_BYTES];
    char *binary = memory_copy(path);
    for (int depth = 0; depth < TARGET_INTERPRETERS_MAX; depth++) {
        char *interpreter = target_script_line(binary, line);
        if (interpreter == NULL)
            break;
        size_t length = strcspn(interpreter, " \t");
        char *rest = interpreter + length + (interpreter[length] != '\0');
        interpreter[length] = '\0';
        target_check_interpreter(binary, interpreter);
        char *next = strcmp(path_name(interpreter), "env") == 0 ? target_behind_env(rest) : NULL;
        free(binary);
        binary = next != NULL ? next : memory_copy(interpreter);
    }
    return binary;
}

/* What execvp does with a file that is neither ELF nor "#!": it is the shell's. */
static void target_prefix_shell(struct target *target, char **argv) {
    size_t count = 0;
    while (argv[count] != NULL)
        count++;
    target->argv = memory_array(count + 2, sizeof *argv);
    target->argv[0] = memory_copy("/bin/sh");
    target->argv[1] = target->path;
    for (size_t i = 1; i <= count; i++)
        target->argv[i + 1] = argv[i];
    target->path = memory_copy("/bin/sh");
    free(target->binary);
    target->binary = memory_copy("/bin/sh");
}

void target_resolve(struct target *target, char **argv) {
    struct elf_file file;
    *target = (struct target){.path = target_locate(argv[0]), .argv = argv};
    if (access(target->path, X_OK) != 0)
        say_and_exit(STATUS_CANNOT_RUN, "%s: %s", target->path,
                     errno == EACCES ? "is not executable; chmod +x makes it so" : strerror(errno));
    target->binary = target_follow(target->path);
    if (strcmp(target->binary, target->path) == 0 && elf_file_read(target->path, &file)) {
        if (!file.is_elf)
            target_prefix_shell(target, argv);
        elf_file_free(&file);
    }
}

/* What the kernel and env would execute for a script: words in a new array, the program's path
 * first, NULL-ended. NULL when it is none, or when that cannot be told. */
static char **target_script_words(const char *path) {
    char line[TARGET_SCRIPT_LINE_BYTES];
    char *interpreter = target_script_line(path, line);
    if (interpreter == NULL)
        return NULL;
    char **words = memory_array(TARGET_SCRIPT_LINE_BYTES, sizeof *words);
    size_t count = 0;
    for (char *word = strtok(interpreter, " \t"); word != NULL; word = strtok(NULL, " \t"))
        words[count++] = memory_copy(word);
    if (strcmp(path_name(words[0]), "env") != 0)
        return words;
    size_t program = count > 1 && strcmp(words[1], "-S") == 0 ? 2 : 1;
    char *found = NULL;
    /* Without -S, all that follows env is one name. */
    if (program < count && (program == 2 || count == 2) && words[program][0] != '-')
        found = target_search(words[program]);
    if (found == NULL)
        return NULL;
    words[program] = found;
    return words + program;
}

static size_t target_count_words(char *const *words) {
    size_t count = 0;
    while (words[count] != NULL)
        count++;
    return count;
}

/* The command that a shim would execute: the program, words of a script's first line, the script
 * (NULL: none), and the arguments; in a new array. */
static char **target_join_words(char *program, char *const *more, char *script,
                                char *const *arguments) {
    size_t more_count = target_count_words(more), count = target_count_words(arguments);
    char **argv = memory_array(more_count + count + 3, sizeof *argv);
    char **next = argv;
    *next++ = program;
    memcpy(next, more, more_count * sizeof *next);
    next += more_count;
    if (script != NULL)
        *next++ = script;
    memcpy(next, arguments, count * sizeof *next);
    return argv;
}

char *target_follow_manager(struct target *target) {
    static char *const nothing[] = {NULL};
    const char *manager;
    char **interpreter = NULL;
    char *program = manager_follow(target->path, &manager);
    if (program == NULL) {
        interpreter = target_script_words(target->path);
        program = interpreter != NULL ? manager_follow(interpreter[0], &manager) : NULL;
    }
    if (program == NULL)
        return NULL;
    char *text = interpreter == NULL
                     ? memory_format("%s is a shim of %s, which has to find the program first: "
                                     "measured is %s itself",
                                     target->path, manager, program)
                     : memory_format("%s is run by %s, a shim of %s, which has to find the program "
                                     "first: measured is %s with the script",
                                     target->path, interpreter[0], manager, program);
    target_resolve(target,
                   target_join_words(program, interpreter != NULL ? interpreter + 1 : nothing,
                                     interpreter != NULL ? target->path : NULL, target->argv + 1));
    return text;
}

void target_follow_manager_aloud(struct target *target) {
    char *text = target_follow_manager(target);
    if (text != NULL)
        say_note("%s", text);
    free(text);
}

/* ---- what it is ---- */

void target_add_finding(struct target_findings *findings, bool refuses, const char *format, ...) {
    va_list arguments;
    if (findings->count == TARGET_FINDINGS_MAX)
        return;
    struct target_finding *finding = &findings->items[findings->count++];
    finding->refuses = refuses;
    va_start(arguments, format);
    finding->text = memory_format_list(format, arguments);
    va_end(arguments);
}

/* Does the kernel give the program other rights than ours? Then the loader ignores LD_PRELOAD. */
static void target_inspect_rights(const char *path, struct target_findings *findings) {
    struct stat about;
    struct statvfs mount;
    if (stat(path, &about) != 0 || (statvfs(path, &mount) == 0 && (mount.f_flag & ST_NOSUID) != 0))
        return;
    if ((about.st_mode & S_ISUID) != 0 && about.st_uid != getuid())
        target_add_finding(
            findings, true,
            "%s is set-user-id: the loader ignores LD_PRELOAD for it; run it as its owner "
            "or measure a copy without the bit",
            path);
    else if ((about.st_mode & S_ISGID) != 0 && (about.st_mode & S_IXGRP) != 0 &&
             about.st_gid != getgid())
        target_add_finding(
            findings, true,
            "%s is set-group-id: the loader ignores LD_PRELOAD for it; measure a copy "
            "without the bit",
            path);
    else if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
        target_add_finding(
            findings, true,
            "%s has file capabilities: the loader ignores LD_PRELOAD for it; measure a "
            "copy, which has none",
            path);
}

static void target_inspect_libraries(const char *path, const struct elf_file *file,
                                     struct target_findings *findings) {
    static const char *const allocators[] = {"libjemalloc", "libtcmalloc", "libmimalloc",
                                             "libtbbmalloc_proxy", "libsnmalloc"};
    for (unsigned i = 0; i < file->needed_count; i++)
        for (size_t j = 0; j < sizeof allocators / sizeof allocators[0]; j++)
            if (strncmp(file->needed[i], allocators[j], strlen(allocators[j])) == 0)
                target_add_finding(
                    findings, false,
                    "%s is linked with %s: 'system' is that allocator here, not glibc's", path,
                    file->needed[i]);
}

#ifdef __GLIBC__
enum { is_built_for_musl = false };
#else
enum { is_built_for_musl = true };
#endif

static void target_inspect_binary(const char *path, struct target_findings *findings) {
    struct elf_file file;
    if (!elf_file_read(path, &file))
        return;
    if (!file.is_elf)
        target_add_finding(findings, false,
                           "%s is no ELF file: cannot tell whether the shim reaches it", path);
    else if (!file.is_native)
        target_add_finding(
            findings, true,
            "%s is for another machine or word size than libtagpool.so; use a build of "
            "the program for this one",
            path);
    else if (file.is_go && !file.has_loader)
        target_add_finding(
            findings, true,
            "%s is a static Go program: it loads no library and has an allocator of its "
            "own; tagpool cannot serve it",
            path);
    else if (!file.has_loader)
        target_add_finding(findings, true,
                           "%s is statically linked: LD_PRELOAD cannot reach it; use a dynamically "
                           "linked build",
                           path);
    else if (file.is_musl != is_built_for_musl)
        target_add_finding(
            findings, true, "%s is linked with %s, and libtagpool.so is built for %s", path,
            is_built_for_musl ? "glibc" : "musl", is_built_for_musl ? "musl" : "glibc");
    else if (file.exports != NULL)
        target_add_finding(
            findings, true,
            "%s exports its own %s, which wins over LD_PRELOAD; use a build without it", path,
            file.exports);
    else if (file.is_go)
        target_add_finding(
            findings, false,
            "%s is a Go program: only its C parts call malloc, Go's own heap does not", path);
    target_inspect_libraries(path, &file, findings);
    elf_file_free(&file);
}

static void target_inspect_environment(struct target_findings *findings) {
    const char *preload = getenv("LD_PRELOAD");
    const char *options = getenv(TAGPOOL_OPTIONS_VARIABLE);
    if (preload != NULL && preload[0] != '\0')
        target_add_finding(
            findings, false,
            "LD_PRELOAD is set to %s, which every variant gets: if that is an allocator, it "
            "is what 'system' measures; unset it to measure the system's own",
            preload);
    if (options != NULL && options[0] != '\0')
        target_add_finding(
            findings, false,
            "TAGPOOL_OPTIONS is set to %s, which every variant with the shim gets; unset it "
            "to measure the defaults",
            options);
    for (char **variable = environ; *variable != NULL; variable++) {
        int length = (int)strcspn(*variable, "=");
        bool tunables = strncmp(*variable, "GLIBC_TUNABLES=", 15) == 0 &&
                        strstr(*variable, "glibc.malloc") != NULL;
        if (strncmp(*variable, "MALLOC_", 7) == 0 || tunables)
            target_add_finding(
                findings, false,
                "%.*s is set and changes the system allocator; unset it to measure the "
                "default",
                length, *variable);
    }
}

void target_inspect(const struct target *target, struct target_findings *findings) {
    *findings = (struct target_findings){0};
    if (strcmp(target->binary, target->path) != 0)
        target_add_finding(findings, false,
                           "%s is a script: what the shim serves is its interpreter, %s",
                           target->path, target->binary);
    target_inspect_rights(target->binary, findings);
    target_inspect_binary(target->binary, findings);
    target_inspect_environment(findings);
}

void target_report(const struct target_findings *findings) {
    const char *refusal = NULL;
    for (unsigned i = 0; i < findings->count; i++)
        if (!findings->items[i].refuses)
            say_note("%s", findings->items[i].text);
        else if (refusal == NULL)
            refusal = findings->items[i].text;
    if (refusal != NULL)
        say_and_exit(STATUS_CANNOT_RUN, "%s", refusal);
}

void target_refuse(const struct target *target) {
    struct target_findings findings;
    target_inspect(target, &findings);
    for (unsigned i = 0; i < findings.count; i++)
        if (findings.items[i].refuses)
            say_and_exit(STATUS_CANNOT_RUN, "%s", findings.items[i].text);
}

void target_resolve_quietly(struct target *target, char **argv) {
    target_resolve(target, argv);
    target_refuse(target);
}
