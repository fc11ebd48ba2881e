// test_softnet - /proc/net/softnet_stat of kernels with fewer and more columns, whole, cut and
// wrong.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "agent/proc/softnet.h"
#include "shared/base/err.h"
#include "tests/unit/agent/family_bench.h"
#include "tests/unit/agent/fixture.h"

#define ZEROS_6        " 00000000 00000000 00000000 00000000 00000000 00000000"
#define ZEROS_9        ZEROS_6 " 00000000 00000000 00000000"

#define PROCESSED(cpu) "node_softnet_processed_total{cpu=\"" cpu "\",job=\"node\"}"
#define DROPPED(cpu)   "node_softnet_dropped_total{cpu=\"" cpu "\",job=\"node\"}"
#define SQUEEZED(cpu)  "node_softnet_times_squeezed_total{cpu=\"" cpu "\",job=\"node\"}"

static const struct proc_setup setup;

static int
parse(struct softnet *softnet, const char *text)
{
    return softnet_parse(softnet, text, strlen(text));
}

static void
numbers_are_hexadecimal(void **state)
{
    struct softnet softnet = { 0 };

    (void) state;
    assert_int_equal(parse(&softnet, "0000001f 000000A0 ffffffff" ZEROS_6 "\n"), 1);
    assert_int_equal(softnet.cpus[0].counters[SOFTNET_PROCESSED], 31);
    assert_int_equal(softnet.cpus[0].counters[SOFTNET_DROPPED], 160);
    assert_true(softnet.cpus[0].counters[SOFTNET_SQUEEZED] == UINT32_MAX);
    softnet_release(&softnet);
}

static void
a_line_is_named_by_its_column_where_the_kernel_has_it(void **state)
{
    static const struct {
        const char *columns; // behind the first three
        uint32_t ids[2];
    } kernels[] = {
        { ZEROS_6, { 0, 1 } },                                   // 9: 2.6
        { ZEROS_6 " 00000001", { 0, 1 } },                       // 10
        { ZEROS_6 " 00000001 00000002", { 0, 1 } },              // 11: 4.19
        { ZEROS_6 " 00000001 00000002 00000003", { 0, 1 } },     // 12: none so far
        { ZEROS_9 " 0000000%u", { 3, 7 } },                      // 13: 5.10
        { ZEROS_9 " 0000000%u 00000009 00000000", { 3, 7 } },    // 15: 6.x
        { ZEROS_9 " 0000000%u 00000009 0 0 0 1 2 3", { 3, 7 } }, // some day
    };
    struct softnet softnet = { 0 };
    char text[512], line[256];

    (void) state;
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
        const char *at = strchr(kernels[i].columns, '%');
        const int before = at == NULL ? (int) strlen(kernels[i].columns)
                                      : (int) (at - kernels[i].columns);

        text[0] = '\0';
        for (int cpu = 0; cpu < 2; cpu++) {
            snprintf(line, sizeof line, "00000001 00000002 00000003%.*s%s%s\n", before,
                     kernels[i].columns,
                     at == NULL ? ""
                     : cpu == 0 ? "3"
                                : "7",
                     at == NULL ? "" : at + 2);
            strcat(text, line);
        }
        if (parse(&softnet, text) != 2)
            fail_msg("refused: %s", text);
        for (int cpu = 0; cpu < 2; cpu++)
            assert_int_equal(softnet.cpus[cpu].id, kernels[i].ids[cpu]);
    }
    softnet_release(&softnet);
}

static void
machines_of_any_size_are_read_whole(void **state)
{
    static const struct {
        const char *root;
        int cpus;
    } machines[] = { { "one", 1 }, { "two", 2 }, { "sixtyfour", 64 }, { "old", 2 } };
    struct softnet softnet = { 0 };
    struct buf many = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        struct buf text = fixture(machines[i].root, "net/softnet_stat");

        assert_int_equal(softnet_parse(&softnet, (const char *) text.at, text.len),
                         machines[i].cpus);
        assert_int_equal(softnet.cpus[softnet.n - 1].id, machines[i].cpus - 1);
        buf_release(&text);
    }
    for (unsigned cpu = 0; cpu < 4096; cpu++)
        buf_printf(&many, "%08x 0 0" ZEROS_9 " %08x 0 0\n", cpu * 3, cpu);
    assert_int_equal(softnet_parse(&softnet, (const char *) many.at, many.len), 4096);
    assert_int_equal(softnet.cpus[4095].counters[SOFTNET_PROCESSED], 4095 * 3);
    buf_release(&many);
    softnet_release(&softnet);
}

