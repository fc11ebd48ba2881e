// test_journal_file - what was committed is there, whatever happens, for as long as it is needed.

#include "tests/unit/collector/journal_bed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "tests/support/seeded.h"

static void
a_stream_goes_on_after_an_open_where_it_was(void **state)
{
    struct lane_entry before;

    (void) state;
    bed_open();
    bed_run(2, 10);
    before = *bed_lane(1);
    bed_reopen();
    assert_int_equal(bed_lane(1)->next, 12);
    assert_int_equal(bed_lane(1)->crc, before.crc);
    assert_int_not_equal(before.crc, 0);
    assert_int_equal(bed_lane(1)->taken, 10 * BED_SLOTS);
    assert_int_equal(bed_lane(1)->total, 10 * BED_SLOTS);
    assert_string_equal(lane_table_name(journal_file_lanes(bed.file), 101), "host-1");
    bed_run(2, 10);
    bed_reopen();
    bed_read();
    assert_int_equal(bed.read[0], 20);
    assert_int_equal(bed.read[1], 20);
}

static void
an_open_reads_the_newest_segment_alone(void **state)
{
    (void) state;
    bed_open();
    bed_run(4, 2000);
    bed_reopen();
    assert_true(bed.found.segments > 10);
    assert_int_equal(bed.found.read, 1);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(bed_lane(i)->next, 2002);
    bed_read();
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(bed.read[i], 2000);
}

static uint64_t
newest_segment(void)
{
    return journal_file_end(bed.file).segment;
}

static void
segment_path(char *out, size_t size, uint64_t number)
{
    snprintf(out, size, "%s/%016" PRIx64 ".seg", bed.dir, number);
}

// Zeros from `at` on, as a machine leaves them that lost power before they were written.
static void
tear(uint64_t number, off_t at)
{
    char path[128];
    int fd;

    segment_path(path, sizeof path, number);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, at), 0);
    assert_int_equal(ftruncate(fd, (off_t) bed.options.segment_bytes), 0);
    close(fd);
}

static void
a_segment_whose_checkpoint_was_torn_is_read_with_the_one_before(void **state)
{
    uint64_t number;

    (void) state;
    bed_open();
    bed_run(4, 100);
    number = newest_segment();
    while (newest_segment() == number)
        bed_run(4, 1);
    journal_file_close(&bed.file);
    // Its header and some of its first record.
    tear(number + 1, 64 + 40);
    bed_open();
    assert_int_equal(bed.found.read, 2);
    // What had been synced with it is gone with the power; the rest is whole.
    for (unsigned i = 0; i < 4; i++)
        assert_true(bed_lane(i)->next + 1 >= bed.streams[i].seq);
    bed_read();
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(bed.read[i] + 2, bed_lane(i)->next);
}

static void
a_torn_end_takes_records_from_the_end_only(void **state)
{
    struct segment_place end;

    (void) state;
    bed_open();
    bed_run(3, 30);
    end = journal_file_end(bed.file);
    // Every place within the last rows, as after a write that the disk did not finish. What was
    // synced can't be torn: it would be told as damage. So it is made as if it had not been.
    for (uint32_t cut = 1; cut < 60; cut += 7) {
        journal_file_close(&bed.file);
        tear(end.segment, (off_t) (end.offset - cut));
        bed_open();
        assert_int_equal(bed.found.damaged_bytes, 0);
        for (unsigned i = 0; i < 3; i++)
            assert_true(bed_lane(i)->next >= 31);
        bed_read();
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(bed.read[i] + 2, bed_lane(i)->next);
        end = journal_file_end(bed.file);
        if (bed_lane(0)->next < 32)
            break;
    }
}

