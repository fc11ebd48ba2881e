// flow_restart - programs come, go, are killed, in any order; readers see the truth.

#include <math.h>
#include <signal.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/support/stage.h"

#define STREAM "/api/v1/stream?view=host&h=web-1"

static struct stage_host s_up = { "web-1", "up" };
static struct stage_host s_silent = { "web-1", "silent" };
static struct stage_host s_stopped = { "web-1", "stopped" };

static process_t *s_collector, *s_agent;

static void
s_start_all(stage_t *s)
{
    s_collector = stage_collector(s, NULL);
    s_agent = stage_agent(s, "web-1", NULL);
    stage_dashboard(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_ready, NULL));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &s_up));
}

static void
a_collector_may_start_after_the_agent(void **state)
{
    stage_t *s = *state;

    stage_agent(s, "web-1", NULL);
    stage_dashboard(s, NULL);
    // The dashboard lives, and says that it cannot answer yet.
    claim(s, !stage_until(s, 500, stage_ready, NULL));
    stage_collector(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_ready, NULL));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &s_up));
}

// The same connection carries on: a browser has nothing to do.
static void
s_goes_on_after(stage_t *s, int sig)
{
    sse_t *stream;
    json_t *before, *after;

    s_start_all(s);
    stream = sse_open(stage_http_port(s), STREAM, NULL);
    claim(s, stream != NULL);
    before = sse_next_json(stream, "tick", stage_ms(STAGE_PATIENCE_MS));
    claim(s, before != NULL);
    process_signal(s_collector, sig);
    claim(s, process_ended(s_collector, stage_ms(STAGE_PATIENCE_MS)));
    s_collector = stage_collector(s, NULL);
    // At most one tick was already on its way when the signal was sent.
    for (int i = 0; i < 4; i++) {
        after = sse_next_json(stream, "tick", stage_ms(20000));
        claim(s, after != NULL);
        claim(s, json_integer_value(json_object_get(after, "t")) >
                     json_integer_value(json_object_get(before, "t")));
        json_decref(before);
        before = after;
    }
    json_decref(before);
    claim(s, !sse_ended(stream));
    sse_close(&stream);
}

static void
a_stream_outlives_a_killed_collector(void **state)
{
    s_goes_on_after(*state, SIGKILL);
}

static void
a_stream_outlives_a_stopped_collector(void **state)
{
    s_goes_on_after(*state, SIGTERM);
}

static void
a_killed_agent_is_silent_and_no_number_repeats(void **state)
{
    stage_t *s = *state;
    int64_t killed;
    sse_t *stream;
    json_t *event;
    json_int_t newest = 0;

    s_start_all(s);
    stream = sse_open(stage_http_port(s), STREAM, NULL);
    claim(s, stream != NULL);
    event = sse_next_json(stream, "tick", stage_ms(STAGE_PATIENCE_MS));
    claim(s, event != NULL);
    json_decref(event);
    process_signal(s_agent, SIGKILL);
    killed = clock_real_ms();
    // What comes after the last sample tells of the state; no tick is made up.
    event = sse_next_json(stream, "host", stage_ms(STAGE_PATIENCE_MS));
    while (event != NULL &&
           strcmp(json_string_value(json_object_get(event, "op")), "silent") != 0) {
        json_decref(event);
        event = sse_next_json(stream, "host", stage_ms(STAGE_PATIENCE_MS));
    }
    claim(s, event != NULL);

    json_decref(event);
    claim(s, stage_host_is(s, &s_silent));
    for (struct sse_event ev; sse_next(stream, &ev, 2500);)
        claim(s, strcmp(ev.event, "tick") != 0);
    event = stage_host(s, "web-1");
    newest = json_integer_value(json_object_get(event, "last_ms"));
    json_decref(event);
    claim(s, newest <= killed);
    sse_close(&stream);
}

static void
an_agent_that_ends_on_purpose_is_stopped(void **state)
{
    stage_t *s = *state;

    s_start_all(s);
    process_signal(s_agent, SIGTERM);
    claim(s, process_ended(s_agent, stage_ms(STAGE_PATIENCE_MS)));
    assert_int_equal(process_code(s_agent), 0);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &s_stopped));
}

static void
an_agent_that_returns_is_the_same_host(void **state)
{
    stage_t *s = *state;
    json_t *before, *after;

    s_start_all(s);
    before = stage_host(s, "web-1");
    process_signal(s_agent, SIGKILL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &s_silent));
    s_agent = stage_agent(s, "web-1", NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &s_up));
    after = stage_host(s, "web-1");
    claim(s, strcmp(json_string_value(json_object_get(before, "id")),
                    json_string_value(json_object_get(after, "id"))) == 0);
    json_decref(before);
    json_decref(after);
}

static void
a_restarted_dashboard_greets_a_reader_with_a_snap(void **state)
{
    stage_t *s = *state;
    process_t *dashboard;
    struct sse_event ev;
    char id[64];
    sse_t *stream;

    stage_collector(s, NULL);
    stage_agent(s, "web-1", NULL);
    dashboard = stage_dashboard(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &s_up));
    stream = sse_open(stage_http_port(s), STREAM, NULL);
    claim(s, stream != NULL && sse_next_of(stream, "tick", &ev, stage_ms(STAGE_PATIENCE_MS)));
    snprintf(id, sizeof id, "%s", ev.id);
    process_signal(dashboard, SIGTERM);
    claim(s, sse_next_of(stream, "bye", &ev, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, !sse_next(stream, &ev, stage_ms(STAGE_PATIENCE_MS)) && sse_ended(stream));
    sse_close(&stream);
    claim(s, process_ended(dashboard, stage_ms(STAGE_PATIENCE_MS)));
    stage_dashboard(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &s_up));
    stream = sse_open(stage_http_port(s), STREAM, id);
    claim(s, stream != NULL && sse_next_of(stream, "hello", &ev, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, sse_next(stream, &ev, stage_ms(STAGE_PATIENCE_MS)) && strcmp(ev.event, "snap") == 0);
    sse_close(&stream);
}

static void
two_agents_are_two_hosts(void **state)
{
    struct stage_host second = { "web-2", "up" };
    stage_t *s = *state;

    s_start_all(s);
    stage_agent(s, "web-2", NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &second));
    claim(s, stage_host_is(s, &s_up));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(a_collector_may_start_after_the_agent),
        stage_test(a_stream_outlives_a_killed_collector),
        stage_test(a_stream_outlives_a_stopped_collector),
        stage_test(a_killed_agent_is_silent_and_no_number_repeats),
        stage_test(an_agent_that_ends_on_purpose_is_stopped),
        stage_test(an_agent_that_returns_is_the_same_host),
        stage_test(a_restarted_dashboard_greets_a_reader_with_a_snap),
        stage_test(two_agents_are_two_hosts),
    };
    return cmocka_run_group_tests_name("flow_restart", tests, NULL, NULL);
}
