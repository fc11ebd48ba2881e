// feed - subscribed while somebody listens, and one entry a burst.

#include "dashboard/feed.h"

#include "dashboard/dashboard_stat.h"
#include "shared/base/buf.h"
#include "shared/wire/live.h"
#include "tests/unit/dashboard/room.h"

#define HOST  7
#define EPOCH 77
#define T0    INT64_C(1700000000000)

struct stage {
    feed_t *feed;
    int apps, hosts; // subscriptions
    unsigned tables, published;
};

static void
subscribe(void *arg, char kind, bool on)
{
    struct stage *s = arg;

    if (kind == LIVE_APP_ROWS)
        s->apps += on ? 1 : -1;
    else
        s->hosts += on ? 1 : -1;
}

static void
ask_table(void *arg, uint64_t host)
{
    struct stage *s = arg;

    assert_int_equal(host, HOST);
    s->tables++;
}

static void
published(void *arg)
{
    struct stage *s = arg;

    s->published++;
}

static int
set_up(void **state)
{
    struct stage *s = calloc(1, sizeof *s);
    const struct feed_io io = {
        .arg = s, .subscribe = subscribe, .ask_table = ask_table, .published = published
    };

    assert_non_null(s);
    dashboard_stat_init();
    s->feed = feed_new(&io);
    *state = s;
    return 0;
}

static int
tear_down(void **state)
{
    struct stage *s = *state;

    feed_destroy(&s->feed);
    free(s);
    return 0;
}

static void
give(struct stage *s, const struct buf *out, int64_t now_ms)
{
    const struct feed_message m = {
        .host = HOST, .kind = LIVE_APP_ROWS, .at = out->at, .n = out->len, .interval_ms = 1000
    };

    feed_take(s->feed, &m, now_ms);
}

static void
table(struct stage *s)
{
    const struct live_header h = { .type = LIVE_TABLE, .epoch = EPOCH, .generation = 1 };
    struct live_series series = { .id = 5, .labels = room_app("app_cpu_ratio", "red", "red") };
    struct buf out = { 0 };

    live_put_table(&out, &h, &series, 1);
    give(s, &out, 0);
    label_set_release(&series.labels);
    buf_release(&out);
}

static void
row(struct stage *s, double value, int64_t now_ms)
{
    const struct live_header h = {
        .type = LIVE_ROW, .epoch = EPOCH, .generation = 1, .time_ms = T0
    };
    const uint32_t id = 5;
    struct buf out = { 0 };

    live_put_row(&out, &h, &id, &value, 1);
    give(s, &out, now_ms);
    buf_release(&out);
}

static void
leave(event_ring_t **ring)
{
    event_ring_unwatch(*ring);
    event_ring_unref(ring);
}

static void
it_subscribes_to_what_somebody_listens_to(void **state)
{
    struct stage *s = *state;
    event_ring_t *a = feed_watch(s->feed, false), *b;

    assert_int_equal(s->apps, 1);
    assert_int_equal(s->hosts, 0);
    b = feed_watch(s->feed, true);
    assert_ptr_not_equal(a, b);
    assert_int_equal(s->apps, 1);
    assert_int_equal(s->hosts, 1);
    leave(&a);
    feed_check(s->feed);
    assert_int_equal(s->apps, 1); // hosts come with applications
    leave(&b);
    feed_check(s->feed);
    assert_int_equal(s->apps, 0);
    assert_int_equal(s->hosts, 0);
}

static void
a_burst_is_one_entry_of_the_ring(void **state)
{
    struct stage *s = *state;
    event_ring_t *ring = feed_watch(s->feed, false);
    struct event *e = NULL;
    uint64_t behind;

    table(s);
    feed_flush(s->feed);
    assert_int_equal(event_ring_last(ring), 0);
    for (int i = 0; i < 1000; i++)
        row(s, 0.01, 0);
    feed_flush(s->feed);
    feed_flush(s->feed);
    assert_int_equal(event_ring_last(ring), 1);
    assert_int_equal(s->published, 1);
    assert_int_equal(event_ring_read(ring, 1, &e, &behind), EVENT_FOUND);
    assert_memory_equal(e->at, "data: {\"color\":\"red\",", 21);
    assert_int_equal(e->len % 1000, 0);
    event_unref(&e);
    leave(&ring);
}

static void
without_a_listener_nothing_is_made(void **state)
{
    struct stage *s = *state;
    event_ring_t *ring = feed_watch(s->feed, false);

    leave(&ring);
    feed_check(s->feed);
    table(s);
    row(s, 1, 0);
    feed_flush(s->feed);
    assert_int_equal(s->published, 0);
    assert_int_equal(s->tables, 0);
    // What was known is forgotten: it may have changed meanwhile.
    ring = feed_watch(s->feed, false);
    row(s, 1, 0);
    assert_int_equal(s->tables, 1);
    leave(&ring);
}

static void
a_table_is_asked_for_once_a_second(void **state)
{
    struct stage *s = *state;
    event_ring_t *ring = feed_watch(s->feed, false);

    for (int i = 0; i < 10; i++)
        row(s, 1, 100 * i);
    assert_int_equal(s->tables, 1);
    row(s, 1, 1000);
    assert_int_equal(s->tables, 2);
    table(s);
    row(s, 1, 5000);
    assert_int_equal(s->tables, 2);
    leave(&ring);
}

static void
a_message_cut_anywhere_is_survived(void **state)
{
    struct stage *s = *state;
    event_ring_t *ring = feed_watch(s->feed, false);
    const struct live_header h = { .type = LIVE_TABLE, .epoch = EPOCH, .generation = 1 };
    struct live_series series = { .id = 5, .labels = room_app("app_cpu_ratio", "red", "red") };
    struct buf out = { 0 };

    live_put_table(&out, &h, &series, 1);
    for (size_t n = 0; n < out.len; n++) {
        const struct buf cut = { .at = out.at, .len = n };

        give(s, &cut, 0);
    }
    row(s, 1, 0);
    assert_int_equal(s->tables, 1); // none of those was one
    label_set_release(&series.labels);
    buf_release(&out);
    leave(&ring);
}

#define feed_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        feed_test(it_subscribes_to_what_somebody_listens_to),
        feed_test(a_burst_is_one_entry_of_the_ring),
        feed_test(without_a_listener_nothing_is_made),
        feed_test(a_table_is_asked_for_once_a_second),
        feed_test(a_message_cut_anywhere_is_survived),
    };

    return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
