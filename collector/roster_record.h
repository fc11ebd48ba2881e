// roster_record - one change of who belongs, as the collector's disk keeps it.
//
// In:     a change; or bytes of a disk, which may be damaged.
// Out:    bytes; or the change. Pure.
// Form:   u32 length of the body, u32 crc32c of the length and the body, the body: u8 type and its
//         fields in the order of struct roster_record. Numbers are little endian, keys 32 bytes,
//         names a varint length and UTF-8.

#ifndef COLLECTOR_ROSTER_RECORD_H
#define COLLECTOR_ROSTER_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "shared/wire/enrol.h"

#define ROSTER_RECORD_HEAD 8
#define ROSTER_RECORD_MOST 512 // bytes of one, its head included

enum roster_change {
    ROSTER_KEY = 1,    // a key was let in; by a token: one use of it less
    ROSTER_REVOKE = 2, // the living keys of a name were revoked
    ROSTER_ROTATE = 3, // `key` took the place of `token`, a key too here, until `until_ms`
    ROSTER_TOKEN = 4,  // a token was made
    ROSTER_HELD = 5,   // a key as it stood when the file was written anew
};

// Of each change only the fields that it has are kept; the others are 0.
struct roster_record {
    uint8_t type;                   // enum roster_change
    uint8_t role;                   // enum key_role: KEY, TOKEN, HELD
    uint8_t state;                  // enum key_state: HELD
    uint32_t uses;                  // TOKEN
    int64_t at_ms;                  // when: all but TOKEN
    int64_t until_ms;               // ROTATE, TOKEN, HELD
    uint8_t key[ENROL_KEY_BYTES];   // KEY, ROTATE, HELD
    uint8_t token[ENROL_KEY_BYTES]; // KEY, HELD (zeros: none), TOKEN; of ROTATE the old key
    char name[ENROL_NAME_MAX + 1];  // all but ROTATE; of TOKEN "" is any
};

// The bytes used.
size_t roster_record_put(uint8_t out[ROSTER_RECORD_MOST], const struct roster_record *record);
// The bytes of the record at the start of `at`; ERR_LIMIT: it is cut off, more bytes could make it
// one; ERR_FORMAT: it is none.
ptrdiff_t roster_record_take(struct roster_record *ret, const uint8_t *at, size_t n);

#endif
