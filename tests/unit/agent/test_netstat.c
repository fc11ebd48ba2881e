// test_netstat - /proc/net/netstat, snmp and snmp6 of kernels old and new, whole, cut and wrong.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "agent/proc/netstat.h"
#include "shared/base/err.h"
#include "tests/unit/agent/family_bench.h"
#include "tests/unit/agent/fixture.h"

#define SERIES(name) "node_netstat_" name "{job=\"node\"}"

#define TCP_HEAD     "Tcp: RtoMin MaxConn CurrEstab InSegs RetransSegs\n"
#define UDP          "Udp: InDatagrams NoPorts\nUdp: 8 9\n"

static const struct proc_setup setup;

typedef int parse_fn(struct netstat *out, const char *text, size_t len);

static int
parse(struct netstat *netstat, const char *text)
{
    return netstat_parse(netstat, text, strlen(text));
}

static int
parse_names(struct netstat *netstat, const char *text)
{
    return netstat_parse_names(netstat, text, strlen(text));
}

// The value of a field, or fails.
static const struct proc_number *
value(const struct netstat *netstat, const char *name)
{
    for (uint32_t i = 0; i < netstat->n; i++)
        if (strcmp(netstat->fields[i].name, name) == 0)
            return &netstat->fields[i].value;
    fail_msg("no field: %s", name);
    return NULL;
}

static void
a_number_stands_below_its_name(void **state)
{
    struct netstat netstat = { 0 };

    (void) state;
    assert_int_equal(parse(&netstat, TCP_HEAD "Tcp: 200 -1 3 4 5\n" UDP), 5);
    assert_int_equal(value(&netstat, "Tcp_CurrEstab")->magnitude, 3);
    assert_int_equal(value(&netstat, "Tcp_RetransSegs")->magnitude, 5);
    assert_int_equal(value(&netstat, "Udp_InDatagrams")->magnitude, 8);
    assert_int_equal(value(&netstat, "Udp_NoPorts")->magnitude, 9);
    netstat_release(&netstat);
}

static void
a_name_and_its_number_stand_in_a_line_of_snmp6(void **state)
{
    struct netstat netstat = { 0 };

    (void) state;
    assert_int_equal(parse_names(&netstat, "Ip6InReceives                  \t1\n"
                                           "Ip6InOctets                    \t2\n"
                                           "Icmp6InType133 3\n"
                                           "UdpLite6InErrors\t4\n"),
                     2);
    assert_int_equal(value(&netstat, "Ip6_InOctets")->magnitude, 2);
    assert_int_equal(value(&netstat, "UdpLite6_InErrors")->magnitude, 4);
    netstat_release(&netstat);
}

// The two are summed over processors while these count.
static void
a_number_may_be_below_zero_or_beyond_an_integer(void **state)
{
    struct netstat netstat = { 0 };

    (void) state;
    assert_int_equal(parse(&netstat, "Tcp: CurrEstab InSegs\nTcp: -2 18446744073709551615\n"), 2);
    assert_true(value(&netstat, "Tcp_CurrEstab")->negative);
    assert_int_equal(value(&netstat, "Tcp_CurrEstab")->magnitude, 2);
    assert_true(value(&netstat, "Tcp_InSegs")->magnitude == UINT64_MAX);
    netstat_release(&netstat);
}

static void
fields_are_those_node_exporter_takes(void **state)
{
    static const char *const taken[] = {
        "Sctp_InErrors",         "Tcp_InErrs",           "Ip_Forwarding",
        "IpExt_InOctets",        "IpExt_OutOctets",      "Icmp_InMsgs",
        "Icmp_OutMsgs",          "TcpExt_ListenDrops",   "TcpExt_ListenAnother",
        "TcpExt_SyncookiesSent", "TcpExt_TCPSynRetrans", "TcpExt_TCPTimeouts",
        "Tcp_ActiveOpens",       "Tcp_OutRsts",          "Udp_SndbufErrors",
    };
    static const char *const left[] = {
        "Tcp_MaxConn",   "Ip_InOctets", "TcpExt_TCPSynRetransX", "Udp_ListenDrops",
        "Udp_InErrorsX", "Tcp_InErr",   "TcpExt_ActiveOpens",    "UdpLite_InDatagrams",
    };
    struct netstat netstat = { 0 };
    char text[256];

    (void) state;
    for (size_t i = 0; i < sizeof taken / sizeof taken[0] + sizeof left / sizeof left[0]; i++) {
        const bool wanted = i < sizeof taken / sizeof taken[0];
        const char *name = wanted ? taken[i] : left[i - sizeof taken / sizeof taken[0]];
        const int split = (int) (strchr(name, '_') - name);

        snprintf(text, sizeof text, "%.*s: %s\n%.*s: 7\n", split, name, name + split + 1, split,
                 name);
        if (parse(&netstat, text) != wanted)
            fail_msg("%s: %s", wanted ? "not taken" : "taken", name);
    }
    netstat_release(&netstat);
}

