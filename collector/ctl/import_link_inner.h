// import_link_inner - what the link's two halves share: its sockets and frames, and what is said.

#ifndef COLLECTOR_CTL_IMPORT_LINK_INNER_H
#define COLLECTOR_CTL_IMPORT_LINK_INNER_H

#include "collector/ctl/import_link.h"
#include "shared/base/map.h"
#include "shared/net/sock.h"
#include "shared/wire/body.h"

#define IMPORT_ENDPOINT_SIZE 1024

struct import_link {
    char data_endpoint[IMPORT_ENDPOINT_SIZE];
    char control_endpoint[IMPORT_ENDPOINT_SIZE];
    const struct curve *curve; // NULL: plain
    zsock_t *data;             // PUSH
    zsock_t *control;          // DEALER
    int signals;
    uint64_t nonce;
    struct import_instance **instances;
    uint32_t n;
    uint32_t size;    // allocated
    map_t *streams;   // id -> instance
    uint32_t turn;    // which may send first
    uint32_t active;  // how many are
    bool full;        // the data socket did not take a frame
    bool heard;       // ever
    int64_t heard_ms; // monotonic: anything of the collector, or the beginning
    int64_t renew_ms; // monotonic: when the sockets were made, or it was heard
    int64_t away_ms;  // monotonic: not before then are HELLOs said
    int64_t taken_ms; // monotonic: since when another importer is in the way; 0: it is not
    int rc;           // what ends it
};

// Ends it, with the first of what does.
void import_link_fail(import_link_t *self, int rc);
struct identity import_link_identity(const struct import_instance *is);

// Takes what the collector has said.
void import_talk_listen(import_link_t *self, int64_t now_ms);
// Chooses of whom it is spoken, and says what is due.
void import_talk_say(import_link_t *self, int64_t now_ms);
void import_talk_bye(const import_link_t *self, struct import_instance *is);

#endif
