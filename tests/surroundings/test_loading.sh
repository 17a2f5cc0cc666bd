#!/bin/sh
# If this failed, the library would not live with what a program loads beside it: C++ libraries that
# come and go, libraries bound to the C library's own malloc, other preloaded libraries in either
# order (allocators, a sanitizer's, a profiler's), a malloc in the executable.
set -u
# shellcheck source=tests/harness/tap.sh
. tests/harness/tap.sh

cat >"$work/plugin.cpp" <<'C'
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <string>
#include <thread>
#include <vector>
static std::map<int, std::string> table{{1, std::string(200, 'a')}, {2, "two"}};
struct held {
    std::vector<int> numbers;
    held() : numbers(100, 7) {}
    ~held() { numbers.push_back(1); }
};
static thread_local held per_thread;
extern "C" char *plugin_run(int round) {
    table[round] = std::string(static_cast<size_t>(round % 300), 'x');
    std::thread other([] { per_thread.numbers.push_back(3); });
    other.join();
    try {
        throw std::string("caught");
    } catch (const std::string &text) {
        return strdup(text.c_str());
    }
}
C
cat >"$work/plugin_oom.cpp" <<'C'
#include <cstring>
#include <new>
extern "C" char *plugin_run(int) {
    volatile size_t much = static_cast<size_t>(1) << 60;
    if (::operator new[](much, std::nothrow) != nullptr)
        return nullptr;
    try {
        ::operator delete[](::operator new[](much));
    } catch (const std::bad_alloc &) {
        return strdup("caught");
    }
    return nullptr;
}
C
cat >"$work/plugin_c.c" <<'C'
#include <stdlib.h>
#include <string.h>
void plugin_free(void *block) { free(block); }
char *plugin_run(int round) {
    char *own = malloc((size_t)round + 10);
    own = realloc(own, 3000);
    free(own);
    return strdup("caught");
}
C
cat >"$work/host.c" <<'C'
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static size_t resident_kib(void) {
    size_t all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%zu %zu", &all, &resident) != 2)
        return 0;
    fclose(file);
    return resident * 4;
}
int main(int count, char **arguments) {
    int flags = count > 2 && strcmp(arguments[2], "deepbind") == 0 ? RTLD_DEEPBIND : 0;
    size_t settled = 0;
    for (int round = 0; round < 400; round++) {
        void *plugin = dlopen(arguments[1], RTLD_NOW | flags);
        if (plugin == NULL)
            return puts(dlerror()), 1;
        char *(*plugin_run)(int) = (char *(*)(int))dlsym(plugin, "plugin_run");
        char *text = plugin_run(round);
        void (*plugin_free)(void *) = (void (*)(void *))dlsym(plugin, "plugin_free");
        if (plugin_free != NULL)
            plugin_free(malloc(50));
        dlclose(plugin);
        if (strcmp(text, "caught") != 0)
            return 2;
        free(realloc(text, 500));
        if (round == 100)
            settled = resident_kib();
    }
    if (resident_kib() > settled + 1024)
        return printf("%zu KiB became %zu\n", settled, resident_kib()), 3;
    return 0;
}
C
cat >"$work/early.c" <<'C'
/* A library whose fork handlers allocate, and take a lock under which threads allocate. The program
 * needs it, so its constructor runs before those of preloaded ones. */
#include <pthread.h>
#include <stdlib.h>
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void use(void) {
    void *block[500];
    for (int i = 0; i < 500; i++)
        block[i] = malloc(2000);
    for (int i = 0; i < 500; i++)
        free(block[i]);
}
static void before(void) {
    pthread_mutex_lock(&mutex);
    use();
}
static void after(void) {
    use();
    pthread_mutex_unlock(&mutex);
}
__attribute__((constructor)) static void init(void) { pthread_atfork(before, after, after); }
void early_use(void) {
    pthread_mutex_lock(&mutex);
    use();
    pthread_mutex_unlock(&mutex);
}
C
cat >"$work/locking.c" <<'C'
/* An allocator with a lock, which it holds over forks. */
#include <pthread.h>
#include <stddef.h>
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void lock(void) { pthread_mutex_lock(&mutex); }
static void unlock(void) { pthread_mutex_unlock(&mutex); }
__attribute__((constructor)) static void init(void) { pthread_atfork(lock, unlock, unlock); }
#define LOCKED(name, parameters, arguments)                                                        \
    void *__libc_##name parameters;                                                                \
    void *name parameters {                                                                        \
        lock();                                                                                    \
        void *result = __libc_##name arguments;                                                    \
        unlock();                                                                                  \
        return result;                                                                             \
    }
