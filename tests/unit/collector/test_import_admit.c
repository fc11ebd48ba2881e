// test_import_admit - streams of importers: who may have them, and where their samples stand.

#include "tests/unit/collector/room.h"

#include "collector/import_admit.h"
#include "collector/replay.h"
#include "shared/base/err.h"
#include "shared/wire/import_host.h"

#define AGENT    UINT64_C(0xa1)
#define LONG_AGO INT64_C(1000000000000) // years before the room's clock

static int
admit(uint64_t id, uint64_t nonce, const char *name, uint64_t stream, const struct host **ret)
{
    struct control_msg msg = fake_hello(id, nonce, name, stream);
    const struct route route = { .len = 1, .at = { 7 } };

    return import_admit(room.hosts, &msg.hello, &route, room.now, ret);
}

static uint64_t
id_of(const char *name)
{
    return import_host_id(name, strlen(name));
}

// HELLO, IDENT and a TABLE of two.
static void
begin(struct fake_stream *s, const char *name)
{
    struct control_msg msg = fake_hello(id_of(name), 1, name, s->id);
    const struct host *host;

    assert_int_equal(admit(id_of(name), 1, name, s->id, &host), 0);
    ingest_hello(room.ingest, host, msg.hello.streams, msg.hello.n_streams);
    fake_ident(s, id_of(name), name);
    room_give(s);
    fake_table(s, 2);
    room_give(s);
}

static struct fake_stream
stream(uint64_t id, const char *metric)
{
    return (
        struct fake_stream){ .id = id, .metric = metric, .flags = FRAME_IMPORT, .instance = "web" };
}

static void
row(struct fake_stream *s, int64_t time_ms)
{
    fake_row(s, RECORD_KEY, time_ms, 2, 10);
    room_give(s);
}

// The host that the series stand under.
static uint64_t
host_of(const char *selector)
{
    struct store_select what = { .start_ms = INT64_MIN, .end_ms = INT64_MAX, .n_matchers = 1 };
    char error[MATCHERS_ERROR_SIZE];
    matchers_t *matchers = NULL;
    struct store_series s;
    store_cursor_t *cursor;
    uint64_t host = 0;

    assert_int_equal(matchers_parse(&matchers, selector, error), 0);
    what.matchers = &matchers;
    assert_int_equal(store_open(room.store, &what, &cursor), 0);
    while (store_next(cursor, &s) == 1)
        host = s.host;
    store_close(&cursor);
    matchers_destroy(&matchers);
    return host;
}

static void
what_an_importer_says_stands_with_its_instance_whatever_its_age(void **state)
{
    static struct fake_stream s;
    uint32_t n;

    (void) state;
    s = stream(0x51, "old");
    begin(&s, "web");
    row(&s, LONG_AGO);
    row(&s, LONG_AGO + 1000);
    assert_int_equal(room_samples("{__name__=~\"old_.*\",instance=\"web\"}", &n), 4);
    assert_int_equal(n, 2);
    assert_true(host_of("old_0") == id_of("web"));
    assert_true(room.ack.next == 4);
}

static void
it_stands_under_the_agents_host_where_one_has_its_name(void **state)
{
    static struct fake_stream agent, s;

    (void) state;
    agent = (struct fake_stream){ .id = 0x50, .metric = "live" };
    room_begin(&agent, AGENT, "web", 1);
    s = stream(0x51, "old");
    begin(&s, "web");
    row(&s, LONG_AGO);
    assert_true(host_of("old_0") == AGENT);
    assert_true(ingest_into(room.ingest, id_of("web")) == AGENT);
    // The agent's own book is not touched.
    assert_true(ingest_count(room.ingest, AGENT)->taken == 0);
    assert_true(ingest_count(room.ingest, id_of("web"))->taken == 2);
}

