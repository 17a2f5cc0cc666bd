#include "shared.h"

#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

NEAR static int open_file(const char *path, int flags) {
    return (int)KERNEL(openat, AT_FDCWD, path, flags | O_CLOEXEC | O_NOCTTY, 0600);
}

NEAR static void close_file(int file) {
    KERNEL(close, file);
}

/* Writing to a file beyond the limit would raise a signal. */
static bool is_beyond_limit(uint64_t bytes) {
    struct rlimit limit;
    return !kernel_failed(KERNEL(prlimit64, 0, RLIMIT_FSIZE, NULL, &limit)) &&
           limit.rlim_cur != RLIM_INFINITY && bytes > limit.rlim_cur;
}

NEAR static void *map_file(int file, uint64_t offset, size_t bytes) {
    long result = KERNEL(mmap, 0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, offset);
    return kernel_failed(result) ? NULL : (void *)result;
}

/* True for an ordinary file of at least so many bytes. */
NEAR static bool is_file_of(int file, size_t bytes) {
    struct stat about;
    return !kernel_failed(KERNEL(newfstatat, file, "", &about, AT_EMPTY_PATH)) &&
           S_ISREG(about.st_mode) && about.st_size >= (off_t)bytes;
}

NEAR void *shared_map(const char *path, size_t bytes) {
    int file = open_file(path, O_RDWR);
    if (file < 0)
        return NULL;
    void *start = is_file_of(file, bytes) ? map_file(file, 0, bytes) : NULL;
    close_file(file);
    return start;
}

/* Where the file system cannot make room at once, each block of the disk is written to. What is
 * there already has room, and is left alone. */
static bool write_room(int file, uint64_t end) {
    enum { BLOCK_BYTES = 4096 };
    long length = KERNEL(lseek, file, 0, SEEK_END);
    if (kernel_failed(length))
        return false;
    for (uint64_t last = (uint64_t)length; last < end; last += BLOCK_BYTES)
        if (KERNEL(pwrite64, file, "", 1, last) != 1)
            return false;
    return (uint64_t)length >= end || KERNEL(pwrite64, file, "", 1, end - 1) == 1;
}

static bool make_room(int file, uint64_t offset, size_t bytes) {
    long result = KERNEL(fallocate, file, 0, offset, bytes);
    return result == -EOPNOTSUPP ? write_room(file, offset + bytes) : !kernel_failed(result);
}

void *shared_extend(const char *path, uint64_t offset, size_t bytes) {
    if (is_beyond_limit(offset + bytes))
        return NULL;
    int file = open_file(path, O_RDWR);
    if (file < 0)
        return NULL;
    void *start = make_room(file, offset, bytes) ? map_file(file, offset, bytes) : NULL;
    close_file(file);
    return start;
}

void shared_remove(const char *path) {
    KERNEL(unlinkat, AT_FDCWD, path, 0);
}

/* O_EXCL: what another user has put there is not written to. */
void *shared_create(const char *path, size_t bytes) {
    shared_remove(path);
    if (is_beyond_limit(bytes))
        return NULL;
    int file = open_file(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);
    if (file < 0)
        return NULL;
    void *start = make_room(file, 0, bytes) ? map_file(file, 0, bytes) : NULL;
    close_file(file);
    if (start == NULL)
        shared_remove(path);
    return start;
}

void shared_unmap(void *start, size_t bytes) {
    KERNEL(munmap, start, bytes);
}

void shared_detach(void *start, size_t bytes) {
    /* It takes the place of a mapping of the same size, so there is room for it. */
    KERNEL(mmap, start, bytes, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
}
