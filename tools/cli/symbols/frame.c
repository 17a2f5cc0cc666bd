#include "symbols/frame.h"

#include "base/memory.h"

#include <stdlib.h>

static char *symbols_frame_text(const char *text, size_t bytes) {
    return bytes == 0 || text[0] == '?' ? NULL : memory_format("%.*s", (int)bytes, text);
}

void symbols_frame_add(struct symbols_frame *frame, const char *function, size_t function_bytes,
                       const char *file, size_t file_bytes, unsigned line) {
    frame->places = memory_resize(frame->places, frame->place_count + 1, sizeof *frame->places);
    frame->places[frame->place_count++] = (struct symbols_place){
        .function = symbols_frame_text(function, function_bytes),
        .file = symbols_frame_text(file, file_bytes),
        .line = line,
    };
}

void symbols_frame_clear(struct symbols_frame *frame) {
    for (unsigned i = 0; i < frame->place_count; i++) {
        free(frame->places[i].function);
        free(frame->places[i].file);
    }
    free(frame->places);
    frame->places = NULL;
    frame->place_count = 0;
}
