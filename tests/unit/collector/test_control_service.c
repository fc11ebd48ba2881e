// test_control_service - what an agent hears in answer to what it says.

#include "tests/unit/collector/room.h"

#include "collector/control_service.h"
#include "tests/support/seeded.h"

#define HOST   UINT64_C(0xa1)
#define STREAM UINT64_C(0x51)

static zsock_t *s_router;
static zsock_t *s_agent[3];
static control_service_t *s_control;
static refusal_book_t *s_book;
static char s_endpoint[32];
static struct control_msg in;

static zsock_t *
agent(void)
{
    struct sock_spec spec = {
        .type = ZMQ_DEALER, .send_hwm = 100, .recv_hwm = 100, .max_bytes = CONTROL_MAX
    };
    zsock_t *sock;

    assert_int_equal(sock_new(&sock, &spec, NULL), 0);
    assert_int_equal(sock_connect(sock, s_endpoint), 0);
    return sock;
}

// `store` as the service has it; NULL: none.
static void
start_with(local_store_t *store)
{
    s_control = control_service_new(&(struct control_service_options){ .router = s_router,
                                                                       .refused = s_book,
                                                                       .hosts = room.hosts,
                                                                       .ingest = room.ingest,
                                                                       .ledger = room.ledger,
                                                                       .store = store,
                                                                       .collector = ROOM_COLLECTOR,
                                                                       .epoch = ROOM_EPOCH });
}

static int
setup(void **state)
{
    static unsigned number;
    struct sock_spec spec = { .type = ZMQ_ROUTER,
                              .send_hwm = 100,
                              .recv_hwm = 100,
                              .max_bytes = CONTROL_MAX,
                              .mandatory = true };

    room_setup(state);
    (void) snprintf(s_endpoint, sizeof s_endpoint, "inproc://control-%u", number++);
    assert_int_equal(sock_new(&s_router, &spec, NULL), 0);
    assert_int_equal(sock_bind(s_router, s_endpoint), 0);
    for (int i = 0; i < 3; i++)
        s_agent[i] = agent();
    s_book = refusal_book_new();
    start_with(NULL);
    return 0;
}

static int
teardown(void **state)
{
    control_service_destroy(&s_control);
    refusal_book_destroy(&s_book);
    for (int i = 0; i < 3; i++)
        zsock_destroy(&s_agent[i]);
    zsock_destroy(&s_router);
    return room_teardown(state);
}

static void
say(zsock_t *from, const struct control_msg *msg)
{
    static uint8_t bytes[CONTROL_MAX];
    ptrdiff_t n = control_put(bytes, sizeof bytes, msg);

    assert_true(n > 0);
    assert_int_equal(sock_send(from, bytes, (size_t) n, false), 0);
}

// The next answer.
static void
hear_any(zsock_t *at)
{
    int64_t until = clock_mono_ms() + ROOM_DEADLINE_MS;
    zmq_msg_t msg;

    zmq_msg_init(&msg);
    for (;;) {
        control_service_read(s_control, 64);
        control_service_pongs(s_control, clock_mono_ms());
        if (sock_recv(at, &msg) == 1)
            break;
        assert_true(clock_mono_ms() < until);
    }
    assert_int_equal(control_take(&in, zmq_msg_data(&msg), zmq_msg_size(&msg)), 0);
    zmq_msg_close(&msg);
}

// The next answer, of this type.
static void
hear(zsock_t *at, uint8_t type)
{
    hear_any(at);
    assert_int_equal(in.type, type);
}

static void
say_hello(zsock_t *from, uint64_t host, uint64_t nonce, const char *name, uint64_t stream)
{
    struct control_msg msg = fake_hello(host, nonce, name, stream);

    say(from, &msg);
}

static void
say_ping(zsock_t *from, uint64_t host, uint64_t nonce)
{
    say(from, &(struct control_msg){
                  .type = CONTROL_PING,
                  .ping = { .host = host, .nonce = nonce, .n = 7, .t1_ms = 1234, .rtt_us = -1 } });
}

static void
hello_is_answered_by_welcome(void **state)
{
    int64_t now = clock_real_ms();

    (void) state;
    say_hello(s_agent[0], HOST, 1, "web", STREAM);
    hear(s_agent[0], CONTROL_WELCOME);
    assert_int_equal(in.welcome.collector, ROOM_COLLECTOR);
    assert_int_equal(in.welcome.epoch, ROOM_EPOCH);
    assert_int_equal(in.welcome.max_frame, FRAME_MAX);
    assert_in_range(in.welcome.now_ms, now, now + ROOM_DEADLINE_MS);
    assert_int_equal(in.welcome.n_streams, 1);
    assert_int_equal(in.welcome.streams[0].stream, STREAM);
    assert_int_equal(in.welcome.streams[0].next, 0);
}

