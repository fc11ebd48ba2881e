// flow_delivery - what was sampled arrives, each tick once, whoever is killed meanwhile.
//
// zpulse_agent_ticks_total counts the ticks of one process from 1: in the collector's history each
// life of the agent must stand as 1, 2, 3, ... without a hole.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/xalloc.h"
#include "shared/net/sock.h"
#include "shared/wire/query_msg.h"
#include "tests/support/spool_view.h"
#include "tests/support/stage.h"
#include "tests/support/stage_keys.h"

#define INTERVAL_MS 100
#define LATE_MS     1500 // a tick is late on a machine that is busy, not lost
#define TICKS       "zpulse_agent_ticks_total"
#define LIVES_MAX   16
#define MANY        300u // ticks: of the live stream memory holds 256 records (agent/delivery.h)

// What history says of the agent's lives.
struct history {
    unsigned lives;
    unsigned ticks[LIVES_MAX];  // of each
    int64_t last_ms[LIVES_MAX]; // of its last tick
    bool whole;                 // each life is 1, 2, 3, ...
};

static struct stage_host s_up = { "web-1", "up" };
static process_t *s_collector, *s_agent;

static void
s_start_collector(stage_t *s)
{
    s_collector = stage_collector(s, NULL);
}

static void
s_start_agent(stage_t *s)
{
    s_agent = stage_agent(s, "web-1", "--interval", "100ms", NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_has_said,
                         &(struct stage_said){ s_agent, "the agent is up" }));
}

static void
s_kill(stage_t *s, process_t *p)
{
    process_signal(p, SIGKILL);
    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
}

// As many times an interval as go into it: a machine that delays ticks delays this as well.
static void
s_wait(int ms)
{
    for (int left = ms; left > 0; left -= INTERVAL_MS)
        zmq_poll(NULL, 0, stage_ms(left < INTERVAL_MS ? left : INTERVAL_MS));
}

static zsock_t *
s_join(stage_t *s)
{
    const struct sock_spec spec = { .type = ZMQ_DEALER,
                                    .send_hwm = 100,
                                    .recv_hwm = 100,
                                    .max_bytes = QUERY_REPLY_MAX,
                                    .linger_ms = 0 };
    char endpoint[256];
    zsock_t *sock;

    claim(s, sock_new(&sock, &spec, stage_keys_operator()) == 0);
    claim(s, sock_endpoint(endpoint, sizeof endpoint, stage_endpoint(s), SOCK_QUERY) == 0);
    claim(s, sock_connect(sock, endpoint) == 0);
    return sock;
}

static void
s_read_lives(struct history *h, const struct query_series *series)
{
    for (uint32_t i = 0; i < series->n; i++) {
        const double value = series->samples[i].value;

        if (value == 1 && h->lives < LIVES_MAX)
            h->lives++;
        if (h->lives == 0 || value != h->ticks[h->lives - 1] + 1) {
            h->whole = false;
            return;
        }
        h->ticks[h->lives - 1]++;
        h->last_ms[h->lives - 1] = series->samples[i].time_ms;
    }
}

static bool
s_history(stage_t *s, void *arg)
{
    const struct query_request q = { .type = QUERY_SELECT,
                                     .id = 1,
                                     .end_ms = INT64_MAX / 2,
                                     .n_selectors = 1,
                                     .selectors = { TICKS } };
    struct history *h = arg;
    uint8_t bytes[1024];
    zsock_t *sock = s_join(s);
    zmq_pollitem_t item = { .socket = sock_raw(sock), .events = ZMQ_POLLIN };
    const ptrdiff_t n = query_put_request(bytes, sizeof bytes, &q);
    zmq_msg_t msg;
    bool answered;

    *h = (struct history){ .whole = true };
    claim(s, n > 0);
    zmq_msg_init(&msg);
    answered = sock_send(sock, bytes, (size_t) n, false) == 0 && zmq_poll(&item, 1, 2000) > 0 &&
               sock_recv(sock, &msg) > 0;
    if (answered) {
        struct query_reply reply;
        struct query_series series = { 0 };
        struct rbuf r;

        claim(s, query_take_reply(&reply, &r, zmq_msg_data(&msg), zmq_msg_size(&msg)) == 0);
        answered = reply.status == QUERY_OK && reply.n == 1;
        if (answered && query_take_series(&r, &series) == 0) {
            s_read_lives(h, &series);
            query_series_release(&series);
        }
    }
    zmq_msg_close(&msg);
    zsock_destroy(&sock);
    return answered;
}

