#include "base/words.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

int words_find(const char *const *words, const char *word) {
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}

char *words_join(const char *const *words, const char *separator, const char *last) {
    char *text = memory_copy(words[0] != NULL ? words[0] : "");
    for (int i = 1; words[0] != NULL && words[i] != NULL; i++) {
        char *longer =
            memory_format("%s%s%s", text, words[i + 1] == NULL ? last : separator, words[i]);
        free(text);
        text = longer;
    }
    return text;
}
