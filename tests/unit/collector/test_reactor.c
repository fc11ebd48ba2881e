// test_reactor - the whole thread over ipc sockets: an agent, a subscriber, an asker, and those who
// mean harm. Some lines more than others have: all of them share one thread and its sockets.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "collector/collector_stat.h"
#include "collector/reactor.h"
#include "collector/store/local_store.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/net/selfstat.h"
#include "shared/net/sock.h"
#include "shared/wire/live.h"
#include "shared/wire/query_msg.h"
#include "tests/support/fake_stream.h"
#include "tests/support/folder.h"
#include "tests/support/seeded.h"

#define HOST        UINT64_C(0xa1)
#define COLLECTOR   UINT64_C(0xc0)
#define STREAM      UINT64_C(0x51)
#define DEADLINE_MS 20000

static char s_dir[] = "/tmp/zpulse-test-reactor-XXXXXX";
static char s_endpoint[96];
static local_store_t *s_local;
static store_t *s_store; // its face
static reactor_t *s_reactor;
static journal_t *s_journal;
static applier_t *s_applier;
static event_log_t *s_events;
static refusal_book_t *s_book;
static replay_t *s_replay;
static zsock_t *s_push, *s_dealer, *s_sub, *s_asker;
static struct fake_stream s_stream;

static zsock_t *
join(int type, enum sock_port port)
{
    // Lingering, as whoever sends messages of several parts must (reactor.c says why).
    struct sock_spec spec = {
        .type = type,
        .send_hwm = 1000,
        // An agent bounds nothing here either: a ROUTER drops what does not fit.
        .recv_hwm = type == ZMQ_DEALER ? SOCK_NO_LIMIT : 1000,
        .max_bytes = LIVE_MAX,
        .linger_ms = 100,
        .reconnect_ms = 10
    };
    char endpoint[128];
    zsock_t *sock;

    assert_int_equal(sock_endpoint(endpoint, sizeof endpoint, s_endpoint, port), 0);
    assert_int_equal(sock_new(&sock, &spec, NULL), 0);
    assert_int_equal(sock_connect(sock, endpoint), 0);
    return sock;
}

static int
setup(void **state)
{
    static unsigned number;
    char failed[REACTOR_ENDPOINT_SIZE];
    struct journal_found found;
    char dir[128];

    (void) state;
    collector_stat_init();
    (void) snprintf(dir, sizeof dir, "%s/journal-%u", s_dir, number);
    (void) snprintf(s_endpoint, sizeof s_endpoint, "ipc://%s/%u", s_dir, number++);
    s_stream = (struct fake_stream){ .id = STREAM, .metric = "m" };
    assert_int_equal(local_store_new(&s_local, 64u << 20), 0);
    s_store = local_store_face(s_local);
    assert_int_equal(journal_start(&s_journal, &found,
                                   &(struct journal_options){ .dir = dir,
                                                              .owner = COLLECTOR,
                                                              .segment_bytes = 1u << 20,
                                                              .bytes_most = 1u << 30,
                                                              .hold_bytes = JOURNAL_HOLD_BYTES,
                                                              .now_ms = clock_real_ms }),
                     0);
    s_events = event_log_new();
    s_book = refusal_book_new();
    s_applier = applier_new(s_local, s_events,
                            &(struct applier_limits){ .agent = agent_limits_default,
                                                      .slot_bytes = APPLIER_SLOT_BYTES_MOST });
    assert_int_equal(
        replay_start(&s_replay, &(struct replay_options){ .dir = dir,
                                                          .owner = COLLECTOR,
                                                          .end = journal_end(s_journal),
                                                          .lanes = journal_lanes(s_journal),
                                                          .applier = s_applier }),
        0);
    assert_int_equal(reactor_start(&s_reactor,
                                   &(struct reactor_options){ .data_endpoint = s_endpoint,
                                                              .local = s_local,
                                                              .store = s_store,
                                                              .journal = s_journal,
                                                              .replay = s_replay,
                                                              .applier = s_applier,
                                                              .events = s_events,
                                                              .refused = s_book,
                                                              .receive_bytes = 64u << 20,
                                                              .collector = COLLECTOR,
                                                              .epoch = 5,
                                                              .most_agents = 100 },
                                   failed),
                     0);
    s_push = join(ZMQ_PUSH, SOCK_DATA);
    s_dealer = join(ZMQ_DEALER, SOCK_CONTROL);
    s_sub = join(ZMQ_SUB, SOCK_LIVE);
    s_asker = join(ZMQ_DEALER, SOCK_QUERY);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    reactor_stop(&s_reactor);
    replay_stop(&s_replay);
    journal_stop(&s_journal);
    applier_destroy(&s_applier);
    event_log_destroy(&s_events);
    refusal_book_destroy(&s_book);
    local_store_destroy(&s_local);
    row_state_release(&s_stream.rows);
    zsock_destroy(&s_push);
    zsock_destroy(&s_dealer);
    zsock_destroy(&s_sub);
    zsock_destroy(&s_asker);
    return 0;
}

