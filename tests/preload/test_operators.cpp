// If this failed, C++ programs would get misaligned or missing objects, no std::bad_alloc when
// memory runs out, or leaks: every form of operator new and delete, called directly and through the
// containers.
#include "../harness/tap.h"
#include "behaviour.h"
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

// The standard declares these; clang 14 only does so when it is asked to.
void operator delete(void *block, std::size_t size) noexcept;
void operator delete[](void *block, std::size_t size) noexcept;
void operator delete(void *block, std::size_t size, std::align_val_t alignment) noexcept;
void operator delete[](void *block, std::size_t size, std::align_val_t alignment) noexcept;

static const std::size_t sizes[] = {0, 1, 8, 16, 24, 48, 100, 512, 1000, 1024, 1025, 4000, 100000};

// Checks a fresh block and returns it.
static void *checked(void *block, std::size_t size, std::size_t alignment) {
    CHECK_SAY(block != nullptr && is_aligned(block, alignment), "size %zu, alignment %zu: %p", size,
              alignment, block);
    CHECK(malloc_usable_size(block) >= size);
    std::memset(block, 0x3c, size);
    return block;
}

static void plain_and_nothrow_new_match_every_delete() {
    for (std::size_t size : sizes) {
        ::operator delete(checked(::operator new(size), size, 16));
        ::operator delete(checked(::operator new(size), size, 16), size);
        ::operator delete(checked(::operator new(size, std::nothrow), size, 16), std::nothrow);
        ::operator delete[](checked(::operator new[](size), size, 16));
        ::operator delete[](checked(::operator new[](size), size, 16), size);
        ::operator delete[](checked(::operator new[](size, std::nothrow), size, 16), std::nothrow);
    }
}

static void aligned_new_matches_every_aligned_delete() {
    for (std::size_t alignment = 1; alignment <= 65536; alignment *= 2)
        for (std::size_t size : sizes) {
            const auto a = static_cast<std::align_val_t>(alignment);
            ::operator delete(checked(::operator new(size, a), size, alignment), a);
            ::operator delete(checked(::operator new(size, a), size, alignment), size, a);
            ::operator delete(checked(::operator new(size, a, std::nothrow), size, alignment), a,
                              std::nothrow);
            ::operator delete[](checked(::operator new[](size, a), size, alignment), a);
            ::operator delete[](checked(::operator new[](size, a), size, alignment), size, a);
            ::operator delete[](checked(::operator new[](size, a, std::nothrow), size, alignment),
                                a, std::nothrow);
        }
}

static void deleting_a_null_pointer_does_nothing() {
    const auto a = static_cast<std::align_val_t>(64);
    void *const nothing = nullptr;
    errno = SENTINEL_ERRNO;
    ::operator delete(opaque(nothing));
    ::operator delete[](opaque(nothing));
    ::operator delete(opaque(nothing), 8);
    ::operator delete[](opaque(nothing), 8);
    ::operator delete(opaque(nothing), std::nothrow);
    ::operator delete[](opaque(nothing), std::nothrow);
    ::operator delete(opaque(nothing), a);
    ::operator delete[](opaque(nothing), a);
    ::operator delete(opaque(nothing), 8, a);
    ::operator delete[](opaque(nothing), 8, a);
    ::operator delete(opaque(nothing), a, std::nothrow);
    ::operator delete[](opaque(nothing), a, std::nothrow);
    CHECK(errno == SENTINEL_ERRNO);
}

