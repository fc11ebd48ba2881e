// tile_write - columns into a sealed tile.
//
// Columns are written one behind the other as they come; what the head says of them is kept beside
// and put in front at the end.

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/tile_inner.h"
#include "collector/store/word.h"
#include "shared/base/buf.h"
#include "shared/base/crc32c.h"
#include "shared/base/wbuf.h"
#include "shared/base/xalloc.h"

#define WORD_BITS  64u
#define WORDS      COLUMN_WORDS(TILE_ROWS_MAX)
#define CACHE      64u // presences looked at before one is written again
#define VARINT_MAX 10u
#define RUN_LEAST  2u // ids in a run that is written as one

static_assert(CACHE < 256, "a cache's place is a byte");

// A run of ids on its way out.
struct id_run {
    uint64_t gap; // from the id behind the run before
    uint64_t first;
    uint64_t n;
};

// A presence that was written, and its number among those of its kind.
struct known_presence {
    uint64_t rows[WORDS];
    uint32_t number;
    bool used;
};

struct tile_writer {
    uint64_t host;
    uint8_t class;
    uint32_t rows;
    uint32_t words; // of a bitmap of rows
    int64_t times[TILE_ROWS_MAX];
    uint32_t columns;
    uint64_t next_series; // least that the next column may have
    struct id_run run;
    uint32_t ranges, bitmaps; // presences of each kind
    struct known_presence known[CACHE];
    uint32_t *presences;          // of each column: 0 all, 2 * number of range + 1, of bitmap + 2
    uint32_t presences_size;      // allocated
    struct buf range, bitmap;     // presences
    struct buf series, lengths;   // parts of the head
    struct buf presence_runs;     // another one
    struct buf body;              // columns
    struct buf tile;              // the whole
    int64_t cells[TILE_ROWS_MAX]; // of a column with holes: those that are there
    uint64_t raw[WORDS];          // beside them
};

static uint32_t s_presence(tile_writer_t *self, const uint64_t *present, uint32_t count);
static void s_put_series(tile_writer_t *self, uint64_t series);
static void s_put_run(tile_writer_t *self);
static void s_put_varint(struct buf *b, uint64_t v);
static void s_put_part(struct buf *b, const struct buf *part);
static void s_put_presences(tile_writer_t *self);
static void s_put_times(tile_writer_t *self);
static void s_put_header(tile_writer_t *self, uint32_t head_bytes);

tile_writer_t *
tile_writer_new(void)
{
    return xcalloc(1, sizeof(tile_writer_t));
}

void
tile_writer_destroy(tile_writer_t **self_p)
{
    tile_writer_t *self = *self_p;

    if (self == NULL)
        return;
    buf_release(&self->range);
    buf_release(&self->bitmap);
    buf_release(&self->series);
    buf_release(&self->lengths);
    buf_release(&self->presence_runs);
    buf_release(&self->body);
    buf_release(&self->tile);
    free(self->presences);
    free(self);
    *self_p = NULL;
}

void
tile_writer_begin(tile_writer_t *self, uint64_t host, uint8_t class, const int64_t *times_ms,
                  uint32_t rows)
{
    assert(rows > 0 && rows <= TILE_ROWS_MAX);
    for (uint32_t i = 1; i < rows; i++)
        assert(times_ms[i] > times_ms[i - 1]);
    self->host = host;
    self->class = class;
    self->rows = rows;
    self->words = COLUMN_WORDS(rows);
    memcpy(self->times, times_ms, rows * sizeof *times_ms);
    self->columns = 0;
    self->next_series = 0;
    self->run = (struct id_run){ 0 };
    self->ranges = self->bitmaps = 0;
    for (uint32_t i = 0; i < CACHE; i++)
        self->known[i].used = false;
    buf_clear(&self->range);
    buf_clear(&self->bitmap);
    buf_clear(&self->series);
    buf_clear(&self->lengths);
    buf_clear(&self->presence_runs);
    buf_clear(&self->body);
    buf_clear(&self->tile);
}

// The bits of `present` that are rows, into `ret`; how many there are.
static uint32_t
s_rows(const tile_writer_t *self, uint64_t ret[WORDS], const uint64_t *present)
{
    uint32_t count = 0;

    for (uint32_t w = 0; w < self->words; w++) {
        const uint32_t left = self->rows - w * WORD_BITS;

        ret[w] = left >= WORD_BITS ? present[w] : present[w] & ((UINT64_C(1) << left) - 1);
        count += word_ones(ret[w]);
    }
    return count;
}

