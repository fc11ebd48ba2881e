// stream_hub - many readers, some of them slow, gone or mad, and none of them in another's way.

#include "dashboard/stream_hub.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dashboard/dashboard_stat.h"
#include "dashboard/listener.h"
#include "shared/base/clock.h"
#include "tests/unit/dashboard/room.h"

#define WAIT_MS 20000
#define SLOW_MS 6000
#define READERS 50

struct stage {
    stream_hub_t *hub;
    event_ring_t *ring;
    atomic_uint wanted;
    atomic_uint ended;
};

static void
want_snap(void *arg)
{
    struct stage *s = arg;

    atomic_fetch_add(&s->wanted, 1);
}

static void
ended(void *arg)
{
    struct stage *s = arg;

    atomic_fetch_add(&s->ended, 1);
}

static int
set_up(void **state)
{
    struct stage *s = calloc(1, sizeof *s);
    struct stream_hub_options opt = { .max_streams = READERS, .want_snap = want_snap, .arg = s };

    assert_non_null(s);
    dashboard_stat_init();
    s->ring = event_ring_new(0);
    assert_int_equal(stream_hub_start(&s->hub, &opt), 0);
    *state = s;
    return 0;
}

static int
tear_down(void **state)
{
    struct stage *s = *state;

    stream_hub_destroy(&s->hub);
    event_ring_unref(&s->ring);
    free(s);
    return 0;
}

static bool
wait_for(const atomic_uint *value, unsigned want)
{
    const int64_t until_ms = clock_mono_ms() + WAIT_MS;

    while (atomic_load(value) != want && clock_mono_ms() < until_ms)
        poll(NULL, 0, 1);
    return atomic_load(value) == want;
}

static bool
wait_for_stat(enum dashboard_stat at, int64_t least)
{
    const int64_t until_ms = clock_mono_ms() + WAIT_MS;

    while (selfstat_value(at) < least && clock_mono_ms() < until_ms)
        poll(NULL, 0, 1);
    return selfstat_value(at) >= least;
}

// Two ends of a TCP connection: what the hub does with its end, it does with TCP.
static void
connect_pair(int pair[2])
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    const int small = 4096;
    int listening;

    assert_int_equal(listener_open(&listening, "127.0.0.1:0", false), 0);
    at.sin_port = htons(listener_port(listening));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    pair[1] = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(pair[1], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    assert_int_equal(connect(pair[1], (struct sockaddr *) &at, sizeof at), 0);
    pair[0] = accept(listening, NULL, NULL);
    assert_true(pair[0] >= 0);
    close(listening);
}

// A reader whose other end the hub has. The hub's descriptor in *ours_ret.
static int
reader(struct stage *s, uint64_t resume, int *ours_ret)
{
    struct stream_take take = { .ring = event_ring_ref(s->ring),
                                .resume = resume,
                                .heartbeat_ms = 10000,
                                .end = ended,
                                .arg = s };
    int pair[2];

    assert_true(stream_hub_reserve(s->hub));
    connect_pair(pair);
    take.fd = pair[0];
    take.hello = event_new(0, "hello\n", 6);
    event_ring_watch(s->ring);
    stream_hub_take(s->hub, &take);
    *ours_ret = pair[0];
    return pair[1];
}

static void
publish(struct stage *s, size_t bytes)
{
    const uint64_t seq = event_ring_last(s->ring) + 1;
    char *text = malloc(bytes + 16);

    assert_non_null(text);
    memset(text, 'x', bytes + 16);
    memcpy(text + bytes, "\n", 2);
    event_ring_publish(s->ring, event_new(seq, text, bytes + 1));
    free(text);
    stream_hub_wake(s->hub);
}

static void
snap(struct stage *s)
{
    event_ring_set_snap(s->ring, event_new(event_ring_last(s->ring), "snap\n", 5));
    stream_hub_wake(s->hub);
}

// Reads exactly this text, or fails.
static void
expect(int fd, const char *text)
{
    const size_t n = strlen(text);
    char got[256];
    size_t have = 0;

    while (have < n) {
        struct pollfd on = { .fd = fd, .events = POLLIN };
        ssize_t r;

        assert_int_equal(poll(&on, 1, WAIT_MS), 1);
        r = read(fd, got + have, n - have);
        assert_true(r > 0);
        have += (size_t) r;
    }
    assert_memory_equal(got, text, n);
}

