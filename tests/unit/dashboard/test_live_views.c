// live_views - the views that somebody watches: followed, shared, and given up.

#include "dashboard/live_views.h"

#include "dashboard/dashboard_stat.h"
#include "tests/unit/dashboard/room.h"

#define HOST  7
#define EPOCH 77
#define T0    INT64_C(1700000000000)

struct stage {
    live_views_t *views;
    struct host_info host;
    int subscribed; // now
    unsigned windows, tables, published;
};

static void
subscribe(void *arg, uint64_t host, bool on)
{
    struct stage *s = arg;

    assert_int_equal(host, HOST);
    s->subscribed += on ? 1 : -1;
}

static void
ask_table(void *arg, uint64_t host)
{
    struct stage *s = arg;

    assert_int_equal(host, HOST);
    s->tables++;
}

static void
ask_window(void *arg, uint64_t host, struct live_ask ask)
{
    struct stage *s = arg;

    assert_int_equal(host, HOST);
    assert_int_equal(ask.start_ms, T0 - LIVE_FEED_WINDOW_MS - view_back_ms(1000));
    s->windows++;
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
    const struct live_views_io io = { .arg = s,
                                      .subscribe = subscribe,
                                      .ask_table = ask_table,
                                      .ask_window = ask_window,
                                      .published = published };

    assert_non_null(s);
    dashboard_stat_init();
    s->views = live_views_new("b00t", &io);
    s->host = (struct host_info){
        .host = HOST, .state = HOST_UP, .interval_ms = 1000, .last_ms = T0, .since_ms = T0 - 5000
    };
    s->host.name = strdup("web-1");
    assert_non_null(s->host.name);
    *state = s;
    return 0;
}

static int
tear_down(void **state)
{
    struct stage *s = *state;

    live_views_destroy(&s->views);
    assert_int_equal(s->subscribed, 0);
    assert_int_equal(selfstat_value(STAT_VIEWS), 0);
    host_info_release(&s->host);
    free(s);
    return 0;
}

// Table and window come: from here the view is live.
static void
join(struct stage *s, int64_t now_ms)
{
    const struct live_header h = { .type = LIVE_TABLE, .epoch = EPOCH, .generation = 1 };
    const double values[] = { 1, 2, 4 };
    struct live_series in_table = { .id = 5, .kind = METRIC_COUNTER };
    struct query_series series;
    struct live_answer answer = { .epoch = EPOCH, .upto = 3, .series = &series, .n = 1 };
    struct buf out = { 0 };

    in_table.labels = room_labels("node_forks_total", NULL, NULL, NULL, NULL);
    live_put_table(&out, &h, &in_table, 1);
    live_views_message(s->views, HOST, LIVE_HOST_ROWS, out.at, out.len, now_ms);
    series = room_series(5, in_table.labels, T0 - 2000, values, 3);
    live_views_answer(s->views, HOST, &answer, now_ms);
    query_series_release(&series);
    buf_release(&out);
}

static struct event *
read_event(event_ring_t *ring, uint64_t seq)
{
    struct event *e = NULL;
    uint64_t behind;

    assert_int_equal(event_ring_read(ring, seq, &e, &behind), EVENT_FOUND);
    return e;
}

static void
leave(event_ring_t **ring)
{
    event_ring_unwatch(*ring);
    event_ring_unref(ring);
}

static void
two_watchers_share_one_view(void **state)
{
    struct stage *s = *state;
    event_ring_t *a = live_views_watch(s->views, &s->host, 0);
    event_ring_t *b = live_views_watch(s->views, &s->host, 0);

    assert_ptr_equal(a, b);
    assert_int_equal(s->subscribed, 1);
    assert_int_equal(event_ring_watchers(a), 2);
    join(s, 10);
    assert_int_equal(s->windows, 1);
    assert_int_equal(event_ring_last(a), 1);
    leave(&a);
    leave(&b);
}

static void
what_came_late_is_told_and_the_window_is_had_anew(void **state)
{
    struct stage *s = *state;
    event_ring_t *ring = live_views_watch(s->views, &s->host, 0);
    const struct live_filled old = { .host = HOST, .from_ms = 1, .to_ms = T0 - 600000 };
    const struct live_filled fresh = { .host = HOST, .from_ms = T0 - 60000, .to_ms = T0 - 3000 };
    const struct live_filled other = { .host = HOST + 1, .from_ms = 1, .to_ms = T0 };
    struct event *e;

    live_views_filled(s->views, &fresh, 5); // nobody has seen anything of it yet
    join(s, 10);
    live_views_filled(s->views, &old, 1000);
    assert_int_equal(s->windows, 1);
    live_views_filled(s->views, &other, 1000);
    live_views_filled(s->views, &fresh, 1000);
    assert_int_equal(s->windows, 2);
    assert_int_equal(event_ring_last(ring), 3);
    e = read_event(ring, 3);
    assert_non_null(memmem(e->at, e->len,
                           "event: filled\ndata: {\"s\":3,\"host\":\"0000000000000007\","
                           "\"from\":1699999940000,\"to\":1699999997000}\n\n",
                           95));
    event_unref(&e);
    leave(&ring);
}