static void
every_kernel_is_read_whole(void **state)
{
    static const struct {
        const char *root, *file;
        parse_fn *parse;
        int fields;
    } files[] = {
        { "one", "net/netstat", netstat_parse, 9 },
        { "one", "net/snmp", netstat_parse, 19 },
        { "one", "net/snmp6", netstat_parse_names, 12 },
        { "two", "net/netstat", netstat_parse, 9 },
        { "two", "net/snmp", netstat_parse, 19 },
        { "two", "net/snmp6", netstat_parse_names, 12 },
        { "sixtyfour", "net/netstat", netstat_parse, 9 },
        { "sixtyfour", "net/snmp6", netstat_parse_names, 12 },
        { "old", "net/netstat", netstat_parse, 9 },
        { "old", "net/snmp", netstat_parse, 19 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct buf text = fixture(files[i].root, files[i].file);
        struct netstat netstat = { 0 };

        for (int tick = 0; tick < 3; tick++)
            assert_int_equal(files[i].parse(&netstat, (const char *) text.at, text.len),
                             files[i].fields);
        assert_int_equal(netstat.layouts, 1);
        netstat_release(&netstat);
        buf_release(&text);
    }
}

// As "IcmpMsg:" gets a column with the first message of a type.
static void
a_field_that_moves_is_found_again(void **state)
{
    struct netstat netstat = { 0 };

    (void) state;
    assert_int_equal(parse(&netstat, "Tcp: A InSegs\nTcp: 1 2\n"), 1);
    assert_int_equal(parse(&netstat, "Tcp: A InSegs\nTcp: 1 3\n"), 1);
    assert_int_equal(netstat.layouts, 1);
    assert_int_equal(value(&netstat, "Tcp_InSegs")->magnitude, 3);
    assert_int_equal(parse(&netstat, "Tcp: A B InSegs\nTcp: 1 2 4\n"), 1);
    assert_int_equal(value(&netstat, "Tcp_InSegs")->magnitude, 4);
    assert_int_equal(parse(&netstat, "New: A\nNew: 1\nTcp: InSegs OutSegs\nTcp: 5 6\n"), 2);
    assert_int_equal(value(&netstat, "Tcp_InSegs")->magnitude, 5);
    assert_int_equal(parse(&netstat, "New: A\nNew: 1\n"), 0);
    netstat_release(&netstat);
}

static void
a_line_that_moves_is_found_again(void **state)
{
    struct netstat netstat = { 0 };

    (void) state;
    assert_int_equal(parse_names(&netstat, "Ip6A 1\nIp6InOctets 2\n"), 1);
    assert_int_equal(parse_names(&netstat, "Ip6A 1\nIp6InOctets 3\n"), 1);
    assert_int_equal(netstat.layouts, 1);
    assert_int_equal(value(&netstat, "Ip6_InOctets")->magnitude, 3);
    assert_int_equal(parse_names(&netstat, "Ip6InOctets 4\nIp6A 1\n"), 1);
    assert_int_equal(value(&netstat, "Ip6_InOctets")->magnitude, 4);
    assert_int_equal(parse_names(&netstat, "Ip6InOctets 5\nIp6A 1\nIp6OutOctets 6\n"), 2);
    assert_int_equal(value(&netstat, "Ip6_OutOctets")->magnitude, 6);
    netstat_release(&netstat);
}

// What is known from the whole file must not lend a number to a cut one either.
static void
a_file_cut_at_any_byte_tells_nothing_wrong(void **state)
{
    static const struct {
        const char *file;
        parse_fn *parse;
    } files[] = { { "net/snmp", netstat_parse }, { "net/snmp6", netstat_parse_names } };

    (void) state;
    for (size_t i = 0; i < 2; i++) {
        struct buf text = fixture("two", files[i].file);
        struct netstat whole = { 0 }, cut = { 0 };

        assert_true(files[i].parse(&whole, (const char *) text.at, text.len) > 0);
        for (size_t n = 0; n < text.len; n++) {
            char *copy = exactly(text.at, n);
            const int rc = files[i].parse(&cut, copy, n);

            assert_true(rc >= 0 || rc == ERR_FORMAT);
            for (int f = 0; f < rc; f++)
                assert_true(value(&whole, cut.fields[f].name)->magnitude ==
                            cut.fields[f].value.magnitude);
            free(copy);
        }
        netstat_release(&whole);
        netstat_release(&cut);
        buf_release(&text);
    }
}

static void
what_is_not_netstat_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "\n",
        "Tcp: InSegs\n",
        "Tcp: InSegs\nTcp: 1", // no newline
        "Tcp: InSegs\nTcp: 1\nUdp: NoPorts\n",
        "Tcp InSegs\nTcp 1\n",
        ": InSegs\n: 1\n",
        "Tcp: InSegs\nUdp: 1\n",
        "Tcp: InSegs\nTcp:\n",
        "Tcp: InSegs\nTcp: x\n",
        "Tcp: InSegs\nTcp: 1.5\n",
        "Tcp: InSegs\nTcp: 18446744073709551616\n",
        "Tcp: InSegs\nTcp: -9223372036854775809\n",
        "Tcp: A InSegs\nTcp: 1\n",
        "Tcp: InSegs A\nTcp: 1\n",
        "Tcp: InSegs\nTcp: 1 2\n",
        "Tcp: A\nTcp: 1 2\n",
        "a2345678901234567890123456789012345678901234567890123456789: InErrors\nx\n",
    };
    static const char *const bad_names[] = {
        "",
        "Ip6InOctets 1",
        "Ip6InOctets\n",
        "Ip6InOctets x\n",
        "Ip6InOctets 18446744073709551616\n",
        "Ip6InOctets 1\nIp6OutOctets\n",
    };
    struct netstat netstat = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse(&netstat, bad[i]) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i]);
    for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++)
        if (parse_names(&netstat, bad_names[i]) != ERR_FORMAT)
            fail_msg("taken: %s", bad_names[i]);
    netstat_release(&netstat);
}

