// delivery_things - what the world of delivery_world.h is made of: records, streams, lanes, frames.

#ifndef TESTS_UNIT_AGENT_DELIVERY_THINGS_H
#define TESTS_UNIT_AGENT_DELIVERY_THINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/delivery.h"

#define STREAMS    512u
#define RECORDS    4096u // of all streams
#define LANES      1024u
#define QUEUE      8192u
#define CRCS       256u // records of a lane whose crc it can be asked for
#define COLLECTORS 2u
#define NOBODY     COLLECTORS
#define COPIED     UINT64_C(0x8000000000000000) // a fork's id has this bit

// What a body has: enough to tell who it is, and whether it can be read.
struct content {
    uint64_t uid; // place in world.made
    uint64_t row; // which row of its stream: a DELTA is read after the one before
    uint32_t slots;
};

struct made {
    struct record record;
    struct content content;
    bool stored[COLLECTORS];   // now
    bool ever;                 // by a collector, at some time
    bool lost;                 // by the spool
    bool told;                 // a GAP in its place was handed out
    uint64_t gap_from, gap_to; // of that
    bool sent;
    bool acked;
};

// A stream as the spool has it. Records are world.made[first .. first + n), by seq.
struct stream {
    uint64_t id;
    uint64_t uids[RECORDS / 4];
    uint64_t n, written, base, total, rows;
    uint32_t slots;
    bool ended;
};

// One (host, stream) of a collector.
struct lane {
    uint64_t stream, next, durable, limit;
    uint64_t heard;                // the limit that the agent has heard of
    uint64_t total, durable_total; // samples below next, below durable; 0: not known
    uint32_t crc, durable_crc;
    uint32_t crcs[CRCS]; // of the records it has staged, by seq; 0: not known
    uint64_t row;        // of its decoder, 0: none
    uint64_t chain;      // seq that goes on from what was read last
    uint32_t slots;
    bool known, ended;
    uint64_t nak_step, key_step; // of the last NAK{NEXT} and NAK{KEY}
};

struct staged {
    struct lane *lane;
    uint64_t uid; // UINT64_MAX: GAP, TABLE, END
    uint64_t next, total;
    uint32_t crc;
};

struct collector {
    uint64_t id;
    struct lane lanes[LANES];
    size_t n_lanes;
    struct staged staged[QUEUE];
    size_t n_staged;
};

struct flying {
    uint8_t *frame;
    size_t len;
    unsigned to;
    bool stale; // of a connection before
};

struct question {
    uint64_t stream, from;
    size_t bytes;
    bool repeat;
};

#endif
