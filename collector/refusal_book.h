// refusal_book - which agents were sent away lately, and why, for the operator to see.
//
// In:     each refusal of a HELLO or of a revoked key's handshake; each welcome.
// Out:    one entry an agent and cause, oldest first. A welcome takes away what was said of
//         that start, and what was said of a revoked key of that name.
// Limits: REFUSAL_BOOK_MOST entries, each for REFUSAL_BOOK_MS after its last refusal; the one that
//         was refused least recently makes room. Who has no key that was ever known is not in it:
//         strangers could fill it.
// Thread: any; it locks itself. Time is a parameter.

#ifndef COLLECTOR_REFUSAL_BOOK_H
#define COLLECTOR_REFUSAL_BOOK_H

#include <stddef.h>
#include <stdint.h>

#include "shared/wire/query_away.h"

#define REFUSAL_BOOK_MOST 256
#define REFUSAL_BOOK_MS   (INT64_C(24) * 3600 * 1000)

typedef struct refusal_book refusal_book_t;

refusal_book_t *refusal_book_new(void);
void refusal_book_destroy(refusal_book_t **self_p);

// UTF-8 into `size` bytes with the NUL; what does not fit is left out, whole characters.
void refusal_text(char *into, size_t size, const char *at, size_t len);
// Of *refused cause, host, nonce, name, key and address count.
void refusal_book_add(refusal_book_t *self, const struct query_away *refused, int64_t now_ms);
void refusal_book_welcome(refusal_book_t *self, uint64_t host, uint64_t nonce, const char *name);
// Into ret[REFUSAL_BOOK_MOST]: their number.
size_t refusal_book_list(refusal_book_t *self, struct query_away *ret, int64_t now_ms);

#endif
