// test_journal_reader - what is read of a journal, and what is left out.

#include "tests/unit/collector/journal_bed.h"

#include "collector/journal_scan.h"

static int
see(void *arg, const struct journal_row *row)
{
    *(uint64_t *) arg += row->n;
    return 0;
}

// Long ago is read by itself, not with all that came since; also where it came late.
static void
segments_that_have_nothing_so_old_are_left_out(void **state)
{
    lane_table_t *lanes = lane_table_new();
    struct journal_keep keep = { 0 };
    struct journal_found found = { 0 };
    struct journal_told told = { 0 }, all = { 0 };
    uint64_t n = 0;
    struct journal_read read = { .dir = bed.dir,
                                 .owner = BED_OWNER,
                                 .lanes = lanes,
                                 .keep = &keep,
                                 .from_ms = BED_T0,
                                 .to_ms = INT64_MAX,
                                 .arg = &n,
                                 .row = see };

    (void) state;
    bed.options.keep_ms = INT64_C(86400000);
    bed_open();
    bed_run(3, 4000);
    fake_say(&bed.streams[1], BED_T0 + 500 - bed_now_ms, 0, 99); // long ago, and comes now
    bed.rows[1]++;
    fake_row(&bed.streams[1], RECORD_DELTA, bed_now_ms, BED_SLOTS, 1);
    bed_add(1);
    bed_commit();
    bed_run(3, 2000);
    bed_reopen(); // what is known of segments is read back
    read.end = journal_file_end(bed.file);
    assert_int_equal(
        journal_scan(lanes, &keep, &found,
                     &(struct journal_scan_options){ .dir = bed.dir,
                                                     .owner = BED_OWNER,
                                                     .oldest = journal_file_oldest(bed.file),
                                                     .end = read.end,
                                                     .now_ms = bed_now_ms }),
        0);
    assert_int_equal(journal_keep_oldest_ms(&keep), BED_T0);
    assert_int_equal(journal_read(&read, &all), 0);
    read.to_ms = BED_T0 + 9999;
    n = 0;
    assert_int_equal(journal_read(&read, &told), 0);
    assert_int_equal(n, 3 * 10 * BED_SLOTS + 1);
    assert_int_equal(told.unreadable, 0);
    assert_true(told.walked.bytes < all.walked.bytes / 3);
    lane_table_destroy(&lanes);
    journal_keep_release(&keep);
}

// Half of the hosts, and of these one series: nothing else is given, and nothing is said to lack.
static bool
is_even(void *arg, uint64_t host, const char *name)
{
    (void) arg;
    (void) name;
    return host % 2 == 0;
}

static bool
is_fifth(void *arg, uint64_t host, struct journal_series *series)
{
    (void) arg;
    assert_int_equal(host % 2, 0);
    return strcmp(label_set_metric(&series->labels), "m_5") == 0;
}

static int
see_fifth(void *arg, const struct journal_row *row)
{
    assert_int_equal(row->n, 1);
    assert_true(row->values[0] == (double) (row->time_ms - BED_T0) / 1000 + 5);
    return see(arg, row);
}

static void
what_is_not_wanted_is_not_given(void **state)
{
    struct journal_told told;
    uint64_t n = 0;
    struct journal_read read = { .dir = bed.dir,
                                 .owner = BED_OWNER,
                                 .from_ms = BED_T0 + 100 * 1000,
                                 .to_ms = BED_T0 + 199 * 1000,
                                 .arg = &n,
                                 .host = is_even,
                                 .series = is_fifth,
                                 .row = see_fifth };

    (void) state;
    bed_open();
    bed_run(BED_STREAMS, 300);
    read.end = journal_file_end(bed.file);
    read.lanes = journal_file_lanes(bed.file);
    assert_int_equal(journal_read(&read, &told), 0);
    assert_int_equal(n, 100 * (BED_STREAMS / 2));
    assert_int_equal(told.unreadable, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(segments_that_have_nothing_so_old_are_left_out, bed_setup,
                                        bed_teardown),
        cmocka_unit_test_setup_teardown(what_is_not_wanted_is_not_given, bed_setup, bed_teardown),
    };

    return cmocka_run_group_tests_name("journal_reader", tests, NULL, NULL);
}
