// dashboard - streams, history and the end, against a collector that does as the test says.
//
// Some 550 lines: each path and each event, asked of one dashboard that is started for each claim.

#include "dashboard/dashboard.h"

#include <fcntl.h>

#include "dashboard/dashboard_stat.h"
#include "shared/net/service.h"
#include "tests/unit/dashboard/fake_collector.h"
#include "tests/unit/dashboard/http_client.h"

#define PORT    26000
#define READERS 200
#define STREAM  "GET /api/v1/stream?view=host&h=web-1 HTTP/1.1\r\nHost: localhost\r\n"

struct stage {
    struct fake_collector collector;
    dashboard_t *dashboard;
    uint16_t port;
};

static bool
ready(struct stage *s)
{
    struct buf got = { 0 };
    const int64_t until_ms = clock_mono_ms() + CLIENT_WAIT_MS;
    int code = 0;

    while (code != 200 && clock_mono_ms() < until_ms) {
        code = client_get(s->port, "/-/ready", "", &got);
        poll(NULL, 0, 5);
    }
    buf_release(&got);
    return code == 200;
}

static bool
wait_for_stat(enum dashboard_stat at, int64_t want)
{
    const int64_t until_ms = clock_mono_ms() + CLIENT_WAIT_MS;

    while (selfstat_value(at) != want && clock_mono_ms() < until_ms)
        poll(NULL, 0, 1);
    return selfstat_value(at) == want;
}

static int
set_up(void **state)
{
    struct stage *s = calloc(1, sizeof *s);
    struct dashboard_options opt = { .listen = "127.0.0.1:0", .max_streams = READERS + 5 };
    int exit_code;

    assert_non_null(s);
    dashboard_stat_init();
    fake_start(&s->collector, PORT, 5, 20);
    opt.collector = s->collector.endpoint;
    assert_int_equal(dashboard_start(&s->dashboard, &exit_code, &opt, NULL, 0), 0);
    s->port = dashboard_port(s->dashboard);
    assert_true(ready(s));
    *state = s;
    return 0;
}

static int
tear_down(void **state)
{
    struct stage *s = *state;

    dashboard_stop(&s->dashboard);
    fake_stop(&s->collector);
    free(s);
    return 0;
}

static void
hosts_are_listed(void **state)
{
    struct stage *s = *state;
    struct buf got = { 0 };

    assert_int_equal(client_get(s->port, "/api/v1/hosts", "", &got), 200);
    assert_string_equal(client_body(&got),
                        "[{\"id\":\"00f3c2a1b4d5e6f7\",\"name\":\"web-1\",\"state\":\"up\","
                        "\"since_ms\":1700000000001,\"first_ms\":1700000000000,"
                        "\"last_ms\":1700000020000,\"interval_ms\":1000,\"offset_ms\":0,"
                        "\"rtt_ms\":0.21,\"version\":\"0.1.0\",\"dropped\":0,\"missed\":0,"
                        "\"facts\":{\"kernel\":\"6.1.0-13\",\"arch\":\"x86_64\"}}]\n");
    buf_release(&got);
}

static void
a_ledger_is_told_by_host_or_of_all(void **state)
{
    static const char *const paths[] = { "/api/v1/ledger", "/api/v1/ledger?h=web-1",
                                         "/api/v1/ledger?h=00f3c2a1b4d5e6f7" };
    struct stage *s = *state;
    struct buf got = { 0 };

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        buf_clear(&got);
        assert_int_equal(client_get(s->port, paths[i], "", &got), 200);
        assert_true(client_has(&got, "\"name\":\"web-1\",\"state\":\"up\",\"ok\":false,"));
        assert_true(client_has(&got, "\"why\":\"lost: 2 samples, queue 2\""));
        assert_true(client_has(&got, "\"gaps\":[{\"what\":\"lost\",\"cause\":\"queue\",\"from\":1,"
                                     "\"to\":5,\"count\":2}],\"limits\":[]}]\n"));
    }
    buf_clear(&got);
    assert_int_equal(client_get(s->port, "/api/v1/ledger?h=nobody", "", &got), 404);
    buf_release(&got);
}

