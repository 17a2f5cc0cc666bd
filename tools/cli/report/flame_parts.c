#include "report/flame_parts.h"

/* As in page_style.c. */
__asm__(".pushsection .rodata\n"
        ".global flame_style\n"
        ".type flame_style, %object\n"
        "flame_style:\n"
        ".incbin \"tools/cli/report/flame.css\"\n"
        ".byte 0\n"
        ".size flame_style, . - flame_style\n"
        ".global flame_script\n"
        ".type flame_script, %object\n"
        "flame_script:\n"
        ".incbin \"tools/cli/report/flame.js\"\n"
        ".byte 0\n"
        ".size flame_script, . - flame_script\n"
        ".popsection\n");
