/* If this failed, a function of the malloc family would bypass the library (its blocks would then
 * come from two allocators that do not know each other), or the library would take names that are
 * not its own. */
#include "../harness/tap.h"
#include "behaviour.h"
#include <dlfcn.h>

static const char *const exported[] = {
    "malloc", "calloc", "realloc", "reallocarray", "free", "posix_memalign", "aligned_alloc",
    "memalign", "valloc", "pvalloc", "malloc_usable_size", "cfree", "free_sized",
    "free_aligned_sized", "malloc_trim", "mallinfo", "mallinfo2", "malloc_info", "malloc_stats",
    "mallopt",
    /* what counts the region's address space */
    "setrlimit", "prlimit", "mlockall", "munlockall",
#ifdef LIBC_HAS_RLIMIT64
    "setrlimit64", "prlimit64",
#endif
    /* operator new, new[]: plain, nothrow, aligned, both */
    "_Znwm", "_Znam", "_ZnwmRKSt9nothrow_t", "_ZnamRKSt9nothrow_t", "_ZnwmSt11align_val_t",
    "_ZnamSt11align_val_t", "_ZnwmSt11align_val_tRKSt9nothrow_t",
    "_ZnamSt11align_val_tRKSt9nothrow_t",
    /* operator delete, delete[]: plain, sized, nothrow, aligned, sized and aligned, aligned and
       nothrow */
    "_ZdlPv", "_ZdaPv", "_ZdlPvm", "_ZdaPvm", "_ZdlPvRKSt9nothrow_t", "_ZdaPvRKSt9nothrow_t",
    "_ZdlPvSt11align_val_t", "_ZdaPvSt11align_val_t", "_ZdlPvmSt11align_val_t",
    "_ZdaPvmSt11align_val_t", "_ZdlPvSt11align_val_tRKSt9nothrow_t",
    "_ZdaPvSt11align_val_tRKSt9nothrow_t"};

static const char *const not_exported[] = {"__libc_malloc",  "__libc_free",     "__libc_calloc",
                                           "__libc_realloc", "__libc_memalign", "abort",
                                           "dlsym",          "pthread_create"};

/* The file that the program's calls of `name` go to, or "". */
static const char *home_of(const char *name) {
    Dl_info info;
    void *address = dlsym(RTLD_DEFAULT, name);
    return address != NULL && dladdr(address, &info) != 0 ? info.dli_fname : "";
}

static void every_name_of_the_family_leads_to_the_library(void) {
    if (!shim_is_loaded()) {
        tap_skip("the library is not loaded");
        return;
    }
    for (size_t i = 0; i < sizeof exported / sizeof exported[0]; i++)
        CHECK_SAY(strstr(home_of(exported[i]), "libtagpool.so") != NULL, "%s is in \"%s\"",
                  exported[i], home_of(exported[i]));
}

static void other_names_do_not(void) {
    for (size_t i = 0; i < sizeof not_exported / sizeof not_exported[0]; i++)
        CHECK_SAY(strstr(home_of(not_exported[i]), "libtagpool.so") == NULL, "%s is in \"%s\"",
                  not_exported[i], home_of(not_exported[i]));
}

int main(void) {
    TAP_RUN(every_name_of_the_family_leads_to_the_library);
    TAP_RUN(other_names_do_not);
    return tap_done();
}
