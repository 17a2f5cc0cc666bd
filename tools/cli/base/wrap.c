#include "base/wrap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Narrower than this, breaking makes it worse. */
enum { WRAP_NARROWEST = 30 };

unsigned wrap_width(FILE *out) {
    struct winsize size;
    int descriptor = fileno(out);
    if (descriptor < 0 || !isatty(descriptor))
        return 0;
    if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col < WRAP_NARROWEST)
        return WRAP_STANDARD_WIDTH;
    return size.ws_col < WRAP_WIDEST ? size.ws_col : WRAP_WIDEST;
}

unsigned wrap_help_width(FILE *out) {
    unsigned width = wrap_width(out);
    return width != 0 ? width : WRAP_STANDARD_WIDTH;
}

/* Columns of the first `bytes` of a text in UTF-8. */
static unsigned wrap_columns(const char *text, size_t bytes) {
    unsigned columns = 0;
    for (size_t i = 0; i < bytes; i++)
        columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    return columns;
}

static unsigned wrap_new_line(FILE *out, unsigned indent) {
    fprintf(out, "\n%*s", (int)indent, "");
    return indent;
}

unsigned wrap_print(FILE *out, const char *text, unsigned column, unsigned indent, unsigned width) {
    unsigned blanks = 0; /* before the next word */
    while (*text != '\0') {
        size_t bytes = strcspn(text, " \n");
        unsigned columns = wrap_columns(text, bytes);
        if (bytes != 0) {
            /* The last column stays free: some terminals go on to the next line by themselves. */
            if (width != 0 && column + blanks + columns >= width && column > indent)
                column = wrap_new_line(out, indent);
            else
                column += (unsigned)fprintf(out, "%*s", (int)blanks, "");
            fwrite(text, 1, bytes, out);
            column += columns;
            blanks = 0;
            text += bytes;
        } else if (*text == '\n') {
            column = wrap_new_line(out, indent);
            blanks = 0;
            text++;
        } else {
            blanks++;
            text++;
        }
    }
    return column;
}

/* Bytes of the paragraph, of lines that are not kept, or of the one line that is. */
static size_t wrap_paragraph_bytes(const char *text) {
    size_t bytes = strcspn(text, "\n");
    if (bytes == 0 || text[0] == ' ')
        return bytes;
    while (text[bytes] == '\n' && text[bytes + 1] != '\0' && text[bytes + 1] != '\n' &&
           text[bytes + 1] != ' ')
        bytes += 1 + strcspn(text + bytes + 1, "\n");
    return bytes;
}

void wrap_paragraphs(FILE *out, const char *text, unsigned width) {
    while (*text != '\0') {
        size_t bytes = wrap_paragraph_bytes(text);
        char *paragraph = strndup(text, bytes);
        if (paragraph == NULL)
            return;
        for (char *end = strchr(paragraph, '\n'); end != NULL; end = strchr(end, '\n'))
            *end = ' ';
        if (text[0] == ' ')
            fputs(paragraph, out);
        else
            wrap_print(out, paragraph, 0, 0, width);
        fputc('\n', out);
        free(paragraph);
        text += bytes + (text[bytes] != '\0');
    }
}
