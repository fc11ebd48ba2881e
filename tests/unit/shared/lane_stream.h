// lane_stream - a lane with a handler that remembers, and a stream's definitions, for the tests of
// lane: one by one, and against a model.

#ifndef TESTS_UNIT_SHARED_LANE_STREAM_H
#define TESTS_UNIT_SHARED_LANE_STREAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/wire/lane.h"

#define STREAM    UINT64_C(0x5eed)
#define T0        INT64_C(1700000000000)
#define BODY_SIZE 8192

static const struct frame_prefix fresh = { 0 };
static const struct frame_prefix repeat = { .flags = FRAME_REPEAT };

// What the handler was given last.
static struct seen {
    unsigned rows, defines, gaps;
    int64_t time_ms;
    uint32_t n;
    uint32_t slots[64];
    double values[64];
    uint64_t gap_from;
    struct gap gap;
} seen;

// Every seventh series is one too many.
static inline bool
is_refused(uint32_t slot)
{
    return slot % 7 == 3;
}

static inline int
on_define(void *arg, const struct slot_def *def)
{
    (void) arg;
    seen.defines++;
    return is_refused(def->slot) ? ERR_LIMIT : 0;
}

static inline void
on_row(void *arg, int64_t time_ms, const uint32_t *slots, const double *values, uint32_t n)
{
    (void) arg;
    assert_true(n > 0 && n <= 64);
    seen.rows++;
    seen.time_ms = time_ms;
    seen.n = n;
    memcpy(seen.slots, slots, n * sizeof *slots);
    memcpy(seen.values, values, n * sizeof *values);
}

static inline void
on_gap(void *arg, uint64_t from, const struct gap *gap)
{
    (void) arg;
    seen.gaps++;
    seen.gap_from = from;
    seen.gap = *gap;
}

static const struct lane_handler handler = { .define = on_define, .row = on_row, .gap = on_gap };
static lane_t *lane;

static inline int
setup(void **state)
{
    (void) state;
    lane = lane_new(STREAM, &handler);
    memset(&seen, 0, sizeof seen);
    return 0;
}

static inline int
teardown(void **state)
{
    (void) state;
    lane_destroy(&lane);
    return 0;
}

// Forms of three kinds, so that each way to a double is gone.
static inline struct metric_form
form_of(uint32_t slot)
{
    if (slot % 5 == 4)
        return (struct metric_form){ .exponent = METRIC_RAW, .unit = 1 };
    return (struct metric_form){ .exponent = slot % 2 == 0 ? 0 : 2, .unit = 1 + slot % 3 };
}

static inline void
put_def(struct wbuf *w, uint32_t slot)
{
    char name[32];
    const struct label labels[] = { { LABEL_METRIC, name } };
    struct slot_def def = { .slot = slot, .kind = METRIC_GAUGE, .form = form_of(slot) };

    (void) snprintf(name, sizeof name, "series_%u", slot);
    assert_int_equal(label_set_init(&def.labels, labels, 1), 0);
    slot_def_put(w, &def);
    label_set_release(&def.labels);
}

static inline int
give(const struct frame_prefix *prefix, uint8_t type, uint64_t seq, uint32_t count,
     const void *body, size_t len)
{
    struct record r = { .type = type,
                        .count = count,
                        .stream = STREAM,
                        .seq = seq,
                        .total = 100 * seq,
                        .t0_ms = T0,
                        .body = body,
                        .body_len = (uint32_t) len };

    return lane_accept(lane, prefix, &r);
}

// TABLE of slots 0 to n - 1, or DEF of slots from to n - 1.
static inline int
give_defs(const struct frame_prefix *prefix, uint8_t type, uint64_t seq, uint32_t from, uint32_t n)
{
    uint8_t body[BODY_SIZE];
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    if (type == RECORD_TABLE)
        wbuf_varint(&w, n);
    wbuf_varint(&w, n - from);
    for (uint32_t slot = from; slot < n; slot++)
        put_def(&w, slot);
    return give(prefix, type, seq, 0, body, w.len);
}

// A dense row of two slots.
static inline int
give_row(const struct frame_prefix *prefix, struct row_state *s, uint8_t type, uint64_t seq,
         int64_t m0, int64_t m1)
{
    const struct cell row[] = { { .state = CELL_INTEGER, .m = m0 },
                                { .state = CELL_INTEGER, .m = m1 } };
    uint8_t body[64];
    struct wbuf w;
    uint32_t n;

    wbuf_init(&w, body, sizeof body);
    row_state_grow(s, 2);
    if (type == RECORD_KEY)
        row_put_key(s, &w);
    n = row_put(s, &w, 7, row);
    return give(prefix, type, seq, n, body, w.len);
}

#endif