// They have ids of the store in common, and counts of their own.
static void
an_import_that_ends_takes_no_series_off_its_agents_count(void **state)
{
    static struct fake_stream agent, s;

    (void) state;
    room_hello(AGENT, 1, "web", 0x50);
    s = stream(0x51, "same");
    begin(&s, "web");
    row(&s, LONG_AGO);
    agent = (struct fake_stream){ .id = 0x50, .metric = "same" };
    room_begin(&agent, AGENT, "web", 2);
    fake_record(&s, RECORD_END, 0, LONG_AGO, NULL, 0);
    room_give(&s);
    // The agent starts anew, with another stream.
    room.now.mono_ms += HOST_SILENT_MS + 1;
    room_hello(AGENT, 2, "web", 0x60);
    row_state_release(&agent.rows);
    agent = (struct fake_stream){ .id = 0x60, .metric = "same" };
    fake_ident(&agent, AGENT, "web");
    room_give(&agent);
    fake_table(&agent, 2);
    room_give(&agent);
    fake_row(&agent, RECORD_KEY, LONG_AGO + 5000, 2, 1);
    room_give(&agent);
    assert_int_equal(ingest_count(room.ingest, AGENT)->taken, 2);
    assert_int_equal(ingest_count(room.ingest, AGENT)->refused, 0);
    row_state_release(&agent.rows);
}

static void
a_stream_stays_where_it_began_when_an_agent_comes(void **state)
{
    static struct fake_stream agent, s, later;

    (void) state;
    s = stream(0x51, "old");
    begin(&s, "web");
    row(&s, LONG_AGO);
    agent = (struct fake_stream){ .id = 0x50, .metric = "live" };
    room_begin(&agent, AGENT, "web", 1);
    row(&s, LONG_AGO + 1000);
    assert_true(host_of("old_1") == id_of("web"));
    // The next import finds the agent.
    fake_record(&s, RECORD_END, 0, LONG_AGO + 1000, NULL, 0);
    room_give(&s);
    later = stream(0x52, "later");
    begin(&later, "web");
    row(&later, LONG_AGO);
    assert_true(host_of("later_1") == AGENT);
}

static void
nothing_of_an_import_is_live_and_its_end_tells_what_it_filled(void **state)
{
    static struct fake_stream s;
    struct live_header h;
    struct rbuf r;

    (void) state;
    room_subscribe("m/");
    s = stream(0x51, "old");
    begin(&s, "web");
    row(&s, LONG_AGO);
    row(&s, room.now.real_ms);
    assert_int_equal(room_hear(&h, &r), 0);
    fake_record(&s, RECORD_END, 0, room.now.real_ms + 5, NULL, 0);
    room_give(&s);
    assert_int_equal(room.fills, 1);
    assert_true(room.fill.from_ms == LONG_AGO && room.fill.to_ms == room.now.real_ms + 5);
    assert_true(host_table_find(room.hosts, id_of("web"))->info.state == HOST_STOPPED);
}

static void
a_time_to_come_is_refused_as_any(void **state)
{
    static struct fake_stream s;
    uint32_t n;

    (void) state;
    s = stream(0x51, "old");
    begin(&s, "web");
    row(&s, room.now.real_ms + APPLIER_FUTURE_MS + 1);
    assert_int_equal(room_samples("old_0", &n), 0);
    row(&s, room.now.real_ms);
    assert_true(room.ack.refused == 2);
}

static void
who_said_hello_as_an_agent_may_not_import_and_the_other_way_round(void **state)
{
    static struct fake_stream agent, s;
    uint32_t n;

    (void) state;
    agent = (struct fake_stream){ .id = 0x50, .metric = "live", .flags = FRAME_IMPORT };
    room_hello(AGENT, 1, "web", agent.id);
    agent.instance = "another";
    fake_ident(&agent, AGENT, "web");
    room_give(&agent);
    fake_table(&agent, 2);
    room_give(&agent);
    row(&agent, LONG_AGO);
    s = stream(0x51, "old");
    s.flags = 0;
    begin(&s, "web");
    row(&s, LONG_AGO);
    assert_int_equal(room_samples("{__name__!=\"\"}", &n), 0);
    assert_int_equal(room.acks, 0);
    assert_true(selfstat_value(STAT_REFUSED_IDENTITY) == 6);
}

