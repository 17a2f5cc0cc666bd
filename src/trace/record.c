#include "record.h"

#include "os.h"
#include "shared.h"
#include "tagpool/trace_file.h"

#include <string.h>

enum { WINDOW_BYTES = 1 << 20, PATH_BYTES = 4096, FIRST_SLOTS = 1 << 12 };

static struct tagpool_trace_head *head; /* of the file; NULL: nothing is recorded (any more) */
static char path_of_file[PATH_BYTES];   /* kept: the program may change its environment */
static unsigned char *window;
static uint64_t window_start; /* of the window, in the file */

/* Free slots, the last freed first: each names the next. */
static uint32_t *next_free;
static size_t slot_room;     /* slots that next_free has room for */
static uint32_t slots_used;  /* ever */
static uint32_t free_slot;   /* the first free one + 1; 0: none */
static uint32_t last_slot;   /* of the call before */
static uint32_t last_thread; /* of the call before */

/* ---- the file ---- */

static bool head_is_valid(void) {
    return head->magic == TAGPOOL_TRACE_MAGIC && head->version == TAGPOOL_TRACE_VERSION &&
           head->head_bytes == sizeof *head && head->sealed == 0;
}

static bool is_wanted(void) {
    char name[TAGPOOL_TRACE_NAME_BYTES];
    os_program_name(name, sizeof name);
    return head->wanted[0] == '\0' || strncmp(head->wanted, name, sizeof name) == 0;
}

/* The first process gets the file; after an exec it begins anew, because the program that it was is
 * gone. Relaxed: only the winner goes on. */
