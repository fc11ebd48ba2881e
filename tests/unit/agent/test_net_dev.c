// test_net_dev - /proc/net/dev: every column, any number of interfaces, whole, cut and wrong.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "agent/proc/net_dev.h"
#include "shared/base/err.h"
#include "tests/unit/agent/family_bench.h"
#include "tests/unit/agent/fixture.h"

#define TITLE "Inter-|   Receive                                                |  Transmit\n"
#define HEAD                                                                            \
    TITLE " face |bytes    packets errs drop fifo frame compressed multicast|bytes    " \
          "packets errs drop fifo colls carrier compressed\n"
#define TO_16                "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16"
#define BEHIND               " 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
#define NAME64               "a234567890123456789012345678901234567890123456789012345678901234"

#define SERIES(name, device) "node_network_" name "_total{device=\"" device "\",job=\"node\"}"
#define RX(device)           SERIES("receive_bytes", device)
#define TX(device)           SERIES("transmit_bytes", device)

static const struct proc_setup setup;

static int
parse(struct net_dev *net_dev, const char *text)
{
    return net_dev_parse(net_dev, text, strlen(text));
}

static void
a_line_is_sixteen_counters_of_an_interface(void **state)
{
    struct net_dev net_dev = { 0 };

    (void) state;
    assert_int_equal(parse(&net_dev, HEAD "  eth0: " TO_16 "\n"), 1);
    assert_int_equal(net_dev.columns, (1u << NET_DEV_COLUMNS) - 1);
    assert_int_equal(net_dev.interfaces[0].name_len, 4);
    assert_memory_equal(net_dev.interfaces[0].name, "eth0", 4);
    for (uint32_t c = 0; c < NET_DEV_COLUMNS; c++)
        assert_int_equal(net_dev.interfaces[0].counters[c], c + 1);
    net_dev_release(&net_dev);
}

static void
a_name_ends_at_the_last_colon(void **state)
{
    static const struct {
        const char *line, *name;
    } lines[] = {
        { "eth0:1: " TO_16 "\n", "eth0:1" },      { "  lo:" TO_16 "\n", "lo" },
        { "a::b:  " TO_16 "\n", "a::b" },         { "br-0f.100@x: " TO_16 "\n", "br-0f.100@x" },
        { " \xff\"\\: " TO_16 "\n", "\xff\"\\" },
    };
    struct net_dev net_dev = { 0 };
    char text[512];

    (void) state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        snprintf(text, sizeof text, "%s%s", HEAD, lines[i].line);
        assert_int_equal(parse(&net_dev, text), 1);
        assert_int_equal(net_dev.interfaces[0].name_len, strlen(lines[i].name));
        assert_memory_equal(net_dev.interfaces[0].name, lines[i].name, strlen(lines[i].name));
        assert_int_equal(net_dev.interfaces[0].counters[NET_DEV_TRANSMIT_COMPRESSED], 16);
    }
    net_dev_release(&net_dev);
}

static void
a_column_is_found_by_its_heading(void **state)
{
    struct net_dev net_dev = { 0 };

    (void) state;
    assert_int_equal(parse(&net_dev, TITLE " face |packets new bytes|new bytes\neth0: 1 2 3 4 5\n"),
                     1);
    assert_int_equal(net_dev.columns, 1u << NET_DEV_RECEIVE_BYTES | 1u << NET_DEV_RECEIVE_PACKETS |
                                          1u << NET_DEV_TRANSMIT_BYTES);
    assert_int_equal(net_dev.interfaces[0].counters[NET_DEV_RECEIVE_PACKETS], 1);
    assert_int_equal(net_dev.interfaces[0].counters[NET_DEV_RECEIVE_BYTES], 3);
    assert_int_equal(net_dev.interfaces[0].counters[NET_DEV_TRANSMIT_BYTES], 5);
    assert_int_equal(parse(&net_dev, HEAD "eth0: " TO_16 "\n"), 1);
    assert_int_equal(net_dev.interfaces[0].counters[NET_DEV_TRANSMIT_BYTES], 9);
    assert_int_equal(net_dev.layouts, 2);
    assert_int_equal(parse(&net_dev, HEAD "eth0: " TO_16 "\n"), 1);
    assert_int_equal(net_dev.layouts, 2);
    net_dev_release(&net_dev);
}

