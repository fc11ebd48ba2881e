// uplink - the way to the collector: the outbox, both sockets and the link between them.
//
// In:     rows of the series table; what the collector says.
// Out:    frames, once the collector has welcomed us, and as fast as it takes them.
// Order:  in each turn of the loop: uplink_receive, any uplink_row, uplink_send. Control before
//         data, so that nothing is sent to a collector that has just said go away.
// Thread: one owner.
// Loss:   see outbox.h.

#ifndef AGENT_UPLINK_H
#define AGENT_UPLINK_H

#include <czmq.h>
#include <stdint.h>

#include "agent/outbox.h"

typedef struct uplink uplink_t;

// Texts are borrowed for as long as the uplink lives.
struct uplink_options {
    const char *collector;     // data endpoint
    const char *control;       // control endpoint
    int flush_ms;              // that uplink_close waits for what can be sent; 0: 200 ms
    const struct curve *curve; // likewise; NULL: plain
    unsigned io_thread;        // of its sockets, as sock_spec's
    struct outbox_options outbox;
};

// 0 and *ret; ERR_RANGE if an endpoint is not local, an error of outbox_open, or -errno.
int uplink_open(uplink_t **ret, const struct uplink_options *opt);
// Says END, and BYE after what can be sent in time. False: as outbox_close.
bool uplink_close(uplink_t **self_p);

// What to wait for: the sockets, and the time until something is due.
enum { UPLINK_CONTROL, UPLINK_DATA, UPLINK_SPOOL, UPLINK_ITEMS };
void uplink_poll(uplink_t *self, zmq_pollitem_t items[UPLINK_ITEMS]);
int64_t uplink_wait_us(const uplink_t *self);

void uplink_receive(uplink_t *self, const zmq_pollitem_t items[UPLINK_ITEMS]);
// The tick that ended last becomes a record, with what came since the one before at its own time
// (as for stream_writer_row), and waits.
void uplink_row(uplink_t *self, int64_t time_ms, const struct app_block *blocks, size_t n_blocks);
// The same of samples that do not wait for their tick.
void uplink_apps(uplink_t *self, int64_t time_ms, const struct app_block *blocks, size_t n_blocks);
// Something happened on the host: a record of its own, kept and sent as the others are.
void uplink_event(uplink_t *self, const struct host_event *event);
void uplink_send(uplink_t *self);
void uplink_missed(uplink_t *self, enum missed_cause cause, uint64_t ticks);

// The keys behind options.curve are others: both connections are made anew. What was sent and not
// acknowledged is sent again, as after any loss of a connection.
void uplink_renew(uplink_t *self);

// Sets the counters of own_series.h that are the uplink's.
void uplink_count(uplink_t *self);

#endif
