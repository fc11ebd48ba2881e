// tile_compare - see the header.

#include "collector/store/tile_compare.h"

#include <stdlib.h>

#include "collector/store/tile.h"
#include "shared/base/xalloc.h"

// One of the two, with room for a column.
struct side {
    struct tile tile;
    struct tile_cursor cursor;
    struct tile_column column;
    int64_t times[TILE_ROWS_MAX];
    struct sample samples[TILE_ROWS_MAX];
};

static bool
s_open(struct side *side, const struct block_tile *of)
{
    if (tile_open(&side->tile, of->bytes, of->len) < 0 || tile_times(&side->tile, side->times) < 0)
        return false;
    tile_cursor_init(&side->cursor, &side->tile);
    return tile_cursor_next(&side->cursor, &side->column) == 1;
}

static bool
s_share_a_time(const struct side *a, const struct side *b)
{
    for (uint32_t i = 0, k = 0; i < a->tile.rows && k < b->tile.rows;) {
        if (a->times[i] == b->times[k])
            return true;
        if (a->times[i] < b->times[k])
            i++;
        else
            k++;
    }
    return false;
}

static int
s_read(struct side *side)
{
    return tile_samples(&side->tile, &side->column, side->times, 0, side->tile.rows, side->samples);
}

// Of the columns at hand, which are one series'.
static uint64_t
s_compare(struct side *a, struct side *b)
{
    const int n_a = s_read(a);
    const int n_b = s_read(b);
    uint64_t n = 0;

    for (int i = 0, k = 0; i < n_a && k < n_b;) {
        const int64_t at_a = a->samples[i].time_ms;
        const int64_t at_b = b->samples[k].time_ms;

        if (at_a == at_b)
            n += sample_bits(a->samples[i].value) != sample_bits(b->samples[k].value);
        i += at_a <= at_b;
        k += at_b <= at_a;
    }
    return n;
}

uint64_t
tile_conflicts(const struct block_tile *a, const struct block_tile *b)
{
    struct side *sides = xmalloc(2 * sizeof *sides);
    struct side *x = &sides[0];
    struct side *y = &sides[1];
    uint64_t n = 0;
    bool both;

    both = s_open(x, a) && s_open(y, b) && s_share_a_time(x, y);
    while (both) {
        const uint64_t at_x = x->column.series;
        const uint64_t at_y = y->column.series;

        if (at_x == at_y)
            n += s_compare(x, y);
        if (at_x <= at_y)
            both = tile_cursor_next(&x->cursor, &x->column) == 1;
        if (at_y <= at_x)
            both = tile_cursor_next(&y->cursor, &y->column) == 1 && both;
    }
    free(sides);
    return n;
}