// As many lives as were lived, whole, each up to when it was killed (0: still alive).
struct lives {
    unsigned n;
    int64_t killed_ms[LIVES_MAX];
    unsigned least; // ticks of the first one, if it is still alive
    struct history seen;
};

static bool
s_all_there(stage_t *s, void *arg)
{
    struct lives *lives = arg;

    if (!s_history(s, &lives->seen) || !lives->seen.whole || lives->seen.lives != lives->n ||
        lives->seen.ticks[0] < lives->least)
        return false;
    for (unsigned i = 0; i < lives->n; i++)
        if (lives->killed_ms[i] != 0 && lives->seen.last_ms[i] < lives->killed_ms[i] - LATE_MS)
            return false;
    return true;
}

static void
s_claim_all_there(stage_t *s, struct lives *lives)
{
    if (!stage_until(s, 20000, s_all_there, lives))
        for (unsigned i = 0; i < lives->seen.lives; i++)
            printf("life %u: %u ticks, the last %lld ms before its end; whole: %d\n", i,
                   lives->seen.ticks[i], (long long) (lives->killed_ms[i] - lives->seen.last_ms[i]),
                   lives->seen.whole);
    claim(s, s_all_there(s, lives));
}

static void
an_agent_that_is_killed_while_the_collector_is_away_loses_no_tick(void **state)
{
    stage_t *s = *state;
    struct lives lives = { 0 };

    s_start_collector(s);
    stage_dashboard(s, NULL);
    s_start_agent(s);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &s_up));
    s_wait(1000);
    s_kill(s, s_collector);
    for (int i = 0; i < 3; i++) {
        s_wait(3000);
        s_kill(s, s_agent);
        lives.killed_ms[lives.n++] = clock_real_ms();
        s_start_agent(s);
    }
    lives.n++;
    s_wait(1000);
    s_start_collector(s);
    s_claim_all_there(s, &lives);
    for (unsigned i = 0; i < 3; i++)
        claim(s, lives.seen.ticks[i] >= 5);
}

static void
a_collector_that_is_killed_again_and_again_has_each_tick_once(void **state)
{
    stage_t *s = *state;
    struct lives lives = { .n = 1 };

    s_start_collector(s);
    s_start_agent(s);
    for (int i = 0; i < 6; i++) {
        s_wait(700);
        s_kill(s, s_collector);
        s_wait(i % 2 == 0 ? 0 : 400);
        s_start_collector(s);
    }
    s_wait(1000);
    s_claim_all_there(s, &lives);
    process_signal(s_agent, SIGTERM);
    claim(s, process_ended(s_agent, stage_ms(STAGE_PATIENCE_MS)));
    assert_int_equal(process_code(s_agent), 0);
}

// How many ticks the agent has made and spooled, however slowly.
static size_t
s_spooled(const stage_t *s)
{
    struct sample *all;
    char dir[300];
    size_t n;

    snprintf(dir, sizeof dir, "%s/agent-web-1/spool", stage_dir(s));
    n = spool_view(&all, dir, TICKS); // it may be written to: then it is as many at least
    free(all);
    return n;
}

// More than the window of memory: the rest comes from the spool, as another stream.
static void
what_memory_does_not_hold_comes_from_the_spool(void **state)
{
    stage_t *s = *state;
    struct lives lives = { .n = 1, .least = MANY };

    s_start_agent(s);
    for (int i = 0; i < 100 && s_spooled(s) < MANY; i++)
        s_wait(1000);
    claim(s, s_spooled(s) >= MANY);
    s_start_collector(s);
    s_claim_all_there(s, &lives);
}

static void
an_agent_that_ends_on_purpose_leaves_nothing_behind(void **state)
{
    stage_t *s = *state;
    struct lives lives = { .n = 2 };

    s_start_collector(s);
    stage_dashboard(s, NULL);
    s_start_agent(s);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &s_up));
    s_wait(1000);
    process_signal(s_agent, SIGTERM);
    claim(s, process_ended(s_agent, stage_ms(STAGE_PATIENCE_MS)));
    assert_int_equal(process_code(s_agent), 0);
    lives.killed_ms[0] = clock_real_ms();
    s_start_agent(s);
    s_claim_all_there(s, &lives);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(an_agent_that_is_killed_while_the_collector_is_away_loses_no_tick),
        stage_test(a_collector_that_is_killed_again_and_again_has_each_tick_once),
        stage_test(what_memory_does_not_hold_comes_from_the_spool),
        stage_test(an_agent_that_ends_on_purpose_leaves_nothing_behind),
    };

    return cmocka_run_group_tests_name("flow_delivery", tests, NULL, NULL);
}
