// cardinality - where a store's series come from, the most first: the items of an answer.
//
// Thread: any, as the store says.
// Limits: QUERY_COUNTS_MAX of each kind.

#ifndef COLLECTOR_CARDINALITY_H
#define COLLECTOR_CARDINALITY_H

#include <stddef.h>
#include <stdint.h>

#include "collector/store/store.h"
#include "shared/base/buf.h"
#include "shared/wire/query_msg.h"

// One list: those that have most series (names: most values), the most first, at most `most`
// (1 to QUERY_COUNTS_MAX). Texts are copies.
struct cardinality {
    struct store_count *at;
    size_t n;
    size_t most;
    enum store_count_of of;
};
// 0, or ERR_UNKNOWN: the store does not count. To be released in either case.
int cardinality_take(struct cardinality *ret, store_t *store, enum store_count_of of,
                     const char *label, size_t most);
void cardinality_release(struct cardinality *self);

// Hosts, names, and values of the label that the question has as its selector, else of __name__:
// items as query_put_count has them; *n_ret of them. 0, or ERR_UNKNOWN.
int cardinality_put(struct buf *out, uint32_t *n_ret, store_t *store,
                    const struct query_request *question);

#endif
