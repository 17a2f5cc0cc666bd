#include "profile/page.h"

#include "base/memory.h"

#include <math.h>
#include <tagpool/version.h>

char *profile_page_take(struct profile *profile, const char *path) {
    const char *fault = profile_file_read(path, &profile->summary);
    if (fault != NULL)
        return memory_copy(fault);
    if (profile->summary.process_count == 0) {
        profile_file_free(&profile->summary);
        return memory_format("the library was not active in %s, which dropped LD_PRELOAD or stops "
                             "it from loading",
                             profile->command[0]);
    }
    advice_make(&profile->summary, profile->has_plain ? profile->plain.cpu_s : 0, &profile->advice);
    profile->version = TAGPOOL_VERSION;
    profile->slowdown =
        profile->has_plain ? profile->profiled.wall_s / profile->plain.wall_s : (double)NAN;
    machine_read(&profile->machine);
    return NULL;
}
