// test_diskstats - /proc/diskstats of kernels old and new, whole, cut and wrong.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "agent/proc/diskstats.h"
#include "shared/base/err.h"
#include "tests/unit/agent/family_bench.h"

#define LINE14 "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n"
#define LINE18 "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n"
#define NAME65 "a2345678901234567890123456789012345678901234567890123456789012345"
#define LINE20 "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n"

static int
parse(struct diskstats *stats, const char *text)
{
    return diskstats_parse(stats, text, strlen(text));
}

static void
a_line_is_numbers_of_a_device_in_the_kernels_order(void **state)
{
    struct diskstats stats = { 0 };

    (void) state;
    assert_int_equal(parse(&stats, LINE20), 1);
    assert_int_equal(stats.disks[0].major, 8);
    assert_int_equal(stats.disks[0].minor, 0);
    assert_int_equal(stats.disks[0].name_len, 3);
    assert_memory_equal(stats.disks[0].name, "sda", 3);
    assert_int_equal(stats.disks[0].fields, DISKSTATS_FIELDS);
    for (int i = 0; i < DISKSTATS_FIELDS; i++)
        assert_int_equal(stats.disks[0].values[i], i + 1);
    diskstats_release(&stats);
}

static void
older_kernels_have_fewer_columns(void **state)
{
    static const struct {
        const char *text;
        uint32_t fields;
    } kernels[] = {
        { LINE14, DISKSTATS_IO_WEIGHTED_MS + 1 },
        { LINE18, DISKSTATS_DISCARD_MS + 1 },
        { LINE20, DISKSTATS_FLUSH_MS + 1 },
    };
    struct diskstats stats = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
        assert_int_equal(parse(&stats, kernels[i].text), 1);
        assert_int_equal(stats.disks[0].fields, kernels[i].fields);
    }
    diskstats_release(&stats);
}

static void
columns_of_a_newer_kernel_are_passed_over(void **state)
{
    struct diskstats stats = { 0 };

    (void) state;
    assert_int_equal(parse(&stats, "8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 new\n"),
                     1);
    assert_int_equal(stats.disks[0].fields, DISKSTATS_FIELDS);
    diskstats_release(&stats);
}

static void
machines_of_any_size_are_read_whole(void **state)
{
    static const struct {
        const char *root;
        uint32_t disks;
        uint32_t fields;
    } machines[] = {
        { "one", 8, 17 }, { "two", 5, 15 }, { "sixtyfour", 32, 17 }, { "old", 5, 11 }
    };
    struct diskstats stats = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        struct buf text = fixture(machines[i].root, "diskstats");

        assert_int_equal(diskstats_parse(&stats, (const char *) text.at, text.len),
                         machines[i].disks);
        for (uint32_t disk = 0; disk < stats.n; disk++)
            assert_int_equal(stats.disks[disk].fields, machines[i].fields);
        buf_release(&text);
    }
    diskstats_release(&stats);
}

static void
a_machine_without_disks_is_no_error(void **state)
{
    struct diskstats stats = { 0 };

    (void) state;
    assert_int_equal(parse(&stats, ""), 0);
    diskstats_release(&stats);
}

static void
the_largest_number_is_read(void **state)
{
    struct diskstats stats = { 0 };

    (void) state;
    assert_int_equal(parse(&stats, "8 0 sda 9223372036854775807 2 3 4 5 6 7 8 9 10 11\n"), 1);
    assert_true(stats.disks[0].values[DISKSTATS_READS] == INT64_MAX);
    diskstats_release(&stats);
}

// A cut line is no line: a number that lost its last digits must never be told.
static void
a_file_cut_at_any_byte_tells_nothing_wrong(void **state)
{
    struct buf text = fixture("two", "diskstats");
    struct diskstats whole = { 0 }, cut = { 0 };

    (void) state;
    assert_true(diskstats_parse(&whole, (const char *) text.at, text.len) > 0);
    for (size_t n = 0; n < text.len; n++) {
        char *copy = exactly(text.at, n);

        assert_true(diskstats_parse(&cut, copy, n) >= 0);
        assert_true(cut.n < whole.n);
        for (uint32_t i = 0; i < cut.n; i++) {
            assert_int_equal(cut.disks[i].name_len, whole.disks[i].name_len);
            assert_memory_equal(cut.disks[i].values, whole.disks[i].values,
                                whole.disks[i].fields * sizeof whole.disks[i].values[0]);
        }
        free(copy);
    }
    diskstats_release(&whole);
    diskstats_release(&cut);
    buf_release(&text);
}

