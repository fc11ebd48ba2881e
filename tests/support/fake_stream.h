// fake_stream - frames of one stream as an agent makes them, and a HELLO to go with them.
//
// Slot i is the series <metric>_<i>{job="test"}, a gauge; its value in a row is `value` + i. From
// slot `apps` on they are applications': {job="app"}, absent from rows, and sent by fake_say.

#ifndef TESTS_SUPPORT_FAKE_STREAM_H
#define TESTS_SUPPORT_FAKE_STREAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "shared/wire/body.h"
#include "shared/wire/control.h"
#include "shared/wire/frame.h"
#include "shared/wire/row_codec.h"

#define FAKE_SLOTS_MAX 512
#define FAKE_SAID_MAX  8

struct fake_stream {
    uint64_t id;
    uint64_t seq;
    uint64_t total;
    uint64_t base; // of the prefix
    uint8_t flags;
    const char *metric;
    uint32_t apps;        // 0: none
    const char *instance; // of its definitions; NULL: they have none
    uint32_t n_said;
    struct {
        int64_t offset_ms;
        uint32_t slot;
        struct cell cell;
    } said[FAKE_SAID_MAX]; // samples that the next row takes along
    struct row_state rows;
    size_t len; // of the frame made last
    uint8_t frame[FRAME_MAX];
};

static inline void
fake_record(struct fake_stream *s, uint8_t type, uint32_t count, int64_t t0_ms, const void *body,
            size_t len)
{
    struct frame_prefix prefix = { .flags = s->flags, .base = s->base };
    struct record record = { .type = type,
                             .count = count,
                             .stream = s->id,
                             .seq = s->seq++,
                             .total = s->total,
                             .t0_ms = t0_ms,
                             .body = body,
                             .body_len = (uint32_t) len };
    ptrdiff_t n;

    frame_put_prefix(s->frame, &prefix);
    n = frame_put_record(s->frame + FRAME_PREFIX_SIZE, sizeof s->frame - FRAME_PREFIX_SIZE,
                         &record);
    assert_true(n > 0);
    s->len = FRAME_PREFIX_SIZE + (size_t) n;
    s->total += count;
}

static inline struct identity
fake_identity(uint64_t host, const char *name)
{
    return (struct identity){ .host = host,
                              .name = name,
                              .name_len = strlen(name),
                              .version = "0.1.0",
                              .version_len = 5,
                              .interval_ms = 1000 };
}

static inline void
fake_ident(struct fake_stream *s, uint64_t host, const char *name)
{
    struct identity id = fake_identity(host, name);
    uint8_t body[256];
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    identity_put(&w, &id);
    fake_record(s, RECORD_IDENT, 0, 0, body, (size_t) wbuf_finish(&w));
}

static inline void
fake_define(struct fake_stream *s, uint8_t type, uint32_t from, uint32_t n)
{
    static uint8_t body[FRAME_BODY_MAX];
    struct wbuf w;

    wbuf_init(&w, body, sizeof body);
    if (type == RECORD_TABLE)
        wbuf_varint(&w, n);
    wbuf_varint(&w, n - from);
    for (uint32_t slot = from; slot < n; slot++) {
        char name[64];
        struct label labels[] = { { LABEL_METRIC, name },
                                  { "job", s->apps > 0 && slot >= s->apps ? "app" : "test" },
                                  { "instance", s->instance } };
        struct slot_def def = { .slot = slot,
                                .kind = METRIC_GAUGE,
                                .form = { .exponent = 0, .unit = 1 } };

        (void) snprintf(name, sizeof name, "%s_%u", s->metric, slot);
        assert_int_equal(label_set_init(&def.labels, labels, s->instance != NULL ? 3 : 2), 0);
        slot_def_put(&w, &def);
        label_set_release(&def.labels);
    }
    assert_true(wbuf_finish(&w) > 0);
    fake_record(s, type, 0, 0, body, (size_t) wbuf_finish(&w));
}

// TABLE of slots 0 to n - 1.
static inline void
fake_table(struct fake_stream *s, uint32_t n)
{
    fake_define(s, RECORD_TABLE, 0, n);
}

// DEF of slots `from` to n - 1.
static inline void
fake_defs(struct fake_stream *s, uint32_t from, uint32_t n)
{
    fake_define(s, RECORD_DEF, from, n);
}

// One sample of an application, `offset_ms` from the time of the next row.
static inline void
fake_say(struct fake_stream *s, int64_t offset_ms, uint32_t slot, int64_t value)
{
    assert_true(s->n_said < FAKE_SAID_MAX);
    s->said[s->n_said].offset_ms = offset_ms;
    s->said[s->n_said].slot = slot;
    s->said[s->n_said++].cell = (struct cell){ .state = CELL_INTEGER, .m = value };
}

// The same with any double, a stale mark too.
static inline void
fake_say_raw(struct fake_stream *s, int64_t offset_ms, uint32_t slot, uint64_t bits)
{
    fake_say(s, offset_ms, slot, 0);
    s->said[s->n_said - 1].cell = (struct cell){ .state = CELL_RAW, .bits = bits };
}

// KEY or DELTA of slots 0 to n - 1, behind what was said.
static inline void
fake_row(struct fake_stream *s, uint8_t type, int64_t time_ms, uint32_t n, int64_t value)
{
    static uint8_t body[64 * FAKE_SLOTS_MAX];
    struct cell cells[FAKE_SLOTS_MAX] = { 0 };
    uint32_t count = 0;
    struct wbuf w;

    assert_true(n <= FAKE_SLOTS_MAX);
    for (uint32_t slot = 0; slot < n && (s->apps == 0 || slot < s->apps); slot++)
        cells[slot] = (struct cell){ .state = CELL_INTEGER, .m = value + slot };
    row_state_grow(&s->rows, n);
    wbuf_init(&w, body, sizeof body);
    if (type == RECORD_KEY)
        row_put_key(&s->rows, &w);
    for (uint32_t i = 0; i < s->n_said; i++) {
        count += row_put_sparse(&s->rows, &w, s->said[i].offset_ms, &s->said[i].slot,
                                &s->said[i].cell, 1);
    }
    s->n_said = 0;
    count += row_put(&s->rows, &w, 0, cells);
    fake_record(s, type, count, time_ms, body, (size_t) wbuf_finish(&w));
}

static inline struct control_msg
fake_hello(uint64_t host, uint64_t nonce, const char *name, uint64_t stream)
{
    struct control_msg msg = { .type = CONTROL_HELLO };

    msg.hello.id = fake_identity(host, name);
    msg.hello.nonce = nonce;
    msg.hello.max_frame = FRAME_MAX;
    msg.hello.n_streams = 1;
    msg.hello.streams[0].stream = stream;
    return msg;
}

#endif
