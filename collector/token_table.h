// token_table - tokens that let a key in, so many times and so long.
//
// Form:   a token is a CURVE secret key that nobody connects with, written "ze1" and 52 characters
//         of base 32 (RFC 4648, small letters): a word in every shell. What is kept of it is its
//         public half, which cannot be turned back: who reads the collector's disk has no token.
// In:     tokens as they are said; the images of those that are good, as a log kept them.
// Out:    which of them it is, found by looking at all of them in full, however early one differs.
// Limits: `most` tokens; those used up or expired make room.
// Thread: one at a time. Time is a parameter.

#ifndef COLLECTOR_TOKEN_TABLE_H
#define COLLECTOR_TOKEN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/wire/enrol.h"

#define TOKEN_TEXT_LEN  55
#define TOKEN_TEXT_SIZE 56

typedef struct token_table token_table_t;

// One token, without what makes it one.
struct token_entry {
    uint8_t image[ENROL_KEY_BYTES];
    enum key_role role;
    uint32_t uses;                 // left
    int64_t expires_ms;            // not good from here on
    char name[ENROL_NAME_MAX + 1]; // that its key gets; "": who joins says it
};

// A new token, and its image. 0, or -errno where libzmq has no CURVE.
int token_make(char text[TOKEN_TEXT_SIZE], uint8_t image[ENROL_KEY_BYTES]);
// 0, or ERR_FORMAT.
int token_image(uint8_t image[ENROL_KEY_BYTES], const char *text, size_t len);

token_table_t *token_table_new(size_t most);
void token_table_destroy(token_table_t **self_p);

// 0, or ERR_LIMIT: as many as may be are still good.
int token_table_add(token_table_t *self, const struct token_entry *entry, int64_t now_ms);
bool token_table_has_room(const token_table_t *self, int64_t now_ms);
// The good one with this image, or NULL. Takes as long whichever it is, and whether it is one.
// Valid until the table changes.
const struct token_entry *token_table_find(const token_table_t *self,
                                           const uint8_t image[ENROL_KEY_BYTES], int64_t now_ms);
// One use less; the last one ends it. Nothing where it is not known.
void token_table_use(token_table_t *self, const uint8_t image[ENROL_KEY_BYTES]);
// Those that are good, in no order: start with *at = 0; NULL at the end.
const struct token_entry *token_table_next(const token_table_t *self, size_t *at, int64_t now_ms);

#endif
