/* A session in a language of marked-up text, with what counts of it: Markdown (GitHub's, for its
 * tables), AsciiDoc and Org. */
#ifndef REPORT_MARKUP_H
#define REPORT_MARKUP_H

#include "compare/session.h"

#include <stdio.h>

void markup_print_markdown(FILE *out, const struct session *session);
void markup_print_asciidoc(FILE *out, const struct session *session);
void markup_print_org(FILE *out, const struct session *session);

#endif
