// test_host_event - events: what is right comes back, what is cut, hostile or unknown does no harm.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/wire/host_event.h"
#include "shared/wire/lane.h"

#define STREAM UINT64_C(7)

static struct host_event
a_step(void)
{
    static const struct label fields[] = { { "from", "1000" }, { "to", "400" } };
    struct host_event event = { .host = 1,
                                .stream = STREAM,
                                .seq = 9,
                                .time_ms = 1000,
                                .severity = EVENT_WARNING,
                                .kind = HOST_EVENT_CLOCK_STEP,
                                .kind_len = strlen(HOST_EVENT_CLOCK_STEP),
                                .text = "clock stepped back by 0.6 s",
                                .text_len = 27 };

    assert_int_equal(label_set_init(&event.fields, fields, 2), 0);
    return event;
}

static size_t
body_of(uint8_t body[HOST_EVENT_BODY_MAX], const struct host_event *event)
{
    struct wbuf w;

    wbuf_init(&w, body, HOST_EVENT_BODY_MAX);
    host_event_put(&w, event);
    assert_true(wbuf_finish(&w) > 0);
    return w.len;
}

static void
expect_equal(const struct host_event *a, const struct host_event *b)
{
    assert_int_equal(a->severity, b->severity);
    assert_int_equal(a->kind_len, b->kind_len);
    assert_memory_equal(a->kind, b->kind, a->kind_len);
    assert_int_equal(a->text_len, b->text_len);
    assert_memory_equal(a->text, b->text, a->text_len);
    assert_true(label_set_equal(&a->fields, &b->fields));
}

static void
an_event_comes_back_as_it_was(void **state)
{
    struct host_event event = a_step(), back;
    uint8_t body[HOST_EVENT_BODY_MAX];
    const size_t n = body_of(body, &event);
    struct buf item = { 0 };
    struct rbuf r;

    (void) state;
    assert_int_equal(host_event_take(&back, body, n), 0);
    expect_equal(&event, &back);
    host_event_release(&back);

    host_event_put_item(&item, &event, body, n);
    rbuf_init(&r, item.at, item.len);
    assert_int_equal(host_event_take_item(&r, &back), 0);
    assert_int_equal(rbuf_finish(&r), 0);
    expect_equal(&event, &back);
    assert_int_equal(back.host, 1);
    assert_int_equal(back.stream, STREAM);
    assert_int_equal(back.seq, 9);
    assert_int_equal(back.time_ms, 1000);
    host_event_release(&back);
    buf_release(&item);
    host_event_release(&event);
}

// Each in a place of its own, so that reading past the end is seen.
static void
an_event_cut_anywhere_is_refused(void **state)
{
    struct host_event event = a_step(), back;
    uint8_t body[HOST_EVENT_BODY_MAX];
    const size_t n = body_of(body, &event);
    struct buf item = { 0 };

    (void) state;
    host_event_put_item(&item, &event, body, n);
    for (size_t len = 0; len < n; len++) {
        void *cut = len > 0 ? xmemdup(body, len) : NULL;

        assert_int_equal(host_event_take(&back, cut, len), ERR_FORMAT);
        free(cut);
    }
    for (size_t len = 0; len < item.len; len++) {
        void *cut = len > 0 ? xmemdup(item.at, len) : NULL;
        struct rbuf r;

        rbuf_init(&r, cut, len);
        assert_int_equal(host_event_take_item(&r, &back), ERR_FORMAT);
        free(cut);
    }
    buf_release(&item);
    host_event_release(&event);
}

