/* The parser's calls of malloc and free without the parser: parses a document once, records the
 * calls, and repeats them as often as asked. With -b (bare) the same loop goes over blocks that are
 * there already and calls nothing; the difference of the two is the time in allocation. A block is
 * touched when it is taken and when it is freed, as the parser does, so that its memory is as warm
 * as it would be there. */
#include <stdbool.h>
#include <stddef.h>

#include "command_line.h"
#include "digest.h"
#include "input.h"

struct call {
    uint32_t slot;  /* which block; SLOT_NONE: free(NULL) */
    uint32_t bytes; /* asked for; 0: the block is freed */
};

#define SLOT_NONE UINT32_MAX

static struct {
    struct call *calls;
    size_t count;
    size_t capacity;
    uint32_t slots;
} recording;

static void record(uint32_t slot, uint32_t bytes) {
    if (recording.count == recording.capacity) {
        recording.capacity = recording.capacity * 2 + 1024;
        recording.calls = realloc(recording.calls, recording.capacity * sizeof *recording.calls);
        if (recording.calls == NULL)
            abort();
    }
    recording.calls[recording.count++] = (struct call){slot, bytes};
}

/* While recording, the number of a block stands in front of it. */
#define RECORD_HEAD_BYTES _Alignof(max_align_t)

static void *record_malloc(size_t bytes) {
    char *block = malloc(RECORD_HEAD_BYTES + bytes);
    if (block == NULL)
        return NULL;
    memcpy(block, &recording.slots, sizeof recording.slots);
    record(recording.slots++, (uint32_t)bytes);
    return block + RECORD_HEAD_BYTES;
}

static void record_free(void *pointer) {
    uint32_t slot = SLOT_NONE;
    char *block = pointer != NULL ? (char *)pointer - RECORD_HEAD_BYTES : NULL;
    if (block != NULL)
        memcpy(&slot, block, sizeof slot);
    record(slot, 0);
    free(block);
}

/* The parser calls these instead. */
#define malloc(bytes) record_malloc(bytes)
#define free(pointer) record_free(pointer)
#include "json_tree.h"
#undef malloc
#undef free

/* Compilers remove pairs of malloc and free whose block nobody looks at; what is volatile stays. */
static inline void touch(void *block) {
    *(volatile char *)block = 1;
}

static inline void look(void *block) {
    if (block != NULL)
        (void)*(volatile char *)block;
}

static void replay(void **slots) {
    for (const struct call *call = recording.calls; call < recording.calls + recording.count;
         call++) {
        if (call->bytes != 0) {
            void *block = malloc(call->bytes);
            if (block == NULL)
                abort();
            touch(block);
            slots[call->slot] = block;
            continue;
        }
        void *block = call->slot != SLOT_NONE ? slots[call->slot] : NULL;
        look(block);
        free(block);
    }
}

/* The same with blocks that are there already. */
static void replay_bare(void **slots, void *const *blocks) {
    for (const struct call *call = recording.calls; call < recording.calls + recording.count;
         call++) {
        if (call->bytes != 0) {
            void *block = blocks[call->slot];
            touch(block);
            slots[call->slot] = block;
            continue;
        }
        look(call->slot != SLOT_NONE ? slots[call->slot] : NULL);
    }
}

static void **make_blocks(void) {
    void **blocks = calloc((size_t)recording.slots + 1, sizeof *blocks);
    if (blocks == NULL)
        abort();
    for (size_t i = 0; i < recording.count; i++)
        if (recording.calls[i].bytes != 0) {
            void *block = malloc(recording.calls[i].bytes);
            if (block == NULL)
                abort();
            blocks[recording.calls[i].slot] = block;
        }
    return blocks;
}

int main(int argc, char **argv) {
    uint64_t repeat = 1;
    uint64_t bare = 0;
    const struct command_option options[] = {{'r', &repeat, 1, 1000000000}, {'b', &bare, 0, 0}};
    const struct command command = {
        .name = "json_replay",
        .usage = "[-r REPEAT] [-b (bare: the loop without the calls)] FILE|-",
        .options = options,
        .option_count = 2,
        .operands_min = 1,
        .operands_max = 1,
    };
    const char *path = argv[command_parse(&command, argc, argv)];
    struct input input = input_read(command.name, path);
    struct json_result result = json_parse(input.bytes, input.length);
    free(input.bytes);
    if (result.root == NULL) {
        fprintf(stderr, "json_replay: %s:%zu: %s\n", path, result.line, result.error);
        return 1;
    }
    json_free(result.root);
    void **slots = calloc((size_t)recording.slots + 1, sizeof *slots);
    if (slots == NULL)
        abort();
    void **blocks = bare != 0 ? make_blocks() : NULL;
    for (uint64_t round = 0; round < repeat; round++)
        if (blocks != NULL)
            replay_bare(slots, blocks);
        else
            replay(slots);
    for (uint32_t i = 0; blocks != NULL && i < recording.slots; i++)
        free(blocks[i]);
    printf("%" PRIu32 " blocks, %zu calls\n", recording.slots, recording.count);
    free(blocks);
    free(slots);
    free(recording.calls);
    return 0;
}
