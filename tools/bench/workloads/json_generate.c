/* Writes a JSON document of the given size to standard output; see json_document.h. */
#include "json_document.h"

int main(int argc, char **argv) {
    return document_main("json_generate", &json_format, argc, argv);
}