static void
welcome_says_where_a_known_stream_goes_on(void **state)
{
    static struct fake_stream s = { .id = STREAM, .metric = "m" };

    (void) state;
    say_hello(s_agent[0], HOST, 1, "web", STREAM);
    hear(s_agent[0], CONTROL_WELCOME);
    fake_ident(&s, HOST, "web");
    room_give(&s);
    fake_table(&s, 1);
    room_give(&s);
    say_hello(s_agent[1], HOST, 1, "web", STREAM); // the same agent, on a new connection
    hear(s_agent[1], CONTROL_WELCOME);
    assert_int_equal(in.welcome.streams[0].next, 2);
}

static bool
no_stream(void *arg, uint64_t stream)
{
    (void) arg;
    (void) stream;
    return false;
}

// While the store is not loaded it is not known where a stream goes on: who asks is not here yet,
// so its next HELLO is its first.
static void
a_hello_that_can_not_be_answered_yet_never_was(void **state)
{
    struct control_msg early = fake_hello(HOST, 1, "web", STREAM);
    char dir[] = "/tmp/zpulse-control-XXXXXX";
    local_store_t *store;

    (void) state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(local_store_open(&store, &(struct local_store_config){ .most_bytes = 16u << 20,
                                                                            .dir = dir }),
                     0);
    control_service_destroy(&s_control);
    start_with(store);
    early.hello.collector = ROOM_COLLECTOR;
    early.hello.streams[0].base = early.hello.streams[0].acked_here = 9;
    early.hello.streams[0].head = 9;
    say(s_agent[0], &early);
    say_hello(s_agent[0], HOST + 1, 1, "db", STREAM + 1);
    hear(s_agent[0], CONTROL_WELCOME);
    assert_int_equal(in.welcome.streams[0].stream, STREAM + 1);
    assert_null(host_table_find(room.hosts, HOST));
    assert_int_equal(local_store_load(store, no_stream, NULL), 0);
    say(s_agent[0], &early);
    hear(s_agent[0], CONTROL_WELCOME);
    assert_int_equal(in.welcome.streams[0].stream, STREAM);
    assert_non_null(host_table_find(room.hosts, HOST));
    control_service_destroy(&s_control);
    start_with(NULL);
    local_store_destroy(&store);
    assert_int_equal(folder_remove(dir), 0);
}

static void
ping_is_answered_by_pong_with_its_stamps(void **state)
{
    int64_t now = clock_real_ms();

    (void) state;
    say_hello(s_agent[0], HOST, 1, "web", STREAM);
    hear(s_agent[0], CONTROL_WELCOME);
    say_ping(s_agent[0], HOST, 1);
    hear(s_agent[0], CONTROL_PONG);
    assert_int_equal(in.pong.n, 7);
    assert_int_equal(in.pong.t1_ms, 1234);
    assert_in_range(in.pong.t2_ms, now, now + ROOM_DEADLINE_MS);
    assert_true(in.pong.t3_ms >= in.pong.t2_ms);
}

static void
ping_of_a_stranger_is_asked_for_hello(void **state)
{
    (void) state;
    say_ping(s_agent[0], HOST, 1);
    hear(s_agent[0], CONTROL_NAK);
    assert_int_equal(in.nak.reason, NAK_HELLO);
    say_hello(s_agent[0], HOST, 1, "web", STREAM);
    hear(s_agent[0], CONTROL_WELCOME);
    say_ping(s_agent[1], HOST, 1); // the same agent, but this connection said no HELLO
    hear(s_agent[1], CONTROL_NAK);
    say_ping(s_agent[0], HOST, 2);
    hear(s_agent[0], CONTROL_NAK);
}

static void
a_second_host_of_one_name_is_sent_away(void **state)
{
    (void) state;
    say_hello(s_agent[0], HOST, 1, "web", STREAM);
    hear(s_agent[0], CONTROL_WELCOME);
    say_hello(s_agent[1], HOST + 1, 1, "web", STREAM + 1);
    hear(s_agent[1], CONTROL_GOAWAY);
    assert_int_equal(in.goaway.reason, GOAWAY_NAME);
}

