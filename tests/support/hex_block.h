// hex_block - the bytes that a block of hex digits in a text stands for.
//
// The formats' documents show examples so; the tests compare them with golden files.

#ifndef TESTS_SUPPORT_HEX_BLOCK_H
#define TESTS_SUPPORT_HEX_BLOCK_H

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/buf.h"

// Pairs of digits, up to " |" on each line, until a line begins with ```. Where that is.
static inline const char *
hex_block_take(struct buf *bytes, const char *at)
{
    while (strncmp(at, "```", 3) != 0) {
        const char *end = strchr(at, '\n');
        const char *stop = memchr(at, '|', (size_t) (end - at));

        for (stop = stop != NULL ? stop : end; at < stop; at++) {
            unsigned byte;

            if (isxdigit((unsigned char) *at) && sscanf(at, "%2x", &byte) == 1) {
                buf_byte(bytes, (uint8_t) byte);
                at++;
            }
        }
        at = end + 1;
    }
    return at;
}

#endif