static void
who_was_sent_away_is_told_with_the_reason(void **state)
{
    struct stage *s = *state;
    static const char said[] =
        "[{\"id\":\"00000000000000a1\",\"name\":\"web-<2>\",\"state\":\"refused\","
        "\"reason\":\"clone\",\"why\":\"another agent that lives has its host id: a "
        "copied data folder\",\"key\":\"\",\"address\":\"10.0.0.7\","
        "\"first_ms\":1700000000000,\"last_ms\":1700000004000,\"times\":3,"
        "\"start\":\"0000000000000001\",\"ago_ms\":";
    const int64_t before_ms = clock_real_ms();
    struct buf got = { 0 };
    int64_t ago_ms;
    char *end;

    assert_int_equal(client_get(s->port, "/api/v1/refused", "", &got), 200);
    assert_ptr_equal(strstr(client_body(&got), said), client_body(&got));
    // By our clock, not by the reader's.
    ago_ms = strtoll(client_body(&got) + strlen(said), &end, 10);
    assert_in_range(ago_ms, before_ms - 1700000004000, clock_real_ms() - 1700000004000);
    assert_string_equal(end, "}]\n");
    buf_release(&got);
}

static void
events_of_a_window_are_told_by_time(void **state)
{
#define NOTE(n)                                                                                   \
    "{\"id\":\"0000000000000051-" #n "\",\"t\":170000000" #n "000,\"host\":\"00f3c2a1b4d5e6f7\"," \
    "\"kind\":\"clock-step\",\"severity\":\"warning\",\"text\":\"clock stepped back by 90.0 s\"," \
    "\"fields\":{\"step\":\"-90000\"}}"
    static const struct {
        const char *path;
        const char *says;
    } cases[] = {
        { "/api/v1/events?h=web-1", "[" NOTE(1) "," NOTE(2) "," NOTE(3) "]\n" },
        { "/api/v1/events", "[" NOTE(1) "," NOTE(2) "," NOTE(3) "]\n" },
        { "/api/v1/events?h=web-1&from=1700000002000&to=1700000002000", "[" NOTE(2) "]\n" },
        { "/api/v1/events?h=00f3c2a1b4d5e6f7&to=5", "\r\n\r\n[]\n" },
    };
    struct stage *s = *state;
    struct buf got = { 0 };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        buf_clear(&got);
        assert_int_equal(client_get(s->port, cases[i].path, "", &got), 200);
        if (!client_has(&got, cases[i].says))
            fail_msg("%s answers %s", cases[i].path, buf_cstr(&got));
    }
    buf_clear(&got);
    assert_int_equal(client_get(s->port, "/api/v1/events?h=nobody", "", &got), 404);
    assert_int_equal(client_get(s->port, "/api/v1/events?from=5&to=4", "", &got), 400);
    assert_true(client_has(&got, "from: 5 is after to, 4"));
    assert_int_equal(client_get(s->port, "/api/v1/events?to=yesterday", "", &got), 400);
    buf_release(&got);
}

static void
what_happens_is_a_note_of_the_stream(void **state)
{
    struct stage *s = *state;
    const int fd = client_connect(s->port);
    struct buf got = { 0 };

    client_send(fd, STREAM "\r\n");
    client_wait(fd, &got, "event: snap\n");
    atomic_fetch_add(&s->collector.notes, 2);
    client_wait(fd, &got, "event: note\ndata: {\"s\":");
    client_wait(fd, &got, ",\"id\":\"0000000000000051-1\",\"t\":1700000001000,");
    client_wait(fd, &got, ",\"id\":\"0000000000000051-2\",");
    client_wait(fd, &got, "\"text\":\"clock stepped back by 90.0 s\"");
    buf_release(&got);
    close(fd);
}

static void
what_came_late_is_an_event_of_the_stream(void **state)
{
    struct stage *s = *state;
    const int fd = client_connect(s->port);
    struct buf got = { 0 };

    client_send(fd, STREAM "\r\n");
    client_wait(fd, &got, "event: snap\n");
    atomic_fetch_add(&s->collector.fills, 1);
    client_wait(fd, &got, "event: filled\n");
    client_wait(fd, &got, "\"from\":1700000001000,\"to\":1700000010000}");
    buf_release(&got);
    close(fd);
}