static void
too_much_is_refused(void **state)
{
    struct netstat netstat = { 0 };
    struct buf text = { 0 };

    (void) state;
    for (int i = 0; i <= NETSTAT_PAIRS_MAX; i++)
        buf_printf(&text, "P%d: A\nP%d: 1\n", i, i);
    assert_int_equal(parse(&netstat, buf_cstr(&text)), ERR_FORMAT);
    buf_clear(&text);
    for (int i = 0; i <= NETSTAT_FIELDS_MAX; i++)
        buf_printf(&text, "P%c%c6InErrors 1\n", 'a' + i / 16, 'a' + i % 16);
    assert_int_equal(parse_names(&netstat, buf_cstr(&text)), ERR_FORMAT);
    buf_release(&text);
    netstat_release(&netstat);
}

// A heading longer than any buffer of the kernel's.
static void
a_line_of_any_length_is_read(void **state)
{
    struct netstat netstat = { 0 };
    struct buf text = { 0 };

    (void) state;
    buf_str(&text, "TcpExt:");
    for (int i = 0; i < 20000; i++)
        buf_printf(&text, " Column%d", i);
    buf_str(&text, " ListenDrops\nTcpExt:");
    for (int i = 0; i < 20000; i++)
        buf_printf(&text, " %d", i);
    buf_str(&text, " 77\n");
    for (int tick = 0; tick < 2; tick++) {
        assert_int_equal(parse(&netstat, buf_cstr(&text)), 1);
        assert_int_equal(value(&netstat, "TcpExt_ListenDrops")->magnitude, 77);
    }
    buf_release(&text);
    netstat_release(&netstat);
}

