/* If this failed, tags in front of blocks would be damaged by the library itself, by one thread or
 * by several, or blocks would be lost, in a world so small that pools run out and change hands all
 * the time. */
#include "checked_life.h"

int main(void) {
    life_start(false);
    life_run();
    return tap_done();
}
