#!/bin/sh
# If this failed, a program that the loader's auditors look at (LD_AUDIT, rtld-audit(7)) would not
# end as without the library.
set -u
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh

cat >"$work/auditor.c" <<'C'
#include <stdlib.h>
unsigned la_version(unsigned version) {
    free(malloc(100));
    return version;
}
C
cat >"$work/program.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
static void *block[100];
int main(void) {
    for (int i = 0; i < 100; i++)
        block[i] = malloc((size_t)i * 50);
    for (int i = 0; i < 100; i++)
        free(block[i]);
    void *library = dlopen("libm.so.6", RTLD_NOW);
    if (library != NULL)
        dlclose(library);
    return 0;
}
C
"$cc" -w -shared -fPIC -o "$work/auditor.so" "$work/auditor.c"
"$cc" -w -fno-builtin -o "$work/program" "$work/program.c" -ldl
for options in strategy=metadata strategy=tagged harden=on leaks=on harden=on,leaks=on \
    leaks=on,origins=4; do
    succeeds "a program with an auditor ends as without the library ($options)" \
        env LD_AUDIT="$work/auditor.so" LD_PRELOAD="$library" TAGPOOL_OPTIONS="$options" \
        "$work/program"
done
succeeds "a program with an auditor ends as without the tracing library" \
    env LD_AUDIT="$work/auditor.so" LD_PRELOAD="$build/libtagpool-trace.so" "$work/program"
finish
