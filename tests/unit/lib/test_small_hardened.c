/* If this failed, the hardened mode would take its own doings for faults, lose blocks in its
 * quarantine, or race with itself, in a world so small
 * that pools run out and change hands all the time. */
#include "checked_life.h"

int main(void) {
    life_start(true);
    life_run();
    return tap_done();
}
