// series_index - which series there are: by id, by host and labels, by host, by metric.
//
// By id: a directory of pages, a page freed when its last series goes. By labels: chained buckets.
// By host and by metric: postings, arrays of ids that only grow at their end, as ids do; what was
// given up stays in them until it is half, so that giving up costs a constant.

#include "collector/store/series_index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"

#define PAGE_BITS   10u
#define PAGE_SERIES (1u << PAGE_BITS)

struct page {
    uint32_t living;
    struct head_series *at[PAGE_SERIES];
};

struct posting {
    series_id *ids; // rising
    uint32_t n;
    uint32_t size; // allocated
    uint32_t dead; // of n
};

struct series_index {
    struct page **pages; // by id >> PAGE_BITS; NULL where none lives
    uint32_t n_pages;
    series_id newest; // last id given
    struct head_series **buckets;
    uint32_t n_buckets; // a power of two
    uint32_t count;
    map_t *hosts;   // host -> posting
    map_t *metrics; // name -> posting
};

static uint32_t s_hash(uint64_t host, const struct label_set *set);
static void s_grow_buckets(series_index_t *self);
static struct page *s_page(series_index_t *self, series_id id);
static void s_post(map_t *map, const void *key, size_t len, series_id id);
static void s_unpost(series_index_t *self, map_t *map, const void *key, size_t len);
static void s_destroy_postings(map_t **map_p);
static uint32_t s_collect_all(const series_index_t *self, series_id after, struct head_series **out,
                              uint32_t most);

struct head_labels *
head_labels_new(uint64_t host, const struct label_set *set, enum metric_kind kind)
{
    struct head_labels *labels = xcalloc(1, sizeof *labels);

    atomic_init(&labels->holders, 1);
    labels->host = host;
    labels->kind = kind;
    label_set_copy(&labels->set, set);
    return labels;
}

struct head_labels *
head_labels_hold(struct head_labels *labels)
{
    atomic_fetch_add_explicit(&labels->holders, 1, memory_order_relaxed);
    return labels;
}

void
head_labels_drop(struct head_labels *labels)
{
    if (labels == NULL || atomic_fetch_sub_explicit(&labels->holders, 1, memory_order_acq_rel) > 1)
        return;
    label_set_release(&labels->set);
    free(labels);
}

size_t
head_labels_bytes(const struct head_labels *labels)
{
    size_t bytes = sizeof *labels;

    for (size_t i = 0; i < labels->set.count; i++) {
        const struct label *l = &labels->set.at[i];

        bytes += sizeof *l + strlen(l->name) + strlen(l->value) + 2;
    }
    return bytes;
}

series_index_t *
series_index_new(void)
{
    series_index_t *self = xcalloc(1, sizeof *self);

    self->n_buckets = 64;
    self->buckets = xcalloc(self->n_buckets, sizeof(struct head_series *));
    self->hosts = map_new();
    self->metrics = map_new();
    return self;
}

void
series_index_destroy(series_index_t **self_p)
{
    series_index_t *self = *self_p;

    if (self == NULL)
        return;
    for (uint32_t i = 0; i < self->n_pages; i++)
        free(self->pages[i]);
    free(self->pages);
    free(self->buckets);
    s_destroy_postings(&self->hosts);
    s_destroy_postings(&self->metrics);
    free(self);
    *self_p = NULL;
}

struct head_series *
series_index_find(const series_index_t *self, uint64_t host, const struct label_set *set)
{
    struct head_series *s = self->buckets[s_hash(host, set) & (self->n_buckets - 1)];

    while (s != NULL && (s->labels->host != host || !label_set_equal(&s->labels->set, set)))
        s = s->chained;
    return s;
}

struct head_series *
series_index_get(const series_index_t *self, series_id id)
{
    uint32_t page = id >> PAGE_BITS;

    if (page >= self->n_pages || self->pages[page] == NULL)
        return NULL;
    return self->pages[page]->at[id & (PAGE_SERIES - 1)];
}

int
series_index_add(series_index_t *self, struct head_series *series)
{
    const struct head_labels *labels = series->labels;
    const char *metric = label_set_metric(&labels->set);
    struct head_series **bucket;
    struct page *page;

    if (self->newest == UINT32_MAX)
        return ERR_LIMIT;
    if (self->count >= self->n_buckets)
        s_grow_buckets(self);
    series->id = ++self->newest;
    page = s_page(self, series->id);
    page->at[series->id & (PAGE_SERIES - 1)] = series;
    page->living++;
    bucket = &self->buckets[s_hash(labels->host, &labels->set) & (self->n_buckets - 1)];
    series->chained = *bucket;
    *bucket = series;
    self->count++;
    s_post(self->hosts, &labels->host, sizeof labels->host, series->id);
    s_post(self->metrics, metric, strlen(metric), series->id);
    return 0;
}

