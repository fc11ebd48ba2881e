// control - what agent and collector say beside the data: DEALER to ROUTER, one part a message.
//
// In:     fields; or bytes of a stranger, at most CONTROL_MAX.
// Out:    bytes; or fields, checked. Text and arrays point into the message.
// Source: shared/wire/FORMAT.md, "Control". A newer minor version may have further fields at the
//         end of a message: they are skipped. A newer major version is ERR_VERSION.

#ifndef SHARED_WIRE_CONTROL_H
#define SHARED_WIRE_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "shared/model/ledger.h"
#include "shared/wire/body.h"

#define CONTROL_MAX           (64u * 1024u)
#define CONTROL_VERSION_MAJOR 1
#define CONTROL_VERSION_MINOR 0
#define CONTROL_STREAMS_MAX   33 // 32 of the backlog and the live one

enum control_type {
    CONTROL_HELLO = 1,   // agent: who I am, which streams I hold
    CONTROL_WELCOME = 2, // collector: go on, from here
    CONTROL_PING = 3,    // agent, each second
    CONTROL_PONG = 4,    // collector, at once or with an ACK that is due
    CONTROL_NAK = 5,     // collector: something is missing
    CONTROL_GOAWAY = 6,  // collector: not here, not now
    CONTROL_BYE = 7,     // agent: I end, on purpose
    CONTROL_ACK = 8,     // collector: so far, and how much further
};

enum nak_reason {
    NAK_HELLO = 1,   // I do not know you: say HELLO
    NAK_KEY = 2,     // the stream can not be read: send TABLE, then a KEY
    NAK_STORAGE = 3, // can not store now: nothing from `next` on may be sent
    NAK_NEXT = 4,    // something above `next` came: send again from there
};

enum goaway_reason {
    GOAWAY_VERSION = 1,  // speaks a major version that I do not
    GOAWAY_NAME = 2,     // another host has this name
    GOAWAY_CLONE = 3,    // another living agent has this host id
    GOAWAY_SHUTDOWN = 4, // I am about to end
    GOAWAY_LIMIT = 5,    // more agents than I take
    GOAWAY_ROLE = 6,     // you may not do that
    GOAWAY_REVOKED = 7,  // your key is not let in any more
};

// `next` of WELCOME and ACK is the lowest seq that the collector has not made durable: an agent
// lets go of what is below. `limit` is the first one that may not be sent: credit, which only
// NAK_STORAGE takes back.

// One stream, as the agent sees it.
struct hello_stream {
    uint64_t stream;
    uint64_t base;       // lowest seq held that is not acknowledged
    uint64_t head;       // seq of the record to be made next
    uint64_t acked_here; // highest `next` that hello.collector has told of it; 0: none
};

// One stream, as the collector sees it.
struct welcome_stream {
    uint64_t stream;
    uint64_t next;
    uint32_t crc; // of record next - 1, as in its header; 0 where that is not known, or was a GAP
    uint64_t limit;
    uint64_t total; // samples below `next`, those of GAPs too; 0: not said
};

// Of HELLO. Unknown ones are passed over.
enum hello_flag {
    HELLO_IMPORT = 1 << 0, // an importer's: the host is one of the past (import_host.h)
};

struct hello {
    struct identity id;
    uint64_t nonce;     // made at each start of the agent
    uint32_t max_frame; // largest it sends
    uint64_t collector; // the one that acked_here is of, the last to welcome it; 0: none
    uint32_t n_streams;
    struct hello_stream streams[CONTROL_STREAMS_MAX]; // the live one last
    struct ledger ledger;
    uint8_t flags; // enum hello_flag
};

struct welcome {
    uint64_t collector; // its id, made with its data folder
    uint64_t epoch;     // new at each start of it
    int64_t now_ms;     // its clock
    uint32_t max_frame; // largest it takes
    uint32_t n_streams;
    struct welcome_stream streams[CONTROL_STREAMS_MAX];
};

// The four time stamps of RFC 5905 section 8: t1 agent sends, t2 collector receives, t3 it answers,
// t4 agent receives.
struct ping {
    uint64_t host;
    uint64_t nonce;
    uint64_t n;        // counts up
    int64_t t1_ms;     // agent's clock
    int64_t offset_ms; // collector's clock less the agent's, as last measured; 0 at first
    int64_t rtt_us;    // as last measured; -1 at first
    uint64_t head;     // next seq of the live stream
    struct ledger ledger;
};

struct pong {
    uint64_t n;
    int64_t t1_ms; // echoed
    int64_t t2_ms;
    int64_t t3_ms;
};

// Samples are of the whole stream, as this collector counts them: together with those of GAPs they
// are all below `next`.
struct ack {
    uint64_t stream;
    uint64_t next;
    uint64_t limit;
    uint64_t stored;
    uint64_t elsewhere; // another collector has them
    uint64_t refused; // accepted, and not stored: too old, in the future, past a limit, unreadable
    uint64_t total;   // samples below `next`, those of GAPs too; 0: not said
};

struct nak {
    uint8_t reason;  // enum nak_reason
    uint64_t stream; // 0 where it is about none
    uint64_t next;   // lowest seq wanted, which may be above what is durable
};

struct goaway {
    uint8_t reason;    // enum goaway_reason
    uint32_t delay_ms; // before the agent tries again
};

struct bye {
    uint64_t host;
    uint64_t nonce;
};

struct control_msg {
    uint8_t type; // enum control_type; ERR_UNKNOWN for others
    union {
        struct hello hello;
        struct welcome welcome;
        struct ping ping;
        struct pong pong;
        struct ack ack;
        struct nak nak;
        struct goaway goaway;
        struct bye bye;
    };
};

// The bytes used, or ERR_LIMIT.
ptrdiff_t control_put(void *out, size_t size, const struct control_msg *msg);
// 0, ERR_FORMAT, ERR_LIMIT, ERR_VERSION or ERR_UNKNOWN.
int control_take(struct control_msg *ret, const void *at, size_t n);
const char *control_type_str(uint8_t type);
const char *goaway_reason_str(uint8_t reason);
const char *nak_reason_str(uint8_t reason);

#endif
