// api_metrics - /metrics: our own counters and what collector and agents told last, as Prometheus'
// text format 0.0.4.

#include <stdlib.h>
#include <string.h>

#include "dashboard/api.h"
#include "dashboard/reply.h"
#include "shared/base/clock.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"

#define LATEST_MS (60 * 1000) // an older sample is of a program that is gone
#define SELECTOR  "{__name__=~\"zpulse_.*|process_.*\",job=\"zpulse\"}"

struct line {
    char *name;
    char *series; // name{label="value"}
    enum metric_kind kind;
    double value;
};

struct lines {
    struct line *at;
    size_t n, size;
};

static enum MHD_Result s_reply(exchange_t *x, struct lines *lines);
static selfstat_fn s_add_own;
static void s_add(struct lines *lines, const char *name, const struct label_set *labels,
                  enum metric_kind kind, double value);
static int s_compare(const void *a, const void *b);
static void s_put_family(struct buf *body, const struct line *line);

enum MHD_Result
api_metrics(exchange_t *x)
{
    struct link_request *request = link_request_new(LINK_LAST);

    buf_str(&request->text, SELECTOR);
    request->selectors[0] = buf_cstr(&request->text);
    request->n_selectors = 1;
    request->start_ms = clock_real_ms() - LATEST_MS;
    request->end_ms = INT64_MAX;
    return exchange_ask(x, &request);
}

// Without the collector there are still our own.
enum MHD_Result
api_metrics_answer(exchange_t *x, struct link_request *request)
{
    struct lines lines = { 0 };
    struct query_series *series;
    size_t n;

    selfstat_each(s_add_own, &lines);
    if (request->status == LINK_OK &&
        link_series_take(&series, &n, request->replies, request->n_replies) == 0) {
        for (size_t i = 0; i < n; i++)
            if (series[i].n > 0 && !sample_is_stale(series[i].samples[series[i].n - 1].value))
                s_add(&lines, label_set_metric(&series[i].labels), &series[i].labels,
                      series[i].kind, series[i].samples[series[i].n - 1].value);
        link_series_free(series, n);
    }
    return s_reply(x, &lines);
}

static enum MHD_Result
s_reply(exchange_t *x, struct lines *lines)
{
    struct buf body = { 0 };

    if (lines->n > 0)
        qsort(lines->at, lines->n, sizeof *lines->at, s_compare);
    for (size_t i = 0; i < lines->n; i++) {
        const struct line *line = &lines->at[i];

        if (i == 0 || strcmp(lines->at[i - 1].name, line->name) != 0)
            s_put_family(&body, line);
        buf_printf(&body, "%s ", line->series);
        buf_double(&body, line->value);
        buf_byte(&body, '\n');
    }
    for (size_t i = 0; i < lines->n; i++) {
        free(lines->at[i].name);
        free(lines->at[i].series);
    }
    free(lines->at);
    return reply_body(x, MHD_HTTP_OK, REPLY_METRICS, &body);
}

static void
s_add_own(void *arg, const char *name, const char *label, const char *label_value,
          enum metric_kind kind, double value)
{
    const struct label own[] = { { LABEL_METRIC, name }, { label, label_value } };
    struct label_set labels;

    if (label_set_init(&labels, own, label != NULL ? 2 : 1) != 0)
        return;
    s_add(arg, name, &labels, kind, value);
    label_set_release(&labels);
}

static void
s_add(struct lines *lines, const char *name, const struct label_set *labels, enum metric_kind kind,
      double value)
{
    struct buf text = { 0 };

    if (lines->n == lines->size) {
        lines->size = lines->size == 0 ? 128 : lines->size * 2;
        lines->at = xrealloc(lines->at, lines->size, sizeof *lines->at);
    }
    label_set_text(&text, labels);
    lines->at[lines->n++] = (struct line){
        .name = xstrdup(name), .series = xstrdup(buf_cstr(&text)), .kind = kind, .value = value
    };
    buf_release(&text);
}

// Families together, each in a steady order.
static int
s_compare(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    const int by_name = strcmp(x->name, y->name);

    return by_name != 0 ? by_name : strcmp(x->series, y->series);
}

static void
s_put_family(struct buf *body, const struct line *line)
{
    const char *help = selfstat_help(line->name);
    const char *type = "untyped";

    if (help != NULL)
        buf_printf(body, "# HELP %s %s\n", line->name, help);
    if (line->kind == METRIC_COUNTER)
        type = "counter";
    else if (line->kind == METRIC_GAUGE || line->kind == METRIC_INFO)
        type = "gauge";
    buf_printf(body, "# TYPE %s %s\n", line->name, type);
}