void
series_index_remove(series_index_t *self, const struct head_series *series)
{
    const struct head_labels *labels = series->labels;
    const char *metric = label_set_metric(&labels->set);
    struct page **page = &self->pages[series->id >> PAGE_BITS];
    struct head_series **link =
        &self->buckets[s_hash(labels->host, &labels->set) & (self->n_buckets - 1)];

    while (*link != series)
        link = &(*link)->chained;
    *link = series->chained;
    self->count--;
    (*page)->at[series->id & (PAGE_SERIES - 1)] = NULL;
    if (--(*page)->living == 0) {
        free(*page);
        *page = NULL;
    }
    s_unpost(self, self->hosts, &labels->host, sizeof labels->host);
    s_unpost(self, self->metrics, metric, strlen(metric));
}

uint32_t
series_index_collect(const series_index_t *self, const struct series_source *source,
                     series_id after, struct head_series **out, uint32_t most)
{
    const struct posting *p;
    uint32_t low = 0;
    uint32_t high;
    uint32_t n = 0;

    if (source->by == SERIES_ALL)
        return s_collect_all(self, after, out, most);
    p = source->by == SERIES_OF_HOST
            ? map_get(self->hosts, &source->host, sizeof source->host)
            : map_get(self->metrics, source->metric, strlen(source->metric));
    if (p == NULL)
        return 0;
    high = p->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (p->ids[middle] <= after)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < p->n && n < most; low++) {
        struct head_series *s = series_index_get(self, p->ids[low]);

        if (s != NULL)
            out[n++] = s;
    }
    return n;
}

// Pages in which nothing lives are passed over whole.
static uint32_t
s_collect_all(const series_index_t *self, series_id after, struct head_series **out, uint32_t most)
{
    uint32_t n = 0;

    for (uint64_t id = (uint64_t) after + 1; id <= self->newest && n < most;) {
        const struct page *page = self->pages[id >> PAGE_BITS];
        struct head_series *s = page != NULL ? page->at[id & (PAGE_SERIES - 1)] : NULL;

        if (s != NULL)
            out[n++] = s;
        id = page != NULL ? id + 1 : ((id >> PAGE_BITS) + 1) << PAGE_BITS;
    }
    return n;
}

// The label set's hash is seeded per process; the host is mixed in by a multiplication (Knuth, The
// Art of Computer Programming 3, 6.4).
static uint32_t
s_hash(uint64_t host, const struct label_set *set)
{
    uint64_t mixed = (host ^ set->hash) * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t) (mixed >> 32) ^ set->hash;
}

// Twice as many, so that a bucket has one series on average.
static void
s_grow_buckets(series_index_t *self)
{
    uint32_t n = self->n_buckets * 2;
    struct head_series **buckets = xcalloc(n, sizeof(struct head_series *));

    for (uint32_t i = 0; i < self->n_buckets; i++) {
        for (struct head_series *s = self->buckets[i], *next; s != NULL; s = next) {
            struct head_series **bucket =
                &buckets[s_hash(s->labels->host, &s->labels->set) & (n - 1)];

            next = s->chained;
            s->chained = *bucket;
            *bucket = s;
        }
    }
    free(self->buckets);
    self->buckets = buckets;
    self->n_buckets = n;
}

// The page of a new id, made where it is missing. The directory costs 8 bytes for 1,024 ids ever
// given: 32 MiB at the last one.
static struct page *
s_page(series_index_t *self, series_id id)
{
    uint32_t at = id >> PAGE_BITS;

    if (at >= self->n_pages) {
        uint32_t n = self->n_pages > 0 ? self->n_pages * 2 : 16;

        self->pages = xrealloc(self->pages, n, sizeof(struct page *));
        memset(self->pages + self->n_pages, 0, (n - self->n_pages) * sizeof(struct page *));
        self->n_pages = n;
    }
    if (self->pages[at] == NULL)
        self->pages[at] = xcalloc(1, sizeof(struct page));
    return self->pages[at];
}

// Ids rise, so the end is the place.
static void
s_post(map_t *map, const void *key, size_t len, series_id id)
{
    struct posting *p = map_get(map, key, len);

    if (p == NULL) {
        p = xcalloc(1, sizeof *p);
        map_put(map, key, len, p);
    }
    if (p->n == p->size) {
        p->size = p->size > 0 ? p->size * 2 : 4;
        p->ids = xrealloc(p->ids, p->size, sizeof p->ids[0]);
    }
    p->ids[p->n++] = id;
}

// One id of this posting was given up (and is no longer in its page).
static void
s_unpost(series_index_t *self, map_t *map, const void *key, size_t len)
{
    struct posting *p = map_get(map, key, len);
    uint32_t kept = 0;

    assert(p != NULL);
    if (++p->dead == p->n) {
        map_remove(map, key, len);
        free(p->ids);
        free(p);
        return;
    }
    if (p->dead <= p->n / 2)
        return;
    for (uint32_t i = 0; i < p->n; i++) {
        if (series_index_get(self, p->ids[i]) != NULL)
            p->ids[kept++] = p->ids[i];
    }
    p->n = kept;
    p->dead = 0;
}

static void
s_destroy_postings(map_t **map_p)
{
    struct map_entry entry;
    size_t at = 0;

    while (map_next(*map_p, &at, &entry)) {
        struct posting *p = entry.value;

        free(p->ids);
        free(p);
    }
    map_destroy(map_p);
}
