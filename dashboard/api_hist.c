// api_hist - /api/v1/hist: columns of one host from the past, as they are or in buckets.

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dashboard/api.h"
#include "dashboard/event_encode.h"
#include "dashboard/reply.h"
#include "dashboard/view.h"
#include "dashboard/view_window.h"
#include "shared/base/clock.h"
#include "shared/base/json.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"

#define SPAN_DEFAULT_MS (5 * 60 * 1000)
#define POINTS_DEFAULT  600
#define POINTS_MAX      11000

// What the parameters say.
struct hist {
    struct view_pick pick;
    size_t points;
    int64_t from_ms;
    int64_t to_ms; // inclusive
};

enum bucket_fold { BUCKET_AVG, BUCKET_MIN, BUCKET_MAX };
static const char *const fold_names[] = { "avg", "min", "max" };

// Rows put together: bucket b holds rows from starts[b] to starts[b + 1].
struct buckets {
    int64_t step_ms;
    bool raw; // a bucket is a row, its time that of the row
    size_t n;
    int64_t *times_ms;
    size_t *starts; // n + 1
};

static bool s_parse(exchange_t *x, struct hist *ret, enum MHD_Result *rc);
static enum MHD_Result s_reply(exchange_t *x, const struct hist *hist,
                               const struct link_request *request,
                               const struct query_series *series, size_t n);
static void s_split(struct buckets *b, const struct view_window *w, const struct hist *hist,
                    int64_t interval_ms);
static void s_choose_step(struct buckets *b, const struct hist *hist, int64_t interval_ms,
                          int64_t *origin_ms);
static void s_write(struct buf *body, const struct link_request *request, const view_t *view,
                    const struct view_window *w, const struct buckets *b);
static void s_write_fold(struct json *j, const view_t *view, const struct view_window *w,
                         const struct buckets *b, enum bucket_fold fold);
static double s_fold(const struct view_window *w, size_t first, size_t end, size_t column,
                     enum bucket_fold fold);

enum MHD_Result
api_hist(exchange_t *x)
{
    struct link_request *request;
    struct hist hist;
    enum MHD_Result rc;
    char *host;

    if (!s_parse(x, &hist, &rc))
        return rc;
    if (!api_param_needed(x, "h", &host, &rc)) {
        view_pick_release(&hist.pick);
        return rc;
    }
    request = link_request_new(LINK_SELECT);
    request->host = host;
    request->start_ms = hist.from_ms;
    request->end_ms = hist.to_ms;
    request->n_selectors = view_selectors(&hist.pick, &request->text, request->selectors,
                                          QUERY_SELECTORS_MAX);
    view_pick_release(&hist.pick);
    return exchange_ask(x, &request);
}

enum MHD_Result
api_hist_answer(exchange_t *x, struct link_request *request)
{
    struct query_series *series;
    struct hist hist;
    enum MHD_Result rc;
    size_t n;

    if (request->status != LINK_OK)
        return reply_link_error(x, request);
    if (link_series_take(&series, &n, request->replies, request->n_replies) != 0)
        return reply_error(x, MHD_HTTP_SERVICE_UNAVAILABLE,
                           "the collector's answer cannot be read");
    // The parameters were right before the collector was asked; a default time has moved on since.
    if (s_parse(x, &hist, &rc)) {
        hist.from_ms = request->start_ms;
        hist.to_ms = request->end_ms;
        rc = s_reply(x, &hist, request, series, n);
        view_pick_release(&hist.pick);
    }
    link_series_free(series, n);
    return rc;
}

// False if a parameter is wrong: then *rc is what the handler returns, and *ret holds nothing.
static bool
s_parse(exchange_t *x, struct hist *ret, enum MHD_Result *rc)
{
    uint64_t to = (uint64_t) clock_real_ms(), from, points = POINTS_DEFAULT;
    char error[VIEW_ERROR_SIZE];
    char *columns;

    if (!api_time(x, "to", &to, rc))
        return false;
    from = to > SPAN_DEFAULT_MS ? to - SPAN_DEFAULT_MS : 0;
    if (!api_time(x, "from", &from, rc) ||
        !api_number(x, "pts", 1, POINTS_MAX, "a number from 1 to 11000", &points, rc))
        return false;
    if (from >= to) {
        *rc = reply_error(x, MHD_HTTP_BAD_REQUEST, "from: %" PRIu64 " is not before to, %" PRIu64,
                          from, to);
        return false;
    }
    if (!api_param(x, "c", &columns, rc))
        return false;
    *ret = (struct hist){ .points = (size_t) points,
                          .from_ms = (int64_t) from,
                          .to_ms = (int64_t) to };
    if (columns != NULL && view_pick_parse(&ret->pick, columns, error) < 0) {
        *rc = reply_error(x, MHD_HTTP_BAD_REQUEST, "%s", error);
        free(columns);
        return false;
    }
    free(columns);
    return true;
}

