// tile_read - a sealed tile's columns and samples, in place.

#include <string.h>

#include "collector/store/tile_inner.h"
#include "collector/store/word.h"
#include "shared/base/crc32c.h"
#include "shared/base/err.h"
#include "shared/base/rbuf.h"

#define RUN_LEAST 2u

// Checksums, as the header says them: of head and body.
static int s_open_head(struct tile *t, uint32_t crcs[2], const uint8_t *at, size_t len);
static int s_take_header(struct tile *t, uint32_t crcs[2], const uint8_t *at, size_t len);
static int s_take_parts(struct tile *t, const uint8_t *at);
static int s_check_presences(const struct tile *t);
static int s_check_columns(const struct tile *t);
static int s_advance(struct tile_cursor *self, struct tile_column *ret);
static uint32_t s_count(const struct tile *t, uint32_t presence);
static int s_sparse(const struct tile *t, const struct tile_column *column, const int64_t *times,
                    uint32_t first, uint32_t count, struct sample *out);

int
tile_open(struct tile *ret, const uint8_t *at, size_t len)
{
    uint32_t crcs[2];
    const int rc = s_open_head(ret, crcs, at, len);

    if (rc < 0)
        return rc;
    if (len - ret->head_bytes != ret->body_bytes ||
        crc32c(0, at + ret->head_bytes, ret->body_bytes) != crcs[1])
        return ERR_FORMAT;
    ret->body = at + ret->head_bytes;
    return 0;
}

ptrdiff_t
tile_head_bytes(const uint8_t at[TILE_HEADER_BYTES])
{
    uint32_t crcs[2];
    struct tile t;
    const int rc = s_take_header(&t, crcs, at, TILE_HEADER_BYTES);

    return rc < 0 ? rc : (ptrdiff_t) t.head_bytes;
}

int
tile_open_head(struct tile *ret, const uint8_t *at, size_t len)
{
    uint32_t crcs[2];

    return s_open_head(ret, crcs, at, len);
}

void
tile_cursor_init(struct tile_cursor *ret, const struct tile *tile)
{
    *ret = (struct tile_cursor){ .tile = tile,
                                 .offset = tile->head_bytes,
                                 .series_at = tile->series.at,
                                 .length_at = tile->lengths.at,
                                 .presence_at = tile->presences.at };
}

int
tile_cursor_next(struct tile_cursor *self, struct tile_column *ret)
{
    const int rc = s_advance(self, ret);

    if (rc == 1)
        ret->n = s_count(self->tile, ret->presence);
    return rc;
}

int
tile_find(const struct tile *tile, uint64_t series, struct tile_column *ret)
{
    struct tile_cursor cursor;

    tile_cursor_init(&cursor, tile);
    while (s_advance(&cursor, ret) == 1) {
        if (ret->series < series)
            continue;
        if (ret->series > series)
            return 0;
        ret->n = s_count(tile, ret->presence);
        return 1;
    }
    return 0;
}

int
tile_times(const struct tile *tile, int64_t *ret)
{
    uint64_t last = 0;

    if (column_take_integers(ret, tile->times.at, tile->times.len, tile->rows) < 0 || ret[0] != 0)
        return ERR_FORMAT;
    // Distances from the first row rise, and so do the times unless they pass the end of time.
    for (uint32_t i = 0; i < tile->rows; i++) {
        const uint64_t from = (uint64_t) ret[i];

        if (i > 0 && from <= last)
            return ERR_FORMAT;
        last = from;
        ret[i] = (int64_t) (from + (uint64_t) tile->first_ms);
    }
    return ret[tile->rows - 1] == tile->last_ms && tile->last_ms >= tile->first_ms ? 0 : ERR_FORMAT;
}

