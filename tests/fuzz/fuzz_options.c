/* Fuzz target: the text of TAGPOOL_OPTIONS, as config_read() takes it. Whatever it says, every
 * option stays within its range, and every complaint is a line of bounded length.
 */
#include "config.h"

#include "size_class.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void hold(bool condition) {
    if (!condition)
        abort();
}

/* It is the end of a class, tags included; the hardened mode serves larger requests too. */
static bool is_node_max(const struct config *result) {
    bool is_tagged = result->strategy == TAGPOOL_STRATEGY_TAGGED;
    uint64_t slot_bytes = result->node_max + (is_tagged ? sizeof(uint64_t) : 0);
    if (result->harden != 0 && is_tagged)
        return slot_bytes <= SIZE_CLASS_MAX_BYTES;
    return slot_bytes <= TAGPOOL_NODE_MAX &&
           slot_bytes == size_class_stride[size_class_of(slot_bytes)];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static struct config result;
    static struct config_complaints complaints;
    char *options = malloc(bytes + 1);
    if (options == NULL)
        return 0;
    memcpy(options, data, bytes);
    options[bytes] = '\0';
    config_read(&result, options, &complaints);
    free(options);
#define IN_RANGE(name, kind, initial, minimum, maximum, help)                                      \
    hold(result.name + 1 >= (uint64_t)(minimum) + 1 &&                                             \
         (result.name <= (uint64_t)(maximum) || &result.name == &result.node_max));
    TAGPOOL_OPTIONS(IN_RANGE)
#undef IN_RANGE
    hold(is_node_max(&result));
    hold(complaints.count <= CONFIG_COMPLAINTS);
    for (unsigned i = 0; i < complaints.count; i++) {
        hold(complaints.lines[i].length <= sizeof complaints.lines[i].bytes);
        hold(text_equals(complaints.lines[i].bytes, 17, "TAGPOOL_OPTIONS: "));
    }
    return 0;
}
