/* Random replacement: an array of live blocks, of which a random one is checked and freed and
 * another one allocated in its place, again and again. Prints a sum over all blocks. */
#include "block.h"
#include "command_line.h"

int main(int argc, char **argv) {
    uint64_t rounds = 3000000;
    uint64_t live = 20000;
    uint64_t seed = 1;
    const struct command_option options[] = {
        {'n', &rounds, 1, 1000000000},
        {'l', &live, 1, 100000000},
        {'s', &seed, 0, UINT64_MAX},
    };
    const struct command command = {
        .name = "replace",
        .usage = "[-n ROUNDS] [-l LIVE (blocks at a time)] [-s SEED]",
        .options = options,
        .option_count = 3,
    };
    command_parse(&command, argc, argv);
    struct prng prng = {.state = seed};
    struct block **blocks = calloc(live, sizeof(struct block *));
    if (blocks == NULL) {
        fprintf(stderr, "replace: out of memory: no table of %" PRIu64 " blocks\n", live);
        return 1;
    }
    for (uint64_t i = 0; i < live; i++)
        blocks[i] = block_make(i, block_draw_bytes(&prng));
    uint64_t sum = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        uint32_t index = prng_below(&prng, live);
        sum += block_free(blocks[index]);
        blocks[index] = block_make(round, block_draw_bytes(&prng));
    }
    for (uint64_t i = 0; i < live; i++)
        sum += block_free(blocks[i]);
    free(blocks);
    printf("%" PRIu64 " blocks replaced, sum %016" PRIx64 "\n", rounds, sum);
    return 0;
}
