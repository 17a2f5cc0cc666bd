/* Many short threads: each allocates blocks, frees them in another order and leaves its last one to
 * the main thread, which checks and frees it after the thread is gone. Prints how many threads
 * there were and a sum over all blocks. */
#include "block.h"
#include "command_line.h"
#include "workers.h"

struct visitor {
    uint64_t seed;
    uint64_t block_count;
    uint64_t sum;
    struct block *left; /* for the main thread */
};

/* Frees those with even numbers first: not in the order of allocation, nor in the opposite one. */
static void *visitor_run(void *context) {
    struct visitor *visitor = context;
    struct prng prng = {.state = visitor->seed};
    struct block **blocks = calloc(visitor->block_count + 1, sizeof(struct block *));
    if (blocks == NULL) {
        fprintf(stderr, "threads_churn: out of memory: no table of blocks\n");
        exit(1);
    }
    for (uint64_t i = 0; i < visitor->block_count; i++)
        blocks[i] = block_make(visitor->seed ^ i, block_draw_bytes(&prng));
    for (uint64_t first = 0; first < 2; first++)
        for (uint64_t i = first; i < visitor->block_count; i += 2)
            visitor->sum += block_free(blocks[i]);
    free(blocks);
    visitor->left = block_make(visitor->seed, block_draw_bytes(&prng));
    return NULL;
}

int main(int argc, char **argv) {
    uint64_t threads = 4000;
    uint64_t at_once = 4;
    uint64_t block_count = 500;
    const struct command_option options[] = {
        {'n', &threads, 1, 100000000},
        {'t', &at_once, 1, WORKERS_MAX},
        {'b', &block_count, 0, 1000000},
    };
    const struct command command = {
        .name = "threads_churn",
        .usage = "[-n THREADS (in all)] [-t THREADS (at a time)] [-b BLOCKS (of each thread)]",
        .options = options,
        .option_count = 3,
    };
    command_parse(&command, argc, argv);
    uint64_t sum = 0;
    for (uint64_t done = 0; done < threads;) {
        struct visitor visitors[WORKERS_MAX];
        uint64_t count = threads - done < at_once ? threads - done : at_once;
        for (uint64_t i = 0; i < count; i++)
            visitors[i] = (struct visitor){.seed = done + i + 1, .block_count = block_count};
        workers_run(count, visitor_run, visitors, sizeof visitors[0]);
        for (uint64_t i = 0; i < count; i++)
            sum += visitors[i].sum + block_free(visitors[i].left);
        done += count;
    }
    printf("%" PRIu64 " threads of %" PRIu64 " blocks, sum %016" PRIx64 "\n", threads, block_count,
           sum);
    return 0;
}
