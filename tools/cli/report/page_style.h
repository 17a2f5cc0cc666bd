/* The style sheet of the page: the text of report/page.css, taken into the program when it is
 * built. */
#ifndef REPORT_PAGE_STYLE_H
#define REPORT_PAGE_STYLE_H

extern const char page_style[];

#endif
