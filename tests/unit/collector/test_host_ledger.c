// test_host_ledger - when the books of an agent and its collector agree, and what is said if not.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "collector/host_ledger.h"
#include "shared/wire/import_host.h"

#define HOST UINT64_C(0xa1)
#define T0   INT64_C(1700000000000)

static struct world {
    host_ledger_t *ledger;
    struct ledger told;   // the agent's book
    struct lane_host own; // ours
    struct host_time now;
    uint64_t before; // as last settled
    bool settled;    // at the last ping
} w;

static int
setup(void **state)
{
    (void) state;
    w = (struct world){ .now = { .mono_ms = 5000, .real_ms = T0 } };
    w.ledger = host_ledger_new(NULL);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    host_ledger_destroy(&w.ledger);
    return 0;
}

// Made, of which so many are acknowledged; and so many are here.
static void
books(uint64_t produced, uint64_t acked, uint64_t taken)
{
    w.told.produced = produced;
    w.told.acked = acked;
    w.told.pending = produced - acked - ledger_lost(&w.told);
    w.own.taken = taken;
}

static void
hello(bool ours)
{
    host_ledger_hello(w.ledger, HOST, &w.told, ours, &w.own, w.now);
}

static void
ping(void)
{
    w.now.mono_ms += 1000;
    w.now.real_ms += 1000;
    w.settled = host_ledger_ping(w.ledger, HOST, &w.told, &w.own, w.now, &w.before);
    if (w.settled) {
        w.own.settled = true;
        w.own.before = w.before;
    }
}

static void
pings(unsigned n)
{
    while (n-- > 0)
        ping();
}

static struct query_ledger
get(void)
{
    struct query_ledger ret;

    host_ledger_get(w.ledger, HOST, &w.own, &ret);
    return ret;
}

// "" where all is well.
static const char *
verdict(void)
{
    static char why[160];
    const struct query_ledger l = get();

    why[0] = '\0';
    query_ledger_check(&l, why, sizeof why);
    return why;
}

static void
a_new_agent_that_we_hear_from_the_first_sample_is_balanced(void **state)
{
    (void) state;
    hello(false);
    for (uint64_t i = 1; i <= 20; i++) {
        books(100 * i, 100 * (i - 1), 100 * i); // the last one is on its way back
        ping();
        assert_int_equal(w.settled, i == 10); // HOST_LEDGER_SETTLE_MS after the HELLO
        assert_string_equal(verdict(), "");
    }
    assert_int_equal(w.before, 0);
    assert_true(get().settled);
}

static void
what_others_had_acknowledged_is_not_held_against_us(void **state)
{
    (void) state;
    books(100000, 100000, 0);
    hello(false);
    books(100300, 100100, 300);
    ping();
    books(100300, 100300, 300); // a quiet moment tells how much it was
    ping();
    for (uint64_t i = 0; i < 20; i++) {
        books(100400 + 100 * i, 100300 + 100 * i, 400 + 100 * i);
        ping();
        assert_string_equal(verdict(), "");
    }
    assert_int_equal(get().before, 100000);
}

static void
what_is_acknowledged_and_not_here_is_unbalanced_at_once(void **state)
{
    (void) state;
    hello(false);
    pings(12);
    books(500, 500, 493);
    ping();
    assert_int_equal(get().unbalanced, 7);
    assert_non_null(strstr(verdict(), "7 samples are acknowledged in its agent's book"));
    w.own.taken = 500;
    ping();
    assert_string_equal(verdict(), "");
}

static void
what_is_here_and_never_in_the_agents_book_is_unbalanced_after_a_while(void **state)
{
    (void) state;
    hello(false);
    pings(12);
    books(500, 0, 500);
    for (unsigned i = 0; i < HOST_LEDGER_PINGS; i++) {
        ping();
        assert_int_equal(get().unbalanced, 0);
    }
    ping();
    assert_int_equal(get().unbalanced, -500);
    assert_non_null(strstr(verdict(), "500 samples are here"));
}

static void
after_a_restart_of_ours_the_books_go_on_where_they_were(void **state)
{
    (void) state;
    books(1000, 900, 0);
    hello(false);
    books(1000, 1000, 100);
    pings(12);
    assert_int_equal(w.own.before, 900);
    host_ledger_destroy(&w.ledger);
    w.ledger = host_ledger_new(NULL);
    w.own.taken = 40; // of the hundred
    hello(true);
    ping();
    assert_int_equal(get().unbalanced, 60);
}

static void
an_agent_that_comes_back_from_another_collector_is_measured_again(void **state)
{
    (void) state;
    hello(false);
    books(1000, 1000, 1000);
    pings(12);
    books(5000, 5000, 1000); // 4,000 of them elsewhere
    hello(false);
    pings(12);
    assert_string_equal(verdict(), "");
    assert_int_equal(get().before, 4000);
}

static void
a_book_that_does_not_add_up_is_unbalanced(void **state)
{
    (void) state;
    hello(false);
    books(100, 100, 100);
    w.told.produced = 103;
    ping();
    assert_non_null(strstr(verdict(), "103 samples produced, and 100 acknowledged"));
}

static void
what_is_lost_is_said_with_its_causes(void **state)
{
    (void) state;
    w.told.lost[LOST_SPOOL_AGE] = 5;
    w.told.lost[LOST_POWER_CUT] = 2;
    books(100, 93, 93);
    hello(false);
    assert_string_equal(verdict(), "lost: 7 samples, spool-age 5, power-cut 2");
}

