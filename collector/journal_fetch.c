// journal_fetch - see the header.

#include "collector/journal_fetch.h"

#include <stdlib.h>

#include "shared/base/err.h"
#include "shared/base/segment_cursor.h"

#define NEAR_BYTES (1024u * 1024u)

static int
s_compare(const void *a, const void *b)
{
    const struct segment_place x = ((const struct journal_wish *) a)->place;
    const struct segment_place y = ((const struct journal_wish *) b)->place;

    if (x.segment != y.segment)
        return x.segment < y.segment ? -1 : 1;
    return (x.offset > y.offset) - (x.offset < y.offset);
}

// Whether reading on is cheaper than looking for the next one.
static bool
s_near(struct segment_place a, struct segment_place b)
{
    return a.segment == b.segment && b.offset - a.offset < NEAR_BYTES;
}

// Wishes of one segment, which are the first `n`.
static int
s_segment(segment_cursor_t *cursor, struct segment_place until, const struct journal_wish *wishes,
          size_t n, journal_fetch_fn *fn, void *arg)
{
    struct segment_entry at;
    size_t i = 0;
    int rc;

    while (i < n && (rc = segment_cursor_next(cursor, until, &at)) != 0) {
        struct journal_entry entry;
        bool sound;

        if (rc < 0 && rc != ERR_FORMAT)
            return rc == ERR_CLOSED ? 0 : rc;
        if (at.place.segment != wishes[0].place.segment)
            return 0;
        sound = rc == 1;
        while (i < n && wishes[i].place.offset < at.place.offset)
            i++; // damaged, or no entry begins there
        for (; i < n && sound && wishes[i].place.offset == at.place.offset; i++)
            if (journal_entry_take(&entry, at.at, at.len) == 0)
                fn(arg, &wishes[i], &entry);
    }
    return 0;
}

int
journal_fetch(const char *dir, uint64_t owner, struct segment_place until,
              struct journal_wish *wishes, size_t n, journal_fetch_fn *fn, void *arg)
{
    int rc = 0;

    if (n > 0)
        qsort(wishes, n, sizeof *wishes, s_compare);
    for (size_t from = 0, to; from < n && rc == 0; from = to) {
        segment_cursor_t *cursor;

        for (to = from + 1; to < n && s_near(wishes[to - 1].place, wishes[to].place); to++) {
        }
        rc = segment_cursor_open(&cursor, dir, owner, wishes[from].place);
        if (rc < 0)
            break;
        rc = s_segment(cursor, until, wishes + from, to - from, fn, arg);
        segment_cursor_close(&cursor);
    }
    return rc;
}
