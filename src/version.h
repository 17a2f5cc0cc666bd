/* The version, as text in the file of the library. Nothing reads it at run time. */
#ifndef VERSION_H
#define VERSION_H

extern const char version_text[];

#endif
