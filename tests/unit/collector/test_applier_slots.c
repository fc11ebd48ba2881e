// test_applier_slots - what a host's streams may name is bounded in memory, and nobody else pays.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/applier_inner.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define HOSTILE   UINT64_C(0xbad)
#define NORMAL    UINT64_C(0x900d)
#define HIGHEST   (BODY_SLOTS_MAX - 1)
#define NOW_MS    INT64_C(1700000000000)
#define BODY_SIZE (1u << 20)
#define MOST      APPLIER_SLOT_BYTES_MOST
#define MANY      20000u // series of a large host
#define FEW       5u     // series of an agent, in a test of that
#define STREAMS   33u    // that a HELLO can name

static local_store_t *s_local;
static event_log_t *s_events;
static applier_t *s_applier;
static struct host_time s_now;
static unsigned s_asked;
static uint8_t s_body[BODY_SIZE];

// The sending end of a stream.
struct sender {
    uint64_t host;
    uint64_t stream;
    uint64_t seq;
};

static void
on_ask(void *arg, uint64_t host, uint64_t stream)
{
    (void) arg;
    (void) host;
    (void) stream;
    s_asked++;
}

static int
setup(void **state)
{
    (void) state;
    collector_stat_init();
    s_asked = 0;
    s_now = (struct host_time){ .mono_ms = 1000, .real_ms = NOW_MS };
    assert_int_equal(local_store_new(&s_local, 256u << 20), 0);
    s_events = event_log_new();
    s_applier = applier_new(
        s_local, s_events,
        &(struct applier_limits){ .agent = agent_limits_default, .slot_bytes = MOST });
    applier_attach(s_applier, &(struct applier_live){ .ask = on_ask });
    applier_name(s_applier, HOSTILE, "hostile");
    applier_name(s_applier, NORMAL, "normal");
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    applier_destroy(&s_applier);
    event_log_destroy(&s_events);
    local_store_destroy(&s_local);
    return 0;
}

// What was refused of the record.
static uint64_t
give(struct sender *s, uint8_t type, uint32_t count, const struct wbuf *w)
{
    const struct record record = { .type = type,
                                   .count = count,
                                   .stream = s->stream,
                                   .seq = s->seq++,
                                   .t0_ms = NOW_MS + (int64_t) s->seq,
                                   .body = s_body,
                                   .body_len = (uint32_t) w->len };

    assert_true(wbuf_finish(w) >= 0);
    return applier_record(s_applier, s->host, 0, &record, s_now);
}

static uint64_t
refused_by_limit(void)
{
    struct applier_fate fate;

    applier_fate(s_applier, &fate);
    return fate.refused[REFUSED_LIMIT];
}

// DEF of slots from to to - 1; the bytes of it.
static size_t
define(struct sender *s, uint32_t from, uint32_t to)
{
    struct wbuf w;

    wbuf_init(&w, s_body, sizeof s_body);
    wbuf_varint(&w, to - from);
    for (uint32_t slot = from; slot < to; slot++) {
        char name[64];
        const struct label labels[] = { { LABEL_METRIC, name }, { "job", "test" } };
        struct slot_def def = { .slot = slot,
                                .kind = METRIC_GAUGE,
                                .form = { .exponent = 0, .unit = 1 } };

        (void) snprintf(name, sizeof name, "m_%llx_%u", (unsigned long long) s->stream, slot);
        assert_int_equal(label_set_init(&def.labels, labels, 2), 0);
        slot_def_put(&w, &def);
        label_set_release(&def.labels);
    }
    give(s, RECORD_DEF, 0, &w);
    return w.len;
}

// A KEY of so many slots, one sample each; what was refused.
static uint64_t
key(struct sender *s, uint32_t n)
{
    struct cell *cells = xcalloc(n, sizeof *cells);
    struct row_state rows = { 0 };
    struct wbuf w;

    for (uint32_t i = 0; i < n; i++)
        cells[i] = (struct cell){ .state = CELL_INTEGER, .m = i % 3 };
    row_state_grow(&rows, n);
    wbuf_init(&w, s_body, sizeof s_body);
    row_put_key(&rows, &w);
    (void) row_put(&rows, &w, 0, cells);
    row_state_release(&rows);
    free(cells);
    return give(s, RECORD_KEY, n, &w);
}

static void
assert_bounded(void)
{
    assert_in_range(applier_slot_bytes(s_applier, HOSTILE), 0, MOST);
}

static void
a_large_host_is_stored_whole(void **state)
{
    struct sender s = { .host = NORMAL, .stream = 1 };

    (void) state;
    for (uint32_t slot = 0; slot < MANY; slot += 1000)
        define(&s, slot, slot + 1000);
    assert_int_equal(key(&s, MANY), 0);
    assert_int_equal(key(&s, MANY), 0);
    assert_int_equal(s_asked, 0);
    assert_true(applier_slot_bytes(s_applier, NORMAL) <= MANY * APPLIER_SLOT_BYTES);
}

