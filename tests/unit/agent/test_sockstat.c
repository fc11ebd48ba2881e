// test_sockstat - /proc/net/sockstat and sockstat6, whole, cut and wrong.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "agent/proc/sockstat.h"
#include "shared/base/err.h"
#include "tests/unit/agent/family_bench.h"
#include "tests/unit/agent/fixture.h"

#define PAGE           4096
#define SERIES(name)   "node_sockstat_" name "{job=\"node\"}"
#define PROTOCOL_OF_33 "a23456789012345678901234567890123"

static const struct proc_setup setup = { .page_bytes = PAGE };
static struct sockstat_field fields[SOCKSTAT_FIELDS_MAX];

static int
parse(const char *text)
{
    return sockstat_parse(fields, text, strlen(text));
}

static void
a_line_is_pairs_of_word_and_number(void **state)
{
    static const enum sockstat_word words[] = { SOCKSTAT_INUSE, SOCKSTAT_ORPHAN, SOCKSTAT_TW,
                                                SOCKSTAT_ALLOC, SOCKSTAT_MEM };

    (void) state;
    assert_int_equal(parse("sockets: used 9\nTCP: inuse 1 orphan 2 tw 3 alloc 4 mem 5\n"), 6);
    assert_int_equal(fields[0].word, SOCKSTAT_USED);
    assert_int_equal(fields[0].value.magnitude, 9);
    for (size_t i = 1; i < 6; i++) {
        assert_int_equal(fields[i].protocol_len, 3);
        assert_memory_equal(fields[i].protocol, "TCP", 3);
        assert_int_equal(fields[i].word, words[i - 1]);
        assert_int_equal(fields[i].value.magnitude, i);
    }
}

// Sums over processors, read while they count.
static void
a_number_may_be_below_zero_or_beyond_an_integer(void **state)
{
    (void) state;
    assert_int_equal(parse("UDP: inuse -1 mem -3\nFRAG: memory 18446744073709551615\n"), 3);
    assert_true(fields[0].value.negative && fields[0].value.magnitude == 1);
    assert_true(fields[1].value.negative && fields[1].value.magnitude == 3);
    assert_true(fields[2].value.magnitude == UINT64_MAX);
}

static void
words_of_a_newer_kernel_are_passed_over(void **state)
{
    (void) state;
    assert_int_equal(parse("TCP: inuse 1 shiny 2 tw 3\nNEW: shiny 4\n"), 2);
    assert_int_equal(fields[1].word, SOCKSTAT_TW);
    assert_int_equal(fields[1].value.magnitude, 3);
}

static void
every_kernel_is_read_whole(void **state)
{
    static const struct {
        const char *root, *file;
        int fields;
    } files[] = {
        { "one", "net/sockstat", 12 }, { "one", "net/sockstat6", 6 },
        { "two", "net/sockstat", 12 }, { "sixtyfour", "net/sockstat6", 6 },
        { "old", "net/sockstat", 12 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct buf text = fixture(files[i].root, files[i].file);

        assert_int_equal(sockstat_parse(fields, (const char *) text.at, text.len), files[i].fields);
        buf_release(&text);
    }
}

static void
a_file_cut_at_any_byte_tells_nothing_wrong(void **state)
{
    static struct sockstat_field cut[SOCKSTAT_FIELDS_MAX];
    struct buf text = fixture("two", "net/sockstat");

    (void) state;
    assert_true(sockstat_parse(fields, (const char *) text.at, text.len) > 0);
    for (size_t n = 0; n < text.len; n++) {
        char *copy = exactly(text.at, n);
        const int rc = sockstat_parse(cut, copy, n);

        assert_true(rc > 0 || rc == ERR_FORMAT);
        for (int i = 0; i < rc; i++) {
            assert_int_equal(cut[i].word, fields[i].word);
            assert_true(cut[i].value.magnitude == fields[i].value.magnitude);
        }
        free(copy);
    }
    buf_release(&text);
}

static void
what_is_not_sockstat_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "\n",
        "TCP: inuse 1", // no newline
        "TCP inuse 1\n",
        ": inuse 1\n",
        "TCP: inuse\n",
        "TCP: inuse x\n",
        "TCP: shiny\n",
        "TCP: shiny x\n",
        "TCP: inuse 1.5\n",
        "TCP: inuse 18446744073709551616\n",
        "TCP:\n",
        PROTOCOL_OF_33 ": inuse 1\n",
    };
    struct buf many = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse(bad[i]) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i]);
    for (int i = 0; i <= SOCKSTAT_FIELDS_MAX; i++)
        buf_printf(&many, "P%d: inuse 1\n", i);
    assert_int_equal(parse(buf_cstr(&many)), ERR_FORMAT);
    buf_release(&many);
}

