// by_hand - peers of a real collector whose every message a test says itself.
//
// In:     a stage.
// Out:    its collector and a dashboard, enrolled keys of each role, and sockets that have them.
//         Claims fail the test.
// Thread: one owner.

#ifndef TESTS_SUPPORT_BY_HAND_H
#define TESTS_SUPPORT_BY_HAND_H

#include <czmq.h>

#include "shared/net/sock.h"
#include "shared/wire/control.h"
#include "tests/support/keyed.h"

#define BY_HAND_STREAM UINT64_C(0x51)

// Who has a key, and the name of its file in `dir`.
struct by_hand {
    stage_t *s;
    struct keyed k;
    struct keyed_peer a, b;  // agents: web-1 and web-2
    struct keyed_peer board; // a dashboard, which runs
    struct keyed_peer chief; // the operator that the collector made
};

void by_hand_up(struct by_hand *bed, stage_t *s);
// The same around a collector that is there, without a dashboard that runs.
void by_hand_enrol(struct by_hand *bed, stage_t *s);

// A socket of that peer, whose pair is in `name`.key. `id`: what it calls itself to a ROUTER; NULL:
// nothing.
zsock_t *by_hand_socket(struct by_hand *bed, const struct keyed_peer *peer, const char *name,
                        int type, enum sock_port door, const char *id);
// Waits for a connection first.
void by_hand_send(struct by_hand *bed, zsock_t *sock, const void *at, size_t n);
void by_hand_say(struct by_hand *bed, zsock_t *sock, const struct control_msg *msg);
// The next message of that type; others are passed over.
void by_hand_hear(struct by_hand *bed, zsock_t *sock, uint8_t type, struct control_msg *ret);
// A HELLO with BY_HAND_STREAM.
struct control_msg by_hand_hello(uint64_t host, uint64_t nonce, const char *name);
void by_hand_welcome(struct by_hand *bed, zsock_t *control, uint64_t host, uint64_t nonce,
                     const char *name);
// The record of that number of the stream, of a kind that is kept and not understood.
void by_hand_frame(struct by_hand *bed, zsock_t *data, uint64_t seq);

// One that has knocked at a door, and whose connection is listened to.
struct by_hand_knock {
    zsock_t *sock;
    zsock_t *heard; // what libzmq tells of its connection
};

// By the socket that a door is for. Who is not answered hangs up after so long; 0: as sock does.
// `metadata`: more properties of its handshake, "X-name:value" each, and NULL; NULL: none.
struct by_hand_knock by_hand_knocks(struct by_hand *bed, const struct keyed_peer *peer,
                                    const char *name, enum sock_port door, int patience_ms,
                                    const char *const *metadata);
// Ends it.
void by_hand_drop(struct by_hand_knock *knock);
// True: it was let in; false: its first try ended without. Ends it.
bool by_hand_is_let_in(struct by_hand *bed, struct by_hand_knock *knock);

#endif
