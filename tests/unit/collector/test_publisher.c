// test_publisher - what a subscriber hears, and in what order.

#include "collector/fill_list.h"
#include "tests/unit/collector/room.h"

#include "collector/subscription_set.h"
#include "shared/base/rbuf.h"
#include "tests/support/seeded.h"

#define HOST UINT64_C(0xa1)

static struct live_header h;
static struct rbuf r;

static series_id
series(uint64_t host, const char *metric)
{
    struct label labels[] = { { LABEL_METRIC, metric }, { "instance", "web" } };
    struct label_set set;
    series_id id = 0;

    assert_int_equal(label_set_init(&set, labels, 2), 0);
    assert_int_equal(store_series(room.store, host, &set, METRIC_COUNTER, &id), 0);
    label_set_release(&set);
    return id;
}

// Stores and publishes one row of these series; the value of each is its id.
static void
row_of(char kind, uint64_t host, int64_t time_ms, uint32_t n, const series_id *ids)
{
    double values[8];
    struct store_row row = {
        .host = host, .time_ms = time_ms, .n = n, .series = ids, .values = values
    };

    for (uint32_t i = 0; i < n; i++)
        values[i] = ids[i];
    publisher_series(room.publisher, kind, &row);
    publisher_row(room.publisher, kind, &row, store_append(room.store, &row));
}

static void
row(uint64_t host, int64_t time_ms, uint32_t n, const series_id *ids)
{
    row_of(LIVE_HOST_ROWS, host, time_ms, n, ids);
}

// Expects a TABLE of n series; their metrics one after the other.
static const char *
hear_table(uint32_t expected)
{
    static char text[256];
    struct live_series *all;
    uint32_t n;

    text[0] = '\0';
    assert_int_equal(room_hear(&h, &r), 1);
    assert_int_equal(h.type, LIVE_TABLE);
    assert_int_equal(live_take_table(&r, &all, &n), 0);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(all[i].kind, METRIC_COUNTER);
        assert_string_equal(label_set_get(&all[i].labels, "instance"), "web");
        strcat(text, label_set_metric(&all[i].labels));
    }
    live_series_free(all, n);
    assert_int_equal(n, expected);
    return text;
}

static void
hear_row(uint64_t pubseq, int64_t time_ms, uint32_t n)
{
    struct live_row values = { 0 };

    assert_int_equal(room_hear(&h, &r), 1);
    assert_int_equal(h.type, LIVE_ROW);
    assert_int_equal(h.pubseq, pubseq);
    assert_int_equal(h.time_ms, time_ms);
    assert_int_equal(live_take_row(&r, &values), 0);
    assert_int_equal(values.n, n);
    for (uint32_t i = 0; i < n; i++)
        assert_true(values.values[i] == values.ids[i]);
    live_row_release(&values);
}

static void
hear_nothing(void)
{
    assert_int_equal(room_hear(&h, &r), 0);
}

static void
flush(void)
{
    while (publisher_flush(room.publisher, 1)) {
    }
}

static void
what_nobody_watches_is_not_sent_but_counted(void **state)
{
    series_id ids[] = { series(HOST, "a") };
    char topic[LIVE_TOPIC_SIZE];

    (void) state;
    room_hello(HOST, 1, "web", 1);
    row(HOST, 10, 1, ids);
    row(HOST, 20, 1, ids);
    assert_int_equal(selfstat_value(STAT_PUBLISHED_ROW), 0);
    live_topic(topic, 'm', HOST);
    room_subscribe(topic);
    flush();
    assert_string_equal(hear_table(1), "a");
    assert_int_equal(h.pubseq, 2);
    row(HOST, 30, 1, ids);
    hear_row(3, 30, 1);
    hear_nothing();
}

