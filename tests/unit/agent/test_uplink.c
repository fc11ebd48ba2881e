// test_uplink - the whole way to a collector, over real sockets; the collector is ours.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/own_series.h"
#include "agent/stream_writer.h"
#include "agent/uplink.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/net/sock.h"
#include "shared/wire/control.h"
#include "shared/wire/frame.h"
#include "tests/support/folder.h"
#include "tests/support/zmtp_peer.h"

#define DEADLINE_MS 20000
#define FRAMES_MAX  64

// One side of the test each: the agent's uplink, and a collector as far as the agent sees it.
static struct {
    char dir[64];
    char data[96];
    char control[96];
    series_table_t *table;
    uint32_t slot;
    int64_t rows;
    uplink_t *uplink;
    zsock_t *pull;
    zsock_t *router;
    zmq_msg_t route; // of the message before
    struct control_msg last;
    uint8_t control_seen[256]; // by type: how many came
    struct record frames[FRAMES_MAX];
    uint8_t flags[FRAMES_MAX];
    unsigned n_frames;
} t;

static void
collector_open(void)
{
    const struct sock_spec pull = {
        .type = ZMQ_PULL, .send_hwm = 2, .recv_hwm = 100, .max_bytes = FRAME_MAX
    };
    const struct sock_spec router = {
        .type = ZMQ_ROUTER, .send_hwm = 100, .recv_hwm = 100, .max_bytes = CONTROL_MAX
    };

    assert_int_equal(sock_new(&t.pull, &pull, NULL), 0);
    assert_int_equal(sock_new(&t.router, &router, NULL), 0);
    assert_int_equal(sock_bind(t.pull, t.data), 0);
    assert_int_equal(sock_bind(t.router, t.control), 0);
}

static void
collector_close(void)
{
    zsock_destroy(&t.pull);
    zsock_destroy(&t.router);
}

static int
setup(void **state)
{
    const struct series_spec spec = {
        .name = "things", .kind = METRIC_GAUGE, .form = { .exponent = 0, .unit = 1 }, .job = "t"
    };
    struct uplink_options opt = {
        .collector = t.data,
        .control = t.control,
        .flush_ms = 5000,
        .outbox = { .id = { .host = 7,
                            .name = "web-1",
                            .name_len = 5,
                            .version = "1",
                            .version_len = 1,
                            .interval_ms = 1000 },
                    .data = t.dir,
                    .spool_bytes = 64 << 20,
                    .spool_age_ms = 3600000,
                    .spool_sync_ms = 5000,
                    .spool_close_ms = DEADLINE_MS,
                    .backlog_rate = 1 << 20,
                    .key_phase = STREAM_KEY_EVERY - 1,
                    .memory = 4 << 20 },
    };

    (void) state;
    log_init("test", LOG_LEVEL_ERROR);
    own_series_init();
    memset(&t, 0, sizeof t);
    strcpy(t.dir, "/tmp/zpulse-test-XXXXXX");
    assert_non_null(mkdtemp(t.dir));
    snprintf(t.data, sizeof t.data, "ipc://%s/s", t.dir);
    assert_int_equal(sock_endpoint(t.control, sizeof t.control, t.data, SOCK_CONTROL), 0);
    zmq_msg_init(&t.route);
    t.table = series_table_new();
    t.slot = series_table_slot(t.table, &spec, NULL, 0);
    opt.outbox.table = t.table;
    assert_int_equal(uplink_open(&t.uplink, &opt), 0);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    uplink_close(&t.uplink);
    collector_close();
    zmq_msg_close(&t.route);
    series_table_destroy(&t.table);
    return folder_remove(t.dir);
}

static void
tick(void)
{
    series_table_begin(t.table);
    series_table_set(t.table, t.slot, t.rows);
    series_table_end(t.table);
    uplink_row(t.uplink, ++t.rows, NULL, 0);
}

