// tile_merge - see the header.
//
// Series are sorted by how many samples they have and then by a hash of the times, so that those
// with the same times are neighbours and what follows has fewer. One after the other joins the
// group at hand, until it is full or one has too many times that the group has not: these would be
// rows in which the others have nothing.

#include "collector/store/tile_merge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/tile.h"
#include "shared/base/xalloc.h"

// Of a series' times, one in so many may be new to the group that it joins.
#define NEW_MOST 8u

struct member {
    series_id id;
    uint32_t n;                   // samples
    uint32_t at;                  // next of them
    const struct sample *samples; // the gather's
    uint64_t hash;                // of the times
};

struct tile_merge {
    tile_writer_t *writer;
    uint32_t n;
    uint32_t size; // allocated
    struct member *members;
    uint32_t n_times;
    uint32_t times_size; // allocated, of both below
    int64_t *times;      // that the group at hand has, rising
    int64_t *joined;     // while one joins
    double values[TILE_ROWS_MAX];
    uint64_t present[COLUMN_WORDS(TILE_ROWS_MAX)];
};

struct out {
    uint64_t host;
    uint8_t class;
    uint64_t samples; // in a tile, about
    int (*fn)(void *arg, const struct block_tile *tile);
    void *arg;
};

tile_merge_t *
tile_merge_new(void)
{
    tile_merge_t *self = xcalloc(1, sizeof *self);

    self->writer = tile_writer_new();
    return self;
}

void
tile_merge_destroy(tile_merge_t **self_p)
{
    tile_merge_t *self = *self_p;

    if (self == NULL)
        return;
    tile_writer_destroy(&self->writer);
    free(self->members);
    free(self->times);
    free(self->joined);
    free(self);
    *self_p = NULL;
}

static int
s_by_times(const void *a, const void *b)
{
    const struct member *x = a;
    const struct member *y = b;

    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static int
s_by_id(const void *a, const void *b)
{
    const struct member *x = a;
    const struct member *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

// FNV-1a, by whole numbers: it only puts together what is the same.
static uint64_t
s_hash(const struct sample *samples, uint32_t n)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (uint32_t i = 0; i < n; i++)
        hash = (hash ^ (uint64_t) samples[i].time_ms) * UINT64_C(0x100000001b3);
    return hash;
}

static void
s_take(tile_merge_t *self, const tile_gather_t *gather, const series_id *ids, uint32_t n)
{
    if (n > self->size) {
        self->size = n;
        self->members = xrealloc(self->members, n, sizeof *self->members);
    }
    self->n = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct member *m = &self->members[self->n];

        *m = (struct member){ .id = ids[i] };
        m->samples = tile_gather_samples(gather, i, &m->n);
        if (m->n == 0)
            continue;
        m->hash = s_hash(m->samples, m->n);
        self->n++;
    }
    if (self->n > 0)
        qsort(self->members, self->n, sizeof *self->members, s_by_times);
}

// The times of both, rising; how many of them the group had not.
static uint32_t
s_join(tile_merge_t *self, const struct member *m)
{
    uint32_t out = 0, i = 0, k = 0;

    if (self->n_times + m->n > self->times_size) {
        self->times_size = 2 * (self->n_times + m->n);
        self->times = xrealloc(self->times, self->times_size, sizeof *self->times);
        self->joined = xrealloc(self->joined, self->times_size, sizeof *self->joined);
    }
    while (i < self->n_times || k < m->n) {
        const bool old = k == m->n ||
                         (i < self->n_times && self->times[i] <= m->samples[k].time_ms);

        k += old && k < m->n && self->times[i] == m->samples[k].time_ms;
        self->joined[out++] = old ? self->times[i++] : m->samples[k++].time_ms;
    }
    return out - self->n_times;
}

// How many series go together from this one on; their times are those of the group.
static uint32_t
s_group(tile_merge_t *self, uint32_t first, uint64_t samples)
{
    uint32_t n = 0;

    self->n_times = 0;
    while (first + n < self->n && n < TILE_COLUMNS_MAX) {
        const struct member *m = &self->members[first + n];
        const uint32_t rows = self->n_times < TILE_ROWS_MAX ? self->n_times : TILE_ROWS_MAX;
        const uint32_t more = n > 0 && (uint64_t) n * rows >= samples ? UINT32_MAX
                                                                      : s_join(self, m);
        int64_t *times = self->joined;

        if (n > 0 && more > m->n / NEW_MOST)
            break;
        self->joined = self->times;
        self->times = times;
        self->n_times += more;
        n++;
    }
    return n;
}

// A column, where it has anything in these rows. The number of its samples.
static uint32_t
s_column(tile_merge_t *self, struct member *m, const int64_t *times, uint32_t rows)
{
    const uint32_t from = m->at;

    memset(self->present, 0, sizeof self->present);
    for (uint32_t row = 0; row < rows; row++) {
        self->values[row] = 0;
        if (m->at == m->n || m->samples[m->at].time_ms != times[row])
            continue;
        self->values[row] = m->samples[m->at++].value;
        self->present[row / 64] |= UINT64_C(1) << row % 64;
    }
    if (m->at == from)
        return 0;
    (void) tile_writer_add_doubles(self->writer, m->id, self->values, self->present);
    return m->at - from;
}

static int
s_tile(tile_merge_t *self, struct member *members, uint32_t n, const int64_t *times, uint32_t rows,
       const struct out *out)
{
    struct block_tile tile = {
        .host = out->host, .first_ms = times[0], .last_ms = times[rows - 1], .rows = rows
    };

    tile_writer_begin(self->writer, out->host, out->class, times, rows);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t samples = s_column(self, &members[i], times, rows);

        tile.series += samples > 0;
        tile.samples += samples;
    }
    tile.bytes = tile_writer_finish(self->writer, &tile.len);
    return out->fn(out->arg, &tile);
}

// The group's tiles, one after the other, of about as many rows each.
static int
s_tiles(tile_merge_t *self, struct member *members, uint32_t n, const struct out *out)
{
    uint32_t parts = (self->n_times + TILE_ROWS_MAX - 1) / TILE_ROWS_MAX;
    int rc = 0;

    qsort(members, n, sizeof *members, s_by_id);
    for (uint32_t at = 0; parts > 0 && rc == 0; parts--) {
        const uint32_t rows = (self->n_times - at + parts - 1) / parts;

        rc = s_tile(self, members, n, self->times + at, rows, out);
        at += rows;
    }
    for (uint32_t i = 0; i < n && rc == 0; i++)
        assert(members[i].at == members[i].n);
    return rc;
}

int
tile_merge_run(tile_merge_t *self, uint64_t host, uint8_t class, const tile_gather_t *gather,
               const series_id *ids, uint32_t n, uint64_t samples,
               int (*fn)(void *arg, const struct block_tile *tile), void *arg)
{
    const struct out out = {
        .host = host, .class = class, .samples = samples, .fn = fn, .arg = arg
    };
    int rc = 0;

    s_take(self, gather, ids, n);
    for (uint32_t first = 0, together; first < self->n && rc == 0; first += together) {
        together = s_group(self, first, samples);
        rc = s_tiles(self, &self->members[first], together, &out);
    }
    return rc;
}