static void
a_stream_says_hello_then_all_then_each_tick(void **state)
{
    struct stage *s = *state;
    const int fd = client_connect(s->port);
    struct buf got = { 0 };

    client_send(fd, STREAM "\r\n");
    client_wait(fd, &got, "event: snap\n");
    client_wait(fd, &got, "]]}}\n\n");
    assert_true(client_has(&got, "Content-Type: text/event-stream\r\n"));
    assert_false(client_has(&got, "chunked"));
    assert_true(strncmp(client_body(&got), "retry: 2000\n\nevent: hello\n", 26) == 0);
    assert_true(client_has(&got, "\"t\":1700000020000,\"cols\":[{\"id\":\"sys.forks\","));
    assert_true(
        client_has(&got, "\"d\":[[20]],\"hist\":{\"t0\":1700000001000,\"step\":1000,\"n\":20,"));
    assert_true(
        client_has(&got, "\"d\":[[null,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]]}}"));
    buf_clear(&got);
    atomic_store(&s->collector.ticks, 22);
    client_wait(fd, &got, "\"t\":1700000021000,\"d\":[[21]]}\n\n");
    client_wait(fd, &got, "\"t\":1700000022000,\"d\":[[22]]}\n\n");
    atomic_store(&s->collector.state, HOST_SILENT);
    client_wait(fd, &got, "\"op\":\"silent\",\"ix\":0,\"id\":\"00f3c2a1b4d5e6f7\"");
    close(fd);
    assert_true(wait_for_stat(STAT_STREAMS, 0));
    buf_release(&got);
}

// The text between two others in what was got; NULL where there is none.
static char *
between(struct buf *got, const char *before, const char *after)
{
    const char *from = strstr(buf_cstr(got), before);
    const char *to = from != NULL ? strstr(from + strlen(before), after) : NULL;

    return to != NULL ? strndup(from + strlen(before), (size_t) (to - from) - strlen(before))
                      : NULL;
}

static void
a_summary_counts_hosts_by_state(void **state)
{
    struct stage *s = *state;
    struct buf got = { 0 };

    assert_int_equal(client_get(s->port, "/api/v1/summary", "", &got), 200);
    assert_true(client_has(&got, ",\"hosts\":1,\"up\":1,\"late\":0,\"stopped\":0,\"silent\":0}\n"));
    assert_true(strncmp(client_body(&got), "{\"now\":1", 8) == 0);
    assert_true(got.len < 700);
    buf_release(&got);
}

static void
who_asks_now_and_then_gets_what_a_stream_would_have_sent(void **state)
{
    struct stage *s = *state;
    struct buf got = { 0 };
    char path[128];
    char *id;

    assert_int_equal(client_get(s->port, "/api/v1/view?view=host&h=web-1", "", &got), 200);
    assert_true(client_has(&got, "\"events\":[{\"event\":\"hello\",\"data\":{\"v\":1,"));
    assert_true(client_has(&got, "},{\"event\":\"snap\",\"data\":{\"s\":1,\"t\":1700000020000,"));
    id = between(&got, "{\"id\":\"", "\"");
    assert_non_null(id);
    snprintf(path, sizeof path, "/api/v1/view?view=host&h=web-1&last=%s", id);
    free(id);
    assert_int_equal(client_get(s->port, path, "", &got), 200);
    assert_true(client_has(&got, "\"events\":[]}\n"));
    // The view is followed though nobody has a stream.
    atomic_store(&s->collector.ticks, 22);
    for (int64_t until = clock_mono_ms() + 5000; clock_mono_ms() < until;) {
        assert_int_equal(client_get(s->port, path, "", &got), 200);
        if (client_has(&got, "\"s\":3,"))
            break;
    }
    assert_true(client_has(&got, "\"events\":[{\"event\":\"tick\",\"data\":{\"s\":2,\"t\":"
                                 "1700000021000,\"d\":[[21]]}},{\"event\":\"tick\",\"data\":"
                                 "{\"s\":3,\"t\":1700000022000,\"d\":[[22]]}}]}\n"));
    assert_true(client_has(&got, "-3\",\"events\""));
    // Another process's number, or none at all: from the beginning.
    assert_int_equal(client_get(s->port, "/api/v1/view?view=host&h=web-1&last=x-2", "", &got), 200);
    assert_true(client_has(&got, "\"event\":\"hello\""));
    assert_int_equal(client_get(s->port, "/api/v1/view?view=host&h=nobody", "", &got), 404);
    assert_int_equal(client_get(s->port, "/api/v1/view?view=host", "", &got), 400);
    buf_release(&got);
}

