#include "os.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

size_t os_page_bytes(void) {
    return (size_t)getauxval(AT_PAGESZ);
}

size_t os_round_to_page(size_t bytes) {
    size_t page_bytes = os_page_bytes();
    return (bytes + page_bytes - 1) & ~(page_bytes - 1);
}

static void *map_nothing(size_t bytes) {
    void *start = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return start == MAP_FAILED ? NULL : start;
}

static bool is_aligned(const void *start, size_t alignment) {
    return start != NULL && (uintptr_t)start % alignment == 0;
}

void *os_reserve(size_t bytes, size_t alignment) {
    int saved_errno = errno;
    /* Since Linux 6.7 large mappings start at a huge page by themselves: three system calls saved.
     */
    char *whole = map_nothing(bytes);
    if (is_aligned(whole, alignment))
        return whole;
    if (whole != NULL)
        os_unreserve(whole, bytes);
    /* Reserve more than asked for, and give the ends back. */
    size_t whole_bytes = bytes + alignment;
    whole = map_nothing(whole_bytes);
    errno = saved_errno;
    if (whole == NULL)
        return NULL;
    char *start = (char *)(((uintptr_t)whole + alignment - 1) & ~(uintptr_t)(alignment - 1));
    size_t before_bytes = (size_t)(start - whole);
    os_unreserve(whole, before_bytes);
    os_unreserve(start + bytes, whole_bytes - before_bytes - bytes);
    return start;
}

void os_unreserve(void *start, size_t bytes) {
    int saved_errno = errno;
    if (bytes != 0)
        munmap(start, bytes);
    errno = saved_errno;
}

bool os_commit(void *start, size_t bytes) {
    int saved_errno = errno;
    bool done = mprotect(start, bytes, PROT_READ | PROT_WRITE) == 0;
    errno = saved_errno;
    return done;
}

void os_freeze(void *start, size_t bytes) {
    int saved_errno = errno;
    (void)mprotect(start, bytes, PROT_READ);
    errno = saved_errno;
}

static bool advise(void *start, size_t bytes, int advice) {
    int saved_errno = errno;
    bool done = madvise(start, bytes, advice) == 0;
    errno = saved_errno;
    return done;
}

bool os_purge(void *start, size_t bytes) {
    return advise(start, bytes, MADV_DONTNEED);
}

bool os_hide(void *start, size_t bytes) {
    int saved_errno = errno;
    bool done = mprotect(start, bytes, PROT_NONE) == 0;
    errno = saved_errno;
    return done;
}

bool os_withdraw(void *start, size_t bytes) {
    return os_hide(start, bytes) && os_purge(start, bytes);
}

void os_use_huge_pages(void *start, size_t bytes) {
    uintptr_t first = os_round_to_page((uintptr_t)start);
    uintptr_t end = ((uintptr_t)start + bytes) & ~(uintptr_t)(os_page_bytes() - 1);
    if (first < end)
        advise((void *)first, end - first, MADV_HUGEPAGE);
}

static size_t limit_of(int resource) {
    int saved_errno = errno;
    struct rlimit limit;
    bool limited = getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    errno = saved_errno;
    return limited ? (size_t)limit.rlim_cur : SIZE_MAX;
}

size_t os_address_space_limit(void) {
    return limit_of(RLIMIT_AS);
}

bool os_is_data_limited(void) {
    return limit_of(RLIMIT_DATA) != SIZE_MAX;
}

size_t os_mapping_limit(void) {
    enum { USUAL = 65530 };
    int saved_errno = errno;
    char text[24];
    ssize_t length = -1;
    int file = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (file >= 0) {
        length = read(file, text, sizeof text);
        close(file);
    }
    errno = saved_errno;
    size_t limit = 0;
    for (ssize_t i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++)
        limit = limit * 10 + (size_t)(text[i] - '0');
    return limit != 0 ? limit : USUAL;
}

uint64_t os_random(void) {
    int saved_errno = errno;
    uint64_t bits = 0;
    if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != (ssize_t)sizeof bits) {
        /* AT_RANDOM also feeds libc's stack and pointer guards: multiply, so that a reader of our
         * bits does not read theirs. */
        const unsigned char *seed = (const unsigned char *)getauxval(AT_RANDOM);
        uint64_t halves[2] = {0, 0};
        if (seed != NULL)
            memcpy(halves, seed, sizeof halves);
        bits = (halves[0] ^ (uint64_t)getpid()) * 0x9e3779b97f4a7c15u + halves[1];
        bits = (bits ^ bits >> 32) * 0xd6e8feb86659fd93u;
    }
    errno = saved_errno;
    return bits;
}

bool os_is_privileged(void) {
    return getauxval(AT_SECURE) != 0;
}

