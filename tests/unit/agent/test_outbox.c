// test_outbox - writer, spool and delivery together, over starts: the files are real, the collector
// is a script.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/outbox.h"
#include "agent/own_series.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/net/selfstat.h"
#include "tests/support/folder.h"

#define COLLECTOR   9
#define DEADLINE_MS 20000
#define INTERVAL_MS 100

static struct {
    char dir[64];
    series_table_t *table;
    uint32_t slot;
    outbox_t *outbox;
    struct record sent[256];
    uint8_t flags[256];
    unsigned n_sent;
} t;

static bool
send(void *arg, const void *frame, size_t n)
{
    struct frame_prefix prefix;

    (void) arg;
    assert_true(t.n_sent < 256);
    assert_int_equal(frame_take(&prefix, &t.sent[t.n_sent], frame, n), 0);
    t.flags[t.n_sent++] = prefix.flags;
    return true;
}

static void
start(void)
{
    const struct outbox_options opt = { .id = { .host = 7,
                                                .name = "web-1",
                                                .name_len = 5,
                                                .version = "1",
                                                .version_len = 1,
                                                .interval_ms = INTERVAL_MS },
                                        .table = t.table,
                                        .data = t.dir,
                                        .spool_bytes = 64 << 20,
                                        .spool_age_ms = 3600000,
                                        .spool_sync_ms = 5000,
                                        .spool_close_ms = DEADLINE_MS,
                                        .backlog_rate = 1 << 20,
                                        .key_phase = STREAM_KEY_EVERY - 1,
                                        .memory = 4 << 20 };

    assert_int_equal(outbox_open(&t.outbox, &opt, send, NULL), 0);
    t.n_sent = 0;
}

static int
setup(void **state)
{
    const struct series_spec spec = {
        .name = "things", .kind = METRIC_GAUGE, .form = { .exponent = 0, .unit = 1 }, .job = "t"
    };

    (void) state;
    log_init("test", LOG_LEVEL_ERROR);
    own_series_init();
    memset(&t, 0, sizeof t);
    strcpy(t.dir, "/tmp/zpulse-test-XXXXXX");
    assert_non_null(mkdtemp(t.dir));
    t.table = series_table_new();
    t.slot = series_table_slot(t.table, &spec, NULL, 0);
    start();
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    assert_true(outbox_close(&t.outbox));
    series_table_destroy(&t.table);
    return folder_remove(t.dir);
}

static void
rows(int n)
{
    for (; n > 0; n--) {
        series_table_begin(t.table);
        series_table_set(t.table, t.slot, n);
        series_table_end(t.table);
        outbox_row(t.outbox, clock_real_ms(), NULL, 0);
    }
}

static uint32_t
hello(struct hello_stream streams[CONTROL_STREAMS_MAX])
{
    uint64_t collector;

    return delivery_hello(outbox_delivery(t.outbox), streams, &collector);
}

static void
welcome(void)
{
    struct hello_stream streams[CONTROL_STREAMS_MAX];
    struct welcome welcome = { .collector = COLLECTOR, .epoch = 1 };

    welcome.n_streams = hello(streams);
    for (uint32_t i = 0; i < welcome.n_streams; i++) {
        welcome.streams[i].stream = streams[i].stream;
        welcome.streams[i].next = streams[i].base;
        welcome.streams[i].limit = UINT64_MAX;
    }
    delivery_welcome(outbox_delivery(t.outbox), &welcome, clock_mono_ms());
}

static void
sent(unsigned n)
{
    const int64_t until = clock_mono_ms() + DEADLINE_MS;

    while (t.n_sent < n && clock_mono_ms() < until) {
        struct pollfd in = { .fd = outbox_fd(t.outbox), .events = POLLIN };

        poll(&in, 1, 10);
        outbox_turn(t.outbox);
        outbox_send(t.outbox, 100);
    }
    assert_int_equal(t.n_sent, n);
}

// The spool's thread has so many samples in its book.
static void
booked(uint64_t samples)
{
    const int64_t until = clock_mono_ms() + DEADLINE_MS;

    while (outbox_ledger(t.outbox).produced < samples && clock_mono_ms() < until) {
        struct pollfd in = { .fd = outbox_fd(t.outbox), .events = POLLIN };

        poll(&in, 1, 10);
        outbox_turn(t.outbox);
    }
    assert_int_equal(outbox_ledger(t.outbox).produced, samples);
}

static void
ack(uint64_t stream, uint64_t next)
{
    const struct ack told = { .stream = stream, .next = next, .limit = UINT64_MAX };

    delivery_ack(outbox_delivery(t.outbox), &told, clock_mono_ms());
}

