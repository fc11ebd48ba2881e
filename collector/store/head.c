// head - the store in memory: the newest samples of every series.
//
// Series stand in one list for each step of ring, least recently written first. So the oldest of
// all is the oldest of seven, and the longest ring that was written least recently is at hand.

#include "collector/store/head.h"

#include <assert.h>
#include <stdlib.h>

#include "collector/store/head_inner.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

// What the rows of a host cost: map entry and counter.
#define HOST_COST 64u

static int s_series(store_t *store, uint64_t host, const struct label_set *labels,
                    enum metric_kind kind, series_id *ret);
static uint64_t s_append(store_t *store, const struct store_row *row);
static bool s_alive(store_t *store, series_id id);
static void s_stat(store_t *store, struct store_stat *ret);
static int64_t s_oldest(store_t *store);
static void s_destroy(store_t **store_p);
static int s_make(struct head *self, uint64_t host, const struct label_set *labels,
                  enum metric_kind kind, series_id *ret);
static bool s_make_room(struct head *self, uint64_t bytes, int64_t now_ms);
static struct head_series *s_idle(const struct head *self, int64_t now_ms);
static bool s_halve_longest(struct head *self, unsigned least_step);
static void s_resize(struct head *self, struct head_series *series, unsigned step);
static void s_give_up(struct head *self, struct head_series *series);
static void s_free_series(struct head_series *series);
static struct head_rows *s_rows(struct head *self, uint64_t host);
static void s_note_lost(struct head *self, const struct head_series *series,
                        struct head_rows *rows);
static void s_put(struct head *self, struct head_series *series, struct head_rows *rows,
                  const struct sample *sample, int64_t now_ms);
static void s_grow(struct head *self, struct head_series *series, int64_t now_ms);
static uint64_t s_cost(const struct head_series *series);
static void s_link(struct head *self, struct head_series *series);
static void s_unlink(struct head *self, struct head_series *series);

static const struct store_ops s_ops = {
    .series = s_series,
    .append = s_append,
    .alive = s_alive,
    .open = head_cursor_open,
    .next = head_cursor_next,
    .upto = head_cursor_upto,
    .close = head_cursor_close,
    .oldest = s_oldest,
    .stat = s_stat,
    .destroy = s_destroy,
};

int
head_new(store_t **ret, uint64_t most_bytes)
{
    struct head *self;

    if (most_bytes < HEAD_LEAST || most_bytes > UINT64_C(1) << HEAD_MOST_BITS)
        return ERR_RANGE;
    self = xcalloc(1, sizeof *self);
    self->base.ops = &s_ops;
    pthread_mutex_init(&self->lock, NULL);
    self->index = series_index_new();
    self->rows = map_new();
    self->most_bytes = most_bytes;
    self->lost_ms = INT64_MIN;
    self->evicted_ms = INT64_MIN;
    self->oldest_ms = INT64_MAX;
    self->now_ms = clock_mono_ms;
    atomic_init(&self->cursors, 0);
    *ret = &self->base;
    return 0;
}

void
head_set_clock(store_t *store, int64_t (*now_ms)(void))
{
    assert(store->ops == &s_ops);
    ((struct head *) store)->now_ms = now_ms;
}

struct head_rows
head_rows(const struct head *self, uint64_t host)
{
    const struct head_rows *rows = map_get_u64(self->rows, host);

    return rows != NULL ? *rows : (struct head_rows){ 0 };
}

int64_t
head_lost_ms(store_t *store, uint64_t host, bool whole_series)
{
    struct head *self = (struct head *) store;
    const struct head_rows *rows;
    int64_t lost_ms = INT64_MIN;

    assert(store->ops == &s_ops);
    pthread_mutex_lock(&self->lock);
    rows = host != 0 ? map_get_u64(self->rows, host) : NULL;
    if (host == 0)
        lost_ms = whole_series ? self->evicted_ms : self->lost_ms;
    else if (rows != NULL)
        lost_ms = whole_series ? rows->evicted_ms : rows->lost_ms;
    pthread_mutex_unlock(&self->lock);
    return lost_ms;
}

static int
s_series(store_t *store, uint64_t host, const struct label_set *labels, enum metric_kind kind,
         series_id *ret)
{
    struct head *self = (struct head *) store;
    struct head_series *series;
    int rc = 0;

    pthread_mutex_lock(&self->lock);
    series = series_index_find(self->index, host, labels);
    if (series != NULL)
        *ret = series->id;
    else
        rc = s_make(self, host, labels, kind, ret);
    pthread_mutex_unlock(&self->lock);
    return rc;
}

