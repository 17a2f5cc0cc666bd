/* The options of this process: read once from the environment, then only looked at.
 *
 * What a bad value is worth saying is kept as complaints, because this floor does not speak:
 * lifecycle prints them.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "base.h"
#include "tagpool/options.h"
#include "text.h"

/* One field an option, all of one type: a choice is its index, a flag 0 or 1. */
struct config {
#define CONFIG_FIELD(name, kind, initial, minimum, maximum, help) uint64_t name;
    TAGPOOL_OPTIONS(CONFIG_FIELD)
#undef CONFIG_FIELD
    uint64_t slot_max; /* the largest request that a slot serves: node_max, less what the strategy
                        * keeps there, or what the hardened mode takes */
};

enum { CONFIG_COMPLAINTS = 4 };

/* What could not be understood. Complaints beyond the room are dropped: the first ones are the ones
 * to mend first. */
struct config_complaints {
    unsigned count;
    struct text lines[CONFIG_COMPLAINTS]; /* without program name and newline */
};

/* The options in force. The defaults until config_read() is called. */
extern HIDDEN struct config config;

/* Set `result` to the defaults and then by `options`, the text of TAGPOOL_OPTIONS
 * ("key=value,key=value", NULL for none). An unknown key or a bad value is named in `complaints`,
 * if that is not NULL, and its default kept. False if there is one. */
bool config_read(struct config *result, const char *options, struct config_complaints *complaints);

#endif