static void
what_happens_is_told_to_who_has_the_window(void **state)
{
    struct stage *s = *state;
    event_ring_t *ring = live_views_watch(s->views, &s->host, 0);
    static const char says[] = "event: note\ndata: {\"s\":2,\"id\":\"0000000000000000-4\",";
    struct host_event note = {
        .host = HOST, .seq = 4, .time_ms = T0, .kind = "k", .kind_len = 1, .text = "", .text_len = 0
    };
    struct event *e;

    live_views_note(s->views, &note); // who joins asks for it
    join(s, 10);
    assert_int_equal(event_ring_last(ring), 1);
    live_views_note(s->views, &note);
    note.host = HOST + 1;
    live_views_note(s->views, &note);
    assert_int_equal(event_ring_last(ring), 2);
    e = read_event(ring, 2);
    assert_non_null(memmem(e->at, e->len, says, strlen(says)));
    event_unref(&e);
    leave(&ring);
}

static void
a_snapshot_that_is_wanted_is_encoded_once_at_the_same_number(void **state)
{
    struct stage *s = *state;
    event_ring_t *ring = live_views_watch(s->views, &s->host, 0);
    struct event *snap;
    bool asked;

    snap = event_ring_snap(ring, &asked);
    assert_null(snap);
    live_views_check(s->views, 5); // not joined yet: nothing to tell
    assert_true(event_ring_wanted(ring));
    join(s, 10);
    assert_false(event_ring_wanted(ring));
    for (int i = 0; i < 5; i++) {
        s->host.state = s->host.state == HOST_UP ? HOST_LATE : HOST_UP;
        live_views_host(s->views, &s->host, 20);
    }
    assert_null(event_ring_snap(ring, &asked)); // the first one is too old by now
    assert_true(asked);
    live_views_check(s->views, 30);
    snap = event_ring_snap(ring, &asked);
    assert_non_null(snap);
    assert_int_equal(snap->seq, 6);
    assert_int_equal(event_ring_last(ring), 6);
    assert_non_null(memmem(snap->at, snap->len, "\"web-1\",\"late\"", 14));
    event_unref(&snap);
    leave(&ring);
}

static void
a_state_that_changes_is_an_event_and_one_that_does_not_is_none(void **state)
{
    struct stage *s = *state;
    event_ring_t *ring = live_views_watch(s->views, &s->host, 0);
    struct event *e;

    join(s, 10);
    live_views_host(s->views, &s->host, 20);
    assert_int_equal(event_ring_last(ring), 1);
    s->host.state = HOST_SILENT;
    live_views_host(s->views, &s->host, 30);
    live_views_host(s->views, &s->host, 40);
    assert_int_equal(event_ring_last(ring), 2);
    e = read_event(ring, 2);
    assert_non_null(memmem(e->at, e->len, "\"op\":\"silent\"", 13));
    event_unref(&e);
    leave(&ring);
}

static void
a_view_is_given_up_some_time_after_its_last_watcher(void **state)
{
    struct stage *s = *state;
    event_ring_t *ring = live_views_watch(s->views, &s->host, 0);

    join(s, 10);
    live_views_check(s->views, 60000);
    assert_int_equal(s->subscribed, 1); // it is watched
    leave(&ring);
    live_views_check(s->views, 60000 + LIVE_VIEWS_LINGER_MS - 1);
    assert_int_equal(s->subscribed, 1);
    live_views_check(s->views, 60000 + LIVE_VIEWS_LINGER_MS);
    assert_int_equal(s->subscribed, 0);
}

static void
a_view_that_is_watched_again_repeats_no_number(void **state)
{
    struct stage *s = *state;
    event_ring_t *ring = live_views_watch(s->views, &s->host, 0);
    uint64_t last;

    join(s, 10);
    last = event_ring_last(ring);
    leave(&ring);
    live_views_check(s->views, LIVE_VIEWS_LINGER_MS);
    ring = live_views_watch(s->views, &s->host, 20000);
    join(s, 20010);
    assert_int_equal(event_ring_last(ring), last + 1);
    leave(&ring);
}

#define stage_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(two_watchers_share_one_view),
        stage_test(what_came_late_is_told_and_the_window_is_had_anew),
        stage_test(what_happens_is_told_to_who_has_the_window),
        stage_test(a_snapshot_that_is_wanted_is_encoded_once_at_the_same_number),
        stage_test(a_state_that_changes_is_an_event_and_one_that_does_not_is_none),
        stage_test(a_view_is_given_up_some_time_after_its_last_watcher),
        stage_test(a_view_that_is_watched_again_repeats_no_number),
    };

    return cmocka_run_group_tests_name("live_views", tests, NULL, NULL);
}
