// feed_host - one host's part of the feed: from rows to events.
//
// In:     TABLEs and ROWs of its topics.
// Out:    events as bytes: "data: {...}" and an empty line, one a sample of an application.
// Thread: one owner. Pure.

#ifndef DASHBOARD_FEED_HOST_H
#define DASHBOARD_FEED_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/wire/live.h"

struct feed_host;

struct feed_host *feed_host_new(uint64_t host);
void feed_host_destroy(struct feed_host **self_p);

// Reads what follows the header of a TABLE of this kind of topic. A malformed one is left alone.
void feed_host_table(struct feed_host *self, char kind, const struct live_header *h, struct rbuf *r,
                     int64_t interval_ms);
// Appends the row's events. False if its table is not known.
bool feed_host_row(struct feed_host *self, char kind, const struct live_header *h,
                   const struct live_row *cells, struct buf *out);
// A table is not to be asked for with each row that lacks it.
bool feed_host_may_ask(struct feed_host *self, int64_t now_ms);

#endif