static void
a_table_comes_before_the_first_row_it_is_needed_for(void **state)
{
    series_id ids[] = { series(HOST, "a"), series(HOST, "b"), series(HOST, "c") };
    uint32_t generation;

    (void) state;
    room_hello(HOST, 1, "web", 1);
    room_subscribe("m/");
    row(HOST, 10, 1, ids);
    assert_string_equal(hear_table(1), "a");
    assert_int_equal(h.pubseq, 0);
    generation = h.generation;
    hear_row(1, 10, 1);
    assert_int_equal(h.generation, generation);
    row(HOST, 20, 3, ids);
    assert_string_equal(hear_table(3), "abc");
    assert_int_equal(h.generation, generation + 1);
    assert_int_equal(h.pubseq, 1);
    hear_row(2, 20, 3);
    row(HOST, 30, 2, ids + 1); // fewer, but none that is new
    hear_row(3, 30, 2);
    assert_int_equal(h.generation, generation + 1);
    hear_nothing();
}

static void
a_series_between_others_is_taken_into_the_set(void **state)
{
    series_id ids[] = { series(HOST, "a"), series(HOST, "b"), series(HOST, "c"),
                        series(HOST, "d") };
    series_id outer[] = { ids[1], ids[3] };

    (void) state;
    room_hello(HOST, 1, "web", 1);
    room_subscribe("m/");
    row(HOST, 10, 2, outer);
    assert_string_equal(hear_table(2), "bd");
    hear_row(1, 10, 2);
    row(HOST, 20, 3, ids);
    assert_string_equal(hear_table(4), "abcd");
    hear_row(2, 20, 3);
}

static void
every_subscription_brings_the_table_once_for_all_who_came_meanwhile(void **state)
{
    series_id ids[] = { series(HOST, "a") };

    (void) state;
    room_hello(HOST, 1, "web", 1);
    row(HOST, 10, 1, ids);
    room_subscribe("m/");
    room_subscribe("m");
    flush();
    assert_string_equal(hear_table(1), "a");
    hear_nothing();
    room_subscribe("m/0");
    row(HOST, 20, 1, ids); // a row that overtakes the flush brings the table along
    assert_string_equal(hear_table(1), "a");
    hear_row(2, 20, 1);
    flush();
    hear_nothing();
}

static void
another_hosts_rows_are_not_heard(void **state)
{
    series_id a[] = { series(HOST, "a") };
    series_id b[] = { series(HOST + 1, "b") };
    char topic[LIVE_TOPIC_SIZE];

    (void) state;
    room_hello(HOST, 1, "web", 1);
    room_hello(HOST + 1, 1, "db", 2);
    live_topic(topic, 'm', HOST);
    room_subscribe(topic);
    row(HOST + 1, 10, 1, b);
    row(HOST, 20, 1, a);
    flush();
    hear_table(1);
    hear_row(1, 20, 1);
    hear_nothing();
    assert_int_equal(selfstat_value(STAT_PUBLISHED_ROW), 1);
}

static void
hosts_are_told_at_a_subscription_and_when_they_change(void **state)
{
    struct host_info info;

    (void) state;
    room_hello(HOST, 1, "web", 1);
    room_subscribe(LIVE_EVENTS_TOPIC);
    flush();
    assert_int_equal(room_hear(&h, &r), 1);
    assert_int_equal(h.type, LIVE_HOST);
    assert_int_equal(live_take_host(&r, &info), 0);
    assert_int_equal(info.host, HOST);
    assert_string_equal(info.name, "web");
    assert_int_equal(info.state, HOST_UP);
    host_info_release(&info);
    room.now.mono_ms += HOST_SILENT_MS + 1;
    host_table_tick(room.hosts, room.now);
    assert_int_equal(room_hear(&h, &r), 1);
    assert_int_equal(live_take_host(&r, &info), 0);
    assert_int_equal(info.state, HOST_SILENT);
    host_info_release(&info);
    hear_nothing();
}

// Who was cut off, or comes back to a collector that has started anew, has not heard of it.
static void
what_was_filled_lately_is_told_to_who_joins(void **state)
{
    const struct live_filled filled = { .host = HOST, .from_ms = 10, .to_ms = 20 };
    struct live_filled heard;

    (void) state;
    publisher_filled(room.publisher, &filled, 30); // to nobody
    for (int i = 0; i < 2; i++) {
        room_subscribe(LIVE_EVENTS_TOPIC);
        flush();
        assert_int_equal(room_hear(&h, &r), 1);
        assert_int_equal(h.type, LIVE_FILLED);
        assert_int_equal(live_take_filled(&r, &heard), 0);
        assert_memory_equal(&heard, &filled, sizeof heard);
        hear_nothing();
    }
}