// Cells of these rows move together, and so do their bits in `raw`.
static void
s_gather(tile_writer_t *self, const struct tile_cells *cells, const uint64_t *rows)
{
    uint32_t n = 0;

    memset(self->raw, 0, sizeof self->raw);
    for (uint32_t w = 0; w < self->words; w++) {
        for (uint64_t left = rows[w]; left != 0; left &= left - 1) {
            const uint32_t bit = (uint32_t) __builtin_ctzll(left);

            self->cells[n] = cells->cells[w * WORD_BITS + bit];
            if (cells->raw != NULL)
                self->raw[n / WORD_BITS] |= (cells->raw[w] >> bit & 1) << n % WORD_BITS;
            n++;
        }
    }
}

uint32_t
tile_writer_add(tile_writer_t *self, const struct tile_cells *cells)
{
    uint64_t rows[WORDS] = { 0 };
    uint32_t n = self->rows, presence = TILE_ALL_ROWS;
    size_t len;

    if (cells->present != NULL) {
        n = s_rows(self, rows, cells->present);
        if (n == 0)
            return 0;
        presence = n < self->rows ? s_presence(self, rows, n) : TILE_ALL_ROWS;
    }
    assert(self->columns < TILE_COLUMNS_MAX && cells->series >= self->next_series &&
           cells->series <= TILE_SERIES_MAX);
    buf_reserve(&self->body, COLUMN_ROOM(n));
    if (n == self->rows) {
        len = column_put(self->body.at + self->body.len, cells->form, cells->cells, cells->raw, n);
    } else {
        s_gather(self, cells, rows);
        len = column_put(self->body.at + self->body.len, cells->form, self->cells, self->raw, n);
    }
    self->body.len += len;
    s_put_varint(&self->lengths, len);
    s_put_series(self, cells->series);
    if (self->columns == self->presences_size) {
        self->presences_size = self->presences_size > 0 ? 2 * self->presences_size : WORD_BITS;
        self->presences = xrealloc(self->presences, self->presences_size, sizeof *self->presences);
    }
    self->presences[self->columns++] = presence;
    return n;
}

uint32_t
tile_writer_add_doubles(tile_writer_t *self, uint64_t series, const double *values,
                        const uint64_t *present)
{
    int64_t bits[TILE_ROWS_MAX];
    const struct tile_cells cells = {
        .series = series, .form = { METRIC_RAW, 1 }, .cells = bits, .present = present
    };

    memcpy(bits, values, self->rows * sizeof *values);
    return tile_writer_add(self, &cells);
}

const uint8_t *
tile_writer_finish(tile_writer_t *self, size_t *len_ret)
{
    struct buf *t = &self->tile;
    uint32_t head_bytes;

    assert(t->len == 0 && self->body.len <= UINT32_MAX / 2);
    s_put_run(self);
    buf_reserve(t, TILE_HEADER_BYTES);
    t->len = TILE_HEADER_BYTES;
    buf_bytes(t, self->range.at, self->range.len);
    buf_bytes(t, self->bitmap.at, self->bitmap.len);
    s_put_times(self);
    s_put_part(t, &self->series);
    s_put_part(t, &self->lengths);
    s_put_presences(self);
    s_put_part(t, &self->presence_runs);
    head_bytes = (uint32_t) t->len;
    buf_bytes(t, self->body.at, self->body.len);
    s_put_header(self, head_bytes);
    *len_ret = t->len;
    return t->at;
}

static uint32_t
s_first_row(const uint64_t *rows)
{
    uint32_t w = 0;

    while (rows[w] == 0)
        w++;
    return w * WORD_BITS + (uint32_t) __builtin_ctzll(rows[w]);
}

static uint32_t
s_last_row(const tile_writer_t *self, const uint64_t *rows)
{
    uint32_t w = self->words - 1;

    while (rows[w] == 0)
        w--;
    return w * WORD_BITS + WORD_BITS - 1 - (uint32_t) __builtin_clzll(rows[w]);
}

// Which presence these `count` rows are; a new one is written down. Columns that come and go
// together have the same, so that one of the last ones is nearly always right; if not, it stands
// twice.
static uint32_t
s_presence(tile_writer_t *self, const uint64_t *rows, uint32_t count)
{
    const uint32_t first = s_first_row(rows), last = s_last_row(self, rows);
    struct known_presence *known;
    uint64_t hash = 0;

    for (uint32_t w = 0; w < self->words; w++)
        hash = (hash ^ rows[w]) * UINT64_C(0x9e3779b97f4a7c15);
    known = &self->known[hash >> 32 & (CACHE - 1)];
    if (known->used && memcmp(known->rows, rows, self->words * sizeof *rows) == 0)
        return known->number;
    known->used = true;
    memcpy(known->rows, rows, self->words * sizeof *rows);
    if (last - first + 1 == count) {
        uint8_t range[TILE_RANGE_BYTES];
        struct wbuf w;

        wbuf_init(&w, range, sizeof range);
        wbuf_u16(&w, (uint16_t) first);
        wbuf_u16(&w, (uint16_t) count);
        buf_bytes(&self->range, range, sizeof range);
        known->number = 2 * self->ranges++ + 1;
        return known->number;
    }
    for (uint32_t row = 0; row < self->rows; row += 8)
        buf_byte(&self->bitmap, (uint8_t) (rows[row / WORD_BITS] >> row % WORD_BITS));
    known->number = 2 * self->bitmaps++ + 2;
    return known->number;
}