static bool claim(void) {
    uint64_t pid = os_process_id();
    uint64_t expected = 0;
    if (is_wanted() && (__atomic_compare_exchange_n(&head->pid, &expected, pid, false,
                                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
                        expected == pid))
        return true;
    __atomic_fetch_add(&head->left_out, 1, __ATOMIC_RELAXED);
    return false;
}

bool record_start(const char *path) {
    size_t length = strlen(path);
    head = length < sizeof path_of_file ? shared_map(path, sizeof *head) : NULL;
    if (head != NULL && head_is_valid() && claim()) {
        memcpy(path_of_file, path, length + 1);
        head->stream_bytes = 0;
        head->missed_calls = 0;
        head->foreign_frees = 0;
        head->end = TAGPOOL_TRACE_RUNNING;
        os_program_name(head->name, sizeof head->name);
        return true;
    }
    head = NULL;
    return false;
}

static void stop(enum tagpool_trace_end end) {
    if (head != NULL)
        head->end = end;
    head = NULL;
}

/* The head reads as zero then: a limit of 0 ends the recording in the child. */
void record_after_fork(void) {
    if (head == NULL)
        return;
    __atomic_fetch_add(&head->left_out, 1, __ATOMIC_RELAXED);
    shared_detach(head, os_round_to_page(sizeof *head));
    if (window != NULL)
        shared_detach(window, WINDOW_BYTES);
}

void record_missed(void) {
    struct tagpool_trace_head *whose = head;
    if (whose != NULL)
        __atomic_fetch_add(&whose->missed_calls, 1, __ATOMIC_RELAXED);
}

void record_end(void) {
    stop(TAGPOOL_TRACE_EXITED);
}

/* Move the window to where the file is written next. */
static bool move_window(uint64_t place) {
    uint64_t page_bytes = os_page_bytes();
    uint64_t start = place & ~(page_bytes - 1);
    if (window != NULL)
        shared_unmap(window, WINDOW_BYTES);
    window = shared_extend(path_of_file, start, WINDOW_BYTES);
    window_start = start;
    return window != NULL;
}

/* Where the next call is written; NULL if the recording ends here. */
static unsigned char *place_for_calls(size_t bytes) {
    if (head->stream_bytes + bytes > head->limit_bytes) {
        stop(TAGPOOL_TRACE_LIMIT);
        return NULL;
    }
    uint64_t place = sizeof *head + head->stream_bytes;
    if ((window == NULL || place + bytes > window_start + WINDOW_BYTES) && !move_window(place)) {
        stop(TAGPOOL_TRACE_NO_ROOM);
        return NULL;
    }
    return window + (place - window_start);
}

/* ---- calls ---- */

static unsigned char *put_varint(unsigned char *place, uint64_t number) {
    for (; number >= 0x80; number >>= 7)
        *place++ = (unsigned char)(number | 0x80);
    *place++ = (unsigned char)number;
    return place;
}

static unsigned char *put_call(unsigned char *place, enum tagpool_trace_kind kind,
                               uint64_t number) {
    if (number < TAGPOOL_TRACE_SMALL) {
        *place++ = (unsigned char)(kind | number << 3);
        return place;
    }
    *place++ = (unsigned char)(kind | TAGPOOL_TRACE_SMALL << 3);
    return put_varint(place, number - TAGPOOL_TRACE_SMALL);
}

/* Begin a call, after a change of thread if there is one. NULL as above. */
static unsigned char *begin_call(uint32_t thread) {
    unsigned char *place = place_for_calls((size_t)2 * TAGPOOL_TRACE_CALL_BYTES);
    if (place == NULL || thread == last_thread)
        return place;
    last_thread = thread;
    return put_call(place, TAGPOOL_TRACE_THREAD, thread);
}

/* The call ends before `place`. Release: who reads the length after a kill finds the bytes. */
static void end_call(const unsigned char *place) {
    uint64_t stream_bytes = window_start + (uint64_t)(place - window) - sizeof *head;
    __atomic_store_n(&head->stream_bytes, stream_bytes, __ATOMIC_RELEASE);
}

static uint64_t distance_to(uint32_t slot) {
    int64_t distance = (int64_t)slot - (int64_t)last_slot;
    last_slot = slot;
    return distance >= 0 ? 2 * (uint64_t)distance : 2 * (uint64_t)-distance - 1;
}

/* ---- slots ---- */

static bool grow_slots(void) {
    size_t room = slot_room == 0 ? FIRST_SLOTS : 2 * slot_room;
    size_t bytes = os_round_to_page(room * sizeof *next_free);
    if (room > TAGPOOL_TRACE_SLOTS)
        return false;
    uint32_t *larger = os_reserve(bytes, os_page_bytes());
    if (larger == NULL)
        return false;
    if (!os_commit(larger, bytes)) {
        os_unreserve(larger, bytes);
        return false;
    }
    if (next_free != NULL) {
        memcpy(larger, next_free, slot_room * sizeof *next_free);
        os_unreserve(next_free, os_round_to_page(slot_room * sizeof *next_free));
    }
    next_free = larger;
    slot_room = room;
    return true;
}

/* A slot for a new block. False if there is no room for more. */
static bool take_slot(uint32_t *slot) {
    if (free_slot != 0) {
        *slot = free_slot - 1;
        free_slot = next_free[*slot];
        return true;
    }
    if (slots_used == slot_room && !grow_slots())
        return false;
    *slot = slots_used++;
    return true;
}

static void give_slot(uint32_t slot) {
    next_free[slot] = free_slot;
    free_slot = slot + 1;
}

/* ---- blocks ---- */

/* The old block at a new block's address was not seen to be freed: written as freed now. */
static void end_unseen(const void *block, uint32_t thread) {
    struct block stale;
    if (!blocks_take(block, &stale))
        return;
    unsigned char *place = begin_call(thread);
    if (place == NULL)
        return;
    end_call(put_call(place, TAGPOOL_TRACE_FREE, distance_to((uint32_t)stale.number)));
    give_slot((uint32_t)stale.number);
}

static unsigned char *put_request(unsigned char *place, enum request request, size_t alignment,
                                  size_t bytes) {
    if (request == REQUEST_ALIGNED) {
        place = put_call(place, TAGPOOL_TRACE_ALIGNED, (unsigned)__builtin_ctzll(alignment));
        return put_varint(place, bytes);
    }
    return put_call(place, request == REQUEST_CALLOC ? TAGPOOL_TRACE_CALLOC : TAGPOOL_TRACE_MALLOC,
                    bytes);
}

void record_take(enum request request, const void *block, size_t alignment, size_t bytes,
                 uint32_t thread) {
    struct block known = {.address = (uintptr_t)block, .bytes = bytes, .thread = thread};
    uint32_t slot;
    if (head == NULL)
        return;
    end_unseen(block, thread);
    unsigned char *place = head != NULL ? begin_call(thread) : NULL;
    if (place == NULL)
        return;
    if (!take_slot(&slot)) {
        stop(TAGPOOL_TRACE_NO_ROOM);
        return;
    }
    known.number = slot;
    if (!blocks_add(&known)) {
        stop(TAGPOOL_TRACE_NO_ROOM);
        return;
    }
    end_call(put_request(place, request, alignment, bytes));
    last_slot = slot;
}

void record_give(const void *block, uint32_t thread) {
    struct block known;
    if (head == NULL)
        return;
    if (!blocks_take(block, &known)) {
        head->foreign_frees++;
        return;
    }
    unsigned char *place = begin_call(thread);
    if (place == NULL)
        return;
    end_call(put_call(place, TAGPOOL_TRACE_FREE, distance_to((uint32_t)known.number)));
    give_slot((uint32_t)known.number);
}

void record_resize_begin(const void *block, struct block *known) {
    if (!blocks_take(block, known))
        *known = (struct block){.address = 0};
}

void record_resize_end(const struct block *known, const void *moved, size_t bytes,
                       uint32_t thread) {
    struct block after = *known;
    if (head == NULL)
        return;
    if (known->address == 0) { /* its birth was not seen: it begins here */
        head->foreign_frees++;
        if (moved != NULL)
            record_take(REQUEST_MALLOC, moved, 0, bytes, thread);
        return;
    }
    if (moved != NULL) {
        if (moved != (const void *)(uintptr_t)known->address)
            end_unseen(moved, thread);
        unsigned char *place = head != NULL ? begin_call(thread) : NULL;
        if (place == NULL)
            return;
        place = put_call(place, TAGPOOL_TRACE_REALLOC, distance_to((uint32_t)known->number));
        end_call(put_varint(place, bytes));
        after.address = (uintptr_t)moved;
        after.bytes = bytes;
    }
    if (!blocks_add(&after))
        stop(TAGPOOL_TRACE_NO_ROOM);
}
