/* Random replacement in threads that hand over: each thread has an array of live blocks of up to a
 * kilobyte, of which it frees random ones and allocates others in their place. Then it starts a
 * thread that goes on with the array, and ends. So threads free blocks of threads that are gone.
 * Prints a sum over all blocks. */
#include "command_line.h"
#include "prng.h"
#include "workers.h"

enum { BYTES_MIN = 16, BYTES_MAX = 1000 };

/* One array, and the threads that have it one after the other. */
struct chain {
    struct prng prng;
    unsigned char **blocks;
    uint64_t live;
    uint64_t rounds; /* of each thread */
    uint64_t threads_left;
    uint64_t sum;
    pthread_t before; /* the thread that has just handed over, */
    int has_before;   /* if there is one */
    pthread_barrier_t end;
};

/* The first and the last byte of a block say what its size and its number are. */
static unsigned char *make(struct prng *prng, uint64_t number) {
    size_t bytes = BYTES_MIN + prng_below(prng, BYTES_MAX - BYTES_MIN + 1);
    unsigned char *block = malloc(bytes);
    if (block == NULL) {
        fprintf(stderr, "threads_replace: out of memory\n");
        exit(1);
    }
    uint32_t head[2] = {(uint32_t)bytes, (uint32_t)number};
    memcpy(block, head, sizeof head);
    block[bytes - 1] = (unsigned char)number;
    return block;
}

static uint64_t drop(unsigned char *block) {
    uint32_t head[2];
    memcpy(head, block, sizeof head);
    if (head[0] < BYTES_MIN || head[0] > BYTES_MAX ||
        block[head[0] - 1] != (unsigned char)head[1]) {
        fprintf(stderr, "threads_replace: damaged block at %p\n", (void *)block);
        exit(1);
    }
    free(block);
    return (uint64_t)head[0] * head[1];
}

/* Who hands over ends at the same time as the next one begins; that one waits for it at its end. */
static void *chain_run(void *context) {
    struct chain *chain = context;
    pthread_t before = chain->before;
    int has_before = chain->has_before;
    for (uint64_t round = 0; round < chain->rounds; round++) {
        uint32_t index = prng_below(&chain->prng, chain->live);
        chain->sum += drop(chain->blocks[index]);
        chain->blocks[index] = make(&chain->prng, round);
    }
    if (has_before)
        pthread_join(before, NULL);
    chain->before = pthread_self();
    chain->has_before = 1;
    if (--chain->threads_left == 0) {
        pthread_barrier_wait(&chain->end);
        return NULL;
    }
    pthread_t next;
    worker_start(&next, chain_run, chain);
    return NULL;
}

static void chain_start(struct chain *chain, struct prng prng) {
    chain->prng = prng;
    chain->blocks = calloc(chain->live, sizeof *chain->blocks);
    if (chain->blocks == NULL) {
        fprintf(stderr, "threads_replace: out of memory: no table of blocks\n");
        exit(1);
    }
    for (uint64_t i = 0; i < chain->live; i++)
        chain->blocks[i] = make(&chain->prng, i);
    pthread_barrier_init(&chain->end, NULL, 2);
    pthread_t first;
    worker_start(&first, chain_run, chain);
}

static uint64_t chain_end(struct chain *chain) {
    pthread_barrier_wait(&chain->end);
    pthread_join(chain->before, NULL);
    pthread_barrier_destroy(&chain->end);
    for (uint64_t i = 0; i < chain->live; i++)
        chain->sum += drop(chain->blocks[i]);
    free(chain->blocks);
    return chain->sum;
}

int main(int argc, char **argv) {
    uint64_t at_once = 2, generations = 20, rounds = 100000, live = 5000;
    const struct command_option options[] = {
        {'t', &at_once, 1, WORKERS_MAX},
        {'g', &generations, 1, 1000000},
        {'n', &rounds, 1, 1000000000},
        {'l', &live, 1, 100000000},
    };
    const struct command command = {
        .name = "threads_replace",
        .usage = "[-t THREADS (at a time)] [-g GENERATIONS (of threads)] [-n ROUNDS (of each "
                 "thread)] [-l LIVE (blocks of each)]",
        .options = options,
        .option_count = 4,
    };
    command_parse(&command, argc, argv);
    static struct chain chains[WORKERS_MAX];
    uint64_t sum = 0;
    for (uint64_t i = 0; i < at_once; i++) {
        chains[i] = (struct chain){.live = live, .rounds = rounds, .threads_left = generations};
        chain_start(&chains[i], (struct prng){.state = i + 1});
    }
    for (uint64_t i = 0; i < at_once; i++)
        sum += chain_end(&chains[i]);
    printf("%" PRIu64 " threads replaced %" PRIu64 " blocks each, sum %016" PRIx64 "\n",
           at_once * generations, rounds, sum);
    return 0;
}