static void
many_readers_get_hello_one_snapshot_and_each_event(void **state)
{
    struct stage *s = *state;
    int fds[READERS], ours[READERS];

    for (size_t i = 0; i < READERS; i++)
        fds[i] = reader(s, 0, &ours[i]);
    for (size_t i = 0; i < READERS; i++)
        expect(fds[i], "hello\n");
    assert_true(wait_for(&s->wanted, 1)); // one asks for all
    snap(s);
    for (size_t i = 0; i < READERS; i++)
        expect(fds[i], "snap\n");
    publish(s, 3);
    for (size_t i = 0; i < READERS; i++)
        expect(fds[i], "xxx\n");
    for (size_t i = 0; i < READERS; i++)
        close(fds[i]);
    assert_true(wait_for(&s->ended, READERS));
    assert_int_equal(event_ring_watchers(s->ring), 0);
    assert_int_equal(atomic_load(&s->wanted), 1);
    for (size_t i = 0; i < READERS; i++)
        close(ours[i]);
}

static void
there_are_so_many_places_and_no_more(void **state)
{
    struct stage *s = *state;

    for (size_t i = 0; i < READERS; i++)
        assert_true(stream_hub_reserve(s->hub));
    assert_false(stream_hub_reserve(s->hub));
    assert_false(stream_hub_reserve(s->hub));
    stream_hub_release(s->hub);
    assert_true(stream_hub_reserve(s->hub));
}

static void
a_reader_that_leaves_is_noticed_at_once(void **state)
{
    struct stage *s = *state;
    int ours, fd = reader(s, 0, &ours);

    expect(fd, "hello\n");
    shutdown(fd, SHUT_WR); // half closed counts as gone: it can not ask for anything more
    assert_true(wait_for(&s->ended, 1));
    close(fd);
    close(ours);
}

static void
a_stalled_reader_delays_nobody_and_skips_to_a_snapshot(void **state)
{
    struct stage *s = *state;
    char *taken = malloc(1 << 20);
    int stalled_ours, good_ours;
    int stalled = reader(s, 0, &stalled_ours), good = reader(s, 0, &good_ours);
    size_t have = 0;

    assert_non_null(taken);
    expect(stalled, "hello\n");
    expect(good, "hello\n");
    snap(s);
    expect(stalled, "snap\n");
    expect(good, "snap\n");
    // Far more than a socket holds; the other one reads as it comes.
    for (int i = 0; i < 200; i++) {
        size_t got = 0;

        publish(s, 9999);
        while (got < 10000) {
            const ssize_t n = read(good, taken, 10000 - got);

            assert_true(n > 0);
            got += (size_t) n;
        }
    }
    snap(s);
    // It wakes up: the event in flight is finished, then it hears how many it missed.
    while (memmem(taken, have, "event: skip", 11) == NULL ||
           memmem(taken, have, "snap\n", 5) == NULL) {
        struct pollfd on = { .fd = stalled, .events = POLLIN };
        ssize_t n;

        assert_int_equal(poll(&on, 1, WAIT_MS), 1);
        n = read(stalled, taken + have, (1 << 20) - have);
        assert_true(n > 0);
        have += (size_t) n;
    }
    // Whole events only, up to the skip.
    assert_int_equal(
        ((uint8_t *) memmem(taken, have, "event: skip", 11) - (uint8_t *) taken) % 10000, 0);
    assert_true(selfstat_value(STAT_EVENTS_SKIPPED) > 100);
    close(stalled);
    close(good);
    assert_true(wait_for(&s->ended, 2));
    close(stalled_ours);
    close(good_ours);
    free(taken);
}

