// test_spool_faults - a spool through damage, power cuts, kills, older copies and full disks.

#include "tests/unit/agent/spool_files_bed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/spool_state.h"
#include "tests/support/seeded.h"
#include "tests/support/small_disk.h"

static bool small; // the root is a small file system
static char small_root[64] = "/tmp/zpulse-spool-XXXXXX";

// Somebody's bytes over those of a file.
static void
scribble(const struct bed *b, uint64_t number, off_t at, const void *bytes, size_t n)
{
    char path[160], name[SEGMENT_NAME_SIZE];
    int fd;

    segment_name(name, number);
    snprintf(path, sizeof path, "%s/%s", b->dir, name);
    fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, bytes, n, at), n);
    close(fd);
}

static void
damage_is_a_gap_and_what_is_behind_it_is_read(void **state)
{
    static const uint8_t noise[700] = { 1, 2, 3 };
    struct bed *b = *state;

    append(b, 200);
    assert_int_equal(spool_files_sync(b->files), 0);
    scribble(b, 2, 5000, noise, sizeof noise); // in the middle of a segment
    scribble(b, 4, 0, noise, 3);               // a header
    reopen(b);
    assert_int_equal(b->found.unreadable, 1);
    assert_int_equal(drain(b, 1, 0, false), 200);
    assert_int_equal(b->gaps, 2);
    assert_int_equal(b->gap_cause, LOST_DAMAGE + 1);
    assert_int_equal(spool_files_book(b->files)->ledger.lost[LOST_DAMAGE], b->gap_samples);
    assert_true(b->records > 120);
    // It is told the same way again.
    assert_int_equal(drain(b, 1, 0, false), 200);
    assert_int_equal(b->gaps, 2);
}

// Where record `seq` of stream 1 stands in segment 1, as they are appended.
static off_t
place_of(uint64_t seq)
{
    return 64 + (off_t) seq * (16 + 1 + FRAME_RECORD_HEADER + LEN);
}

static void
what_damage_makes_unreadable_is_lost_with_it_up_to_the_next_key(void **state)
{
    static const uint8_t noise[4] = { 1, 2, 3, 4 };
    struct bed *b = *state;

    append(b, 30); // KEYs are 2 and 16
    assert_int_equal(spool_files_sync(b->files), 0);
    scribble(b, 1, place_of(7) + 100, noise, sizeof noise);
    reopen(b);
    assert_int_equal(drain(b, 1, 0, false), 30);
    assert_int_equal(b->gaps, 1);
    assert_int_equal(b->records, 30 - 9); // 7 to 15
    assert_int_equal(b->gap_samples, bed_total(16) - bed_total(7));
    assert_int_equal(b->gap_cause, LOST_DAMAGE + 1);
    assert_int_equal(spool_files_book(b->files)->ledger.lost[LOST_DAMAGE], b->gap_samples);
    check(b);
    // It is told the same way again, and from there on.
    assert_int_equal(drain(b, 1, 7, true), 30);
    assert_int_equal(b->gaps, 1);
    assert_int_equal(b->records, 14);
    assert_int_equal(drain(b, 1, 16, true), 30);
    assert_int_equal(b->gaps, 0);
    assert_int_equal(b->records, 14);
    spool_files_acked(b->files, 1, 30, bed_total(30), COLLECTOR);
    check(b);
    assert_int_equal(spool_files_book(b->files)->ledger.pending, 0);
}

static void
a_record_that_is_none_is_put_aside_and_told_as_lost(void **state)
{
    struct bed *b = *state;
    struct segment_log_found found;
    segment_log_t *log;
    struct stat st;
    char path[160];

    spool_files_close(&b->files);
    bed_clear(b->dir);
    assert_int_equal(segment_log_open(&log, &found,
                                      &(const struct segment_log_options){ .dir = b->dir,
                                                                           .owner = SPOOL_OWNER,
                                                                           .segment_bytes = SEGMENT,
                                                                           .holes = true }),
                     0);
    for (uint64_t seq = 0; seq < 20; seq++) {
        const struct record r = bed_record(1, seq, LEN);
        uint8_t bytes[1 + FRAME_RECORD_HEADER + LEN] = { SPOOL_RECORD };
        struct segment_place place;

        frame_put_record(bytes + 1, sizeof bytes - 1, &r);
        if (seq == 7)
            bytes[100] ^= 1; // before it came to the disk
        assert_int_equal(
            segment_log_append(log, &(const struct segment_payload){ bytes, sizeof bytes, "", 0 },
                               &place),
            0);
    }
    segment_log_close(&log);
    open_files(b);
    assert_int_equal(drain(b, 1, 0, false), 20);
    assert_int_equal(b->records, 20 - 9); // and what can't be read without it, up to the KEY 16
    assert_int_equal(b->gaps, 1);
    assert_int_equal(drain(b, 1, 0, false), 20); // once is enough
    assert_int_equal(spool_files_stat(b->files).unreadable, 1);
    snprintf(path, sizeof path, "%s/unreadable", b->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 16 + 1 + FRAME_RECORD_HEADER + LEN);
}

