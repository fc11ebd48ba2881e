// delivery_stream - one stream of delivery: what is held of it, and where it is sent from.
//
//      0 ...      base            place            limit     head
//      | acked      | in flight     | to be sent     | no      | not made
//                                                      credit
//
// Order of sending: `ahead`, then window[repeat..place) as REPEAT, then `place` and on. Each seq at
// place is in the window (memory, live stream), in `read` (from the spool), or must be read. Right
// behind a GAP what `behind` has for that seq goes first, as REPEAT.
//
// A fork is sent under another id and other numbers: seq + shift, total - total_shift, behind
// `tables` records of TABLE that begin it. Only what leaves and comes in (wire_*) has those
// numbers; everything else here is numbered as the spool has it.
//
// Thread: delivery's. Inner to it.

#ifndef AGENT_DELIVERY_STREAM_H
#define AGENT_DELIVERY_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/delivery.h"
#include "agent/frame_list.h"

// What streams share. The delivery's.
struct delivery_common {
    struct delivery_handler is;
    struct delivery_options opt;
    struct delivery_stat stat;
    uint64_t collector; // that welcomed us last; 0: none yet
    int64_t now_ms;     // of the input that is being served
};

struct fork {
    bool is;
    bool laid;             // `tables` and the shifts are known; for good
    uint64_t as;           // the id it is sent under
    uint64_t tables;       // records of TABLE before the first other one
    uint64_t shift;        // wire seq less ours, modulo 2^64
    uint64_t total_shift;  // our total less that of the wire
    uint64_t acked;        // wire seq below which all is acknowledged
    bool copying;          // `ahead` is not a repeat but the beginning
    bool begun;            // of that, the first that is no TABLE was there
    uint64_t given;        // of its TABLEs
    uint64_t copied;       // ours, behind what is copied; UINT64_MAX: the beginning is over
    uint64_t copied_total; // samples of our stream before that
};

struct delivery_stream {
    uint64_t id;
    bool live;
    bool known;          // the collector has welcomed it
    bool gone;           // the spool has given it up
    uint64_t head;       // seq to be made next
    uint64_t head_total; // samples below head
    uint64_t base;       // lowest seq not acknowledged
    uint64_t written;    // the spool has all below
    uint64_t elsewhere;  // as the collector said last
    uint64_t refused;
    bool counted; // those two are in the sums: what they grow by may be added
    struct {
        uint64_t collector;
        uint64_t next;                 // wire
    } acked_here[DELIVERY_COLLECTORS]; // the latest first
    struct frame_list window; // live: from the last KEY at or below base on, without a hole
    size_t run;               // bytes of the newest KEY of the window and what came after it
    struct frame_list read;   // answers of the spool, from base or later on
    struct frame_list ahead;  // what goes before place
    struct frame_list behind; // definitions behind a GAP of `read`; `last`: the seq they go before
    size_t flight;            // bytes of `read` that are sent and not acknowledged
    uint64_t place;
    uint64_t repeat;     // next seq of the window to be repeated; place: none
    uint64_t limit;      // wire
    unsigned asked;      // questions to the spool without an end of answer
    unsigned stale;      // of them, the first ones: their answers are of no use any more
    bool seeking;        // what comes before place is awaited from the spool
    uint64_t read_to;    // what is asked next, when `read` runs dry
    uint64_t read_total; // samples below it, or DELIVERY_TOTAL_UNKNOWN
    uint64_t said;       // seq that the collector has said last to be `next`
    uint64_t said_total; // samples below it, as it counts; or DELIVERY_TOTAL_UNKNOWN
    bool got;            // this answer had a record
    int64_t dry_ms;      // an answer had none: not asked before then
    bool tabling;        // what is read may be a part of a TABLE
    uint64_t table_seq;  // that of the TABLE, while it may
    bool checking;       // record check - 1 is awaited, to be compared with check_crc
    bool differs;        // it is another one
    uint64_t check;
    uint32_t check_crc;
    int64_t progress_ms; // last ACK that moved base, or first frame sent after all was acknowledged
    int64_t patience_ms; // without progress, before all is sent again; 0: the usual
    struct fork fork;
};

