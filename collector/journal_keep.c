// journal_keep - see the header.

#include "collector/journal_keep.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

void
journal_keep_begin(struct journal_keep *keep, uint64_t number)
{
    uint64_t next = keep->n == 0 ? number : keep->segments[keep->n - 1].number + 1;

    for (; next <= number; next++) {
        if (keep->n == keep->size) {
            keep->size = keep->size == 0 ? 16 : 2 * keep->size;
            keep->segments = xrealloc(keep->segments, keep->size, sizeof *keep->segments);
        }
        keep->segments[keep->n++] = (struct keep_segment){ next, next };
    }
}

void
journal_keep_need(struct journal_keep *keep, uint64_t number, uint64_t by)
{
    struct keep_segment *segment;

    if (keep->n == 0 || number < keep->segments[0].number ||
        number - keep->segments[0].number >= keep->n)
        return;
    segment = &keep->segments[number - keep->segments[0].number];
    if (segment->needed_by < by)
        segment->needed_by = by;
}

uint64_t
journal_keep_lowest(const struct journal_keep *keep, uint64_t from)
{
    uint32_t i = 0;

    if (keep->n == 0)
        return 0;
    while (i < keep->n - 1 && keep->segments[i].needed_by < from)
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
