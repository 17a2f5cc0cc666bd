/* Writes an XML document of the given size to standard output: elements, attributes, text,
 * references, comments and CDATA sections, in UTF-8. */
#include "document.h"

static const char *const specials[4] = {"salt &amp; pepper", "&lt;b&gt;", "caf&#233;",
                                        "&#x20AC; 5"};

static void xml_add_person(struct text *text, struct prng *prng) {
    text_addf(text, "    <author id=\"u%x\" verified=", prng_below(prng, 1u << 24));
    text_addf(text, "\"%s\">\n      <name>", prng_below(prng, 2) == 0 ? "yes" : "no");
    document_add_words(text, prng, 2, specials);
    text_addf(text, "</name>\n      <mail>%x@example.org</mail>\n    </author>\n",
              prng_below(prng, 1 << 20));
}

static void xml_add_prices(struct text *text, struct prng *prng) {
    unsigned count = prng_below(prng, 4);
    for (unsigned i = 0; i < count; i++) {
        text_addf(text, "    <price currency=\"%s\" date=\"",
                  prng_below(prng, 2) == 0 ? "EUR" : "JPY");
        document_add_date(text, prng);
        text_add(text, "\">");
        document_add_fraction(text, prng, 1000);
        text_add(text, "</price>\n");
    }
}

static void xml_add_extras(struct text *text, struct prng *prng) {
    if (prng_below(prng, 8) == 0)
        text_addf(text, "    <!-- %s -->\n", document_word(prng));
    if (prng_below(prng, 8) == 0)
        text_addf(text, "    <raw><![CDATA[if (a < b && %s) return]]></raw>\n",
                  document_word(prng));
    if (prng_below(prng, 4) == 0)
        text_add(text, "    <m:empty/>\n");
}

static void xml_add_record(struct text *text, struct prng *prng, uint64_t index) {
    text_addf(text, "  <item id=\"i%" PRIu64 "\" class=\"%s\">\n    <title>", index,
              document_word(prng));
    document_add_words(text, prng, 2 + prng_below(prng, 5), specials);
    text_add(text, "</title>\n    <text>");
    document_add_words(text, prng, 3 + prng_below(prng, 10), specials);
    text_addf(text, " <em>%s</em>", document_word(prng));
    text_addf(text, " %s</text>\n", document_word(prng));
    xml_add_person(text, prng);
    xml_add_prices(text, prng);
    xml_add_extras(text, prng);
    text_add(text, "  </item>\n");
}

int main(int argc, char **argv) {
    static const struct document_format format = {
        .head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                "<catalog xmlns:m=\"http://example.org/m\">\n",
        .add_record = xml_add_record,
        .middle = "  <index>",
        .item_format = "<ref to=\"%06x\"/>",
        .fill_open = "<fill>",
        .fill_close = "</fill></index>\n</catalog>\n",
    };
    return document_main("xml_generate", &format, argc, argv);
}
