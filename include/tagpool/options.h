/* The options of the library, each written once.
 *
 * The library parses the environment variable TAGPOOL_OPTIONS ("strategy=metadata,node_max=512") by
 * this list, `tagpool help options` prints it, and the manual and the tests are checked against it.
 *
 * X(NAME, KIND, DEFAULT, MINIMUM, MAXIMUM, HELP)
 *   KIND     CHOICE  one of the words of TAGPOOL_CHOICES_<NAME>; the numbers are indices into them
 *            BYTES   a byte count; the suffixes K, M and G (powers of 1024) are understood
 *            COUNT   a plain number
 *            FLAG    on or off
 */
#ifndef TAGPOOL_OPTIONS_H
#define TAGPOOL_OPTIONS_H

#define TAGPOOL_OPTIONS_VARIABLE "TAGPOOL_OPTIONS"

/* The largest request that pools can serve: no option goes beyond it. */
#define TAGPOOL_NODE_MAX 4096

enum tagpool_strategy {
    TAGPOOL_STRATEGY_DIRECT,
    TAGPOOL_STRATEGY_METADATA,
    TAGPOOL_STRATEGY_TAGGED
};

enum tagpool_on_fault { TAGPOOL_ON_FAULT_ABORT, TAGPOOL_ON_FAULT_REPORT, TAGPOOL_ON_FAULT_IGNORE };

#define TAGPOOL_CHOICES_strategy "direct", "metadata", "tagged"
#define TAGPOOL_CHOICES_on_fault "abort", "report", "ignore"

#define TAGPOOL_OPTIONS(X)                                                                         \
    X(strategy, CHOICE, TAGPOOL_STRATEGY_METADATA, TAGPOOL_STRATEGY_DIRECT,                        \
      TAGPOOL_STRATEGY_TAGGED,                                                                     \
      "direct: no pools; metadata: tags beside the pools; tagged: also one before each block")     \
    X(node_max, BYTES, TAGPOOL_NODE_MAX, 16, TAGPOOL_NODE_MAX,                                     \
      "largest request served from the pools, rounded up to a size class; with tags 8 bytes "      \
      "less; not used with harden=on")                                                             \
    X(pool_limit, BYTES, 0, 0, 1ULL << 46,                                                         \
      "most memory the pools may hold, 0 for no limit; beyond it the next allocator serves")       \
    X(retain, BYTES, 1ULL << 30, 0, 1ULL << 46,                                                    \
      "most memory of empty slabs that is kept for reuse; what is beyond goes back to the system " \
      "at once")                                                                                   \
    X(decay, COUNT, 1000, 0, 1000000,                                                              \
      "milliseconds after which memory that was not needed goes back to the system")               \
    X(on_fault, CHOICE, TAGPOOL_ON_FAULT_ABORT, TAGPOOL_ON_FAULT_ABORT, TAGPOOL_ON_FAULT_IGNORE,   \
      "after a fault: print its line and abort, only print its line, or do nothing; the bad call " \
      "has no effect")                                                                             \
    X(leaks, FLAG, 0, 0, 1, "at exit, list the blocks that are still live, by size class")         \
    X(harden, FLAG, 0, 0, 1,                                                                       \
      "strategy=tagged and: random order, freed blocks cleared and checked, canaries, "            \
      "inaccessible pages, blocks up to 32K pooled")                                               \
    X(forms, FLAG, 0, 0, 1,                                                                        \
      "with tags: report what may be freed in the wrong way (new, new[], malloc); false alarms "   \
      "where a library has a C++ library of its own linked in")                                    \
    X(quarantine, COUNT, 256, 0, 65536,                                                            \
      "with harden=on: freed blocks that each thread keeps from reuse")                            \
    X(guard, COUNT, 128, 0, 4096,                                                                  \
      "with harden=on: slabs between two inaccessible areas, 0 for none")                          \
    X(random, FLAG, 1, 0, 1, "with harden=on: blocks in random order")                             \
    X(clear, FLAG, 1, 0, 1,                                                                        \
      "with harden=on: freed blocks up to 32K cleared, and checked for writes before reuse")       \
    X(canary, FLAG, 1, 0, 1, "with harden=on: canaries behind blocks up to 32K")                   \
    X(origins, COUNT, 0, 0, 32,                                                                    \
      "frames of the call stacks kept of each block, 0 for none: who allocated it, who freed it; " \
      "faults and leaks tell them")

#endif
