#include "base/wrap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Narrower than this, breaking makes it worse. */
enum { WRAP_NARROWEST = 30, WRAP_INDENT = 4, WRAP_ROW_INDENT = 10 };

/* The sheet that is open, and what it is for. */
static struct {
    FILE *sheet;
    FILE *out;
    bool help;
    char *text;
    size_t bytes;
} wrap_sheet;

/* Of the file that the text ends in; less than 0: of none. */
static int wrap_descriptor(FILE *out) {
    return fileno(out == wrap_sheet.sheet ? wrap_sheet.out : out);
}

bool wrap_is_terminal(FILE *out) {
    return isatty(wrap_descriptor(out));
}

/* All its columns; 0: it is no terminal. */
static unsigned wrap_terminal_width(FILE *out) {
    struct winsize size;
    if (!wrap_is_terminal(out))
        return 0;
    bool known = ioctl(wrap_descriptor(out), TIOCGWINSZ, &size) == 0;
    return known && size.ws_col >= WRAP_NARROWEST ? size.ws_col : WRAP_STANDARD_WIDTH;
}

unsigned wrap_width(FILE *out) {
    unsigned width = wrap_terminal_width(out);
    return width < WRAP_WIDEST ? width : WRAP_WIDEST;
}

unsigned wrap_help_width(FILE *out) {
    unsigned width = wrap_width(out);
    return width != 0 ? width : WRAP_STANDARD_WIDTH;
}

/* Columns of the first `bytes` of a text in UTF-8; what switches a colour has none. */
static unsigned wrap_columns(const char *text, size_t bytes) {
    unsigned columns = 0;
    for (size_t i = 0; i < bytes; i++)
        if (text[i] == '\033')
            i += strcspn(text + i, "m");
        else
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

void wrap_sentence(FILE *out, const char *text, unsigned column, unsigned indent) {
    unsigned width = wrap_width(out);
    wrap_print(out, text, column, indent, width != 0 ? width - 1 : 0);
    fputs(".\n", out);
}

/* ---- lines ---- */

/* Bytes in front of the first word. */
static size_t wrap_margin_bytes(const char *line) {
    size_t bytes = 0;
    for (;;) {
        bytes += strspn(line + bytes, " ");
        if (line[bytes] != '\033')
            return bytes;
        bytes += strcspn(line + bytes, "m");
        bytes += line[bytes] == 'm';
    }
}

/* Where a line that is too long goes on: below its second column, if that is not far off. A row
 * that has no first column begins there. */
static unsigned wrap_indent(const char *line, size_t bytes, unsigned width) {
    size_t start = wrap_margin_bytes(line);
    unsigned margin = wrap_columns(line, start);
    for (size_t i = start; margin < WRAP_ROW_INDENT && i + 2 < bytes; i++)
        if (line[i] == ' ' && line[i + 1] == ' ') {
            i += strspn(line + i, " ");
            unsigned column = wrap_columns(line, i);
            if (i < bytes && column <= width / 3)
                return column;
            break;
        }
    unsigned indent = margin + (margin < WRAP_ROW_INDENT ? WRAP_INDENT : 0);
    return indent < width / 2 ? indent : 0;
}

/* How many bytes of the line fit: up to the last gap between columns, if the second half has one,
 * else up to the last blank. The first `kept` bytes are not to be broken. */
static size_t wrap_fitting_bytes(const char *line, size_t bytes, size_t kept, unsigned columns) {
    size_t blank = 0, gap = 0;
    for (size_t i = kept; i < bytes; i++) {
        if (line[i] != ' ')
            continue;
        unsigned reached = wrap_columns(line, i);
        if (reached > columns && blank != 0)
            break;
        blank = i;
        bool wide = line[i + 1] == ' ';
        if (wide && 2 * reached > columns)
            gap = i;
        i += strspn(line + i, " ") - 1;
    }
    return gap != 0 ? gap : blank != 0 ? blank : bytes;
}

static void wrap_line(FILE *out, const char *line, size_t bytes, unsigned width) {
    while (bytes > 0 && line[bytes - 1] == ' ')
        bytes--;
    unsigned indent = wrap_indent(line, bytes, width), column = 0;
    /* The last column stays free, as in wrap_print(). */
    while (width != 0 && column + wrap_columns(line, bytes) >= width) {
        size_t fitting =
            wrap_fitting_bytes(line, bytes, wrap_margin_bytes(line), width - 1 - column);
        fwrite(line, 1, fitting, out);
        fitting += strspn(line + fitting, " ");
        line += fitting;
        bytes -= fitting;
        if (bytes == 0)
            break;
        column = wrap_new_line(out, indent);
    }
    fwrite(line, 1, bytes, out);
}

void wrap_lines(FILE *out, const char *text, unsigned width) {
    while (*text != '\0') {
        size_t bytes = strcspn(text, "\n");
        wrap_line(out, text, bytes, width);
        text += bytes;
        if (*text == '\n')
            fputc(*text++, out);
    }
}

static FILE *wrap_open_sheet(FILE *out, bool help) {
    if (wrap_sheet.sheet != NULL)
        return out;
    wrap_sheet.sheet = open_memstream(&wrap_sheet.text, &wrap_sheet.bytes);
    wrap_sheet.out = out;
    wrap_sheet.help = help;
    return wrap_sheet.sheet != NULL ? wrap_sheet.sheet : out;
}

FILE *wrap_open(FILE *out) {
    return wrap_is_terminal(out) ? wrap_open_sheet(out, false) : out;
}

FILE *wrap_open_help(FILE *out) {
    return wrap_open_sheet(out, true);
}

void wrap_close(FILE *sheet) {
    if (sheet != wrap_sheet.sheet)
        return;
    unsigned width = wrap_sheet.help ? wrap_help_width(sheet) : wrap_terminal_width(sheet);
    bool whole = fclose(sheet) == 0;
    wrap_sheet.sheet = NULL;
    if (whole)
        wrap_lines(wrap_sheet.out, wrap_sheet.text, width);
    free(wrap_sheet.text);
}

/* ---- paragraphs ---- */

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
