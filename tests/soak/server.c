/* A server's life in short: requests in sizes that shift, sessions of many ages, load that comes
 * and goes, worker threads that end and are replaced, blocks that one thread takes and another
 * frees.
 *
 *   server CYCLES [turns]      prints, in KiB resident: early, late, busy, idle, trimmed
 *
 * early and late are means over the second and the last quarter of the load, of CYCLES cycles of
 * phases each, between two generations of workers; busy is the last quarter's while they work; idle
 * is after the load, when all is freed, trimmed after malloc_trim(). Exit status 1: a block lost
 * its contents.
 *
 * With `turns` the workers take turns, so the same calls come in the same order however busy the
 * machine is. Else a worker that waits for a processor holds memory that the others could use.
 */
#include "../preload/behaviour.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

enum { WORKERS = 4, SESSIONS = 24000, BATCH = 20000, TURN = 256, QUARTERS = 4, PHASES = 12 };

struct session {
    uint32_t bytes;
    uint32_t seed;
};

static _Atomic(struct session *) sessions[SESSIONS];
static _Atomic(unsigned) phase;
static _Atomic(unsigned) damaged;
static _Atomic(size_t) busy_kib; /* the sum of what each worker saw in the middle of its life */

struct worker {
    pthread_t thread;
    uint64_t seed;
    sem_t turn;
};
static struct worker workers[WORKERS];
static bool take_turns;

static struct session *open_session(uint64_t *random, unsigned current_phase) {
    uint32_t dice = random_next(random);
    uint32_t middle = 32 + current_phase % PHASES * 41;
    uint32_t bytes = (uint32_t)sizeof(struct session) +
                     (dice % 50 == 0 ? dice / 64 % 16000 : middle / 2 + dice / 64 % middle);
    struct session *session = malloc(bytes);
    if (session == NULL)
        return NULL;
    *session = (struct session){.bytes = bytes, .seed = dice};
    pattern_fill(session + 1, bytes - sizeof *session, dice);
    return session;
}

static void close_session(struct session *session) {
    if (session == NULL)
        return;
    if (!pattern_holds(session + 1, session->bytes - sizeof *session, session->seed))
        atomic_fetch_add(&damaged, 1);
    free(session);
}

static void pass_turn(const struct worker *worker) {
    sem_post(&workers[(size_t)(worker - workers + 1) % WORKERS].turn);
}

/* One worker's life. In busy phases all places are in use, in quiet ones a third. */
static void *work(void *argument) {
    struct worker *worker = argument;
    for (unsigned i = 0; i < BATCH; i++) {
        if (take_turns && i % TURN == 0) {
            if (i != 0)
                pass_turn(worker);
            sem_wait(&worker->turn);
        }
        unsigned current_phase = atomic_load_explicit(&phase, memory_order_relaxed);
        size_t place = random_below(&worker->seed, SESSIONS);
        bool is_open = current_phase % 3 != 0 || place % 3 == 0;
        struct session *session = is_open ? open_session(&worker->seed, current_phase) : NULL;
        close_session(atomic_exchange(&sessions[place], session));
        if (i == BATCH / 2)
            atomic_fetch_add(&busy_kib, resident_kib());
    }
    pass_turn(worker);
    return NULL;
}

static void run_generation(uint64_t *seed) {
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i].seed = random_next(seed);
        sem_init(&workers[i].turn, 0, i == 0);
    }
    for (size_t i = 0; i < WORKERS; i++)
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            perror("server: a worker");
            exit(2);
        }
    for (size_t i = 0; i < WORKERS; i++)
        pthread_join(workers[i].thread, NULL);
    for (size_t i = 0; i < WORKERS; i++)
        sem_destroy(&workers[i].turn);
}

/* Keeps the workers going for some cycles; the mean of resident memory. */
static size_t serve(unsigned cycles, uint64_t *seed) {
    size_t sum_kib = 0;
    for (unsigned generation = 0; generation < cycles * PHASES; generation++) {
        run_generation(seed);
        atomic_fetch_add(&phase, 1);
        sum_kib += resident_kib();
    }
    return sum_kib / (cycles * PHASES);
}

int main(int argc, char **argv) {
    unsigned cycles = argc > 1 ? (unsigned)atoi(argv[1]) : 2;
    take_turns = argc > 2 && strcmp(argv[2], "turns") == 0;
    size_t mean_kib[QUARTERS];
    uint64_t seed = 2463534242u;
    for (int quarter = 0; quarter < QUARTERS; quarter++) {
        atomic_store(&busy_kib, 0);
        mean_kib[quarter] = serve(cycles, &seed);
    }
    for (size_t i = 0; i < SESSIONS; i++)
        close_session(atomic_exchange(&sessions[i], NULL));
    size_t idle_kib = resident_kib();
    malloc_trim(0);
    printf("%zu %zu %zu %zu %zu\n", mean_kib[1], mean_kib[QUARTERS - 1],
           atomic_load(&busy_kib) / (cycles * PHASES * WORKERS), idle_kib, resident_kib());
    return atomic_load(&damaged) != 0;
}