static void
streams_that_ended_are_forgotten_after_days(void **state)
{
    (void) state;
    bed_open();
    bed_run(3, 5);
    fake_record(&bed.streams[2], RECORD_END, 0, bed_now_ms, "", 0);
    bed_add(2);
    bed_commit();
    bed_now_ms += 7 * INT64_C(86400000);
    bed_run(1, 1000);
    assert_true(bed_lane(2)->ended);
    bed_now_ms += 2 * INT64_C(86400000);
    bed_run(1, 1000);
    assert_null(bed_lane(2));
    assert_null(lane_table_name(journal_file_lanes(bed.file), 102));
    assert_non_null(bed_lane(1)); // it may come back
}

static void
another_collectors_journal_is_refused(void **state)
{
    journal_file_t *other = NULL;

    (void) state;
    bed_open();
    bed_run(1, 1);
    journal_file_close(&bed.file);
    bed.options.owner++;
    assert_int_equal(journal_file_open(&other, &bed.found, &bed.options), ERR_UNKNOWN);
    assert_null(other);
    bed.options.owner--;
    bed_open();
    assert_int_equal(bed_lane(0)->next, 3);
}

// Flips one bit of a segment.
static void
damage(uint64_t number, off_t at)
{
    char path[128];
    uint8_t byte;
    int fd;

    segment_path(path, sizeof path, number);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 16;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static void
damage_in_the_middle_is_read_around(void **state)
{
    (void) state;
    bed_open();
    bed_run(3, 1000);
    damage(3, 30000);
    bed_read();
    assert_true(bed.walked.damaged_bytes > 0);
    assert_true(bed.walked.damaged_bytes < 1000);
    for (unsigned i = 0; i < 3; i++) {
        // One record at most, and what needed it until the next KEY.
        assert_in_range(bed.read[i], 1000 - BED_KEYS, 1000);
        assert_int_equal(bed.last_ms[i], BED_T0 + 999 * 1000);
    }
    bed_reopen();
    assert_int_equal(bed.found.damaged_bytes, 0); // nobody looked there
    assert_int_equal(bed_lane(0)->next, 1002);
}

static void
damage_of_a_checkpoint_costs_a_segment_more(void **state)
{
    uint64_t number;

    (void) state;
    bed_open();
    bed_run(4, 500);
    number = newest_segment();
    while (newest_segment() == number)
        bed_run(4, 1);
    bed_run(4, 20);
    journal_file_close(&bed.file);
    damage(number + 1, 64 + 200);
    bed_open();
    assert_true(bed.found.damaged_bytes > 0);
    assert_in_range(bed.found.read, 2, 3);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(bed_lane(i)->next, bed.streams[i].seq);
}

// Streams that have begun and no more: a checkpoint of them has three entries.
static void
many_lanes(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct fake_stream stream = { .id = 10000 + i, .metric = "m" };

        fake_ident(&stream, 7, "w");
        journal_group_add(
            bed.group,
            &(struct journal_item){
                .host = 7, .received_ms = bed_now_ms, .kind = JOURNAL_RECORD, .kept = true },
            stream.frame + FRAME_PREFIX_SIZE, stream.len - FRAME_PREFIX_SIZE);
        row_state_release(&stream.rows);
    }
    bed_commit();
}

static void
begin_a_segment_of_many_lanes(void)
{
    uint64_t number;

    bed.options.segment_bytes = 2u * 1024u * 1024u;
    bed_open();
    bed_run(4, 10);
    many_lanes(10000); // five entries of a checkpoint and more
    number = newest_segment();
    while (newest_segment() == number)
        bed_run(4, 100);
    journal_file_close(&bed.file);
}

// One of its entries is missing, and with it lanes: what they had would be taken a second time.
static void
a_checkpoint_with_a_damaged_middle_is_not_taken_for_whole(void **state)
{
    (void) state;
    begin_a_segment_of_many_lanes();
    bed_open();
    assert_int_equal(bed.found.read, 1);
    assert_int_equal(bed.found.lanes, 10004);
    damage(newest_segment(), 200 * 1024);
    bed_reopen();
    assert_true(bed.found.damaged_bytes > 0);
    assert_int_equal(bed.found.lanes, 10004);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(bed_lane(i)->next, bed.streams[i].seq);
}

