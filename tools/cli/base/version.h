/* The release that this source is. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define TAGPOOL_VERSION "0.1.0"

#endif
