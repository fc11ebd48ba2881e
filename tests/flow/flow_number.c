// flow_number - one number from the kernel to a reader: the three programs, as a user starts them.

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/support/exposition.h"
#include "tests/support/stage.h"

#define TICK_MS 1000

static sse_t *
s_stream(stage_t *s, const char *host)
{
    char path[160];

    snprintf(path, sizeof path, "/api/v1/stream?view=host&h=%s", host);
    return sse_open(stage_http_port(s), path, NULL);
}

static void
the_first_number_reaches_a_stream(void **state)
{
    stage_t *s = *state;
    sse_t *stream = s_stream(s, "web-1");
    json_t *hello, *snap, *tick;
    double user, total;

    claim(s, stream != NULL && sse_status(stream) == 200);
    claim(s, strcasestr(sse_head(stream), "content-type: text/event-stream") != NULL);
    hello = sse_next_json(stream, "hello", stage_ms(STAGE_PATIENCE_MS));
    snap = sse_next_json(stream, "snap", stage_ms(STAGE_PATIENCE_MS));
    tick = sse_next_json(stream, "tick", stage_ms(STAGE_PATIENCE_MS));
    claim(s, hello != NULL && snap != NULL && tick != NULL);
    claim(s, json_integer_value(json_object_get(hello, "v")) == 1);
    claim(s, json_integer_value(json_object_get(hello, "tick")) == TICK_MS);
    user = stage_column(snap, tick, "cpu.user");
    total = stage_column(snap, tick, "mem.total");
    claim(s, user >= 0 && user <= 100);
    claim(s, total == floor(total) && total > 1e6);
    claim(s, stage_column(snap, tick, "load.1") >= 0);
    json_decref(hello);
    json_decref(snap);
    json_decref(tick);
    sse_close(&stream);
}

static void
ticks_come_each_second_in_order(void **state)
{
    stage_t *s = *state;
    sse_t *stream = s_stream(s, "web-1");
    json_int_t last_t = 0, last_seq = 0;

    claim(s, stream != NULL);
    for (int i = 0; i < 4; i++) {
        json_t *tick = sse_next_tick(stream, &last_seq, stage_ms(STAGE_PATIENCE_MS));
        const json_int_t t = json_integer_value(json_object_get(tick, "t"));

        claim(s, tick != NULL);
        claim(s, t > last_t);
        last_t = t;
        json_decref(tick);
    }
    sse_close(&stream);
}

// The memory of this machine, read here and there, is the same number.
static void
the_number_is_the_kernels(void **state)
{
    stage_t *s = *state;
    sse_t *stream = s_stream(s, "web-1");
    json_t *snap = stream != NULL ? sse_next_json(stream, "snap", stage_ms(STAGE_PATIENCE_MS))
                                  : NULL;
    FILE *f = fopen("/proc/meminfo", "r");
    unsigned long long kib = 0;

    assert_non_null(f);
    assert_int_equal(fscanf(f, "MemTotal: %llu kB", &kib), 1);
    fclose(f);
    claim(s, snap != NULL);
    claim(s, stage_column(snap, snap, "mem.total") == (double) kib * 1024);
    json_decref(snap);
    sse_close(&stream);
}

static void
a_host_is_named_by_its_id_or_its_name(void **state)
{
    stage_t *s = *state;
    json_t *host = stage_host(s, "web-1");
    const char *id = json_string_value(json_object_get(host, "id"));
    const char *const names[] = { "web-1", id };
    char path[128];

    claim(s, id != NULL && strlen(id) == 16);
    for (size_t i = 0; i < 2; i++) {
        sse_t *stream = s_stream(s, names[i]);
        json_t *hist;

        claim(s, stream != NULL && sse_status(stream) == 200);
        sse_close(&stream);
        snprintf(path, sizeof path, "/api/v1/hist?h=%s&c=mem.total", names[i]);
        hist = http_json(stage_http_port(s), path);
        claim(s, hist != NULL);
        claim(s, strcmp(json_string_value(json_object_get(hist, "h")), id) == 0);
        json_decref(hist);
    }
    json_decref(host);
}

