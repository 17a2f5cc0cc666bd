/* The modules that code was seen in: the program and its libraries, each with what names it for
 * good. A module that was closed stays known, and so do the addresses in it: stacks are told long
 * after they were taken.
 *
 * Time is counted in epochs. One ends when a module is met where another was before. So an address
 * and an epoch name a place in one module.
 *
 * Nothing here allocates, waits or calls the loader. Any thread may call it, and a signal handler.
 */
#ifndef MODULES_H
#define MODULES_H

#include "base.h"
#include "cfi.h"

#include <stdatomic.h>

enum { MODULES_MOST = 1024, MODULE_BUILD_ID_BYTES = 32, MODULE_PATH_BYTES = 4096 };

#define MODULE_ALIVE UINT32_MAX

struct module {
    uintptr_t start; /* of its mapping */
    uintptr_t end;
    uintptr_t bias; /* what the loader added to the addresses in its file */
    struct cfi_tables tables;
    const char *path; /* its file; NUL-ended */
    bool is_program;
    _Atomic(uint32_t) born; /* epochs: there from this one on, */
    _Atomic(uint32_t) died; /* and gone in this one; MODULE_ALIVE */
    uint8_t build_id_bytes; /* 0: it has none */
    uint8_t build_id[MODULE_BUILD_ID_BYTES];
};

/* The epoch of now. */
uint32_t modules_epoch(void);

/* The module that an address lies in now. It is noted if it is new. NULL if the address lies in
 * none, if there is no room to note it, or if another thread is noting one at this moment. */
const struct module *modules_find(uintptr_t address);

/* The module that an address lay in, in an epoch; NULL if none is known. */
const struct module *modules_find_in(uintptr_t address, uint32_t epoch);

/* In the child of a fork: a thread that noted a module at that moment is gone. */
void modules_after_fork(void);

/* The modules noted so far, by number from 0 on; NULL after the last. */
const struct module *modules_at(unsigned number);

#endif