static void
what_is_made_is_sent_once_it_is_written(void **state)
{
    static const uint8_t types[] = { RECORD_IDENT, RECORD_DEF, RECORD_KEY, RECORD_DELTA,
                                     RECORD_END };

    (void) state;
    rows(2);
    outbox_end(t.outbox);
    assert_true(outbox_waits(t.outbox));
    welcome();
    sent(5);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(t.sent[i].type, types[i]);
    assert_false(outbox_waits(t.outbox));
}

// So many more series than the one that has values.
static void
more_series(unsigned n)
{
    const struct series_spec spec = {
        .name = "more", .kind = METRIC_GAUGE, .form = { .exponent = 0, .unit = 1 }, .job = "t"
    };
    char value[16];

    for (; n > 0; n--) {
        snprintf(value, sizeof value, "%u", n);
        series_table_slot(t.table, &spec, (const struct label[]){ { "n", value } }, 1);
    }
}

static void
a_stream_with_messages_that_a_collector_refuses_is_followed_by_one_without(void **state)
{
    uint64_t first, second, head;

    (void) state;
    more_series(200);
    outbox_bound(t.outbox, FRAME_MAX);
    rows(1);
    first = delivery_live(outbox_delivery(t.outbox), &head);
    outbox_bound(t.outbox, FRAME_MAX);
    rows(1);
    assert_true(delivery_live(outbox_delivery(t.outbox), &head) == first);
    outbox_bound(t.outbox, STREAM_FRAME_LEAST);
    rows(1);
    second = delivery_live(outbox_delivery(t.outbox), &head);
    assert_true(second != first);
    // Said again, as at each WELCOME: its messages are small already.
    outbox_bound(t.outbox, STREAM_FRAME_LEAST);
    rows(1);
    assert_true(delivery_live(outbox_delivery(t.outbox), &head) == second);
    assert_true(head > 4); // IDENT, DEFs, KEY, DELTA
}

// Whether what is made now has messages that who takes the least would refuse: then that one's
// bound begins another stream.
static bool
makes_larger_ones(void)
{
    uint64_t head, before;

    rows(1);
    before = delivery_live(outbox_delivery(t.outbox), &head);
    outbox_bound(t.outbox, STREAM_FRAME_LEAST);
    rows(1);
    return delivery_live(outbox_delivery(t.outbox), &head) != before;
}

static void
before_a_collector_has_told_no_message_is_larger_than_what_any_takes(void **state)
{
    (void) state;
    more_series(200);
    assert_false(makes_larger_ones());
}

static void
how_large_a_message_may_be_is_known_at_the_next_start(void **state)
{
    (void) state;
    more_series(200);
    outbox_bound(t.outbox, FRAME_MAX);
    rows(1);
    assert_true(outbox_close(&t.outbox));
    start();
    assert_true(makes_larger_ones());
    assert_true(outbox_close(&t.outbox));
    start();
    assert_false(makes_larger_ones());
}

static void
what_was_made_before_a_start_is_backlog_with_an_end(void **state)
{
    struct hello_stream streams[CONTROL_STREAMS_MAX];
    struct ledger ledger;

    (void) state;
    rows(3);
    assert_true(outbox_close(&t.outbox)); // no END was said
    start();
    ledger = outbox_ledger(t.outbox);
    assert_true(ledger_balanced(&ledger));
    assert_int_equal(ledger.pending, 3);
    assert_int_equal(hello(streams), 2);
    assert_int_equal(streams[0].base, 0);
    assert_int_equal(streams[0].head, 6); // IDENT, DEF, three rows, END
    welcome();
    sent(7); // and the new IDENT
    for (unsigned i = 0; i < 7; i++)
        assert_int_equal(t.flags[i], t.sent[i].stream == streams[0].stream ? FRAME_BACKLOG : 0);
}

// It has no samples, so no book changes by it; it is kept and sent like what has.
static void
an_event_is_sent_in_its_place_and_again_after_a_start(void **state)
{
    static const uint8_t types[] = { RECORD_IDENT, RECORD_DEF, RECORD_KEY, RECORD_EVENT,
                                     RECORD_DELTA };

    (void) state;
    rows(1);
    outbox_event(
        t.outbox,
        &(const struct host_event){
            .time_ms = 5, .kind = "k", .kind_len = 1, .text = "it happened", .text_len = 11 });
    rows(1);
    welcome();
    sent(5);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(t.sent[i].type, types[i]);
    assert_int_equal(t.sent[3].t0_ms, 5);
    booked(2);
    assert_true(outbox_close(&t.outbox));
    start();
    welcome();
    sent(7); // those, their END, and the new IDENT
    for (unsigned i = 0, n = 0; i < 7; i++)
        if ((t.flags[i] & FRAME_BACKLOG) != 0 && n < 5)
            assert_int_equal(t.sent[i].type, types[n++]);
}

