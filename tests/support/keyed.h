// keyed - a collector that knows its peers by their keys, and who is enrolled there.
//
// In:     a stage.
// Out:    its collector with a folder of keys, keys that are enrolled by a token each, and
//         `zpulse` as the operator. Claims fail the test.
// Thread: one owner.

#ifndef TESTS_SUPPORT_KEYED_H
#define TESTS_SUPPORT_KEYED_H

#include "shared/net/key_file.h"
#include "tests/support/stage.h"

struct keyed {
    char keys[300];   // of the collector, and its operator
    char word[320];   // --keys=...
    char target[128]; // --collector=...
};

// One that was enrolled.
struct keyed_peer {
    char dir[300];  // of its keys
    char word[320]; // --keys=...
};

void keyed_place(stage_t *s, struct keyed *k);
// The collector; its keys are there when this comes back, though it may not listen yet: whoever
// connects waits by itself.
process_t *keyed_collector(stage_t *s, const struct keyed *k);
// `zpulse COMMAND` with these words after collector and keys, ended: its exit code.
int keyed_zpulse(stage_t *s, const struct keyed *k, process_t **ret, const char *command,
                 const char *a, const char *b, const char *c);
// The same with the keys of somebody else.
int keyed_zpulse_as(stage_t *s, const struct keyed *k, const char *keys, process_t **ret,
                    const char *command, const char *a, const char *b, const char *c);
// Words --token=... and --server-key=... of a new token.
void keyed_token(stage_t *s, const struct keyed *k, const char *role, const char *name,
                 char token[100], char server[80]);
// Likewise, with any other word for `zpulse enrol --new`.
void keyed_token_for(stage_t *s, const struct keyed *k, const char *word, char token[100],
                     char server[80]);
// A key of that role under that name, in a folder of its own.
void keyed_enrol(stage_t *s, const struct keyed *k, const char *role, const char *name,
                 struct keyed_peer *ret);
// The same in a folder that is there.
void keyed_enrol_at(stage_t *s, const struct keyed *k, const char *role, const char *name,
                    const struct keyed_peer *at);
// A key that nobody enrolled, as an agent's or an operator's, beside the collector's public half.
void keyed_stranger(stage_t *s, const struct keyed *k, const char *as, const char *name,
                    struct keyed_peer *ret);
// Another copy of a peer's key, under the name that a program of another role looks for.
void keyed_disguise(stage_t *s, const struct keyed_peer *p, const char *as, const char *other);
// True once `zpulse hosts` has a refused agent of that name for that reason.
struct keyed_refused {
    const struct keyed *k;
    const char *name;
    const char *reason;
};
bool keyed_is_refused(stage_t *s, void *refused);
// True once a counter of /metrics is at least so much.
struct keyed_counted {
    const char *series;
    double least;
};
bool keyed_has_counted(stage_t *s, void *counted);

#endif
