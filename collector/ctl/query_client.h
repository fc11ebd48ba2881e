// query_client - questions to a collector, one at a time, each with a deadline.
//
// Thread: one owner. Loss: an answer that comes after its deadline is thrown away.

#ifndef COLLECTOR_CTL_QUERY_CLIENT_H
#define COLLECTOR_CTL_QUERY_CLIENT_H

#include <stdbool.h>

#include "shared/base/buf.h"
#include "shared/base/rbuf.h"
#include "shared/net/sock.h"
#include "shared/wire/query_msg.h"
#include "shared/wire/query_number.h"

typedef struct query_client query_client_t;

// `collector` names its data port; `curve` (NULL: plain) who we are; `wake_fd` (-1: none) ends
// every wait when it is readable. 0; ERR_RANGE (not on this machine), ERR_FORMAT (no endpoint),
// -errno.
int query_client_open(query_client_t **ret, const char *collector, const struct curve *curve,
                      int wake_fd);
void query_client_close(query_client_t **self_p);

// Called for each reply that is OK; its n items stand before *r. Below zero ends the answer and is
// what query_client_ask returns.
typedef int query_reply_fn(void *arg, const struct query_reply *reply, struct rbuf *r);

// Asks (q->id is set here) and takes the whole answer. 0; -ETIMEDOUT; -EINTR (wake_fd);
// ERR_UNKNOWN, ERR_LIMIT, -EAGAIN or ERR_RANGE with the collector's sentence in *why (for
// QUERY_UNKNOWN, TOO_LARGE, BUSY and BAD); ERR_FORMAT or ERR_VERSION for what is no answer.
int query_client_ask(query_client_t *self, struct query_request *q, int timeout_ms,
                     query_reply_fn *fn, void *arg, struct buf *why);
// What an answer says beside its series. Zero is nothing; release `lacks`.
struct query_client_note {
    struct buf lacks; // the collector's sentence, where it could not read all; empty: it could
    uint64_t upto;    // as query_reply has it
};
// As query_client_ask, for questions that are answered with series: fn gets them one by one, and
// may not keep them. `note` may be NULL.
typedef int query_client_series_fn(void *arg, const struct query_series *series);
int query_client_series(query_client_t *self, struct query_request *q, int timeout_ms,
                        query_client_series_fn *fn, void *arg, struct buf *why,
                        struct query_client_note *note);
// How the collector is, in numbers: those that it tells. As query_client_ask.
int query_client_numbers(query_client_t *self, int timeout_ms, struct query_numbers *ret,
                         struct buf *why);
// Whether the collector has read its journal back, so that no answer lacks what it took before its
// start: true in *ret for one that does not say. As query_client_ask.
int query_client_whole(query_client_t *self, int timeout_ms, bool *ret, struct buf *why);
// One question of a command of this name to a collector: connects, asks, and says on standard error
// what went wrong, but for -EINTR. As query_client_ask.
int query_client_once(const char *command, const char *collector, const struct curve *curve,
                      int wake_fd, struct query_request *q, query_reply_fn *fn, void *arg);
// The exit code for such an rc.
int query_client_exit(int rc);
// What such an rc means to a person; `why` as query_client_ask left it.
const char *query_client_problem(int rc, struct buf *why);
// Sends without waiting; what comes back is thrown away. 0 or -errno.
int query_client_tell(query_client_t *self, struct query_request *q);

#endif
