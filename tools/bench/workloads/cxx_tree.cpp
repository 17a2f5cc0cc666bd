// An ordinary C++ program: a directory tree of std::map, std::string, std::vector and
// std::unique_ptr that grows, is searched, is pruned and is destroyed, several times over. Prints
// what it holds.
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "command_line.h"
#include "digest.h"
#include "prng.h"

namespace {

struct Directory {
    std::map<std::string, std::unique_ptr<Directory>> children;
    std::map<std::string, std::string> attributes;
    std::vector<std::uint32_t> sizes;
};

std::string make_name(prng &random, const char *prefix) {
    // From 3 to 30 characters: on both sides of what a std::string keeps without a block of its
    // own.
    std::string name = prefix;
    name += std::to_string(prng_below(&random, 40));
    if (prng_below(&random, 3) == 0)
        name += "-with-a-longer-name-" + std::to_string(prng_below(&random, 10));
    return name;
}

void add_path(Directory &root, prng &random) {
    Directory *at = &root;
    std::uint32_t depth = 2 + prng_below(&random, 5);
    for (std::uint32_t level = 0; level < depth; level++) {
        std::unique_ptr<Directory> &child = at->children[make_name(random, "dir")];
        if (!child)
            child = std::make_unique<Directory>();
        at = child.get();
    }
    std::string key = make_name(random, "key");
    at->attributes[key] = make_name(random, "value");
    at->sizes.push_back(prng_below(&random, 1000));
}

// Removes every other child of the directories at `depth`.
void prune(Directory &directory, unsigned depth) {
    if (depth > 0) {
        for (auto &child : directory.children)
            prune(*child.second, depth - 1);
        return;
    }
    bool is_odd = false;
    for (auto child = directory.children.begin(); child != directory.children.end();) {
        child = is_odd ? directory.children.erase(child) : std::next(child);
        is_odd = !is_odd;
    }
}

void add_to_digest(const Directory &directory, digest &sum) {
    sum.count++;
    for (const auto &attribute : directory.attributes) {
        digest_string(&sum, attribute.first.c_str());
        digest_string(&sum, attribute.second.c_str());
    }
    for (std::uint32_t size : directory.sizes)
        digest_number(&sum, size);
    for (const auto &child : directory.children) {
        digest_string(&sum, child.first.c_str());
        add_to_digest(*child.second, sum);
    }
}

} // namespace

int main(int argc, char **argv) {
    std::uint64_t rounds = 6;
    std::uint64_t paths = 12000;
    const command_option options[] = {{'n', &rounds, 1, 1000000}, {'p', &paths, 1, 100000000}};
    const command description = {"cxx_tree", "[-n ROUNDS] [-p PATHS (in each tree)]", options, 2, 0,
                                 0};
    command_parse(&description, argc, argv);
    digest sum;
    digest_init(&sum);
    for (std::uint64_t round = 0; round < rounds; round++) {
        prng random = {round + 1};
        Directory root;
        for (std::uint64_t i = 0; i < paths; i++)
            add_path(root, random);
        prune(root, 1);
        for (std::uint64_t i = 0; i < paths / 4; i++)
            add_path(root, random);
        add_to_digest(root, sum);
    }
    std::printf("%" PRIu64 " directories, checksum %016" PRIx64 "\n", sum.count, sum.hash);
    return 0;
}
