// test_sampler_files - families of several files, of which some have an interval of their own.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/own_series.h"
#include "agent/proc/netstat.h"
#include "agent/sampler.h"
#include "shared/base/log.h"
#include "shared/base/str.h"
#include "shared/model/sample.h"

static int
setup(void **state)
{
    (void) state;
    log_init("test", LOG_LEVEL_ERROR);
    own_series_init();
    return 0;
}

static void
tick(sampler_t *sampler, series_table_t *table)
{
    series_table_begin(table);
    sampler_sample(sampler, table);
    series_table_end(table);
}

// Samples in the tick at hand whose metric begins so; stale marks are none.
static unsigned
count(const series_table_t *table, const char *begins)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < series_table_count(table); i++)
        n += series_table_cells(table)[i].state == CELL_INTEGER &&
             str_starts(label_set_metric(&series_table_def(table, i)->labels), begins);
    return n;
}

// The defaults, but for netstat.
static void
wish_netstat(sampler_t *sampler, struct family_wish wish)
{
    struct family_wishes wishes = { 0 };

    for (size_t i = 0; i < family_count; i++)
        if (family_list[i] == &netstat_family)
            wishes.wish[i] = wish;
    sampler_set_wishes(sampler, &wishes);
}

// Of a family's files each is given to it as the one it is. Some of netstat's are slow.
static void
the_network_of_a_machine_is_sampled_whole(void **state)
{
    static const struct {
        const char *root;
        unsigned network, netstat, slow, sockstat, softnet;
    } machines[] = {
        { "tests/data/proc/one", 2 * 16, 19, 9 + 12, 20, 3 },
        { "tests/data/proc/two", 5 * 16, 19, 9 + 12, 20, 2 * 3 },
        // One counter is beyond what an integer holds.
        { "tests/data/proc/sixtyfour", 47 * 16 - 1, 19, 9 + 12, 20, 64 * 3 },
        // IPv6 is turned off.
        { "tests/data/proc/old", 3 * 16, 19, 9, 14, 2 * 3 },
    };
    const struct family_wishes defaults = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        series_table_t *table = series_table_new();
        sampler_t *sampler;

        assert_int_equal(sampler_open(&sampler, machines[i].root, 10000, &defaults), 0);
        for (int t = 0; t < 3; t++) {
            tick(sampler, table);
            assert_int_equal(count(table, "node_network_"), machines[i].network);
            assert_int_equal(count(table, "node_netstat_"), machines[i].netstat + machines[i].slow);
            assert_int_equal(count(table, "node_sockstat_"), machines[i].sockstat);
            assert_int_equal(count(table, "node_softnet_"), machines[i].softnet);
        }
        sampler_close(&sampler);
        series_table_destroy(&table);
    }
}

// "node_netstat_" of /proc/net/netstat, of snmp6 and of snmp.
struct netstat_counts {
    unsigned slow4, slow6, each_tick;
};

static struct netstat_counts
tick_netstat(sampler_t *sampler, series_table_t *table)
{
    struct netstat_counts n;

    tick(sampler, table);
    n.slow4 = count(table, "node_netstat_TcpExt_") + count(table, "node_netstat_IpExt_");
    n.slow6 = count(table, "node_netstat_Ip6_") + count(table, "node_netstat_Icmp6_") +
              count(table, "node_netstat_Udp6_") + count(table, "node_netstat_UdpLite6_");
    n.each_tick = count(table, "node_netstat_") - n.slow4 - n.slow6;
    return n;
}

static unsigned
stale_marks(const series_table_t *table, const char *begins)
{
    unsigned n = 0;

    for (uint32_t slot = 0; slot < series_table_count(table); slot++)
        n += series_table_cells(table)[slot].state == CELL_RAW &&
             series_table_cells(table)[slot].bits == SAMPLE_STALE_BITS &&
             str_starts(label_set_metric(&series_table_def(table, slot)->labels), begins);
    return n;
}

static void
a_slow_file_rests_while_the_others_of_its_family_do_not(void **state)
{
    const struct family_wishes defaults = { 0 };
    series_table_t *table = series_table_new();
    unsigned with4 = 0, with6 = 0;
    sampler_t *sampler;

    (void) state;
    assert_int_equal(sampler_open(&sampler, "tests/data/proc/two", 1000, &defaults), 0);
    for (int i = 0; i < 21; i++) {
        const struct netstat_counts n = tick_netstat(sampler, table);

        assert_int_equal(n.each_tick, 19);
        assert_true(n.slow4 == 0 || n.slow4 == 9);
        assert_true(n.slow6 == 0 || n.slow6 == 12);
        // Each has a tick of its own, but for the first.
        assert_true(i == 0 || n.slow4 == 0 || n.slow6 == 0);
        with4 += n.slow4 > 0;
        with6 += n.slow6 > 0;
        assert_int_equal(stale_marks(table, "node_netstat_"), 0);
    }
    assert_in_range(with4, 4, 6);
    assert_in_range(with6, 4, 6);
    // What is off does not rest.
    wish_netstat(sampler, (struct family_wish){ .off = true });
    tick(sampler, table);
    assert_int_equal(stale_marks(table, "node_netstat_"), 40);
    sampler_close(&sampler);
    series_table_destroy(&table);
}

static void
a_time_that_is_asked_of_a_family_holds_for_its_slow_files(void **state)
{
    const struct family_wishes defaults = { 0 };
    series_table_t *table = series_table_new();
    sampler_t *sampler;

    (void) state;
    assert_int_equal(sampler_open(&sampler, "tests/data/proc/two", 1000, &defaults), 0);
    wish_netstat(sampler, (struct family_wish){ .every_ms = 1000 });
    for (int i = 0; i < 12; i++) {
        tick(sampler, table);
        assert_int_equal(count(table, "node_netstat_"), 40);
    }
    sampler_close(&sampler);
    series_table_destroy(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_network_of_a_machine_is_sampled_whole),
        cmocka_unit_test(a_slow_file_rests_while_the_others_of_its_family_do_not),
        cmocka_unit_test(a_time_that_is_asked_of_a_family_holds_for_its_slow_files),
    };
    return cmocka_run_group_tests_name("sampler_files", tests, setup, NULL);
}