// The first row that is not before time_ms.
static uint32_t
s_row_at(const int64_t *times, uint32_t rows, int64_t time_ms)
{
    uint32_t low = 0, high = rows;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (times[middle] < time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t
tile_rows(const int64_t *times, uint32_t rows, int64_t start_ms, int64_t end_ms,
          uint32_t *first_ret)
{
    const uint32_t first = s_row_at(times, rows, start_ms);
    const uint32_t end = end_ms == INT64_MAX ? rows : s_row_at(times, rows, end_ms + 1);

    *first_ret = first;
    return end > first ? end - first : 0;
}

int
tile_samples(const struct tile *tile, const struct tile_column *column, const int64_t *times,
             uint32_t first, uint32_t count, struct sample *out)
{
    double values[TILE_ROWS_MAX];
    uint32_t from = 0, n = tile->rows; // rows of the column, where they are one run

    if (first > tile->rows || count > tile->rows - first)
        return ERR_FORMAT;
    if (column->presence > tile->ranges)
        return s_sparse(tile, column, times, first, count, out);
    if (column->presence != TILE_ALL_ROWS) {
        struct rbuf r;

        rbuf_init(&r, tile->range.at + (column->presence - 1) * TILE_RANGE_BYTES, TILE_RANGE_BYTES);
        from = rbuf_u16(&r);
        n = rbuf_u16(&r);
    }

    const uint32_t begin = first > from ? first : from;
    const uint32_t end = first + count < from + n ? first + count : from + n;
    int rc;

    if (begin >= end)
        return 0;
    rc = column_take(values, column->at, column->len, n, begin - from, end - begin);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < end - begin; i++)
        out[i] = (struct sample){ .time_ms = times[begin + i], .value = values[i] };
    return (int) (end - begin);
}

static int
s_open_head(struct tile *t, uint32_t crcs[2], const uint8_t *at, size_t len)
{
    int rc = s_take_header(t, crcs, at, len);

    if (rc < 0)
        return rc;
    if (t->head_bytes > len ||
        crc32c(0, at + TILE_CHECKED_AT, t->head_bytes - TILE_CHECKED_AT) != crcs[0])
        return ERR_FORMAT;
    rc = s_take_parts(t, at);
    if (rc == 0)
        rc = s_check_presences(t);
    if (rc == 0)
        rc = s_check_columns(t);
    return rc;
}

// Of a newer major version nothing is known but where its magic and version stand.
static int
s_take_header(struct tile *t, uint32_t crcs[2], const uint8_t *at, size_t len)
{
    const uint8_t *magic;
    uint8_t version;
    struct rbuf r;

    *t = (struct tile){ 0 };
    rbuf_init(&r, at, len < TILE_HEADER_BYTES ? len : TILE_HEADER_BYTES);
    magic = rbuf_bytes(&r, TILE_MAGIC_BYTES);
    crcs[0] = rbuf_u32(&r);
    crcs[1] = rbuf_u32(&r);
    version = rbuf_u8(&r);
    t->class = rbuf_u8(&r);
    t->rows = rbuf_u16(&r);
    t->columns = rbuf_u16(&r);
    t->ranges = rbuf_u16(&r);
    t->bitmaps = rbuf_u16(&r);
    (void) rbuf_u16(&r);
    t->host = rbuf_u64(&r);
    t->first_ms = (int64_t) rbuf_u64(&r);
    t->last_ms = (int64_t) rbuf_u64(&r);
    t->head_bytes = rbuf_u32(&r);
    t->body_bytes = rbuf_u32(&r);
    if (rbuf_rc(&r) < 0 || memcmp(magic, TILE_MAGIC, TILE_MAGIC_BYTES) != 0)
        return ERR_FORMAT;
    if (version >> TILE_VERSION_MAJOR != TILE_VERSION >> TILE_VERSION_MAJOR)
        return version > TILE_VERSION ? ERR_VERSION : ERR_FORMAT;
    return t->rows == 0 || t->rows > TILE_ROWS_MAX || t->head_bytes < TILE_HEADER_BYTES ? ERR_FORMAT
                                                                                        : 0;
}

static struct tile_part
s_part(struct rbuf *r, size_t len)
{
    return (struct tile_part){ .at = rbuf_bytes(r, len), .len = len };
}

static int
s_take_parts(struct tile *t, const uint8_t *at)
{
    struct rbuf r;

    rbuf_init(&r, at + TILE_HEADER_BYTES, t->head_bytes - TILE_HEADER_BYTES);
    t->range = s_part(&r, (size_t) t->ranges * TILE_RANGE_BYTES);
    t->bitmap = s_part(&r, (size_t) t->bitmaps * ((t->rows + BYTE_BITS - 1) / BYTE_BITS));
    t->times = s_part(&r, (size_t) rbuf_varint(&r));
    t->series = s_part(&r, (size_t) rbuf_varint(&r));
    t->lengths = s_part(&r, (size_t) rbuf_varint(&r));
    t->presences = s_part(&r, (size_t) rbuf_varint(&r));
    // What is behind them is a later minor version's.
    return rbuf_rc(&r);
}

static int
s_check_presences(const struct tile *t)
{
    const uint32_t bytes = (t->rows + BYTE_BITS - 1) / BYTE_BITS;
    struct rbuf r;

    rbuf_init(&r, t->range.at, t->range.len);
    for (uint32_t i = 0; i < t->ranges; i++) {
        const uint32_t first = rbuf_u16(&r), n = rbuf_u16(&r);

        if (n == 0 || first + n > t->rows)
            return ERR_FORMAT;
    }
    for (uint32_t i = 0; i < t->bitmaps; i++) {
        const uint8_t last = t->bitmap.at[(i + 1) * bytes - 1];

        if (t->rows % BYTE_BITS != 0 && last >> t->rows % BYTE_BITS != 0)
            return ERR_FORMAT;
        if (s_count(t, t->ranges + 1 + i) == 0)
            return ERR_FORMAT;
    }
    return 0;
}

// Walks the directory once: its three parts have the same number of columns, all used up, and the
// columns fill the body.
static int
s_check_columns(const struct tile *t)
{
    struct tile_column column;
    struct tile_cursor cursor;
    int rc;

    tile_cursor_init(&cursor, t);
    while ((rc = s_advance(&cursor, &column)) == 1)
        continue;
    if (rc < 0 || cursor.run > 0 || cursor.presence_run > 0 ||
        cursor.series_at != t->series.at + t->series.len ||
        cursor.length_at != t->lengths.at + t->lengths.len ||
        cursor.presence_at != t->presences.at + t->presences.len ||
        cursor.offset - t->head_bytes != t->body_bytes)
        return ERR_FORMAT;
    return 0;
}

// A varint of a part, which it may not leave; most are one byte or two.
static inline bool
s_varint(uint64_t *ret, const uint8_t **at, const struct tile_part *part)
{
    const size_t left = (size_t) (part->at + part->len - *at);
    const uint8_t *bytes = *at;
    struct rbuf r;

    if (left >= 1 && bytes[0] < 0x80) {
        *ret = bytes[0];
        *at += 1;
        return true;
    }
    if (left >= 2 && bytes[1] < 0x80) {
        *ret = (bytes[0] & 0x7fu) | (uint64_t) bytes[1] << 7;
        *at += 2;
        return true;
    }
    rbuf_init(&r, bytes, left);
    *ret = rbuf_varint(&r);
    *at = r.at;
    return rbuf_rc(&r) == 0;
}

static bool
s_next_series(struct tile_cursor *self)
{
    uint64_t head, more = 0;

    if (self->run > 0)
        return true;
    if (!s_varint(&head, &self->series_at, &self->tile->series))
        return false;
    if ((head & 1) != 0 && !s_varint(&more, &self->series_at, &self->tile->series))
        return false;
    if (self->series > TILE_SERIES_MAX || head >> 1 > TILE_SERIES_MAX - self->series ||
        more > TILE_COLUMNS_MAX)
        return false;
    self->series += head >> 1;
    self->run = (head & 1) != 0 ? more + RUN_LEAST : 1;
    return self->run - 1 <= TILE_SERIES_MAX - self->series;
}

static bool
s_next_presence(struct tile_cursor *self)
{
    const struct tile_part *part = &self->tile->presences;
    uint64_t number, more;

    if (self->presence_run > 0)
        return true;
    self->presence = TILE_ALL_ROWS;
    self->presence_run = 1;
    if (self->presence_at == part->at + part->len)
        return true;
    if (!s_varint(&number, &self->presence_at, part) ||
        !s_varint(&more, &self->presence_at, part) ||
        number > self->tile->ranges + self->tile->bitmaps || more >= TILE_COLUMNS_MAX)
        return false;
    self->presence = (uint32_t) number;
    self->presence_run = (uint32_t) more + 1;
    return true;
}

static int
s_advance(struct tile_cursor *self, struct tile_column *ret)
{
    const struct tile *t = self->tile;
    uint64_t len;

    if (self->column == t->columns)
        return 0;
    if (!s_next_series(self) || !s_next_presence(self) ||
        !s_varint(&len, &self->length_at, &t->lengths) ||
        len > t->body_bytes - (self->offset - t->head_bytes))
        return ERR_FORMAT;
    *ret = (struct tile_column){ .series = self->series,
                                 .offset = self->offset,
                                 .len = (uint32_t) len,
                                 .at = t->body != NULL ? t->body + (self->offset - t->head_bytes)
                                                       : NULL,
                                 .presence = self->presence };
    self->column++;
    self->series++;
    self->run--;
    self->presence_run--;
    self->offset += (uint32_t) len;
    return 1;
}

// Bits of a bitmap that are set in rows before `end`.
static uint32_t
s_rank(const uint8_t *map, uint32_t end)
{
    uint32_t n = 0;

    for (; end >= WORD_BITS; end -= WORD_BITS, map += WORD_BYTES)
        n += word_ones(word_load(map));
    for (; end > 0; end -= end < BYTE_BITS ? end : BYTE_BITS, map++)
        n += word_ones(*map & (end < BYTE_BITS ? (1u << end) - 1 : UINT8_MAX));
    return n;
}

static const uint8_t *
s_bitmap(const struct tile *t, uint32_t presence)
{
    const uint32_t bytes = (t->rows + BYTE_BITS - 1) / BYTE_BITS;

    return t->bitmap.at + (size_t) (presence - t->ranges - 1) * bytes;
}

static uint32_t
s_count(const struct tile *t, uint32_t presence)
{
    struct rbuf r;

    if (presence == TILE_ALL_ROWS)
        return t->rows;
    if (presence > t->ranges)
        return s_rank(s_bitmap(t, presence), t->rows);
    rbuf_init(&r, t->range.at + (presence - 1) * TILE_RANGE_BYTES, TILE_RANGE_BYTES);
    (void) rbuf_u16(&r);
    return rbuf_u16(&r);
}

static int
s_sparse(const struct tile *t, const struct tile_column *column, const int64_t *times,
         uint32_t first, uint32_t count, struct sample *out)
{
    const uint8_t *map = s_bitmap(t, column->presence);
    const uint32_t before = s_rank(map, first);
    const uint32_t n = s_rank(map, first + count) - before;
    double values[TILE_ROWS_MAX];
    uint32_t got = 0;
    int rc;

    if (n == 0)
        return 0;
    rc = column_take(values, column->at, column->len, s_rank(map, t->rows), before, n);
    if (rc < 0)
        return rc;
    for (uint32_t row = first; got < n; row++) {
        if ((map[row / BYTE_BITS] >> row % BYTE_BITS & 1) != 0) {
            out[got] = (struct sample){ .time_ms = times[row], .value = values[got] };
            got++;
        }
    }
    return (int) n;
}
