// fuzz_series_run - any bytes as a run of series: refused, or series that are what they were once
// they are written and read again. The first byte says how many there are.

#include <stdlib.h>
#include <string.h>

#include "collector/store/series_run.h"

#define HOST 7u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What was read, and then what is read again.
struct seen {
    struct series_run again;
    struct label_set labels[256];
    enum metric_kind kinds[256];
    uint32_t n, compared;
};

static int
s_see(void *arg, const struct meta_series *series)
{
    struct seen *seen = arg;
    struct meta_series copy = *series;

    label_set_copy(&seen->labels[seen->n], series->labels);
    seen->kinds[seen->n] = series->kind;
    copy.labels = &seen->labels[seen->n++];
    series_run_add(&seen->again, &copy);
    return 0;
}

static int
s_compare(void *arg, const struct meta_series *series)
{
    struct seen *seen = arg;

    if (!label_set_equal(&seen->labels[seen->compared], series->labels) ||
        seen->kinds[seen->compared] != series->kind || series->host != HOST)
        abort();
    seen->compared++;
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct seen seen;

    memset(&seen, 0, sizeof seen);
    if (size > 0)
        (void) series_run_read(HOST, 1, data[0], data + 1, size - 1, s_see, &seen);
    if (series_run_read(HOST, 1, seen.n, seen.again.bytes.at, seen.again.bytes.len, s_compare,
                        &seen) != 0 ||
        seen.compared != seen.n)
        abort();
    for (uint32_t i = 0; i < seen.n; i++)
        label_set_release(&seen.labels[i]);
    buf_release(&seen.again.bytes);
    return 0;
}
