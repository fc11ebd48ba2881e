// key_table - whose keys are let in: key -> name, role, state.
//
// In:     keys with their names, revocations, rotations, each already checked to be lasting.
// Out:    the entry of a key; the entries of a name; all of them in the order of their coming.
// Rules:  a living name (valid or retiring) is one owner's: a second key comes to it by rotation
//         only. A key stands once. States only go forward: valid, retiring, revoked.
// Limits: `most` keys, and as many again that are being replaced; to make room the oldest that is
//         no longer let in is forgotten, which lets nobody in: an unknown key is not let in either.
// Thread: one at a time. Time is a parameter.

#ifndef COLLECTOR_KEY_TABLE_H
#define COLLECTOR_KEY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/wire/enrol.h"

typedef struct key_table key_table_t;

struct key_entry {
    uint8_t key[ENROL_KEY_BYTES];
    uint8_t token[ENROL_KEY_BYTES]; // what it was enrolled by, as token_table keeps it; zeros: none
    const char *name;               // the table's own
    enum key_role role;
    enum key_state state; // as it was set: KEY_RETIRED is for key_entry_state to say
    int64_t since_ms;
    int64_t until_ms; // of KEY_RETIRING; 0: no end is set
    int64_t seen_ms;  // last let in; 0: not since the start
    uint64_t serial;  // rising, from 1
};

key_table_t *key_table_new(size_t most);
void key_table_destroy(key_table_t **self_p);

// What is told of the new key: key, token, name, role, since_ms. 0; -EEXIST: the key is here;
// -EADDRINUSE: a living key has the name; ERR_LIMIT: all that are here are let in.
int key_table_add(key_table_t *self, const struct key_entry *entry, int64_t now_ms);
// The same answer without doing it.
int key_table_may_add(const key_table_t *self, const struct key_entry *entry, int64_t now_ms);
// `fresh` gets name and role of `old`, which is let in until `until_ms`. Others of that name that
// were retiring are retired at once. 0; ERR_UNKNOWN: `old` is not valid; -EEXIST.
int key_table_rotate(key_table_t *self, const uint8_t old[ENROL_KEY_BYTES],
                     const uint8_t fresh[ENROL_KEY_BYTES], int64_t now_ms, int64_t until_ms);
int key_table_may_rotate(const key_table_t *self, const uint8_t old[ENROL_KEY_BYTES],
                         const uint8_t fresh[ENROL_KEY_BYTES]);
// As it was in another table, its state too; nothing where the key is here.
void key_table_restore(key_table_t *self, const struct key_entry *entry);
// All living keys of the name: their number.
size_t key_table_revoke(key_table_t *self, const char *name, int64_t now_ms);

// NULL if there is none. Valid until the table changes.
const struct key_entry *key_table_get(const key_table_t *self, const uint8_t key[ENROL_KEY_BYTES]);
// It was let in now.
void key_table_seen(key_table_t *self, const uint8_t key[ENROL_KEY_BYTES], int64_t now_ms);
// The first whose serial is above `after`; NULL at the end.
const struct key_entry *key_table_next(const key_table_t *self, uint64_t after);
size_t key_table_count(const key_table_t *self);
// Of dashboards and operators, how many are not let in any more. Cost: every key.
size_t key_table_readers_gone(const key_table_t *self, int64_t now_ms);
// As it is at this time.
enum key_state key_entry_state(const struct key_entry *entry, int64_t now_ms);
// Valid or retiring.
bool key_entry_lives(const struct key_entry *entry, int64_t now_ms);

#endif
