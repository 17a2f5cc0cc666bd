/* Writes an HTML5 document of the given size to standard output: sections, paragraphs with links,
 * lists with end tags left out, tables, attributes with and without quotes, character references.
 */
#include "document.h"

static const char *const specials[4] = {"salt &amp; pepper", "caf&eacute;", "<br>", "&copy; 2020"};

static void html_add_list(struct text *text, struct prng *prng) {
    unsigned count = 1 + prng_below(prng, 5);
    text_addf(text, "<ul class=%s>\n", prng_below(prng, 2) == 0 ? "wide" : "tight");
    for (unsigned i = 0; i < count; i++) {
        text_add(text, "<li>");
        document_add_words(text, prng, 1 + prng_below(prng, 4), specials);
        text_add(text, "\n");
    }
    text_add(text, "</ul>\n");
}

static void html_add_table(struct text *text, struct prng *prng) {
    unsigned count = prng_below(prng, 4);
    text_add(text, "<table>\n");
    for (unsigned i = 0; i < count; i++) {
        text_addf(text, "<tr><td>%s</td><td align=\"right\">", document_word(prng));
        document_add_fraction(text, prng, 1000);
        text_add(text, "</td></tr>\n");
    }
    text_add(text, "</table>\n");
}

static void html_add_record(struct text *text, struct prng *prng, uint64_t index) {
    text_addf(text, "<section id=\"s%" PRIu64 "\" class=\"entry %s\">\n<h2>", index,
              document_word(prng));
    document_add_words(text, prng, 2 + prng_below(prng, 3), specials);
    text_add(text, "</h2>\n<p>");
    document_add_words(text, prng, 4 + prng_below(prng, 12), specials);
    text_addf(text, " <a href=\"/p/%x?a=1&amp;b=2\"", prng_below(prng, 1u << 24));
    text_addf(text, " title='%s'>", document_word(prng));
    text_addf(text, "%s</a>\n", document_word(prng));
    html_add_list(text, prng);
    html_add_table(text, prng);
    if (prng_below(prng, 4) == 0)
        text_addf(text, "<!-- %s -->\n", document_word(prng));
    text_add(text, "</section>\n");
}

int main(int argc, char **argv) {
    static const struct document_format format = {
        .head = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                "<title>Generated</title></head>\n<body><main>\n",
        .add_record = html_add_record,
        .middle = "<nav>",
        .item_format = "<a href=#%06x>x</a>",
        .fill_open = "<b>",
        .fill_close = "</b></nav></main></body></html>\n",
    };
    return document_main("html_generate", &format, argc, argv);
}
