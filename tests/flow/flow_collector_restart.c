// flow_collector_restart - a collector that is killed again and again forgets nothing that anybody
// has seen, and answers for the time before.

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/support/stage.h"

#define STREAM  "/api/v1/stream?view=host&h=web-1"
#define HISTORY "/api/v1/hist?h=web-1&c=mem.total&pts=11000"
#define KILLS   6
#define SEEN    64u // ticks that a reader has seen, at most

static struct stage_host s_up = { "web-1", "up" };
static process_t *s_collector;

static void
s_start_all(stage_t *s)
{
    s_collector = stage_collector(s, NULL);
    stage_agent(s, "web-1", NULL);
    stage_dashboard(s, NULL);
    claim(s, stage_until(s, 10000, stage_ready, NULL));
    claim(s, stage_until(s, 10000, stage_host_is, &s_up));
}

static void
s_kill_and_start(stage_t *s)
{
    process_signal(s_collector, SIGKILL);
    claim(s, process_ended(s_collector, stage_ms(3000)));
    s_collector = stage_collector(s, NULL);
}

// Whether history has a row of exactly this time.
static bool
s_has(json_t *history, json_int_t time_ms)
{
    const json_int_t t0 = json_integer_value(json_object_get(history, "t0"));
    json_t *t = json_object_get(history, "t");
    size_t i;
    json_t *at;

    json_array_foreach(t, i, at)
    {
        if (t0 + json_integer_value(at) == time_ms)
            return true;
    }
    return false;
}

static void
what_a_reader_has_seen_is_history_after_any_number_of_kills(void **state)
{
    stage_t *s = *state;
    json_int_t seen[SEEN];
    unsigned n = 0;
    json_t *history;
    sse_t *stream;

    s_start_all(s);
    stream = sse_open(stage_http_port(s), STREAM, NULL);
    claim(s, stream != NULL);
    for (int kill = 0; kill <= KILLS; kill++) {
        for (int i = 0; i < 2; i++) {
            json_t *tick = sse_next_json(stream, "tick", stage_ms(20000));

            claim(s, tick != NULL && n < SEEN);
            seen[n++] = json_integer_value(json_object_get(tick, "t"));
            json_decref(tick);
        }
        if (kill < KILLS)
            s_kill_and_start(s);
    }
    history = http_json(stage_http_port(s), HISTORY);
    claim(s, history != NULL);
    for (unsigned i = 0; i < n; i++)
        claim(s, s_has(history, seen[i]));
    json_decref(history);
    sse_close(&stream);
}

// The agent is gone: what is answered can only be from the journal.
static void
a_host_that_is_gone_is_answered_for_from_the_journal(void **state)
{
    stage_t *s = *state;
    process_t *agent;
    json_t *event, *history = NULL;
    json_int_t time_ms;
    sse_t *stream;

    s_collector = stage_collector(s, NULL);
    agent = stage_agent(s, "web-1", NULL);
    stage_dashboard(s, NULL);
    claim(s, stage_until(s, 10000, stage_host_is, &s_up));
    stream = sse_open(stage_http_port(s), STREAM, NULL);
    claim(s, stream != NULL);
    event = sse_next_json(stream, "tick", stage_ms(5000));
    claim(s, event != NULL);
    time_ms = json_integer_value(json_object_get(event, "t"));
    json_decref(event);
    process_signal(agent, SIGTERM);
    claim(s, process_ended(agent, stage_ms(3000)));
    sse_close(&stream);
    s_kill_and_start(s);
    // By name it is not known until it says HELLO; it returns, and its past is there.
    stage_agent(s, "web-1", NULL);
    claim(s, stage_until(s, 10000, stage_host_is, &s_up));
    history = http_json(stage_http_port(s), HISTORY);
    claim(s, history != NULL && s_has(history, time_ms));
    json_decref(history);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(what_a_reader_has_seen_is_history_after_any_number_of_kills),
        stage_test(a_host_that_is_gone_is_answered_for_from_the_journal),
    };
    return cmocka_run_group_tests_name("flow_collector_restart", tests, NULL, NULL);
}
