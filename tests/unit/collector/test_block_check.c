// test_block_check - what a disk has forgotten is found by whoever looks.

#include <fcntl.h>
#include <sys/stat.h>

#include "collector/store/block_check.h"
#include "collector/store/local_store.h"
#include "shared/base/clock.h"
#include "tests/unit/collector/block_bed.h"

#define DEADLINE_MS 20000

static struct bed bed;

static int
setup(void **state)
{
    (void) state;
    bed = (struct bed){ .dir = "/tmp/zpulse-test-XXXXXX" };
    assert_non_null(mkdtemp(bed.dir));
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    return folder_remove(bed.dir);
}

static bool
no_stream(void *arg, uint64_t stream)
{
    (void) arg;
    (void) stream;
    return false;
}

// `days` files of the store's own tiles.
static void
write_tiles(int days)
{
    struct label labels[] = { { LABEL_METRIC, "x" } };
    local_store_t *local;
    struct label_set set;
    series_id id;

    assert_int_equal(local_store_open(&local, &(struct local_store_config){ .most_bytes = 1u << 20,
                                                                            .dir = bed.dir }),
                     0);
    assert_int_equal(local_store_load(local, no_stream, NULL), 0);
    assert_int_equal(label_set_init(&set, labels, 1), 0);
    assert_int_equal(store_series(local_store_face(local), 1, &set, METRIC_GAUGE, &id), 0);
    label_set_release(&set);
    for (int i = 0; i < 1000 * days; i++) {
        const double value = i * 0.37;
        const struct store_row row = { .host = 1,
                                       .time_ms = DAY * PARTITION_MS + i * (PARTITION_MS / 1000),
                                       .n = 1,
                                       .series = &id,
                                       .values = &value };

        store_append(local_store_face(local), &row);
    }
    local_store_seal(local);
    local_store_destroy(&local);
}

static struct block_check_stat
check(uint64_t files)
{
    const int64_t until_ms = clock_mono_ms() + DEADLINE_MS;
    struct block_check_stat stat = { 0 };
    block_check_t *self;

    assert_int_equal(block_check_start(
                         &self, &(struct block_check_options){ .files = bed.files, .least_ms = 1 }),
                     0);
    while (stat.files < files && clock_mono_ms() < until_ms) {
        usleep(1000);
        stat = block_check_stat(self);
    }
    block_check_stop(&self);
    assert_true(stat.files >= files);
    return stat;
}

static void
what_is_as_it_was_written_is_left_alone(void **state)
{
    struct block_check_stat stat;

    (void) state;
    write_tiles(3);
    assert_int_equal(bed_open(&bed), 0);
    stat = check(6);
    assert_int_equal(stat.damaged_files, 0);
    assert_int_equal(stat.damaged_tiles, 0);
    assert_int_equal(block_files_tick(bed.files, 1), 0);
    assert_int_equal(bed.told, 0);
    bed_close(&bed);
}

static void
a_tile_with_other_bytes_is_told_and_its_file_stays(void **state)
{
    struct block_check_stat stat;

    (void) state;
    assert_int_equal(bed_open(&bed), 0);
    assert_int_equal(bed_write(&bed, 0, 1, DAY, 1), 0); // no tile at all, to a reader of tiles
    stat = check(1);
    assert_true(stat.damaged_tiles > 0);
    assert_int_equal(stat.damaged_files, 0);
    assert_int_equal(block_files_tick(bed.files, 1), 0);
    assert_int_equal(bed.told, 0);
    bed_close(&bed);
}

static void
a_damaged_file_is_set_aside_at_the_next_tick(void **state)
{
    struct block_check_stat stat;
    char path[160];
    struct stat is;
    int fd;

    (void) state;
    write_tiles(2);
    bed_path(&bed, path, "raw-0-20260101.db");
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &is), 0);
    assert_true(is.st_size > 2 * 8192);
    // All behind the first page, which says whose file it is.
    for (off_t at = 8192; at < is.st_size; at += 8)
        assert_int_equal(pwrite(fd, "rubbish!", 8, at), 8);
    close(fd);
    assert_int_equal(bed_open(&bed), 0);
    stat = check(2);
    assert_true(stat.damaged_files > 0);
    assert_int_equal(block_files_tick(bed.files, 1), 0);
    assert_int_equal(bed.told, 1);
    assert_string_equal(bed.name, "raw-0-20260101.db");
    assert_true(bed_has(&bed, "raw-0-20260101.db.damaged"));
    assert_true(bed_has(&bed, "raw-0-20260102.db"));
    bed_close(&bed);
}

static void
it_ends_at_once_whatever_it_is_at(void **state)
{
    (void) state;
    write_tiles(3);
    assert_int_equal(bed_open(&bed), 0);
    for (int i = 0; i < 50; i++) {
        block_check_t *self;

        assert_int_equal(
            block_check_start(&self, &(struct block_check_options){ .files = bed.files }), 0);
        usleep((useconds_t) i * 40);
        block_check_stop(&self);
        assert_null(self);
    }
    assert_int_equal(block_files_tick(bed.files, 1), 0);
    assert_int_equal(bed.told, 0);
    bed_close(&bed);
}

int
main(void)
{
#define check_test(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
    const struct CMUnitTest tests[] = {
        check_test(what_is_as_it_was_written_is_left_alone),
        check_test(a_tile_with_other_bytes_is_told_and_its_file_stays),
        check_test(a_damaged_file_is_set_aside_at_the_next_tick),
        check_test(it_ends_at_once_whatever_it_is_at),
    };
    return cmocka_run_group_tests_name("block_check", tests, NULL, NULL);
}
