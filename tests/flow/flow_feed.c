// flow_feed - the numbers of applications as /feed streams them, with the programs as users start
// them.

#include <czmq.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/base/clock.h"
#include "tests/support/stage.h"

#define DEMO          "../tests/support/demo_app"
#define SOON_MS       2000
#define TRIES         5
#define SUBSCRIPTIONS "zpulse_collector_subscriptions"

// tcp:// of one of the stage's two spare ports.
static char *
s_at(const stage_t *s, char *text, size_t size, const char *prefix, unsigned i)
{
    snprintf(text, size, "%stcp://127.0.0.1:%u", prefix, stage_spare_port(s, i));
    return text;
}

// The three programs; the agent takes PUB on spare port 0 and PUSH on 1.
static void
s_open(stage_t *s, const char *option, const char *value)
{
    char sub[64], pull[64];

    stage_collector(s, NULL);
    stage_agent(s, "web-1", "--app-sub", s_at(s, sub, sizeof sub, "@", 0), "--app-pull",
                s_at(s, pull, sizeof pull, "@", 1), NULL);
    if (option != NULL)
        stage_dashboard(s, option, value, NULL);
    else
        stage_dashboard(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_ready, NULL));
}

static zsock_t *
s_pusher(stage_t *s)
{
    char endpoint[64];
    zsock_t *sock = zsock_new(ZMQ_PUSH);

    zsock_set_linger(sock, 1000);
    assert_int_equal(zsock_attach(sock, s_at(s, endpoint, sizeof endpoint, ">", 1), false), 0);
    return sock;
}

static sse_t *
s_feed(stage_t *s, const char *path)
{
    sse_t *feed = sse_open(stage_http_port(s), path, NULL);

    claim(s, feed != NULL && sse_status(feed) == 200);
    return feed;
}

struct count {
    double at;
    bool more; // than that, else equal
};

static bool
s_subscriptions(stage_t *s, void *arg)
{
    const struct count *c = arg;
    const double now = stage_metric(s, SUBSCRIPTIONS);

    return c->more ? now > c->at : now == c->at;
}

// A feed for which the collector has been asked: what comes from then on is in it.
static sse_t *
s_live_feed(stage_t *s)
{
    struct count c = { .more = true };
    sse_t *feed;

    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_subscriptions, &c)); // e/ of the dashboard
    c.at = stage_metric(s, SUBSCRIPTIONS);
    feed = s_feed(s, "/feed");
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_subscriptions, &c));
    return feed;
}

// Of a few that are started one after the other one is in the feed within two seconds: what a
// machine is busy with delays one, what is slow by itself delays each.
static void
s_comes_soon(stage_t *s)
{
    int64_t soonest = INT64_MAX;
    char endpoint[64];
    struct sse_event e;

    for (int i = 0; i < TRIES && soonest > stage_ms(SOON_MS); i++) {
        sse_t *feed = s_feed(s, "/feed");
        const int64_t start = clock_mono_ms();
        process_t *demo = stage_run(s, DEMO, "--endpoint",
                                    s_at(s, endpoint, sizeof endpoint, "", 0), NULL);

        claim(s, sse_next(feed, &e, stage_ms(STAGE_PATIENCE_MS)));
        soonest = clock_mono_ms() - start;
        process_signal(demo, SIGINT);
        claim(s, process_ended(demo, stage_ms(STAGE_PATIENCE_MS)));
        sse_close(&feed);
    }
    claim(s, soonest <= stage_ms(SOON_MS));
}

static void
the_demo_application_appears_within_two_seconds(void **state)
{
    stage_t *s = *state;
    char endpoint[64];
    struct sse_event e;
    sse_t *feed;
    json_t *data;

    s_open(s, NULL, NULL);
    s_comes_soon(s);
    feed = s_feed(s, "/feed");
    claim(s, strcasestr(sse_head(feed), "content-type: text/event-stream") != NULL);
    claim(s, strcasestr(sse_head(feed), "x-accel-buffering: no") != NULL);
    claim(s, strcasestr(sse_head(feed), "access-control") == NULL);
    stage_run(s, DEMO, "--color", "red", "--endpoint", s_at(s, endpoint, sizeof endpoint, "", 0),
              NULL);
    for (int i = 0; i < 3; i++) {
        // What those before had sent may come until now.
        do
            claim(s, sse_next(feed, &e, stage_ms(STAGE_PATIENCE_MS)));
        while (i == 0 && strstr(e.data, "\"red\"") == NULL);
        claim(s, strcmp(e.event, "message") == 0); // unnamed
        claim(s, e.id == NULL || e.id[0] == '\0');
        claim(s, strncmp(e.data, "{\"color\":\"red\",\"timestamp\":\"20", 30) == 0);
        data = json_loads(e.data, 0, NULL);
        claim(s, json_object_size(data) == 4);
        claim(s, json_number_value(json_object_get(data, "cpu")) >= 0);
        claim(s, json_number_value(json_object_get(data, "mem")) > 1);
        json_decref(data);
    }
    sse_close(&feed);
}

