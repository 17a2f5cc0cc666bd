// If this failed, a C++ program with an operator new and delete of its own, in front of whose
// blocks it keeps something, would crash: what it does not replace must call what it does.
#include "../harness/tap.h"
#include "behaviour.h"
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

// The standard declares these; clang 14 only does so when it is asked to.
void operator delete(void *block, std::size_t size) noexcept;
void operator delete[](void *block, std::size_t size) noexcept;

// That is what this is about: some forms are replaced, others left out.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wsized-deallocation"
#endif

static const std::size_t head_bytes = 32;
static long live_blocks, blocks_made;

void *operator new(std::size_t size) {
    char *block = static_cast<char *>(std::malloc(size + head_bytes));
    if (block == nullptr)
        throw std::bad_alloc();
    live_blocks++;
    blocks_made++;
    return block + head_bytes;
}

void operator delete(void *block) noexcept {
    if (block == nullptr)
        return;
    live_blocks--;
    std::free(static_cast<char *>(block) - head_bytes);
}

static const std::size_t sizes[] = {1, 24, 100, 1000, 4000, 50000};

// Each pair goes through the program's own operators, once.
template <typename New, typename Delete> static void check_pair(New make, Delete end, int line) {
    for (std::size_t size : sizes) {
        const long live_before = live_blocks;
        const long made_before = blocks_made;
        void *block = opaque(make(size));
        std::memset(block, 0x3c, size);
        CHECK_SAY(blocks_made == made_before + 1, "line %d, %zu bytes", line, size);
        end(block, size);
        CHECK_SAY(live_blocks == live_before, "line %d, %zu bytes", line, size);
    }
}
#define CHECK_PAIR(make, end)                                                                      \
    check_pair([](std::size_t size) { return make; },                                              \
               [](void *block, std::size_t size) {                                                 \
                   (void)size;                                                                     \
                   end;                                                                            \
               },                                                                                  \
               __LINE__)

static void the_forms_that_are_left_out_call_those_of_the_program() {
    CHECK_PAIR(::operator new(size), ::operator delete(block));
    CHECK_PAIR(::operator new(size), ::operator delete(block, size));
    CHECK_PAIR(::operator new(size, std::nothrow), ::operator delete(block, std::nothrow));
    CHECK_PAIR(::operator new[](size), ::operator delete[](block));
    CHECK_PAIR(::operator new[](size), ::operator delete[](block, size));
    CHECK_PAIR(::operator new[](size, std::nothrow), ::operator delete[](block, std::nothrow));
}

static void the_aligned_forms_match_each_other() {
    const auto a = static_cast<std::align_val_t>(64);
    for (std::size_t size : sizes) {
        ::operator delete(opaque(::operator new(size, a)), a);
        ::operator delete[](opaque(::operator new[](size, a)), a);
        ::operator delete(opaque(::operator new(size, a, std::nothrow)), a, std::nothrow);
    }
}

static void the_library_of_c_plus_plus_uses_them_too() {
    const long live_before = live_blocks;
    {
        std::vector<std::string> table;
        for (int i = 0; i < 1000; i++)
            table.push_back("a text too long for the string itself " + std::to_string(i));
        CHECK(live_blocks > live_before + 1000);
    }
    CHECK(live_blocks == live_before);
}

static void running_out_of_memory_throws_or_returns_null() {
    const std::size_t much = opaque_size(PTRDIFF_MAX - 1000);
    bool thrown = false;
    CHECK(::operator new(much, std::nothrow) == nullptr);
    CHECK(::operator new[](much, std::nothrow) == nullptr);
    try {
        ::operator delete[](opaque(::operator new[](much)));
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    CHECK(thrown);
}

int main() {
    TAP_RUN(the_forms_that_are_left_out_call_those_of_the_program);
    TAP_RUN(the_aligned_forms_match_each_other);
    TAP_RUN(the_library_of_c_plus_plus_uses_them_too);
    TAP_RUN(running_out_of_memory_throws_or_returns_null);
    return tap_done();
}