static void
who_comes_back_gets_one_fill(void **state)
{
    struct stage *s = *state;
    struct buf got = { 0 };
    char request[256];
    char *boot;
    int fd = client_connect(s->port);

    client_send(fd, STREAM "\r\n");
    client_wait(fd, &got, "]]}}\n\n");
    boot = between(&got, "\"boot\":\"", "\"");
    assert_non_null(boot);
    atomic_store(&s->collector.ticks, 23);
    client_wait(fd, &got, "\"t\":1700000023000,");
    close(fd);
    buf_clear(&got);
    fd = client_connect(s->port);
    snprintf(request, sizeof request, STREAM "Last-Event-ID: %s-2\r\n\r\n", boot);
    client_send(fd, request);
    client_wait(fd, &got, "]}\n\n");
    assert_true(client_has(&got, "-4\nevent: fill\ndata: {\"s\":4,\"from\":1700000022000,"
                                 "\"to\":1700000023000,\"ticks\":[{\"s\":3,\"t\":1700000022000,"
                                 "\"d\":[[22]]},{\"s\":4,"));
    assert_false(client_has(&got, "event: snap"));
    assert_false(client_has(&got, "event: tick"));
    close(fd);
    free(boot);
    buf_release(&got);
}

static void
history_has_the_numbers_of_the_stream(void **state)
{
    struct stage *s = *state;
    struct buf got = { 0 };

    assert_int_equal(client_get(s->port,
                                "/api/v1/hist?h=" FAKE_ID "&from=1700000010000&to=1700000013000",
                                "", &got),
                     200);
    assert_string_equal(client_body(&got),
                        "{\"h\":\"00f3c2a1b4d5e6f7\",\"t0\":1700000010000,\"step\":1000,\"n\":4,"
                        "\"tier\":\"raw\",\"c\":[\"sys.forks\"],\"units\":[\"per_second\"],"
                        "\"cols\":[{\"id\":\"sys.forks\",\"unit\":\"per_second\"}],"
                        "\"t\":[0,1000,2000,3000],\"avg\":[[10,11,12,13]]}\n");
    // More than the points wanted: buckets, on multiples of their step.
    assert_int_equal(client_get(s->port,
                                "/api/v1/hist?h=web-1&c=sys.forks,cpu.user"
                                "&from=1700000010000&to=1700000019000&pts=4",
                                "", &got),
                     200);
    assert_string_equal(client_body(&got),
                        "{\"h\":\"00f3c2a1b4d5e6f7\",\"t0\":1700000008000,\"step\":4000,\"n\":3,"
                        "\"tier\":\"raw\",\"c\":[\"sys.forks\"],\"units\":[\"per_second\"],"
                        "\"cols\":[{\"id\":\"sys.forks\",\"unit\":\"per_second\"}],"
                        "\"t\":[0,4000,8000],\"avg\":[[10.5,13.5,17.5]],"
                        "\"min\":[[10,12,16]],\"max\":[[11,15,19]]}\n");
    buf_release(&got);
}

static void
an_unknown_host_is_404(void **state)
{
    struct stage *s = *state;
    struct buf got = { 0 };

    assert_int_equal(client_get(s->port, "/api/v1/stream?view=host&h=nobody", "", &got), 404);
    assert_true(client_has(&got, "no host \\\"nobody\\\" is known"));
    assert_int_equal(client_get(s->port, "/api/v1/hist?h=ffffffffffffffff", "", &got), 404);
    assert_true(client_has(&got, "\"errorType\":\"not_found\""));
    buf_release(&got);
}

