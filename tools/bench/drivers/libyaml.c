/* libyaml: the document interface, one loaded document at a time. */
#include <stdbool.h>
#include <yaml.h>

#include "driver.h"

/* The nodes lie in one array; children are named by their index in it, so this needs no recursion.
 */
static void add_to_digest(const yaml_document_t *document, struct digest *digest) {
    for (const yaml_node_t *node = document->nodes.start; node < document->nodes.top; node++) {
        digest->count++;
        digest_string(digest, (const char *)node->tag);
        if (node->type == YAML_SCALAR_NODE)
            digest_bytes(digest, node->data.scalar.value, node->data.scalar.length);
        if (node->type == YAML_SEQUENCE_NODE)
            for (const yaml_node_item_t *item = node->data.sequence.items.start;
                 item < node->data.sequence.items.top; item++)
                digest_number(digest, (uint64_t)*item);
        if (node->type == YAML_MAPPING_NODE)
            for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
                 pair < node->data.mapping.pairs.top; pair++) {
                digest_number(digest, (uint64_t)pair->key);
                digest_number(digest, (uint64_t)pair->value);
            }
    }
}

static const char *parse(const char *text, size_t length, struct digest *digest) {
    yaml_parser_t parser;
    const char *error = NULL;
    if (yaml_parser_initialize(&parser) == 0)
        return "out of memory";
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    for (bool has_more = true; has_more && error == NULL;) {
        yaml_document_t document;
        if (yaml_parser_load(&parser, &document) == 0) {
            error = parser.problem != NULL ? parser.problem : "it is no YAML";
            break;
        }
        has_more = yaml_document_get_root_node(&document) != NULL;
        if (digest != NULL)
            add_to_digest(&document, digest);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return error;
}

int main(int argc, char **argv) {
    return driver_main("libyaml", parse, argc, argv);
}
