/* Fuzz target: calls of the malloc family, one or more for each byte, against the shadow model. To
 * be run with the library preloaded.
 */
#include "model.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    static struct model_block nodes[MODEL_SLOTS];
    struct model model = {.choices = {.bytes = data, .left = bytes}};
    if (bytes == 0)
        return 0;
    for (size_t i = 0; i < MODEL_SLOTS; i++)
        model.slots[i] = &nodes[i];
    model_run(&model, UINT64_MAX);
    model_clear(&model);
    if (model.fault != NULL) {
        fprintf(stderr, "%s (%zu bytes, step %ju)\n", model.fault, model.fault_bytes,
                (uintmax_t)model.steps);
        abort();
    }
    return 0;
}