// A message within the deadline; more parts are read with sock_recv.
static void
hear(zsock_t *at, zmq_msg_t *msg)
{
    zmq_pollitem_t item = { .socket = sock_raw(at), .events = ZMQ_POLLIN };

    assert_int_equal(zmq_poll(&item, 1, DEADLINE_MS), 1);
    assert_int_equal(sock_recv(at, msg), 1);
}

static void
say(zsock_t *to, const struct control_msg *msg)
{
    static uint8_t bytes[CONTROL_MAX];
    ptrdiff_t n = control_put(bytes, sizeof bytes, msg);

    assert_true(n > 0);
    assert_int_equal(sock_send(to, bytes, (size_t) n, false), 0);
}

// Says and hears until an answer of this type comes.
static void
hear_control(zsock_t *at, uint8_t type)
{
    static struct control_msg in;
    zmq_msg_t msg;

    zmq_msg_init(&msg);
    do {
        hear(at, &msg);
        assert_int_equal(control_take(&in, zmq_msg_data(&msg), zmq_msg_size(&msg)), 0);
    } while (in.type != type);
    zmq_msg_close(&msg);
}

static void
say_hello(zsock_t *to, uint64_t host, const char *name, uint64_t stream)
{
    struct control_msg msg = fake_hello(host, 1, name, stream);

    say(to, &msg);
    hear_control(to, CONTROL_WELCOME);
}

// Each second until it is answered, as an agent does: a PONG behind hundreds of ACKs that the
// network has not taken yet is dropped.
static void
say_ping(void)
{
    static struct control_msg in;
    zmq_pollitem_t item = { .socket = sock_raw(s_dealer), .events = ZMQ_POLLIN };
    const int64_t until = clock_mono_ms() + DEADLINE_MS;
    int64_t next = 0;
    zmq_msg_t msg;

    zmq_msg_init(&msg);
    for (in.type = 0; in.type != CONTROL_PONG;) {
        assert_true(clock_mono_ms() < until);
        if (clock_mono_ms() >= next) {
            say(s_dealer,
                &(struct control_msg){ .type = CONTROL_PING,
                                       .ping = { .host = HOST, .nonce = 1, .rtt_us = -1 } });
            next = clock_mono_ms() + 1000;
        }
        if (zmq_poll(&item, 1, 100) == 1) {
            assert_int_equal(sock_recv(s_dealer, &msg), 1);
            assert_int_equal(control_take(&in, zmq_msg_data(&msg), zmq_msg_size(&msg)), 0);
        }
    }
    zmq_msg_close(&msg);
}

static void
push(void)
{
    zmq_pollitem_t item = { .socket = sock_raw(s_push), .events = ZMQ_POLLOUT };

    assert_int_equal(zmq_poll(&item, 1, DEADLINE_MS), 1);
    assert_int_equal(sock_send(s_push, s_stream.frame, s_stream.len, false), 0);
}

// HELLO, IDENT, TABLE.
static void
begin(uint32_t slots)
{
    say_hello(s_dealer, HOST, "web", STREAM);
    fake_ident(&s_stream, HOST, "web");
    push();
    fake_table(&s_stream, slots);
    push();
}

static void
await(enum collector_stat stat, int64_t least)
{
    int64_t until = clock_mono_ms() + DEADLINE_MS;

    while (selfstat_value(stat) < least) {
        assert_true(clock_mono_ms() < until);
        zmq_poll(NULL, 0, 1);
    }
}

static void
subscribe(const char *topic)
{
    int64_t before = selfstat_value(STAT_SUBSCRIPTIONS);

    assert_int_equal(zmq_setsockopt(sock_raw(s_sub), ZMQ_SUBSCRIBE, topic, strlen(topic)), 0);
    await(STAT_SUBSCRIPTIONS, before + 1);
}

// Samples of the newest answer to LAST.
static uint32_t
ask_last(uint64_t host, const char *selector)
{
    struct query_request q = {
        .type = QUERY_LAST, .host = host, .n_selectors = 1, .selectors = { selector }
    };
    struct query_reply reply;
    uint8_t bytes[1024];
    struct rbuf r;
    zmq_msg_t msg;

    zmq_msg_init(&msg);
    assert_int_equal(
        sock_send(s_asker, bytes, (size_t) query_put_request(bytes, sizeof bytes, &q), false), 0);
    hear(s_asker, &msg);
    assert_int_equal(query_take_reply(&reply, &r, zmq_msg_data(&msg), zmq_msg_size(&msg)), 0);
    assert_int_equal(reply.status, QUERY_OK);
    zmq_msg_close(&msg);
    return reply.n;
}

