// publisher - the live stream: every stored row to whoever watches its host.
//
// In:     rows as they are stored, hosts as they change, subscriptions from XPUB.
// Out:    two parts, topic and body, as shared/wire/live.h tells: TABLE, ROW, HOST, FILLED,
//         EVENT.
// Topics: a host has two, its applications' and its own; each has a table, a generation and a
//         pubseq.
// Table:  a topic's table is the set of series its rows had since the agent started; `generation`
//         counts its changes. It is sent at each subscription that covers the topic, when asked,
//         and before the first ROW of a new generation. What nobody watches is not encoded; rows
//         count on.
// Thread: the reactor's.
// Loss:   a subscriber that is some 16,000 messages behind misses what comes next, and sees it.
// Limits: subscriptions longer than SUBSCRIPTION_MAX, or beyond SUBSCRIPTIONS_MOST different ones,
//         are not served. Tables are sent a few a turn, so that one subscription to everything
//         can not hold up the rest.

#ifndef COLLECTOR_PUBLISHER_H
#define COLLECTOR_PUBLISHER_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/host_table.h"
#include "collector/store/store.h"
#include "shared/net/sock.h"
#include "shared/wire/frame.h"
#include "shared/wire/host_event.h"

typedef struct publisher publisher_t;

struct publisher_options {
    zsock_t *xpub; // borrowed, VERBOSER
    store_t *store;
    const host_table_t *hosts;
    uint64_t collector; // its id
    uint64_t epoch;
};

publisher_t *publisher_new(const struct publisher_options *options);
void publisher_destroy(publisher_t **self_p);

// Takes at most `budget` subscription messages; true if there may be more.
bool publisher_read(publisher_t *self, unsigned budget);
// Sends at most `budget` of the tables and hosts that are due; true if there are more.
bool publisher_flush(publisher_t *self, unsigned budget);

// Takes a row's series into the table of the host's topic of this kind: said of all rows of a frame
// before the first of them, so that one TABLE tells of all that are new.
void publisher_series(publisher_t *self, char kind, const struct store_row *row);
// A row that is stored, with its number, for the host's topic of this kind: LIVE_HOST_ROWS or
// LIVE_APP_ROWS. Each number once.
void publisher_row(publisher_t *self, char kind, const struct store_row *row, uint64_t number);
// Whether somebody watches the host's topic of this kind.
bool publisher_watches(publisher_t *self, char kind, uint64_t host);
// In place of publisher_row where nobody does: so many rows, the last of them with this number.
void publisher_pass(publisher_t *self, char kind, uint64_t host, uint32_t rows, uint64_t number);
// A host as it is now.
void publisher_host(publisher_t *self, const struct host_info *info);
// Times of the host that came late are stored, as a whole: told now, and for a minute to everybody
// whenever somebody joins e/.
void publisher_filled(publisher_t *self, const struct live_filled *filled, int64_t now_ms);
// Something happened on a host: whose and when, and the EVENT that tells it.
void publisher_event(publisher_t *self, const struct host_event *of, const struct record *record);
// The host's agent starts anew: its sets of series are empty again.
void publisher_reset(publisher_t *self, uint64_t host);
// The tables of both of the host's topics, also where nothing was published on one yet.
void publisher_ask_table(publisher_t *self, uint64_t host);
void publisher_forget(publisher_t *self, uint64_t host);

#endif
