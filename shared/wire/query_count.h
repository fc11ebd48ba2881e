// query_count - the item of a CARDINALITY reply: how many series a host, a label's name or a value
// of a label has.
//
// In:     fields; or bytes of a collector.
// Out:    bytes; or fields, checked.
// Source: shared/wire/FORMAT.md, "Query".

#ifndef SHARED_WIRE_QUERY_COUNT_H
#define SHARED_WIRE_QUERY_COUNT_H

#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/base/rbuf.h"

#define QUERY_COUNTS_MAX 100 // of each kind in one answer: those that have most

enum query_count_of {
    QUERY_COUNT_HOST = 1,
    QUERY_COUNT_NAME = 2,  // of a label
    QUERY_COUNT_VALUE = 3, // of the label that was asked for
};

// "Lately" is the last hour, or since the collector's start.
struct query_count {
    uint8_t of;           // enum query_count_of
    uint64_t host;        // HOST; else 0
    char *text;           // label's name, or value; NULL or empty for HOST; owned when taken
    uint64_t series;      // that have it
    uint64_t made;        // of these, lately; NAME: 0
    uint64_t values;      // NAME: different ones
    uint64_t values_made; // of these, lately
};
void query_count_release(struct query_count *count);

void query_put_count(struct buf *out, const struct query_count *count);
// 0, and *ret is the caller's to release; or ERR_FORMAT.
int query_take_count(struct rbuf *r, struct query_count *ret);

#endif