static void
what_is_not_diskstats_is_refused(void **state)
{
    static const char *const bad[] = {
        "\n",
        "MemTotal: 1 kB\n",
        "8 0\n",
        "8 0 sda\n",
        "8 0 sda 1 2 3 4 5 6 7 8 9 10\n", // one column too few
        "x 0 sda 1 2 3 4 5 6 7 8 9 10 11\n",
        "8 x sda 1 2 3 4 5 6 7 8 9 10 11\n",
        "8 0 sda 1 2 x 4 5 6 7 8 9 10 11\n",
        "8 0 sda 1 2 -3 4 5 6 7 8 9 10 11\n",
        "8 0 sda 1 2 3.5 4 5 6 7 8 9 10 11\n",
        "8 0 sda 1 2 9223372036854775808 4 5 6 7 8 9 10 11\n",
        "8 0 sda 1 2 99999999999999999999999999 4 5 6 7 8 9 10 11\n",
        "8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 x\n",
        LINE14 "8 1 sda1 1 2 3 4\n",
        "8 0 " NAME65 " 1 2 3 4 5 6 7 8 9 10 11\n",
    };
    struct diskstats stats = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse(&stats, bad[i]) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i]);
    diskstats_release(&stats);
}

static struct family_bench
bench(const name_filter_t *filter)
{
    return family_bench(&diskstats_family,
                        &(struct proc_setup){ .filters[PROC_FILTER_DISK] = filter });
}

#define OF(metric, device) "node_disk_" metric "{device=\"" device "\",job=\"node\"} "

static void
series_have_the_names_and_units_of_node_exporter(void **state)
{
    static const char *const wanted[] = {
        OF("reads_completed_total", "sda") "1",
        OF("reads_merged_total", "sda") "2",
        OF("read_bytes_total", "sda") "1536",
        OF("read_time_seconds_total", "sda") "0.004",
        OF("writes_completed_total", "sda") "5",
        OF("writes_merged_total", "sda") "6",
        OF("written_bytes_total", "sda") "3584",
        OF("write_time_seconds_total", "sda") "0.008",
        OF("io_now", "sda") "9",
        OF("io_time_seconds_total", "sda") "0.01",
        OF("io_time_weighted_seconds_total", "sda") "0.011",
        OF("discards_completed_total", "sda") "12",
        OF("discards_merged_total", "sda") "13",
        OF("discarded_sectors_total", "sda") "14",
        OF("discard_time_seconds_total", "sda") "0.015",
        OF("flush_requests_total", "sda") "16",
        OF("flush_requests_time_seconds_total", "sda") "0.017",
        "node_disk_info{device=\"sda\",job=\"node\",major=\"8\",minor=\"0\"} 1",
    };
    struct family_bench b = bench(NULL);

    (void) state;
    assert_int_equal(FAMILY_TICK(&b, LINE20), 0);
    assert_int_equal(family_samples(&b), sizeof wanted / sizeof wanted[0]);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        assert_true(family_tells(&b, wanted[i]));
    family_bench_end(&b);
}

static void
an_old_kernel_has_fewer_series(void **state)
{
    struct family_bench b = bench(NULL);

    (void) state;
    FAMILY_TICK(&b, LINE14);
    assert_int_equal(family_samples(&b), DISKSTATS_FIELDS_MIN + 1);
    family_bench_end(&b);
}

static void
what_the_filter_leaves_out_has_no_series(void **state)
{
    char error[NAME_FILTER_ERROR_SIZE];
    name_filter_t *filter;
    struct family_bench b;

    (void) state;
    assert_int_equal(name_filter_new(&filter, NULL, "^sda\\d+$", error), 0);
    b = bench(filter);
    FAMILY_TICK(&b, LINE14 "8 1 sda1 1 2 3 4 5 6 7 8 9 10 11\n");
    assert_true(family_tells(&b, OF("io_now", "sda") "9"));
    assert_int_equal(family_samples(&b), DISKSTATS_FIELDS_MIN + 1);
    family_bench_end(&b);
    name_filter_destroy(&filter);
}

#define DISK(name, io) "8 0 " name " 1 2 3 4 5 6 7 8 " io " 10 11\n"
#define STALE          "NaN" // as the mark of an end is printed

