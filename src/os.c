#include "os.h"

#include "kernel.h"
#include "libc.h"
#include "startup.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* linux/mman.h: MADV_DONTNEED_LOCKED, which the headers of older C libraries do not have. */
enum { OS_DONTNEED_LOCKED = 24 };

/* Kept: it is asked again and again. Relaxed: each thread finds the same. */
size_t os_page_bytes(void) {
    static size_t page_bytes; /* not FIXED: it may be asked for the first time late */
    size_t bytes = __atomic_load_n(&page_bytes, __ATOMIC_RELAXED);
    if (UNLIKELY(bytes == 0)) {
        bytes = startup_auxiliary(AT_PAGESZ);
        __atomic_store_n(&page_bytes, bytes, __ATOMIC_RELAXED);
    }
    return bytes;
}

size_t os_round_to_page(size_t bytes) {
    size_t page_bytes = os_page_bytes();
    return (bytes + page_bytes - 1) & ~(page_bytes - 1);
}

/* The result of a call that maps, NULL if it failed. */
static void *mapped(long result) {
    return kernel_failed(result) ? NULL : (void *)result;
}

static void *map_nothing(size_t bytes) {
    return mapped(
        KERNEL(mmap, 0, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}

static bool is_aligned(const void *start, size_t alignment) {
    return start != NULL && (uintptr_t)start % alignment == 0;
}

/* What was reserved, to know it among the mappings of the process: most processes reserve no more
 * than the first few. */
enum { RESERVED_MOST = 64, RESERVED_BY_MOST = 4 };
struct reserved {
    _Atomic(uintptr_t) start;
    _Atomic(uintptr_t) end; /* 0: it was given back */
};
static _Atomic(uint32_t) reserved_count;
static struct reserved first_reserved[RESERVED_BY_MOST];
static SELDOM struct reserved more_reserved[RESERVED_MOST - RESERVED_BY_MOST];

static struct reserved *reserved_at(uint32_t number) {
    return number < RESERVED_BY_MOST ? &first_reserved[number]
                                     : &more_reserved[number - RESERVED_BY_MOST];
}

static uint32_t reserved_end(void) {
    uint32_t count = atomic_load_explicit(&reserved_count, memory_order_relaxed);
    return count < RESERVED_MOST ? count : RESERVED_MOST;
}

static uintptr_t get(const _Atomic(uintptr_t) *place) {
    return atomic_load_explicit(place, memory_order_relaxed);
}

static void note_reserved(uintptr_t start, uintptr_t end) {
    uint32_t number = atomic_fetch_add_explicit(&reserved_count, 1, memory_order_relaxed);
    if (number >= RESERVED_MOST)
        return;
    atomic_store_explicit(&reserved_at(number)->start, start, memory_order_relaxed);
    atomic_store_explicit(&reserved_at(number)->end, end, memory_order_relaxed);
}

/* What lies there from now on is somebody else's. */
static void forget_reserved(uintptr_t start, uintptr_t end) {
    for (uint32_t i = 0; i < reserved_end(); i++) {
        struct reserved *area = reserved_at(i);
        uintptr_t first = get(&area->start), last = get(&area->end);
        if (first >= end || last <= start)
            continue;
        if (last > end)
            note_reserved(end, last);
        atomic_store_explicit(&area->end, first < start ? start : 0, memory_order_relaxed);
    }
}

APART uintptr_t os_start_of_reserved(uintptr_t start, uintptr_t end) {
    for (uint32_t i = 0; i < reserved_end(); i++) {
        uintptr_t first = get(&reserved_at(i)->start);
        if (first >= start && first < end && get(&reserved_at(i)->end) != 0)
            end = first;
    }
    return end;
}

APART uintptr_t os_end_of_reserved(uintptr_t start, uintptr_t end) {
    for (uint32_t i = 0; i < reserved_end(); i++) {
        uintptr_t last = get(&reserved_at(i)->end);
        if (get(&reserved_at(i)->start) <= start && start < last)
            return last < end ? last : end;
    }
    return start;
}

static void *reserve(size_t bytes, size_t alignment) {
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
    if (whole == NULL)
        return NULL;
    char *start = (char *)(((uintptr_t)whole + alignment - 1) & ~(uintptr_t)(alignment - 1));
    size_t before_bytes = (size_t)(start - whole);
    os_unreserve(whole, before_bytes);
    os_unreserve(start + bytes, whole_bytes - before_bytes - bytes);
    return start;
}

static _Atomic(unsigned) lock_flags; /* of mlockall(2), for what is to come; 0: none */

void os_lock_commits(unsigned flags) {
    atomic_store_explicit(&lock_flags, flags, memory_order_relaxed);
}

bool os_locks_commits(void) {
    return atomic_load_explicit(&lock_flags, memory_order_relaxed) != 0;
}

static void lock(void *start, size_t bytes) {
    enum { ALL_ON_FAULT = 4, ON_FAULT = 1 }; /* MCL_ONFAULT, MLOCK_ONFAULT: since Linux 4.4 */
    unsigned flags = atomic_load_explicit(&lock_flags, memory_order_relaxed);
    KERNEL(mlock2, start, bytes, (flags & ALL_ON_FAULT) != 0 ? ON_FAULT : 0);
}

void os_unlock(void *start, size_t bytes) {
    if (bytes != 0)
        KERNEL(munlock, start, bytes);
}

void *os_reserve(size_t bytes, size_t alignment) {
    void *start = reserve(bytes, alignment);
    if (start != NULL)
        note_reserved((uintptr_t)start, (uintptr_t)start + bytes);
    if (start != NULL && os_locks_commits())
        os_unlock(start, bytes);
    return start;
}

APART void *os_share(size_t bytes) {
    return mapped(KERNEL(mmap, 0, bytes, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}

void os_unreserve(void *start, size_t bytes) {
    if (bytes == 0)
        return;
    forget_reserved((uintptr_t)start, (uintptr_t)start + bytes);
    KERNEL(munmap, start, bytes);
}

static bool protect(void *start, size_t bytes, int protection) {
    return !kernel_failed(KERNEL(mprotect, start, bytes, protection));
}

/* What the system does not let be locked serves all the same. */
bool os_commit(void *start, size_t bytes) {
    bool committed = protect(start, bytes, PROT_READ | PROT_WRITE);
    if (committed && UNLIKELY(os_locks_commits()))
        lock(start, bytes);
    return committed;
}

void os_freeze(void *start, size_t bytes) {
    (void)protect(start, bytes, PROT_READ);
}

static bool advise(void *start, size_t bytes, int advice) {
    return !kernel_failed(KERNEL(madvise, start, bytes, advice));
}

bool os_wipe_on_fork(void *start, size_t bytes) {
    return advise(start, bytes, MADV_WIPEONFORK);
}

void os_leave_out_of_dumps(void *start, size_t bytes) {
    (void)advise(start, bytes, MADV_DONTDUMP);
}

void os_put_into_dumps(void *start, size_t bytes) {
    (void)advise(start, bytes, MADV_DODUMP);
}

/* Locked memory goes back by a call of its own, since Linux 5.18. */
bool os_purge(void *start, size_t bytes) {
    return advise(start, bytes, MADV_DONTNEED) || advise(start, bytes, OS_DONTNEED_LOCKED);
}

bool os_hide(void *start, size_t bytes) {
    return protect(start, bytes, PROT_NONE);
}

bool os_withdraw(void *start, size_t bytes) {
    os_leave_out_of_dumps(start, bytes);
    return os_hide(start, bytes) && os_purge(start, bytes);
}

/* A new mapping would be locked, and count as that before it is unlocked. */
APART bool os_vacate(void *start, size_t bytes) {
    if (os_locks_commits()) {
        os_unlock(start, bytes);
        return os_withdraw(start, bytes);
    }
    if (mapped(KERNEL(mmap, start, bytes, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0)) == NULL)
        return false;
    os_leave_out_of_dumps(start, bytes);
    return true;
}

bool os_move_pages(void *start, size_t bytes, void *target) {
    enum { MAY_MOVE = 1, FIXED_TARGET = 2, KEEP_SOURCE = 4 }; /* MREMAP_..., since Linux 5.7 */
    return !kernel_failed(
        KERNEL(mremap, start, bytes, bytes, MAY_MOVE | FIXED_TARGET | KEEP_SOURCE, target));
}

APART bool os_find_absent(const void *start, size_t bytes, size_t *first, size_t *end) {
    unsigned char pages[256];
    size_t count = bytes / os_page_bytes(), i = 0;
    if (count > sizeof pages || kernel_failed(KERNEL(mincore, start, bytes, pages)))
        return false;
    while (i < count && (pages[i] & 1) != 0)
        i++;
    *first = i * os_page_bytes();
    while (i < count && (pages[i] & 1) == 0)
        i++;
    *end = i * os_page_bytes();
    while (i < count && (pages[i] & 1) != 0)
        i++;
    return i == count;
}

static void advise_whole_pages(void *start, size_t bytes, int advice) {
    uintptr_t first = os_round_to_page((uintptr_t)start);
    uintptr_t end = ((uintptr_t)start + bytes) & ~(uintptr_t)(os_page_bytes() - 1);
    if (first < end)
        advise((void *)first, end - first, advice);
}

void os_use_huge_pages(void *start, size_t bytes) {
    advise_whole_pages(start, bytes, MADV_HUGEPAGE);
}

void os_use_no_huge_pages(void *start, size_t bytes) {
    advise_whole_pages(start, bytes, MADV_NOHUGEPAGE);
}

static size_t limit_of(int resource) {
    struct rlimit limit;
    bool limited = !kernel_failed(KERNEL(prlimit64, 0, resource, NULL, &limit)) &&
                   limit.rlim_cur != RLIM_INFINITY;
    return limited ? (size_t)limit.rlim_cur : SIZE_MAX;
}

/* Of membarrier(2); old systems lack its header. */
enum { MEMBARRIER_PRIVATE = 1 << 3, MEMBARRIER_REGISTER_PRIVATE = 1 << 4 };

static bool membarrier(int command) {
    return !kernel_failed(KERNEL(membarrier, command, 0, 0));
}

void os_prepare_to_order_threads(void) {
    (void)membarrier(MEMBARRIER_REGISTER_PRIVATE);
}

bool os_order_threads(void) {
    return membarrier(MEMBARRIER_PRIVATE) ||
           (membarrier(MEMBARRIER_REGISTER_PRIVATE) && membarrier(MEMBARRIER_PRIVATE));
}

size_t os_address_space_limit(void) {
    return limit_of(RLIMIT_AS);
}

bool os_is_data_limited(void) {
    return limit_of(RLIMIT_DATA) != SIZE_MAX;
}

/* The number that a file of the system's begins with; 0 if it cannot be read. */
APART static size_t read_number(const char *path) {
    char text[24];
    long length = -1;
    long file = KERNEL(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (!kernel_failed(file)) {
        length = KERNEL(read, file, text, sizeof text);
        KERNEL(close, file);
    }
    size_t number = 0;
    for (long i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++)
        number = number * 10 + (size_t)(text[i] - '0');
    return number;
}

size_t os_address_space_used(void) {
    return read_number("/proc/self/statm") * os_page_bytes();
}

size_t os_mapping_limit(void) {
    enum { USUAL = 65530 };
    size_t limit = read_number("/proc/sys/vm/max_map_count");
    return limit != 0 ? limit : USUAL;
}

uint64_t os_random(void) {
    uint64_t bits = 0;
    if (KERNEL(getrandom, &bits, sizeof bits, GRND_NONBLOCK) != (long)sizeof bits) {
        /* AT_RANDOM also feeds libc's stack and pointer guards: multiply, so that a reader of our
         * bits does not read theirs. */
        const unsigned char *seed = (const unsigned char *)startup_auxiliary(AT_RANDOM);
        uint64_t halves[2] = {0, 0};
        if (seed != NULL)
            memcpy(halves, seed, sizeof halves);
        bits = (halves[0] ^ os_process_id()) * 0x9e3779b97f4a7c15u + halves[1];
        bits = (bits ^ bits >> 32) * 0xd6e8feb86659fd93u;
    }
    return bits;
}

bool os_is_privileged(void) {
    return startup_auxiliary(AT_SECURE) != 0;
}

/* ---- the process ---- */

APART uint64_t os_process_namespace(void) {
    struct stat about = {.st_ino = 0};
    long result = KERNEL(newfstatat, AT_FDCWD, "/proc/self/ns/pid", &about, 0);
    return kernel_failed(result) ? 0 : (uint64_t)about.st_ino;
}

/* As it was told last, where a filter of system calls refuses to tell. */
uint64_t os_process_id(void) {
    static _Atomic(long) known;
    long process = KERNEL(getpid, 0);
    if (kernel_failed(process))
        return (uint64_t)atomic_load_explicit(&known, memory_order_relaxed);
    if (atomic_load_explicit(&known, memory_order_relaxed) != process)
        atomic_store_explicit(&known, process, memory_order_relaxed);
    return (uint64_t)process;
}

bool os_process_lives(uint64_t process_id) {
    return KERNEL(kill, process_id, 0) != -ESRCH;
}

uint64_t os_thread_id(void) {
    return (uint64_t)KERNEL(gettid, 0);
}

bool os_thread_is_gone(uint64_t process, uint64_t thread) {
    return KERNEL(tgkill, process, thread, 0) == -ESRCH;
}

APART size_t os_thread_count(void) {
    struct stat about;
    bool found = !kernel_failed(KERNEL(newfstatat, AT_FDCWD, "/proc/self/task", &about, 0));
    return found && about.st_nlink > 2 ? (size_t)about.st_nlink - 2 : 0;
}

/* Of a mask of signals, which it reads, and does nothing with. */
APART bool os_can_read(const void *page) {
    enum { NO_WAY = -1 };
    return KERNEL(rt_sigprocmask, NO_WAY, page, NULL, sizeof(uint64_t)) != -EFAULT;
}

APART bool os_read_protected(const void *start, size_t bytes, void *copy) {
    long file = KERNEL(openat, AT_FDCWD, "/proc/self/mem", O_RDONLY | O_CLOEXEC);
    if (kernel_failed(file))
        return false;
    long length = KERNEL(pread64, file, copy, bytes, start);
    KERNEL(close, file);
    return length == (long)bytes;
}

void os_nap_ms(void) {
    const struct timespec millisecond = {.tv_nsec = 1000000};
    KERNEL(nanosleep, &millisecond, NULL);
}

/* What is behind the last slash. */
static const char *base_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

void os_program_name(char *name, size_t bytes) {
    char path[4096];
    long length = KERNEL(readlinkat, AT_FDCWD, "/proc/self/exe", path, sizeof path - 1);
    path[kernel_failed(length) ? 0 : length] = '\0';
    const char *base = base_of(path);
    memset(name, 0, bytes);
    for (size_t i = 0; i < bytes - 1 && base[i] != '\0'; i++)
        name[i] = base[i];
}

static bool write_all(const char *text, size_t bytes) {
    while (bytes > 0) {
        long written = KERNEL(write, STDERR_FILENO, text, bytes);
        if (written == -EINTR)
            continue;
        if (written <= 0)
            return written != -EPIPE && written != -EFBIG;
        text += written;
        bytes -= (size_t)written;
    }
    return true;
}

static uint64_t bit_of(int number) {
    return (uint64_t)1 << (number - 1);
}

static _Atomic(bool) may_be_shut_in;

void os_files_are_limited(void) {
    atomic_store_explicit(&may_be_shut_in, true, memory_order_relaxed);
}

/* A signal that was let through before cannot have been pending. */
APART void os_write_error(const char *text, size_t bytes) {
    static const struct timespec at_once = {.tv_sec = 0};
    uint64_t ours = bit_of(SIGPIPE) | bit_of(SIGXFSZ), blocked = 0, pending = 0;
    bool is_shut_in = atomic_load_explicit(&may_be_shut_in, memory_order_relaxed);
    KERNEL(rt_sigprocmask, SIG_BLOCK, &ours, &blocked, sizeof blocked);
    if ((blocked & ours) != 0 && !is_shut_in)
        KERNEL(rt_sigpending, &pending, sizeof pending);
    bool is_written = write_all(text, bytes);
    if (!is_written && is_shut_in)
        blocked |= ours;
    ours &= ~pending;
    if (!is_written && !is_shut_in && ours != 0)
        KERNEL(rt_sigtimedwait, &ours, NULL, &at_once, sizeof ours);
    KERNEL(rt_sigprocmask, SIG_SETMASK, &blocked, NULL, sizeof blocked);
}

#ifdef LIBC_FIND_OBJECT
/* Takes no lock, unlike dladdr(), which waits for a thread that is inside dlopen(). */
APART bool os_find_module(const void *address, const char **module, uintptr_t *offset) {
    struct dl_find_object object;
    if (&_dl_find_object == NULL || _dl_find_object((void *)(uintptr_t)address, &object) != 0)
        return false;
    const char *name = object.dlfo_link_map->l_name; /* empty for the program */
    *module = base_of(*name != '\0' ? name : startup_arguments()[0]);
    *offset = (uintptr_t)address - (uintptr_t)object.dlfo_map_start;
    return true;
}
#else
bool os_find_module(const void *address, const char **module, uintptr_t *offset) {
    Dl_info info;
    if (dladdr(address, &info) == 0 || info.dli_fname == NULL)
        return false;
    *module = base_of(info.dli_fname);
    *offset = (uintptr_t)address - (uintptr_t)info.dli_fbase;
    return true;
}
#endif
