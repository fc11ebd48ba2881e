// journal_keep - see the header.

#include "collector/journal_keep.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

static void
s_add(struct journal_keep *keep, uint64_t number, int64_t now_ms)
{
    if (keep->n == keep->size) {
        keep->size = keep->size == 0 ? 16 : 2 * keep->size;
        keep->segments = xrealloc(keep->segments, keep->size, sizeof *keep->segments);
    }
    keep->segments[keep->n++] = (struct keep_segment){ number, now_ms };
}

void
journal_keep_begin(struct journal_keep *keep, uint64_t number, int64_t now_ms)
{
    uint64_t next = keep->n == 0 ? number : keep->segments[keep->n - 1].number + 1;

    for (; next <= number; next++)
        s_add(keep, next, now_ms);
}

void
journal_keep_need(struct journal_keep *keep, uint64_t number, int64_t at_ms)
{
    struct keep_segment *segment;

    if (keep->n == 0 || number < keep->segments[0].number ||
        number - keep->segments[0].number >= keep->n)
        return;
    segment = &keep->segments[number - keep->segments[0].number];
    if (segment->needed_ms < at_ms)
        segment->needed_ms = at_ms;
}

uint64_t
journal_keep_lowest(const struct journal_keep *keep, int64_t since_ms)
{
    uint32_t i = 0;

    if (keep->n == 0)
        return 0;
    while (i < keep->n - 1 && keep->segments[i].needed_ms < since_ms)
        i++;
    return keep->segments[i].number;
}

void
journal_keep_trim(struct journal_keep *keep, uint64_t below)
{
    uint32_t gone = 0;

    while (gone < keep->n && keep->segments[gone].number < below)
        gone++;
    if (gone > 0)
        memmove(keep->segments, keep->segments + gone, (keep->n - gone) * sizeof *keep->segments);
    keep->n -= gone;
}

void
journal_keep_release(struct journal_keep *keep)
{
    free(keep->segments);
    *keep = (struct journal_keep){ 0 };
}
