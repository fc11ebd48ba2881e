// label_index - which series there are: labels to id, id to labels, matchers to ids.
//
// Ids rise from 1 and are never used twice. What a series is never changes, and it is never taken
// out while the store is open.
// In:     a host, its series' labels; selectors.
// Out:    ids; for a selection those that match, rising, by posting lists: for each label and value
//         the series that have it.
// Limits: `most_bytes` over all of it; then a new series is refused, and what is there goes on.
//         What is restored is not refused.
// Thread: one adds; any number look, beside it. A look holds up adding while it copies a list of
//         ids, never for a regular expression.
// Cost:   a series of 6 labels takes about 110 bytes and its own text; finding 0.2 us; adding 1 us.

#ifndef COLLECTOR_STORE_LABEL_INDEX_H
#define COLLECTOR_STORE_LABEL_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/store/store.h"

typedef struct label_index label_index_t;

label_index_t *label_index_new(uint64_t most_bytes);
void label_index_destroy(label_index_t **self_p);

// The series of these labels and host, made if it is new. 0 and *ret; ERR_LIMIT: no room, or all
// ids were used.
int label_index_add(label_index_t *self, uint64_t host, const struct label_set *labels,
                    enum metric_kind kind, series_id *ret);
// Its id if it is there, else 0. For who adds.
series_id label_index_find(const label_index_t *self, uint64_t host,
                           const struct label_set *labels);
// The same as label_index_add with an id that is known from before, whatever room there is: tiles
// on the disk have its samples. Ids rise from call to call. 0, or ERR_RANGE for an id that does not
// rise, and for a series that is there.
int label_index_restore(label_index_t *self, series_id id, uint64_t host,
                        const struct label_set *labels, enum metric_kind kind);

// What a series is; `labels` is a copy, for label_set_release.
struct label_series {
    uint64_t host;
    enum metric_kind kind;
    struct label_set labels;
};
// 0, or ERR_UNKNOWN.
int label_index_get(label_index_t *self, series_id id, struct label_series *ret);
// Whose it is; of an id that label_index_select or label_index_add gave.
uint64_t label_index_host(const label_index_t *self, series_id id);

// Ids of the series that the host (0: any) has and that one of the matchers (none: all) matches,
// rising: into *ret, the caller's to free. Their number.
uint32_t label_index_select(label_index_t *self, uint64_t host, matchers_t *const *matchers,
                            uint32_t n_matchers, series_id **ret);

struct label_index_stat {
    uint32_t series;
    uint32_t pairs; // different labels with their values
    uint64_t bytes;
    series_id newest;     // id; 0: none
    series_id restored;   // likewise, of those that label_index_restore made
    uint32_t series_made; // lately, as label_index_count has it
    uint32_t pairs_made;
};
struct label_index_stat label_index_stat(label_index_t *self);

// Remembers what there is now, by a clock that never goes back. About once a second; by any thread.
void label_index_note(label_index_t *self, int64_t now_ms);
// Where series come from, as store_count. Series that were restored were not made lately.
void label_index_count(label_index_t *self, enum store_count_of what, const char *label,
                       store_count_fn *fn, void *arg);

#endif