static void
a_reader_that_comes_back_gets_only_what_it_missed(void **state)
{
    struct stage *s = *state;
    struct buf got = { 0 };
    char request[256], boot[32] = "";
    int fd = client_connect(s->port);

    client_send(fd, STREAM "\r\n");
    client_wait(fd, &got, "]]}}\n\n");
    assert_int_equal(sscanf(strstr(buf_cstr(&got), "\nid: "), "\nid: %15[0-9a-f]-1", boot), 1);
    atomic_store(&s->collector.ticks, 21);
    client_wait(fd, &got, "\"d\":[[21]]}\n\n");
    close(fd);
    buf_clear(&got);
    snprintf(request, sizeof request, STREAM "Last-Event-ID: %s-1\r\n\r\n", boot);
    fd = client_connect(s->port);
    client_send(fd, request);
    client_wait(fd, &got, "\"d\":[[21]]}]}\n\n");
    assert_true(client_has(&got, "event: fill"));
    assert_false(client_has(&got, "event: snap"));
    close(fd);
    // Of another life of the dashboard: from the beginning.
    buf_clear(&got);
    fd = client_connect(s->port);
    client_send(fd, STREAM "Last-Event-ID: 0000000x-1\r\n\r\n");
    client_wait(fd, &got, "event: snap");
    close(fd);
    buf_release(&got);
}

static void
two_hundred_readers_share_one_window_and_leave_no_trace(void **state)
{
    struct stage *s = *state;
    struct buf got = { 0 };
    int fds[READERS];

    for (size_t i = 0; i < READERS; i++) {
        fds[i] = client_connect(s->port);
        client_send(fds[i], STREAM "\r\n");
    }
    for (size_t i = 0; i < READERS; i++) {
        buf_clear(&got);
        client_wait(fds[i], &got, "]]}}\n\n");
    }
    assert_int_equal(selfstat_value(STAT_STREAMS), READERS);
    assert_int_equal(atomic_load(&s->collector.selects), 1);
    atomic_store(&s->collector.ticks, 21);
    for (size_t i = 0; i < READERS; i++) {
        buf_clear(&got);
        client_wait(fds[i], &got, "\"d\":[[21]]}\n\n");
    }
    for (size_t i = 0; i < READERS; i++)
        close(fds[i]);
    assert_true(wait_for_stat(STAT_STREAMS, 0));
    buf_release(&got);
}

static void
more_streams_than_there_are_places_get_204(void **state)
{
    struct stage *s = *state;
    struct buf got = { 0 };
    int fds[READERS + 5];

    for (size_t i = 0; i < N_OF(fds); i++) {
        fds[i] = client_connect(s->port);
        client_send(fds[i], STREAM "\r\n");
        buf_clear(&got);
        client_wait(fds[i], &got, "event: hello");
    }
    assert_int_equal(client_get(s->port, "/api/v1/stream?view=host&h=web-1", "", &got), 204);
    close(fds[0]);
    assert_true(wait_for_stat(STAT_STREAMS, READERS + 4));
    fds[0] = client_connect(s->port);
    client_send(fds[0], STREAM "\r\n");
    buf_clear(&got);
    client_wait(fds[0], &got, "event: hello");
    for (size_t i = 0; i < N_OF(fds); i++)
        close(fds[i]);
    assert_true(wait_for_stat(STAT_STREAMS, 0));
    buf_release(&got);
}

static void
a_restarted_collector_is_followed_by_itself(void **state)
{
    struct stage *s = *state;
    const int fd = client_connect(s->port);
    unsigned port;
    struct buf got = { 0 };

    client_send(fd, STREAM "\r\n");
    client_wait(fd, &got, "]]}}\n\n");
    assert_int_equal(sscanf(s->collector.endpoint, "tcp://127.0.0.1:%u", &port), 1);
    fake_stop(&s->collector);
    fake_start(&s->collector, port, 0, 40);
    buf_clear(&got);
    client_wait(fd, &got, "event: snap\n");
    client_wait(fd, &got, "]]}}\n\n");
    assert_true(client_has(&got, "\"n\":40,"));
    buf_clear(&got);
    atomic_store(&s->collector.ticks, 41);
    client_wait(fd, &got, "\"d\":[[41]]}\n\n");
    close(fd);
    buf_release(&got);
}

