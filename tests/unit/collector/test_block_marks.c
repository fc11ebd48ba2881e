// test_block_marks - which files say how many samples a stream has below its mark.

#include "tests/unit/collector/block_bed.h"

static struct bed bed;

static int
setup(void **state)
{
    (void) state;
    bed = (struct bed){ .dir = "/tmp/zpulse-test-XXXXXX" };
    assert_non_null(mkdtemp(bed.dir));
    assert_int_equal(bed_open(&bed), 0);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    bed_close(&bed);
    return folder_remove(bed.dir);
}

struct totals {
    uint64_t of[3]; // of the days from DAY on
    unsigned n;
};

static int
take_total(void *arg, const struct block_name *file, const struct block_mark *mark)
{
    struct totals *totals = arg;

    assert_in_range(file->partition, DAY, DAY + 2);
    totals->of[file->partition - DAY] = mark->total;
    totals->n++;
    return 0;
}

// A tile of each of these days, and one mark.
static void
write_days(uint64_t number, int64_t day, unsigned days, uint64_t total)
{
    static uint8_t bytes[3][LEN_MAX];
    const struct block_mark mark = { .stream = 9, .seq = number, .total = total };
    struct block_tile tiles[3];
    bool written[3] = { false, false, false };

    for (unsigned i = 0; i < days; i++)
        tiles[i] = bed_tile(number + i, day + i, bytes[i]);
    assert_int_equal(block_files_write(bed.files, 0, tiles, days, &mark, 1, written), 0);
}

// A copy that is made between two of them would otherwise be sure of what it lacks.
static void
of_several_days_the_last_one_alone_has_totals(void **state)
{
    struct totals totals = { .n = 0 };

    (void) state;
    write_days(10, DAY, 3, 100);
    assert_int_equal(block_reader_marks(bed.reader, take_total, &totals), 0);
    assert_int_equal(totals.n, 3);
    assert_int_equal(totals.of[0], 0);
    assert_int_equal(totals.of[1], 0);
    assert_int_equal(totals.of[2], 100);
}

// After a backup the newest file alone is sure of the others: it knows what came late as well.
static void
what_comes_to_an_earlier_day_is_said_by_the_newest_file(void **state)
{
    struct totals totals = { .n = 0 };

    (void) state;
    write_days(10, DAY, 2, 100);
    write_days(20, DAY, 1, 200);
    assert_int_equal(block_reader_marks(bed.reader, take_total, &totals), 0);
    assert_int_equal(totals.n, 2);
    assert_int_equal(totals.of[0], 0);
    assert_int_equal(totals.of[1], 200);
}

// The rest of a write that found no room in the newest file, which has no tile of it.
static void
a_mark_that_found_no_room_is_said_again(void **state)
{
    const struct block_mark mark = { .stream = 9, .seq = 20, .total = 200 };
    static uint8_t bytes[LEN_MAX];
    const struct block_tile tile = bed_tile(20, DAY, bytes);
    struct totals totals = { .n = 0 };
    bool written = true;

    (void) state;
    write_days(10, DAY, 2, 100);
    assert_int_equal(block_files_write(bed.files, 0, &tile, 1, &mark, 1, &written), 0);
    assert_int_equal(block_reader_marks(bed.reader, take_total, &totals), 0);
    assert_int_equal(totals.of[1], 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_several_days_the_last_one_alone_has_totals),
        TEST(what_comes_to_an_earlier_day_is_said_by_the_newest_file),
        TEST(a_mark_that_found_no_room_is_said_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