static void
what_is_acknowledged_is_not_there_at_the_next_start(void **state)
{
    struct hello_stream streams[CONTROL_STREAMS_MAX];
    struct ledger ledger;

    (void) state;
    rows(3);
    outbox_end(t.outbox);
    welcome();
    sent(6);
    ack(t.sent[0].stream, 6);
    assert_true(outbox_close(&t.outbox));
    start();
    assert_int_equal(hello(streams), 1);
    ledger = outbox_ledger(t.outbox);
    assert_int_equal(ledger.acked, 3);
    assert_int_equal(ledger.pending, 0);
    assert_int_equal(ledger_lost(&ledger), 0);
}

static void
whose_acknowledgement_it_was_is_known_at_the_next_start(void **state)
{
    struct hello_stream streams[CONTROL_STREAMS_MAX];
    uint64_t collector;

    (void) state;
    rows(3);
    welcome();
    sent(5);
    ack(t.sent[0].stream, 4);
    assert_true(outbox_close(&t.outbox));
    start();
    assert_int_equal(delivery_hello(outbox_delivery(t.outbox), streams, &collector), 2);
    assert_int_equal(collector, COLLECTOR);
    assert_int_equal(streams[0].base, 4);
    assert_int_equal(streams[0].acked_here, 4);
    assert_int_equal(streams[1].acked_here, 0);
}

static void
ticks_between_two_starts_are_missed_since_it_was_down(void **state)
{
    struct ledger ledger = outbox_ledger(t.outbox);

    (void) state;
    assert_int_equal(ledger_missed(&ledger), 0); // nothing was there before
    rows(1);
    outbox_missed(t.outbox, MISSED_HUNG, 2);
    assert_true(outbox_close(&t.outbox));
    poll(NULL, 0, 3 * INTERVAL_MS);
    start();
    ledger = outbox_ledger(t.outbox);
    assert_true(ledger.missed[MISSED_DOWN] >= 3);
    assert_int_equal(ledger.missed[MISSED_HUNG], 2);
    assert_int_equal(ledger.missed[MISSED_SUSPENDED], 0);
}

// All open files of the spool turn into ones that can not be written to.
static void
break_spool(void)
{
    DIR *fds = opendir("/proc/self/fd");
    const int broken = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_true(fds != NULL && broken != -1);
    for (struct dirent *e; (e = readdir(fds)) != NULL;) {
        char path[512];
        const ssize_t n = readlinkat(dirfd(fds), e->d_name, path, sizeof path - 1);

        path[n > 0 ? n : 0] = '\0';
        if (strncmp(path, t.dir, strlen(t.dir)) == 0 && strstr(path, ".seg") != NULL)
            assert_true(dup2(broken, atoi(e->d_name)) != -1);
    }
    close(broken);
    closedir(fds);
}

static void
a_spool_that_can_not_be_written_is_told_and_hinders_no_record(void **state)
{
    const int64_t until = clock_mono_ms() + DEADLINE_MS;

    (void) state;
    rows(1);
    welcome();
    sent(3);
    outbox_count(t.outbox);
    assert_int_equal(selfstat_value(AGENT_SPOOL_BROKEN), 0);
    break_spool();
    rows(1);
    sent(4);
    while (selfstat_value(AGENT_SPOOL_BROKEN) == 0 && clock_mono_ms() < until) {
        poll(NULL, 0, 1);
        outbox_count(t.outbox);
    }
    assert_int_equal(selfstat_value(AGENT_SPOOL_BROKEN), 1);
    assert_int_equal(selfstat_value(AGENT_SPOOL_FULL), 0);
    rows(5);
    sent(9);
}

#define outbox_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

// A WELCOME comes late, with more unacknowledged than a stream goes on with.
static void
behind_the_last_word_no_stream_begins(void **state)
{
    struct hello_stream streams[CONTROL_STREAMS_MAX];
    uint64_t live, head, after;

    (void) state;
    rows(300);
    outbox_end(t.outbox);
    live = delivery_live(outbox_delivery(t.outbox), &head);
    welcome();
    assert_int_equal(hello(streams), 1);
    assert_int_equal(delivery_live(outbox_delivery(t.outbox), &after), live);
    assert_int_equal(after, head);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        outbox_test(what_is_made_is_sent_once_it_is_written),
        outbox_test(a_stream_with_messages_that_a_collector_refuses_is_followed_by_one_without),
        outbox_test(before_a_collector_has_told_no_message_is_larger_than_what_any_takes),
        outbox_test(how_large_a_message_may_be_is_known_at_the_next_start),
        outbox_test(behind_the_last_word_no_stream_begins),
        outbox_test(what_was_made_before_a_start_is_backlog_with_an_end),
        outbox_test(an_event_is_sent_in_its_place_and_again_after_a_start),
        outbox_test(what_is_acknowledged_is_not_there_at_the_next_start),
        outbox_test(whose_acknowledgement_it_was_is_known_at_the_next_start),
        outbox_test(ticks_between_two_starts_are_missed_since_it_was_down),
        outbox_test(a_spool_that_can_not_be_written_is_told_and_hinders_no_record),
    };

    return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