// A series that was given up is passed over: who appends learns of it by store_alive.
static uint64_t
s_append(store_t *store, const struct store_row *row)
{
    struct head *self = (struct head *) store;
    int64_t now_ms = self->now_ms();
    struct head_rows *rows;
    uint64_t n;

    pthread_mutex_lock(&self->lock);
    rows = s_rows(self, row->host);
    n = ++rows->n;
    if (n == 1 || row->time_ms > rows->newest_ms)
        rows->newest_ms = row->time_ms;
    for (uint32_t i = 0; i < row->n; i++) {
        struct head_series *series = series_index_get(self->index, row->series[i]);

        if (series != NULL)
            s_put(self, series, rows, &(struct sample){ row->time_ms, row->values[i] }, now_ms);
    }
    if (row->time_ms < self->oldest_ms)
        self->oldest_ms = row->time_ms;
    pthread_mutex_unlock(&self->lock);
    return n;
}

static bool
s_alive(store_t *store, series_id id)
{
    struct head *self = (struct head *) store;
    bool alive;

    pthread_mutex_lock(&self->lock);
    alive = series_index_get(self->index, id) != NULL;
    pthread_mutex_unlock(&self->lock);
    return alive;
}

static void
s_stat(store_t *store, struct store_stat *ret)
{
    struct head *self = (struct head *) store;

    pthread_mutex_lock(&self->lock);
    *ret = self->stat;
    pthread_mutex_unlock(&self->lock);
}

static int64_t
s_oldest(store_t *store)
{
    struct head *self = (struct head *) store;
    int64_t oldest_ms;

    pthread_mutex_lock(&self->lock);
    oldest_ms = self->oldest_ms;
    pthread_mutex_unlock(&self->lock);
    return oldest_ms;
}

static void
s_destroy(store_t **store_p)
{
    struct head *self = (struct head *) *store_p;
    struct map_entry entry;
    size_t at = 0;

    assert(atomic_load(&self->cursors) == 0);
    for (unsigned step = 0; step < HEAD_RING_STEPS; step++) {
        for (struct head_series *s = self->lists[step].oldest, *newer; s != NULL; s = newer) {
            newer = s->newer;
            s_free_series(s);
        }
    }
    while (map_next(self->rows, &at, &entry))
        free(entry.value);
    map_destroy(&self->rows);
    series_index_destroy(&self->index);
    pthread_mutex_destroy(&self->lock);
    free(self);
    *store_p = NULL;
}

// Room is made before the series is put anywhere, so that it can not be its own victim.
static int
s_make(struct head *self, uint64_t host, const struct label_set *labels, enum metric_kind kind,
       series_id *ret)
{
    struct head_series *series = xcalloc(1, sizeof *series);
    int rc = ERR_LIMIT;

    series->labels = head_labels_new(host, labels, kind);
    series->written_ms = self->now_ms();
    if (!s_make_room(self, s_cost(series), series->written_ms))
        goto fail;
    rc = series_index_add(self->index, series);
    if (rc < 0)
        goto fail;
    head_ring_resize(&series->ring, 0);
    s_link(self, series);
    self->stat.bytes += s_cost(series);
    self->stat.series++;
    self->stat.series_made++;
    *ret = series->id;
    return 0;

fail:
    s_free_series(series);
    return rc;
}

// True once `bytes` fit.
static bool
s_make_room(struct head *self, uint64_t bytes, int64_t now_ms)
{
    while (self->stat.bytes + bytes > self->most_bytes) {
        struct head_series *idle = s_idle(self, now_ms);

        if (idle != NULL) {
            s_give_up(self, idle);
            self->stat.series_evicted++;
        } else if (!s_halve_longest(self, 1)) {
            return false;
        }
    }
    return true;
}

// The least recently written series, if nobody wrote it for long enough.
static struct head_series *
s_idle(const struct head *self, int64_t now_ms)
{
    struct head_series *found = NULL;

    for (unsigned step = 0; step < HEAD_RING_STEPS; step++) {
        struct head_series *oldest = self->lists[step].oldest;

        if (oldest != NULL && (found == NULL || oldest->written_ms < found->written_ms))
            found = oldest;
    }
    return found != NULL && now_ms - found->written_ms >= HEAD_IDLE_MS ? found : NULL;
}

// Takes the older half of a ring of the longest step there is, not below `least_step`.
static bool
s_halve_longest(struct head *self, unsigned least_step)
{
    for (unsigned step = HEAD_RING_STEPS; step-- > least_step;) {
        struct head_series *series = self->lists[step].oldest;

        if (series != NULL) {
            s_resize(self, series, step - 1);
            return true;
        }
    }
    return false;
}

// To another step: another list, another cost, and samples lost if it is a smaller one.
static void
s_resize(struct head *self, struct head_series *series, unsigned step)
{
    s_unlink(self, series);
    self->stat.bytes -= s_cost(series);
    self->stat.samples -= series->ring.count;
    head_ring_resize(&series->ring, step);
    s_note_lost(self, series, s_rows(self, series->labels->host));
    series->step = step;
    self->stat.samples += series->ring.count;
    self->stat.bytes += s_cost(series);
    s_link(self, series);
}

