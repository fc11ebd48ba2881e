// enrol_client - asks a collector about keys, and has a key of ours enrolled there.
//
// In:     a collector's data endpoint and public key, our own pair, questions (shared/wire/enrol).
// Out:    its answers; for a join: key files as every client of ours has them.
// Thread: one owner; it waits, at most as long as it is told.
// Loss:   a question is sent once; one that is not answered may have been heard, and may be asked
//         again: each has the same end twice.

#ifndef SHARED_NET_ENROL_CLIENT_H
#define SHARED_NET_ENROL_CLIENT_H

#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/net/key_file.h"
#include "shared/wire/enrol.h"

// In a folder of keys: the collector's public half, and an operator's pair.
#define ENROL_COLLECTOR_NAME "collector"
#define ENROL_OPERATOR_NAME  "operator"

typedef struct enrol_client enrol_client_t;

struct enrol_client_options {
    const char *collector;      // its data endpoint; the socket for enrolment follows from it
    const char *server;         // its public key
    const struct key_pair *own; // borrowed for the call
    int wake_fd;                // readable: waiting ends with -EINTR; -1: none
};

// 0; ERR_FORMAT (no endpoint) or -errno.
int enrol_client_open(enrol_client_t **ret, const struct enrol_client_options *options);
void enrol_client_close(enrol_client_t **self_p);
// 0 and *ret, of the question's kind or a refusal, which points into the client until it is asked
// again. -ETIMEDOUT: nobody answers, or nobody who has that key or takes ours; -EINTR; or -errno.
int enrol_client_ask(enrol_client_t *self, struct enrol_msg *ret, struct enrol_msg *question,
                     int timeout_ms);

struct enrol_join {
    const char *collector; // data endpoint
    const char *server;    // its public key
    const char *token;
    enum key_role role;  // that the pair is made for: a token of another one is refused
    const char *wish;    // the name that we would have, or NULL
    const char *version; // of the program
    const char *dir;     // of keys, made where it is missing
    const char *name;    // of our pair there
    int wake_fd;
    int timeout_ms;
};

struct enrol_joined {
    enum key_role role;
    char name[ENROL_NAME_MAX + 1];
};

// Makes the pair where it is missing, joins, and keeps the collector's key beside it. 0 and *ret;
// or below zero and `why` is a line for people: -EPERM is a refusal, -ETIMEDOUT no answer.
int enrol_join(struct enrol_joined *ret, const struct enrol_join *how, struct buf *why);

#endif