static void
machines_of_any_size_are_read_whole(void **state)
{
    static const struct {
        const char *root;
        int interfaces;
    } machines[] = { { "one", 2 }, { "two", 5 }, { "sixtyfour", 47 }, { "old", 3 } };
    struct net_dev net_dev = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        struct buf text = fixture(machines[i].root, "net/dev");

        assert_int_equal(net_dev_parse(&net_dev, (const char *) text.at, text.len),
                         machines[i].interfaces);
        assert_memory_equal(net_dev.interfaces[0].name, "lo", 2);
        buf_release(&text);
    }
    assert_int_equal(net_dev.layouts, 1);
    net_dev_release(&net_dev);
}

static void
a_file_cut_at_any_byte_tells_nothing_wrong(void **state)
{
    struct buf text = fixture("two", "net/dev");
    struct net_dev whole = { 0 }, cut = { 0 };

    (void) state;
    assert_true(net_dev_parse(&whole, (const char *) text.at, text.len) > 0);
    for (size_t n = 0; n < text.len; n++) {
        char *copy = exactly(text.at, n);
        const int rc = net_dev_parse(&cut, copy, n);

        assert_true(rc >= 0 || rc == ERR_FORMAT);
        for (int i = 0; i < rc; i++)
            assert_memory_equal(cut.interfaces[i].counters, whole.interfaces[i].counters,
                                sizeof whole.interfaces[i].counters);
        free(copy);
    }
    net_dev_release(&whole);
    net_dev_release(&cut);
    buf_release(&text);
}

static void
what_is_not_net_dev_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "\n",
        "eth0: " TO_16 "\n",
        TITLE,
        TITLE "eth0: " TO_16 "\n",
        TITLE " face |bytes\n",         // one half
        TITLE " face |octets|octets\n", // nothing of ours
        HEAD "eth0 " TO_16 "\n",
        HEAD ": " TO_16 "\n",
        HEAD "   : " TO_16 "\n",
        HEAD "\n",
        HEAD "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n",
        HEAD "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 x\n",
        HEAD "eth0: -1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
        HEAD "eth0: 18446744073709551616 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
        HEAD "eth0: " TO_16 "\neth1: 1\n",
        HEAD NAME64 ": " TO_16 "\n",
    };
    struct net_dev net_dev = { 0 };
    struct buf wide = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse(&net_dev, bad[i]) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i]);
    buf_str(&wide, TITLE " face |bytes");
    for (int i = 0; i < NET_DEV_NUMBERS_MAX; i++)
        buf_str(&wide, " x");
    buf_str(&wide, "|bytes\n");
    assert_int_equal(parse(&net_dev, buf_cstr(&wide)), ERR_FORMAT);
    // And what comes after it is read again.
    assert_int_equal(parse(&net_dev, HEAD "eth0: " TO_16 "\n"), 1);
    buf_release(&wide);
    net_dev_release(&net_dev);
}

static void
series_have_the_names_of_node_exporter(void **state)
{
    static const char *const names[NET_DEV_COLUMNS] = {
        SERIES("receive_bytes", "eth0"),      SERIES("receive_packets", "eth0"),
        SERIES("receive_errs", "eth0"),       SERIES("receive_drop", "eth0"),
        SERIES("receive_fifo", "eth0"),       SERIES("receive_frame", "eth0"),
        SERIES("receive_compressed", "eth0"), SERIES("receive_multicast", "eth0"),
        SERIES("transmit_bytes", "eth0"),     SERIES("transmit_packets", "eth0"),
        SERIES("transmit_errs", "eth0"),      SERIES("transmit_drop", "eth0"),
        SERIES("transmit_fifo", "eth0"),      SERIES("transmit_colls", "eth0"),
        SERIES("transmit_carrier", "eth0"),   SERIES("transmit_compressed", "eth0"),
    };
    struct family_bench b = family_bench(&net_dev_family, &setup);

    (void) state;
    for (int tick = 0; tick < 2; tick++) {
        assert_int_equal(FAMILY_TICK(&b, HEAD "eth0: " TO_16 "\n"), 0);
        assert_int_equal(series_table_count(b.table), NET_DEV_COLUMNS);
        for (size_t c = 0; c < NET_DEV_COLUMNS; c++)
            assert_true(family_value(&b, names[c]) == (double) c + 1);
    }
    assert_int_equal(series_table_def(b.table, 0)->kind, METRIC_COUNTER);
    family_bench_end(&b);
}