static enum MHD_Result
s_reply(exchange_t *x, const struct hist *hist, const struct link_request *request,
        const struct query_series *series, size_t n)
{
    const int64_t interval_ms = request->info.interval_ms > 0 ? request->info.interval_ms : 1000;
    view_t *view = view_new(&hist->pick, interval_ms);
    const struct view_column *columns;
    struct view_window window;
    struct buckets buckets;
    struct buf body = { 0 };

    for (size_t i = 0; i < n; i++)
        view_add(view, &series[i].labels);
    view_seal(view);
    view_window_init(&window, view_columns(view, &columns));
    view_window_load(&window, view, series, n, hist->from_ms, hist->to_ms + 1);
    s_split(&buckets, &window, hist, interval_ms);
    s_write(&body, request, view, &window, &buckets);
    free(buckets.times_ms);
    free(buckets.starts);
    view_window_release(&window);
    view_destroy(&view);
    return reply_body(x, MHD_HTTP_OK, REPLY_JSON, &body);
}

static void
s_split(struct buckets *b, const struct view_window *w, const struct hist *hist,
        int64_t interval_ms)
{
    const size_t rows = view_window_rows(w);
    int64_t origin_ms = 0;

    *b = (struct buckets){ .step_ms = interval_ms, .raw = rows <= hist->points };
    if (!b->raw)
        s_choose_step(b, hist, interval_ms, &origin_ms);
    b->times_ms = xcalloc(rows + 1, sizeof *b->times_ms);
    b->starts = xcalloc(rows + 1, sizeof *b->starts);
    for (size_t r = 0; r < rows; r++) {
        int64_t time_ms = view_window_time(w, r);

        if (!b->raw)
            time_ms -= (time_ms - origin_ms) % b->step_ms;
        if (b->n == 0 || b->times_ms[b->n - 1] != time_ms) {
            b->times_ms[b->n] = time_ms;
            b->starts[b->n++] = r;
        }
    }
    b->starts[b->n] = rows;
}

// A multiple of the interval with which the span has at most so many buckets. Their edges are
// multiples of the step, so that they stay where they are while the span moves.
static void
s_choose_step(struct buckets *b, const struct hist *hist, int64_t interval_ms, int64_t *origin_ms)
{
    const int64_t span_ms = hist->to_ms - hist->from_ms + 1;
    // One less: the span may begin and end within a bucket.
    const int64_t most = hist->points > 1 ? (int64_t) hist->points - 1 : 1;
    const int64_t least_ms = (span_ms + most - 1) / most;

    b->step_ms = (least_ms + interval_ms - 1) / interval_ms * interval_ms;
    *origin_ms = hist->points > 1 ? 0 : hist->from_ms;
}

static void
s_write(struct buf *body, const struct link_request *request, const view_t *view,
        const struct view_window *w, const struct buckets *b)
{
    const struct view_column *columns;
    const size_t n = view_columns(view, &columns);
    const int64_t t0_ms = b->n > 0 ? b->times_ms[0] : 0;
    char id[STR_HEX64_SIZE];
    struct json j;

    json_init(&j, body);
    json_object(&j);
    json_key(&j, "h");
    json_str(&j, str_hex64_put(id, request->info.host));
    json_key(&j, "t0");
    json_int(&j, t0_ms);
    json_key(&j, "step");
    json_int(&j, b->step_ms);
    json_key(&j, "n");
    json_uint(&j, b->n);
    json_key(&j, "tier");
    json_str(&j, "raw");
    json_key(&j, "c");
    json_array(&j);
    for (size_t i = 0; i < n; i++)
        json_str(&j, columns[i].id);
    json_array_end(&j);
    json_key(&j, "units");
    json_array(&j);
    for (size_t i = 0; i < n; i++)
        json_str(&j, view_unit_str(columns[i].unit));
    json_array_end(&j);
    json_key(&j, "cols");
    event_encode_columns(&j, columns, n);
    json_key(&j, "t");
    json_array(&j);
    for (size_t i = 0; i < b->n; i++)
        json_int(&j, b->times_ms[i] - t0_ms);
    json_array_end(&j);
    s_write_fold(&j, view, w, b, BUCKET_AVG);
    if (!b->raw) {
        s_write_fold(&j, view, w, b, BUCKET_MIN);
        s_write_fold(&j, view, w, b, BUCKET_MAX);
    }
    json_object_end(&j);
    buf_str(body, "\n");
}

static void
s_write_fold(struct json *j, const view_t *view, const struct view_window *w,
             const struct buckets *b, enum bucket_fold fold)
{
    const struct view_column *columns;
    const size_t n = view_columns(view, &columns);

    json_key(j, fold_names[fold]);
    json_array(j);
    for (size_t c = 0; c < n; c++) {
        json_array(j);
        for (size_t i = 0; i < b->n; i++)
            event_encode_number(j, s_fold(w, b->starts[i], b->starts[i + 1], c, fold),
                                columns[c].unit);
        json_array_end(j);
    }
    json_array_end(j);
}

// Of rows first to end (exclusive); what is missing does not count, NaN if all is.
static double
s_fold(const struct view_window *w, size_t first, size_t end, size_t column, enum bucket_fold fold)
{
    double sum = 0, least = INFINITY, most = -INFINITY;
    size_t n = 0;

    for (size_t r = first; r < end; r++) {
        const double v = view_window_row(w, r)[column];

        if (isnan(v))
            continue;
        sum += v;
        least = v < least ? v : least;
        most = v > most ? v : most;
        n++;
    }
    if (n == 0)
        return NAN;
    return fold == BUCKET_AVG ? sum / (double) n : fold == BUCKET_MIN ? least : most;
}