static void
the_newest_of_a_minute_are_told_again(void **state)
{
    struct fill_list list = { 0 };

    (void) state;
    for (uint64_t i = 0; i <= FILL_LIST_MOST; i++)
        fill_list_add(&list, &(const struct live_filled){ .host = i }, (int64_t) i);
    assert_int_equal(list.n, FILL_LIST_MOST);
    assert_int_equal(list.at[0].filled.host, 1);
    assert_int_equal(fill_list_trim(&list, FILL_LIST_MS), FILL_LIST_MOST);
    assert_int_equal(fill_list_trim(&list, FILL_LIST_MS + 2), FILL_LIST_MOST - 2);
    assert_int_equal(list.at[0].filled.host, 3);
    assert_int_equal(fill_list_trim(&list, 2 * FILL_LIST_MS), 0);
}

static void
a_table_can_be_asked_for(void **state)
{
    series_id ids[] = { series(HOST, "a") };

    (void) state;
    room_hello(HOST, 1, "web", 1);
    room_subscribe("m/");
    row(HOST, 10, 1, ids);
    hear_table(1);
    hear_row(1, 10, 1);
    publisher_ask_table(room.publisher, HOST);
    flush();
    assert_string_equal(hear_table(1), "a");
    assert_int_equal(h.pubseq, 1);
}

static void
an_agent_that_starts_anew_has_a_set_of_its_own(void **state)
{
    series_id ids[] = { series(HOST, "a"), series(HOST, "b") };

    (void) state;
    room_hello(HOST, 1, "web", 1);
    room_subscribe("m/");
    row(HOST, 10, 2, ids);
    hear_table(2);
    hear_row(1, 10, 2);
    publisher_reset(room.publisher, HOST);
    row(HOST, 20, 1, ids + 1);
    assert_string_equal(hear_table(1), "b");
    hear_row(2, 20, 1);
}

static void
applications_have_a_table_and_a_count_of_their_own(void **state)
{
    series_id ids[] = { series(HOST, "a"), series(HOST, "b"), series(HOST, "c") };

    (void) state;
    room_hello(HOST, 1, "web", 1);
    row(HOST, 10, 1, ids);
    row_of(LIVE_APP_ROWS, HOST, 15, 2, ids + 1);
    room_subscribe("a/");
    flush();
    assert_string_equal(hear_table(2), "bc");
    assert_int_equal(h.pubseq, 1);
    assert_int_equal(h.number, 2);
    row(HOST, 20, 1, ids); // not heard
    row_of(LIVE_APP_ROWS, HOST, 25, 1, ids + 2);
    hear_row(2, 25, 1);
    assert_int_equal(h.number, 4);
    hear_nothing();
    room_subscribe("m/");
    flush();
    assert_string_equal(hear_table(1), "a");
    assert_int_equal(h.pubseq, 2);
    assert_int_equal(h.number, 3);
    publisher_ask_table(room.publisher, HOST);
    flush();
    assert_string_equal(hear_table(2), "bc");
    assert_string_equal(hear_table(1), "a");
    hear_nothing();
}

static void
a_new_application_changes_no_generation_but_its_topics(void **state)
{
    series_id ids[] = { series(HOST, "a"), series(HOST, "b") };
    uint32_t generation;

    (void) state;
    room_hello(HOST, 1, "web", 1);
    room_subscribe("");
    flush(); // tells of the host
    assert_int_equal(room_hear(&h, &r), 1);
    row(HOST, 10, 1, ids);
    hear_table(1);
    generation = h.generation;
    hear_row(1, 10, 1);
    row_of(LIVE_APP_ROWS, HOST, 15, 1, ids + 1);
    assert_string_equal(hear_table(1), "b");
    hear_row(1, 15, 1);
    row(HOST, 20, 1, ids);
    hear_row(2, 20, 1);
    assert_int_equal(h.generation, generation);
    hear_nothing();
}