static void
hostile_bodies_are_refused(void **state)
{
    static const struct {
        const char *what;
        const char *bytes;
        size_t n;
    } cases[] = {
        { "no kind", "\0\0\0\0", 4 },
        { "a kind of 2^63 bytes", "\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9 },
        { "a kind longer than the limit", "\x41", 1 },
        { "a kind that is not UTF-8", "\1\xff\0\0\0", 5 },
        { "text longer than the limit", "\1k\0\x81\x08", 5 },
        { "text with a NUL", "\1k\0\1\0\0", 6 },
        { "2^64 - 1 fields", "\1k\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 14 },
        { "a field twice", "\1k\0\0\2\1a\1b\1a\1c", 14 },
        { "a field without a name", "\1k\0\0\1\0\1b", 8 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct host_event back;

        if (host_event_take(&back, cases[i].bytes, cases[i].n) != ERR_FORMAT)
            fail_msg("taken: %s", cases[i].what);
    }
}

static void
a_body_above_the_limit_is_refused(void **state)
{
    static uint8_t body[HOST_EVENT_BODY_MAX + 1] = "\1k\0\0\0"; // the rest is a later version's
    struct host_event back;

    (void) state;
    assert_int_equal(host_event_take(&back, body, sizeof body), ERR_FORMAT);
    assert_int_equal(host_event_take(&back, body, sizeof body - 1), 0);
    host_event_release(&back);
}

static void
what_a_later_version_says_is_read_as_far_as_it_is_known(void **state)
{
    static const char body[] = "\6deploy\7\5v2 up\0later";
    struct host_event back;

    (void) state;
    assert_int_equal(host_event_take(&back, body, sizeof body - 1), 0);
    assert_string_equal(event_severity_str(back.severity), "critical");
    assert_int_equal(back.text_len, 5);
    assert_memory_equal(back.text, "v2 up", 5);
    host_event_release(&back);
}

static int
define(void *arg, const struct slot_def *def)
{
    (void) arg;
    (void) def;
    return 0;
}

static void
row(void *arg, int64_t time_ms, const uint32_t *slots, const double *values, uint32_t n)
{
    (void) time_ms;
    (void) slots;
    (void) values;
    *(unsigned *) arg += n;
}

static void
gap(void *arg, uint64_t from, const struct gap *g)
{
    (void) arg;
    (void) from;
    (void) g;
}

static unsigned n_events;

static void
event(void *arg, const struct record *record)
{
    (void) arg;
    assert_int_equal(record->type, RECORD_EVENT);
    n_events++;
}

static int
give(lane_t *lane, uint8_t flags, uint8_t type, uint64_t seq, const char *body, size_t n)
{
    const struct frame_prefix prefix = { .flags = flags };
    const struct record record = { .type = type,
                                   .stream = STREAM,
                                   .seq = seq,
                                   .count = type == RECORD_KEY || type == RECORD_DELTA ? 1 : 0,
                                   .t0_ms = 1000,
                                   .body = (const uint8_t *) body,
                                   .body_len = (uint32_t) n };

    return lane_accept(lane, &prefix, &record);
}

#define DEF_BODY   "\1\0\1\0\1\1\x08__name__\1m"
#define KEY_BODY   "\1\0\0\1\1\3" // one slot; at t0, dense; changed; 2
#define DELTA_BODY "\0\0\1\1\1"

// The DELTA is against the record of values before, which is not the one before.
static void
rows_are_read_on_past_an_event_whatever_is_in_it(void **state)
{
    static const struct {
        const char *body;
        size_t n;
    } bodies[] = { { "\1k\0\0\0", 5 }, { "", 0 }, { "\xff\xff nonsense", 11 } };

    (void) state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        unsigned samples = 0;
        const struct lane_handler handler = {
            .arg = &samples, .define = define, .row = row, .gap = gap, .event = event
        };
        lane_t *lane = lane_new(STREAM, &handler);

        n_events = 0;
        assert_int_equal(give(lane, 0, RECORD_DEF, 0, DEF_BODY, sizeof DEF_BODY - 1), 0);
        assert_int_equal(give(lane, 0, RECORD_KEY, 1, KEY_BODY, sizeof KEY_BODY - 1), 0);
        assert_int_equal(give(lane, 0, RECORD_EVENT, 2, bodies[i].body, bodies[i].n), 0);
        assert_int_equal(give(lane, 0, RECORD_DELTA, 3, DELTA_BODY, sizeof DELTA_BODY - 1), 0);
        assert_int_equal(samples, 2);
        assert_int_equal(n_events, 1);
        lane_destroy(&lane);
    }
}

static void
an_event_that_is_repeated_or_comes_twice_is_told_once(void **state)
{
    unsigned samples = 0;
    const struct lane_handler handler = {
        .arg = &samples, .define = define, .row = row, .gap = gap, .event = event
    };
    lane_t *lane = lane_new(STREAM, &handler);

    (void) state;
    n_events = 0;
    assert_int_equal(give(lane, 0, RECORD_EVENT, 0, "\1k\0\0\0", 5), 0);
    assert_int_equal(give(lane, 0, RECORD_EVENT, 0, "\1k\0\0\0", 5), 1);
    give(lane, FRAME_REPEAT, RECORD_EVENT, 0, "\1k\0\0\0", 5);
    give(lane, FRAME_REPEAT, RECORD_EVENT, 1, "\1k\0\0\0", 5);
    assert_int_equal(n_events, 1);
    lane_destroy(&lane);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_comes_back_as_it_was),
        cmocka_unit_test(an_event_cut_anywhere_is_refused),
        cmocka_unit_test(hostile_bodies_are_refused),
        cmocka_unit_test(a_body_above_the_limit_is_refused),
        cmocka_unit_test(what_a_later_version_says_is_read_as_far_as_it_is_known),
        cmocka_unit_test(rows_are_read_on_past_an_event_whatever_is_in_it),
        cmocka_unit_test(an_event_that_is_repeated_or_comes_twice_is_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
