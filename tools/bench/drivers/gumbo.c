/* Gumbo: the HTML5 tree. */
#include <gumbo.h>

#include "driver.h"

static void add_to_digest(const GumboNode *node, struct digest *digest) {
    digest->count++;
    digest_number(digest, node->type);
    if (node->type != GUMBO_NODE_ELEMENT && node->type != GUMBO_NODE_TEMPLATE) {
        digest_string(digest, node->v.text.text);
        return;
    }
    const GumboElement *element = &node->v.element;
    digest_number(digest, element->tag);
    for (unsigned i = 0; i < element->attributes.length; i++) {
        const GumboAttribute *attribute = element->attributes.data[i];
        digest_string(digest, attribute->name);
        digest_string(digest, attribute->value);
    }
    for (unsigned i = 0; i < element->children.length; i++)
        add_to_digest(element->children.data[i], digest);
}

/* HTML5 gives every text a tree, so this cannot fail. */
static const char *parse(const char *text, size_t length, struct digest *digest) {
    GumboOutput *output = gumbo_parse_with_options(&kGumboDefaultOptions, text, length);
    if (digest != NULL)
        add_to_digest(output->root, digest);
    gumbo_destroy_output(&kGumboDefaultOptions, output);
    return NULL;
}

int main(int argc, char **argv) {
    return driver_main("gumbo", parse, argc, argv);
}
