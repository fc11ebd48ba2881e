// delivery - which record of which stream is sent next, until all are acknowledged or known lost.
//
// In:     records as they are made; what the spool has written, read and lost; WELCOME, ACK and
//         NAK; turns of the loop, with their time.
// Out:    frames; what is to be read from the spool; what is acknowledged.
// Order:  the live stream goes first, in seq order, from memory. Streams before it (the backlog)
//         get the turns that it leaves, oldest first, as BACKLOG, from the spool, at most so many
//         bytes a second and so many in flight. Go-back-N in each: a stream is sent from where the
//         collector wants it, after a repeat of what the collector needs to read on.
// Loss:   none here. What the spool has lost goes as a GAP.
// Thread: one owner. Pure: no sockets, files or clocks. Handlers are called from within; only
//         delivery_produced, delivery_open and delivery_table may be called from a handler.
// Source: shared/wire/FORMAT.md, "Control".

#ifndef AGENT_DELIVERY_H
#define AGENT_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/wire/control.h"
#include "shared/wire/frame.h"

#define DELIVERY_WINDOW        256u // records of the live stream that wait in memory
#define DELIVERY_BACKLOG_MOST  32u  // streams beside the live one that HELLO names
#define DELIVERY_FLIGHT        (128u * 1024u)
#define DELIVERY_UNSPOOLED_MS  100 // a disk that takes longer is not waited for
#define DELIVERY_COLLECTORS    4u  // of which a stream remembers the acknowledgements
#define DELIVERY_TOTAL_UNKNOWN UINT64_MAX

typedef struct delivery delivery_t;

struct delivery_options {
    size_t memory;         // bytes of the live stream that are held at most
    uint64_t backlog_rate; // bytes a second
};

struct delivery_handler {
    void *arg;
    // Sends one frame at once; false if the socket does not take it.
    bool (*send)(void *arg, const void *frame, size_t n);
    // Records of the stream from `from` on are wanted, about `bytes` of them; `total`: samples of
    // the stream before it, or DELIVERY_TOTAL_UNKNOWN. With a GAP for what
    // is lost, and behind that GAP, as a repeat, the TABLE of what comes then. With `repeat`, first
    // what a reader needs to go on from there: a TABLE, and the records from the last KEY below
    // `from`, or all where there is none. Answers come in the order
    // of the questions, each ended by delivery_read_end.
    void (*want)(void *arg, uint64_t stream, uint64_t from, uint64_t total, size_t bytes,
                 bool repeat);
    // All below `next` is acknowledged by that collector. `total`: samples of the stream before
    // it, or DELIVERY_TOTAL_UNKNOWN.
    void (*acked)(void *arg, uint64_t stream, uint64_t next, uint64_t total, uint64_t collector);
    // TABLE of `slots` slots for a repeat ahead of that record of the live stream, by
    // delivery_table. Its body is not there.
    void (*table)(void *arg, const struct record *ahead_of, uint32_t slots);
    // The next record of values should be a KEY.
    void (*key)(void *arg);
    // End the live stream (an END by delivery_produced) and open another (delivery_open).
    void (*close_live)(void *arg);
    // What is unacknowledged of the stream is sent under another id from now on, which is returned:
    // the collector has records under this one that we never made. Never 0.
    uint64_t (*forked)(void *arg, uint64_t stream);
};

// A stream that was there at the start.
struct delivery_found {
    uint64_t stream;
    uint64_t base;
    uint64_t head;       // END included
    uint64_t head_total; // samples of the stream before head
    struct {
        uint64_t collector;
        uint64_t next;
    } acked_here[DELIVERY_COLLECTORS]; // the latest first; collector 0 ends them
};

// Sums over all streams, of the ledger. Those that the delivery begins with go on.
struct delivery_sums {
    uint64_t elsewhere;
    uint64_t refused;
    uint64_t collector_lost; // samples that a collector had acknowledged
};

delivery_t *delivery_new(const struct delivery_options *opt, const struct delivery_handler *handler,
                         const struct delivery_sums *sums);
void delivery_destroy(delivery_t **self_p);

// Oldest first, before delivery_open.
void delivery_found(delivery_t *self, const struct delivery_found *found);
// A new live stream; the one before becomes the newest of the backlog.
void delivery_open(delivery_t *self, uint64_t stream);

// A record of the live stream, in seq order. `slots` as stream_writer gives it. False: make the
// next record of values a KEY, since they are too far apart in bytes to be repeated from memory.
bool delivery_produced(delivery_t *self, const struct record *record, uint32_t slots,
                       int64_t now_ms);
// The spool has all records of the stream below `next`.
void delivery_written(delivery_t *self, uint64_t stream, uint64_t next);
// The answer to handler.want. Bodies are borrowed for the call.
void delivery_read(delivery_t *self, uint64_t stream, const struct record *record, bool repeat);
// `gone`: the spool knows the stream no more.
void delivery_read_end(delivery_t *self, uint64_t stream, bool gone, int64_t now_ms);
void delivery_table(delivery_t *self, const struct record *record);

// The streams to be named, and whose acked_here they have. Returns how many.
uint32_t delivery_hello(const delivery_t *self, struct hello_stream ret[CONTROL_STREAMS_MAX],
                        uint64_t *collector_ret);
// A stream that may be named is not known to the collector that welcomed us: say HELLO again.
bool delivery_hello_due(const delivery_t *self);
void delivery_welcome(delivery_t *self, const struct welcome *welcome, int64_t now_ms);
void delivery_ack(delivery_t *self, const struct ack *ack, int64_t now_ms);
// NAK_KEY, NAK_STORAGE and NAK_NEXT.
void delivery_nak(delivery_t *self, const struct nak *nak, int64_t now_ms);
// The connection, or the collector, is not there any more. Nothing is sent before WELCOME.
void delivery_gone(delivery_t *self);

// Sends what may be sent: at most `budget` frames. False where the socket takes no more.
bool delivery_turn(delivery_t *self, int64_t now_ms, unsigned budget);
// A turn would send something now.
bool delivery_has(const delivery_t *self, int64_t now_ms);
// Until a turn will have something to do for which no input comes; -1: nothing.
int64_t delivery_wait_ms(const delivery_t *self, int64_t now_ms);
// The live stream's next record is made, and goes once the spool has written it.
bool delivery_waits_for_spool(const delivery_t *self);
// What waits goes on only after an ACK.
bool delivery_wants_ack(const delivery_t *self);

// Of the live stream: its id, and seq of the record to be made next.
uint64_t delivery_live(const delivery_t *self, uint64_t *head_ret);
struct delivery_sums delivery_sums(const delivery_t *self);

struct delivery_stat {
    size_t bytes;       // of memory, all streams
    uint64_t waiting;   // records of the live stream not sent yet
    size_t backlog;     // streams
    size_t flight;      // bytes of backlog sent and not acknowledged
    uint64_t unspooled; // records sent that the spool did not have
    uint64_t rewinds;   // times a stream was sent again
    uint64_t timeouts;  // of them: since nothing was acknowledged
    uint64_t forks;
    uint64_t nonsense; // messages that no collector of ours says
};
struct delivery_stat delivery_stat(const delivery_t *self);

#endif
