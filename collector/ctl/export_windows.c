// export_windows - see the header.

#include "collector/ctl/export_windows.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "collector/ctl/export_density.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define ANSWER_MS  30000
#define BUSY_MS    100 // between two tries of a collector that has too much to do
#define BUSY_TRIES 50

struct export_windows {
    struct export_windows_options is;
    int64_t span_ms;               // of the window to be asked for next
    uint64_t taken;                // samples of the answer at hand
    struct export_density density; // of them
    uint64_t count;                // of the batch
    export_samples_t *samples;
    struct buf why;
    struct buf lacks;
};

static int s_window(export_windows_t *self, const struct export_batch *batch, int64_t from_ms,
                    int64_t to_ms);
static int s_take(void *arg, const struct query_series *series);
static int s_write(export_windows_t *self, const struct export_batch *batch, int64_t upto_ms);

export_windows_t *
export_windows_new(const struct export_windows_options *options)
{
    export_windows_t *self = xcalloc(1, sizeof *self);

    self->is = *options;
    self->span_ms = options->span_ms > 0 ? options->span_ms : 1;
    return self;
}

void
export_windows_destroy(export_windows_t **self_p)
{
    export_windows_t *self = *self_p;

    if (self == NULL)
        return;
    export_samples_destroy(&self->samples);
    buf_release(&self->why);
    buf_release(&self->lacks);
    free(self);
    *self_p = NULL;
}

int
export_windows_run(export_windows_t *self, const struct export_batch *batch)
{
    const int64_t whole_ms = self->is.end_ms - self->is.start_ms;
    int64_t from_ms = self->is.start_ms;
    int rc = 0;

    self->count = 0;
    self->samples = export_samples_new(self->is.list, batch->first, batch->end);
    while (rc == 0 && from_ms <= self->is.end_ms) {
        const int64_t left_ms = self->is.end_ms - from_ms;
        const int64_t to_ms = from_ms + (self->span_ms < left_ms ? self->span_ms : left_ms);

        rc = s_window(self, batch, from_ms, to_ms);
        if (rc == ERR_LIMIT && to_ms > from_ms) {
            self->span_ms = export_density_width(&self->density, batch->end - batch->first,
                                                 EXPORT_WINDOW_SAMPLES / 2);
            rc = 0;
            continue;
        }
        if (rc == 0 && batch->hold && export_samples_count(self->samples) > EXPORT_HELD_SAMPLES)
            rc = ERR_LIMIT;
        else if (rc == 0 && !batch->hold)
            rc = s_write(self, batch, to_ms);
        if (self->taken < EXPORT_WINDOW_SAMPLES / 4 && self->span_ms < whole_ms)
            self->span_ms = self->span_ms < whole_ms / 2 ? 2 * self->span_ms + 1 : whole_ms;
        from_ms = to_ms + 1;
    }
    if (rc == 0 && batch->hold)
        rc = s_write(self, batch, self->is.end_ms);
    export_samples_destroy(&self->samples);
    return rc;
}

uint64_t
export_windows_count(const export_windows_t *self)
{
    return self->count;
}

struct buf *
export_windows_why(export_windows_t *self)
{
    return &self->why;
}

struct buf *
export_windows_lacks(export_windows_t *self)
{
    return &self->lacks;
}

int
export_ask(query_client_t *client, struct query_request *q, int signals, query_client_series_fn *fn,
           void *arg, struct buf *why, struct query_client_note *note)
{
    int rc = -EAGAIN;

    for (int i = 0; i < BUSY_TRIES && rc == -EAGAIN; i++) {
        struct pollfd signal = { .fd = signals, .events = POLLIN };

        if (i > 0 && poll(&signal, 1, BUSY_MS) > 0)
            return -EINTR;
        rc = query_client_series(client, q, ANSWER_MS, fn, arg, why, note);
    }
    return rc;
}

// An answer that is none leaves no trace.
static int
s_window(export_windows_t *self, const struct export_batch *batch, int64_t from_ms, int64_t to_ms)
{
    struct query_request q = { .type = QUERY_SELECT,
                               .start_ms = from_ms,
                               .end_ms = to_ms,
                               .n_selectors = batch->n_selectors };
    struct query_client_note note = { 0 };
    int rc;

    for (uint32_t i = 0; i < batch->n_selectors; i++)
        q.selectors[i] = batch->selectors[i];
    self->taken = 0;
    export_density_begin(&self->density, from_ms, to_ms);
    rc = export_ask(self->is.client, &q, self->is.signals, s_take, self, &self->why, &note);
    if (rc == 0)
        export_samples_keep(self->samples);
    else
        export_samples_drop(self->samples);
    if (rc == 0 && note.lacks.len > 0) {
        buf_clear(&self->lacks);
        buf_bytes(&self->lacks, note.lacks.at, note.lacks.len);
    }
    buf_release(&note.lacks);
    return rc;
}

static int
s_take(void *arg, const struct query_series *series)
{
    export_windows_t *self = arg;

    self->taken += series->n;
    export_density_add(&self->density, series->samples, series->n);
    export_samples_add(self->samples, series);
    return self->taken > EXPORT_WINDOW_SAMPLES ? ERR_LIMIT : 0;
}

static int
s_write(export_windows_t *self, const struct export_batch *batch, int64_t upto_ms)
{
    const uint64_t count = export_samples_count(self->samples);
    const int rc = self->is.write(self->is.arg, self->samples, batch, upto_ms);

    self->count += count;
    export_samples_clear(self->samples);
    return rc;
}