static void
s_put_series(tile_writer_t *self, uint64_t series)
{
    struct id_run *run = &self->run;

    if (run->n > 0 && series == self->next_series) {
        run->n++;
    } else {
        s_put_run(self);
        *run = (struct id_run){ .gap = series - self->next_series, .first = series, .n = 1 };
    }
    self->next_series = series + 1;
}

static void
s_put_run(tile_writer_t *self)
{
    const struct id_run *run = &self->run;

    if (run->n == 0)
        return;
    s_put_varint(&self->series, run->gap << 1 | (run->n >= RUN_LEAST ? 1 : 0));
    if (run->n >= RUN_LEAST)
        s_put_varint(&self->series, run->n - RUN_LEAST);
    self->run.n = 0;
}

static void
s_put_varint(struct buf *b, uint64_t v)
{
    struct wbuf w;

    buf_reserve(b, VARINT_MAX);
    wbuf_init(&w, b->at + b->len, VARINT_MAX);
    wbuf_varint(&w, v);
    b->len += w.len;
}

static void
s_put_part(struct buf *b, const struct buf *part)
{
    s_put_varint(b, part->len);
    buf_bytes(b, part->at, part->len);
}

// The number that the reader knows a presence by: ranges come before bitmaps.
static uint32_t
s_number(const tile_writer_t *self, uint32_t presence)
{
    if (presence == TILE_ALL_ROWS)
        return presence;
    return presence % 2 != 0 ? 1 + presence / 2 : self->ranges + presence / 2;
}

// Runs of columns that have the same; those at the end that have all rows are not told.
static void
s_put_presences(tile_writer_t *self)
{
    uint32_t told = self->columns;

    while (told > 0 && self->presences[told - 1] == TILE_ALL_ROWS)
        told--;
    for (uint32_t i = 0, end; i < told; i = end) {
        for (end = i + 1; end < told && self->presences[end] == self->presences[i]; end++)
            continue;
        s_put_varint(&self->presence_runs, s_number(self, self->presences[i]));
        s_put_varint(&self->presence_runs, end - i - 1);
    }
}

static void
s_put_times(tile_writer_t *self)
{
    uint8_t column[COLUMN_ROOM(TILE_ROWS_MAX)];
    size_t len;

    for (uint32_t i = 0; i < self->rows; i++)
        self->cells[i] = (int64_t) ((uint64_t) self->times[i] - (uint64_t) self->times[0]);
    len = column_put_integers(column, self->cells, self->rows);
    s_put_varint(&self->tile, len);
    buf_bytes(&self->tile, column, len);
}

static void
s_put_header(tile_writer_t *self, uint32_t head_bytes)
{
    uint8_t *at = self->tile.at;
    struct wbuf w;

    wbuf_init(&w, at, TILE_HEADER_BYTES);
    wbuf_bytes(&w, TILE_MAGIC, TILE_MAGIC_BYTES);
    wbuf_u32(&w, 0); // of the bytes behind, which are not there yet
    wbuf_u32(&w, crc32c(0, at + head_bytes, self->body.len));
    wbuf_u8(&w, TILE_VERSION);
    wbuf_u8(&w, self->class);
    wbuf_u16(&w, (uint16_t) self->rows);
    wbuf_u16(&w, (uint16_t) self->columns);
    wbuf_u16(&w, (uint16_t) self->ranges);
    wbuf_u16(&w, (uint16_t) self->bitmaps);
    wbuf_u16(&w, 0);
    wbuf_u64(&w, self->host);
    wbuf_u64(&w, (uint64_t) self->times[0]);
    wbuf_u64(&w, (uint64_t) self->times[self->rows - 1]);
    wbuf_u32(&w, head_bytes);
    wbuf_u32(&w, (uint32_t) self->body.len);
    assert(wbuf_finish(&w) == TILE_HEADER_BYTES);

    const uint32_t crc = crc32c(0, at + TILE_CHECKED_AT, head_bytes - TILE_CHECKED_AT);

    wbuf_init(&w, at + TILE_HEAD_CRC_AT, sizeof crc);
    wbuf_u32(&w, crc);
}
