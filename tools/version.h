/* The release that this source is. */
#ifndef TOOLS_VERSION_H
#define TOOLS_VERSION_H

#define TAGPOOL_VERSION "0.1.0"

#endif
