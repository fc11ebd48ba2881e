// head_cursor - reading the head without standing in the appender's way.
//
// Under the lock only pointers are collected and the samples of one series copied; labels are held
// by count and matched outside, so that no regular expression runs under the lock. All that was
// appended before the opening is in the answer. Of one host, nothing later than its newest row
// then: series are copied one after the other, and a row that some lack would be a wrong number.
// What else is appended after the opening may be in the answer or not.

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/head_inner.h"
#include "shared/base/xalloc.h"

#define BATCH 256u

struct found {
    series_id id;
    struct head_labels *labels; // one hold
};

struct cursor {
    store_cursor_t base;
    struct store_select what; // matchers are the caller's until the cursor closes
    struct series_source *sources;
    uint32_t n_sources;
    uint32_t source;  // being read
    series_id after;  // of it
    uint64_t upto;    // the host's rows at the opening
    uint32_t n_found; // in the batch
    uint32_t at;      // next of the batch
    struct found found[BATCH];
    struct sample *samples; // of the series last given
    int64_t whole_ms;       // likewise
    uint32_t size;          // allocated
};

static void s_choose_sources(struct cursor *c);
static bool s_has_metric(const struct cursor *c, const char *metric);
static bool s_collect(struct cursor *c);
static bool s_wanted(const struct cursor *c, const struct head_labels *labels);
static bool s_copy(struct cursor *c, series_id id, uint32_t *n_ret);

int
head_cursor_open(store_t *store, const struct store_select *what, store_cursor_t **ret)
{
    struct head *head = (struct head *) store;
    struct cursor *c = xcalloc(1, sizeof *c);
    struct head_rows rows;

    c->base.store = store;
    c->what = *what;
    s_choose_sources(c);
    atomic_fetch_add(&head->cursors, 1);
    pthread_mutex_lock(&head->lock);
    rows = head_rows(head, what->host);
    pthread_mutex_unlock(&head->lock);
    c->upto = rows.n;
    if (!c->what.newest_only && rows.n > 0 && c->what.end_ms > rows.newest_ms)
        c->what.end_ms = rows.newest_ms;
    *ret = &c->base;
    return 0;
}

int
head_cursor_next(store_cursor_t *cursor, struct store_series *ret)
{
    struct cursor *c = (struct cursor *) cursor;

    while (c->at < c->n_found || s_collect(c)) {
        const struct found *f = &c->found[c->at++];
        uint32_t n = 0;

        if (!s_wanted(c, f->labels))
            continue;
        if (!s_copy(c, f->id, &n) && !c->what.labels_only)
            continue;
        *ret = (struct store_series){
            .id = f->id,
            .kind = f->labels->kind,
            .host = f->labels->host,
            .labels = &f->labels->set,
            .samples = c->samples,
            .n = n,
            .whole_ms = c->whole_ms,
        };
        return 1;
    }
    return 0;
}

uint64_t
head_cursor_upto(const store_cursor_t *cursor)
{
    return ((const struct cursor *) cursor)->upto;
}

void
head_cursor_close(store_cursor_t **cursor_p)
{
    struct cursor *c = (struct cursor *) *cursor_p;

    for (uint32_t i = 0; i < c->n_found; i++)
        head_labels_drop(c->found[i].labels);
    atomic_fetch_sub(&((struct head *) c->base.store)->cursors, 1);
    free(c->sources);
    free(c->samples);
    free(c);
    *cursor_p = NULL;
}

// The shortest lists that hold all that can match: one host's, those of the metrics that are
// named, or everything.
static void
s_choose_sources(struct cursor *c)
{
    const struct store_select *what = &c->what;

    c->sources = xcalloc(what->n_matchers + 1, sizeof *c->sources);
    if (what->host != 0) {
        c->sources[c->n_sources++] = (struct series_source){ .by = SERIES_OF_HOST,
                                                             .host = what->host };
        return;
    }
    for (uint32_t i = 0; i < what->n_matchers; i++) {
        const char *metric = matchers_metric(what->matchers[i]);

        if (metric == NULL) {
            c->n_sources = 0;
            break;
        }
        if (!s_has_metric(c, metric))
            c->sources[c->n_sources++] = (struct series_source){ .by = SERIES_OF_METRIC,
                                                                 .metric = metric };
    }
    if (c->n_sources == 0)
        c->sources[c->n_sources++] = (struct series_source){ .by = SERIES_ALL };
}

static bool
s_has_metric(const struct cursor *c, const char *metric)
{
    for (uint32_t i = 0; i < c->n_sources; i++) {
        if (strcmp(c->sources[i].metric, metric) == 0)
            return true;
    }
    return false;
}

// The next batch; false when there is none.
static bool
s_collect(struct cursor *c)
{
    struct head *head = (struct head *) c->base.store;
    struct head_series *series[BATCH];

    for (uint32_t i = 0; i < c->n_found; i++)
        head_labels_drop(c->found[i].labels);
    c->n_found = 0;
    c->at = 0;
    while (c->n_found == 0 && c->source < c->n_sources) {
        pthread_mutex_lock(&head->lock);
        c->n_found = series_index_collect(head->index, &c->sources[c->source], c->after, series,
                                          BATCH);
        for (uint32_t i = 0; i < c->n_found; i++)
            c->found[i] = (struct found){ .id = series[i]->id,
                                          .labels = head_labels_hold(series[i]->labels) };
        pthread_mutex_unlock(&head->lock);
        c->after = c->n_found > 0 ? c->found[c->n_found - 1].id : 0;
        if (c->n_found == 0)
            c->source++;
    }
    return c->n_found > 0;
}

static bool
s_wanted(const struct cursor *c, const struct head_labels *labels)
{
    if (c->what.n_matchers == 0)
        return true;
    for (uint32_t i = 0; i < c->what.n_matchers; i++) {
        if (matchers_match(c->what.matchers[i], &labels->set))
            return true;
    }
    return false;
}

// False where the series was given up since, has nothing in the window, or labels are all.
static bool
s_copy(struct cursor *c, series_id id, uint32_t *n_ret)
{
    struct head *head = (struct head *) c->base.store;
    const struct head_series *series;
    uint32_t from = 0;
    uint32_t n = 0;

    pthread_mutex_lock(&head->lock);
    series = series_index_get(head->index, id);
    c->whole_ms = series != NULL ? head_ring_whole_ms(&series->ring) : INT64_MAX;
    if (series != NULL && !c->what.labels_only && c->what.start_ms <= c->what.end_ms) {
        from = head_ring_before(&series->ring, c->what.start_ms);
        n = c->what.end_ms < INT64_MAX ? head_ring_before(&series->ring, c->what.end_ms + 1)
                                       : series->ring.count;
        n = n > from ? n - from : 0;
        if (c->what.newest_only && n > 1) {
            from += n - 1;
            n = 1;
        }
        if (n > c->size) {
            c->samples = xrealloc(c->samples, n, sizeof *c->samples);
            c->size = n;
        }
        head_ring_copy(&series->ring, from, n, c->samples);
    }
    pthread_mutex_unlock(&head->lock);
    *n_ret = n;
    return n > 0;
}