// Rows of few and of many series, against a plain array.
static void
the_set_is_what_the_rows_had(void **state)
{
    static series_id all[300];
    bool had[300] = { false };
    uint64_t seed = 7;

    (void) state;
    room_hello(HOST, 1, "web", 1);
    for (uint32_t i = 0; i < 300; i++) {
        char name[16];

        snprintf(name, sizeof name, "s%u", i);
        all[i] = series(HOST, name);
    }
    room_subscribe("m/");
    for (int i = 0; i < 400; i++) {
        const uint32_t rarely = 1 + seeded_below(&seed, 300), from = seeded_below(&seed, 300);
        struct live_series *told;
        series_id ids[8];
        uint32_t n = 0, want = 0, fresh = 0;

        for (uint32_t k = from; k < 300 && n < 8; k += 1 + seeded_below(&seed, rarely)) {
            ids[n++] = all[k];
            fresh += !had[k];
            had[k] = true;
        }
        row(HOST, i, n, ids);
        if (fresh > 0) {
            assert_int_equal(room_hear(&h, &r), 1);
            assert_int_equal(live_take_table(&r, &told, &n), 0);
            for (uint32_t k = 0; k < 300; k++) {
                if (had[k])
                    assert_int_equal(told[want++].id, all[k]);
            }
            assert_int_equal(n, want);
            live_series_free(told, n);
        }
        assert_int_equal(room_hear(&h, &r), 1);
        assert_int_equal(h.type, LIVE_ROW);
    }
    hear_nothing();
}

// What a subscriber sends upstream is bytes like any other.
static void
junk_from_subscribers_is_read_past(void **state)
{
    struct sock_spec spec = {
        .type = ZMQ_XSUB, .send_hwm = 1000, .recv_hwm = 1000, .max_bytes = 1 << 20
    };
    char text[SUBSCRIPTION_MAX + 2] = "";
    char endpoint[256];
    size_t size = sizeof endpoint;
    zsock_t *xsub;

    (void) state;
    assert_int_equal(zmq_getsockopt(sock_raw(room.xpub), ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
    assert_int_equal(sock_new(&xsub, &spec, NULL), 0);
    assert_int_equal(sock_connect(xsub, endpoint), 0);
    memset(text, 'm', sizeof text);
    for (size_t n = 0; n <= sizeof text; n++) {
        for (int i = 0; i < 4; i++) {
            text[0] = "\1\0\2\3"[i]; // join, leave, and what means nothing
            sock_send(xsub, text, n, false);
            publisher_read(room.publisher, 100);
        }
    }
    for (int i = 0; i < 100; i++)
        publisher_read(room.publisher, 100);
    assert_int_equal(selfstat_value(STAT_SUBSCRIPTIONS), 0); // each joined and left
    assert_true(selfstat_value(STAT_SUBSCRIPTIONS_IGNORED) > 0);
    zsock_destroy(&xsub);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_nobody_watches_is_not_sent_but_counted),
        TEST(a_table_comes_before_the_first_row_it_is_needed_for),
        TEST(a_series_between_others_is_taken_into_the_set),
        TEST(every_subscription_brings_the_table_once_for_all_who_came_meanwhile),
        TEST(another_hosts_rows_are_not_heard),
        TEST(hosts_are_told_at_a_subscription_and_when_they_change),
        TEST(what_was_filled_lately_is_told_to_who_joins),
        TEST(the_newest_of_a_minute_are_told_again),
        TEST(a_table_can_be_asked_for),
        TEST(an_agent_that_starts_anew_has_a_set_of_its_own),
        TEST(applications_have_a_table_and_a_count_of_their_own),
        TEST(a_new_application_changes_no_generation_but_its_topics),
        TEST(the_set_is_what_the_rows_had),
        TEST(junk_from_subscribers_is_read_past),
    };
    return cmocka_run_group_tests_name("publisher", tests, NULL, NULL);
}
