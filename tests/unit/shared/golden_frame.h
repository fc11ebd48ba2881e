// golden_frame - the frames that are kept for ever: eleven records of one stream, told through one
// lane in the order of the table.

#ifndef TESTS_UNIT_SHARED_GOLDEN_FRAME_H
#define TESTS_UNIT_SHARED_GOLDEN_FRAME_H

#include "shared/base/err.h"
#include "shared/wire/host_event.h"
#include "shared/wire/lane.h"
#include "tests/unit/shared/golden.h"

#define STREAM UINT64_C(0x1122334455667788)

// Slots 0, 1 and 3 live; 2 did before the first of these, and is gone.
static const struct golden_series {
    uint32_t slot;
    enum metric_kind kind;
    struct metric_form form;
    const struct label labels[2];
    size_t n;
} golden_series[] = {
    { 0, METRIC_GAUGE, { 2, 1 }, { { "__name__", "node_load1" } }, 1 },
    { 1, METRIC_GAUGE, { 0, 1024 }, { { "__name__", "node_memory_MemFree_bytes" } }, 1 },
    { 3,
      METRIC_COUNTER,
      { 2, 1 },
      { { "__name__", "node_cpu_seconds_total" }, { "cpu", "0" } },
      2 },
};

static inline void
make_frame(struct buf *out, uint8_t flags, const struct record *told, const struct wbuf *body)
{
    struct record r = *told;
    uint8_t frame[1024];
    ptrdiff_t n;

    assert_true(wbuf_finish(body) >= 0);
    r.stream = STREAM;
    r.t0_ms = T0 + 1000 * (int64_t) r.seq;
    r.body = body->at;
    r.body_len = (uint32_t) body->len;
    frame_put_prefix(frame, &(struct frame_prefix){ .flags = flags, .base = 0 });
    n = frame_put_record(frame + FRAME_PREFIX_SIZE, sizeof frame - FRAME_PREFIX_SIZE, &r);
    assert_true(n > 0);
    buf_bytes(out, frame, FRAME_PREFIX_SIZE + (size_t) n);
}

static inline void
make_ident(struct buf *out)
{
    uint8_t body[256];
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    identity_put(&w, &golden_identity);
    make_frame(out, 0, &(struct record){ .type = RECORD_IDENT, .seq = 0 }, &w);
}

static inline void
put_series(struct wbuf *w, const struct golden_series *s)
{
    struct slot_def def = { .slot = s->slot, .kind = s->kind, .form = s->form };

    assert_int_equal(label_set_init(&def.labels, s->labels, s->n), 0);
    slot_def_put(w, &def);
    label_set_release(&def.labels);
}

static inline void
make_table(struct buf *out)
{
    uint8_t body[256];
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    wbuf_varint(&w, 3);
    wbuf_varint(&w, 2);
    put_series(&w, &golden_series[0]);
    put_series(&w, &golden_series[1]);
    make_frame(out, 0, &(struct record){ .type = RECORD_TABLE, .seq = 1 }, &w);
}

static inline void
make_def(struct buf *out)
{
    uint8_t body[256];
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    wbuf_varint(&w, 1);
    put_series(&w, &golden_series[2]);
    make_frame(out, 0, &(struct record){ .type = RECORD_DEF, .seq = 2 }, &w);
}

// Rows of the four slots, as the encoder makes them one after the other. Row 2 has a sparse block.
static inline uint32_t
put_rows(struct wbuf *w, int rows)
{
    static const struct cell cells[][4] = {
        { { CELL_INTEGER, { 42 } },
          { CELL_INTEGER, { 2048 } },
          { CELL_ABSENT, { 0 } },
          { CELL_INTEGER, { 123456 } } },
        { { CELL_INTEGER, { 42 } },
          { CELL_INTEGER, { 2040 } },
          { CELL_ABSENT, { 0 } },
          { CELL_INTEGER, { 123556 } } },
        { { CELL_RAW, { .bits = UINT64_C(0x3fd5555555555555) } },
          { CELL_ABSENT, { 0 } },
          { CELL_ABSENT, { 0 } },
          { CELL_INTEGER, { 123556 } } },
    };
    static const uint32_t slots[] = { 1, 3 };
    static const struct cell late[] = { { CELL_INTEGER, { -1 } }, { CELL_INTEGER, { 123600 } } };
    struct row_state state = { 0 };
    uint32_t n = 0;

    row_state_grow(&state, 4);
    for (int i = 0; i < rows; i++) {
        w->len = 0;
        n = 0;
        if (i == 0)
            row_put_key(&state, w);
        if (i == 2)
            n += row_put_sparse(&state, w, -250, slots, late, 2);
        n += row_put(&state, w, 0, cells[i]);
    }
    row_state_release(&state);
    return n;
}

static inline void
make_row(struct buf *out, uint8_t type, int rows)
{
    struct record r = { .type = type, .seq = (uint64_t) rows + 2 };
    uint8_t body[256];
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    r.count = put_rows(&w, rows);
    r.total = 3 * ((uint64_t) rows - 1);
    make_frame(out, 0, &r, &w);
}

static inline void
make_key(struct buf *out)
{
    make_row(out, RECORD_KEY, 1);
}

static inline void
make_delta(struct buf *out)
{
    make_row(out, RECORD_DELTA, 2);
}

