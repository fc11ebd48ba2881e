// enrol_service - the socket at which keys come by their names, and the thread that answers there.
//
// In:     questions (shared/wire/enrol) of every key that is not revoked, on a ROUTER with CURVE.
// Out:    answers by enrol_answer.
// Thread: one of its own, since an answer may wait for the disk, and the reactor must not.
// Loss:   an answer whose peer has gone or takes nothing: who asks asks again, to the same end. A
//         message without a user came past ZAP, and is dropped and counted.
// Limits: messages of ENROL_REQUEST_MOST; a budget a turn is not needed: nothing else is served.

#ifndef COLLECTOR_ENROL_SERVICE_H
#define COLLECTOR_ENROL_SERVICE_H

#include <stdint.h>

#include "collector/roster.h"
#include "shared/net/key_file.h"

#define ENROL_REQUEST_MOST 2048 // bytes

typedef struct enrol_service enrol_service_t;

struct enrol_service_options {
    const char *endpoint;       // to bind
    const struct key_pair *own; // the collector's; borrowed for the call
    roster_t *roster;           // borrowed
    uint64_t collector;         // its id
};

// After zap_handler_start. 0; or as sock_new and sock_bind.
int enrol_service_start(enrol_service_t **ret, const struct enrol_service_options *options);
void enrol_service_stop(enrol_service_t **self_p);
// Messages that came past ZAP, and those that were no question.
uint64_t enrol_service_nameless(const enrol_service_t *self);
uint64_t enrol_service_bad(const enrol_service_t *self);

#endif