static void
an_agent_that_has_told_nothing_is_not_well(void **state)
{
    (void) state;
    assert_string_equal(verdict(), "its agent has not told its book yet");
}

static void
a_host_that_was_only_imported_has_no_book_and_is_well(void **state)
{
    char name[] = "shop-1", why[160] = "";
    struct query_ledger l = { .host = import_host_id(name, strlen(name)),
                              .name = name,
                              .stored = 7 };

    (void) state;
    assert_true(query_ledger_check(&l, why, sizeof why));
    assert_string_equal(why, "");
    l.unbalanced = 1; // what is wrong with anybody's is wrong with its
    assert_false(query_ledger_check(&l, why, sizeof why));
}

static void
a_gap_lasts_until_the_next_record_of_its_stream(void **state)
{
    (void) state;
    host_ledger_gap(w.ledger, HOST, 5, T0, 12, LOST_DISK_FULL);
    host_ledger_gap_ends(w.ledger, HOST, 6, T0 + 1000); // another one's
    assert_int_equal(get().gaps[0].to_ms, T0);
    host_ledger_gap_ends(w.ledger, HOST, 5, T0 + 60000);
    host_ledger_gap_ends(w.ledger, HOST, 5, T0 + 70000);
    assert_int_equal(get().n_gaps, 1);
    assert_int_equal(get().gaps[0].to_ms, T0 + 60000);
    assert_int_equal(get().gaps[0].count, 12);
    assert_string_equal(query_gap_cause_str(&get().gaps[0]), "disk-full");
}

static void
missed_ticks_lie_between_two_tellings_and_neighbours_are_one(void **state)
{
    (void) state;
    hello(false);
    ping();
    w.told.missed[MISSED_HUNG] = 3;
    w.now.real_ms += 3000;
    ping();
    w.told.missed[MISSED_HUNG] = 4;
    ping();
    w.told.missed[MISSED_DOWN] = 60;
    w.now.real_ms += 60000;
    hello(true);
    assert_int_equal(get().n_gaps, 2);
    assert_int_equal(get().gaps[0].from_ms, T0 + 1000);
    assert_int_equal(get().gaps[0].to_ms, T0 + 6000);
    assert_int_equal(get().gaps[0].count, 4);
    assert_string_equal(query_gap_cause_str(&get().gaps[0]), "hung");
    assert_int_equal(get().gaps[1].to_ms - get().gaps[1].from_ms, 60000);
    assert_string_equal(query_gap_cause_str(&get().gaps[1]), "down");
}

static void
a_clock_that_goes_back_turns_no_gap_around(void **state)
{
    (void) state;
    hello(false);
    ping();
    w.told.missed[MISSED_HUNG] = 3;
    ping();
    w.told.missed[MISSED_HUNG] = 5;
    w.now.real_ms -= 60000;
    ping();
    w.told.missed[MISSED_HUNG] = 6;
    ping();
    assert_int_equal(get().n_gaps, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(get().gaps[i].count, 3);
        assert_true(get().gaps[i].from_ms <= get().gaps[i].to_ms);
    }
    assert_true(get().gaps[1].to_ms < get().gaps[0].from_ms);
}

static void
the_newest_gaps_are_kept(void **state)
{
    (void) state;
    for (int i = 0; i < QUERY_GAPS_MAX + 3; i++)
        host_ledger_gap(w.ledger, HOST, 5, T0 + i * 10000, 1, LOST_QUEUE);
    assert_int_equal(get().n_gaps, QUERY_GAPS_MAX);
    assert_int_equal(get().gaps[0].from_ms, T0 + 30000);
}

static void
what_was_refused_before_our_start_is_of_no_known_cause(void **state)
{
    (void) state;
    w.own.taken = 100;
    w.own.refused = 30;
    host_ledger_fate(w.ledger, HOST, (const uint64_t[REFUSED_CAUSES]){ [REFUSED_FUTURE] = 10 });
    host_ledger_duplicate(w.ledger, HOST);
    assert_int_equal(get().stored, 70);
    assert_int_equal(get().refused[REFUSED_FUTURE], 10);
    assert_int_equal(get().refused[REFUSED_EARLIER], 20);
    assert_int_equal(get().duplicates, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(a_new_agent_that_we_hear_from_the_first_sample_is_balanced),
        T(what_others_had_acknowledged_is_not_held_against_us),
        T(what_is_acknowledged_and_not_here_is_unbalanced_at_once),
        T(what_is_here_and_never_in_the_agents_book_is_unbalanced_after_a_while),
        T(after_a_restart_of_ours_the_books_go_on_where_they_were),
        T(an_agent_that_comes_back_from_another_collector_is_measured_again),
        T(a_book_that_does_not_add_up_is_unbalanced),
        T(what_is_lost_is_said_with_its_causes),
        T(an_agent_that_has_told_nothing_is_not_well),
        cmocka_unit_test(a_host_that_was_only_imported_has_no_book_and_is_well),
        T(a_gap_lasts_until_the_next_record_of_its_stream),
        T(missed_ticks_lie_between_two_tellings_and_neighbours_are_one),
        T(a_clock_that_goes_back_turns_no_gap_around),
        T(the_newest_gaps_are_kept),
        T(what_was_refused_before_our_start_is_of_no_known_cause),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