static void
a_file_cut_at_any_byte_tells_nothing_wrong(void **state)
{
    struct buf text = fixture("sixtyfour", "net/softnet_stat");
    struct softnet whole = { 0 }, cut = { 0 };

    (void) state;
    assert_true(softnet_parse(&whole, (const char *) text.at, text.len) > 0);
    for (size_t n = 0; n < text.len; n++) {
        char *copy = exactly(text.at, n);
        const int rc = softnet_parse(&cut, copy, n);

        assert_true(rc > 0 || rc == ERR_FORMAT);
        if (rc > 0)
            assert_memory_equal(cut.cpus, whole.cpus, cut.n * sizeof *cut.cpus);
        free(copy);
    }
    softnet_release(&whole);
    softnet_release(&cut);
    buf_release(&text);
}

static void
what_is_not_softnet_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "\n",
        "00000001 00000002 00000003" ZEROS_6, // no newline
        "00000001 00000002 00000003\n",
        "00000001 00000002 00000003 0 0 0 0 0\n", // 8
        "0000000x 00000002 00000003" ZEROS_6 "\n",
        "00000001 00000002 -0000003" ZEROS_6 "\n",
        "100000000 00000002 00000003" ZEROS_6 "\n",
        "ffffffffffffffffffff 0 0" ZEROS_6 "\n",
        "1 2 3" ZEROS_9 " 0000000x\n",
        "1 2 3" ZEROS_9 " 00004000\n", // 16384
        "1 2 3" ZEROS_9 " ffffffff\n",
        "1 2 3" ZEROS_9 " 1\n1 2 3" ZEROS_9 " 1\n",
        "1 2 3" ZEROS_9 " 1\n1 2 3" ZEROS_9 " 0\n",
    };
    struct softnet softnet = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse(&softnet, bad[i]) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i]);
    softnet_release(&softnet);
}

static void
series_have_the_names_of_node_exporter(void **state)
{
    struct family_bench b = family_bench(&softnet_family, &setup);

    (void) state;
    assert_int_equal(FAMILY_TICK(&b, "10 2 3" ZEROS_9 " 0\nff 5 6" ZEROS_9 " 5\n"), 0);
    assert_int_equal(series_table_count(b.table), 2 * SOFTNET_COUNTERS);
    assert_true(family_value(&b, PROCESSED("0")) == 16);
    assert_true(family_value(&b, DROPPED("0")) == 2);
    assert_true(family_value(&b, SQUEEZED("0")) == 3);
    assert_true(family_value(&b, PROCESSED("5")) == 255);
    assert_int_equal(series_table_def(b.table, 0)->kind, METRIC_COUNTER);
    family_bench_end(&b);
}

static void
a_processor_may_go_and_come_back(void **state)
{
    struct family_bench b = family_bench(&softnet_family, &setup);

    (void) state;
    FAMILY_TICK(&b, "1 0 0" ZEROS_9 " 0\n2 0 0" ZEROS_9 " 1\n");
    FAMILY_TICK(&b, "1 0 0" ZEROS_9 " 1\n");
    assert_true(family_is_stale(&b, PROCESSED("0")));
    assert_true(family_value(&b, PROCESSED("1")) == 1);
    FAMILY_TICK(&b, "7 0 0" ZEROS_9 " 0\n2 0 0" ZEROS_9 " 1\n");
    assert_true(family_value(&b, PROCESSED("0")) == 7);
    assert_int_equal(series_table_count(b.table), 2 * SOFTNET_COUNTERS);
    family_bench_end(&b);
}

static void
a_malformed_file_is_absent_as_a_whole(void **state)
{
    struct family_bench b = family_bench(&softnet_family, &setup);

    (void) state;
    FAMILY_TICK(&b, "1 0 0" ZEROS_9 " 0\n");
    assert_int_equal(FAMILY_TICK(&b, "2 0 0" ZEROS_9 " 0\n2 0\n"), ERR_FORMAT);
    assert_true(family_is_stale(&b, PROCESSED("0")));
    FAMILY_TICK(&b, "3 0 0" ZEROS_9 " 0\n");
    assert_true(family_value(&b, PROCESSED("0")) == 3);
    family_bench_end(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_hexadecimal),
        cmocka_unit_test(a_line_is_named_by_its_column_where_the_kernel_has_it),
        cmocka_unit_test(machines_of_any_size_are_read_whole),
        cmocka_unit_test(a_file_cut_at_any_byte_tells_nothing_wrong),
        cmocka_unit_test(what_is_not_softnet_is_refused),
        cmocka_unit_test(series_have_the_names_of_node_exporter),
        cmocka_unit_test(a_processor_may_go_and_come_back),
        cmocka_unit_test(a_malformed_file_is_absent_as_a_whole),
    };
    return cmocka_run_group_tests_name("softnet", tests, NULL, NULL);
}