static void
s_give_up(struct head *self, struct head_series *series)
{
    struct head_ring *ring = &series->ring;
    struct head_rows *rows = s_rows(self, series->labels->host);

    if (ring->count > 0) { // all of it goes
        ring->lossy = true;
        ring->lost_ms = head_ring_get(ring, ring->count - 1)->time_ms;
    }
    s_note_lost(self, series, rows);
    if (ring->lossy && ring->lost_ms > rows->evicted_ms)
        rows->evicted_ms = ring->lost_ms;
    if (rows->evicted_ms > self->evicted_ms)
        self->evicted_ms = rows->evicted_ms;
    s_unlink(self, series);
    series_index_remove(self->index, series);
    self->stat.bytes -= s_cost(series);
    self->stat.samples -= series->ring.count;
    self->stat.series--;
    s_free_series(series);
}

static void
s_free_series(struct head_series *series)
{
    head_ring_release(&series->ring);
    head_labels_drop(series->labels);
    free(series);
}

// Kept for ever: row numbers are promised to rise while the store is open.
static struct head_rows *
s_rows(struct head *self, uint64_t host)
{
    struct head_rows *rows = map_get_u64(self->rows, host);

    if (rows == NULL) {
        rows = xcalloc(1, sizeof *rows);
        rows->lost_ms = INT64_MIN;
        rows->evicted_ms = INT64_MIN;
        map_put_u64(self->rows, host, rows);
        self->stat.bytes += HOST_COST;
    }
    return rows;
}

// The ring may have given up samples: the host and all know.
static void
s_note_lost(struct head *self, const struct head_series *series, struct head_rows *rows)
{
    const struct head_ring *ring = &series->ring;

    if (!ring->lossy || ring->lost_ms <= rows->lost_ms)
        return;
    rows->lost_ms = ring->lost_ms;
    if (ring->lost_ms > self->lost_ms)
        self->lost_ms = ring->lost_ms;
}

// Whatever becomes of the sample, its series was written to, and lives.
static void
s_put(struct head *self, struct head_series *series, struct head_rows *rows,
      const struct sample *sample, int64_t now_ms)
{
    struct head_ring *ring = &series->ring;
    uint32_t before;

    // Before others may have to go for it: it is not idle itself.
    series->written_ms = now_ms;
    s_unlink(self, series);
    s_link(self, series);
    if (ring->count == ring->size &&
        head_ring_get(ring, ring->count - 1)->time_ms != sample->time_ms)
        s_grow(self, series, now_ms);
    before = ring->count;
    switch (head_ring_put(ring, sample->time_ms, sample->value)) {
    case HEAD_PUT_NEW:
        self->stat.appended++;
        break;
    case HEAD_PUT_CONFLICT:
        self->stat.conflicts++;
        break;
    case HEAD_PUT_LATE:
        self->stat.late++;
        break;
    case HEAD_PUT_SAME:
        break;
    }
    self->stat.samples += ring->count - before;
    s_note_lost(self, series, rows);
}

// What nobody writes any more gives way first, then rings that are at least two steps longer, so
// that in the end all that live are about as long.
static void
s_grow(struct head *self, struct head_series *series, int64_t now_ms)
{
    unsigned step = series->step + 1;
    uint64_t more;

    if (step == HEAD_RING_STEPS)
        return;
    more = head_ring_bytes(step) - head_ring_bytes(series->step);
    while (self->stat.bytes + more > self->most_bytes) {
        struct head_series *idle = s_idle(self, now_ms);

        if (idle != NULL) {
            s_give_up(self, idle);
            self->stat.series_evicted++;
        } else if (!s_halve_longest(self, step + 1)) {
            return;
        }
    }
    s_resize(self, series, step);
}

// All that a series holds, as far as we allocate it: the sum of these is store_stat's `bytes`.
static uint64_t
s_cost(const struct head_series *series)
{
    return sizeof *series + SERIES_INDEX_COST + head_labels_bytes(series->labels) +
           head_ring_bytes(series->step);
}

// As the most recently written one of its step. A ring that was halved lands there too, although
// it was written earlier: what lives passes it at its next write, so the order mends itself.
static void
s_link(struct head *self, struct head_series *series)
{
    struct head_list *list = &self->lists[series->step];

    series->older = list->newest;
    series->newer = NULL;
    if (list->newest != NULL)
        list->newest->newer = series;
    else
        list->oldest = series;
    list->newest = series;
}

static void
s_unlink(struct head *self, struct head_series *series)
{
    struct head_list *list = &self->lists[series->step];

    if (series->older != NULL)
        series->older->newer = series->newer;
    else
        list->oldest = series->newer;
    if (series->newer != NULL)
        series->newer->older = series->older;
    else
        list->newest = series->older;
    series->older = NULL;
    series->newer = NULL;
}
