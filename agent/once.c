// once - see the header.
//
// The same table that would have been sent, so what is printed has the names, kinds and values that
// a collector would get; only `instance` is missing, which the collector adds.

#include "agent/once.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/own_series.h"
#include "agent/sampler.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"
#include "shared/model/sample.h"
#include "shared/net/option.h"

#define ONCE_INTERVAL_MS 1000 // any: there is one tick, in which every family is due
#define ONCE_WAIT_MS     5500 // for a mount that hangs to count as stuck, and those behind it to answer

// A series as it is sorted.
struct row {
    const struct slot_def *def;
    const char *metric;
    const char *help; // may be NULL
    const struct cell *cell;
};

static int s_compare(const void *a, const void *b);
static void s_head(struct buf *out, const struct row *row);

int
once_run(const char *rootfs, const struct family_wishes *wishes, FILE *out, bool *clean_ret)
{
    series_table_t *table;
    own_series_t *own;
    sampler_t *sampler;
    struct buf text = { 0 };
    bool written;
    int rc;

    *clean_ret = true;
    own_series_init();
    rc = sampler_open(&sampler, rootfs, ONCE_INTERVAL_MS, wishes);
    if (rc < 0) {
        log_error("the root folder has no proc", "rootfs=%s error=%s", log_quote(rootfs),
                  log_quote(err_str(rc)));
        return OPTION_EXIT_UNAVAILABLE;
    }
    table = series_table_new();
    own = own_series_new();
    sampler_settle(sampler, ONCE_WAIT_MS);
    series_table_begin(table);
    sampler_sample(sampler, table);
    own_series_sample(own, table);
    series_table_end(table);
    once_text(&text, table);
    written = fwrite(text.at, 1, text.len, out) == text.len && fflush(out) == 0;
    if (!written)
        log_error("the sample can not be written", "error=%s", log_quote(err_str(-errno)));
    buf_release(&text);
    own_series_destroy(&own);
    series_table_destroy(&table);
    *clean_ret = sampler_close(&sampler);
    return written ? OPTION_EXIT_OK : OPTION_EXIT_FAILED;
}

void
once_text(struct buf *out, const series_table_t *table)
{
    const uint32_t n = series_table_count(table);
    const struct cell *cells = series_table_cells(table);
    struct row *rows = xcalloc(n > 0 ? n : 1, sizeof *rows);
    const char *metric = "";
    uint32_t present = 0;

    for (uint32_t i = 0; i < n; i++) {
        const struct slot_def *def = series_table_def(table, i);

        if (cells[i].state != CELL_ABSENT)
            rows[present++] = (struct row){ .def = def,
                                            .metric = label_set_metric(&def->labels),
                                            .help = series_table_help(table, i),
                                            .cell = &cells[i] };
    }
    qsort(rows, present, sizeof *rows, s_compare);
    for (uint32_t i = 0; i < present; i++) {
        const struct row *row = &rows[i];

        if (strcmp(metric, row->metric) != 0)
            s_head(out, row);
        metric = row->metric;
        label_set_text(out, &row->def->labels);
        buf_byte(out, ' ');
        buf_double(out, row->cell->state == CELL_INTEGER
                            ? metric_value(row->def->form, row->cell->m)
                            : sample_from_bits(row->cell->bits));
        buf_byte(out, '\n');
    }
    free(rows);
}

// Label sets are sorted by label, where __name__ is not always first: the metric decides.
static int
s_compare(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    const int metric = strcmp(x->metric, y->metric);

    return metric != 0 ? metric : label_set_compare(&x->def->labels, &y->def->labels);
}

// This text knows neither "unknown" nor "info": those are OpenMetrics' words.
static const char *
s_type(enum metric_kind kind)
{
    switch (kind) {
    case METRIC_UNTYPED:
        return "untyped";
    case METRIC_INFO:
        return "gauge";
    default:
        return metric_kind_str(kind);
    }
}

static void
s_head(struct buf *out, const struct row *row)
{
    if (row->help != NULL)
        buf_printf(out, "# HELP %s %s\n", row->metric, row->help);
    buf_printf(out, "# TYPE %s %s\n", row->metric, s_type(row->def->kind));
}