static void
a_counter_of_all_64_bits_is_told(void **state)
{
    struct family_bench b = family_bench(&net_dev_family, &setup);

    (void) state;
    FAMILY_TICK(&b, HEAD "eth0: 18446744073709551615 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
    assert_true(family_value(&b, RX("eth0")) == 18446744073709551616.0);
    family_bench_end(&b);
}

static void
an_interface_that_the_filter_leaves_out_has_no_series(void **state)
{
    char error[NAME_FILTER_ERROR_SIZE];
    name_filter_t *filter;
    struct family_bench b;

    (void) state;
    assert_int_equal(name_filter_new(&filter, "", "^(lo|veth.*)$", error), 0);
    b = family_bench(&net_dev_family,
                     &(const struct proc_setup){ .filters = { [PROC_FILTER_NET] = filter } });
    for (int tick = 0; tick < 2; tick++) {
        FAMILY_TICK(&b, HEAD "lo: " TO_16 "\neth0: " TO_16 "\nveth1: " TO_16 "\n");
        assert_int_equal(series_table_count(b.table), NET_DEV_COLUMNS);
        assert_true(family_value(&b, RX("eth0")) == 1);
    }
    family_bench_end(&b);
    name_filter_destroy(&filter);
}

static void
a_name_that_is_no_text_takes_no_other_interface_with_it(void **state)
{
    struct family_bench b = family_bench(&net_dev_family, &setup);

    (void) state;
    for (int tick = 0; tick < 3; tick++) {
        assert_int_equal(FAMILY_TICK(&b, HEAD "\xff\xfe: " TO_16 "\neth0:1: " TO_16 "\n"), 0);
        assert_true(family_value(&b, RX("eth0:1")) == 1);
    }
    assert_int_equal(series_table_count(b.table), NET_DEV_COLUMNS);
    // Asked for once, not at each tick.
    assert_int_equal(series_table_refused(b.table), NET_DEV_COLUMNS);
    family_bench_end(&b);
}

static void
an_interface_may_come_and_go_and_come_back(void **state)
{
    struct family_bench b = family_bench(&net_dev_family, &setup);

    (void) state;
    FAMILY_TICK(&b, HEAD "a: " TO_16 "\nb: " TO_16 "\nc: " TO_16 "\n");
    FAMILY_TICK(&b, HEAD "a: " TO_16 "\nc: " TO_16 "\n");
    assert_true(family_is_stale(&b, RX("b")));
    assert_true(family_value(&b, TX("c")) == 9);
    FAMILY_TICK(&b, HEAD "a: " TO_16 "\nc: " TO_16 "\n");
    assert_int_equal(family_cell(&b, RX("b")).state, CELL_ABSENT);
    FAMILY_TICK(&b, HEAD "c: " TO_16 "\nd: " TO_16 "\nb: " TO_16 "\na: " TO_16 "\n");
    assert_true(family_value(&b, RX("b")) == 1);
    assert_true(family_value(&b, RX("d")) == 1);
    assert_int_equal(series_table_count(b.table), 4 * NET_DEV_COLUMNS);
    FAMILY_TICK(&b, HEAD);
    for (uint32_t i = 0; i < series_table_count(b.table); i++)
        assert_true(series_table_cells(b.table)[i].bits == SAMPLE_STALE_BITS);
    family_bench_end(&b);
}

// As containers bring them: each tick another one in the middle, the one before gone.
static void
interfaces_that_are_gone_are_forgotten_but_not_their_series(void **state)
{
    struct family_bench b = family_bench(&net_dev_family, &setup);
    struct buf text = { 0 };

    (void) state;
    for (unsigned tick = 0; tick < 600; tick++) {
        buf_clear(&text);
        buf_printf(&text, "%slo: %u" BEHIND "veth%u: %u" BEHIND "z: %u" BEHIND, HEAD, tick,
                   tick % 200, tick, tick);
        assert_int_equal(FAMILY_TICK(&b, buf_cstr(&text)), 0);
        assert_true(family_value(&b, RX("lo")) == tick);
        assert_true(family_value(&b, RX("z")) == tick);
    }
    assert_true(family_value(&b, RX("veth199")) == 599);
    assert_int_equal(series_table_count(b.table), 202 * NET_DEV_COLUMNS);
    buf_release(&text);
    family_bench_end(&b);
}

static void
a_thousand_interfaces_have_each_its_own_numbers(void **state)
{
    struct family_bench b = family_bench(&net_dev_family, &setup);
    struct buf text = { 0 };

    (void) state;
    // Those of even number, then all of them, then those of odd number: every line moves.
    for (unsigned tick = 0; tick < 3; tick++) {
        buf_clear(&text);
        buf_str(&text, HEAD);
        for (unsigned i = 0; i < 1000; i++)
            if (tick == 1 || i % 2 == tick / 2)
                buf_printf(&text, "veth%08x: %u" BEHIND, i, 1000 * tick + i);
        assert_int_equal(FAMILY_TICK(&b, buf_cstr(&text)), 0);
    }
    assert_true(text.len > 20000);
    assert_int_equal(series_table_count(b.table), 1000 * NET_DEV_COLUMNS);
    for (uint32_t slot = 0; slot < series_table_count(b.table); slot++) {
        const struct label_set *labels = &series_table_def(b.table, slot)->labels;
        const struct cell *cell = &series_table_cells(b.table)[slot];
        const unsigned long i = strtoul(label_set_get(labels, "device") + 4, NULL, 16);

        if (i % 2 == 0)
            assert_true(cell->bits == SAMPLE_STALE_BITS);
        else if (strcmp(label_set_metric(labels), "node_network_receive_bytes_total") == 0)
            assert_int_equal(cell->m, 2000 + i);
    }
    buf_release(&text);
    family_bench_end(&b);
}

static void
a_malformed_file_is_absent_as_a_whole(void **state)
{
    struct family_bench b = family_bench(&net_dev_family, &setup);

    (void) state;
    FAMILY_TICK(&b, HEAD "a: " TO_16 "\n");
    assert_int_equal(FAMILY_TICK(&b, HEAD "a: " TO_16 "\nb: 1\n"), ERR_FORMAT);
    assert_true(family_is_stale(&b, RX("a")));
    FAMILY_TICK(&b, HEAD "a: " TO_16 "\n");
    assert_true(family_value(&b, RX("a")) == 1);
    family_bench_end(&b);
}

static void
other_headings_are_other_series(void **state)
{
    struct family_bench b = family_bench(&net_dev_family, &setup);

    (void) state;
    FAMILY_TICK(&b, TITLE "face |bytes|bytes\na: 1 2\n");
    assert_int_equal(series_table_count(b.table), 2);
    FAMILY_TICK(&b, HEAD "a: " TO_16 "\n");
    assert_int_equal(series_table_count(b.table), NET_DEV_COLUMNS);
    assert_true(family_value(&b, TX("a")) == 9);
    family_bench_end(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_sixteen_counters_of_an_interface),
        cmocka_unit_test(a_name_ends_at_the_last_colon),
        cmocka_unit_test(a_column_is_found_by_its_heading),
        cmocka_unit_test(machines_of_any_size_are_read_whole),
        cmocka_unit_test(a_file_cut_at_any_byte_tells_nothing_wrong),
        cmocka_unit_test(what_is_not_net_dev_is_refused),
        cmocka_unit_test(series_have_the_names_of_node_exporter),
        cmocka_unit_test(a_counter_of_all_64_bits_is_told),
        cmocka_unit_test(an_interface_that_the_filter_leaves_out_has_no_series),
        cmocka_unit_test(a_name_that_is_no_text_takes_no_other_interface_with_it),
        cmocka_unit_test(an_interface_may_come_and_go_and_come_back),
        cmocka_unit_test(interfaces_that_are_gone_are_forgotten_but_not_their_series),
        cmocka_unit_test(a_thousand_interfaces_have_each_its_own_numbers),
        cmocka_unit_test(a_malformed_file_is_absent_as_a_whole),
        cmocka_unit_test(other_headings_are_other_series),
    };
    return cmocka_run_group_tests_name("net_dev", tests, NULL, NULL);
}
