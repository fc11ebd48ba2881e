// body - what stands inside a record: identity, definitions, values, gaps.
//
// In:     fields; or the body of a record from a stranger.
// Out:    bytes; or fields, checked. Nothing here trusts a count before it is compared with the
//         bytes left.
// Source: shared/wire/FORMAT.md.

#ifndef SHARED_WIRE_BODY_H
#define SHARED_WIRE_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/model/label.h"
#include "shared/model/metric.h"

#define BODY_SLOTS_MAX   (1u << 20)      // slots of one stream, used ever
#define BODY_NAME_MAX    LABEL_VALUE_MAX // of a host, bytes of UTF-8
#define BODY_VERSION_MAX 64

// IDENT and the first half of HELLO. Text is borrowed when taken, and not terminated: use the
// lengths.
struct identity {
    uint64_t host;    // made with the agent's data folder, never 0
    const char *name; // what people call the host
    size_t name_len;
    uint8_t boot_id[16]; // /proc/sys/kernel/random/boot_id; zeros where there is none
    const char *version; // of the agent
    size_t version_len;
    uint32_t interval_ms; // of its fastest family
};

// `put` functions append to a wbuf; ask wbuf_finish. `take` functions fail r, as rbuf does.
void identity_put(struct wbuf *w, const struct identity *id);
int identity_take(struct rbuf *r, struct identity *id);

// A definition: what a slot of the stream is.
struct slot_def {
    uint32_t slot;
    enum metric_kind kind;
    struct metric_form form;
    struct label_set labels; // with __name__; with `instance` in streams flagged IMPORT alone
};

void slot_def_put(struct wbuf *w, const struct slot_def *def);
// def->labels is the caller's to release on success.
int slot_def_take(struct rbuf *r, struct slot_def *def);

// GAP: records seq to `to` (inclusive) will never come. The record's own seq is the first of them.
// Its cause is 1 more than enum lost_cause.
enum gap_cause {
    GAP_QUEUE_FULL = 1, // the memory queue was full
    GAP_SPOOL_BYTES = 2,
    GAP_SPOOL_AGE = 3,
    GAP_DISK_FULL = 4,
    GAP_POWER_CUT = 5,
    GAP_COLLECTOR_LOST = 6,
    GAP_DAMAGE = 7,
};
struct gap {
    uint64_t to;      // last seq of it
    uint64_t samples; // that were in it
    uint8_t cause;    // enum gap_cause
};
void gap_put(struct wbuf *w, const struct gap *gap);
int gap_take(struct rbuf *r, struct gap *gap);

#endif
