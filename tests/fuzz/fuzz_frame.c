// fuzz_frame - whole frames of a stranger; and records past the crc, which no fuzzer guesses.
//
// In: what begins with 'Z' is one frame, as it comes off the socket. Anything else is records for
//     one lane, each u8 type, u8 flags, u8 seq, u8 count, u16 length, body; so that a lane sees
//     orders and bodies that no honest sender makes. Each goes to two lanes: one that may have any
//     number of slots, and one that may have few, and takes no more memory than for those.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "shared/base/err.h"
#include "shared/base/rbuf.h"
#include "shared/base/xalloc.h"
#include "shared/wire/host_event.h"
#include "shared/wire/lane.h"

#define STREAM 7
#define T0_MS  INT64_C(1700000000000)
#define ROOM   40u // slots
// Twice what was needed, for the lane and the rows that it gives.
#define ROOM_BYTES \
    (2 * ROOM * (LANE_SLOT_BYTES + ROW_ROOM_SLOT_BYTES + sizeof(uint32_t) + sizeof(double)))

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

static void
s_expect(int holds)
{
    if (!holds)
        abort();
}

static int
s_define(void *arg, const struct slot_def *def)
{
    (void) arg;
    s_expect(def->slot < BODY_SLOTS_MAX && label_set_metric(&def->labels)[0] != '\0');
    return def->slot % 5 == 4 ? ERR_LIMIT : 0;
}

static void
s_row(void *arg, int64_t time_ms, const uint32_t *slots, const double *values, uint32_t n)
{
    double sum = 0;

    (void) arg;
    (void) time_ms;
    s_expect(n > 0);
    for (uint32_t i = 0; i < n; i++) {
        s_expect(i == 0 || slots[i] > slots[i - 1]);
        sum += values[i]; // each is there to be read
    }
    (void) sum;
}

static void
s_gap(void *arg, uint64_t from, const struct gap *gap)
{
    (void) arg;
    s_expect(gap->to >= from);
}

static void
s_event(void *arg, const struct record *record)
{
    struct host_event event;

    (void) arg;
    if (host_event_take(&event, record->body, record->body_len) < 0)
        return;
    s_expect(event.kind_len > 0 && event.kind_len <= HOST_EVENT_KIND_MAX);
    s_expect(event.text_len <= HOST_EVENT_TEXT_MAX);
    host_event_release(&event);
}

static bool
s_room(void *arg, uint32_t slots)
{
    (void) arg;
    return slots <= ROOM;
}

static void
s_accept(lane_t *lane, bool bounded, const struct frame_prefix *prefix, const struct record *record)
{
    uint64_t next = lane_next(lane);
    int rc = lane_accept(lane, prefix, record);

    s_expect(rc == 0 || rc == 1 || rc == ERR_FORMAT || rc == ERR_NEED_KEY);
    s_expect(lane_next(lane) >= next);
    s_expect(!bounded || lane_bytes(lane) <= ROOM_BYTES);
}

static void
s_records(lane_t *lane, bool bounded, struct rbuf *r)
{
    while (rbuf_left(r) > 0) {
        struct record record = { .stream = STREAM, .t0_ms = T0_MS, .type = rbuf_u8(r) };
        struct frame_prefix prefix = { .flags = rbuf_u8(r) & FRAME_FLAGS_KNOWN };
        void *body;

        record.seq = rbuf_u8(r);
        record.count = rbuf_u8(r);
        record.body_len = rbuf_u16(r);
        if (record.body_len > rbuf_left(r))
            record.body_len = (uint32_t) rbuf_left(r);
        record.body = rbuf_bytes(r, record.body_len);
        if (record.body == NULL)
            return;
        // A place of its own, so that reading past the body is seen.
        body = record.body_len > 0 ? xmemdup(record.body, record.body_len) : NULL;
        record.body = body;
        s_accept(lane, bounded, &prefix, &record);
        free(body);
    }
}

static void
s_try(const uint8_t *at, size_t n, bool bounded)
{
    const struct lane_handler handler = { .room = bounded ? s_room : NULL,
                                          .define = s_define,
                                          .row = s_row,
                                          .gap = s_gap,
                                          .event = s_event };
    struct frame_prefix prefix;
    struct record record;
    lane_t *lane;

    if (n > 0 && at[0] == 'Z') {
        if (frame_take(&prefix, &record, at, n) < 0)
            return;
        lane = lane_new(record.stream, &handler);
        s_accept(lane, bounded, &prefix, &record);
    } else {
        struct rbuf r;

        lane = lane_new(STREAM, &handler);
        rbuf_init(&r, at, n);
        s_records(lane, bounded, &r);
    }
    lane_destroy(&lane);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    s_try(at, n, false);
    s_try(at, n, true);
    return 0;
}