static inline void
make_delta_all(struct buf *out)
{
    make_row(out, RECORD_DELTA, 3);
}

static inline void
make_gap(struct buf *out)
{
    const struct gap gap = { .to = 9, .samples = 12, .cause = GAP_QUEUE_FULL };
    uint8_t body[32];
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    gap_put(&w, &gap);
    make_frame(out, 0, &(struct record){ .type = RECORD_GAP, .seq = 6, .total = 10 }, &w);
}

static inline void
make_end(struct buf *out)
{
    uint8_t body[1];
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    make_frame(out, FRAME_BACKLOG, &(struct record){ .type = RECORD_END, .seq = 10, .total = 22 },
               &w);
}

static inline struct host_event
golden_event(void)
{
    static const struct label fields[] = { { "from", "1700000090000" },
                                           { "step", "-90000" },
                                           { "to", "1700000000000" } };
    struct host_event event = { .host = HOST,
                                .stream = STREAM,
                                .seq = 10,
                                .time_ms = T0 + 10000,
                                .severity = EVENT_WARNING,
                                .kind = "clock-step",
                                .kind_len = 10,
                                .text = "clock stepped back by 90.0 s",
                                .text_len = 28 };

    assert_int_equal(label_set_init(&event.fields, fields, 3), 0);
    return event;
}

static inline void
put_event(struct wbuf *w)
{
    struct host_event event = golden_event();

    host_event_put(w, &event);
    host_event_release(&event);
}

static inline void
make_event(struct buf *out)
{
    uint8_t body[256];
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    put_event(&w);
    make_frame(out, 0, &(struct record){ .type = RECORD_EVENT, .seq = 10, .total = 22 }, &w);
}

static inline void
tell_host_event(struct buf *out, const struct host_event *event)
{
    buf_printf(out, "%.*s severity %s: %.*s ", (int) event->kind_len, event->kind,
               event_severity_str(event->severity), (int) event->text_len, event->text);
    label_set_text(out, &event->fields);
    buf_byte(out, '\n');
}

static lane_t *golden_lane;
static struct buf *golden_out; // where the lane's handler tells

static inline int
tell_define(void *arg, const struct slot_def *def)
{
    (void) arg;
    buf_printf(golden_out, "slot %" PRIu32 " %s exponent %u unit %" PRIu32 " ", def->slot,
               metric_kind_str(def->kind), def->form.exponent, def->form.unit);
    label_set_text(golden_out, &def->labels);
    buf_byte(golden_out, '\n');
    return 0;
}

static inline void
tell_row(void *arg, int64_t time_ms, const uint32_t *slots, const double *values, uint32_t n)
{
    (void) arg;
    buf_printf(golden_out, "row at %" PRId64 ":", time_ms);
    for (uint32_t i = 0; i < n; i++) {
        buf_printf(golden_out, " %" PRIu32 "=", slots[i]);
        buf_double(golden_out, values[i]);
    }
    buf_byte(golden_out, '\n');
}

static inline void
tell_gap(void *arg, uint64_t from, const struct gap *gap)
{
    (void) arg;
    buf_printf(golden_out, "gap %" PRIu64 " to %" PRIu64 " samples %" PRIu64 " cause %u\n", from,
               gap->to, gap->samples, gap->cause);
}

static inline void
tell_event(void *arg, const struct record *record)
{
    struct host_event event;

    (void) arg;
    buf_str(golden_out, "event ");
    if (host_event_take(&event, record->body, record->body_len) < 0) {
        buf_str(golden_out, "without words\n");
        return;
    }
    tell_host_event(golden_out, &event);
    host_event_release(&event);
}

static inline void
tell_frame(struct buf *out, const uint8_t *at, size_t n)
{
    struct frame_prefix prefix;
    struct record r;
    int rc = frame_take(&prefix, &r, at, n);

    if (rc < 0) {
        buf_printf(out, "%s\n", err_str(rc));
        return;
    }
    buf_printf(out, "flags %u base %" PRIu64 "\n", prefix.flags, prefix.base);
    buf_printf(out,
               "%s stream %016" PRIx64 " seq %" PRIu64 " total %" PRIu64 " count %" PRIu32
               " t0 %" PRId64 " body %" PRIu32 "\n",
               record_type_str(r.type), r.stream, r.seq, r.total, r.count, r.t0_ms, r.body_len);
    if (r.type == RECORD_IDENT) {
        struct identity id;
        struct rbuf body;

        rbuf_init(&body, r.body, r.body_len);
        if (identity_take(&body, &id) == 0)
            tell_identity(out, &id);
    }
    golden_out = out;
    rc = lane_accept(golden_lane, &prefix, &r);
    buf_printf(out, "lane %d next %" PRIu64 "%s\n", rc, lane_next(golden_lane),
               lane_ended(golden_lane) ? " ended" : "");
}

static inline void
golden_begin(void)
{
    static const struct lane_handler handler = {
        .define = tell_define, .row = tell_row, .gap = tell_gap, .event = tell_event
    };

    golden_lane = lane_new(STREAM, &handler);
}

static inline void
golden_end(void)
{
    lane_destroy(&golden_lane);
}

// For what came after the stream above had been kept, END and all: to a lane that has seen nothing.
static inline void
tell_frame_anew(struct buf *out, const uint8_t *at, size_t n)
{
    golden_end();
    golden_begin();
    tell_frame(out, at, n);
}

#endif
