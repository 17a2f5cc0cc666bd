/* What the operating system gives: address space, memory, random bits, one way to speak. With
 * shared.h, which has files, the only one that knows the host.
 *
 * Every function leaves errno as it was, allocates nothing, takes no lock, and may be called from
 * any thread and from a signal handler. Sizes are in bytes; addresses and sizes given are multiples
 * of the page size.
 */
#ifndef OS_H
#define OS_H

#include "base.h"

/* The page size of the running kernel: 4, 16 or 64 KiB. */
size_t os_page_bytes(void);

/* The nearest multiple of the page size that is not below `bytes`. */
size_t os_round_to_page(size_t bytes);

/* Reserve address space (no memory behind it, no access), aligned to `alignment`, a power of two.
 * NULL if refused. */
void *os_reserve(size_t bytes, size_t alignment);

/* Memory that the process shares with its copies; it reads as zero. NULL if there is none. */
void *os_share(size_t bytes);

/* Give reserved address space back. */
void os_unreserve(void *start, size_t bytes);

/* Where the first that was reserved begins from `start` on, at most at `end`; and where what was
 * reserved around `start` ends, at most at `end`: `start` if nothing was. For the end of the
 * process. */
uintptr_t os_start_of_reserved(uintptr_t start, uintptr_t end);
uintptr_t os_end_of_reserved(uintptr_t start, uintptr_t end);

/* From now on lock pages as os_commit() makes them accessible, as mlockall(2) with these flags
 * says; 0: do not. What is reserved counts as locked, too, but for what os_unlock() is called for.
 */
void os_lock_commits(unsigned flags);
void os_unlock(void *start, size_t bytes);
bool os_locks_commits(void);

/* Make reserved pages readable and writable; they read as zero. Frozen ones become writable again,
 * and keep what they hold. False if the system refuses. */
bool os_commit(void *start, size_t bytes);

/* Make pages read-only, or leave them as they are if the system refuses. */
void os_freeze(void *start, size_t bytes);

/* Let committed pages read as zero in each child of a fork, however the child is made. False if the
 * system cannot (before Linux 4.14). */
bool os_wipe_on_fork(void *start, size_t bytes);

/* Let the kernel back the whole pages of some memory with huge ones: advice, which changes no
 * contents. Start and size may be any. */
void os_use_huge_pages(void *start, size_t bytes);

/* Take that advice back, so that the kernel does not fill in what was returned of huge pages. */
void os_use_no_huge_pages(void *start, size_t bytes);

/* Make committed pages inaccessible, return their memory and leave them out of core dumps;
 * os_commit() makes them zeroes again. False if refused. */
bool os_withdraw(void *start, size_t bytes);

/* Make pages what os_reserve() made them, and leave them out of core dumps: without access, without
 * memory, of one mapping with others like them beside them. False if refused. */
bool os_vacate(void *start, size_t bytes);

/* Move the contents of committed pages to others that are not committed, and are after that; the
 * old ones read as zero. False, and nothing done, if the system cannot. */
bool os_move_pages(void *start, size_t bytes, void *target);

/* Of some committed pages, at most 256, those without memory, if they are neighbours: the bytes
 * before the first one and up to the end of the last. Some may have theirs elsewhere (swapped out).
 * False if they lie apart, or are not known. */
bool os_find_absent(const void *start, size_t bytes, size_t *first, size_t *end);

/* Make committed pages inaccessible; os_commit() makes them what they were again. False if refused.
 */
bool os_hide(void *start, size_t bytes);

/* Leave pages out of the process's core dumps, for the time being. Debuggers put what is reserved
 * and inaccessible into those that they write, as zeroes. */
void os_leave_out_of_dumps(void *start, size_t bytes);

/* Put them into its core dumps again. */
void os_put_into_dumps(void *start, size_t bytes);

/* Return the memory behind committed pages; they stay accessible and read as zero. False if it
 * could not be done. */
bool os_purge(void *start, size_t bytes);

/* Tell the kernel that os_order_threads() is to come, which does it if nobody has. While the
 * process has one thread, that is no work; beside others, the kernel waits for all processors, for
 * 10 ms and more. */
void os_prepare_to_order_threads(void);

/* Wait until each thread of the process has passed a full memory barrier: what it did before is
 * seen here, and what it reads afterwards is what was written here before. False where the kernel
 * has no such call. */
bool os_order_threads(void);

/* The limit on this process's address space (RLIMIT_AS), SIZE_MAX if there is none. */
size_t os_address_space_limit(void);

/* What of it the process uses, reservations too; 0 if that cannot be read. */
size_t os_address_space_used(void);

/* True if the process's memory for data is limited (RLIMIT_DATA), used or not. */
bool os_is_data_limited(void);

/* The mappings that the system allows a process; its usual number where that cannot be read. */
size_t os_mapping_limit(void);

/* 64 random bits, from the kernel's generator, or, where it has none to give, from what the loader
 * got at start. */
uint64_t os_random(void);

/* True if the process runs with privileges that its environment must not influence (set-user-id and
 * the like). */
bool os_is_privileged(void);

/* A number that the process shares with those that know each other by the same identifiers; 0 if
 * not known. */
uint64_t os_process_namespace(void);

/* The process identifier. */
uint64_t os_process_id(void);

/* Is there still one of that number? */
bool os_process_lives(uint64_t process_id);

/* The thread identifier. */
uint64_t os_thread_id(void);

/* True if a process has no such thread any more. */
bool os_thread_is_gone(uint64_t process, uint64_t thread);

/* The threads of this process; 0 if not known. */
size_t os_thread_count(void);

/* True if the program can read the page at an address, which may have no memory then. Also true
 * where a filter of system calls does not let it be asked. */
bool os_can_read(const void *page);

/* Copy bytes of one page that the program cannot read, because of mprotect(2) or a protection key.
 * False if there are none, or the system does not show them. */
bool os_read_protected(const void *start, size_t bytes, void *copy);

/* Sleep for a millisecond. */
void os_nap_ms(void);

/* Write the file name of the running program, cut to `bytes` and NUL-ended; empty if not known. */
void os_program_name(char *name, size_t bytes);

/* Write to standard error, all of it or what goes. Who reads it may be gone, or the file may be as
 * large as files may be: that is no reason for a signal to end the program, which has not written.
 *
 * Taking such a signal back needs system calls that a sandbox may kill for. Processes that shut
 * themselves in limit their files, too: who says so has such signals blocked instead, from the
 * first text on that could not be written. */
void os_write_error(const char *text, size_t bytes);
void os_files_are_limited(void);

/* The module (file name, valid while it is loaded) that an address lies in, and its offset there.
 * False if none does. */
bool os_find_module(const void *address, const char **module, uintptr_t *offset);

#endif
