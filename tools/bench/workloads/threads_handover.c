/* Producers parse a JSON document into trees, consumers check each tree against the first and free
 * it: every block is freed by another thread than the one that allocated it. Between them is a
 * queue of bounded length. Prints the number of trees and the sum of what the consumers read. */
#include "json_document.h"
#include "json_tree.h"
#include "workers.h"

#define QUEUE_MAX 1024

struct queue {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t not_full;
    pthread_cond_t not_empty;
    size_t limit;
    size_t count;
    size_t first;
    size_t producers; /* still at work; at 0 an empty queue is the end */
    struct json_value *trees[QUEUE_MAX];
};

struct worker {
    struct queue *queue;
    const struct text *text;
    bool is_producer;
    uint64_t trees;         /* producer: how many to make; consumer: how many it had */
    uint64_t expected_hash; /* of one tree */
    uint64_t damaged;       /* trees that did not have it */
};

static void queue_put(struct queue *queue, struct json_value *tree) {
    pthread_mutex_lock(&queue->lock);
    while (queue->count == queue->limit)
        pthread_cond_wait(&queue->not_full, &queue->lock);
    queue->trees[(queue->first + queue->count) % queue->limit] = tree;
    queue->count++;
    pthread_cond_signal(&queue->not_empty);
    pthread_mutex_unlock(&queue->lock);
}

/* NULL when the producers are done and nothing is left. */
static struct json_value *queue_take(struct queue *queue) {
    struct json_value *tree = NULL;
    pthread_mutex_lock(&queue->lock);
    while (queue->count == 0 && queue->producers > 0)
        pthread_cond_wait(&queue->not_empty, &queue->lock);
    if (queue->count > 0) {
        tree = queue->trees[queue->first];
        queue->first = (queue->first + 1) % queue->limit;
        queue->count--;
        pthread_cond_signal(&queue->not_full);
    }
    pthread_mutex_unlock(&queue->lock);
    return tree;
}

static void queue_leave(struct queue *queue) {
    pthread_mutex_lock(&queue->lock);
    queue->producers--;
    pthread_cond_broadcast(&queue->not_empty);
    pthread_mutex_unlock(&queue->lock);
}

static void produce(struct worker *worker) {
    for (uint64_t i = 0; i < worker->trees; i++) {
        struct json_result result = json_parse(worker->text->bytes, worker->text->length);
        if (result.root == NULL) {
            fprintf(stderr, "threads_handover: line %zu: %s\n", result.line, result.error);
            exit(1);
        }
        queue_put(worker->queue, result.root);
    }
    queue_leave(worker->queue);
}

static void consume(struct worker *worker) {
    for (struct json_value *tree; (tree = queue_take(worker->queue)) != NULL;) {
        struct digest digest;
        digest_init(&digest);
        json_digest(tree, &digest);
        json_free(tree);
        worker->trees++;
        if (digest.hash != worker->expected_hash)
            worker->damaged++;
    }
}

static void *worker_run(void *context) {
    struct worker *worker = context;
    if (worker->is_producer)
        produce(worker);
    else
        consume(worker);
    return NULL;
}

static struct digest digest_of_text(const struct text *text) {
    struct digest digest;
    digest_init(&digest);
    struct json_result result = json_parse(text->bytes, text->length);
    json_digest(result.root, &digest);
    json_free(result.root);
    return digest;
}

int main(int argc, char **argv) {
    uint64_t pairs = 1;
    uint64_t trees = 1500;
    uint64_t limit = 16;
    uint64_t size = 10 * 1024;
    const struct command_option options[] = {
        {'p', &pairs, 1, WORKERS_MAX / 2},
        {'n', &trees, 1, 1000000000},
        {'q', &limit, 1, QUEUE_MAX},
        {'b', &size, DOCUMENT_BYTES_MIN, UINT64_C(1) << 30},
    };
    const struct command command = {
        .name = "threads_handover",
        .usage = "[-p PAIRS (of producer and consumer)] [-n TREES (of each producer)] "
                 "[-q QUEUE_LENGTH] [-b BYTES (of the document)]",
        .options = options,
        .option_count = 4,
    };
    command_parse(&command, argc, argv);
    struct text text = document_make(&json_format, 1, size);
    struct digest expected = digest_of_text(&text);
    struct queue queue = {.lock = PTHREAD_MUTEX_INITIALIZER,
                          .not_full = PTHREAD_COND_INITIALIZER,
                          .not_empty = PTHREAD_COND_INITIALIZER,
                          .limit = limit,
                          .producers = pairs};
    struct worker workers[WORKERS_MAX];
    for (uint64_t i = 0; i < 2 * pairs; i++)
        workers[i] = (struct worker){.queue = &queue,
                                     .text = &text,
                                     .is_producer = i < pairs,
                                     .trees = i < pairs ? trees : 0,
                                     .expected_hash = expected.hash};
    workers_run(2 * pairs, worker_run, workers, sizeof workers[0]);
    free(text.bytes);
    uint64_t taken = 0;
    uint64_t damaged = 0;
    for (uint64_t i = pairs; i < 2 * pairs; i++) {
        taken += workers[i].trees;
        damaged += workers[i].damaged;
    }
    printf("%" PRIu64 " trees of %" PRIu64 " values handed over, %" PRIu64
           " damaged, checksum %016" PRIx64 "\n",
           taken, expected.count, damaged, expected.hash);
    return taken != pairs * trees || damaged != 0;
}