LOCKED(malloc, (size_t bytes), (bytes))
LOCKED(calloc, (size_t count, size_t bytes), (count, bytes))
LOCKED(realloc, (void *block, size_t bytes), (block, bytes))
LOCKED(memalign, (size_t alignment, size_t bytes), (alignment, bytes))
void __libc_free(void *block);
void free(void *block) {
    lock();
    __libc_free(block);
    unlock();
}
C
cat >"$work/forks.c" <<'C'
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
void early_use(void);
static void *use(void *argument) {
    for (;;) {
        early_use();
        usleep(100);
    }
    return argument;
}
int main(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, use, NULL);
    for (int i = 0; i < 50; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            early_use();
            _exit(0);
        }
        waitpid(pid, NULL, 0);
    }
    puts("ended");
    fflush(stdout);
    _exit(0);
}
C
cat >"$work/calm.c" <<'C'
/* It forks beside a thread, with no handlers that allocate. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void *use(void *argument) {
    for (size_t bytes = 1;; bytes = bytes % 20000 + 7)
        free(malloc(bytes));
    return argument;
}
int main(void) {
    pthread_t thread;
    int status = 0;
    pthread_create(&thread, NULL, use, NULL);
    for (int i = 0; i < 20 && status == 0; i++) {
        pid_t pid = fork();
        for (size_t bytes = 1; bytes < 20000; bytes += 100)
            free(malloc(bytes));
        if (pid == 0)
            _exit(0);
        waitpid(pid, &status, 0);
    }
    _exit(status != 0);
}
C
cat >"$work/late.c" <<'C'
/* late LIBRARY: it comes by dlopen(), after fork handlers that call it, serves threads, and is
 * closed while they live. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
static void *(*take)(size_t);
static void (*give)(void *);
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int stage;
static void use(void) {
    void *block[500];
    for (int i = 0; i < 500; i++)
        block[i] = take(2000);
    for (int i = 0; i < 500; i++)
        give(block[i]);
}
static void before(void) {
    pthread_mutex_lock(&mutex);
    if (take != NULL)
        use();
}
static void after(void) {
    if (take != NULL)
        use();
    pthread_mutex_unlock(&mutex);
}
static void *serve(void *argument) {
    do {
        pthread_mutex_lock(&mutex);
        use();
        pthread_mutex_unlock(&mutex);
        usleep(100);
    } while (__atomic_load_n(&stage, __ATOMIC_RELAXED) == 0);
    return argument;
}
int main(int count, char **arguments) {
    pthread_t thread[3];
    int status = 0;
    pthread_atfork(before, after, after);
    for (int round = 0; round < 3; round++) {
        void *library = dlopen(arguments[1], RTLD_NOW);
        if (library == NULL)
            return puts(dlerror()), 1;
        take = (void *(*)(size_t))dlsym(library, "malloc");
        give = (void (*)(void *))dlsym(library, "free");
        __atomic_store_n(&stage, 0, __ATOMIC_RELAXED);
        for (int i = 0; i < 3; i++)
            pthread_create(&thread[i], NULL, serve, NULL);
        for (int i = 0; i < 20; i++) {
            pid_t pid = fork();
            if (pid == 0)
                _exit(0);
            if (waitpid(pid, &status, 0) != pid || status != 0)
                return 2;
        }
        dlclose(library);
        __atomic_store_n(&stage, 1, __ATOMIC_RELAXED);
        for (int i = 0; i < 3; i++)
            pthread_join(thread[i], NULL);
    }
    return puts("ended") < 0;
}
C
cat >"$work/other.c" <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
void *other_take(size_t bytes) { return malloc(bytes); }
void other_give(void *block) { free(block); }
int other_fork(void) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        free(malloc(100));
        _exit(0);
    }
    return waitpid(pid, &status, 0) == pid ? status : -1;
}
C
cat >"$work/namespace.c" <<'C'
/* namespace LIBRARY: it is loaded into a namespace of its own, with a C library of its own, whose
 * fork() knows no handlers of this one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static int stop;
static void *use(void *argument) {
    while (__atomic_load_n(&stop, __ATOMIC_RELAXED) == 0)
        for (size_t bytes = 0; bytes < 3000; bytes += 10)
            free(malloc(bytes));
    return argument;
}
int main(int count, char **arguments) {
    pthread_t thread;
    void *library = dlmopen(LM_ID_NEWLM, arguments[1], RTLD_NOW);
    if (library == NULL)
        return puts(dlerror()), 1;
    void *(*take)(size_t) = (void *(*)(size_t))dlsym(library, "other_take");
    void (*give)(void *) = (void (*)(void *))dlsym(library, "other_give");
    int (*forks)(void) = (int (*)(void))dlsym(library, "other_fork");
    pthread_create(&thread, NULL, use, NULL);
    for (size_t i = 0; i < 100; i++) {
        give(take(i * 30));
        if (i % 5 == 0 && forks() != 0)
            return 2;
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    return dlclose(library);
}
C
cat >"$work/own.c" <<'C'
#include <stdio.h>
#include <stddef.h>
static _Alignas(16) char arena[1 << 22];
static size_t used;
void *malloc(size_t bytes) {
    void *block = arena + used;
    used += (bytes + 15) / 16 * 16;
    return block;
}
void free(void *block) { (void)block; }
void *calloc(size_t count, size_t bytes) { return malloc(count * bytes); }
void *realloc(void *block, size_t bytes) {
    char *moved = malloc(bytes);
    for (size_t i = 0; block != NULL && i < bytes; i++)
        moved[i] = ((char *)block)[i];
    return moved;
}
int main(void) {
    for (int i = 0; i < 1000; i++)
        free(realloc(malloc((size_t)i), 100));
    return puts("own") < 0;
}
C

cat >"$work/part.c" <<'C'
/* A part of the family, as for a count of calls, ends at the C library's own names. */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static unsigned long calls;
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void __libc_free(void *block);
#if PART & 1
void *malloc(size_t bytes) { return calls++, __libc_malloc(bytes); }
#endif
#if PART & 2
void free(void *block) { calls++, __libc_free(block); }
#endif
#if PART & 4
void *calloc(size_t count, size_t bytes) { return calls++, __libc_calloc(count, bytes); }
#endif
#if PART & 8
void *realloc(void *block, size_t bytes) { return calls++, __libc_realloc(block, bytes); }
#endif
int main(void) {
    void *aligned = NULL;
    for (size_t bytes = 1; bytes < 5000; bytes += 9) {
        free(malloc(bytes));
        free(calloc(bytes, 3));
        free(realloc(malloc(bytes), bytes * 2));
        free(realloc(calloc(1, bytes), bytes / 2 + 1));
        free(reallocarray(NULL, bytes, 2));
        free(strdup("text"));
        free(aligned_alloc(64, 128));
        free(memalign(32, bytes));
        if (posix_memalign(&aligned, 256, bytes) != 0)
            return 1;
        free(realloc(aligned, bytes * 3));
    }
    return printf("%lu\n", calls) < 0;
}
C

