/* Text in UTF-8, which command lines and file names need not be. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

/* What stands for a byte that is part of no character. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Bytes of the character at `text`, or 0 when it is none (overlong forms and surrogates included).
 */
unsigned utf8_sequence(const char *text);

/* The text with what is no character replaced, in a new string. */
char *utf8_clean(const char *text);

#endif