static void
the_end_answers_what_waits_and_says_bye_to_who_reads(void **state)
{
    struct stage *s = *state;
    const int asking = client_connect(s->port);
    struct buf got = { 0 };
    int fds[READERS];

    for (size_t i = 0; i < READERS; i++) {
        fds[i] = client_connect(s->port);
        client_send(fds[i], STREAM "\r\n");
    }
    for (size_t i = 0; i < READERS; i += 2) { // the others never read
        buf_clear(&got);
        client_wait(fds[i], &got, "]]}}\n\n");
    }
    atomic_store(&s->collector.silent, true);
    client_send(asking, "GET /api/v1/hosts HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_true(wait_for_stat(STAT_STREAMS, READERS));
    dashboard_stop(&s->dashboard);
    for (size_t i = 0; i < READERS; i += 2) {
        buf_clear(&got);
        while (client_read(fds[i], &got))
            ;
        assert_true(client_has(&got, "event: bye\ndata: {\"why\":\"shutdown\",\"retry\":"));
    }
    buf_clear(&got);
    while (client_read(asking, &got))
        ;
    // Nothing, if it had not been read when the door was closed.
    assert_true(got.len == 0 || client_has(&got, "HTTP/1.1 503 "));
    for (size_t i = 0; i < READERS; i++)
        close(fds[i]);
    close(asking);
    assert_int_equal(selfstat_value(STAT_STREAMS), 0);
    buf_release(&got);
}

// The host is known, but its window does not come: the request waits for the view, not for an
// answer of the collector, and the end must not forget it.
static void
the_end_answers_who_waits_for_a_view(void **state)
{
    struct stage *s = *state;
    const int asking = client_connect(s->port), feed = client_connect(s->port);
    struct buf got = { 0 };

    client_send(feed, "GET /feed HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_wait(feed, &got, "\r\n\r\n:\n\n");
    assert_true(wait_for_stat(STAT_STREAMS, 1));
    atomic_store(&s->collector.silent, true);
    client_send(asking, "GET /api/v1/view?view=host&h=web-1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_true(wait_for_stat(STAT_VIEWS, 1));
    dashboard_stop(&s->dashboard);
    buf_clear(&got);
    while (client_read(asking, &got))
        ;
    assert_true(client_has(&got, "HTTP/1.1 503 "));
    // A feed has no events of ours.
    buf_clear(&got);
    while (client_read(feed, &got))
        ;
    assert_int_equal(got.len, 0);
    close(asking);
    close(feed);
    buf_release(&got);
}

#define stage_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
    const int signals = service_start(1); // once: a second ZeroMQ context would be another story
    int failed;
    const struct CMUnitTest tests[] = {
        stage_test(hosts_are_listed),
        stage_test(a_ledger_is_told_by_host_or_of_all),
        stage_test(who_was_sent_away_is_told_with_the_reason),
        stage_test(events_of_a_window_are_told_by_time),
        stage_test(what_happens_is_a_note_of_the_stream),
        stage_test(what_came_late_is_an_event_of_the_stream),
        stage_test(a_stream_says_hello_then_all_then_each_tick),
        stage_test(a_summary_counts_hosts_by_state),
        stage_test(who_asks_now_and_then_gets_what_a_stream_would_have_sent),
        stage_test(who_comes_back_gets_one_fill),
        stage_test(history_has_the_numbers_of_the_stream),
        stage_test(an_unknown_host_is_404),
        stage_test(a_reader_that_comes_back_gets_only_what_it_missed),
        stage_test(two_hundred_readers_share_one_window_and_leave_no_trace),
        stage_test(more_streams_than_there_are_places_get_204),
        stage_test(a_restarted_collector_is_followed_by_itself),
        stage_test(the_end_answers_what_waits_and_says_bye_to_who_reads),
        stage_test(the_end_answers_who_waits_for_a_view),
    };

    failed = cmocka_run_group_tests_name("dashboard", tests, NULL, NULL);
    service_end(signals);
    return failed;
}
