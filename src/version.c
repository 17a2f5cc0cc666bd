#include "version.h"

#include <tagpool/version.h>

const char version_text[] __attribute__((used)) = TAGPOOL_VERSION_MARK TAGPOOL_VERSION;
