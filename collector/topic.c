// topic - see the header.

#include "collector/topic.h"

#include <stdlib.h>

#include "shared/base/xalloc.h"

static uint32_t s_seek(const struct topic *topic, uint32_t at, series_id id);

struct topics *
topics_new(uint64_t host)
{
    static const char kinds[] = { [TOPIC_APPS] = LIVE_APP_ROWS, [TOPIC_HOST] = LIVE_HOST_ROWS };
    struct topics *topics = xcalloc(1, sizeof *topics);

    for (unsigned i = 0; i < TOPICS; i++) {
        topics->at[i].host = host;
        topics->at[i].generation = 1;
        live_topic(topics->at[i].name, kinds[i], host);
    }
    return topics;
}

void
topics_free(struct topics *topics)
{
    for (unsigned i = 0; i < TOPICS; i++)
        free(topics->at[i].ids);
    free(topics);
}

bool
topic_admit(struct topic *topic, const struct store_row *row)
{
    uint32_t fresh = 0;
    uint32_t at = 0;

    for (uint32_t i = 0; i < row->n; i++) {
        at = s_seek(topic, at, row->series[i]);
        fresh += at == topic->n_ids || topic->ids[at] != row->series[i];
    }
    if (fresh == 0)
        return false;
    if (topic->n_ids + fresh > topic->size) {
        topic->size = topic->n_ids + fresh + topic->size / 2;
        topic->ids = xrealloc(topic->ids, topic->size, sizeof *topic->ids);
    }
    // Merged from the end, so that nothing is overwritten before it is read.
    for (uint32_t to = topic->n_ids + fresh, have = topic->n_ids, i = row->n; i > 0;) {
        if (have > 0 && topic->ids[have - 1] >= row->series[i - 1]) {
            i -= topic->ids[have - 1] == row->series[i - 1];
            topic->ids[--to] = topic->ids[--have];
        } else {
            topic->ids[--to] = row->series[--i];
        }
    }
    topic->n_ids += fresh;
    return true;
}

// The place of the first series from `at` on that is not below `id`. A row of a host has nearly all
// of the set, one of an application a few of thousands: steps double, then halve.
static uint32_t
s_seek(const struct topic *topic, uint32_t at, series_id id)
{
    uint32_t step = 1;

    if (at >= topic->n_ids || topic->ids[at] >= id)
        return at;
    while (step < topic->n_ids - at && topic->ids[at + step] < id) {
        at += step;
        step *= 2;
    }
    // ids[at] is below id; the place is at most `step` further.
    for (uint32_t end = step < topic->n_ids - at ? at + step : topic->n_ids; at + 1 < end;) {
        const uint32_t middle = at + (end - at) / 2;

        if (topic->ids[middle] < id)
            at = middle;
        else
            end = middle;
    }
    return at + 1;
}
