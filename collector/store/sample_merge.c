// sample_merge - see the header.

#include "collector/store/sample_merge.h"

#include <stdbool.h>
#include <string.h>

// The first that is not before that time.
static uint32_t
s_find(const struct sample *run, uint32_t n, int64_t time_ms)
{
    uint32_t at = 0;

    for (uint32_t end = n; at < end;) {
        const uint32_t middle = at + (end - at) / 2;

        if (run[middle].time_ms < time_ms)
            at = middle + 1;
        else
            end = middle;
    }
    return at;
}

uint32_t
sample_merge(struct sample *run, uint32_t n_run, const struct sample *more, uint32_t n,
             struct sample *room)
{
    uint32_t out, n_old, i = 0, k = 0;

    if (n == 0)
        return n_run;
    if (n_run == 0 || run[n_run - 1].time_ms < more[0].time_ms) {
        memcpy(run + n_run, more, n * sizeof *more);
        return n_run + n;
    }
    out = s_find(run, n_run, more[0].time_ms);
    n_old = n_run - out;
    memcpy(room, run + out, n_old * sizeof *room);
    while (i < n_old || k < n) {
        const bool old = k == n || (i < n_old && room[i].time_ms <= more[k].time_ms);

        k += old && k < n && room[i].time_ms == more[k].time_ms;
        run[out++] = old ? room[i++] : more[k++];
    }
    return out;
}
