// fuzz_live - a body of the live stream, of a stranger. What is taken is put again.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/wire/live.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

// One put of what was taken must not be longer: it is the shortest form of the same.
static void
s_expect_shorter(struct buf *out, size_t n)
{
    if (out->len > n)
        abort();
    buf_release(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct live_series *series;
    struct host_info host;
    struct live_filled filled;
    struct host_event event;
    struct live_row row = { 0 };
    struct buf out = { 0 };
    struct live_header h;
    uint32_t count;
    struct rbuf r;

    if (live_take(&h, &r, at, n) < 0)
        return 0;
    if (h.type == LIVE_TABLE && live_take_table(&r, &series, &count) == 0) {
        live_put_table(&out, &h, series, count);
        live_series_free(series, count);
    } else if (h.type == LIVE_ROW && live_take_row(&r, &row) == 0) {
        live_put_row(&out, &h, row.ids, row.values, row.n);
    } else if (h.type == LIVE_HOST && live_take_host(&r, &host) == 0) {
        live_put_host(&out, &h, &host);
        host_info_release(&host);
    } else if (h.type == LIVE_FILLED && live_take_filled(&r, &filled) == 0) {
        live_put_filled(&out, &h, &filled);
    } else if (h.type == LIVE_EVENT && live_take_event(&r, &event) == 0) {
        host_event_release(&event);
    }
    live_row_release(&row);
    s_expect_shorter(&out, n);
    return 0;
}
