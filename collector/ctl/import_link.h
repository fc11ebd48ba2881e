// import_link - an importer's two sockets: frames by PUSH, and what is said of them by DEALER.
//
// In:     instances, each with a stream of its own; what their import_streams make.
// Out:    HELLO for each instance, again each second: it says that we are here, and a collector
//         that has been started again answers by where it stands. Frames as far as there is credit.
// Of many instances IMPORT_ACTIVE_MOST at a time are spoken of: a collector has answers for each of
// them, and what does not fit its queue to us is lost. Who has nothing on its way makes room.
// A collector that goes is waited for, IMPORT_AWAY_MS; what it had not made durable is sent again.
// Thread: one owner.
// Source: shared/wire/FORMAT.md, "Import".

#ifndef COLLECTOR_CTL_IMPORT_LINK_H
#define COLLECTOR_CTL_IMPORT_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/ctl/import_stream.h"
#include "collector/ctl/import_window.h"
#include "shared/net/curve.h"

#define IMPORT_ACTIVE_MOST 32u
#define IMPORT_FIRST_MS    10000 // a collector that was never heard is not waited for any longer
#define IMPORT_AWAY_MS     60000 // one that was
#define IMPORT_TAKEN_MS    10000 // another importer's instance

typedef struct import_link import_link_t;

// One label `instance` of the file.
struct import_instance {
    char *name;
    uint64_t host;
    import_stream_t *stream;
    import_window_t *window;
    // The link's own.
    import_link_t *link;
    bool active;         // it is being spoken of
    bool welcomed;       // and the collector knows it
    uint64_t epoch;      // of the collector that said so last; 0: none did
    int64_t hello_ms;    // monotonic, when it is due
    int64_t said_ms;     // monotonic, when it was said last
    int64_t progress_ms; // monotonic: last ACK that moved base, or nothing was on its way
    uint64_t base;       // then
};

// 0; ERR_RANGE (no curve, and not on this machine), ERR_FORMAT (no endpoint), -errno. `curve`,
// which it borrows, is an operator's; NULL: plain. `signals`: as service has it, -1: none.
int import_link_open(import_link_t **ret, const char *collector, const struct curve *curve,
                     int signals);
// Says BYE for all instances.
void import_link_close(import_link_t **self_p);

// Ours, as long as the link is there. `stream` is the id of its stream.
struct import_instance *import_link_add(import_link_t *self, const char *name, uint64_t stream);
uint32_t import_link_count(const import_link_t *self);
struct import_instance *import_link_at(const import_link_t *self, uint32_t i);

// Does what is to be done, and where that is nothing waits for something, at most wait_ms. 0;
// -EINTR: a signal; -ETIMEDOUT: no collector is there, or none any more (import_link_was_heard);
// -EBUSY: another importer has one of the instances; -EAGAIN: the collector takes no more hosts;
// -EPERM: we may not import; ERR_VERSION; ERR_CLOSED: the collector has other records than ours
// under our streams; or -errno.
int import_link_pump(import_link_t *self, int wait_ms);
bool import_link_was_heard(const import_link_t *self);
uint64_t import_link_bytes(const import_link_t *self); // that are made and not acknowledged
bool import_link_done(const import_link_t *self);      // all ENDs are acknowledged

#endif