static void
series_have_the_names_of_node_exporter(void **state)
{
    static const char *const texts[] = {
        "sockets: used 9\nTCP: inuse 1 orphan 2 tw 3 alloc 4 mem 5\n"
        "FRAG: inuse 6 memory 7\n",
        "TCP6: inuse 8\n"
    };
    static const struct {
        const char *series;
        double value;
    } wants[] = {
        { SERIES("sockets_used"), 9 },
        { SERIES("TCP_inuse"), 1 },
        { SERIES("TCP_orphan"), 2 },
        { SERIES("TCP_tw"), 3 },
        { SERIES("TCP_alloc"), 4 },
        { SERIES("TCP_mem"), 5 },
        { SERIES("TCP_mem_bytes"), 5 * PAGE },
        { SERIES("FRAG_inuse"), 6 },
        { SERIES("FRAG_memory"), 7 },
        { SERIES("TCP6_inuse"), 8 },
    };
    struct family_bench b = family_bench(&sockstat_family, &setup);

    (void) state;
    for (int tick = 0; tick < 2; tick++) {
        assert_int_equal(family_tick(&b, texts, 2), 0);
        for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++)
            assert_true(family_value(&b, wants[i].series) == wants[i].value);
        assert_int_equal(series_table_count(b.table), sizeof wants / sizeof wants[0]);
    }
    assert_int_equal(series_table_def(b.table, 0)->kind, METRIC_GAUGE);
    family_bench_end(&b);
}

static void
memory_below_zero_or_beyond_an_integer_is_told_as_it_is(void **state)
{
    struct family_bench b = family_bench(&sockstat_family, &setup);

    (void) state;
    assert_int_equal(FAMILY_TICK(&b, "UDP: mem -3\n"), 0);
    assert_true(family_value(&b, SERIES("UDP_mem")) == -3);
    assert_true(family_value(&b, SERIES("UDP_mem_bytes")) == -3 * PAGE);
    // Its bytes are no number a page count can stand for.
    assert_int_equal(FAMILY_TICK(&b, "UDP: mem 18446744073709551615\n"), 0);
    assert_true(family_value(&b, SERIES("UDP_mem")) == 18446744073709551616.0);
    assert_true(family_is_stale(&b, SERIES("UDP_mem_bytes")));
    family_bench_end(&b);
}

static void
a_field_that_moves_keeps_its_series(void **state)
{
    struct family_bench b = family_bench(&sockstat_family, &setup);

    (void) state;
    FAMILY_TICK(&b, "TCP: inuse 1 tw 2\nUDP: inuse 3\n");
    FAMILY_TICK(&b, "UDP: inuse 4\nTCP: tw 5 inuse 6\n");
    assert_true(family_value(&b, SERIES("TCP_inuse")) == 6);
    assert_true(family_value(&b, SERIES("TCP_tw")) == 5);
    assert_true(family_value(&b, SERIES("UDP_inuse")) == 4);
    assert_int_equal(series_table_count(b.table), 3);
    family_bench_end(&b);
}

static void
a_kernel_without_ipv6_has_only_the_first_file(void **state)
{
    static const char *const both[] = { "TCP: inuse 1\n", "TCP6: inuse 2\n" };
    struct family_bench b = family_bench(&sockstat_family, &setup);

    (void) state;
    assert_true(sockstat_family.files[1].optional);
    family_tick(&b, both, 1);
    assert_true(family_value(&b, SERIES("TCP_inuse")) == 1);
    assert_int_equal(series_table_count(b.table), 1);
    family_tick(&b, both, 2);
    assert_true(family_value(&b, SERIES("TCP6_inuse")) == 2);
    family_bench_end(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_pairs_of_word_and_number),
        cmocka_unit_test(a_number_may_be_below_zero_or_beyond_an_integer),
        cmocka_unit_test(words_of_a_newer_kernel_are_passed_over),
        cmocka_unit_test(every_kernel_is_read_whole),
        cmocka_unit_test(a_file_cut_at_any_byte_tells_nothing_wrong),
        cmocka_unit_test(what_is_not_sockstat_is_refused),
        cmocka_unit_test(series_have_the_names_of_node_exporter),
        cmocka_unit_test(memory_below_zero_or_beyond_an_integer_is_told_as_it_is),
        cmocka_unit_test(a_field_that_moves_keeps_its_series),
        cmocka_unit_test(a_kernel_without_ipv6_has_only_the_first_file),
    };
    return cmocka_run_group_tests_name("sockstat", tests, NULL, NULL);
}
