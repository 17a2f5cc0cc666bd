#include "target/manager.h"

#include "base/command.h"
#include "base/memory.h"
#include "base/path.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANAGER_SHIM_BYTES = 4096 };

/* The manager that a script executes: `exec "/path/of/manager" exec ...`. All of them are written
 * so, but that of asdf may be looked up in PATH. NULL if this is none. */
static char *manager_of_script(const char *path) {
    char text[MANAGER_SHIM_BYTES], manager[PATH_MAX];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    size_t bytes = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[bytes] = '\0';
    if (strncmp(text, "#!", 2) != 0 || strlen(text) != bytes)
        return NULL;
    for (char *line = strstr(text, "\nexec "); line != NULL; line = strstr(line + 1, "\nexec ")) {
        char word[16] = "";
        const char *format = line[6] == '"' ? "\"%4095[^\"\n]\" %15s" : "%4095s %15s";
        if (sscanf(line + 6, format, manager, word) == 2 && strcmp(word, "exec") == 0 &&
            (access(manager, X_OK) == 0 || strcmp(manager, "asdf") == 0))
            return memory_copy(manager);
    }
    return NULL;
}

/* The manager that a link of another name leads to. NULL if this is none. */
static char *manager_of_link(const char *path) {
    static const struct {
        const char *program, *manager; /* where links lead to, and who is beside it and answers */
    } known[] = {{"mise", "mise"}, {"volta-shim", "volta"}, {"rustup", "rustup"}};
    char program[PATH_MAX];
    if (realpath(path, program) == NULL || strcmp(path_name(program), path_name(path)) == 0)
        return NULL;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(path_name(program), known[i].program) == 0)
            return memory_format("%.*s%s", (int)(path_name(program) - program), program,
                                 known[i].manager);
    return NULL;
}

/* The first line that the command prints, if it is the path of a program. */
static char *manager_ask(const char *manager, const char *program) {
    char line[PATH_MAX];
    char *words[] = {memory_copy(manager), memory_copy("which"), memory_copy(program), NULL};
    char *text = command_shell_text(words);
    char *command = memory_format("%s 2>/dev/null", text);
    FILE *answer = popen(command, "re");
    char *read = answer != NULL ? fgets(line, sizeof line, answer) : NULL;
    bool sound = answer != NULL && pclose(answer) == 0 && read != NULL;
    free(command);
    free(text);
    for (int i = 0; words[i] != NULL; i++)
        free(words[i]);
    if (!sound)
        return NULL;
    line[strcspn(line, "\n")] = '\0';
    return line[0] == '/' && access(line, X_OK) == 0 ? memory_copy(line) : NULL;
}

char *manager_follow(const char *path, const char **name) {
    char *manager = manager_of_script(path);
    if (manager == NULL)
        manager = manager_of_link(path);
    if (manager == NULL || strchr(path, '/') == NULL) {
        free(manager);
        return NULL;
    }
    char *program = manager_ask(manager, path_name(path));
    if (program != NULL && strcmp(program, path) == 0) {
        free(program);
        program = NULL;
    }
    if (program != NULL)
        *name = memory_copy(path_name(manager));
    free(manager);
    return program;
}
