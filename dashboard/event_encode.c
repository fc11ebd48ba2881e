// event_encode - the events of a stream as bytes: server-sent events with JSON in one line.

#include "dashboard/event_encode.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "shared/base/str.h"
#include "shared/net/option.h"
#include "shared/wire/event_json.h"

#define STALE_MIN_MS    5000
#define STALE_INTERVALS 3

static void s_begin(struct json *j, struct buf *out, const char *name);
static void s_begin_numbered(struct json *j, struct buf *out, const char *name, const char *boot,
                             uint64_t seq);
static struct event *s_end(struct json *j, uint64_t seq);
static struct event *s_of_kind(struct event *e, enum event_kind kind, int64_t time_ms);
static void s_without_id(struct buf *out, const struct event *e);
static void s_text(struct json *j, const char *key, const char *text);
static void s_host_row(struct json *j, const struct event_view *v);
static void s_now(struct json *j, const struct event_view *v, const double *row);
static void s_history(struct json *j, const struct event_view *v, const struct view_window *window);

struct event *
event_encode_hello(const char *boot, int64_t now_ms, int64_t interval_ms, unsigned max_streams)
{
    struct buf out = { 0 };
    struct json j;
    int64_t stale_ms = interval_ms * STALE_INTERVALS;

    s_begin(&j, &out, "hello");
    json_key(&j, "v");
    json_int(&j, 1);
    json_key(&j, "srv");
    json_str(&j, "zpulse-dashboard");
    json_key(&j, "build");
    json_str(&j, zpulse_version);
    json_key(&j, "boot");
    json_str(&j, boot);
    json_key(&j, "now");
    json_int(&j, now_ms);
    json_key(&j, "tick");
    json_int(&j, interval_ms);
    json_key(&j, "stale");
    json_int(&j, stale_ms < STALE_MIN_MS ? STALE_MIN_MS : stale_ms);
    json_key(&j, "ring");
    json_int(&j, EVENT_RING_SIZE);
    json_key(&j, "lim");
    json_object(&j);
    json_key(&j, "sse");
    json_uint(&j, max_streams);
    json_object_end(&j);
    json_key(&j, "user");
    json_null(&j);
    json_key(&j, "ro");
    json_bool(&j, true);
    return s_end(&j, 0);
}

struct event *
event_encode_snap(const struct event_view *v, uint64_t seq, const struct view_window *window)
{
    const size_t rows = view_window_rows(window);
    struct buf out = { 0 };
    struct json j;

    s_begin_numbered(&j, &out, "snap", v->boot, seq);
    json_key(&j, "t");
    json_int(&j, rows > 0 ? view_window_time(window, rows - 1) : 0);
    json_key(&j, "cols");
    event_encode_columns(&j, v->columns, v->n_columns);
    json_key(&j, "hosts");
    json_array(&j);
    s_host_row(&j, v);
    json_array_end(&j);
    s_now(&j, v, rows > 0 ? view_window_row(window, rows - 1) : NULL);
    json_key(&j, "hist");
    s_history(&j, v, window);
    return s_of_kind(s_end(&j, seq), EVENT_SNAP, 0);
}

struct event *
event_encode_tick(const struct event_view *v, uint64_t seq, int64_t time_ms, const double *row)
{
    struct buf out = { 0 };
    struct json j;

    s_begin_numbered(&j, &out, "tick", v->boot, seq);
    json_key(&j, "t");
    json_int(&j, time_ms);
    s_now(&j, v, row);
    return s_of_kind(s_end(&j, seq), EVENT_TICK, time_ms);
}

struct event *
event_encode_host(const struct event_view *v, uint64_t seq, int64_t time_ms)
{
    struct buf out = { 0 };
    struct json j;
    char id[STR_HEX64_SIZE];

    s_begin_numbered(&j, &out, "host", v->boot, seq);
    json_key(&j, "op");
    json_str(&j, host_state_str(v->host->state));
    json_key(&j, "ix");
    json_int(&j, 0);
    json_key(&j, "id");
    json_str(&j, str_hex64_put(id, v->host->host));
    json_key(&j, "name");
    json_str(&j, v->host->name != NULL ? v->host->name : "");
    json_key(&j, "t");
    json_int(&j, time_ms);
    return s_of_kind(s_end(&j, seq), EVENT_HOST, 0);
}

struct event *
event_encode_filled(const struct event_view *v, uint64_t seq, const struct live_filled *filled)
{
    struct buf out = { 0 };
    struct json j;
    char id[STR_HEX64_SIZE];

    s_begin_numbered(&j, &out, "filled", v->boot, seq);
    json_key(&j, "host");
    json_str(&j, str_hex64_put(id, filled->host));
    json_key(&j, "from");
    json_int(&j, filled->from_ms);
    json_key(&j, "to");
    json_int(&j, filled->to_ms);
    return s_end(&j, seq);
}

struct event *
event_encode_note(const struct event_view *v, uint64_t seq, const struct host_event *note)
{
    struct buf out = { 0 };
    struct json j;

    s_begin_numbered(&j, &out, "note", v->boot, seq);
    event_json_put(&j, note);
    return s_end(&j, seq);
}