// cpu, mem and time of what was pushed come back as they were.
static void
numbers_come_back_as_they_were_sent(void **state)
{
    static const char *const numbers[][2] = {
        { "12.3", "21.5" },
        { "0.0", "0.1" },
        { "100.1", "512.25" },
        { "33.3333333333", "7" },
    };
    stage_t *s = *state;
    zsock_t *push;
    sse_t *feed;

    s_open(s, NULL, NULL);
    feed = s_live_feed(s);
    push = s_pusher(s);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const time_t now = time(NULL);
        char stamp[32], sent[256], want[64];
        struct sse_event e;
        json_t *data;

        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", gmtime(&now));
        snprintf(
            sent, sizeof sent,
            "{\"color\": null, \"timestamp\": \"%s.%03zu456+00:00\", \"cpu\": %s, \"mem\": %s}",
            stamp, i, numbers[i][0], numbers[i][1]);
        claim(s, zstr_send(push, sent) == 0);
        claim(s, sse_next(feed, &e, stage_ms(STAGE_PATIENCE_MS)));
        data = json_loads(e.data, 0, NULL);
        claim(s, json_is_null(json_object_get(data, "color")));
        snprintf(want, sizeof want, "%s.%03zu000+00:00", stamp, i); // stamps are milliseconds
        assert_string_equal(json_string_value(json_object_get(data, "timestamp")), want);
        claim(s, json_number_value(json_object_get(data, "cpu")) == strtod(numbers[i][0], NULL));
        claim(s, fabs(json_number_value(json_object_get(data, "mem")) -
                      strtod(numbers[i][1], NULL)) < 1e-6);
        json_decref(data);
    }
    zsock_destroy(&push);
    sse_close(&feed);
}

static void
hosts_come_only_when_asked_for(void **state)
{
    stage_t *s = *state;
    zsock_t *push;
    sse_t *feed, *all;
    struct sse_event e;
    char color[16] = "";
    bool app = false;

    s_open(s, NULL, NULL);
    feed = s_feed(s, "/feed");
    all = s_feed(s, "/feed?hosts=1");
    for (int i = 0; i < 3; i++) {
        json_t *data;

        claim(s, sse_next(all, &e, stage_ms(STAGE_PATIENCE_MS)));
        data = json_loads(e.data, 0, NULL);
        claim(s, json_object_size(data) == 4);
        snprintf(color, sizeof color, "%s", json_string_value(json_object_get(data, "color")));
        claim(s, color[0] == '#' && strlen(color) == 7);
        claim(s, json_number_value(json_object_get(data, "mem")) > 1);
        json_decref(data);
    }
    push = s_pusher(s);
    zstr_send(push, "{\"color\": \"blue\", \"cpu\": 5, \"mem\": 6}");
    claim(s, sse_next(feed, &e, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, strncmp(e.data, "{\"color\":\"blue\",", 16) == 0); // and nothing before it
    for (int i = 0; i < 10 && !app; i++) {
        claim(s, sse_next(all, &e, stage_ms(STAGE_PATIENCE_MS)));
        app = strncmp(e.data, "{\"color\":\"blue\",", 16) == 0;
    }
    claim(s, app);
    zsock_destroy(&push);
    sse_close(&feed);
    sse_close(&all);
}

static void
the_collector_is_asked_only_while_somebody_listens(void **state)
{
    stage_t *s = *state;
    struct count c = { .more = true };
    sse_t *feed;

    s_open(s, NULL, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_subscriptions, &c)); // e/ of the dashboard
    c.at = stage_metric(s, SUBSCRIPTIONS);
    feed = s_feed(s, "/feed");
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_subscriptions, &c));
    sse_close(&feed);
    c.more = false;
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_subscriptions, &c));
}

