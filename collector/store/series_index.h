// series_index - which series there are: by id, by host and labels, by host, by metric.
//
// Ids rise and are never used twice, so an id that was given up can not come to mean another
// series. Thread: one owner, or under the owner's lock. What a series' labels are never changes;
// they are
//         counted, and outlive the series where a reader holds them.

#ifndef COLLECTOR_STORE_SERIES_INDEX_H
#define COLLECTOR_STORE_SERIES_INDEX_H

#include <stdatomic.h>
#include <stdint.h>

#include "collector/store/head_ring.h"
#include "collector/store/store.h"
#include "shared/model/label.h"
#include "shared/model/metric.h"

struct head_labels {
    atomic_uint holders;
    uint64_t host;
    enum metric_kind kind;
    struct label_set set;
};

struct head_series {
    series_id id;               // given by series_index_add
    unsigned step;              // of its ring
    struct head_labels *labels; // one hold is ours
    struct head_ring ring;
    int64_t written_ms;          // monotonic, of the newest write
    struct head_series *older;   // in the list of its step, by written_ms
    struct head_series *newer;   // likewise
    struct head_series *chained; // next of the same bucket
};

// What one series costs in the index, in bytes, besides itself.
#define SERIES_INDEX_COST 48u

// Copies the labels; one hold.
struct head_labels *head_labels_new(uint64_t host, const struct label_set *set,
                                    enum metric_kind kind);
struct head_labels *head_labels_hold(struct head_labels *labels);
void head_labels_drop(struct head_labels *labels);
size_t head_labels_bytes(const struct head_labels *labels);

typedef struct series_index series_index_t;

series_index_t *series_index_new(void);
// The series themselves are the caller's.
void series_index_destroy(series_index_t **self_p);

// The series, or NULL.
struct head_series *series_index_find(const series_index_t *self, uint64_t host,
                                      const struct label_set *set);
struct head_series *series_index_get(const series_index_t *self, series_id id);
// Gives the id. 0, or ERR_LIMIT once all ids were used.
int series_index_add(series_index_t *self, struct head_series *series);
void series_index_remove(series_index_t *self, const struct head_series *series);

// Where to look.
struct series_source {
    enum { SERIES_ALL, SERIES_OF_HOST, SERIES_OF_METRIC } by;
    uint64_t host;      // for SERIES_OF_HOST
    const char *metric; // for SERIES_OF_METRIC; the caller's
};

// At most `most` series of the source whose id is above `after`, ids rising; their number.
uint32_t series_index_collect(const series_index_t *self, const struct series_source *source,
                              series_id after, struct head_series **out, uint32_t most);

#endif
