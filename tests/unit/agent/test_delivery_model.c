// test_delivery_model - whatever spool, network and collectors do, each record is stored once or
// told as lost.
//
// usage: test_delivery_model [SEED [LAST]]    one seed alone, as a failure names it; or from it on

#include "tests/unit/agent/delivery_peers.h"

#include <stdio.h>

#define SEEDS      3000u
#define STEPS      600u
#define DRAIN_MOST 60000u // steps without faults after which all must be delivered

// ---- the agent's life

static void
agent_starts(void)
{
    const struct delivery_options opt = { .memory = 20000, .backlog_rate = 40000 };
    const struct delivery_sums sums = { 0 };

    w.agent = delivery_new(&opt, &handler, &sums);
}

// As the spool does it for a stream that was being written.
static void
end_stream(struct stream *s)
{
    struct made *m = &w.made[w.n_made];

    *m = (struct made){ .content = { .uid = w.n_made } };
    m->record = (struct record){ .type = RECORD_END,
                                 .stream = s->id,
                                 .seq = s->n,
                                 .total = s->total,
                                 .body_len = sizeof m->content };
    s->uids[s->n++] = w.n_made++;
    s->written = s->n;
    s->ended = true;
}

static void
agent_dies(void)
{
    disconnect();
    delivery_destroy(&w.agent);
    w.n_asked = 0;
    w.kills++;
    w.stale_seen = w.step + 1;
    agent_starts();
    for (size_t i = 0; i < w.n_streams; i++) {
        struct stream *s = &w.streams[i];
        struct delivery_found found = { .stream = s->id, .base = s->base };
        const struct made *last;

        s->n = s->written; // what was not written is gone
        if (s->n == 0 || (s->base == s->n && s->ended))
            continue;
        last = &w.made[s->uids[s->n - 1]];
        s->total = last->record.total + last->record.count;
        s->ended = last->record.type == RECORD_END;
        if (!s->ended)
            end_stream(s);
        found.head = s->n;
        found.head_total = s->total;
        found.acked_here[0].collector = w.collectors[0].id;
        delivery_found(w.agent, &found);
    }
    open_stream();
}

static void
check(void)
{
    const struct delivery_stat stat = delivery_stat(w.agent);

    claim(stat.flight <= DELIVERY_FLIGHT + 5000, "few bytes of backlog are in flight");
    claim(stat.bytes <= 20000 + 33 * 3 * DELIVERY_FLIGHT, "memory is bounded");
    claim(stat.nonsense == 0 || w.forks > 0 || w.kills > 0, "nothing is taken for nonsense");
}

static void
fault(void)
{
    static const uint32_t gentle[] = { 0, 1, 5 };

    switch (w.gentle ? gentle[seeded_below(&w.seed, 3)] : seeded_below(&w.seed, 9)) {
    case 0:
        disconnect();
        break;
    case 1:
    case 2:
        connect(seeded_below(&w.seed, COLLECTORS));
        break;
    case 3:
        if (w.connected != NOBODY && dice(2)) {
            const unsigned at = w.connected;

            disconnect();
            collector_dies(at);
        }
        break;
    case 4:
        if (dice(3))
            agent_dies();
        break;
    case 5:
        if (dice(2) && w.first_seed % 4 != 2) // what is lost can not be compared
            spool_loses();
        break;
    case 6:
        if (w.first_seed % 4 == 1 && dice(4)) {
            disconnect();
            collector_forgets(seeded_below(&w.seed, COLLECTORS));
        }
        break;
    case 7:
        if (w.first_seed % 4 == 2 && dice(4)) {
            disconnect();
            somebody_else_speaks(seeded_below(&w.seed, COLLECTORS));
        }
        break;
    default:
        break;
    }
}

static void
one_step(void)
{
    const uint32_t rounds = w.faults ? seeded_below(&w.seed, 4) : 4;

    w.step++;
    w.now_ms += w.faults ? seeded_below(&w.seed, 200) : 100;
    if (w.faults ? dice(2) : dice(50))
        tick();
    if (dice(2))
        spool_writes();
    if (w.n_asked > 0 && dice(2))
        answer();
    for (uint32_t i = 0; i < rounds; i++) {
        deliver_data();
        deliver_control();
    }
    if (w.connected != NOBODY && delivery_hello_due(w.agent) && dice(3) && w.n_said < 100)
        hello();
    for (unsigned i = 0; i < COLLECTORS; i++)
        if (dice(3) && w.n_said < 100)
            commit(i);
    delivery_turn(w.agent, w.now_ms, seeded_below(&w.seed, 12));
    if (w.faults && dice(12))
        fault();
    check();
}

static bool
settled(void)
{
    return delivery_stat(w.agent).backlog == 0 && live()->base == live()->n;
}

static void
all_is_told(void)
{
    for (size_t i = 0; i < w.n_streams; i++)
        for (uint64_t seq = 0; seq < w.streams[i].n; seq++) {
            const struct made *m = &w.made[w.streams[i].uids[seq]];

            claim(m->acked, "all is acknowledged");
            claim(is_kept(m), "each record is stored, or told as lost");
        }
}

static void
life(uint64_t seed, bool gentle)
{
    memset(&w, 0, sizeof w);
    w.seed = w.first_seed = seed;
    w.connected = NOBODY;
    for (unsigned i = 0; i < COLLECTORS; i++)
        w.collectors[i].id = i + 1;
    w.now_ms = 1000;
    w.faults = true;
    w.gentle = gentle;
    agent_starts();
    open_stream();
    while (w.step < STEPS)
        one_step();
    w.faults = false;
    connect(0);
    for (unsigned i = 0; i < DRAIN_MOST && !settled(); i++)
        one_step();
    claim(settled(), "without faults all is delivered");
    all_is_told();
    disconnect();
    delivery_destroy(&w.agent);
}

static uint64_t s_first = 1, s_last = SEEDS;

static void
lives(bool gentle)
{
    uint64_t forks = 0, closes = 0, unreadable = 0, made = 0, losses = 0;

    for (uint64_t seed = s_first; seed <= s_last; seed++) {
        life(seed, gentle);
        forks += w.forks;
        closes += w.closes;
        unreadable += w.unreadable;
        made += w.n_made;
        losses += w.losses;
    }
    printf("seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " records, %" PRIu64 " losses, %" PRIu64
           " streams closed, %" PRIu64 " forks, %" PRIu64 " unreadable\n",
           s_first, s_last, made, losses, closes, forks, unreadable);
}

static void
every_record_is_stored_once_or_known_lost(void **state)
{
    (void) state;
    lives(false);
}

static void
behind_what_is_lost_every_series_is_known(void **state)
{
    (void) state;
    lives(true);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_is_stored_once_or_known_lost),
        cmocka_unit_test(behind_what_is_lost_every_series_is_known),
    };

    if (argc > 1)
        s_first = s_last = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        s_last = strtoull(argv[2], NULL, 10);
    return cmocka_run_group_tests_name("delivery_model", tests, NULL, NULL);
}