// The next ROW on the live stream; its number of values.
static uint32_t
hear_row(void)
{
    struct live_header header;
    struct live_row row = { 0 };
    zmq_msg_t topic, body;
    struct rbuf r;
    uint32_t n;

    zmq_msg_init(&topic);
    zmq_msg_init(&body);
    do {
        hear(s_sub, &topic);
        assert_int_equal(sock_recv(s_sub, &body), 1);
        assert_int_equal(live_take(&header, &r, zmq_msg_data(&body), zmq_msg_size(&body)), 0);
    } while (header.type != LIVE_ROW);
    assert_int_equal(live_take_row(&r, &row), 0);
    n = row.n;
    live_row_release(&row);
    zmq_msg_close(&topic);
    zmq_msg_close(&body);
    return n;
}

static void
a_sample_reaches_a_subscriber_and_an_answer(void **state)
{
    (void) state;
    begin(3);
    subscribe("m/");
    fake_row(&s_stream, RECORD_KEY, clock_real_ms(), 3, 1);
    push();
    assert_int_equal(hear_row(), 3);
    assert_int_equal(ask_last(HOST, "{__name__=~\"m_.\"}"), 3);
}

static void
its_own_counters_are_series(void **state)
{
    int64_t until = clock_mono_ms() + DEADLINE_MS;

    (void) state;
    while (ask_last(COLLECTOR, "zpulse_collector_frames_total{job=\"zpulse\"}") == 0)
        assert_true(clock_mono_ms() < until);
    assert_int_equal(ask_last(COLLECTOR, "process_resident_memory_bytes"), 1);
    assert_int_equal(ask_last(COLLECTOR, "zpulse_collector_agents"), 4);
}

static atomic_bool s_flooding;

// Rows as fast as they are taken, over a connection of its own.
static void *
flood(void *arg)
{
    zsock_t *sock = join(ZMQ_PUSH, SOCK_DATA);
    int64_t time_ms = clock_real_ms();

    (void) arg;
    while (atomic_load(&s_flooding)) {
        // No further ahead than a collector takes it, however long this lasts.
        while (++time_ms > clock_real_ms() + 60000 && atomic_load(&s_flooding))
            zmq_poll(NULL, 0, 1);
        fake_row(&s_stream, RECORD_KEY, time_ms, FAKE_SLOTS_MAX, time_ms);
        while (sock_send(sock, s_stream.frame, s_stream.len, false) < 0 && atomic_load(&s_flooding))
            zmq_poll(NULL, 0, 1);
    }
    zsock_destroy(&sock);
    return NULL;
}

// Frames never end while this runs: a reactor that reads until there are none would not answer.
static void
a_flood_of_frames_does_not_keep_pings_waiting(void **state)
{
    pthread_t thread;

    (void) state;
    begin(FAKE_SLOTS_MAX);
    await(STAT_FRAMES, 2);
    atomic_store(&s_flooding, true);
    assert_int_equal(pthread_create(&thread, NULL, flood, NULL), 0);
    await(STAT_FRAMES, 1000);
    await(STAT_SAMPLES, FAKE_SLOTS_MAX); // a frame is there before the disk has it
    for (int i = 0; i < 50; i++)
        say_ping();
    assert_int_equal(ask_last(HOST, "m_1"), 1);
    await(STAT_FRAMES, selfstat_value(STAT_FRAMES) + 1000);
    atomic_store(&s_flooding, false);
    pthread_join(thread, NULL);
    assert_int_equal(selfstat_value(STAT_LANE_DUPLICATES), 0);
}

// Random messages, half of them damaged ones of ours. Large ones have one part and get the
// connection cut; small ones have up to three. Both at once would break the libzmq of whoever sends
// them.
static void
throw_junk(int type, enum sock_port port, uint64_t *seed, bool large)
{
    zsock_t *sock = join(type, port);
    uint8_t bytes[2048];
    uint32_t most = large ? sizeof bytes : 512;

    for (unsigned i = 0; i < 500; i++) {
        size_t len = seeded_below(seed, most);

        for (size_t k = 0; k < len; k++)
            bytes[k] = (uint8_t) seeded_next(seed);
        if (i % 2 == 0) {
            fake_row(&s_stream, RECORD_KEY, (int64_t) seeded_wide(seed), 8, 1);
            len = s_stream.len < most ? s_stream.len : most;
            memcpy(bytes, s_stream.frame, len);
            bytes[seeded_below(seed, (uint32_t) len)] ^= (uint8_t) seeded_next(seed);
        }
        for (uint32_t parts = large ? 0 : seeded_below(seed, 3); parts > 0; parts--)
            sock_send(sock, bytes, len, true);
        if (sock_send(sock, bytes, len, false) < 0)
            zmq_poll(NULL, 0, 1);
    }
    zsock_destroy(&sock);
}

