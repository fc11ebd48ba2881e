// enrol_answer - what a question about keys is answered.
//
// In:     bytes of a stranger, the key of its connection, its address.
// Out:    one answer. Whoever joined, was refused, invited or revoked is logged; tokens never are.
// Rules:  JOIN is anybody's; ROTATE a member's, for itself; all else an operator's.
// Thread: one at a time for an answer; the roster locks itself. Waits for the roster's disk.

#ifndef COLLECTOR_ENROL_ANSWER_H
#define COLLECTOR_ENROL_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "collector/roster.h"
#include "shared/net/key_file.h"
#include "shared/wire/enrol.h"

// How long a key that was replaced is let in.
#define ENROL_OVERLAP_MS (INT64_C(24) * 3600 * 1000)

typedef struct enrol_answerer enrol_answerer_t;

struct enrol_asker {
    const char *user; // of curve_user, so certainly a key
    const char *address;
};

// `server` is the collector's own key, `collector` its id. The roster is borrowed.
enrol_answerer_t *enrol_answerer_new(roster_t *roster, const uint8_t server[KEY_BYTES],
                                     uint64_t collector);
void enrol_answerer_destroy(enrol_answerer_t **self_p);
// The bytes of the answer in out[ENROL_MAX]; or what enrol_take said: no question of ours, which is
// not answered.
ptrdiff_t enrol_answer(enrol_answerer_t *self, uint8_t out[ENROL_MAX], const void *at, size_t n,
                       const struct enrol_asker *asker, int64_t now_ms);

#endif
