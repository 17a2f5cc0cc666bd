/* A checksum of a program's results, so that two runs can be compared by their output. */
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

static inline void digest_number(struct digest *digest, uint64_t number) {
    uint64_t hash = (digest->hash ^ number) * 0x9e3779b97f4a7c15u;
    digest->hash = hash ^ (hash >> 29);
}

/* Lowest byte first; compilers make one load of it where the machine has that order. */
static inline uint64_t digest_load8(const unsigned char *bytes) {
    return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
           (uint64_t)bytes[3] << 24 | (uint64_t)bytes[4] << 32 | (uint64_t)bytes[5] << 40 |
           (uint64_t)bytes[6] << 48 | (uint64_t)bytes[7] << 56;
}

/* Eight bytes at a time, so that the checksum costs little beside the parsing; the last step has
 * the rest and the length. */
static inline void digest_bytes(struct digest *digest, const void *bytes, size_t length) {
    const unsigned char *cursor = (const unsigned char *)bytes;
    size_t left = length;
    for (; left >= 8; left -= 8, cursor += 8)
        digest_number(digest, digest_load8(cursor));
    uint64_t rest = (uint64_t)length << 56;
    for (size_t i = 0; i < left; i++)
        rest ^= (uint64_t)cursor[i] << (8 * i);
    digest_number(digest, rest);
}

/* NULL counts as an empty string. */
static inline void digest_string(struct digest *digest, const char *string) {
    const char *text = string != NULL ? string : "";
    digest_bytes(digest, text, strlen(text));
}

static inline void digest_real(struct digest *digest, double real) {
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    digest_number(digest, bits);
}

#endif
