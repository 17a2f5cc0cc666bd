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

/* Copies one word, and returns what follows it; NULL when a quote has no end. */
static const char *words_copy(const char *line, char **to) {
    char quote = '\0';
    for (; *line != '\0' && (quote != '\0' || strchr(" \t\n", *line) == NULL); line++) {
        if (quote == '\0' && (*line == '\'' || *line == '"')) {
            quote = *line;
        } else if (quote != '\0' && *line == quote) {
            quote = '\0';
        } else {
            if (*line == '\\' && quote != '\'' && line[1] != '\0')
                line++;
            *(*to)++ = *line;
        }
    }
    *(*to)++ = '\0';
    return quote == '\0' ? line : NULL;
}

char **words_split(const char *line) {
    size_t most = strlen(line) / 2 + 2, count = 0;
    char **words = memory_array(1, most * sizeof *words + strlen(line) + 2);
    char *to = (char *)(words + most);
    line += strspn(line, " \t\n");
    while (*line != '\0') {
        words[count++] = to;
        line = words_copy(line, &to);
        if (line == NULL) {
            free(words);
            return NULL;
        }
        line += strspn(line, " \t\n");
    }
    return words;
}
