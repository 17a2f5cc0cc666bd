/* The release that this source is: of the program, and of both libraries, which hold it as text.
 * The build reads it from here, too. */
#ifndef TAGPOOL_VERSION_H
#define TAGPOOL_VERSION_H

#define TAGPOOL_VERSION "0.2.0"

/* The number of the shim's soname, libtagpool.so.1: it changes when a program that was linked with
 * the library would no longer run. */
#define TAGPOOL_ABI "1"

/* Each library has this text somewhere, with its version at the end: what(1) and strings(1) show
 * it, and `tagpool --version --libraries`. */
#define TAGPOOL_VERSION_MARK "@(#)libtagpool "

#endif