// A tick with two samples of an application, each at a time of its own.
static void
tick_of_application(void)
{
    static const struct series_spec spec = { .name = "app_value",
                                             .kind = METRIC_GAUGE,
                                             .form = { .exponent = 0, .unit = 1 },
                                             .job = "app" };
    static const struct cell cell = { .state = CELL_INTEGER, .m = 5 };
    const uint32_t slot = series_table_slot(t.table, &spec, NULL, 0);
    const struct app_block blocks[] = {
        { .time_ms = t.rows - 1, .n = 1, .slots = &slot, .cells = &cell },
        { .time_ms = t.rows, .n = 1, .slots = &slot, .cells = &cell },
    };

    series_table_begin(t.table);
    series_table_set(t.table, t.slot, t.rows);
    series_table_end(t.table);
    uplink_row(t.uplink, ++t.rows, blocks, 2);
}

static void
hear(void)
{
    zmq_msg_t msg;

    zmq_msg_init(&msg);
    while (sock_recv(t.router, &msg) > 0) {
        zmq_msg_move(&t.route, &msg);
        assert_int_equal(sock_recv(t.router, &msg), 1);
        assert_int_equal(control_take(&t.last, zmq_msg_data(&msg), zmq_msg_size(&msg)), 0);
        t.control_seen[t.last.type]++;
    }
    while (sock_recv(t.pull, &msg) > 0) {
        struct frame_prefix prefix;

        assert_true(t.n_frames < FRAMES_MAX);
        assert_int_equal(
            frame_take(&prefix, &t.frames[t.n_frames], zmq_msg_data(&msg), zmq_msg_size(&msg)), 0);
        t.flags[t.n_frames++] = prefix.flags;
    }
    zmq_msg_close(&msg);
}

// One turn of the agent's loop, a short one, and of the collector's.
static void
turn(void)
{
    zmq_pollitem_t items[UPLINK_ITEMS];

    uplink_poll(t.uplink, items);
    assert_true(zmq_poll(items, UPLINK_ITEMS, 5) >= 0);
    uplink_receive(t.uplink, items);
    uplink_send(t.uplink);
    if (t.router != NULL)
        hear();
}

static bool
heard(uint8_t type, unsigned n)
{
    const int64_t until = clock_mono_ms() + DEADLINE_MS;

    while (t.control_seen[type] < n && clock_mono_ms() < until)
        turn();
    return t.control_seen[type] >= n;
}

static bool
framed(unsigned n)
{
    const int64_t until = clock_mono_ms() + DEADLINE_MS;

    while (t.n_frames < n && clock_mono_ms() < until)
        turn();
    return t.n_frames >= n;
}

static void
say(const struct control_msg *msg)
{
    uint8_t bytes[CONTROL_MAX];
    const ptrdiff_t n = control_put(bytes, sizeof bytes, msg);

    assert_true(n > 0);
    assert_int_equal(sock_send(t.router, zmq_msg_data(&t.route), zmq_msg_size(&t.route), true), 0);
    assert_int_equal(sock_send(t.router, bytes, (size_t) n, false), 0);
}

static void
welcome(uint64_t epoch, uint64_t next)
{
    const struct control_msg msg = { .type = CONTROL_WELCOME,
                                     .welcome = {
                                         .collector = 1,
                                         .epoch = epoch,
                                         .max_frame = FRAME_MAX,
                                         .n_streams = 1,
                                         .streams = { { .stream = t.last.hello.streams[0].stream,
                                                        .next = next,
                                                        .limit = UINT64_MAX } } } };

    assert_int_equal(t.last.type, CONTROL_HELLO);
    say(&msg);
}

static void
nothing_is_sent_before_welcome(void **state)
{
    (void) state;
    collector_open();
    tick();
    tick();
    assert_true(heard(CONTROL_HELLO, 2));
    assert_int_equal(t.n_frames, 0);
    assert_int_equal(t.last.hello.streams[0].base, 0);
    assert_int_equal(t.last.hello.streams[0].head, 4); // IDENT, DEF, KEY, DELTA
}

