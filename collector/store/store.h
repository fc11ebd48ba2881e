// store - where samples stand, whatever keeps them.
//
// An interface: append, select, tail, labels, stat. The embedded store and a remote one stand
// behind it, and the query side sees nothing else.
// In:     rows: one host, one time, values of series that were made before.
// Out:    series with their labels and samples, times rising, one sample a time.
// Thread: one thread appends; any number read, each with a cursor of its own. Readers never block
//         the appender for longer than the copy of one series.
// Loss:   what a store gives up it counts in store_stat.
// Equal series and time: the first value stands; another one is counted as a conflict.

#ifndef COLLECTOR_STORE_STORE_H
#define COLLECTOR_STORE_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/err.h"
#include "shared/model/label.h"
#include "shared/model/matcher.h"
#include "shared/model/metric.h"
#include "shared/model/sample.h"

typedef uint32_t series_id; // of the store, never 0, good while it is open

typedef struct store store_t;
typedef struct store_cursor store_cursor_t;

struct store_row {
    uint64_t host;
    int64_t time_ms;
    uint32_t n;
    const series_id *series; // rising
    const double *values;    // beside them; a stale mark ends a series
};

// What a read asks for.
struct store_select {
    uint64_t host;               // 0: all
    int64_t start_ms;            // inclusive
    int64_t end_ms;              // inclusive
    matchers_t *const *matchers; // a series matches if any does; none: every series. They stay
                                 // until the cursor is closed
    uint32_t n_matchers;
    bool newest_only; // tail: at most one sample a series, the newest within the window
    bool labels_only; // labels: no samples; also of series that have none within the window
    // For what may have to read a disk. Who reads memory alone does not look at them.
    int64_t until_ms;        // monotonic, when to give it up; 0: never
    const atomic_bool *stop; // once true it is given up too; NULL: none
};

// One series of an answer; borrowed until the next store_next.
struct store_series {
    series_id id; // 0: it is on the disk alone
    enum metric_kind kind;
    uint64_t host;
    const struct label_set *labels;
    const struct sample *samples; // times rising
    uint32_t n;
};

struct store_stat {
    uint64_t series;          // held now
    uint64_t series_made;     // ever
    uint64_t samples;         // held now
    uint64_t appended;        // samples ever
    uint64_t samples_evicted; // given up for want of room
    uint64_t conflicts;       // same series and time, another value: each once, when it is sealed
    uint64_t bytes;           // held now
    uint64_t series_lately;   // made within STORE_LATELY_MS
    uint64_t pairs;           // different labels with their values
    uint64_t pairs_lately;    // likewise
    uint64_t index_bytes;     // of `bytes`, those of labels
    uint64_t index_bytes_most;
    // Of a store with files, since it was opened; 0 in others.
    uint64_t written;         // tiles
    uint64_t written_samples; // in them
    uint64_t written_bytes;   // of them
    int64_t written_ms;       // newest time in them; 0: none was written
    uint64_t unwritten;       // bytes of sealed tiles that are in no file yet
    bool no_room;             // the disk had none at the last try
    int64_t commit_ms;        // when the last write ended, since the epoch
    int64_t commit_us;        // how long it took
    int64_t checkpoint_ms;    // likewise, of the last time that a log was written back
    int64_t checkpoint_us;
};

// Where series come from: a line of one of the lists below. "Lately" is within STORE_LATELY_MS, or
// since the start; what was known before the start is not of it.
#define STORE_LATELY_MS (60 * 60 * 1000)
enum store_count_of {
    STORE_COUNT_HOSTS,  // each host
    STORE_COUNT_NAMES,  // each label's name
    STORE_COUNT_VALUES, // each value of one label
};
struct store_count {
    uint64_t host;        // HOSTS; else 0
    const char *text;     // name or value; borrowed for the call; NULL for HOSTS
    uint32_t series;      // that have it
    uint32_t made;        // of these, lately; NAMES: 0
    uint32_t values;      // NAMES: different ones; else 0
    uint32_t values_made; // of these, lately
};
typedef void store_count_fn(void *arg, const struct store_count *count);