void *os_map_shared(const char *path, size_t bytes) {
    int saved_errno = errno;
    void *start = NULL;
    int file = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (file >= 0) {
        struct stat status;
        if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size >= (off_t)bytes)
            start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        close(file);
    }
    errno = saved_errno;
    return start == MAP_FAILED ? NULL : start;
}

/* Going beyond RLIMIT_FSIZE would raise a signal. */
static bool may_write_to(uint64_t end) {
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
           end <= limit.rlim_cur;
}

void *os_extend_shared(const char *path, uint64_t offset, size_t bytes) {
    int saved_errno = errno;
    void *start = NULL;
    int file = may_write_to(offset + bytes) ? open(path, O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;
    if (file >= 0) {
        if (posix_fallocate(file, (off_t)offset, (off_t)bytes) == 0)
            start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)offset);
        close(file);
    }
    errno = saved_errno;
    return start == MAP_FAILED ? NULL : start;
}

void os_unmap_shared(void *start, size_t bytes) {
    int saved_errno = errno;
    munmap(start, bytes);
    errno = saved_errno;
}

void os_detach_shared(void *start, size_t bytes) {
    int saved_errno = errno;
    /* It takes the place of a mapping of the same size, so there is room for it. */
    (void)mmap(start, bytes, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    errno = saved_errno;
}

uint64_t os_clock_ns(void) {
    int saved_errno = errno;
    struct timespec now = {.tv_sec = 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    errno = saved_errno;
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Of glibc's loader: where the kernel put argc, argv and the environment. Absent elsewhere. */
extern void *__libc_stack_end __attribute__((weak));

static char **find_environment(void) {
    if (environ != NULL || &__libc_stack_end == NULL || __libc_stack_end == NULL)
        return environ;
    const long *argument_count = __libc_stack_end;
    return (char **)__libc_stack_end + 1 + *argument_count + 1;
}

bool os_has_environment(void) {
    return find_environment() != NULL;
}

const char *os_environment(const char *name) {
    size_t length = strlen(name);
    for (char **entry = find_environment(); entry != NULL && *entry != NULL; entry++)
        if (**entry == *name && strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return *entry + length + 1;
    return NULL;
}

/* Every sanitizer that replaces malloc exports this name beside it. */
extern void __interceptor_malloc(void) __attribute__((weak));

/* valgrind's tools replace malloc in the code that they run, ours too, but not each name of the
 * family. They preload a library of their own; tools that leave malloc alone only have the core. */
static bool has_valgrind_tool(void) {
    const char *preloaded = os_environment("LD_PRELOAD");
    static const char tool[] = "/vgpreload_";
    for (; preloaded != NULL; preloaded++) {
        preloaded = strstr(preloaded, tool);
        if (preloaded == NULL)
            return false;
        if (strncmp(preloaded + strlen(tool), "core", 4) != 0)
            return true;
    }
    return false;
}

bool os_has_memory_tool(void) {
    return &__interceptor_malloc != NULL || has_valgrind_tool();
}

bool os_is_stream_buffer(const void *block) {
#ifdef __GLIBC__
    return block == stdin->_IO_buf_base || block == stdout->_IO_buf_base ||
           block == stderr->_IO_buf_base;
#else
    (void)block;
    return false;
#endif
}

uint64_t os_process_id(void) {
    return (uint64_t)getpid();
}

uint64_t os_thread_id(void) {
    return (uint64_t)syscall(SYS_gettid);
}

bool os_thread_is_gone(uint64_t process, uint64_t thread) {
    int saved_errno = errno;
    bool gone = syscall(SYS_tgkill, (pid_t)process, (pid_t)thread, 0) != 0 && errno == ESRCH;
    errno = saved_errno;
    return gone;
}

size_t os_thread_count(void) {
    struct stat about;
    int saved_errno = errno;
    bool found = stat("/proc/self/task", &about) == 0 && about.st_nlink > 2;
    errno = saved_errno;
    return found ? (size_t)about.st_nlink - 2 : 0;
}

void os_program_name(char *name, size_t bytes) {
    int saved_errno = errno;
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    size_t base_bytes = strnlen(base, bytes - 1);
    memcpy(name, base, base_bytes);
    memset(name + base_bytes, 0, bytes - base_bytes);
    errno = saved_errno;
}

void os_write_error(const char *text, size_t bytes) {
    int saved_errno = errno;
    while (bytes > 0) {
        ssize_t written = write(STDERR_FILENO, text, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break;
        text += written;
        bytes -= (size_t)written;
    }
    errno = saved_errno;
}

bool os_find_module(const void *address, const char **module, uintptr_t *offset) {
    Dl_info info;
    if (dladdr(address, &info) == 0 || info.dli_fname == NULL)
        return false;
    const char *slash = strrchr(info.dli_fname, '/');
    *module = slash != NULL ? slash + 1 : info.dli_fname;
    *offset = (uintptr_t)address - (uintptr_t)info.dli_fbase;
    return true;
}