// The child commits, and says after each group how far it is.
static void
child(int to)
{
    uint64_t acked[BED_STREAMS];

    bed_open();
    for (unsigned i = 0; i < BED_STREAMS; i++)
        bed.rows[i] = bed_lane(i) == NULL ? 0 : bed_lane(i)->next - 2;
    for (unsigned i = 0; i < BED_STREAMS; i++) {
        // As an agent that was told `next`: a KEY first, since its state is gone.
        bed.streams[i].seq = bed_lane(i) == NULL ? 0 : bed_lane(i)->next;
        bed.streams[i].total = bed.rows[i] * BED_SLOTS;
    }
    for (bool first = true;; first = false) {
        bed_now_ms = BED_T0 + 1000 * (int64_t) bed.rows[0];
        for (unsigned i = 0; i < BED_STREAMS; i++) {
            const uint64_t k = bed.rows[i]++;

            if (k == 0)
                bed_begin_stream(i);
            fake_row(&bed.streams[i], first || k % BED_KEYS == 0 ? RECORD_KEY : RECORD_DELTA,
                     BED_T0 + 1000 * (int64_t) k, BED_SLOTS, (int64_t) k);
            bed_add(i);
        }
        bed_commit();
        for (unsigned i = 0; i < BED_STREAMS; i++)
            acked[i] = bed.streams[i].seq;
        if (write(to, acked, sizeof acked) != sizeof acked)
            _exit(1);
    }
}

static void
what_was_acknowledged_survives_kills_at_any_moment(void **state)
{
    uint64_t seed = 11, acked[BED_STREAMS] = { 0 };

    (void) state;
    for (int round = 0; round < 40; round++) {
        const uint64_t until = acked[0] + seeded_below(&seed, 60);
        int at[2], status;
        pid_t pid;

        assert_int_equal(pipe(at), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(at[0]);
            child(at[1]);
        }
        close(at[1]);
        while (acked[0] < until && read(at[0], acked, sizeof acked) == sizeof acked)
            continue;
        usleep(seeded_below(&seed, 2000));
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        while (read(at[0], acked, sizeof acked) == sizeof acked)
            continue;
        close(at[0]);
        bed_open();
        for (unsigned i = 0; i < BED_STREAMS; i++) {
            // A group that was cut short leaves one stream ahead of the next.
            assert_true(bed_lane(i) != NULL || acked[i] == 0);
            assert_true(bed_lane(i) == NULL || bed_lane(i)->next >= acked[i]);
        }
        bed_read();
        for (unsigned i = 0; i < BED_STREAMS && bed_lane(i) != NULL && bed_lane(i)->next > 1; i++)
            assert_int_equal(bed.read[i] + 2, bed_lane(i)->next);
        journal_file_close(&bed.file);
    }
    assert_true(acked[0] > 500);
}

int
main(void)
{
#define bed_test(claim) cmocka_unit_test_setup_teardown(claim, bed_setup, bed_teardown)
    const struct CMUnitTest tests[] = {
        bed_test(a_stream_goes_on_after_an_open_where_it_was),
        bed_test(an_open_reads_the_newest_segment_alone),
        bed_test(a_segment_whose_checkpoint_was_torn_is_read_with_the_one_before),
        bed_test(a_torn_end_takes_records_from_the_end_only),
        bed_test(streams_that_ended_are_forgotten_after_days),
        bed_test(another_collectors_journal_is_refused),
        bed_test(damage_in_the_middle_is_read_around),
        bed_test(damage_of_a_checkpoint_costs_a_segment_more),
        bed_test(a_checkpoint_with_a_damaged_middle_is_not_taken_for_whole),
        bed_test(what_was_acknowledged_survives_kills_at_any_moment),
    };
    return cmocka_run_group_tests_name("journal_file", tests, NULL, NULL);
}
