#include "cfi.h"

#include "encoded.h"

#include <string.h>

/* Registers of x86-64, by their numbers in the tables. */
enum { REGISTER_FRAME = 6, REGISTER_STACK = 7, REGISTER_RETURN = 16 };

enum { REMEMBERED = 8, WORD_BYTES = 8 };

/* ---- the entries of the table ---- */

/* What a function's entry says, with that of its common part. */
struct entry {
    uintptr_t start; /* of the code */
    uint64_t code_align;
    int64_t data_align;
    unsigned encoding;
    bool is_signal; /* the kernel's frame, which interrupted the next */
    bool has_augmentation;
    struct encoded common; /* instructions of the common part */
    struct encoded own;    /* and of the function */
};

/* What there is from an address on. False if it lies outside of the tables. */
static bool open_tables(const struct cfi_tables *tables, uintptr_t start, struct encoded *bytes) {
    if (start < tables->start || start >= tables->end)
        return false;
    *bytes = (struct encoded){(const unsigned char *)start, (const unsigned char *)tables->end};
    return true;
}

/* An entry without its length: a word of 4 bytes in front of it. False at the end of the table, for
 * the form of 64 bits, which nobody uses, and for what is longer than any function needs. */
static bool open_entry(const struct cfi_tables *tables, uintptr_t start, struct encoded *bytes) {
    enum { BYTES_MOST = 1 << 20 };
    if (!open_tables(tables, start, bytes))
        return false;
    uint64_t length = encoded_fixed(bytes, sizeof(uint32_t));
    if (length == 0 || length > BYTES_MOST || length > (uint64_t)(bytes->end - bytes->at))
        return false;
    bytes->end = bytes->at + length;
    return true;
}

/* The augmentation says what else the entries hold: a letter a field. */
static void read_augmentation(struct entry *entry, const char *letters, struct encoded data) {
    for (const char *letter = letters + 1; *letter != '\0'; letter++) {
        if (*letter == 'R')
            entry->encoding = (unsigned)encoded_fixed(&data, 1);
        else if (*letter == 'L')
            (void)encoded_fixed(&data, 1);
        else if (*letter == 'P')
            (void)encoded_pointer(&data, (unsigned)encoded_fixed(&data, 1));
        else if (*letter == 'S')
            entry->is_signal = true;
    }
}

static bool read_common(const struct cfi_tables *tables, struct entry *entry, uintptr_t start) {
    struct encoded bytes;
    if (!open_entry(tables, start, &bytes) || encoded_fixed(&bytes, 4) != 0)
        return false;
    unsigned version = (unsigned)encoded_fixed(&bytes, 1);
    const char *letters = (const char *)bytes.at;
    while (bytes.at < bytes.end && *bytes.at != '\0')
        bytes.at++;
    if (bytes.at == bytes.end)
        return false;
    bytes.at++;
    entry->code_align = encoded_unsigned(&bytes);
    entry->data_align = encoded_signed(&bytes);
    uint64_t return_register = version == 1 ? encoded_fixed(&bytes, 1) : encoded_unsigned(&bytes);
    if (return_register != REGISTER_RETURN || (letters[0] != 'z' && letters[0] != '\0'))
        return false;
    if (letters[0] == 'z') {
        entry->has_augmentation = true;
        uint64_t count = encoded_unsigned(&bytes);
        if (count > (uint64_t)(bytes.end - bytes.at))
            return false;
        struct encoded data = {bytes.at, bytes.at + count};
        read_augmentation(entry, letters, data);
        bytes.at += count;
    }
    entry->common = bytes;
    return true;
}

/* The entry of an address, at `start`. False if it is not its own, or in no form that we read. */
static bool read_entry(const struct cfi_tables *tables, struct entry *entry, uintptr_t start,
                       uintptr_t address) {
    struct encoded bytes;
    *entry = (struct entry){.encoding = ENCODED_ABSOLUTE};
    if (!open_entry(tables, start, &bytes))
        return false;
    uintptr_t place = (uintptr_t)bytes.at;
    uint64_t back = encoded_fixed(&bytes, 4);
    if (back == 0 || !read_common(tables, entry, place - back) || entry->encoding == ENCODED_OMIT)
        return false;
    entry->start = (uintptr_t)encoded_pointer(&bytes, entry->encoding);
    uint64_t length = encoded_pointer(&bytes, entry->encoding & ENCODED_FORM);
    if (address - entry->start >= length)
        return false;
    if (entry->has_augmentation) {
        uint64_t count = encoded_unsigned(&bytes);
        if (count > (uint64_t)(bytes.end - bytes.at))
            return false;
        bytes.at += count;
    }
    entry->own = bytes;
    return true;
}