static void
a_stream_speaks_of_one_instance(void **state)
{
    static struct fake_stream s;
    uint32_t n;

    (void) state;
    s = stream(0x51, "old");
    s.instance = "db";
    begin(&s, "web");
    row(&s, LONG_AGO);
    assert_int_equal(room_samples("{__name__!=\"\"}", &n), 0);
    row(&s, LONG_AGO);
    assert_true(room.ack.refused == 2);
}

static void
an_importer_can_not_take_another_hosts_id(void **state)
{
    const struct host *host;

    (void) state;
    assert_int_equal(admit(id_of("web"), 1, "db", 0x51, &host), ERR_FORMAT);
    assert_int_equal(admit(AGENT, 1, "web", 0x51, &host), ERR_FORMAT);
    assert_int_equal(host_table_count(room.hosts), 0);
}

// Of a long import, what it begins with stands in a segment whose samples are on the disk already:
// its definitions alone are read of it.
static void
a_long_import_is_read_back_by_definitions_from_before(void **state)
{
    struct fake_stream s = stream(0x51, "m");
    event_log_t *events = event_log_new();
    uint64_t segment;
    local_store_t *local, *const ours = room.local;
    applier_t *applier;
    replay_t *replay;
    uint32_t series;

    (void) state;
    begin(&s, "web");
    fake_defs(&s, 2, FAKE_SLOTS_MAX);
    room_give(&s);
    segment = journal_end(room.journal).segment;
    // A segment and more, in a few groups.
    for (int64_t n = 0; n < 800; n++) {
        fake_row(&s, RECORD_KEY, LONG_AGO + n * 1000, FAKE_SLOTS_MAX, n << 40);
        ingest_frame(room.ingest, s.frame, s.len, room.now);
        if (n % 100 == 99)
            room_settle();
    }
    ingest_destroy(&room.ingest);
    journal_stop(&room.journal);
    applier_destroy(&room.applier);
    room_open_journal(1000);
    assert_true(journal_end(room.journal).segment > segment);
    assert_int_equal(local_store_new(&local, 64u << 20), 0);
    applier = applier_new(
        local, events,
        &(struct applier_limits){ .agent = agent_limits_default, .slot_bytes = ROOM_SLOT_BYTES });
    assert_int_equal(
        replay_start(&replay, &(struct replay_options){ .dir = room.dir,
                                                        .owner = ROOM_COLLECTOR,
                                                        .oldest = segment + 1,
                                                        .end = journal_end(room.journal),
                                                        .lanes = journal_lanes(room.journal),
                                                        .applier = applier }),
        0);
    assert_true(replay_wait(replay, clock_mono_ms() + ROOM_DEADLINE_MS));
    replay_stop(&replay);
    room.store = local_store_face(local);
    assert_true(room_samples("{instance=\"web\"}", &series) > 0);
    room.store = local_store_face(ours);
    applier_destroy(&applier);
    event_log_destroy(&events);
    local_store_destroy(&local);
    row_state_release(&s.rows);
}

int
main(void)
{
#define IN_ROOM(claim) cmocka_unit_test_setup_teardown(claim, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        IN_ROOM(what_an_importer_says_stands_with_its_instance_whatever_its_age),
        IN_ROOM(it_stands_under_the_agents_host_where_one_has_its_name),
        IN_ROOM(an_import_that_ends_takes_no_series_off_its_agents_count),
        IN_ROOM(a_stream_stays_where_it_began_when_an_agent_comes),
        IN_ROOM(nothing_of_an_import_is_live_and_its_end_tells_what_it_filled),
        IN_ROOM(a_time_to_come_is_refused_as_any),
        IN_ROOM(who_said_hello_as_an_agent_may_not_import_and_the_other_way_round),
        IN_ROOM(a_stream_speaks_of_one_instance),
        IN_ROOM(an_importer_can_not_take_another_hosts_id),
        IN_ROOM(a_long_import_is_read_back_by_definitions_from_before),
    };

    return cmocka_run_group_tests_name("import_admit", tests, NULL, NULL);
}
