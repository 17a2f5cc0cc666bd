/* Writes a YAML document of the given size to standard output: block mappings and sequences, plain,
 * quoted and folded scalars, flow sequences, anchors and aliases. */
#include "document.h"

static const char *const plain_specials[4] = {"a:b", "x#y", "c/d", "1.5"};
static const char *const quoted_specials[4] = {"\\\"caf\\u00e9\\\"", "tab\\t", "back\\\\slash",
                                               "x: y"};
static const char *const single_specials[4] = {"it''s", "a: b", "\\n", "[x]"};
static const char *const folded_specials[4] = {"key: value", "- dash", "{x}", "a # b"};

static void yaml_add_lists(struct text *text, struct prng *prng, uint64_t index) {
    unsigned count = 1 + prng_below(prng, 5);
    text_add(text, "  tags: [");
    for (unsigned i = 0; i < count; i++)
        text_addf(text, "%s%s", i == 0 ? "" : ", ", document_word(prng));
    text_addf(text, "]\n  origin: &r%" PRIu64 "\n    city: %s\n    geo:\n    - ", index,
              document_word(prng));
    document_add_fraction(text, prng, 90);
    text_add(text, "\n    - ");
    document_add_fraction(text, prng, 180);
    text_addf(text, "\n  again: *r%" PRIu64 "\n", index);
}

static void yaml_add_record(struct text *text, struct prng *prng, uint64_t index) {
    text_addf(text, "- id: %" PRIu64 "\n  name: ", index);
    document_add_words(text, prng, 2, plain_specials);
    text_add(text, "\n  title: \"");
    document_add_words(text, prng, 2 + prng_below(prng, 5), quoted_specials);
    text_add(text, "\"\n  date: ");
    document_add_date(text, prng);
    text_addf(text, "\n  active: %s\n  note: '", prng_below(prng, 2) == 0 ? "yes" : "no");
    document_add_words(text, prng, 1 + prng_below(prng, 6), single_specials);
    text_add(text, "'\n  text: >\n    ");
    document_add_words(text, prng, 3 + prng_below(prng, 8), folded_specials);
    text_add(text, "\n    ");
    document_add_words(text, prng, 3 + prng_below(prng, 8), folded_specials);
    text_add(text, "\n");
    yaml_add_lists(text, prng, index);
}

int main(int argc, char **argv) {
    static const struct document_format format = {
        .head = "---\nsource: generated\nrecords:\n",
        .add_record = yaml_add_record,
        .middle = "index:\n",
        .item_format = "- x%06x\n",
        .fill_open = "- fill",
        .fill_close = "\n",
    };
    return document_main("yaml_generate", &format, argc, argv);
}
