/* The style sheet and the script of the flame graph: the texts of report/flame.css and
 * report/flame.js, taken into the program when it is built. */
#ifndef REPORT_FLAME_PARTS_H
#define REPORT_FLAME_PARTS_H

extern const char flame_style[];
extern const char flame_script[];

#endif