static void
a_host_that_is_not_there_is_404(void **state)
{
    stage_t *s = *state;
    sse_t *stream = s_stream(s, "nobody");
    struct http_reply reply;

    claim(s, stream != NULL && sse_status(stream) == 404);
    sse_close(&stream);
    claim(s, http_get(&reply, stage_http_port(s), "/api/v1/hist?h=nobody") && reply.status == 404);
    claim(s, strstr(reply.body, "\"errorType\":\"not_found\"") != NULL);
    http_reply_release(&reply);
}

// The value of `column` at `t` in an answer of hist; NAN where there is none.
static double
s_hist_at(json_t *hist, json_int_t t)
{
    const json_int_t t0 = json_integer_value(json_object_get(hist, "t0"));
    json_t *times = json_object_get(hist, "t");
    json_t *at;
    size_t i;

    json_array_foreach(times, i, at) if (t0 + json_integer_value(at) == t)
    {
        json_t *v = json_array_get(json_array_get(json_object_get(hist, "avg"), 0), i);

        return json_is_number(v) ? json_number_value(v) : NAN;
    }
    return NAN;
}

static void
history_says_what_the_stream_said(void **state)
{
    static const char *const columns[] = { "cpu.user",   "cpu.idle", "mem.used",
                                           "mem.cached", "load.1",   "sys.context_switches" };
    stage_t *s = *state;
    sse_t *stream = s_stream(s, "web-1");
    json_t *snap, *ticks[4];
    char path[160];

    claim(s, stream != NULL);
    snap = sse_next_json(stream, "snap", stage_ms(STAGE_PATIENCE_MS));
    claim(s, snap != NULL);
    for (size_t i = 0; i < 4; i++) {
        ticks[i] = sse_next_json(stream, "tick", stage_ms(STAGE_PATIENCE_MS));
        claim(s, ticks[i] != NULL);
    }
    for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) {
        json_t *hist;

        snprintf(path, sizeof path, "/api/v1/hist?h=web-1&c=%s&pts=11000", columns[c]);
        hist = http_json(stage_http_port(s), path);
        claim(s, hist != NULL);
        for (size_t i = 0; i < 4; i++) {
            const double live = stage_column(snap, ticks[i], columns[c]);
            const double past = s_hist_at(hist, json_integer_value(json_object_get(ticks[i], "t")));

            if (!(live == past)) {
                print_error("%s: live %.9g, history %.9g\n", columns[c], live, past);
                claim(s, live == past);
            }
        }
        json_decref(hist);
    }
    for (size_t i = 0; i < 4; i++)
        json_decref(ticks[i]);
    json_decref(snap);
    sse_close(&stream);
}