static void
a_definition_of_the_highest_slot_takes_no_memory(void **state)
{
    struct sender s = { .host = HOSTILE, .stream = 1 };

    (void) state;
    define(&s, 0, 2);
    assert_true(define(&s, HIGHEST, HIGHEST + 1) < 64);
    assert_in_range(applier_slot_bytes(s_applier, HOSTILE), 1,
                    APPLIER_SLOTS_LEAST * APPLIER_SLOT_BYTES);
}

static void
a_row_as_wide_as_can_be_is_refused_by_limit_and_nobody_asks(void **state)
{
    struct sender s = { .host = HOSTILE, .stream = 1 };

    (void) state;
    define(&s, 0, 2);
    assert_int_equal(key(&s, BODY_SLOTS_MAX), BODY_SLOTS_MAX);
    assert_int_equal(refused_by_limit(), BODY_SLOTS_MAX);
    assert_int_equal(s_asked, 0);
    assert_bounded();
    assert_int_equal(key(&s, 2), 0); // one that fits goes on
}

static void
many_streams_of_a_host_have_one_bound_together(void **state)
{
    const uint32_t most = (uint32_t) (MOST / APPLIER_SLOT_BYTES);
    unsigned refused = 0;

    (void) state;
    for (uint32_t i = 0; i < STREAMS; i++) {
        struct sender s = { .host = HOSTILE, .stream = 1 + i };

        // Each of them alone would do. Definitions first, far apart, so that all grows.
        for (uint32_t slot = 1; slot < most / 4; slot *= 2)
            define(&s, slot, slot + 1);
        define(&s, most / 4 - 1, most / 4);
        (void) key(&s, most / 4);
        refused += refused_by_limit() == most / 4;
        assert_bounded();
    }
    assert_true(refused >= STREAMS - 4);
}

static void
streams_that_are_within_it_and_other_hosts_go_on(void **state)
{
    struct sender normal = { .host = NORMAL, .stream = 1 };
    struct sender first = { .host = HOSTILE, .stream = 2 };

    (void) state;
    define(&normal, 0, 2);
    define(&first, 0, 2);
    for (uint32_t i = 0; i < STREAMS; i++) {
        struct sender s = { .host = HOSTILE, .stream = 100 + i };

        define(&s, HIGHEST, HIGHEST + 1);
        (void) key(&s, BODY_SLOTS_MAX);
    }
    assert_int_equal(key(&first, 2), 0);
    assert_int_equal(key(&normal, 2), 0);
}

// What one stream gives back another has, once it is asked for its definitions again.
static void
a_stream_that_ends_leaves_its_room_to_others(void **state)
{
    const uint32_t most = (uint32_t) (MOST / APPLIER_SLOT_BYTES);
    struct sender first = { .host = HOSTILE, .stream = 1 };
    struct sender second = { .host = HOSTILE, .stream = 2 };
    struct wbuf none;

    (void) state;
    define(&first, most - 1, most);
    define(&second, 0, 2);
    assert_int_equal(key(&second, 2), 2);
    assert_int_equal(refused_by_limit(), 2);
    wbuf_init(&none, s_body, sizeof s_body);
    (void) give(&first, RECORD_END, 0, &none);
    assert_int_equal(s_asked, 0);
    assert_int_equal(give(&second, RECORD_EVENT, 0, &none), 0);
    assert_int_equal(s_asked, 1);
    define(&second, 0, 2);
    assert_int_equal(key(&second, 2), 0);
}

// Two days in which no room comes: after a minute, two, four, and then each hour.
static void
what_there_is_no_room_for_is_asked_for_ever_more_seldom(void **state)
{
    const uint32_t most = (uint32_t) (MOST / APPLIER_SLOT_BYTES);
    struct sender first = { .host = HOSTILE, .stream = 1 };
    struct sender second = { .host = HOSTILE, .stream = 2 };

    (void) state;
    define(&first, most - 1, most);
    define(&second, 0, 2);
    for (unsigned minute = 0; minute < 48 * 60; minute++) {
        const unsigned asked = s_asked;
        struct wbuf none;

        s_now.mono_ms += 60000;
        wbuf_init(&none, s_body, sizeof s_body);
        (void) give(&second, RECORD_EVENT, 0, &none);
        if (s_asked > asked)
            define(&second, 0, 2);
    }
    assert_in_range(s_asked, 6, 48 + 6);
}

// Two wants of room, hours apart, with all of it there in between.
static void
once_there_was_room_it_is_asked_for_as_at_first(void **state)
{
    const uint32_t most = (uint32_t) (MOST / APPLIER_SLOT_BYTES);
    struct sender first = { .host = HOSTILE, .stream = 1 };
    struct sender second = { .host = HOSTILE, .stream = 2 };
    struct sender third = { .host = HOSTILE, .stream = 3 };
    struct wbuf none;

    (void) state;
    wbuf_init(&none, s_body, sizeof s_body);
    define(&first, most - 1, most);
    define(&second, 0, 2);
    for (unsigned minute = 0; minute < 300; minute++) {
        const unsigned asked = s_asked;

        s_now.mono_ms += 60000;
        (void) give(&second, RECORD_EVENT, 0, &none);
        if (s_asked > asked)
            define(&second, 0, 2);
    }
    (void) give(&first, RECORD_END, 0, &none);
    (void) give(&second, RECORD_EVENT, 0, &none);
    define(&second, 0, 2);
    assert_int_equal(key(&second, 2), 0);
    s_now.mono_ms += 3 * 3600000;
    define(&third, most - 2 * APPLIER_SLOTS_LEAST, most - 2 * APPLIER_SLOTS_LEAST + 1);
    define(&second, 2, 3 * APPLIER_SLOTS_LEAST);
    s_asked = 0;
    s_now.mono_ms += APPLIER_RETRY_MS;
    (void) give(&second, RECORD_EVENT, 0, &none);
    assert_int_equal(s_asked, 1);
}

