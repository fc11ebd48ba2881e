// uplink - the way to the collector: the stream, the queue, both sockets and the link between them.
//
// In:     rows of the series table; what the collector says.
// Out:    frames, once the collector has welcomed us, and as fast as it takes them.
// Order:  in each turn of the loop: uplink_receive, any uplink_row, uplink_send. Control before
//         data, so that nothing is sent to a collector that has just said go away.
// Thread: one owner.
// Loss:   see send_queue.h.

#ifndef AGENT_UPLINK_H
#define AGENT_UPLINK_H

#include <czmq.h>
#include <stdint.h>

#include "agent/series_table.h"
#include "agent/stream_writer.h"
#include "shared/wire/body.h"

typedef struct uplink uplink_t;

// Texts are borrowed for as long as the uplink lives, and the table too.
struct uplink_options {
    struct identity id;
    const char *collector; // data endpoint
    const char *control;   // control endpoint
    const series_table_t *table;
};

// 0 and *ret; ERR_RANGE if an endpoint is not local, or -errno.
int uplink_open(uplink_t **ret, const struct uplink_options *opt);
// Says BYE, after what can be sent within 200 ms.
void uplink_close(uplink_t **self_p);

// What to wait for: the sockets, and the time until something is due.
enum { UPLINK_CONTROL, UPLINK_DATA, UPLINK_ITEMS };
void uplink_poll(uplink_t *self, zmq_pollitem_t items[UPLINK_ITEMS]);
int64_t uplink_wait_us(const uplink_t *self);

void uplink_receive(uplink_t *self, const zmq_pollitem_t items[UPLINK_ITEMS]);
// The tick that ended last becomes a record, with what came since the one before at its own time
// (as for stream_writer_row), and waits.
void uplink_row(uplink_t *self, int64_t time_ms, const struct app_block *blocks, size_t n_blocks);
// The same of samples that do not wait for their tick.
void uplink_apps(uplink_t *self, int64_t time_ms, const struct app_block *blocks, size_t n_blocks);
void uplink_send(uplink_t *self);

// Sets the counters of own_series.h that are the uplink's.
void uplink_count(const uplink_t *self);

#endif
