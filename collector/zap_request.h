// zap_request - what libzmq asks of a ZAP handler, and what it is answered.
//
// In:     the parts of a message behind the routing id, of whoever connected.
// Out:    a request, or that it is none; the parts of an answer.
// Form:   "", "1.0", request id, domain, address, routing id, mechanism, credentials...; answered
//         by "", "1.0", request id, code, text, user id, metadata.
// Thread: any; pure.
// Source: ZeroMQ RFC 27/ZAP; of it CURVE alone, with one credential of 32 bytes.

#ifndef COLLECTOR_ZAP_REQUEST_H
#define COLLECTOR_ZAP_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "shared/net/key_file.h"
#include "shared/net/sock.h"

#define ZAP_PARTS_MOST  16
#define ZAP_ID_MOST     255 // bytes of a request id
#define ZAP_ANSWER_MOST 7   // parts

struct zap_part {
    const uint8_t *at;
    size_t len;
};

struct zap_request {
    struct zap_part id;      // of the request; its answer has the same
    struct zap_part address; // of the peer, as it came
    enum sock_port door;
    uint8_t key[KEY_BYTES];
};

// 0; ERR_FORMAT: no request of CURVE at a door of ours. Then *ret has the id if there was one to be
// answered, else its length is 0.
int zap_request_take(struct zap_request *ret, const struct zap_part *parts, size_t n);
// `code` is 200, 300 or 400; with 200 the user is `user`, the key's text. The parts point to what
// is given, and to constants.
void zap_answer_put(struct zap_part ret[ZAP_ANSWER_MOST], const struct zap_part *id, int code,
                    const char *user);

#endif
