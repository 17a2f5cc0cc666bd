/* What the gate counts instructions of: `scenarios NAME` runs one scenario, `scenarios` lists them
 * with the number of operations in each measured stretch, and the options that it needs.
 *
 * A stretch lies between gate_start() and gate_stop(), where callgrind is told to begin and to
 * write what it has counted; a scenario with several stretches counts with its cheapest one. What
 * comes before makes the state that is measured, a first round of the same included.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/json_document.h"
#include "bench/workloads/json_tree.h"

void gate_start(void);
void gate_stop(void);

/* Callgrind knows the functions by these names; the empty statement keeps the calls. */
__attribute__((noinline)) void gate_start(void) {
    __asm__ volatile("");
}

__attribute__((noinline)) void gate_stop(void) {
    __asm__ volatile("");
}

enum {
    SINGLE_CALLS = 32,
    PAIRS = 10000,
    BULK_BLOCKS = 5000,
    REPLACE_BLOCKS = 2000,
    REPLACEMENTS = 20000,
    REMOTE_BLOCKS = 2000,
    CHAINS = 20,
    CHAIN_STEP_BYTES = 16,
    CHAIN_BYTES = 1024,
    POSTED_BLOCKS = 32, /* what others freed is not taken in before twice as many */
    LARGE_PAIRS = 1000,
};

static void *blocks[BULK_BLOCKS];

/* One call in each stretch. The cheapest is the fast path, whenever the slower ones come. */
static void malloc_fast(void) {
    for (int i = 0; i < SINGLE_CALLS; i++) {
        gate_start();
        blocks[i] = malloc(64);
        gate_stop();
    }
}

static void free_fast(void) {
    for (int i = 0; i < 2 * SINGLE_CALLS; i++)
        blocks[i] = malloc(64);
    for (int i = 0; i < SINGLE_CALLS; i++) {
        gate_start();
        free(blocks[2 * i]);
        gate_stop();
    }
}

static void pairs(void) {
    free(malloc(64));
    gate_start();
    for (int i = 0; i < PAIRS; i++)
        free(malloc(64));
    gate_stop();
}

static void calloc_pairs(void) {
    free(calloc(1, 64));
    gate_start();
    for (int i = 0; i < PAIRS; i++)
        free(calloc(4, 16));
    gate_stop();
}

/* operator new and sized delete, by their linker names; the library alone has them here. */
__attribute__((weak)) void *_Znwm(size_t bytes);
__attribute__((weak)) void _ZdlPvm(void *pointer, size_t bytes);

static void new_delete(void) {
    if (_Znwm == NULL || _ZdlPvm == NULL)
        return;
    _ZdlPvm(_Znwm(64), 64);
    gate_start();
    for (int i = 0; i < PAIRS; i++)
        _ZdlPvm(_Znwm(64), 64);
    gate_stop();
}

static void bulk_round(void) {
    for (int i = 0; i < BULK_BLOCKS; i++)
        blocks[i] = malloc(48);
    for (int i = 0; i < BULK_BLOCKS; i++)
        free(blocks[i]);
}

static void bulk(void) {
    bulk_round();
    gate_start();
    bulk_round();
    gate_stop();
}

/* Frees a random one of many blocks of all sizes and takes another. */
static void replace_round(struct prng *prng) {
    for (int i = 0; i < REPLACEMENTS; i++) {
        uint32_t victim = prng_below(prng, REPLACE_BLOCKS);
        free(blocks[victim]);
        blocks[victim] = malloc(16 + prng_below(prng, 240));
    }
}

static void replace(void) {
    struct prng prng = {.state = 1};
    for (int i = 0; i < REPLACE_BLOCKS; i++)
        blocks[i] = malloc(16 + prng_below(&prng, 240));
    replace_round(&prng);
    gate_start();
    replace_round(&prng);
    gate_stop();
}

static void *free_elsewhere(void *is_measured) {
    free(malloc(64)); /* the thread's own heap is there */
    if (is_measured != NULL)
        gate_start();
    for (int i = 0; i < REMOTE_BLOCKS; i++)
        free(blocks[i]);
    if (is_measured != NULL)
        gate_stop();
    return NULL;
}

static void take_and_give_away(void *is_measured) {
    pthread_t thread;
    for (int i = 0; i < REMOTE_BLOCKS; i++)
        blocks[i] = malloc(64);
    if (pthread_create(&thread, NULL, free_elsewhere, is_measured) != 0)
        abort();
    pthread_join(thread, NULL);
}

static void remote_free(void) {
    take_and_give_away(NULL);
    take_and_give_away(blocks);
}

