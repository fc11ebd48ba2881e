// control_link - the agent's side of the control socket, as a state machine.
//
//      DOWN --WELCOME--> WELCOMED --3 s without PONG, the connection ended, NAK{HELLO}--> DOWN
//      any  --GOAWAY--> AWAY --its delay has passed--> DOWN
//
// DOWN:     HELLO as soon as the socket takes one, then each second.
// WELCOMED: frames may be sent; PING each second, and HELLO where streams are there that it has not
//           named. Each tenth one measures clocks and round trip and
//           waits for its PONG; what else comes may lie until the next wake-up.
// Whenever nothing was heard for 10 s the sockets are made anew, and again after 20 s, 40 s and so
// on up to 160 s more: a connection that is half open, or that libzmq has given up for good, would
// never come back.
// In:     messages of the collector, and the time.
// Out:    messages, through the handler.
// Thread: one owner. No sockets and no clocks: the caller has both.

#ifndef AGENT_CONTROL_LINK_H
#define AGENT_CONTROL_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/wire/control.h"

typedef struct control_link control_link_t;

struct control_now {
    int64_t mono_us;
    int64_t real_ms; // since the epoch
};

// What HELLO and PING tell of the agent.
struct control_book {
    struct hello_stream streams[CONTROL_STREAMS_MAX]; // the live one last
    uint32_t n_streams;
    uint64_t collector; // whose acknowledgements `streams` tells
    uint64_t head;      // of the live stream
    struct ledger ledger;
};

struct control_link_handler {
    void *arg;
    // Sends one message at once; false if the socket does not take it.
    bool (*send)(void *arg, const void *at, size_t n);
    // HELLO wants all of it, PING head and ledger.
    void (*book)(void *arg, struct control_book *ret, bool hello);
    // Streams are there that the collector was not told of: say HELLO again.
    bool (*hello_due)(void *arg);
    // A frame goes in a moment, so that a PING that is due had better go with it. Or NULL.
    bool (*soon)(void *arg);
    // Frames of the streams that it names may go.
    void (*welcomed)(void *arg, const struct welcome *welcome);
    void (*ack)(void *arg, const struct ack *ack);
    // NAK_KEY (at most once a second), NAK_STORAGE or NAK_NEXT.
    void (*nak)(void *arg, const struct nak *nak);
    // WELCOMED was left: no frames from here on.
    void (*gone)(void *arg);
    // Close both sockets and make them anew.
    void (*renew)(void *arg);
};

// `id` and its text are borrowed for as long as the link lives; `endpoint` is for the log.
control_link_t *control_link_new(const struct identity *id, uint64_t nonce, const char *endpoint,
                                 const struct control_link_handler *handler,
                                 struct control_now now);
void control_link_destroy(control_link_t **self_p);

// Does what is due. Call at each turn of the loop, after control_link_receive has been given all
// that was there; cheap when nothing is due.
void control_link_turn(control_link_t *self, struct control_now now);
// When something will be due, in time of mono_us.
int64_t control_link_deadline_us(const control_link_t *self);
// An answer is waited for: poll for input. Otherwise it is enough to look at each turn of the loop:
// to be woken by each PONG would be a quarter of what the agent costs.
bool control_link_wants_in(const control_link_t *self);
// A HELLO waits for the socket to take it: poll for that, then call control_link_writable.
bool control_link_wants_out(const control_link_t *self);
void control_link_writable(control_link_t *self, struct control_now now);
// One message of the collector, of any bytes.
void control_link_receive(control_link_t *self, const void *at, size_t n, struct control_now now);
// The keys are others: the sockets are made anew and HELLO is said, whatever the state.
void control_link_renew(control_link_t *self, struct control_now now);
// Says BYE to a collector that knows us.
void control_link_bye(control_link_t *self);

bool control_link_is_welcomed(const control_link_t *self);

struct control_link_stat {
    uint64_t collector; // id of the one that said WELCOME last, 0 before
    uint64_t losses;    // times WELCOMED was left
    uint64_t malformed; // messages that were none
    int64_t offset_ms;  // collector's clock less ours; 0 before it was measured
    int64_t rtt_us;     // -1 before it was measured
};
struct control_link_stat control_link_stat(const control_link_t *self);

#endif