// The status of an answer, and one of its headers.
static int
s_ask(stage_t *s, const char *method, const char *path, const char *header, char *value,
      size_t size)
{
    struct http_reply reply;
    int status;

    claim(s, http_request(&reply, method, stage_http_port(s), path));
    status = reply.status;
    if (header != NULL)
        http_header(&reply, header, value, size);
    http_reply_release(&reply);
    return status;
}

static void
methods_and_parameters_are_answered_as_elsewhere(void **state)
{
    stage_t *s = *state;
    char value[128];

    s_open(s, NULL, NULL);
    claim(s, s_ask(s, "POST", "/feed", "Allow", value, sizeof value) == 405);
    assert_string_equal(value, "GET, HEAD");
    claim(s, s_ask(s, "HEAD", "/feed", "Content-Type", value, sizeof value) == 200);
    assert_string_equal(value, "text/event-stream");
    claim(s, s_ask(s, "GET", "/feed?hosts=yes", NULL, NULL, 0) == 400);
}

static void
one_origin_may_read_the_feed_and_nothing_else(void **state)
{
    static const char origin[] = "http://charts.example:8080";
    stage_t *s = *state;
    process_t *refused;
    char value[128];

    s_open(s, "--feed-origin", origin);
    claim(s, s_ask(s, "HEAD", "/feed", "Access-Control-Allow-Origin", value, sizeof value) == 200);
    assert_string_equal(value, origin);
    s_ask(s, "GET", "/api/v1/hosts", "Access-Control-Allow-Origin", value, sizeof value);
    assert_string_equal(value, "");
    s_ask(s, "HEAD", "/api/v1/stream?view=host&h=web-1", "Access-Control-Allow-Origin", value,
          sizeof value);
    assert_string_equal(value, "");
    refused = stage_run(s, "zpulse-dashboard", "--check-config", "--feed-origin", "*", NULL);
    claim(s, process_ended(refused, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, process_code(refused) != 0);
    claim(s, strstr(process_err(refused), "feed-origin") != NULL);
}

static bool
s_lives(stage_t *s, void *arg)
{
    struct http_reply reply;

    (void) arg;
    if (!http_get(&reply, stage_http_port(s), "/-/healthy"))
        return false;
    http_reply_release(&reply);
    return true;
}

static void
without_a_collector_the_feed_is_503(void **state)
{
    stage_t *s = *state;

    stage_dashboard(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_lives, NULL));
    claim(s, s_ask(s, "GET", "/feed", NULL, NULL, 0) == 503);
}

static void
the_operators_own_page_stands_in_place_of_ours(void **state)
{
    static const char page[] = "<!doctype html><script>document.title = 'mine'</script>";
    stage_t *s = *state;
    char value[256], *path = stage_file(s, "www/index.html", page);
    struct http_reply reply;

    *strrchr(path, '/') = '\0';
    s_open(s, "--web-root", path);
    claim(s, http_get(&reply, stage_http_port(s), "/"));
    claim(s, reply.status == 200 && strcmp(reply.body, page) == 0);
    assert_string_equal(http_header(&reply, "Content-Security-Policy", value, sizeof value), "");
    assert_string_equal(http_header(&reply, "X-Content-Type-Options", value, sizeof value),
                        "nosniff");
    http_reply_release(&reply);
    claim(s, s_ask(s, "GET", "/assets/app.js", NULL, NULL, 0) == 404);
    claim(s, s_ask(s, "HEAD", "/feed", NULL, NULL, 0) == 200);
    claim(s, s_ask(s, "GET", "/api/v1/hosts", NULL, NULL, 0) == 200);
    free(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(the_demo_application_appears_within_two_seconds),
        stage_test(numbers_come_back_as_they_were_sent),
        stage_test(hosts_come_only_when_asked_for),
        stage_test(the_collector_is_asked_only_while_somebody_listens),
        stage_test(methods_and_parameters_are_answered_as_elsewhere),
        stage_test(one_origin_may_read_the_feed_and_nothing_else),
        stage_test(without_a_collector_the_feed_is_503),
        stage_test(the_operators_own_page_stands_in_place_of_ours),
    };

    return cmocka_run_group_tests_name("flow_feed", tests, NULL, NULL);
}
