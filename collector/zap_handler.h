// zap_handler - the thread that says who comes in, for every CURVE socket of this process.
//
// In:     libzmq's requests at inproc://zeromq.zap.01, one for each handshake.
// Out:    answers, as `decide` has them; counts. A request that is none is refused, and let pass
//         by.
// Order:  started before the first server socket is bound, stopped after the last is closed. Where
//         it is not, or no more, option 93 keeps the doors shut.
// Errors: it never ends by itself, but for a failure of its socket: then ended_fd is readable, and
//         the process is to end, since nobody could come in any more.
// Thread: one of its own, which takes no signal. Start and stop from main.

#ifndef COLLECTOR_ZAP_HANDLER_H
#define COLLECTOR_ZAP_HANDLER_H

#include <stdint.h>

#include "shared/net/key_file.h"
#include "shared/net/sock.h"

typedef struct zap_handler zap_handler_t;

// From the handler's thread: 200 in, 300 later, else never. Must not wait.
typedef int zap_decide_fn(void *arg, enum sock_port door, const uint8_t key[KEY_BYTES]);

struct zap_counts {
    uint64_t admitted;  // 200
    uint64_t unknown;   // 300
    uint64_t refused;   // 400
    uint64_t malformed; // no request of ours; refused too
};

// 0; -EADDRINUSE: this process has one; or another -errno.
int zap_handler_start(zap_handler_t **ret, zap_decide_fn *decide, void *arg);
void zap_handler_stop(zap_handler_t **self_p);
int zap_handler_ended_fd(const zap_handler_t *self);
void zap_handler_counts(const zap_handler_t *self, struct zap_counts *ret);

#endif