shimmed() {
    env LD_PRELOAD="$library" TAGPOOL_OPTIONS="$options" "$@"
}

"$cc" -O1 -w -o "$work/host" "$work/host.c" -ldl
"$cc" -O1 -w -shared -fPIC -o "$work/plugin_c.so" "$work/plugin_c.c"
"$cc" -O1 -w -fno-builtin -o "$work/own" "$work/own.c"
# The sums of 1 malloc, 2 free, 4 calloc, 8 realloc.
parts='1 2 3 7 8 11 12 15'
for part in $parts; do
    "$cc" -O1 -w -fno-builtin "-DPART=$part" -o "$work/part$part" "$work/part.c"
done
has_cxx=
"${CXX:-c++}" -O1 -w -shared -fPIC -o "$work/plugin.so" "$work/plugin.cpp" 2>/dev/null &&
    "${CXX:-c++}" -O1 -w -shared -fPIC -o "$work/plugin_oom.so" "$work/plugin_oom.cpp" &&
    has_cxx=yes

for options in strategy=metadata strategy=tagged strategy=direct harden=on; do
    if [ -n "$has_cxx" ]; then
        succeeds "a C++ library may come and go with $options" \
            shimmed "$work/host" "$work/plugin.so"
        succeeds "one of a C program may run out of memory with $options" \
            shimmed "$work/host" "$work/plugin_oom.so"
    else
        skip "a C++ library may come and go with $options" "there is no C++ compiler"
        skip "one of a C program may run out of memory with $options" "there is no C++ compiler"
    fi
    succeeds "a library bound to libc's own malloc may free the program's blocks with $options" \
        shimmed "$work/host" "$work/plugin_c.so" deepbind
    succeeds "a program with a malloc of its own keeps it with $options" shimmed "$work/own"
    for part in $parts; do
        succeeds "part $part of a family may end at the C library's own with $options" \
            shimmed "$work/part$part"
    done
