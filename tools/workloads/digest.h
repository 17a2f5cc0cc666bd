/* A checksum of a program's results (64-bit FNV-1a), so that two runs can be compared by their
 * output. */
#ifndef WORKLOADS_DIGEST_H
#define WORKLOADS_DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct digest {
    uint64_t hash;
    uint64_t count; /* values, nodes or events: whatever the program counts */
};

static inline void digest_init(struct digest *digest) {
    digest->hash = 0xcbf29ce484222325u;
    digest->count = 0;
}

static inline void digest_bytes(struct digest *digest, const void *bytes, size_t length) {
    const unsigned char *cursor = (const unsigned char *)bytes;
    uint64_t hash = digest->hash;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ cursor[i]) * 0x100000001b3u;
    digest->hash = hash;
}

/* Takes the terminator in too, so that "ab","c" and "a","bc" differ; NULL counts as an empty
 * string. */
static inline void digest_string(struct digest *digest, const char *string) {
    const char *text = string != NULL ? string : "";
    digest_bytes(digest, text, strlen(text) + 1);
}

/* Lowest byte first, so that the sum does not depend on the machine. */
static inline void digest_number(struct digest *digest, uint64_t number) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(number >> (8 * i));
    digest_bytes(digest, bytes, sizeof bytes);
}

static inline void digest_real(struct digest *digest, double real) {
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    digest_number(digest, bits);
}

#endif