static void
series_have_the_names_of_node_exporter(void **state)
{
    static const char *const texts[] = { "TcpExt: ListenDrops\nTcpExt: 1\n",
                                         TCP_HEAD "Tcp: 200 -1 2 3 4\n", "Ip6InOctets 5\n" };
    struct family_bench b = family_bench(&netstat_family, &setup);

    (void) state;
    for (int tick = 0; tick < 2; tick++) {
        assert_int_equal(family_tick(&b, texts, 3), 0);
        assert_true(family_value(&b, SERIES("TcpExt_ListenDrops")) == 1);
        assert_true(family_value(&b, SERIES("Tcp_CurrEstab")) == 2);
        assert_true(family_value(&b, SERIES("Tcp_InSegs")) == 3);
        assert_true(family_value(&b, SERIES("Tcp_RetransSegs")) == 4);
        assert_true(family_value(&b, SERIES("Ip6_InOctets")) == 5);
        assert_int_equal(series_table_count(b.table), 5);
    }
    assert_int_equal(series_table_def(b.table, 0)->kind, METRIC_UNTYPED);
    family_bench_end(&b);
}

static void
a_file_that_fails_takes_only_its_own_series(void **state)
{
    static const char *const good[] = { "TcpExt: ListenDrops\nTcpExt: 1\n", UDP,
                                        "Ip6InOctets 5\n" };
    static const char *const bad[] = { "TcpExt: ListenDrops\nTcpExt: x\n", UDP, NULL };
    struct family_bench b = family_bench(&netstat_family, &setup);

    (void) state;
    assert_true(netstat_family.files[2].optional);
    assert_int_equal(family_tick(&b, good, 3), 0);
    assert_int_equal(family_tick(&b, bad, 3), ERR_FORMAT);
    assert_true(family_is_stale(&b, SERIES("TcpExt_ListenDrops")));
    assert_true(family_is_stale(&b, SERIES("Ip6_InOctets")));
    assert_true(family_value(&b, SERIES("Udp_InDatagrams")) == 8);
    assert_int_equal(family_tick(&b, good, 3), 0);
    assert_true(family_value(&b, SERIES("TcpExt_ListenDrops")) == 1);
    assert_int_equal(series_table_count(b.table), 4);
    family_bench_end(&b);
}

static void
a_field_that_moves_keeps_its_series(void **state)
{
    struct family_bench b = family_bench(&netstat_family, &setup);

    (void) state;
    FAMILY_TICK(&b, "Tcp: InSegs OutSegs\nTcp: 1 2\n");
    FAMILY_TICK(&b, "Tcp: OutSegs A InSegs\nTcp: 3 4 5\n");
    assert_true(family_value(&b, SERIES("Tcp_InSegs")) == 5);
    assert_true(family_value(&b, SERIES("Tcp_OutSegs")) == 3);
    assert_int_equal(series_table_count(b.table), 2);
    FAMILY_TICK(&b, "Tcp: OutSegs\nTcp: 6\n");
    assert_true(family_is_stale(&b, SERIES("Tcp_InSegs")));
    family_bench_end(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_stands_below_its_name),
        cmocka_unit_test(a_name_and_its_number_stand_in_a_line_of_snmp6),
        cmocka_unit_test(a_number_may_be_below_zero_or_beyond_an_integer),
        cmocka_unit_test(fields_are_those_node_exporter_takes),
        cmocka_unit_test(every_kernel_is_read_whole),
        cmocka_unit_test(a_field_that_moves_is_found_again),
        cmocka_unit_test(a_line_that_moves_is_found_again),
        cmocka_unit_test(a_file_cut_at_any_byte_tells_nothing_wrong),
        cmocka_unit_test(what_is_not_netstat_is_refused),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(a_line_of_any_length_is_read),
        cmocka_unit_test(series_have_the_names_of_node_exporter),
        cmocka_unit_test(a_file_that_fails_takes_only_its_own_series),
        cmocka_unit_test(a_field_that_moves_keeps_its_series),
    };
    return cmocka_run_group_tests_name("netstat", tests, NULL, NULL);
}
