// tile_series - see the header.

#include "collector/store/tile_series.h"

#include "collector/store/tile.h"

// The first of the ids from `at` on that is not below the series.
static uint32_t
s_find(const series_id *ids, uint32_t at, uint32_t n, uint64_t series)
{
    for (uint32_t end = n; at < end;) {
        const uint32_t middle = at + (end - at) / 2;

        if (ids[middle] < series)
            at = middle + 1;
        else
            end = middle;
    }
    return at;
}

bool
tile_series_has(const uint8_t *at, size_t len, const series_id *ids, uint32_t n)
{
    struct tile_cursor cursor;
    struct tile_column column;
    struct tile tile;
    uint32_t next = 0;
    int rc = 0;

    if (tile_open_head(&tile, at, len) < 0)
        return true;
    tile_cursor_init(&cursor, &tile);
    while (next < n && (rc = tile_cursor_next(&cursor, &column)) == 1) {
        next = s_find(ids, next, n, column.series);
        if (next < n && ids[next] == column.series)
            return true;
    }
    return rc < 0;
}