// Until the store has no room for another.
static void
fill_store(store_t *store)
{
    int rc = 0;

    for (unsigned i = 0; rc == 0; i++) {
        char name[32];
        const struct label labels[] = { { LABEL_METRIC, name }, { "job", "other" } };
        struct label_set set;
        series_id id;

        (void) snprintf(name, sizeof name, "filler_%u", i);
        assert_int_equal(label_set_init(&set, labels, 2), 0);
        rc = store_series(store, NORMAL, &set, METRIC_GAUGE, &id);
        label_set_release(&set);
    }
    assert_int_equal(rc, ERR_LIMIT);
}

static applier_t *
new_applier(local_store_t *local, uint32_t series, uint32_t new_series)
{
    struct agent_limits most = agent_limits_default;
    applier_t *applier;

    most.series = series;
    most.new_series = new_series;
    applier = applier_new(local, s_events,
                          &(struct applier_limits){ .agent = most, .slot_bytes = MOST });
    applier_attach(applier, &(struct applier_live){ .ask = on_ask });
    applier_name(applier, HOSTILE, "hostile");
    return applier;
}

// None of them was there when they were decided, so none had been too many.
static void
series_that_had_no_room_are_counted_when_there_is_some(void **state)
{
    struct sender sender = { .host = HOSTILE, .stream = 1 };
    lane_table_t *lanes = lane_table_new();
    const struct slot_decisions *decided;
    local_store_t *small;
    struct journal_id id;

    (void) state;
    assert_int_equal(local_store_new(&small, LOCAL_STORE_LEAST), 0);
    fill_store(local_store_face(small));
    applier_destroy(&s_applier);
    s_applier = new_applier(small, FEW, AGENT_NEW_SERIES);
    define(&sender, 0, 2 * FEW);
    assert_int_equal(key(&sender, 2 * FEW), 2 * FEW);
    assert_true(applier_next_decided(s_applier, &id, &decided));
    lane_entry_decide(lane_table_add(lanes, id.host, id.stream), decided);
    applier_destroy(&s_applier);
    local_store_destroy(&small);
    // Started again with more.
    s_applier = new_applier(s_local, FEW, AGENT_NEW_SERIES);
    applier_lanes(s_applier, lanes);
    sender.seq = 0;
    define(&sender, 0, 2 * FEW);
    assert_int_equal(key(&sender, 2 * FEW), FEW);
    lane_table_destroy(&lanes);
}

// As a TABLE says it again and again: it is the same new series that is asked for.
static void
series_that_wait_for_room_are_new_once(void **state)
{
    struct sender sender = { .host = HOSTILE, .stream = 1 };
    const struct slot_decisions *decided;
    local_store_t *small;
    struct journal_id id;

    (void) state;
    assert_int_equal(local_store_new(&small, LOCAL_STORE_LEAST), 0);
    fill_store(local_store_face(small));
    applier_destroy(&s_applier);
    s_applier = new_applier(small, AGENT_SERIES, FEW);
    for (unsigned i = 0; i < 4; i++)
        define(&sender, 0, FEW - 1);
    assert_true(applier_next_decided(s_applier, &id, &decided));
    assert_int_equal(decided->made, FEW - 1);
    for (uint32_t slot = 0; slot < FEW - 1; slot++)
        assert_int_equal(slot_refusals_find(&decided->refusals, slot), SLOT_UNDECIDED);
    applier_destroy(&s_applier);
    local_store_destroy(&small);
}

int
main(void)
{
#define WITH_APPLIER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_APPLIER(a_large_host_is_stored_whole),
        WITH_APPLIER(a_definition_of_the_highest_slot_takes_no_memory),
        WITH_APPLIER(a_row_as_wide_as_can_be_is_refused_by_limit_and_nobody_asks),
        WITH_APPLIER(many_streams_of_a_host_have_one_bound_together),
        WITH_APPLIER(streams_that_are_within_it_and_other_hosts_go_on),
        WITH_APPLIER(a_stream_that_ends_leaves_its_room_to_others),
        WITH_APPLIER(what_there_is_no_room_for_is_asked_for_ever_more_seldom),
        WITH_APPLIER(series_that_had_no_room_are_counted_when_there_is_some),
        WITH_APPLIER(series_that_wait_for_room_are_new_once),
        WITH_APPLIER(once_there_was_room_it_is_asked_for_as_at_first),
    };

    return cmocka_run_group_tests_name("applier_slots", tests, NULL, NULL);
}
