/* The release that this source is: of the program, and of both libraries, which hold it as text.
 * The build reads it from here, too. */
#ifndef TAGPOOL_VERSION_H
#define TAGPOOL_VERSION_H

#define TAGPOOL_VERSION "0.2.0"

/* Each library has this text somewhere, with its version at the end: what(1) and strings(1) show
 * it, and `tagpool --version --libraries`. */
#define TAGPOOL_VERSION_MARK "@(#)libtagpool "

#endif
