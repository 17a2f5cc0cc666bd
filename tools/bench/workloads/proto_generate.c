/* Writes a Protocol Buffers schema (proto3) of the given size to standard output: messages with
 * scalars, maps, nested enums and choices, that refer to the message before. */
#include "document.h"

static const char *const scalars[4] = {"string", "int64", "double", "bytes"};
static const char *const specials[4] = {"(see above)", "\"none\"", "1 << 3", "since 2.4"};

static void proto_add_fields(struct text *text, struct prng *prng) {
    unsigned count = 3 + prng_below(prng, 8);
    for (unsigned i = 0; i < count; i++) {
        text_add(text, prng_below(prng, 3) == 0 ? "  repeated " : "  ");
        text_addf(text, "%s field_%u = ", scalars[prng_below(prng, 4)], i);
        text_addf(text, "%u%s;\n", 10 + i, prng_below(prng, 8) == 0 ? " [deprecated = true]" : "");
    }
}

static void proto_add_nested(struct text *text, struct prng *prng) {
    unsigned count = 1 + prng_below(prng, 4);
    text_add(text, "  enum State {\n");
    for (unsigned i = 0; i < count; i++)
        text_addf(text, "    STATE_%u = %u;\n", i, i);
    text_add(text, "  }\n  State state = 2;\n");
    if (prng_below(prng, 4) == 0)
        text_addf(text, "  map<string, %s> table = 3;\n", scalars[prng_below(prng, 4)]);
    if (prng_below(prng, 4) == 0)
        text_addf(text, "  oneof choice {\n    string text = 4;\n    %s number = 5;\n  }\n",
                  prng_below(prng, 2) == 0 ? "uint32" : "sint64");
}

static void proto_add_record(struct text *text, struct prng *prng, uint64_t index) {
    text_add(text, "// ");
    document_add_words(text, prng, 3 + prng_below(prng, 8), specials);
    text_addf(text, "\nmessage Record%" PRIu64 " {\n", index);
    if (index > 0)
        text_addf(text, "  Record%" PRIu64 " previous = 1;\n", index - 1);
    proto_add_nested(text, prng);
    proto_add_fields(text, prng);
    text_add(text, "}\n");
}

int main(int argc, char **argv) {
    static const struct document_format format = {
        .head = "syntax = \"proto3\";\npackage generated;\n",
        .add_record = proto_add_record,
        .middle = "// Index:\n",
        .item_format = "// %06x\n",
        .fill_open = "// fill ",
        .fill_close = "\n",
    };
    return document_main("proto_generate", &format, argc, argv);
}