static void
after_welcome_comes_all_that_waits(void **state)
{
    static const uint8_t wants[] = { RECORD_IDENT, RECORD_DEF, RECORD_KEY, RECORD_DELTA };

    (void) state;
    tick();
    tick();
    collector_open(); // later than the agent
    assert_true(heard(CONTROL_HELLO, 1));
    welcome(5, 0);
    assert_true(framed(sizeof wants));
    for (unsigned i = 0; i < sizeof wants; i++) {
        assert_int_equal(t.frames[i].type, wants[i]);
        assert_int_equal(t.flags[i], 0);
    }
    assert_true(heard(CONTROL_PING, 1));
    tick();
    assert_true(framed(sizeof wants + 1));
    assert_int_equal(t.frames[sizeof wants].seq, 4);
}

static void
what_is_not_acknowledged_goes_to_the_next_collector(void **state)
{
    static const uint8_t wants[] = { RECORD_TABLE, RECORD_KEY, RECORD_DELTA, RECORD_DELTA };
    unsigned n;

    (void) state;
    collector_open();
    tick();
    assert_true(heard(CONTROL_HELLO, 1));
    welcome(5, 0);
    assert_true(framed(3));
    say(&(const struct control_msg){
        .type = CONTROL_ACK,
        .ack = { .stream = t.frames[0].stream, .next = 3, .limit = UINT64_MAX } });
    tick();
    assert_true(framed(4));
    collector_close();
    tick();
    memset(t.control_seen, 0, sizeof t.control_seen);
    collector_open();
    // Whichever comes first: a PING that the new one does not know, or a HELLO.
    for (int i = 0; i < 1000 && t.control_seen[CONTROL_HELLO] == 0; i++) {
        turn();
        if (t.control_seen[CONTROL_PING] > 0 && t.control_seen[CONTROL_HELLO] == 0) {
            say(&(const struct control_msg){ .type = CONTROL_NAK, .nak = { .reason = NAK_HELLO } });
            t.control_seen[CONTROL_PING] = 0;
        }
    }
    assert_true(heard(CONTROL_HELLO, 1));
    assert_int_equal(t.last.hello.streams[0].base, 3);
    assert_int_equal(t.last.hello.streams[0].acked_here, 3);
    assert_int_equal(t.last.hello.collector, 1);
    n = t.n_frames; // a frame of before the NAK may have come
    welcome(6, 0);
    assert_true(framed(n + sizeof wants));
    for (unsigned i = 0; i < sizeof wants; i++) {
        assert_int_equal(t.frames[n + i].type, wants[i]);
        assert_int_equal(t.flags[n + i], i < 2 ? FRAME_REPEAT : 0);
    }
}

static void
a_nak_for_a_key_brings_table_repeats_and_a_key(void **state)
{
    unsigned n;

    (void) state;
    collector_open();
    tick();
    assert_true(heard(CONTROL_HELLO, 1));
    welcome(5, 0);
    tick();
    assert_true(framed(4));
    n = t.n_frames;
    say(&(const struct control_msg){
        .type = CONTROL_NAK,
        .nak = { .reason = NAK_KEY, .stream = t.frames[0].stream, .next = 4 } });
    assert_true(framed(n + 3));
    assert_int_equal(t.frames[n].type, RECORD_TABLE);
    assert_int_equal(t.frames[n + 1].type, RECORD_KEY);
    assert_int_equal(t.frames[n + 2].type, RECORD_DELTA);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(t.flags[n + i], FRAME_REPEAT);
    tick();
    assert_true(framed(n + 4));
    assert_int_equal(t.frames[n + 3].type, RECORD_KEY);
    assert_int_equal(t.flags[n + 3], 0);
}