static void
a_clone_is_sent_away_for_two_seconds(void **state)
{
    (void) state;
    say_hello(s_agent[0], HOST, 1, "web", STREAM);
    hear(s_agent[0], CONTROL_WELCOME);
    say_hello(s_agent[1], HOST, 2, "web", STREAM + 1);
    hear(s_agent[1], CONTROL_GOAWAY);
    assert_int_equal(in.goaway.reason, GOAWAY_CLONE);
    assert_int_equal(in.goaway.delay_ms, 2000);
    hear(s_agent[0], CONTROL_PONG); // whether the first is there, without a say in what it does
    assert_int_equal(in.pong.n, 0);
}

static void
who_is_sent_away_is_noted_until_it_is_welcome(void **state)
{
    struct query_away list[REFUSAL_BOOK_MOST];

    (void) state;
    say_hello(s_agent[0], HOST, 1, "web", STREAM);
    hear(s_agent[0], CONTROL_WELCOME);
    say_hello(s_agent[1], HOST + 1, 5, "web", STREAM + 1);
    hear(s_agent[1], CONTROL_GOAWAY);
    say_hello(s_agent[2], HOST, 6, "web", STREAM + 2);
    hear(s_agent[2], CONTROL_GOAWAY);
    assert_int_equal(refusal_book_list(s_book, list, clock_real_ms()), 2);
    assert_int_equal(list[0].cause, AWAY_NAME);
    assert_int_equal(list[0].host, HOST + 1);
    assert_string_equal(list[0].name, "web");
    assert_int_equal(list[1].cause, AWAY_CLONE);
    assert_int_equal(list[1].nonce, 6);
    say_hello(s_agent[1], HOST + 1, 5, "web-2", STREAM + 1);
    hear(s_agent[1], CONTROL_WELCOME);
    assert_int_equal(refusal_book_list(s_book, list, clock_real_ms()), 1);
    assert_int_equal(list[0].cause, AWAY_CLONE);
}

static void
an_agent_whose_connection_ended_is_replaced_at_once(void **state)
{
    int64_t until = clock_mono_ms() + ROOM_DEADLINE_MS;

    (void) state;
    say_hello(s_agent[0], HOST, 1, "web", STREAM);
    hear(s_agent[0], CONTROL_WELCOME);
    zsock_destroy(&s_agent[0]); // killed
    do {                        // closing takes its time
        say_hello(s_agent[1], HOST, 2, "web", STREAM + 1);
        hear_any(s_agent[1]);
        assert_true(clock_mono_ms() < until);
    } while (in.type != CONTROL_WELCOME);
    assert_int_equal(host_table_find(room.hosts, HOST)->nonce, 2);
    assert_int_equal(host_table_find(room.hosts, HOST)->info.state, HOST_UP);
}

static void
bye_is_not_answered_and_stops_the_host(void **state)
{
    (void) state;
    say_hello(s_agent[0], HOST, 1, "web", STREAM);
    hear(s_agent[0], CONTROL_WELCOME);
    say(s_agent[0],
        &(struct control_msg){ .type = CONTROL_BYE, .bye = { .host = HOST, .nonce = 1 } });
    say_ping(s_agent[0], HOST, 1);
    hear(s_agent[0], CONTROL_NAK); // it has stopped, so it is a stranger
    assert_int_equal(host_table_find(room.hosts, HOST)->info.state, HOST_STOPPED);
}

static void
a_newer_major_version_is_sent_away(void **state)
{
    uint8_t bytes[CONTROL_MAX];
    struct control_msg msg = fake_hello(HOST, 1, "web", STREAM);
    ptrdiff_t n = control_put(bytes, sizeof bytes, &msg);

    (void) state;
    bytes[2] = (CONTROL_VERSION_MAJOR + 1) << 4; // after two bytes of magic
    sock_send(s_agent[0], bytes, (size_t) n, false);
    hear(s_agent[0], CONTROL_GOAWAY);
    assert_int_equal(in.goaway.reason, GOAWAY_VERSION);
}

static void
a_nak_reaches_the_newest_connection(void **state)
{
    (void) state;
    say_hello(s_agent[0], HOST, 1, "web", STREAM);
    hear(s_agent[0], CONTROL_WELCOME);
    say_hello(s_agent[1], HOST, 1, "web", STREAM);
    hear(s_agent[1], CONTROL_WELCOME);
    control_service_nak(s_control, HOST,
                        &(struct nak){ .reason = NAK_KEY, .stream = STREAM, .next = 9 });
    hear(s_agent[1], CONTROL_NAK);
    assert_int_equal(in.nak.next, 9);
    control_service_nak(s_control, HOST + 1, &(struct nak){ .reason = NAK_KEY }); // nobody
}

