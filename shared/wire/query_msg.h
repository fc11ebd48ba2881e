// query_msg - questions to the collector and their answers: DEALER to ROUTER, one part a message.
//
// In:     fields; or bytes of a stranger, at most QUERY_REQUEST_MAX (requests), QUERY_REPLY_MAX
//         (each reply).
// Out:    bytes; or fields, checked. Text points into the message.
// Order:  a request has one or more replies with its id; all but the last carry QUERY_MORE. Replies
//         of one request are in order; those of different requests may mix.
// Source: shared/wire/FORMAT.md, "Query".

#ifndef SHARED_WIRE_QUERY_MSG_H
#define SHARED_WIRE_QUERY_MSG_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/model/label.h"
#include "shared/model/metric.h"
#include "shared/model/sample.h"
#include "shared/wire/live.h"

#define QUERY_VERSION_MAJOR 1
#define QUERY_VERSION_MINOR 0
#define QUERY_REQUEST_MAX   (64u * 1024u)
#define QUERY_REPLY_MAX     (16u * 1024u * 1024u)
#define QUERY_SELECTORS_MAX 32
#define QUERY_TEXT_MAX      4096     // bytes of a reply's text; longer is cut when put
#define QUERY_SAMPLES_MAX   4000000u // of one answer
#define QUERY_SERIES_MAX    100000u  // of one answer

enum query_type {
    QUERY_HOSTS = 1,  // every host the collector knows
    QUERY_SERIES = 2, // labels of the series that match and may have had samples since start
    QUERY_SELECT = 3, // raw samples of the series that match, from start to end, both inclusive
    QUERY_LAST = 4,   // newest sample of each series that matches, not older than start; in memory
    QUERY_TABLE = 5,  // please publish the table of topic m/<host> again
    QUERY_LEDGER = 6, // what became of all that a host made, or every host
    QUERY_EVENTS = 7, // what happened on a host, or on every host, from start to end, inclusive
    QUERY_STATUS = 8, // numbers of the collector and its store
    QUERY_CARDINALITY = 9, // where series come from; the selector is the name of a label, or none
    QUERY_AWAY = 10,       // which agents were sent away lately, and why
};

// A series matches if any of the selectors does. For SELECT and LAST of one host set `host`; 0
// means all.
struct query_request {
    uint8_t type; // enum query_type
    uint64_t id;  // the asker's; comes back
    uint64_t host;
    int64_t start_ms;
    int64_t end_ms;
    uint32_t n_selectors;
    const char
        *selectors[QUERY_SELECTORS_MAX]; // put: NUL-terminated; take: borrowed, see the lengths
    size_t selector_len[QUERY_SELECTORS_MAX];
};

enum query_status {
    QUERY_OK = 0,
    QUERY_BAD = 1,       // the request is wrong; text says why
    QUERY_TOO_LARGE = 2, // more series or samples than a limit; text names it
    QUERY_UNKNOWN = 3,   // no such host
    QUERY_BUSY = 4,      // too many questions wait; try again
};

#define QUERY_MORE 1 // flag: further replies follow

struct query_reply {
    uint8_t type;   // of the request
    uint8_t flags;  // QUERY_MORE
    uint8_t status; // enum query_status
    uint64_t id;
    uint64_t collector;
    uint64_t epoch;
    int64_t now_ms; // collector's clock
    // SELECT with a host: number of its newest row that is included. SERIES: no sample that the
    // collector has is older, in ms since the epoch; 0: not known.
    uint64_t upto;
    // One sentence: why not, or with OK, in the last reply, what the answer lacks. Put:
    // NUL-terminated or NULL.
    const char *text;
    size_t text_len;
    uint32_t n; // items that follow: hosts, ledgers, events, numbers, counts or series
};

// One series of a SERIES, SELECT or LAST reply.
struct query_series {
    uint32_t id;
    enum metric_kind kind;
    uint64_t host; // whose it is
    struct label_set labels;
    uint32_t n;             // samples, times rising; 0 for SERIES
    struct sample *samples; // owned when taken: query_series_release
};
void query_series_release(struct query_series *s);

// The bytes used, or ERR_LIMIT.
ptrdiff_t query_put_request(void *out, size_t size, const struct query_request *q);
// 0, ERR_FORMAT, ERR_LIMIT, ERR_VERSION; or ERR_UNKNOWN for another type: then type and id hold.
int query_take_request(struct query_request *ret, const void *at, size_t n);

// A reply is its header, then n items by host_info_put, query_put_ledger, host_event_put_item,
// query_put_numbers, query_put_count, query_put_away or query_put_series.
// Give n and flags as they are known at the start, or set them at the end by query_patch_reply.
void query_put_reply(struct buf *out, const struct query_reply *reply);
void query_patch_reply(struct buf *out, size_t at, uint32_t n,
                       uint8_t flags); // `at`: where the reply begins
void query_put_series(struct buf *out, const struct query_series *s);
// The header; r then stands before the items: host_info_take, query_take_ledger,
// host_event_take_item, query_take_number, query_take_count, query_take_away or
// query_take_series, n times. 0, ERR_FORMAT, ERR_LIMIT or ERR_VERSION; of an item 0 or ERR_FORMAT.
int query_take_reply(struct query_reply *ret, struct rbuf *r, const void *at, size_t n);
int query_take_series(struct rbuf *r, struct query_series *s);

#endif