struct event *
event_encode_fill(struct event *const *missed, size_t n)
{
    const struct event *first = NULL, *last = NULL;
    struct buf out = { 0 };
    struct event *e;
    const char *eol;

    for (size_t i = 0; i < n; i++) {
        if (missed[i]->kind != EVENT_TICK)
            continue;
        first = first != NULL ? first : missed[i];
        last = missed[i];
    }
    assert(first != NULL && last != NULL);
    eol = memchr(last->at, '\n', last->len);
    buf_bytes(&out, last->at, (size_t) (eol - last->at)); // its id
    buf_printf(&out,
               "\nevent: fill\ndata: {\"s\":%" PRIu64 ",\"from\":%" PRId64 ",\"to\":%" PRId64
               ",\"ticks\":[",
               last->seq, first->time_ms, last->time_ms);
    for (size_t i = 0; i < n; i++) {
        size_t len;
        const char *data = event_data(missed[i], &len);

        if (missed[i]->kind != EVENT_TICK)
            continue;
        if (missed[i] != first)
            buf_byte(&out, ',');
        buf_bytes(&out, data, len);
    }
    buf_str(&out, "]}\n\n");
    for (size_t i = 0; i < n; i++)
        if (missed[i]->kind != EVENT_TICK)
            s_without_id(&out, missed[i]);
    e = event_new(0, out.at, out.len);
    buf_release(&out);
    return e;
}

struct event *
event_encode_skip(uint64_t n)
{
    struct buf out = { 0 };
    struct json j;

    s_begin(&j, &out, "skip");
    json_key(&j, "n");
    json_uint(&j, n);
    return s_end(&j, 0);
}

struct event *
event_encode_bye(const char *why, int64_t retry_ms)
{
    struct buf out = { 0 };
    struct json j;

    s_begin(&j, &out, "bye");
    json_key(&j, "why");
    json_str(&j, why);
    json_key(&j, "retry");
    json_int(&j, retry_ms);
    return s_end(&j, 0);
}

void
event_encode_columns(struct json *j, const struct view_column *columns, size_t n)
{
    json_array(j);
    for (size_t i = 0; i < n; i++) {
        const struct view_column *c = &columns[i];

        json_object(j);
        json_key(j, "id");
        json_str(j, c->id);
        json_key(j, "unit");
        json_str(j, view_unit_str(c->unit));
        s_text(j, "name", c->name);
        s_text(j, "metric", c->metric);
        s_text(j, "color", c->color);
        json_object_end(j);
    }
    json_array_end(j);
}

void
event_encode_number(struct json *j, double value, enum view_unit unit)
{
    if (isfinite(value))
        json_fixed(j, value, view_unit_decimals(unit, value));
    else
        json_null(j);
}

static void
s_begin(struct json *j, struct buf *out, const char *name)
{
    buf_printf(out, "event: %s\ndata: ", name);
    json_init(j, out);
    json_object(j);
}

static void
s_begin_numbered(struct json *j, struct buf *out, const char *name, const char *boot, uint64_t seq)
{
    buf_printf(out, "id: %s-%" PRIu64 "\n", boot, seq);
    s_begin(j, out, name);
    json_key(j, "s");
    json_uint(j, seq);
}

// Closes the object and the event; what was written becomes the event's bytes.
static struct event *
s_end(struct json *j, uint64_t seq)
{
    struct event *e;

    json_object_end(j);
    buf_str(j->out, "\n\n");
    e = event_new(seq, j->out->at, j->out->len);
    buf_release(j->out);
    return e;
}

static struct event *
s_of_kind(struct event *e, enum event_kind kind, int64_t time_ms)
{
    e->kind = kind;
    e->time_ms = time_ms;
    return e;
}

// Behind a later tick, its own number would be a step back.
static void
s_without_id(struct buf *out, const struct event *e)
{
    const char *eol = memchr(e->at, '\n', e->len);
    const size_t n = (size_t) (eol - e->at) + 1;

    buf_bytes(out, e->at + n, e->len - n);
}

// Left out where there is none.
static void
s_text(struct json *j, const char *key, const char *text)
{
    if (text == NULL)
        return;
    json_key(j, key);
    json_str(j, text);
}

static void
s_host_row(struct json *j, const struct event_view *v)
{
    static const struct host_facts nothing = { 0 };
    const struct host_info *host = v->host;
    char id[STR_HEX64_SIZE];

    json_array(j);
    json_int(j, 0);
    json_str(j, str_hex64_put(id, host->host));
    json_str(j, host->name != NULL ? host->name : "");
    json_str(j, host_state_str(host->state));
    host_facts_put(j, v->facts != NULL ? v->facts : &nothing);
    json_array_end(j);
}

// One array a column, with one value a host; all null without a row.
static void
s_now(struct json *j, const struct event_view *v, const double *row)
{
    json_key(j, "d");
    json_array(j);
    for (size_t i = 0; i < v->n_columns; i++) {
        json_array(j);
        event_encode_number(j, row != NULL ? row[i] : NAN, v->columns[i].unit);
        json_array_end(j);
    }
    json_array_end(j);
}

static void
s_history(struct json *j, const struct event_view *v, const struct view_window *window)
{
    const size_t rows = view_window_rows(window);
    const int64_t t0_ms = rows > 0 ? view_window_time(window, 0) : 0;

    json_object(j);
    json_key(j, "t0");
    json_int(j, t0_ms);
    json_key(j, "step");
    json_int(j, v->interval_ms);
    json_key(j, "n");
    json_uint(j, rows);
    json_key(j, "t");
    json_array(j);
    for (size_t r = 0; r < rows; r++)
        json_int(j, view_window_time(window, r) - t0_ms);
    json_array_end(j);
    json_key(j, "d");
    json_array(j);
    for (size_t i = 0; i < v->n_columns; i++) {
        json_array(j);
        for (size_t r = 0; r < rows; r++)
            event_encode_number(j, view_window_row(window, r)[i], v->columns[i].unit);
        json_array_end(j);
    }
    json_array_end(j);
    json_object_end(j);
}