/* The owner takes back what another thread freed. */
static void remote_reuse(void) {
    take_and_give_away(NULL);
    gate_start();
    for (int i = 0; i < REMOTE_BLOCKS; i++)
        blocks[i] = malloc(64);
    gate_stop();
}

/* Frees blocks of a slab of its own that another thread has freed into, once. */
static void posted_free(void) {
    void *own[2 * POSTED_BLOCKS];
    for (int i = 0; i < REMOTE_BLOCKS; i++)
        blocks[i] = malloc(64);
    for (int i = 0; i < 2 * POSTED_BLOCKS; i++)
        own[i] = malloc(64);
    pthread_t thread;
    if (pthread_create(&thread, NULL, free_elsewhere, NULL) != 0)
        abort();
    pthread_join(thread, NULL);
    for (int i = 0; i < 2 * POSTED_BLOCKS; i++) {
        if (i == POSTED_BLOCKS / 2)
            gate_start();
        if (i == POSTED_BLOCKS / 2 + POSTED_BLOCKS)
            gate_stop();
        free(own[i]);
    }
}

static void realloc_round(void) {
    for (int i = 0; i < CHAINS; i++) {
        void *block = NULL;
        for (size_t bytes = CHAIN_STEP_BYTES; bytes <= CHAIN_BYTES; bytes += CHAIN_STEP_BYTES) {
            block = realloc(block, bytes);
            if (block == NULL)
                abort();
        }
        free(block);
    }
}

static void realloc_chain(void) {
    realloc_round();
    gate_start();
    realloc_round();
    gate_stop();
}

/* What the library adds to blocks that it passes on. */
static void pass_on(void) {
    for (int i = 0; i < 2 * LARGE_PAIRS; i++) {
        if (i == LARGE_PAIRS)
            gate_start();
        free(malloc(5000));
    }
    gate_stop();
}

static void parse_document(const struct text *document) {
    struct json_result result = json_parse(document->bytes, document->length);
    if (result.root == NULL)
        abort();
    json_free(result.root);
}

static void parse_10k(void) {
    struct text document = document_make(&json_format, 1, 10 * 1024);
    parse_document(&document);
    gate_start();
    parse_document(&document);
    gate_stop();
}

static const struct {
    const char *name;
    void (*run)(void);
    int operations;      /* in each stretch */
    const char *options; /* of the library; NULL: none */
} scenarios[] = {
    {"malloc_fast", malloc_fast, 1, NULL},
    {"free_fast", free_fast, 1, NULL},
    {"pairs", pairs, PAIRS, NULL},
    {"calloc_pairs", calloc_pairs, PAIRS, NULL},
    {"new_delete", new_delete, PAIRS, NULL},
    {"bulk", bulk, BULK_BLOCKS, NULL},
    {"replace", replace, REPLACEMENTS, NULL},
    {"remote_free", remote_free, REMOTE_BLOCKS, NULL},
    {"remote_reuse", remote_reuse, REMOTE_BLOCKS, NULL},
    {"realloc_chain", realloc_chain, CHAINS *(CHAIN_BYTES / CHAIN_STEP_BYTES), NULL},
    {"pass_on", pass_on, LARGE_PAIRS, NULL},
    {"parse_10k", parse_10k, 1, NULL},
    {"tagged_pairs", pairs, PAIRS, "strategy=tagged"},
    {"tagged_remote", remote_free, REMOTE_BLOCKS, "strategy=tagged"},
    {"tagged_posted", posted_free, POSTED_BLOCKS, "strategy=tagged"},
    {"tagged_chain", realloc_chain, CHAINS *(CHAIN_BYTES / CHAIN_STEP_BYTES), "strategy=tagged"},
    {"hardened_pairs", pairs, PAIRS, "harden=on"},
    {"hardened_calloc", calloc_pairs, PAIRS, "harden=on"},
    {"hardened_remote", remote_free, REMOTE_BLOCKS, "harden=on"},
    {"hardened_posted", posted_free, POSTED_BLOCKS, "harden=on"},
    {"hardened_chain", realloc_chain, CHAINS *(CHAIN_BYTES / CHAIN_STEP_BYTES), "harden=on"},
};

int main(int argc, char **argv) {
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
        if (argc < 2) {
            printf("%s %d %s\n", scenarios[i].name, scenarios[i].operations,
                   scenarios[i].options != NULL ? scenarios[i].options : "");
        } else if (strcmp(argv[1], scenarios[i].name) == 0) {
            scenarios[i].run();
            return 0;
        }
    return argc < 2 ? 0 : 2;
}