struct store_ops {
    int (*series)(store_t *self, uint64_t host, const struct label_set *labels,
                  enum metric_kind kind, series_id *ret);
    series_id (*find)(store_t *self, uint64_t host, const struct label_set *labels); // NULL: no
    uint64_t (*append)(store_t *self, const struct store_row *row);
    uint64_t (*conflicts)(store_t *self, uint64_t host);
    void (*turn)(store_t *self);
    int (*open)(store_t *self, const struct store_select *what, store_cursor_t **ret);
    int (*next)(store_cursor_t *cursor, struct store_series *ret);
    uint64_t (*upto)(const store_cursor_t *cursor);
    const char *(*why)(const store_cursor_t *cursor);           // NULL: it never says anything
    bool (*far)(store_t *self, uint64_t host, int64_t from_ms); // NULL: nothing is
    int64_t (*oldest)(store_t *self);                           // NULL: not known
    int64_t (*lost)(store_t *self, uint64_t host);              // NULL: nothing is
    int (*count)(store_t *self, enum store_count_of what, const char *label, store_count_fn *fn,
                 void *arg); // NULL: not known
    void (*close)(store_cursor_t **cursor_p);
    void (*stat)(store_t *self, struct store_stat *ret);
    void (*destroy)(store_t **self_p);
};

// Every implementation's struct begins with this.
struct store {
    const struct store_ops *ops;
};
struct store_cursor {
    store_t *store;
};

// The series of these labels and host, made if it is new. 0 and *ret, or ERR_LIMIT.
static inline int
store_series(store_t *s, uint64_t host, const struct label_set *labels, enum metric_kind kind,
             series_id *ret)
{
    return s->ops->series(s, host, labels, kind, ret);
}

// The series of these labels and host if it is known, else 0. For who makes them.
static inline series_id
store_find(store_t *s, uint64_t host, const struct label_set *labels)
{
    return s->ops->find != NULL ? s->ops->find(s, host, labels) : 0;
}

// Counts the rows of this host: 1 for the first one since the store was opened.
static inline uint64_t
store_append(store_t *s, const struct store_row *row)
{
    return s->ops->append(s, row);
}

// Samples of the host that had another value than the one that stands.
static inline uint64_t
store_conflicts(store_t *s, uint64_t host)
{
    return s->ops->conflicts(s, host);
}

// About once a second, by who appends.
static inline void
store_turn(store_t *s)
{
    s->ops->turn(s);
}

// 0 and a cursor in *ret, for store_close. With a host, rows later than its newest one are left out
// when they come while the cursor is read: no series has a row that another lacks.
static inline int
store_open(store_t *s, const struct store_select *what, store_cursor_t **ret)
{
    return s->ops->open(s, what, ret);
}

// 1 and the next series in *ret, 0 at the end, or below zero: ERR_LIMIT (more than can be read or
// held for one answer), -ETIMEDOUT (until_ms), ERR_CLOSED (stop), or -errno. Each series once.
static inline int
store_next(store_cursor_t *c, struct store_series *ret)
{
    return c->store->ops->next(c, ret);
}

// With a host: the number of its newest row that the answer is sure to hold whole (as store_append
// counted).
static inline uint64_t
store_upto(const store_cursor_t *c)
{
    return c->store->ops->upto(c);
}

// NULL, or a sentence of the cursor's: after an error what was too much, else what could not be
// read and is lacking.
static inline const char *
store_why(const store_cursor_t *c)
{
    return c->store->ops->why != NULL ? c->store->ops->why(c) : NULL;
}

// Whether a read from `from_ms` on, of a host or of all (0), may have to wait for a disk. Cheap.
static inline bool
store_is_far(store_t *s, uint64_t host, int64_t from_ms)
{
    return s->ops->far != NULL && s->ops->far(s, host, from_ms);
}

// The newest time of a sample that was given up for want of room, of a host or of all (0): samples
// after it are all here. INT64_MIN: none was.
static inline int64_t
store_lost(store_t *s, uint64_t host)
{
    return s->ops->lost != NULL ? s->ops->lost(s, host) : INT64_MIN;
}

// No sample that is held is older than this time; INT64_MIN: not known.
static inline int64_t
store_oldest(store_t *s)
{
    return s->ops->oldest != NULL ? s->ops->oldest(s) : INT64_MIN;
}

// Calls `fn` for each line of the list, in no order; `label` is for STORE_COUNT_VALUES. No series
// is made meanwhile. 0, or ERR_UNKNOWN: this store does not count. Cost: the lines.
static inline int
store_count(store_t *s, enum store_count_of what, const char *label, store_count_fn *fn, void *arg)
{
    return s->ops->count != NULL ? s->ops->count(s, what, label, fn, arg) : ERR_UNKNOWN;
}

static inline void
store_close(store_cursor_t **c)
{
    if (*c != NULL)
        (*c)->store->ops->close(c);
}

static inline void
store_stat(store_t *s, struct store_stat *ret)
{
    s->ops->stat(s, ret);
}

static inline void
store_destroy(store_t **s)
{
    if (*s != NULL)
        (*s)->ops->destroy(s);
}

#endif
