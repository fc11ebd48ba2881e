// export_windows - the samples of a batch of series, window by window from the oldest.
//
// In:     a collector that answers one question at a time; the series [first, end) of a list, and
//         at most QUERY_SELECTORS_MAX selectors that mean these and perhaps others.
// Out:    their samples, in what export_windows_samples gives.
// A window that is too large for an answer is made shorter until it is not, by what came of the
// answer (export_density.h), and grows again after small ones; the next batch begins with what the
// last one came to.
// Memory: the samples of one window, at most EXPORT_WINDOW_SAMPLES; where all are to be held before
//         the first is written, at most EXPORT_HELD_SAMPLES and one window.
// Thread: one owner.

#ifndef COLLECTOR_CTL_EXPORT_WINDOWS_H
#define COLLECTOR_CTL_EXPORT_WINDOWS_H

#include <stdbool.h>

#include "collector/ctl/export_list.h"
#include "collector/ctl/export_samples.h"
#include "collector/ctl/query_client.h"

#define EXPORT_WINDOW_SAMPLES 500000u
#define EXPORT_HELD_SAMPLES   1000000u

struct export_batch {
    size_t first, end; // of the list
    const char *selectors[QUERY_SELECTORS_MAX];
    uint32_t n_selectors;
    bool hold; // all windows before the first word
};

typedef struct export_windows export_windows_t;

// Writes what the samples have of the batch. Below zero ends it.
typedef int export_write_fn(void *arg, export_samples_t *samples, const struct export_batch *batch,
                            int64_t upto_ms);

struct export_windows_options {
    query_client_t *client; // borrowed, as the list
    int signals;            // -1: none
    const struct export_list *list;
    int64_t start_ms, end_ms; // both inclusive
    int64_t span_ms;          // of the first window
    void *arg;
    export_write_fn *write;
};

export_windows_t *export_windows_new(const struct export_windows_options *options);
void export_windows_destroy(export_windows_t **self_p);

// 0; ERR_LIMIT: there is too much to be held, and nothing was written; what `write` returned; or as
// query_client_ask.
int export_windows_run(export_windows_t *self, const struct export_batch *batch);
// Samples of the last batch.
uint64_t export_windows_count(const export_windows_t *self);
// The collector's sentence, where it refused. Ours.
struct buf *export_windows_why(export_windows_t *self);
// What some answer lacks; empty: none does.
struct buf *export_windows_lacks(export_windows_t *self);

// query_client_series, and again while the collector has too much to do.
int export_ask(query_client_t *client, struct query_request *q, int signals,
               query_client_series_fn *fn, void *arg, struct buf *why,
               struct query_client_note *note);

#endif
