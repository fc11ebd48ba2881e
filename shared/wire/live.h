// live - what the collector publishes (XPUB): two parts, topic and body.
//
// Topics: "m/<host id>" host series, "a/<host id>" applications (16 hex digits), "e/" hosts and
//         their states, and what happened on them.
// In:     fields; or bytes of a collector.
// Out:    bytes; or fields. Everything borrowed points into the message.
// Order:  what a host sent of one time goes out applications first. Each topic counts its own rows
//         (pubseq); a row's number is the store's, over all topics of its host.
// Loss:   a subscriber that is slow misses messages: a hole in pubseq, or an unknown generation;
//         it then asks the query socket for the window.
// Source: shared/wire/FORMAT.md, "Live".

#ifndef SHARED_WIRE_LIVE_H
#define SHARED_WIRE_LIVE_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/model/label.h"
#include "shared/model/metric.h"
#include "shared/wire/host_event.h"

#define LIVE_TOPIC_SIZE    19 // "m/" + 16 digits + NUL
#define LIVE_VERSION_MAJOR 1
#define LIVE_VERSION_MINOR 0
#define LIVE_MAX           (16u * 1024u * 1024u)
#define LIVE_EVENTS_TOPIC  "e/"

// First letter of a topic.
#define LIVE_HOST_ROWS 'm' // all series of a host but those of its applications
#define LIVE_APP_ROWS  'a' // series with job="app"

enum live_type {
    LIVE_TABLE = 1,  // the topic's series: at each subscription and whenever they change
    LIVE_ROW = 2,    // values of one time
    LIVE_HOST = 3,   // topic e/: a host and its state
    LIVE_FILLED = 4, // topic e/: times of a host that came late are stored now, as a whole
    LIVE_EVENT = 5,  // topic e/: something happened on a host
};

enum host_state {
    HOST_UP = 1,      // PINGs come
    HOST_LATE = 2,    // two missed
    HOST_STOPPED = 3, // said BYE
    HOST_SILENT = 4,  // nothing for 3 s, cause not known
};
#define HOST_STATE_MAX HOST_SILENT
// "up", "late", "stopped", "silent".
const char *host_state_str(uint8_t state);

// Begins every body.
struct live_header {
    uint8_t type;       // enum live_type
    uint64_t collector; // its id
    uint64_t epoch;     // new at each start of it
    // Of this topic: LIVE_ROW counts up by one from 1; the others carry the last one.
    uint64_t pubseq;
    // The row in the store: rises over all topics of the host, and what a SELECT calls `upto`.
    // TABLE carries that of the topic's last ROW; HOST, FILLED and EVENT 0.
    uint64_t number;
    int64_t time_ms;     // of the samples, or of the event
    uint32_t generation; // of the topic's table: a ROW is read with the TABLE of that generation
};

struct live_series {
    uint32_t id; // the collector's, good for one epoch
    enum metric_kind kind;
    struct label_set labels; // with `instance`
};

// A host as lists and events tell it. Text is NUL-terminated UTF-8.
struct host_info {
    uint64_t host;
    char *name;    // owned: host_info_release
    char *version; // of the agent; owned
    uint8_t state; // enum host_state
    uint32_t interval_ms;
    int64_t since_ms;  // when the state began
    int64_t first_ms;  // first HELLO in this epoch, or the oldest time of a backlog since
    int64_t last_ms;   // stamp of the newest sample, 0 if none
    int64_t offset_ms; // collector's clock less the agent's
    int64_t rtt_us;    // -1 if not measured
    uint64_t dropped;  // samples the agent lost since its start
    uint64_t missed;   // ticks it never took since its start
    uint8_t boot_id[16];
};
void host_info_release(struct host_info *info);
void host_info_copy(struct host_info *info, const struct host_info *from);
// The order of lists of hosts: by name, then id. For qsort over struct host_info.
int host_info_compare(const void *a, const void *b);

// What came late: from the oldest to the newest record of it, both inclusive.
struct live_filled {
    uint64_t host;
    int64_t from_ms;
    int64_t to_ms;
};

void live_topic(char out[LIVE_TOPIC_SIZE], char kind, uint64_t host); // kind as above
// 0 and the host, or ERR_FORMAT.
int live_topic_take(uint64_t *host_ret, char *kind_ret, const void *topic, size_t n);

// Bodies are appended to a buf.
void live_put_table(struct buf *out, const struct live_header *h, const struct live_series *series,
                    uint32_t n);
// ids rising; values beside them.
void live_put_row(struct buf *out, const struct live_header *h, const uint32_t *ids,
                  const double *values, uint32_t n);
void live_put_host(struct buf *out, const struct live_header *h, const struct host_info *info);
void live_put_filled(struct buf *out, const struct live_header *h,
                     const struct live_filled *filled);
// As host_event_put_item.
void live_put_event(struct buf *out, const struct live_header *h, const struct host_event *of,
                    const void *body, size_t n);

// The header; r then stands before what follows it.
// 0, ERR_FORMAT or ERR_VERSION.
int live_take(struct live_header *h, struct rbuf *r, const void *at, size_t n);
// After LIVE_TABLE: *ret is an array of *n_ret, the caller's: live_series_free.
int live_take_table(struct rbuf *r, struct live_series **ret, uint32_t *n_ret);
void live_series_free(struct live_series *series, uint32_t n);
// After LIVE_ROW: replaces what is in *row; its memory is kept from row to row. Zero is empty.
struct live_row {
    uint32_t n;    // 0 where the row was malformed
    uint32_t size; // allocated
    uint32_t *ids; // rising
    double *values;
};
int live_take_row(struct rbuf *r, struct live_row *row);
void live_row_release(struct live_row *row);
int live_take_host(struct rbuf *r, struct host_info *info); // caller releases
int live_take_filled(struct rbuf *r, struct live_filled *ret);
int live_take_event(struct rbuf *r, struct host_event *ret); // caller releases

// The same encoding of a host, for the query socket.
void host_info_put(struct buf *out, const struct host_info *info);
int host_info_take(struct rbuf *r, struct host_info *info);

#endif
