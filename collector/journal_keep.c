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
    keep->segments[keep->n++] = (struct keep_segment){ number, now_ms, INT64_MIN };
}

void
journal_keep_begin(struct journal_keep *keep, uint64_t number, int64_t now_ms)
{
    uint64_t next = keep->n == 0 ? number : keep->segments[keep->n - 1].number + 1;

    for (; next <= number; next++)
        s_add(keep, next, now_ms);
}

// NULL if it is not known.
static struct keep_segment *
s_find(const struct journal_keep *keep, uint64_t number)
{
    if (keep->n == 0 || number < keep->segments[0].number ||
        number - keep->segments[0].number >= keep->n)
        return NULL;
    return &keep->segments[number - keep->segments[0].number];
}

void
journal_keep_need(struct journal_keep *keep, uint64_t number, int64_t at_ms)
{
    struct keep_segment *segment = s_find(keep, number);

    if (segment != NULL && segment->needed_ms < at_ms)
        segment->needed_ms = at_ms;
}

void
journal_keep_fresh(struct journal_keep *keep, uint64_t number)
{
    journal_keep_set_least(keep, number, INT64_MAX);
}

void
journal_keep_least(struct journal_keep *keep, uint64_t number, int64_t least_ms)
{
    struct keep_segment *segment = s_find(keep, number);

    if (segment != NULL && segment->least_ms > least_ms)
        segment->least_ms = least_ms;
}

void
journal_keep_set_least(struct journal_keep *keep, uint64_t number, int64_t least_ms)
{
    struct keep_segment *segment = s_find(keep, number);

    if (segment != NULL)
        segment->least_ms = least_ms;
}

bool
journal_keep_reaches(const struct journal_keep *keep, uint64_t number, int64_t time_ms)
{
    const struct keep_segment *segment = s_find(keep, number);

    return segment == NULL || segment->least_ms <= time_ms;
}

int64_t
journal_keep_oldest_ms(const struct journal_keep *keep)
{
    int64_t oldest_ms = INT64_MAX;

    for (uint32_t i = 0; i < keep->n; i++)
        if (keep->segments[i].least_ms < oldest_ms)
            oldest_ms = keep->segments[i].least_ms;
    return oldest_ms;
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