static void
a_reader_that_returns_gets_what_it_missed_in_one_event(void **state)
{
    stage_t *s = *state;
    sse_t *stream = s_stream(s, "web-1");
    struct sse_event ev;
    char id[64];
    json_t *tick, *fill, *missed;
    json_int_t seq, last;

    claim(s, stream != NULL && sse_next_of(stream, "tick", &ev, stage_ms(STAGE_PATIENCE_MS)));
    snprintf(id, sizeof id, "%s", ev.id);
    tick = json_loads(ev.data, 0, NULL);
    seq = json_integer_value(json_object_get(tick, "s"));
    json_decref(tick);
    // Two more pass while somebody else watches; then the first comes back.
    claim(s, sse_next_of(stream, "tick", &ev, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, sse_next_of(stream, "tick", &ev, stage_ms(STAGE_PATIENCE_MS)));
    sse_close(&stream);
    stream = sse_open(stage_http_port(s), "/api/v1/stream?view=host&h=web-1", id);
    claim(s, stream != NULL && sse_next_of(stream, "hello", &ev, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, sse_next(stream, &ev, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, strcmp(ev.event, "fill") == 0);
    fill = json_loads(ev.data, 0, NULL);
    missed = json_object_get(fill, "ticks");
    last = json_integer_value(json_object_get(fill, "s"));
    // Two, or one more that came meanwhile; each once, in order, and the id is the last one's. A
    // number that no tick has may be that of another event.
    claim(s, json_array_size(missed) >= 2);
    for (size_t i = 0; i < json_array_size(missed); i++) {
        const json_int_t was = seq;

        seq = json_integer_value(json_object_get(json_array_get(missed, i), "s"));
        claim(s, seq > was && seq <= last);
    }
    claim(s, strtoll(strchr(ev.id, '-') + 1, NULL, 10) == last);
    json_decref(fill);
    tick = sse_next_tick(stream, &last, stage_ms(STAGE_PATIENCE_MS));
    claim(s, tick != NULL);
    json_decref(tick);
    sse_close(&stream);
}

static bool
s_metrics_tell_all_three(stage_t *s, void *arg)
{
    (void) arg;
    return stage_metric(s, "zpulse_dashboard_http_requests_total") >= 0 &&
           stage_metric(s, "zpulse_agent_ticks_total") > 0 &&
           stage_metric(s, "zpulse_collector_frames_total") > 0;
}

static void
metrics_tell_of_all_three_programs(void **state)
{
    stage_t *s = *state;
    struct http_reply reply;
    char type[80], fault[256];

    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_metrics_tell_all_three, NULL));
    claim(s, http_get(&reply, stage_http_port(s), "/metrics") && reply.status == 200);
    http_header(&reply, "content-type", type, sizeof type);
    claim(s, strstr(type, "text/plain") != NULL && strstr(type, "version=0.0.4") != NULL);
    if (exposition_fault(reply.body, fault, sizeof fault) != NULL)
        fail_msg("not exposition: %s", fault);
    http_reply_release(&reply);
}

static void
hosts_tell_id_name_state_and_newest_sample(void **state)
{
    stage_t *s = *state;
    json_t *host = stage_host(s, "web-1");
    const json_int_t last = json_integer_value(json_object_get(host, "last_ms"));

    claim(s, host != NULL);
    claim(s, strcmp(json_string_value(json_object_get(host, "state")), "up") == 0);
    claim(s, json_integer_value(json_object_get(host, "interval_ms")) == TICK_MS);
    claim(s, llabs(clock_real_ms() - last) < stage_ms(60000)); // the epoch, and no other
    json_decref(host);
}

static void
what_is_no_route_is_404_and_no_method_is_405(void **state)
{
    stage_t *s = *state;
    const uint16_t port = stage_http_port(s);
    struct http_reply reply;
    char allow[64];

    claim(s, http_get(&reply, port, "/no/such/path") && reply.status == 404);
    http_reply_release(&reply);
    claim(s, http_request(&reply, "POST", port, "/api/v1/hosts") && reply.status == 405);
    claim(s, strstr(http_header(&reply, "allow", allow, sizeof allow), "GET") != NULL);
    http_reply_release(&reply);
    claim(s, http_request(&reply, "HEAD", port, "/api/v1/hosts") && reply.status == 200);
    claim(s, reply.size == 0);
    http_reply_release(&reply);
    claim(s, http_get(&reply, port, "/-/healthy") && reply.status == 200);
    http_reply_release(&reply);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test_up(the_first_number_reaches_a_stream),
        stage_test_up(ticks_come_each_second_in_order),
        stage_test_up(the_number_is_the_kernels),
        stage_test_up(a_host_is_named_by_its_id_or_its_name),
        stage_test_up(a_host_that_is_not_there_is_404),
        stage_test_up(history_says_what_the_stream_said),
        stage_test_up(a_reader_that_returns_gets_what_it_missed_in_one_event),
        stage_test_up(metrics_tell_of_all_three_programs),
        stage_test_up(hosts_tell_id_name_state_and_newest_sample),
        stage_test_up(what_is_no_route_is_404_and_no_method_is_405),
    };
    return cmocka_run_group_tests_name("flow_number", tests, NULL, NULL);
}