static void
all_that_live_are_told_of_the_end(void **state)
{
    (void) state;
    for (unsigned i = 0; i < 3; i++) {
        char name[2] = { (char) ('a' + i), '\0' };

        say_hello(s_agent[i], HOST + i, 1, name, STREAM + i);
        hear(s_agent[i], CONTROL_WELCOME);
    }
    control_service_shutdown(s_control);
    for (unsigned i = 0; i < 3; i++) {
        hear(s_agent[i], CONTROL_GOAWAY);
        assert_int_equal(in.goaway.reason, GOAWAY_SHUTDOWN);
        assert_in_range(in.goaway.delay_ms, 1000, 2000);
    }
}

// Random bytes, damaged messages, and messages of more parts than one.
static void
junk_is_counted_and_harms_nobody(void **state)
{
    static uint8_t bytes[1024];
    uint64_t seed = 3;

    (void) state;
    for (int i = 0; i < 20000; i++) {
        struct control_msg msg = fake_hello(HOST + 1 + (i & 7), 1, "junk", (uint64_t) i + 1);
        ptrdiff_t n = control_put(bytes, sizeof bytes, &msg);
        size_t len = seeded_below(&seed, (uint32_t) n + 1);

        if (seeded_below(&seed, 3) == 0) {
            for (size_t k = 0; k < len; k++)
                bytes[k] = (uint8_t) seeded_next(&seed);
        } else if (len > 0) {
            len = (size_t) n;
            bytes[seeded_below(&seed, (uint32_t) n)] ^= (uint8_t) seeded_next(&seed);
        }
        for (uint32_t parts = seeded_below(&seed, 8) == 0 ? seeded_below(&seed, 5) : 0; parts > 0;
             parts--)
            sock_send(s_agent[2], bytes, len, true);
        sock_send(s_agent[2], bytes, len, false);
        control_service_read(s_control, 64);
        control_service_pongs(s_control, clock_mono_ms());
        if (i % 64 == 0) { // what is answered is to be read
            zmq_msg_t heard;

            zmq_msg_init(&heard);
            while (sock_recv(s_agent[2], &heard) == 1) {
            }
            zmq_msg_close(&heard);
        }
    }
    assert_true(selfstat_value(STAT_CONTROL_BAD) > 1000);
    say_hello(s_agent[0], HOST, 1, "web", STREAM);
    room.now.mono_ms = clock_mono_ms() + 10000;
    host_table_tick(room.hosts, room.now);
    hear(s_agent[0], CONTROL_WELCOME);
}

// Whether the books of an agent that says HELLO, and was welcomed by `last` before, can be compared
// at once, where it had `before` samples acknowledged elsewhere.
static bool
is_compared(uint64_t last, uint64_t before)
{
    struct control_msg msg = fake_hello(HOST, 1, "web", STREAM);
    struct query_ledger ledger;

    ingest_before(room.ingest, HOST, before);
    room_settle();
    msg.hello.collector = last;
    say(s_agent[0], &msg);
    hear(s_agent[0], CONTROL_WELCOME);
    host_ledger_get(room.ledger, HOST, NULL, &ledger);
    return ledger.settled;
}

static void
the_books_of_an_agent_that_comes_from_elsewhere_are_measured_anew(void **state)
{
    (void) state;
    assert_true(is_compared(ROOM_COLLECTOR, 5));
    assert_false(is_compared(ROOM_COLLECTOR + 1, 0));
    assert_true(is_compared(0, 0)); // it has forgotten, and has never been elsewhere
    assert_false(is_compared(0, 5));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(hello_is_answered_by_welcome),
        TEST(welcome_says_where_a_known_stream_goes_on),
        TEST(a_hello_that_can_not_be_answered_yet_never_was),
        TEST(ping_is_answered_by_pong_with_its_stamps),
        TEST(ping_of_a_stranger_is_asked_for_hello),
        TEST(a_second_host_of_one_name_is_sent_away),
        TEST(a_clone_is_sent_away_for_two_seconds),
        TEST(who_is_sent_away_is_noted_until_it_is_welcome),
        TEST(an_agent_whose_connection_ended_is_replaced_at_once),
        TEST(bye_is_not_answered_and_stops_the_host),
        TEST(a_newer_major_version_is_sent_away),
        TEST(a_nak_reaches_the_newest_connection),
        TEST(all_that_live_are_told_of_the_end),
        TEST(junk_is_counted_and_harms_nobody),
        TEST(the_books_of_an_agent_that_comes_from_elsewhere_are_measured_anew),
    };
    return cmocka_run_group_tests_name("control_service", tests, NULL, NULL);
}