// An event that takes it longer than a stall may last: a snapshot over a slow line.
static void
a_slow_reader_that_reads_on_misses_nothing(void **state)
{
    struct stage *s = *state;
    const int64_t begun_ms = clock_mono_ms();
    const int64_t skipped = selfstat_value(STAT_EVENTS_SKIPPED);
    int ours, fd = reader(s, 0, &ours);
    size_t left = 240000;
    char taken[4000];

    expect(fd, "hello\n");
    snap(s);
    expect(fd, "snap\n");
    publish(s, left - 1);
    for (int i = 0; i < 10; i++)
        publish(s, 3);
    while (left > 0) {
        const ssize_t n = read(fd, taken, left < sizeof taken ? left : sizeof taken);

        assert_true(n > 0);
        left -= (size_t) n;
        // Slower at first: what waits in the socket at the end is read without us.
        poll(NULL, 0, clock_mono_ms() - begun_ms < SLOW_MS ? 200 : 0);
    }
    for (int i = 0; i < 10; i++)
        expect(fd, "xxx\n");
    assert_int_equal(selfstat_value(STAT_EVENTS_SKIPPED), skipped);
    close(fd);
    assert_true(wait_for(&s->ended, 1));
    close(ours);
}

static void
what_a_client_sends_is_thrown_away(void **state)
{
    struct stage *s = *state;
    int ours, fd = reader(s, 0, &ours);
    char noise[4096] = { 0 };

    expect(fd, "hello\n");
    for (int i = 0; i < 2000; i++)
        assert_int_equal(write(fd, noise, sizeof noise), sizeof noise);
    snap(s);
    expect(fd, "snap\n");
    assert_int_equal(atomic_load(&s->ended), 0);
    close(fd);
    assert_true(wait_for(&s->ended, 1));
    close(ours);
}

static void
a_reader_that_comes_back_goes_on_where_it_was(void **state)
{
    struct stage *s = *state;
    int ours, fd;

    publish(s, 1);
    publish(s, 2);
    publish(s, 3);
    fd = reader(s, 1, &ours);
    expect(fd, "hello\nxx\nxxx\n");
    assert_int_equal(atomic_load(&s->wanted), 0);
    close(fd);
    assert_true(wait_for(&s->ended, 1));
    close(ours);
}

static void
the_end_says_nothing_into_the_middle_of_an_event(void **state)
{
    struct stage *s = *state;
    int ours, fd = reader(s, 0, &ours);
    uint8_t got[4096];
    size_t n = 0;
    ssize_t r;

    expect(fd, "hello\n");
    snap(s);
    expect(fd, "snap\n");
    publish(s, 249999); // more than the socket holds, less than what makes it skip
    assert_true(wait_for_stat(STAT_BYTES_SENT, 5000));
    stream_hub_stop(s->hub, event_new(0, "bye\n", 4));
    assert_int_equal(atomic_load(&s->ended), 1);
    assert_int_equal(event_ring_watchers(s->ring), 0);
    close(ours);
    while ((r = read(fd, got, sizeof got)) > 0) {
        assert_null(memmem(got, (size_t) r, "bye", 3));
        n += (size_t) r;
    }
    assert_true(n > 0 && n < 250000);
    close(fd);
}

// A request that was refused a stream is finished after the streams are.
static void
places_are_given_back_after_the_end(void **state)
{
    struct stage *s = *state;

    assert_true(stream_hub_reserve(s->hub));
    stream_hub_stop(s->hub, event_new(0, "bye\n", 4));
    assert_true(stream_hub_reserve(s->hub));
    stream_hub_release(s->hub);
    stream_hub_release(s->hub);
}

static void
an_idle_end_says_bye(void **state)
{
    struct stage *s = *state;
    int ours, fd = reader(s, 0, &ours);

    expect(fd, "hello\n");
    stream_hub_stop(s->hub, event_new(0, "bye\n", 4));
    expect(fd, "bye\n");
    close(fd);
    close(ours);
}

#define stage_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(many_readers_get_hello_one_snapshot_and_each_event),
        stage_test(there_are_so_many_places_and_no_more),
        stage_test(a_reader_that_leaves_is_noticed_at_once),
        stage_test(a_stalled_reader_delays_nobody_and_skips_to_a_snapshot),
        stage_test(a_slow_reader_that_reads_on_misses_nothing),
        stage_test(what_a_client_sends_is_thrown_away),
        stage_test(a_reader_that_comes_back_goes_on_where_it_was),
        stage_test(the_end_says_nothing_into_the_middle_of_an_event),
        stage_test(an_idle_end_says_bye),
        stage_test(places_are_given_back_after_the_end),
    };

    return cmocka_run_group_tests_name("stream_hub", tests, NULL, NULL);
}
