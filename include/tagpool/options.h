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
      "where the tag of a block is kept: nowhere (every call is passed on), beside the pools, or " \
      "in "                                                                                        \
      "front of each block too")                                                                   \
    X(node_max, BYTES, TAGPOOL_NODE_MAX, 16, TAGPOOL_NODE_MAX,                                     \
      "the largest request served from the pools, with tags its 8 bytes included, rounded up to "  \
      "a size class; not with harden=on")                                                          \
    X(pool_limit, BYTES, 0, 0, 1ULL << 46,                                                         \
      "memory the pools may hold, 0 for no limit; beyond it the next allocator serves")            \
    X(retain, BYTES, 16ULL << 20, 0, 1ULL << 46,                                                   \
      "memory of empty slabs kept for reuse before it goes back to the system")                    \
    X(on_fault, CHOICE, TAGPOOL_ON_FAULT_ABORT, TAGPOOL_ON_FAULT_ABORT, TAGPOOL_ON_FAULT_IGNORE,   \
      "what follows a fault: its line and abort, its line only, or nothing; the bad call has no "  \
      "effect")                                                                                    \
    X(leaks, FLAG, 0, 0, 1, "at exit, list the blocks that are still live, by size class")         \
    X(harden, FLAG, 0, 0, 1,                                                                       \
      "tags as with strategy=tagged, and: random order, freed blocks cleared and checked, "        \
      "canaries, "                                                                                 \
      "inaccessible pages, blocks to 32K")                                                         \
    X(quarantine, COUNT, 256, 0, 65536,                                                            \
      "with harden=on: freed blocks of each thread that are kept from reuse")                      \
    X(guard, COUNT, 128, 0, 4096, "with harden=on: slabs between two inaccessible ones, 0 for none")

#endif