static void
what_is_repeated_holds_the_samples_of_applications(void **state)
{
    unsigned n;

    (void) state;
    collector_open();
    tick();
    assert_true(heard(CONTROL_HELLO, 1));
    welcome(5, 0);
    tick_of_application();
    assert_true(framed(5)); // IDENT, DEF, KEY, DEF, DELTA
    assert_int_equal(t.frames[4].count, 3);
    n = t.n_frames;
    say(&(const struct control_msg){
        .type = CONTROL_NAK,
        .nak = { .reason = NAK_KEY, .stream = t.frames[0].stream, .next = 5 } });
    assert_true(framed(n + 4));
    assert_int_equal(t.frames[n].type, RECORD_TABLE);
    assert_int_equal(t.frames[n + 1].type, RECORD_KEY);
    assert_int_equal(t.frames[n + 2].type, RECORD_DEF);
    assert_int_equal(t.frames[n + 3].type, RECORD_DELTA);
    assert_int_equal(t.frames[n + 3].count, 3);
    assert_int_equal(t.frames[n + 3].body_len, t.frames[4].body_len);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(t.flags[n + i], FRAME_REPEAT);
}

static void
the_end_is_said_after_what_still_waits(void **state)
{
    (void) state;
    collector_open();
    assert_true(heard(CONTROL_HELLO, 1));
    welcome(5, 0);
    assert_true(heard(CONTROL_PING, 1));
    assert_true(framed(1)); // IDENT
    tick();
    uplink_close(&t.uplink);
    for (int i = 0; i < 1000 && (t.control_seen[CONTROL_BYE] == 0 || t.n_frames < 4);
         i++) { // DEF, KEY, END
        zmq_poll(NULL, 0, 5);
        hear();
    }
    assert_int_equal(t.control_seen[CONTROL_BYE], 1);
    assert_int_equal(t.n_frames, 4);
    assert_int_equal(t.frames[3].type, RECORD_END);
    assert_int_equal(t.last.bye.host, 7);
}

static void
without_a_collector_rows_wait_and_nothing_else_does(void **state)
{
    (void) state;
    for (int i = 0; i < 100; i++) {
        tick();
        uplink_send(t.uplink);
    }
    uplink_close(&t.uplink);
    collector_open();
}

#define uplink_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

// After a pause of ours more messages wait than a socket is mostly given room for, a heartbeat of
// libzmq's is among them, and then the connection is gone: answering it would end the process.
static void
a_collector_that_breaks_off_amid_its_messages_ends_nobody(void **state)
{
    static const uint8_t ping[] = { 4, 'P', 'I', 'N', 'G', 0, 200 };
    uint8_t bytes[4096];
    size_t n = 0;
    int listener, fd;

    (void) state;
    listener = zmtp_peer_listen(t.control + strlen("ipc://"));
    fd = zmtp_peer_accept(listener);
    for (int i = 0; i < 500; i++)
        n = zmtp_peer_put(bytes, n, 0, "no", 2);
    n = zmtp_peer_put(bytes, n, ZMTP_COMMAND, ping, sizeof ping);
    for (int i = 0; i < 10; i++)
        n = zmtp_peer_put(bytes, n, 0, "no", 2);
    assert_int_equal(write(fd, bytes, n), n);
    zmq_poll(NULL, 0, 200);
    close(fd);
    close(listener);
    unlink(t.control + strlen("ipc://"));
    zmq_poll(NULL, 0, 200);
    for (int i = 0; i < 100; i++)
        turn();
    collector_open();
    assert_true(heard(CONTROL_HELLO, 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        uplink_test(nothing_is_sent_before_welcome),
        uplink_test(after_welcome_comes_all_that_waits),
        uplink_test(what_is_not_acknowledged_goes_to_the_next_collector),
        uplink_test(a_nak_for_a_key_brings_table_repeats_and_a_key),
        uplink_test(what_is_repeated_holds_the_samples_of_applications),
        uplink_test(the_end_is_said_after_what_still_waits),
        uplink_test(without_a_collector_rows_wait_and_nothing_else_does),
        uplink_test(a_collector_that_breaks_off_amid_its_messages_ends_nobody),
    };
    return cmocka_run_group_tests_name("uplink", tests, NULL, NULL);
}