struct delivery_stream *delivery_stream_new(uint64_t id);
void delivery_stream_destroy(struct delivery_stream **self_p);

bool delivery_stream_push(struct delivery_stream *s, struct delivery_common *c,
                          const struct record *record, uint32_t slots);
void delivery_stream_to_backlog(struct delivery_stream *s); // lets go of memory
void delivery_stream_ack(struct delivery_stream *s, struct delivery_common *c, uint64_t next);
// The collector has all below wire seq `next`: so many samples (wire), or 0: it does not say.
void delivery_stream_said(struct delivery_stream *s, uint64_t next, uint64_t total);
// Samples of the stream below `seq`, or DELIVERY_TOTAL_UNKNOWN.
uint64_t delivery_stream_total(const struct delivery_stream *s, uint64_t seq);
void delivery_stream_acked_here(struct delivery_stream *s, uint64_t collector, uint64_t next);
uint64_t delivery_stream_acked_by(const struct delivery_stream *s, uint64_t collector);

// Sends from `place` on again, after what must be repeated.
void delivery_stream_rewind(struct delivery_stream *s, struct delivery_common *c, uint64_t place);
void delivery_stream_forget(struct delivery_stream *s); // the connection is gone

// The next frame, whole, the stream's until the next call; NULL if there is none now. Asks the
// spool for what is missing.
const uint8_t *delivery_stream_next(struct delivery_stream *s, struct delivery_common *c,
                                    size_t *len_ret);
void delivery_stream_sent(struct delivery_stream *s, struct delivery_common *c);
// delivery_stream_next would give a frame, or ask for one.
bool delivery_stream_has(const struct delivery_stream *s, const struct delivery_common *c);
bool delivery_stream_in_memory(const struct delivery_stream *s); // all from place on
bool delivery_stream_flying(const struct delivery_stream *s); // something sent is not acknowledged
// Something sent was not acknowledged for too long: once each time it is, and longer each time.
bool delivery_stream_impatient(struct delivery_stream *s, struct delivery_common *c);

// What the spool answers (delivery_answer.c): records, then the end of the answer.
void delivery_answer_take(struct delivery_stream *s, const struct record *record, bool repeat);
void delivery_answer_end(struct delivery_stream *s, const struct delivery_common *c);

// Numbers on the wire (delivery_fork.c).
uint64_t delivery_wire_id(const struct delivery_stream *s);
uint64_t delivery_wire_seq(const struct delivery_stream *s, uint64_t seq);
uint64_t delivery_wire_base(const struct delivery_stream *s);
uint64_t delivery_wire_head(const struct delivery_stream *s);
// Ours, at least base: what is acknowledged below a wire seq.
uint64_t delivery_own_seq(const struct delivery_stream *s, uint64_t wire);
// The record with its numbers on the wire.
struct record delivery_wire_record(const struct delivery_stream *s, const struct record *record);
// The entry's frame with them.
void delivery_wire_entry(const struct delivery_stream *s, struct frame_entry *entry);
void delivery_fork_begin(struct delivery_stream *s, uint64_t as);
// Its beginning is sent, for the first time or again; then with the numbers it had.
void delivery_fork_copy(struct delivery_stream *s);
// From here on the numbers hold: `record` is the first that is no part of a TABLE.
void delivery_fork_lay(struct delivery_stream *s, const struct record *record);
// A record that comes before base, for the beginning of a fork.
void delivery_fork_take(struct delivery_stream *s, const struct record *record);
// The beginning is over, `record` is the first at place: what was lost in between goes as a GAP.
void delivery_fork_fill(struct delivery_stream *s, const struct record *record);

#endif