/* ---- the index ---- */

/* A row: where code starts and where its entry is, both from the start of the index. */
struct row {
    int32_t code;
    int32_t entry;
};

/* Where the last entry is whose code starts at the address or before; 0 if there is none. */
static uintptr_t find_entry(const struct cfi_tables *tables, uintptr_t address) {
    uintptr_t index = (uintptr_t)tables->index;
    struct encoded bytes;
    if (!open_tables(tables, index, &bytes))
        return 0;
    unsigned version = (unsigned)encoded_fixed(&bytes, 1);
    unsigned table = (unsigned)encoded_fixed(&bytes, 1);
    unsigned count_form = (unsigned)encoded_fixed(&bytes, 1);
    unsigned sorted = (unsigned)encoded_fixed(&bytes, 1);
    if (version != 1 || sorted != ENCODED_SORTED_INDEX || table == ENCODED_OMIT ||
        count_form == ENCODED_OMIT)
        return 0;
    (void)encoded_pointer(&bytes, table);
    uint64_t count = encoded_pointer(&bytes, count_form);
    const struct row *rows = (const struct row *)(const void *)bytes.at;
    if ((uintptr_t)rows % sizeof(int32_t) != 0 ||
        count > (uint64_t)(bytes.end - bytes.at) / sizeof *rows)
        return 0;
    int64_t wanted = (int64_t)(address - index);
    uint64_t low = 0, high = count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (rows[middle].code <= wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? 0 : index + (uintptr_t)(intptr_t)rows[low - 1].entry;
}

/* ---- the instructions ---- */

/* Where a register's value of the caller is. */
enum place { PLACE_SAME, PLACE_SAVED, PLACE_NOWHERE, PLACE_ODD };

struct state {
    unsigned frame_register;
    int64_t frame_offset;
    bool is_in_memory; /* the frame is the word there */
    bool is_odd;       /* it is told in a way that a rule has no room for */
    enum place frame_place;
    int64_t frame_saved;
    enum place return_place;
    int64_t return_saved;
};

/* A number of steps; rubbish may be too many for any offset. */
static int64_t scaled(uint64_t steps, int64_t align) {
    return (int64_t)(steps * (uint64_t)align);
}

static void set_place(struct state *state, uint64_t number, enum place place, int64_t saved) {
    if (number == REGISTER_FRAME) {
        state->frame_place = place;
        state->frame_saved = saved;
    } else if (number == REGISTER_RETURN) {
        state->return_place = place;
        state->return_saved = saved;
    }
}

static void restore_place(struct state *state, uint64_t number, const struct state *initial) {
    if (number == REGISTER_FRAME)
        set_place(state, number, initial->frame_place, initial->frame_saved);
    else if (number == REGISTER_RETURN)
        set_place(state, number, initial->return_place, initial->return_saved);
}

/* The frame by an expression. Compilers write one where they align the stack: the word at a place
 * that the frame pointer tells. */
static void frame_by_expression(struct state *state, struct encoded *bytes) {
    enum { BASE_OF_REGISTER = 0x70, LOAD = 0x06 };
    uint64_t length = encoded_unsigned(bytes);
    if (length > (uint64_t)(bytes->end - bytes->at))
        length = (uint64_t)(bytes->end - bytes->at);
    struct encoded expression = {bytes->at, bytes->at + length};
    bytes->at += length;
    unsigned first = (unsigned)encoded_fixed(&expression, 1);
    int64_t offset = encoded_signed(&expression);
    unsigned second = (unsigned)encoded_fixed(&expression, 1);
    state->is_odd = first != BASE_OF_REGISTER + REGISTER_FRAME || second != LOAD ||
                    expression.at != expression.end;
    state->frame_register = REGISTER_FRAME;
    state->frame_offset = offset;
    state->is_in_memory = true;
}

static void set_frame(struct state *state, uint64_t number, int64_t offset) {
    state->frame_register = number <= REGISTER_STACK ? (unsigned)number : 0;
    state->frame_offset = offset;
    state->is_in_memory = false;
    state->is_odd = false;
}

static void skip_block(struct encoded *bytes) {
    uint64_t length = encoded_unsigned(bytes);
    uint64_t most = (uint64_t)(bytes->end - bytes->at);
    bytes->at += length < most ? length : most;
}

/* The instructions by number, of those that have no operand in it (DW_CFA). */
enum {
    ADVANCE_1 = 0x02,
    ADVANCE_2 = 0x03,
    ADVANCE_4 = 0x04,
    SAVED = 0x05,
    RESTORE = 0x06,
    UNDEFINED = 0x07,
    SAME = 0x08,
    IN_REGISTER = 0x09,
    REMEMBER_ALL = 0x0a,
    RESTORE_ALL = 0x0b,
    FRAME = 0x0c,
    FRAME_REGISTER = 0x0d,
    FRAME_OFFSET = 0x0e,
    FRAME_EXPRESSION = 0x0f,
    EXPRESSION = 0x10,
    SAVED_SIGNED = 0x11,
    FRAME_SIGNED = 0x12,
    FRAME_OFFSET_SIGNED = 0x13,
    VALUE = 0x14,
    VALUE_SIGNED = 0x15,
    VALUE_EXPRESSION = 0x16,
    ARGUMENTS = 0x2e,
};

/* What is known as the instructions are followed. */
struct machine {
    const struct entry *entry;
    struct state state;
    struct state initial; /* after the common instructions */
    struct state remembered[REMEMBERED];
    unsigned depth;
    uintptr_t location;
};

/* An instruction about the frame itself. False if it is none. */
static bool do_frame(struct machine *machine, unsigned instruction, struct encoded *bytes) {
    struct state *state = &machine->state;
    uint64_t number;
    switch (instruction) {
    case FRAME:
        number = encoded_unsigned(bytes);
        set_frame(state, number, (int64_t)encoded_unsigned(bytes));
        return true;
    case FRAME_SIGNED:
        number = encoded_unsigned(bytes);
        set_frame(state, number,
                  scaled((uint64_t)encoded_signed(bytes), machine->entry->data_align));
        return true;
    case FRAME_REGISTER:
        set_frame(state, encoded_unsigned(bytes), state->frame_offset);
        return true;
    case FRAME_OFFSET:
        state->frame_offset = (int64_t)encoded_unsigned(bytes);
        return true;
    case FRAME_OFFSET_SIGNED:
        state->frame_offset = scaled((uint64_t)encoded_signed(bytes), machine->entry->data_align);
        return true;
    case FRAME_EXPRESSION:
        frame_by_expression(state, bytes);
        return true;
    default:
        return false;
    }
}

/* One about a register, whose number is its first operand. False if it is none that we know. */
static bool do_register(struct machine *machine, unsigned instruction, struct encoded *bytes) {
    struct state *state = &machine->state;
    int64_t align = machine->entry->data_align;
    uint64_t number = encoded_unsigned(bytes);
    switch (instruction) {
    case SAVED:
        set_place(state, number, PLACE_SAVED, scaled(encoded_unsigned(bytes), align));
        return true;
    case SAVED_SIGNED:
        set_place(state, number, PLACE_SAVED, scaled((uint64_t)encoded_signed(bytes), align));
        return true;
    case RESTORE:
        restore_place(state, number, &machine->initial);
        return true;
    case UNDEFINED:
        set_place(state, number, PLACE_NOWHERE, 0);
        return true;
    case SAME:
        set_place(state, number, PLACE_SAME, 0);
        return true;
    case IN_REGISTER:
    case VALUE:
        (void)encoded_unsigned(bytes);
        set_place(state, number, PLACE_ODD, 0);
        return true;
    case VALUE_SIGNED:
        (void)encoded_signed(bytes);
        set_place(state, number, PLACE_ODD, 0);
        return true;
    case EXPRESSION:
    case VALUE_EXPRESSION:
        skip_block(bytes);
        set_place(state, number, PLACE_ODD, 0);
        return true;
    default:
        return false;
    }
}

/* One without operands, or with one that is no register. False if it is none that we know. */
static bool do_other(struct machine *machine, unsigned instruction, struct encoded *bytes) {
    uint64_t code_align = machine->entry->code_align;
    switch (instruction) {
    case 0: /* padding */
        return true;
    case ADVANCE_1:
        machine->location += encoded_fixed(bytes, 1) * code_align;
        return true;
    case ADVANCE_2:
        machine->location += encoded_fixed(bytes, 2) * code_align;
        return true;
    case ADVANCE_4:
        machine->location += encoded_fixed(bytes, 4) * code_align;
        return true;
    case REMEMBER_ALL:
        if (machine->depth == REMEMBERED)
            return false;
        machine->remembered[machine->depth++] = machine->state;
        return true;
    case RESTORE_ALL:
        if (machine->depth == 0)
            return false;
        machine->state = machine->remembered[--machine->depth];
        return true;
    case ARGUMENTS:
        (void)encoded_unsigned(bytes);
        return true;
    default:
        return false;
    }
}

/* Follow instructions up to an address. False if one is not known. */
static bool follow(struct machine *machine, struct encoded bytes, uintptr_t address) {
    enum { KIND = 0xc0, OPERAND = 0x3f, ADVANCE = 0x40, SAVED_SHORT = 0x80, RESTORE_SHORT = 0xc0 };
    while (bytes.at < bytes.end && machine->location <= address) {
        unsigned instruction = *bytes.at++;
        unsigned operand = instruction & OPERAND;
        if ((instruction & KIND) == ADVANCE)
            machine->location += operand * machine->entry->code_align;
        else if ((instruction & KIND) == SAVED_SHORT)
            set_place(&machine->state, operand, PLACE_SAVED,
                      scaled(encoded_unsigned(&bytes), machine->entry->data_align));
        else if ((instruction & KIND) == RESTORE_SHORT)
            restore_place(&machine->state, operand, &machine->initial);
        else if (!do_frame(machine, instruction, &bytes) &&
                 !do_other(machine, instruction, &bytes) &&
                 !do_register(machine, instruction, &bytes))
            return false;
    }
    return true;
}

/* ---- rules ---- */

static struct cfi_rule rule_of(const struct state *state) {
    static const struct cfi_rule unknown = {.kind = CFI_UNKNOWN};
    struct cfi_rule rule = {.offset = (int32_t)state->frame_offset};
    if (state->return_place == PLACE_NOWHERE)
        return (struct cfi_rule){.kind = CFI_END};
    if (state->is_odd || state->return_place != PLACE_SAVED || state->return_saved != -WORD_BYTES ||
        rule.offset != state->frame_offset)
        return unknown;
    if (state->frame_register == REGISTER_STACK && !state->is_in_memory)
        rule.kind = CFI_FROM_STACK;
    else if (state->frame_register == REGISTER_FRAME)
        rule.kind = state->is_in_memory ? CFI_IN_FRAME : CFI_FROM_FRAME;
    else
        return unknown;
    if (rule.kind == CFI_IN_FRAME) /* the caller's frame pointer is saved where ours points to */
        return rule;
    if (state->frame_place == PLACE_ODD)
        return unknown;
    rule.is_saved = state->frame_place == PLACE_SAVED;
    rule.saved_word = (int16_t)(state->frame_saved / WORD_BYTES);
    return (int64_t)rule.saved_word * WORD_BYTES == state->frame_saved ? rule : unknown;
}

struct cfi_rule cfi_find(const struct cfi_tables *tables, uintptr_t address) {
    struct cfi_rule unknown = {.kind = CFI_UNKNOWN};
    struct entry entry;
    uintptr_t start = find_entry(tables, address);
    if (start == 0 || !read_entry(tables, &entry, start, address))
        return unknown;
    if (entry.is_signal)
        return (struct cfi_rule){.kind = CFI_AFTER_SIGNAL};
    struct machine machine = {.entry = &entry, .location = entry.start};
    if (!follow(&machine, entry.common, UINTPTR_MAX))
        return unknown;
    machine.initial = machine.state;
    if (!follow(&machine, entry.own, address))
        return unknown;
    return rule_of(&machine.state);
}