static void
a_tail_that_a_power_cut_took_is_told_as_far_as_the_book_knew_of_it(void **state)
{
    static const uint8_t zeros[SEGMENT];
    struct bed *b = *state;
    const struct spool_book *book;

    append(b, 60);
    assert_int_equal(spool_files_sync(b->files), 0);
    append(b, 10);
    assert_int_equal(spool_files_write_book(b->files), 0);
    append(b, 2);
    // Of the newest segment nothing behind its first 2000 bytes is left.
    scribble(b, 3, 2000, zeros, SEGMENT - 2000);
    reopen(b);
    book = spool_files_book(b->files);
    assert_int_equal(book->streams[0].head, 70);
    assert_int_equal(drain(b, 1, 0, false), 70);
    assert_int_equal(b->gaps, 1);
    assert_int_equal(b->gap_cause, LOST_POWER_CUT + 1);
    assert_int_equal(book->ledger.lost[LOST_POWER_CUT], b->gap_samples);
    assert_true(b->gap_samples > 0);
}

static void
a_spool_without_its_book_is_read_as_far_as_it_goes(void **state)
{
    struct bed *b = *state;
    char path[160];

    append(b, 300);
    ack(b, 1, 200);
    assert_int_equal(spool_files_sync(b->files), 0);
    snprintf(path, sizeof path, "%s/book", b->dir);
    assert_int_equal(unlink(path), 0);
    reopen(b);
    assert_int_equal(spool_files_book(b->files)->n_streams, 1);
    assert_int_equal(drain(b, 1, spool_files_book(b->files)->streams[0].base, false), 300);
    assert_int_equal(b->gaps, 0);
    assert_true(b->records >= 100 && b->records < 150);
}

static void
copy_folder(const char *from, const char *to)
{
    char command[400];

    snprintf(command, sizeof command, "rm -rf %s && cp -a %s %s", to, from, to);
    assert_int_equal(system(command), 0);
}

static void
an_older_copy_of_the_folder_is_a_spool_as_it_was_then(void **state)
{
    struct bed *b = *state;
    char copy[100];

    append(b, 100);
    assert_int_equal(spool_files_write_book(b->files), 0);
    snprintf(copy, sizeof copy, "%s/copy", b->root);
    copy_folder(b->dir, copy); // of one that is running
    append(b, 200);
    ack(b, 1, 250);
    spool_files_close(&b->files);
    copy_folder(copy, b->dir);
    bed_clear(copy);
    open_files(b);
    assert_int_equal(drain(b, 1, 0, false), 100);
    // A collector that has more says so: all of it is acknowledged, and the stream has not forked
    // in silence: nothing is written to it.
    ack(b, 1, 250);
    assert_int_equal(spool_files_book(b->files)->ledger.pending, 0);
    b->next = 100;
    {
        const struct record r = bed_record(1, 100, LEN);

        assert_int_equal(spool_files_append(b->files, &r), -EAGAIN);
    }
}

// A child that appends, acknowledges and syncs until it is gone, at any step; what it had flushed
// is there.
static void
a_kill_at_any_moment_keeps_what_was_flushed(void **state)
{
    struct bed *b = *state;
    uint64_t seed = 3;

    spool_files_close(&b->files);
    for (int round = 0; round < 60; round++) {
        const uint32_t steps = 1 + seeded_below(&seed, 200);
        uint64_t told[2] = { 0, 0 }, from;
        int pipe_fd[2];
        pid_t child;

        assert_int_equal(pipe(pipe_fd), 0);
        child = fork();
        if (child == 0) {
            open_files(b);
            for (uint32_t i = 0; i < steps; i++) {
                append(b, 1 + seeded_below(&seed, 5));
                told[0] = b->next;
                if (seeded_below(&seed, 10) == 0)
                    ack(b, b->stream, told[1] = b->next - seeded_below(&seed, 3) % b->next);
                if (seeded_below(&seed, 20) == 0)
                    (void) spool_files_write_book(b->files);
                if (write(pipe_fd[1], told, sizeof told) != sizeof told)
                    _exit(1);
            }
            raise(SIGKILL);
        }
        close(pipe_fd[1]);
        while (read(pipe_fd[0], told, sizeof told) == sizeof told)
            ;
        close(pipe_fd[0]);
        assert_int_equal(waitpid(child, NULL, 0), child);
        open_files(b);
        assert_int_equal(b->found.damaged_bytes, 0);
        from = spool_book_stream((struct spool_book *) (uintptr_t) spool_files_book(b->files),
                                 b->stream)
                   ->base;
        assert_true(from <= told[1]);
        assert_int_equal(drain(b, b->stream, from, false), told[0]);
        assert_int_equal(b->gaps, 0);
        spool_files_end(b->files, b->stream);
        ack(b, b->stream, told[0] + 1);
        assert_int_equal(spool_files_book(b->files)->ledger.pending, 0);
        assert_int_equal(spool_files_write_book(b->files), 0);
        spool_files_close(&b->files);
        b->stream++;
        b->next = 0;
    }
    open_files(b);
}

