/* Lists of words that end with NULL. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

/* The word's place in the list, or -1. */
int words_find(const char *const *words, const char *word);

/* Which word somebody meant who typed `word`, of candidates that are shown one after the other. It
 * begins as {0}. */
struct words_best {
    const char *word; /* NULL: none is near */
    unsigned changes;
};
void words_consider(struct words_best *best, const char *candidate, const char *word);

/* "; did you mean tagpool?" in a new string, with `before` in front of the word; "" if none is. */
char *words_hint(const struct words_best *best, const char *before);

/* All words as one text, in a new string. `last` separates the last two, `separator` the others. */
char *words_join(const char *const *words, const char *separator, const char *last);

/* The words of a command line that no shell runs, split as a shell does it at blanks, but for what
 * is in quotes or behind a backslash. Ends with NULL; all of it is one block, for free().
 *
 * NULL, with the reason in a new string, where a quote has no end, or where a shell would do more
 * than split: with a pipe, a variable or a pattern the program would get what is written. */
char **words_split(const char *line, char **fault);

#endif
