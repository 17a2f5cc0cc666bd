#include "config.h"

#include "block_tag.h"
#include "size_class.h"

#include <string.h>

#define CONFIG_DEFAULT(name, kind, initial, minimum, maximum, help) .name = (initial),
#define CONFIG_DEFAULTS                                                                            \
    { TAGPOOL_OPTIONS(CONFIG_DEFAULT).slot_max = TAGPOOL_NODE_MAX }

FIXED struct config config = CONFIG_DEFAULTS;

enum kind { CHOICE, BYTES, COUNT, FLAG };

/* A row of the option list. */
struct option {
    const char *name;
    enum kind kind;
    uint64_t minimum;
    uint64_t maximum;
    size_t offset; /* of the field in struct config */
    const char *const
        *choices; /* the words of a CHOICE, as many as maximum + 1; NULL for other kinds */
};

static const char *const strategy_choices[] = {TAGPOOL_CHOICES_strategy};
static const char *const on_fault_choices[] = {TAGPOOL_CHOICES_on_fault};
static const char *const flag_choices[] = {"off", "on"};

#define CHOICES_CHOICE(name) name##_choices
#define CHOICES_FLAG(name)   flag_choices
#define CHOICES_BYTES(name)  NULL
#define CHOICES_COUNT(name)  NULL

static const struct option options_known[] = {
#define CONFIG_ROW(name_, kind_, initial_, minimum_, maximum_, help_)                              \
    {.name = #name_,                                                                               \
     .kind = kind_,                                                                                \
     .minimum = minimum_,                                                                          \
     .maximum = maximum_,                                                                          \
     .offset = offsetof(struct config, name_),                                                     \
     .choices = CHOICES_##kind_(name_)},
    TAGPOOL_OPTIONS(CONFIG_ROW)
#undef CONFIG_ROW
};

enum { OPTION_COUNT = sizeof options_known / sizeof options_known[0] };

static const struct option *find_option(const char *start, size_t length) {
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (text_equals(start, length, options_known[i].name))
            return &options_known[i];
    return NULL;
}

/* The value of a number or of a word of the choices; false if it is neither or out of range. */
static bool read_value(const struct option *option, const char *start, size_t length,
                       uint64_t *value) {
    if (option->choices == NULL)
        return text_read_number(start, length, value) && *value >= option->minimum &&
               *value <= option->maximum;
    for (uint64_t i = 0; i <= option->maximum; i++) {
        if (text_equals(start, length, option->choices[i])) {
            *value = i;
            return true;
        }
    }
    return false;
}

APART COLD static struct text *new_complaint(struct config_complaints *complaints) {
    static SELDOM struct text dropped; /* written, never read */
    struct text *line = &dropped;
    if (complaints != NULL && complaints->count < CONFIG_COMPLAINTS)
        line = &complaints->lines[complaints->count++];
    line->length = 0;
    text_add(line, TAGPOOL_OPTIONS_VARIABLE ": ");
    return line;
}

APART COLD static void complain_of_key(struct config_complaints *complaints, const char *start,
                                       size_t length) {
    struct text *line = new_complaint(complaints);
    text_add(line, "unknown option '");
    text_add_span(line, start, length < 64 ? length : 64);
    text_add(line, "' ignored; known are ");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        text_add(line, i == 0 ? "" : ", ");
        text_add(line, options_known[i].name);
    }
}

APART COLD static void complain_of_value(struct config_complaints *complaints,
                                         const struct option *option, const char *start,
                                         size_t length) {
    struct text *line = new_complaint(complaints);
    text_add(line, option->name);
    text_add(line, "='");
    text_add_span(line, start, length < 64 ? length : 64);
    text_add(line, "' ignored; it takes ");
    if (option->choices == NULL) {
        text_add_number(line, option->minimum);
        text_add(line, " to ");
        text_add_number(line, option->maximum);
        return;
    }
    for (uint64_t i = 0; i <= option->maximum; i++) {
        text_add(line, i == 0 ? "" : " or ");
        text_add(line, option->choices[i]);
    }
}

/* One "key=value" of the list. False if it is not understood. */
SLOW static bool read_item(struct config *result, const char *start, size_t length,
                           struct config_complaints *complaints) {
    const char *equals = memchr(start, '=', length);
    size_t key_length = equals != NULL ? (size_t)(equals - start) : length;
    const struct option *option = find_option(start, key_length);
    if (option == NULL) {
        complain_of_key(complaints, start, key_length);
        return false;
    }
    const char *value_start = start + key_length + (equals != NULL);
    size_t value_length = (size_t)(start + length - value_start);
    uint64_t value;
    if (!read_value(option, value_start, value_length, &value)) {
        complain_of_value(complaints, option, value_start, value_length);
        return false;
    }
    memcpy((char *)result + option->offset, &value, sizeof value);
    return true;
}

/* A size class is served as a whole or not at all; what the strategy keeps in a slot goes off it.
 */
AT_LOAD static void derive(struct config *result) {
    result->node_max = size_class_stride[size_class_of(result->node_max)];
    if (result->strategy == TAGPOOL_STRATEGY_DIRECT)
        result->harden = 0;
    if (result->harden != 0)
        result->strategy = TAGPOOL_STRATEGY_TAGGED;
    bool has_tags = result->strategy == TAGPOOL_STRATEGY_TAGGED;
    result->slot_max = result->node_max - (has_tags ? BLOCK_TAG_BYTES : 0);
    if (result->harden != 0)
        result->slot_max = SIZE_CLASS_MAX_BYTES - BLOCK_TAG_BYTES;
}

AT_LOAD static size_t item_length(const char *options) {
    size_t length = 0;
    while (options[length] != '\0' && options[length] != ',')
        length++;
    return length;
}

AT_LOAD bool config_read(struct config *result, const char *options,
                         struct config_complaints *complaints) {
    bool is_understood = true;
    *result = (struct config)CONFIG_DEFAULTS;
    if (complaints != NULL)
        complaints->count = 0;
    while (options != NULL && *options != '\0') {
        size_t length = item_length(options);
        if (length != 0 && !read_item(result, options, length, complaints))
            is_understood = false;
        options += length + (options[length] == ',');
    }
    derive(result);
    return is_understood;
}
