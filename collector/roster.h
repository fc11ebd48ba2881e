// roster - who belongs: keys and tokens in memory, each change on the disk first.
//
// In:     questions of the ZAP thread (may this key come in by that door?), of the reactor (whose
//         message is this?), and what joins, rotates and operators ask for.
// Out:    answers; names come from keys alone.
// Rules:  data: agents and operators; control: the same; live and query: dashboards and operators;
//         enrolment: every key that is not revoked. A key that is not known is told to come again
//         (it may be enrolled meanwhile), one that is over is told to stay away.
// Order:  what lets somebody in is durable before it counts; a revocation counts at once, and is
//         told as failed where it could not be made to last.
// Errors: refusals are enum enrol_reason, above 0; 0 is success.
// Thread: any; it locks itself. Questions never wait for a disk.
// Limits: ROSTER_KEYS keys, ROSTER_TOKENS tokens. Failed tries of an address: try_limit.

#ifndef COLLECTOR_ROSTER_H
#define COLLECTOR_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/token_table.h"
#include "shared/base/buf.h"
#include "shared/net/sock.h"
#include "shared/wire/enrol.h"

#define ROSTER_KEYS        65536
#define ROSTER_TOKENS      1024
#define ROSTER_USES_MOST   100000
#define ROSTER_TTL_MOST_MS (INT64_C(30) * 24 * 3600 * 1000)

typedef struct roster roster_t;

// What ZAP is answered; its numbers.
enum roster_answer { ROSTER_IN = 200, ROSTER_LATER = 300, ROSTER_NEVER = 400 };

// 0, *ret, and the bytes of a change that a crash had cut off; or as roster_log_open.
int roster_open(roster_t **ret, size_t *torn, const char *dir, int64_t now_ms);
void roster_close(roster_t **self_p);

// For each handshake.
enum roster_answer roster_admit(roster_t *self, enum sock_port door,
                                const uint8_t key[ENROL_KEY_BYTES], int64_t now_ms);

// For each message. `user` is of curve_user; NULL is nobody.
struct roster_member {
    uint8_t key[ENROL_KEY_BYTES];
    enum key_role role;
    char name[ENROL_NAME_MAX + 1];
};
// True and *ret: it is a living key's.
bool roster_member(roster_t *self, struct roster_member *ret, const char *user, int64_t now_ms);
// True and *ret: it is, or was, a key's that has a name.
bool roster_knows(roster_t *self, struct roster_member *ret, const char *user);

struct roster_joiner {
    const uint8_t *key; // ENROL_KEY_BYTES
    const struct enrol_text *token, *name;
    uint8_t role;        // that the key is made for; 0: whatever the token's is
    const char *address; // of the peer: who failures are counted against
};
// A key comes in by a token, which is spent, unless it is refused. Again with the same key and
// token is the same success: an answer may have been lost. 0 and *ret.
int roster_join(roster_t *self, struct roster_member *ret, const struct roster_joiner *joiner,
                int64_t now_ms);
// Without a token: the keys that belong to this machine. The same key and name again is 0.
int roster_enrol(roster_t *self, const uint8_t key[ENROL_KEY_BYTES], enum key_role role,
                 const char *name, int64_t now_ms);
// 0, and the token, which nobody can be told again.
int roster_invite(roster_t *self, char token[TOKEN_TEXT_SIZE], int64_t *expires_ms,
                  enum key_role role, const struct enrol_text *name, uint32_t uses, int64_t ttl_ms,
                  int64_t now_ms);
// `fresh` in place of the valid `old`, which is let in for `overlap_ms` more. Again is the same.
int roster_rotate(roster_t *self, const uint8_t old[ENROL_KEY_BYTES],
                  const uint8_t fresh[ENROL_KEY_BYTES], int64_t now_ms, int64_t overlap_ms,
                  int64_t *until_ms);
// *keys were revoked, also where the refusal is REFUSAL_STORAGE.
int roster_revoke(roster_t *self, uint32_t *keys, const struct enrol_text *name, int64_t now_ms);
// A page of the list into the KEYS message: keys and names point into `hold`, which it empties.
void roster_list(roster_t *self, struct enrol_msg *ret, struct buf *hold, uint64_t from,
                 const struct enrol_text *name, int64_t now_ms);
// Of dashboards and operators, how many keys are not let in any more: another number means that
// some listener may have to go. Cost: every key.
size_t roster_readers_gone(roster_t *self, int64_t now_ms);

#endif
