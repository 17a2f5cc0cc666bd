#include "base/words.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int words_find(const char *const *words, const char *word) {
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}

/* Letters to change, add, leave out or swap with their neighbour, to make one of the other. */
static unsigned words_changes(const char *left, const char *right) {
    enum { LETTERS = 32 };
    unsigned rows[3][LETTERS + 1];
    size_t left_length = strlen(left), right_length = strlen(right);
    if (left_length > LETTERS || right_length > LETTERS)
        return LETTERS;
    for (unsigned j = 0; j <= right_length; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= left_length; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3];
        row[0] = i;
        for (unsigned j = 1; j <= right_length; j++) {
            unsigned cost = above[j - 1] + (left[i - 1] != right[j - 1]);
            cost = above[j] + 1 < cost ? above[j] + 1 : cost;
            cost = row[j - 1] + 1 < cost ? row[j - 1] + 1 : cost;
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]) {
                unsigned swapped = rows[(i + 1) % 3][j - 2] + 1;
                cost = swapped < cost ? swapped : cost;
            }
            row[j] = cost;
        }
    }
    return rows[left_length % 3][right_length];
}

void words_consider(struct words_best *best, const char *candidate, const char *word) {
    unsigned changes = words_changes(candidate, word);
    size_t length = strlen(word);
    /* One change in three letters; or it is only the beginning of the word. */
    bool near =
        changes <= (length + 1) / 3 || (length >= 3 && strncmp(candidate, word, length) == 0);
    if (near && (best->word == NULL || changes < best->changes))
        *best = (struct words_best){candidate, changes};
}

char *words_hint(const struct words_best *best, const char *before) {
    if (best->word == NULL)
        return memory_copy("");
    return memory_format("; did you mean %s%s?", before, best->word);
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

/* Does a shell do something of its own at the character, between such quotes ('\0': none)? */
static bool words_is_special(char character, char quote, bool begins_word) {
    static const char anywhere[] = "|&;<>()$`*?[", at_the_start[] = "#~", in_quotes[] = "$`";
    if (quote != '\0')
        return quote == '"' && strchr(in_quotes, character) != NULL;
    return strchr(anywhere, character) != NULL ||
           (begins_word && strchr(at_the_start, character) != NULL);
}

/* Does the line begin with a backslash that takes the meaning from what follows? */
static bool words_is_escape(const char *line, char quote) {
    static const char in_quotes[] = "$`\"\\";
    if (line[0] != '\\' || line[1] == '\0' || quote == '\'')
        return false;
    return quote == '\0' || strchr(in_quotes, line[1]) != NULL;
}

/* Copies one word, and returns what follows it; NULL with a fault. */
static const char *words_copy(const char *line, char **to, char **fault) {
    const char *begin = line;
    char quote = '\0';
    for (; *line != '\0' && (quote != '\0' || strchr(" \t\n", *line) == NULL); line++) {
        if (quote == '\0' && (*line == '\'' || *line == '"')) {
            quote = *line;
        } else if (quote != '\0' && *line == quote) {
            quote = '\0';
        } else if (words_is_special(*line, quote, line == begin)) {
            *fault = memory_format("'%c' means something to a shell%s", *line,
                                   quote == '\0' ? " unless it is quoted" : " between \"quotes\"");
            return NULL;
        } else {
            line += words_is_escape(line, quote);
            *(*to)++ = *line;
        }
    }
    if (quote != '\0')
        *fault = memory_copy("a quote is not closed");
    *(*to)++ = '\0';
    return quote == '\0' ? line : NULL;
}

char **words_split(const char *line, char **fault) {
    size_t most = strlen(line) / 2 + 2, count = 0;
    char **words = memory_array(1, most * sizeof *words + strlen(line) + 2);
    char *to = (char *)(words + most);
    line += strspn(line, " \t\n");
    while (*line != '\0') {
        words[count++] = to;
        line = words_copy(line, &to, fault);
        if (line == NULL) {
            free(words);
            return NULL;
        }
        line += strspn(line, " \t\n");
    }
    return words;
}