template <typename Call> static bool throws_bad_alloc(Call call) {
    try {
        ::operator delete(opaque(call()));
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

static void new_of_an_impossible_size_throws_bad_alloc() {
    const auto a = static_cast<std::align_val_t>(64);
    const std::size_t impossible[] = {PTRDIFF_MAX, static_cast<std::size_t>(PTRDIFF_MAX) + 1,
                                      SIZE_MAX - 16, SIZE_MAX};
    for (std::size_t size : impossible) {
        const std::size_t huge = opaque_size(size);
        CHECK(throws_bad_alloc([=] { return ::operator new(huge); }));
        CHECK(throws_bad_alloc([=] { return ::operator new[](huge); }));
        CHECK(::operator new(huge, std::nothrow) == nullptr);
        CHECK(::operator new[](huge, std::nothrow) == nullptr);
        // libstdc++ rounds such a size up to a multiple of the alignment, which is 0.
        if (size > SIZE_MAX - 64 && !shim_is_loaded())
            continue;
        CHECK(throws_bad_alloc([=] { return ::operator new(huge, a); }));
        CHECK(throws_bad_alloc([=] { return ::operator new[](huge, a); }));
        CHECK(::operator new(huge, a, std::nothrow) == nullptr);
        CHECK(::operator new[](huge, a, std::nothrow) == nullptr);
    }
}

static int handler_calls;

// Gives up at the third call, as a program does that has nothing left to release.
static void count_and_give_up() {
    if (++handler_calls == 3)
        std::set_new_handler(nullptr);
}

struct no_more {};

static void throw_no_more() {
    handler_calls++;
    throw no_more();
}

static void the_new_handler_is_called_until_there_is_none() {
    const auto a = static_cast<std::align_val_t>(64);
    const std::size_t huge = opaque_size(PTRDIFF_MAX);
    handler_calls = 0;
    std::set_new_handler(count_and_give_up);
    CHECK(throws_bad_alloc([=] { return ::operator new(huge); }));
    CHECK_SAY(handler_calls == 3, "%d calls", handler_calls);
    handler_calls = 0;
    std::set_new_handler(count_and_give_up);
    CHECK(::operator new(huge, std::nothrow) == nullptr);
    CHECK_SAY(handler_calls == 3, "%d calls by the nothrow form", handler_calls);
    handler_calls = 0;
    std::set_new_handler(count_and_give_up);
    CHECK(throws_bad_alloc([=] { return ::operator new[](huge, a); }));
    CHECK_SAY(handler_calls == 3, "%d calls by the aligned form", handler_calls);
}

static void an_exception_of_the_new_handler_reaches_the_caller() {
    const std::size_t huge = opaque_size(PTRDIFF_MAX);
    bool reached = false;
    handler_calls = 0;
    std::set_new_handler(throw_no_more);
    try {
        ::operator delete(::operator new(huge));
    } catch (const no_more &) {
        reached = true;
    }
    std::set_new_handler(nullptr);
    CHECK(reached && handler_calls == 1);
}

static void *held_back;

static void make_room() {
    std::free(held_back);
    held_back = nullptr;
    std::set_new_handler(nullptr);
}

// Uses up what memory there may be, to where the handler had to make room: the block that is had
// then is one of new, as all the others are.
static int use_up_memory(std::size_t size) {
    enum { MOST_MIB = 96, HELD_MIB = 32, BLOCKS = MOST_MIB * 16384 };
    static void *block[BLOCKS];
    struct rlimit limit = {static_cast<rlim_t>(MOST_MIB) << 20, static_cast<rlim_t>(MOST_MIB)
                                                                    << 20};
    held_back = std::malloc(static_cast<std::size_t>(HELD_MIB) << 20);
    if (held_back == nullptr || setrlimit(RLIMIT_DATA, &limit) != 0)
        return 2;
    std::set_new_handler(make_room);
    std::size_t count = 0;
    while (held_back != nullptr && count < BLOCKS)
        block[count++] = ::operator new[](size);
    for (std::size_t i = 0; i < count; i++)
        ::operator delete[](block[i]);
    return held_back == nullptr ? 0 : 3;
}

static void a_block_for_which_the_handler_made_room_is_one_of_new() {
    for (std::size_t size : {100, 3000, 100000}) {
        int status = -1;
        const pid_t pid = fork();
        if (pid == 0)
            _exit(use_up_memory(size));
        CHECK_SAY(child_wait(pid, &status, CHILD_SECONDS) && status == 0, "%zu bytes: status %#x",
                  size, static_cast<unsigned>(status));
    }
}

// A nothrow form must not let even the handler's exception out, if it derives from std::bad_alloc.
static void the_nothrow_form_catches_the_bad_alloc_of_the_handler() {
    const std::size_t huge = opaque_size(PTRDIFF_MAX);
    bool escaped = false;
    void *block = &escaped;
    std::set_new_handler([] { throw std::bad_alloc(); });
    try {
        block = ::operator new(huge, std::nothrow);
    } catch (const std::bad_alloc &) {
        escaped = true;
    }
    std::set_new_handler(nullptr);
    CHECK(!escaped && block == nullptr);
}

struct alignas(128) wide {
    double value[20];
};

static void containers_and_over_aligned_types_work() {
    std::map<std::string, std::vector<int>> table;
    for (int i = 0; i < 3000; i++)
        table["a key that is too long for the string itself " + std::to_string(i)].assign(
            static_cast<std::size_t>(i % 300), i);
    for (int i = 0; i < 3000; i += 2)
        table.erase("a key that is too long for the string itself " + std::to_string(i));
    for (const auto &entry : table)
        for (int value : entry.second)
            CHECK(entry.first.compare(45, std::string::npos, std::to_string(value)) == 0);
    std::vector<std::unique_ptr<wide>> objects;
    for (int i = 0; i < 200; i++) {
        objects.push_back(std::make_unique<wide>());
        CHECK(is_aligned(objects.back().get(), 128));
    }
    std::thread([moved = std::move(objects)]() mutable { moved.clear(); }).join();
}

// Undefined, but done: only tags in front of the blocks tell, and then it is a fault
// (tests/misuse).
static void new_and_malloc_share_their_blocks() {
    if (blocks_are_tagged()) {
        tap_skip("a fault where blocks have tags");
        return;
    }
    for (std::size_t size : sizes) {
        std::free(::operator new(size));
        ::operator delete(std::malloc(size));
    }
}

int main() {
    TAP_RUN(plain_and_nothrow_new_match_every_delete);
    TAP_RUN(aligned_new_matches_every_aligned_delete);
    TAP_RUN(deleting_a_null_pointer_does_nothing);
    TAP_RUN(new_of_an_impossible_size_throws_bad_alloc);
    TAP_RUN(the_new_handler_is_called_until_there_is_none);
    TAP_RUN(an_exception_of_the_new_handler_reaches_the_caller);
    TAP_RUN(the_nothrow_form_catches_the_bad_alloc_of_the_handler);
    TAP_RUN(a_block_for_which_the_handler_made_room_is_one_of_new);
    TAP_RUN(containers_and_over_aligned_types_work);
    TAP_RUN(new_and_malloc_share_their_blocks);
    return tap_done();
}
