// fuzz_tile - strange bytes as a tile: as they are, and under right checksums, which no fuzzer
// would guess. What opens is read in every way, and written again it says the same.

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/tile_inner.h"
#include "collector/store/tile_series.h"
#include "shared/base/crc32c.h"
#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"

#define HEAD_BYTES_AT 48u
#define N_OF(table)   (sizeof(table) / sizeof(table)[0])

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

static void
s_expect(bool claim)
{
    if (!claim)
        abort();
}

static void
s_seal(uint8_t *bytes, size_t len)
{
    struct wbuf w;
    struct rbuf r;
    uint32_t head;

    if (len < TILE_HEADER_BYTES)
        return;
    rbuf_init(&r, bytes + HEAD_BYTES_AT, sizeof head);
    head = rbuf_u32(&r);
    if (head < TILE_HEADER_BYTES || head > len)
        return;
    wbuf_init(&w, bytes + TILE_BODY_CRC_AT, sizeof head);
    wbuf_u32(&w, crc32c(0, bytes + head, len - head));
    wbuf_init(&w, bytes + TILE_HEAD_CRC_AT, sizeof head);
    wbuf_u32(&w, crc32c(0, bytes + TILE_CHECKED_AT, head - TILE_CHECKED_AT));
}

// A column by its rows, with holes where it has no value.
static void
s_again(tile_writer_t *w, const struct tile *t, const struct tile_column *column,
        const int64_t *times, const struct sample *samples)
{
    uint64_t present[COLUMN_WORDS(TILE_ROWS_MAX)] = { 0 };
    double values[TILE_ROWS_MAX] = { 0 };
    uint32_t got = 0;

    for (uint32_t row = 0; row < t->rows && got < column->n; row++) {
        if (samples[got].time_ms != times[row])
            continue;
        values[row] = samples[got++].value;
        present[row / 64] |= UINT64_C(1) << row % 64;
    }
    s_expect(got == column->n);
    s_expect(tile_writer_add_doubles(w, column->series, values, present) == got);
}

static void
s_read(const uint8_t *bytes, size_t len, tile_writer_t *again)
{
    static struct sample samples[TILE_ROWS_MAX], part[TILE_ROWS_MAX], other[TILE_ROWS_MAX];
    static int64_t times[TILE_ROWS_MAX];
    struct tile_column column, found;
    struct tile_cursor cursor;
    const uint8_t *written;
    struct tile tile, second;
    size_t written_len;

    if (tile_open(&tile, bytes, len) < 0 || tile_times(&tile, times) < 0)
        return;
    tile_writer_begin(again, tile.host, tile.class, times, tile.rows);
    tile_cursor_init(&cursor, &tile);
    while (tile_cursor_next(&cursor, &column) == 1) {
        const int n = tile_samples(&tile, &column, times, 0, tile.rows, samples);
        const int some = tile_samples(&tile, &column, times, tile.rows / 3, tile.rows / 3, part);

        if (n < 0)
            return;
        s_expect(n == (int) column.n && some >= 0 && some <= n);
        for (int i = 0; i < some; i++)
            s_expect(part[i].time_ms >= times[tile.rows / 3]);
        s_again(again, &tile, &column, times, samples);
    }
    written = tile_writer_finish(again, &written_len);
    s_expect(tile_open(&second, written, written_len) == 0 && second.columns == tile.columns);
    tile_cursor_init(&cursor, &tile);
    for (uint32_t i = 0; i < 64 && tile_cursor_next(&cursor, &column) == 1; i++) {
        const int n = tile_samples(&tile, &column, times, 0, tile.rows, samples);

        s_expect(tile_find(&second, column.series, &found) == 1);
        s_expect(tile_samples(&second, &found, times, 0, tile.rows, other) == n);
        s_expect(memcmp(samples, other, (size_t) n * sizeof *samples) == 0);
    }
}

// What its head says of some series is so, and a head that was cut says nothing.
static void
s_look_up(const uint8_t *bytes, size_t len)
{
    static const series_id ids[] = { 1, 7, 300 };
    struct tile_column column;
    struct tile tile;
    const bool has = tile_series_has(bytes, len, ids, N_OF(ids));
    bool should_have = false;

    if (tile_open(&tile, bytes, len) < 0)
        return;
    for (size_t i = 0; i < N_OF(ids); i++)
        should_have = should_have || tile_find(&tile, ids[i], &column) == 1;
    s_expect(has == should_have);
    s_expect(tile_series_has(bytes, tile.head_bytes, ids, N_OF(ids)) == has);
    s_expect(tile_series_has(bytes, tile.head_bytes / 2, ids, N_OF(ids)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    static tile_writer_t *writer;
    uint8_t *bytes = malloc(n > 0 ? n : 1); // so that a read past the end is seen

    s_expect(bytes != NULL);
    if (writer == NULL)
        writer = tile_writer_new();
    if (n > 0)
        memcpy(bytes, at, n);
    s_read(bytes, n, writer);
    s_look_up(bytes, n);
    s_seal(bytes, n);
    s_read(bytes, n, writer);
    s_look_up(bytes, n);
    if (n >= TILE_HEADER_BYTES)
        (void) tile_head_bytes(bytes);
    free(bytes);
    return 0;
}