done

plugin=$work/plugin_c.so
[ -z "$has_cxx" ] || plugin=$work/plugin.so

# libasan would keep what is freed.
export ASAN_OPTIONS=quarantine_size_mb=0:thread_local_quarantine_size_kb=0

# together SENTENCE FIRST SECOND [PLUGIN]: the program runs with both preloaded, in that order.
together() {
    succeeds "$1 with $options" env LD_PRELOAD="$2 $3" TAGPOOL_OPTIONS="$options" \
        DUMP_HEAPTRACK_OUTPUT="$work/heaptrack" "$work/host" "${4:-$plugin}"
}

# The other allocators in front of the library and behind it.
for options in strategy=metadata harden=on; do
    for name in libjemalloc.so.2 libmimalloc.so.2.0 libmimalloc.so.2 libtcmalloc_minimal.so.4 \
        libtbbmalloc_proxy.so.2; do
        if ! env LD_PRELOAD="$name" true 2>"$work/output" || [ -s "$work/output" ]; then
            [ $name = libmimalloc.so.2 ] || skip "$name beside the library with $options" \
                "it is not installed"
            continue
        fi
        together "$name may stand behind the library" "$library" $name
        [ -z "$has_cxx" ] ||
            together "C++ may run out of memory before $name" "$library" $name \
                "$work/plugin_oom.so"
        together "$name may stand before the library" $name "$library"
    done
done

