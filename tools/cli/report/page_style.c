#include "report/page_style.h"

/* The assembler reads the file, so that it stands here in no other form. Its path begins where
 * `make` runs, at the top of the tree; the Makefile says that this file depends on it. */
__asm__(".pushsection .rodata\n"
        ".global page_style\n"
        ".type page_style, %object\n"
        "page_style:\n"
        ".incbin \"tools/cli/report/page.css\"\n"
        ".byte 0\n"
        ".size page_style, . - page_style\n"
        ".popsection\n");
