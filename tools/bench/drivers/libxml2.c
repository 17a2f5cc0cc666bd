/* libxml2: the tree interface (xmlReadMemory, xmlFreeDoc). */
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <limits.h>

#include "driver.h"

static void add_to_digest(const xmlNode *node, struct digest *digest) {
    for (; node != NULL; node = node->next) {
        digest->count++;
        digest_string(digest, (const char *)node->name);
        if (node->type != XML_ELEMENT_NODE) {
            digest_string(digest, (const char *)node->content);
            continue;
        }
        for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next) {
            digest_string(digest, (const char *)attribute->name);
            add_to_digest(attribute->children, digest);
        }
        add_to_digest(node->children, digest);
    }
}

static const char *parse(const char *text, size_t length, struct digest *digest) {
    if (length > INT_MAX)
        return "it is longer than libxml2 can take at once";
    xmlDoc *document = xmlReadMemory(text, (int)length, NULL, NULL,
                                     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_HUGE);
    if (document == NULL)
        return "it is no XML";
    if (digest != NULL)
        add_to_digest(xmlDocGetRootElement(document), digest);
    xmlFreeDoc(document);
    return NULL;
}

int main(int argc, char **argv) {
    LIBXML_TEST_VERSION
    int status = driver_main("libxml2", parse, argc, argv);
    xmlCleanupParser();
    return status;
}
