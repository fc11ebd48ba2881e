// host_table - which hosts there are, and whether they live.
//
// In:     what agents say on the control socket, with the time of it.
// Out:    verdicts on HELLOs, and each change of a host's state by a callback.
// States: (HELLO) up -> late after two missed pings -> silent after 3 s -> up at the next PING;
//         BYE: stopped, until the next HELLO. Living is: not stopped, and heard within 3 s.
//         An instance of imported samples (import_host.h) is a host as well, so that it is listed:
//         always stopped, its name free for an agent's host, beside which it is not listed.
// Limits: `most` hosts; a new one takes the place of the one that has been gone longest, and is
//         refused while all live.
// Thread: one owner. Pure: time is a parameter.

#ifndef COLLECTOR_HOST_TABLE_H
#define COLLECTOR_HOST_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/wire/control.h"
#include "shared/wire/live.h"

#define HOST_LATE_MS   2250 // two pings a second apart, and some slack
#define HOST_SILENT_MS 3000
#define ROUTE_MAX      255 // bytes of a ROUTER's routing id

// Where a peer of a ROUTER is.
struct route {
    uint8_t len; // 0: nowhere
    uint8_t at[ROUTE_MAX];
};
bool route_equal(const struct route *a, const struct route *b);

struct host {
    struct host_info info;
    uint64_t nonce;     // of its agent's newest start
    struct route route; // of its newest HELLO
    int64_t heard_ms;   // monotonic, of its newest HELLO or PING
    int64_t hello_ms;   // monotonic, of its newest HELLO
    bool imported;      // an importer said that HELLO
    bool importing;     // it has not been noticed yet that the importer ended or fell silent
};

typedef struct host_table host_table_t;

struct host_events {
    void *arg;
    void (*changed)(void *arg, const struct host *host);   // its state, or what a HELLO said
    void (*forgotten)(void *arg, const struct host *host); // about to be freed
    // Its importer ended or fell silent. False: ask again at the next tick. NULL: not told.
    bool (*imported)(void *arg, const struct host *host);
};

// The two clocks of one moment.
struct host_time {
    int64_t mono_ms;
    int64_t real_ms;
};

host_table_t *host_table_new(size_t most, const struct host_events *events);
void host_table_destroy(host_table_t **self_p); // without events

// 0 and the host, which now lives; or a goaway_reason: NAME or CLONE, and the host that is in the
// way, or LIMIT, and NULL.
int host_table_hello(host_table_t *self, const struct hello *hello, const struct route *route,
                     struct host_time now, const struct host **ret);
// Likewise for a HELLO of an importer: CLONE where another one is importing the same instance, or
// an agent has this id; or LIMIT.
int host_table_import(host_table_t *self, const struct hello *hello, const struct route *route,
                      struct host_time now, const struct host **ret);
// One that was known before a start and last heard at this time of the clock: silent since then, or
// stopped if it was imported. Nothing where the table is full, or has it.
void host_table_recall(host_table_t *self, uint64_t host, const char *name, bool imported,
                       int64_t heard_ms, struct host_time now);
// The host, or NULL: nobody known by this host id, nonce and route, so it shall say HELLO.
const struct host *host_table_ping(host_table_t *self, const struct ping *ping,
                                   const struct route *route, struct host_time now);
// Nothing for a host or nonce that is not known.
void host_table_bye(host_table_t *self, const struct bye *bye, struct host_time now);
// The connection of its newest HELLO has ended without a BYE: silent, and another may take its
// place.
void host_table_lost(host_table_t *self, uint64_t host, struct host_time now);
// States by the time that has passed. Cost: every host.
void host_table_tick(host_table_t *self, struct host_time now);
// A sample of the host with this stamp is stored.
void host_table_sample(host_table_t *self, uint64_t host, int64_t time_ms);
// Samples of the host that came late are stored, from this time on: it has been there since then.
void host_table_filled(host_table_t *self, uint64_t host, int64_t from_ms);

// Whether it stands in lists of hosts: an imported one does while no agent's host has its name.
bool host_table_is_listed(const host_table_t *self, const struct host *host);
// NULL if it is not known.
const struct host *host_table_find(const host_table_t *self, uint64_t host);
size_t host_table_count(const host_table_t *self);
// Hosts in this state.
size_t host_table_in_state(const host_table_t *self, uint8_t state);
// All, in no order: start with *at = 0; NULL at the end. No change between calls.
const struct host *host_table_next(const host_table_t *self, size_t *at);

#endif
