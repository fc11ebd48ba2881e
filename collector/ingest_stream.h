// ingest_stream - the streams that agents have named in their HELLOs, and how far each was staged.
//
// Thread: one owner. Pure.
// Limits: CONTROL_STREAMS_MAX of a host, since a HELLO names no more.

#ifndef COLLECTOR_INGEST_STREAM_H
#define COLLECTOR_INGEST_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/applier.h"
#include "collector/host_table.h"
#include "collector/lane_table.h"
#include "shared/wire/control.h"
#include "shared/wire/frame.h"

struct ingest;
struct stream;

// One host's end of the wire.
struct source {
    uint64_t host;
    char *name;             // as its HELLO has it
    bool said;              // the journal has been told the name
    bool imported;          // its frames are flagged IMPORT, and nobody else's are
    struct agent_rate rate; // of its samples
    uint32_t n_streams;
    struct stream *streams[CONTROL_STREAMS_MAX];
};

struct stream {
    struct ingest *ingest;
    struct source *source;
    struct lane_entry *lane; // ingest_stream_lane has it; NULL: to be looked for
    uint64_t id;
    uint64_t next;   // lowest seq that is not staged
    uint64_t chain;  // behind the record that was given to the applier last, repeats too
    uint64_t tabled; // seq of the repeated TABLE that was kept last; UINT64_MAX: none
    uint64_t limit;  // first seq that may not be sent, as last told
    uint32_t size;   // of its large records, in bytes; 0: none was seen
    bool ended;      // END is staged
    bool refused;    // its IDENT names another host
    bool due;        // an ACK is
    bool told;       // what of it was refused is to be journaled
    bool decided;    // likewise, what was decided of its slots
    int64_t key_ms;  // monotonic, of the last NAK for KEY; 0: never
    int64_t next_ms; // likewise, for NEXT
};

typedef struct ingest_streams ingest_streams_t;

ingest_streams_t *ingest_streams_new(struct ingest *ingest);
void ingest_streams_destroy(ingest_streams_t **self_p);

// The streams that the host's agent holds now, in place of those before; new ones begin where
// `lanes` has them.
void ingest_streams_hello(ingest_streams_t *self, const struct host *host,
                          const struct hello_stream *streams, uint32_t n,
                          const lane_table_t *lanes);
void ingest_streams_forget(ingest_streams_t *self, uint64_t host);
// Tells the applier what the host's HELLO said; or of all hosts that still are in `hosts`.
void ingest_streams_tell_one(const ingest_streams_t *self, applier_t *applier,
                             const struct host *host);
void ingest_streams_tell(const ingest_streams_t *self, applier_t *applier,
                         const host_table_t *hosts);

struct stream *ingest_streams_find(const ingest_streams_t *self, uint64_t id);
struct source *ingest_streams_source(const ingest_streams_t *self, uint64_t host);
size_t ingest_streams_count(const ingest_streams_t *self);
// All, in no order: start with *at = 0; NULL at the end.
struct stream *ingest_streams_next(const ingest_streams_t *self, size_t *at);

// Two lists of streams, each named once: those to be acknowledged, and those of which something
// was refused. The next one is taken off its list; NULL at the end.
void ingest_streams_due(ingest_streams_t *self, struct stream *stream);
struct stream *ingest_streams_next_due(ingest_streams_t *self);
void ingest_streams_refused(ingest_streams_t *self, struct stream *stream);
struct stream *ingest_streams_next_refused(ingest_streams_t *self);

// Whether its sender may send this record: it is of the sender's own host, and of an import where
// that is what its HELLO said.
bool ingest_stream_fits(const struct stream *stream, const struct frame_prefix *prefix,
                        const struct record *record);
// What of it is committed, or NULL if nothing is. `lanes` is always the same table; streams are
// told when it has forgotten some.
struct lane_entry *ingest_stream_lane(struct stream *stream, const lane_table_t *lanes);
void ingest_streams_forgotten(ingest_streams_t *self);
// A record of this length was staged.
void ingest_stream_sized(struct stream *stream, size_t bytes);
// The limit to tell, where `next` is durable and `bytes` more may come, in records of the size that
// the stream makes. With 0 it stays; it never goes back.
uint64_t ingest_stream_credit(struct stream *stream, uint64_t next, uint64_t bytes);

#endif
