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
    hold(result.name + 1 >= (uint64_t)(minimum) + 1 && result.name <= (uint64_t)(maximum));
    TAGPOOL_OPTIONS(IN_RANGE)
#undef IN_RANGE
    hold(result.node_max == size_class_stride[size_class_of(result.node_max)]);
    hold(complaints.count <= CONFIG_COMPLAINTS);
    for (unsigned i = 0; i < complaints.count; i++) {
        hold(complaints.lines[i].length <= sizeof complaints.lines[i].bytes);
        hold(text_equals(complaints.lines[i].bytes, 17, "TAGPOOL_OPTIONS: "));
    }
    return 0;
}