static void
disks_may_come_and_go_and_change_places(void **state)
{
    struct family_bench b = bench(NULL);
    uint32_t series;

    (void) state;
    FAMILY_TICK(&b, DISK("sda", "1") DISK("sdb", "2") DISK("sdc", "3"));
    series = series_table_count(b.table);
    FAMILY_TICK(&b, DISK("sdc", "6") DISK("sda", "4"));
    assert_true(family_tells(&b, OF("io_now", "sda") "4"));
    assert_true(family_tells(&b, OF("io_now", "sdc") "6"));
    assert_true(family_tells(&b, OF("io_now", "sdb") STALE));
    FAMILY_TICK(&b, DISK("sdb", "8") DISK("sdc", "9") DISK("sda", "7"));
    assert_true(family_tells(&b, OF("io_now", "sdb") "8"));
    assert_true(family_tells(&b, OF("io_now", "sdc") "9"));
    assert_true(family_tells(&b, OF("io_now", "sda") "7"));
    assert_int_equal(series_table_count(b.table), series);
    family_bench_end(&b);
}

static void
a_name_with_other_numbers_is_another_device(void **state)
{
    struct family_bench b = bench(NULL);

    (void) state;
    FAMILY_TICK(&b, "8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n");
    FAMILY_TICK(&b, "8 16 sda 1 2 3 4 5 6 7 8 9 10 11\n");
    assert_true(family_tells(
        &b, "node_disk_info{device=\"sda\",job=\"node\",major=\"8\",minor=\"0\"} " STALE));
    assert_true(
        family_tells(&b, "node_disk_info{device=\"sda\",job=\"node\",major=\"8\",minor=\"16\"} 1"));
    family_bench_end(&b);
}

static void
a_malformed_file_is_absent_as_a_whole(void **state)
{
    struct family_bench b = bench(NULL);

    (void) state;
    FAMILY_TICK(&b, DISK("sda", "1"));
    assert_int_equal(FAMILY_TICK(&b, DISK("sda", "2") "8 0 sdb x\n"), ERR_FORMAT);
    assert_true(family_tells(&b, OF("io_now", "sda") STALE));
    FAMILY_TICK(&b, DISK("sda", "3"));
    assert_true(family_tells(&b, OF("io_now", "sda") "3"));
    family_bench_end(&b);
}

static void
a_thousand_disks_are_told_and_those_that_went_are_let_go(void **state)
{
    static const char *const io[] = { OF("io_now", "dm-0") "0", OF("io_now", "dm-0") "1",
                                      OF("io_now", "dm-0") "2" };
    struct family_bench b = bench(NULL);
    struct buf text = { 0 };

    (void) state;
    for (int round = 0; round < 3; round++) {
        buf_clear(&text);
        // The same names from the other end each time.
        for (int i = 0; i < 1000; i++)
            buf_printf(&text, "253 %d dm-%d 1 2 3 4 5 6 7 8 %d 10 11\n", i,
                       round % 2 == 0 ? i : 999 - i, round);
        assert_int_equal(FAMILY_TICK(&b, buf_cstr(&text)), 0);
        assert_true(family_tells(&b, io[round]));
        assert_true(family_samples(&b) >= 1000 * (DISKSTATS_FIELDS_MIN + 1));
    }
    FAMILY_TICK(&b, DISK("dm-5", "77"));
    assert_true(family_tells(&b, OF("io_now", "dm-5") "77"));
    FAMILY_TICK(&b, DISK("dm-5", "78") DISK("dm-6", "79"));
    assert_true(family_tells(&b, OF("io_now", "dm-6") "79"));
    buf_release(&text);
    family_bench_end(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_numbers_of_a_device_in_the_kernels_order),
        cmocka_unit_test(older_kernels_have_fewer_columns),
        cmocka_unit_test(columns_of_a_newer_kernel_are_passed_over),
        cmocka_unit_test(machines_of_any_size_are_read_whole),
        cmocka_unit_test(a_machine_without_disks_is_no_error),
        cmocka_unit_test(the_largest_number_is_read),
        cmocka_unit_test(a_file_cut_at_any_byte_tells_nothing_wrong),
        cmocka_unit_test(what_is_not_diskstats_is_refused),
        cmocka_unit_test(series_have_the_names_and_units_of_node_exporter),
        cmocka_unit_test(an_old_kernel_has_fewer_series),
        cmocka_unit_test(what_the_filter_leaves_out_has_no_series),
        cmocka_unit_test(disks_may_come_and_go_and_change_places),
        cmocka_unit_test(a_name_with_other_numbers_is_another_device),
        cmocka_unit_test(a_malformed_file_is_absent_as_a_whole),
        cmocka_unit_test(a_thousand_disks_are_told_and_those_that_went_are_let_go),
    };
    return cmocka_run_group_tests_name("diskstats", tests, NULL, NULL);
}