// Bytes that are no ZMTP, straight into the unix socket.
static void
throw_raw(enum sock_port port, uint64_t *seed)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    char endpoint[128];
    uint8_t bytes[512];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(sock_endpoint(endpoint, sizeof endpoint, s_endpoint, port), 0);
    assert_in_range(strlen(endpoint), strlen("ipc://") + 1, sizeof to.sun_path - 1);
    strcpy(to.sun_path, endpoint + strlen("ipc://"));
    assert_int_equal(connect(fd, (const struct sockaddr *) &to, sizeof to), 0);
    for (size_t k = 0; k < sizeof bytes; k++)
        bytes[k] = (uint8_t) seeded_next(seed);
    if (seeded_below(seed, 2) == 0)
        memcpy(bytes, "\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL", 16); // as ZMTP begins
    (void) !send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
    close(fd);
}

static void
junk_on_every_socket_harms_nobody(void **state)
{
    static const struct {
        int type;
        enum sock_port port;
    } attacks[] = {
        { ZMQ_PUSH, SOCK_DATA },    { ZMQ_DEALER, SOCK_CONTROL }, { ZMQ_REQ, SOCK_CONTROL },
        { ZMQ_XSUB, SOCK_LIVE },    { ZMQ_DEALER, SOCK_QUERY },   { ZMQ_DEALER, SOCK_DATA },
        { ZMQ_ROUTER, SOCK_QUERY },
    };
    uint64_t seed = 5;

    (void) state;
    begin(8);
    subscribe("m/");
    for (unsigned round = 0; round < 4; round++) {
        for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
            throw_junk(attacks[i].type, attacks[i].port, &seed, round % 2 == 0);
            throw_raw(attacks[i].port, &seed);
        }
    }
    await(STAT_REFUSED_FORMAT, 1);
    await(STAT_CONTROL_BAD, 1);
    say_ping();
    s_stream.base = s_stream.seq; // what was thrown away is not sent again
    fake_table(&s_stream, 8);
    push();
    fake_row(&s_stream, RECORD_KEY, clock_real_ms(), 8, 1);
    push();
    assert_int_equal(hear_row(), 8);
    assert_int_equal(ask_last(HOST, "m_1"), 1);
}

static void
the_end_is_told_to_agents_and_comes_soon(void **state)
{
    int64_t from;

    (void) state;
    begin(1);
    from = clock_mono_ms();
    reactor_stop(&s_reactor);
    assert_in_range(clock_mono_ms() - from, 0, DEADLINE_MS);
    assert_null(s_reactor);
    hear_control(s_dealer, CONTROL_GOAWAY);
}

static void
an_endpoint_that_is_taken_is_named(void **state)
{
    struct reactor_options options = { .store = s_store, .collector = COLLECTOR, .most_agents = 1 };
    struct sock_spec spec = { .type = ZMQ_PULL, .send_hwm = 2, .recv_hwm = 2, .max_bytes = 1000 };
    char failed[REACTOR_ENDPOINT_SIZE];
    char taken[256];
    size_t size = sizeof taken;
    reactor_t *other = NULL;
    zsock_t *sock;

    (void) state;
    assert_int_equal(sock_new(&sock, &spec, NULL), 0);
    assert_int_equal(sock_bind(sock, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(sock_raw(sock), ZMQ_LAST_ENDPOINT, taken, &size), 0);
    options.data_endpoint = taken;
    assert_int_equal(reactor_start(&other, &options, failed), -EADDRINUSE);
    assert_string_equal(failed, taken);
    options.data_endpoint = "tcp://192.0.2.1:21560";
    assert_int_equal(reactor_start(&other, &options, failed), ERR_RANGE);
    assert_string_equal(failed, "tcp://192.0.2.1:21560");
    options.data_endpoint = "nonsense";
    assert_int_equal(reactor_start(&other, &options, failed), ERR_FORMAT);
    assert_string_equal(failed, "nonsense");
    assert_null(other);
    zsock_destroy(&sock);
}

static int
make_dir(void **state)
{
    (void) state;
    return mkdtemp(s_dir) != NULL ? 0 : -1;
}

static int
remove_dir(void **state)
{
    (void) state;
    zsys_shutdown(); // waits until the sockets are closed; their files stay
    return folder_remove(s_dir);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_sample_reaches_a_subscriber_and_an_answer),
        TEST(its_own_counters_are_series),
        TEST(a_flood_of_frames_does_not_keep_pings_waiting),
        TEST(junk_on_every_socket_harms_nobody),
        TEST(the_end_is_told_to_agents_and_comes_soon),
        TEST(an_endpoint_that_is_taken_is_named),
    };
    return cmocka_run_group_tests_name("reactor", tests, make_dir, remove_dir);
}
