#include "target/preload_link.h"

#include "base/digest.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool preload_link_is_needed(const char *path) {
    return strpbrk(path, " :") != NULL;
}

/* Nobody else may put links into the folder: what is preloaded runs with our rights. */
static bool preload_link_folder(const char *folder) {
    struct stat status;
    if (mkdir(folder, 0711) != 0 && errno != EEXIST)
        return false;
    if (lstat(folder, &status) != 0)
        return false;
    if (S_ISDIR(status.st_mode) && status.st_uid == geteuid() && (status.st_mode & 022) == 0)
        return true;
    errno = EPERM;
    return false;
}

static bool preload_link_leads_to(const char *link, const char *full) {
    char *found = realpath(link, NULL);
    bool same = found != NULL && strcmp(found, full) == 0;
    free(found);
    return same;
}

static bool preload_link_make(const char *link, const char *full) {
    if (preload_link_leads_to(link, full))
        return true;
    if (unlink(link) != 0 && errno != ENOENT)
        return false;
    /* Another process may be as far. */
    return symlink(full, link) == 0 || (errno == EEXIST && preload_link_leads_to(link, full));
}

char *preload_link(const char *full) {
    const char *const places[] = {getenv("XDG_RUNTIME_DIR"), getenv("TMPDIR"), "/tmp", "/dev/shm"};
    struct digest digest;
    digest_init(&digest);
    digest_add(&digest, full, strlen(full));
    unsigned long long number = digest.hash;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (places[i] == NULL || places[i][0] != '/' || preload_link_is_needed(places[i]))
            continue;
        char *folder = memory_format("%s/tagpool-%u", places[i], (unsigned)geteuid());
        /* The name tells whose library it is. */
        char *link = memory_format("%s/libtagpool-%016llx.so", folder, number);
        bool made = preload_link_folder(folder) && preload_link_make(link, full);
        free(folder);
        if (made)
            return link;
        free(link);
    }
    return NULL;
}