// Segments go, and the book is written, with a record on its way to its own.
static void
a_kill_behind_an_acknowledgement_makes_no_record_a_lost_one(void **state)
{
    struct bed *b = *state;
    pid_t child;

    spool_files_close(&b->files);
    child = fork();
    if (child == 0) {
        struct record r;

        open_files(b);
        append(b, 400);
        r = bed_record(b->stream, b->next, LEN);
        if (spool_files_append(b->files, &r) != 0)
            _exit(1);
        ack(b, b->stream, b->next);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    open_files(b);
    assert_true(spool_files_book(b->files)->ledger.acked > 0);
    assert_int_equal(ledger_lost(&spool_files_book(b->files)->ledger), 0);
}

static void
a_full_disk_costs_the_oldest_and_the_rest_goes_on(void **state)
{
    struct bed *b = *state;

    spool_files_close(&b->files);
    bed_clear(b->dir);
    for (int by_limit = small ? 0 : 1; by_limit < 2; by_limit++) {
        struct record r;
        int rc = 0;

        if (by_limit == 0)
            snprintf(b->dir, sizeof b->dir, "%s/spool", small_root);
        else
            snprintf(b->dir, sizeof b->dir, "%s/spool", b->root);
        b->stream = 1;
        b->next = 0;
        open_files(b);
        memset(b->lost, 0, sizeof b->lost);
        append(b, 100);
        small_disk_fill(small_root, by_limit, SEGMENT / 2);
        if (by_limit == 0) {
            // Segments that are given up are used again.
            append(b, 1000);
            assert_false(spool_files_stat(b->files).refusing);
            assert_true(b->lost[LOST_DISK_FULL] > 0);
        } else {
            // Nothing can be written at all.
            for (int i = 0; i < 100; i++) {
                r = bed_record(1, b->next, LEN);
                rc = spool_files_append(b->files, &r);
                if (rc == 0)
                    rc = spool_files_flush(b->files);
                b->next++;
                check(b);
            }
            assert_int_equal(rc, -EAGAIN);
            r = bed_table(1, b->next, RECORD_TABLE);
            assert_int_equal(spool_files_table(b->files, &r), -EAGAIN);
            assert_true(spool_files_stat(b->files).full);
        }
        small_disk_free(small_root);
        r = bed_table(1, b->next, RECORD_TABLE);
        assert_int_equal(spool_files_table(b->files, &r), 0);
        append(b, 100);
        assert_int_equal(drain(b, 1, 0, false), b->next);
        assert_true(b->gaps >= 1);
        assert_int_equal(b->gap_cause, LOST_DISK_FULL + 1);
        assert_int_equal(b->samples + b->gap_samples, bed_total(b->next));
        spool_files_close(&b->files);
        bed_clear(b->dir);
    }
    open_files(b);
}

static int
enter(void **state)
{
    (void) state;
    if (mkdtemp(small_root) == NULL)
        return -1;
    small = small_disk_enter(small_root, 40 * SEGMENT);
    return 0;
}

static int
leave(void **state)
{
    (void) state;
    if (small)
        umount(small_root);
    return rmdir(small_root);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        files_test(damage_is_a_gap_and_what_is_behind_it_is_read),
        files_test(what_damage_makes_unreadable_is_lost_with_it_up_to_the_next_key),
        files_test(a_record_that_is_none_is_put_aside_and_told_as_lost),
        files_test(a_tail_that_a_power_cut_took_is_told_as_far_as_the_book_knew_of_it),
        files_test(a_spool_without_its_book_is_read_as_far_as_it_goes),
        files_test(an_older_copy_of_the_folder_is_a_spool_as_it_was_then),
        files_test(a_kill_at_any_moment_keeps_what_was_flushed),
        files_test(a_kill_behind_an_acknowledgement_makes_no_record_a_lost_one),
        files_test(a_full_disk_costs_the_oldest_and_the_rest_goes_on),
    };
    return cmocka_run_group_tests_name("spool_faults", tests, enter, leave);
}
