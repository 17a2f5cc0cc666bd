#include "environment.h"

#include "startup.h"

#include <string.h>
#include <unistd.h>

AT_LOAD bool environment_is_there(void) {
    return environ != NULL || startup_environment() != NULL;
}

AT_LOAD static const char *find_variable(char **entry, const char *name) {
    size_t length = strlen(name);
    for (; entry != NULL && *entry != NULL; entry++)
        if (**entry == *name && strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return *entry + length + 1;
    return NULL;
}

AT_LOAD const char *environment_get(const char *name) {
    return find_variable(environ != NULL ? environ : startup_environment(), name);
}

AT_LOAD bool environment_has_any(const char *prefix) {
    size_t length = strlen(prefix);
    char **entry = environ != NULL ? environ : startup_environment();
    for (; entry != NULL && *entry != NULL; entry++)
        if (**entry == *prefix && strncmp(*entry, prefix, length) == 0)
            return true;
    return false;
}

AT_LOAD const char *environment_at_start(const char *name) {
    return find_variable(startup_environment(), name);
}

/* A list of NAME=VALUE with colons between. The last one counts. */
AT_LOAD const char *environment_tunable(const char *name) {
    const char *item = environment_at_start("GLIBC_TUNABLES");
    const char *value = NULL;
    size_t length = strlen(name);
    while (item != NULL) {
        if (strncmp(item, name, length) == 0 && item[length] == '=')
            value = item + length + 1;
        while (*item != '\0' && *item != ':')
            item++;
        item = *item == ':' ? item + 1 : NULL;
    }
    return value;
}

/* Every sanitizer that replaces malloc exports this name beside it. */
extern void __interceptor_malloc(void) __attribute__((weak));

/* valgrind's tools replace malloc in the code that they run, ours too, but not each name of the
 * family. They preload a library of their own; tools that leave malloc alone only have the core. */
AT_LOAD static bool has_valgrind_tool(void) {
    static const char tool[] = "/vgpreload_";
    enum { TOOL_BYTES = sizeof tool - 1 };
    const char *preloaded = environment_get("LD_PRELOAD");
    for (; preloaded != NULL && *preloaded != '\0'; preloaded++)
        if (*preloaded == '/' && strncmp(preloaded, tool, TOOL_BYTES) == 0 &&
            strncmp(preloaded + TOOL_BYTES, "core", 4) != 0)
            return true;
    return false;
}

AT_LOAD bool environment_has_memory_tool(void) {
    return &__interceptor_malloc != NULL || has_valgrind_tool();
}
