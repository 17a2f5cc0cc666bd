/* Expat reports events; the driver builds a tree from them as a program would that needs the whole
 * document: one block per element, attribute and run of text, one per name and value. */
#include <expat.h>
#include <limits.h>
#include <stdbool.h>

#include "driver.h"

struct attribute {
    struct attribute *next;
    char *name;
    char *value;
};

struct node {
    struct node *next;
    struct node *parent;
    struct node *first_child;
    struct node *last_child;
    struct attribute *attributes; /* last one first */
    char *name;                   /* of an element; NULL for a text */
    char *text;                   /* of a text; NULL for an element */
    size_t text_length;
};

struct builder {
    XML_Parser parser;
    struct node *root;
    struct node *current; /* the element that is open */
    bool is_out_of_memory;
};

static void builder_stop(struct builder *builder) {
    builder->is_out_of_memory = true;
    XML_StopParser(builder->parser, XML_FALSE);
}

static void node_free(struct node *node) {
    while (node != NULL) {
        struct node *next = node->next;
        node_free(node->first_child);
        for (struct attribute *attribute = node->attributes; attribute != NULL;) {
            struct attribute *next_attribute = attribute->next;
            free(attribute->name);
            free(attribute->value);
            free(attribute);
            attribute = next_attribute;
        }
        free(node->name);
        free(node->text);
        free(node);
        node = next;
    }
}

/* A new last child of the open element, or the root; NULL after builder_stop. */
static struct node *builder_append(struct builder *builder) {
    struct node *node = calloc(1, sizeof *node);
    struct node *parent = builder->current;
    if (node == NULL) {
        builder_stop(builder);
        return NULL;
    }
    node->parent = parent;
    if (parent == NULL)
        builder->root = node;
    else if (parent->last_child == NULL)
        parent->first_child = node;
    else
        parent->last_child->next = node;
    if (parent != NULL)
        parent->last_child = node;
    return node;
}

static bool node_add_attribute(struct node *node, const char *name, const char *value) {
    struct attribute *attribute = malloc(sizeof *attribute);
    if (attribute == NULL)
        return false;
    attribute->next = node->attributes;
    attribute->name = strdup(name);
    attribute->value = strdup(value);
    node->attributes = attribute;
    return attribute->name != NULL && attribute->value != NULL;
}

static void XMLCALL on_start(void *user, const XML_Char *name, const XML_Char **attributes) {
    struct builder *builder = user;
    struct node *node = builder_append(builder);
    if (node == NULL)
        return;
    builder->current = node;
    node->name = strdup(name);
    if (node->name == NULL)
        builder_stop(builder);
    for (; *attributes != NULL; attributes += 2)
        if (!node_add_attribute(node, attributes[0], attributes[1]))
            builder_stop(builder);
}

static void XMLCALL on_end(void *user, const XML_Char *name) {
    struct builder *builder = user;
    (void)name;
    builder->current = builder->current->parent;
}

/* Expat hands out a text in pieces (one for each line and reference): they are put together. */
static void XMLCALL on_text(void *user, const XML_Char *text, int length) {
    struct builder *builder = user;
    struct node *node = builder->current->last_child;
    if (node == NULL || node->text == NULL)
        node = builder_append(builder);
    if (node == NULL)
        return;
    char *larger = realloc(node->text, node->text_length + (size_t)length + 1);
    if (larger == NULL) {
        builder_stop(builder);
        return;
    }
    node->text = larger;
    memcpy(node->text + node->text_length, text, (size_t)length);
    node->text_length += (size_t)length;
    node->text[node->text_length] = '\0';
}

static void add_to_digest(const struct node *node, struct digest *digest) {
    for (; node != NULL; node = node->next) {
        digest->count++;
        digest_string(digest, node->name);
        digest_string(digest, node->text);
        for (const struct attribute *attribute = node->attributes; attribute != NULL;
             attribute = attribute->next) {
            digest_string(digest, attribute->name);
            digest_string(digest, attribute->value);
        }
        add_to_digest(node->first_child, digest);
    }
}

static const char *parse(const char *text, size_t length, struct digest *digest) {
    if (length > INT_MAX)
        return "it is longer than expat can take at once";
    struct builder builder = {.parser = XML_ParserCreate(NULL)};
    if (builder.parser == NULL)
        return "out of memory";
    XML_SetUserData(builder.parser, &builder);
    XML_SetElementHandler(builder.parser, on_start, on_end);
    XML_SetCharacterDataHandler(builder.parser, on_text);
    enum XML_Status status = XML_Parse(builder.parser, text, (int)length, 1);
    const char *error = NULL;
    if (status != XML_STATUS_OK)
        error = XML_ErrorString(XML_GetErrorCode(builder.parser));
    if (builder.is_out_of_memory)
        error = "out of memory";
    if (error == NULL && digest != NULL)
        add_to_digest(builder.root, digest);
    node_free(builder.root);
    XML_ParserFree(builder.parser);
    return error;
}

int main(int argc, char **argv) {
    return driver_main("expat", parse, argc, argv);
}