# A tool that watches calls of malloc on their way.
heaptrack=
for place in /usr/lib/heaptrack /usr/lib/*/heaptrack; do
    [ ! -e "$place/libheaptrack_preload.so" ] || heaptrack=$place/libheaptrack_preload.so
done
for options in strategy=metadata harden=on; do
    if [ -n "$heaptrack" ]; then
        together "heaptrack may stand behind the library" "$library" "$heaptrack"
        rm -f "$work/heaptrack"
        together "heaptrack may stand before the library" "$heaptrack" "$library"
        grep -c '^+' "$work/heaptrack" >"$work/output"
        read -r calls <"$work/output"
        [ "$calls" -gt 400 ]
        check $? "and counts the calls ($calls) with $options"
    else
        skip "heaptrack's library beside the library with $options" "heaptrack is not installed"
    fi
    # libasan cannot bear a C++ library that comes later, with or without ours.
    asan=$("$cc" -print-file-name=libasan.so)
    if [ -e "$asan" ]; then
        together "libasan may stand behind the library" "$library" "$asan" "$work/plugin_c.so"
        together "libasan may stand before the library" "$asan" "$library" "$work/plugin_c.so"
    else
        skip "libasan beside the library with $options" "$cc has none"
    fi
done

# ---- handlers of forks ----

# Each is given up after so many seconds.
ends() {
    sentence=$1
    shift
    run timeout -s KILL 120 "$@"
    check "$status" "$sentence ends"
}

"$cc" -O1 -w -fno-builtin -shared -fPIC -o "$work/libearly.so" "$work/early.c" -lpthread
echo 'int first;' | "$cc" -x c -shared -fPIC -Wl,-z,initfirst -o "$work/first.so" -
"$cc" -O1 -w -fno-builtin -shared -fPIC -o "$work/locking.so" "$work/locking.c" -lpthread
"$cc" -O1 -w -o "$work/calm" "$work/calm.c" -lpthread
"$cc" -O1 -w -o "$work/forks" "$work/forks.c" -L"$work" -learly -lpthread -Wl,-rpath,"$work"
"$cc" -O1 -w -o "$work/late" "$work/late.c" -ldl -lpthread
for options in strategy=direct strategy=metadata strategy=tagged harden=on; do
    ends "a program that forks beside a library of handlers ($options)" \
        env LD_PRELOAD="$library" TAGPOOL_OPTIONS="$options" "$work/forks"
    ends "the same with a library that wants to be the first behind ours ($options)" \
        env LD_PRELOAD="$library $work/first.so" TAGPOOL_OPTIONS="$options" "$work/forks"
    ends "the same with that library before ours ($options)" \
        env LD_PRELOAD="$work/first.so $library" TAGPOOL_OPTIONS="$options" "$work/forks"
    ends "the same with the library of handlers before ours ($options)" \
        env LD_PRELOAD="$work/libearly.so $library" TAGPOOL_OPTIONS="$options" "$work/forks"
    ends "a program that forks beside threads, with an allocator behind that locks ($options)" \
        env LD_PRELOAD="$library $work/locking.so" TAGPOOL_OPTIONS="$options" "$work/calm"
    ends "the same with that allocator before ours ($options)" \
        env LD_PRELOAD="$work/locking.so $library" TAGPOOL_OPTIONS="$options" "$work/calm"
    ends "a program that forks, and closes the library beside its threads ($options)" \
        env TAGPOOL_OPTIONS="$options" "$work/late" "$library"
done
"$cc" -O1 -w -fno-builtin -shared -fPIC -o "$work/libother.so" "$work/other.c"
"$cc" -O1 -w -fno-builtin -o "$work/namespace" "$work/namespace.c" -ldl -lpthread
for options in strategy=metadata harden=on; do
    ends "a program that forks in a namespace of its own ($options)" \
        env LD_PRELOAD="$library" TAGPOOL_OPTIONS="$options" "$work/namespace" "$work/libother.so"
done
for command in 'profile --no-plain' "record -o $work/trace"; do
    # shellcheck disable=SC2086 # words
    ends "a program that forks beside a library of handlers, under tagpool ${command%% *},"\
        "$build/tagpool" $command -- "$work/forks"
done
ends "a program that forks, and closes the tracing library beside its threads" \
    "$work/late" "$build/libtagpool-trace.so"

ends "a program that forks with such an allocator behind the tracing library" \
    env LD_PRELOAD="$build/libtagpool-trace.so $work/locking.so" "$work/calm"

succeeds "libtagpool-trace.so may stand before the library" \
    env LD_PRELOAD="$build/libtagpool-trace.so $library" "$work/host" "$work/plugin_c.so"
succeeds "libtagpool-trace.so may stand behind the library" \
    env LD_PRELOAD="$library $build/libtagpool-trace.so" "$work/host" "$work/plugin_c.so"
finish
