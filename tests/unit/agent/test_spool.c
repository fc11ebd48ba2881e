// test_spool - the spool with its thread, as main uses it. A few lines more than is usual: all of
// it is one object's life.

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "agent/spool.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/rbuf.h"
#include "shared/base/xalloc.h"
#include "tests/support/seeded.h"
#include "tests/support/small_disk.h"
#include "tests/unit/agent/spool_bed.h"

#define DEADLINE_MS 20000
#define LEN         700u

struct bed {
    char root[64];
    char dir[80];
    struct spool_options opt;
    struct spool_book *book; // as of the last open
    struct spool_files_found found;
    spool_t *spool;
    uint64_t stream, next; // being written
    uint64_t written;      // as told
    uint64_t expected;     // seq to be read next
    uint64_t records, repeats, gaps, samples, gap_samples;
    uint64_t lost;    // samples, as told
    bool done, end;   // a read was answered; and there is no more
    uint64_t read_to; // by it
};

static void
see_written(void *arg, uint64_t stream, uint64_t next)
{
    struct bed *b = arg;

    if (stream == b->stream) {
        assert_true(next > b->written);
        b->written = next;
    }
}

static void
see_read(void *arg, const struct record *r, bool repeat)
{
    struct bed *b = arg;

    if (repeat) {
        b->repeats++;
        return;
    }
    assert_int_equal(r->seq, b->expected);
    b->expected++;
    if (r->type == RECORD_GAP) {
        struct gap gap;
        struct rbuf body;

        rbuf_init(&body, r->body, r->body_len);
        assert_int_equal(gap_take(&body, &gap), 0);
        b->expected = gap.to + 1;
        b->gap_samples += gap.samples;
        b->gaps++;
        return;
    }
    b->records++;
    b->samples += r->count;
}

static void
see_done(void *arg, uint64_t stream, uint64_t next, bool end, int rc)
{
    struct bed *b = arg;

    (void) stream;
    assert_int_equal(rc, 0);
    b->done = true;
    b->end = end;
    b->read_to = next;
}

static void
see_lost(void *arg, const struct spool_gap *gap)
{
    struct bed *b = arg;

    b->lost += gap->samples;
}

static void
turn(struct bed *b, int ms)
{
    struct pollfd in = { .fd = spool_fd(b->spool), .events = POLLIN };

    (void) poll(&in, 1, ms);
    spool_turn(b->spool,
               &(const struct spool_handler){ see_written, see_read, see_done, see_lost, b });
}

#define turn_until(b, condition)                                \
    do {                                                        \
        const int64_t deadline = clock_mono_ms() + DEADLINE_MS; \
        while (!(condition)) {                                  \
            assert_true(clock_mono_ms() < deadline);            \
            turn(b, 20);                                        \
        }                                                       \
    } while (0)

static void
open_spool(struct bed *b)
{
    assert_int_equal(spool_open(&b->spool, &b->opt, b->book, &b->found), 0);
    b->stream++;
    b->next = b->written = 0;
}

static int
setup(void **state)
{
    struct bed *b = xcalloc(1, sizeof *b);

    strcpy(b->root, "/tmp/zpulse-spool-XXXXXX");
    assert_non_null(mkdtemp(b->root));
    snprintf(b->dir, sizeof b->dir, "%s/spool", b->root);
    b->opt = (struct spool_options){ .dir = b->dir,
                                     .bytes_most = 256 * SPOOL_SEGMENT_BYTES,
                                     .age_most_ms = INT64_MAX / 4,
                                     .sync_ms = 5000,
                                     .close_ms = DEADLINE_MS,
                                     .now_ms = clock_real_ms };
    b->book = xcalloc(1, sizeof *b->book);
    open_spool(b);
    *state = b;
    return 0;
}

static int
teardown(void **state)
{
    struct bed *b = *state;

    assert_int_equal(spool_close(&b->spool), 0);
    bed_clear(b->dir);
    assert_int_equal(rmdir(b->root), 0);
    free(b->book);
    free(b);
    return 0;
}

// As main does it: a segment when the spool wants one, then the record. False: refused.
static bool
append(struct bed *b)
{
    struct record r;
    bool taken;

    if (spool_wants_segment(b->spool)) {
        r = bed_table(b->stream, b->next, RECORD_TABLE);
        (void) spool_table(b->spool, &r);
    }
    r = bed_record(b->stream, b->next, LEN);
    taken = spool_append(b->spool, &r);
    b->next++;
    return taken;
}

static void
append_all(struct bed *b, uint64_t n)
{
    for (; n > 0; n--) {
        if (spool_stat(b->spool).queued_bytes > SPOOL_QUEUE_BYTES / 2)
            turn_until(b, spool_stat(b->spool).queued_bytes < SPOOL_QUEUE_BYTES / 4);
        assert_true(append(b));
    }
    turn_until(b, b->written == b->next);
}

static uint64_t
drain(struct bed *b, uint64_t stream, uint64_t from)
{
    uint64_t next = from;

    b->records = b->repeats = b->gaps = b->samples = b->gap_samples = 0;
    b->expected = from;
    do {
        b->done = false;
        spool_read(b->spool, stream, next, SPOOL_TOTAL_UNKNOWN, 128 * 1024, next == from);
        turn_until(b, b->done);
        next = b->read_to;
    } while (!b->end);
    assert_int_equal(next, b->expected);
    return next;
}

static void
a_record_is_told_as_written_and_is_there_at_the_next_start(void **state)
{
    struct bed *b = *state;

    append_all(b, 1000);
    assert_int_equal(spool_waiting_ms(b->spool), 0);
    assert_int_equal(spool_close(&b->spool), 0);
    open_spool(b);
    assert_int_equal(b->book->n_streams, 1);
    assert_int_equal(b->book->streams[0].head, 1000);
    assert_true(ledger_balanced(&b->book->ledger));
    assert_int_equal(b->book->ledger.pending, bed_total(1000));
    spool_end(b->spool, 1);
    assert_int_equal(drain(b, 1, 0), 1001);
    assert_int_equal(b->samples, bed_total(1000));
    spool_acked(b->spool, 1, 1001, bed_total(1000), 5);
    turn_until(b, spool_stat(b->spool).ledger.pending == 0);
    assert_int_equal(spool_stat(b->spool).ledger.acked, bed_total(1000));
}

static void
eight_hours_of_backlog_are_read_back_in_order(void **state)
{
    struct bed *b = *state;
    int64_t before;

    append_all(b, 28800);
    before = clock_mono_ns();
    assert_int_equal(drain(b, 1, 0), 28800);
    assert_int_equal(b->records, 28800);
    assert_int_equal(b->gaps, 0);
    print_message("%.0f MB/s\n", 28800.0 * (LEN + FRAME_RECORD_HEADER) * 1000 /
                                     (double) (clock_mono_ns() - before));
}

static void
a_backlog_is_read_while_records_are_appended(void **state)
{
    struct bed *b = *state;
    uint64_t next = 0;

    append_all(b, 5000);
    assert_int_equal(spool_close(&b->spool), 0);
    open_spool(b);
    spool_end(b->spool, 1);
    b->expected = 0;
    b->end = false;
    while (!b->end) {
        assert_true(append(b));
        b->done = false;
        spool_read(b->spool, 1, next, SPOOL_TOTAL_UNKNOWN, 20000, false);
        turn_until(b, b->done);
        spool_acked(b->spool, 1, next, SPOOL_TOTAL_UNKNOWN, 5);
        next = b->read_to;
    }
    assert_int_equal(next, 5001);
    turn_until(b, b->written == b->next);
    b->gaps = 0;
    assert_int_equal(drain(b, 2, 0), b->next);
    assert_int_equal(b->gaps, 0);
}

// A stop with the queue full of records.
static void
a_stop_loses_nothing(void **state)
{
    struct bed *b = *state;
    uint64_t taken = 0, all;

    while (taken < 500 && append(b))
        taken++;
    all = b->next;
    assert_int_equal(spool_close(&b->spool), 0);
    open_spool(b);
    assert_int_equal(b->book->streams[0].head, all);
    assert_int_equal(b->book->ledger.pending + ledger_lost(&b->book->ledger), bed_total(all));
    assert_int_equal(drain(b, 1, 0), all);
    assert_true(b->records >= taken);
}

// A clock that stands still, with the thread in it, as a disk would.
static _Atomic int hang_fd = -1;

static int64_t
hanging_clock(void)
{
    const int fd = hang_fd;
    char byte;

    if (fd != -1)
        (void) !read(fd, &byte, 1);
    return clock_real_ms();
}

// The spool is opened again with that clock, which stands from now on; *pipe_ret lets it go on.
static void
hang(struct bed *b, int *pipe_ret)
{
    int pipe_fd[2];

    assert_int_equal(spool_close(&b->spool), 0);
    assert_int_equal(pipe(pipe_fd), 0);
    b->opt.now_ms = hanging_clock;
    b->opt.sync_ms = 20;
    open_spool(b);
    append_all(b, 10);
    hang_fd = pipe_fd[0];
    *pipe_ret = pipe_fd[1];
}

// The pipe stays: nobody can say when the thread is done with it.
static void
hang_no_more(int pipe)
{
    hang_fd = -1;
    assert_int_equal(write(pipe, "", 1), 1);
}

static void
a_full_queue_refuses_until_there_is_room_and_a_table(void **state)
{
    struct bed *b = *state;
    int64_t deadline = clock_mono_ms() + DEADLINE_MS;
    int pipe;

    hang(b, &pipe);
    while (append(b))
        assert_true(clock_mono_ms() < deadline);
    assert_false(append(b));
    hang_no_more(pipe);
    deadline = clock_mono_ms() + DEADLINE_MS;
    while (!append(b)) {
        assert_true(clock_mono_ms() < deadline);
        turn(b, 5);
    }
    append_all(b, 100);
    assert_int_equal(drain(b, b->stream, 0), b->next);
    assert_int_equal(b->gaps, 1);
    assert_int_equal(b->samples + b->gap_samples, bed_total(b->next));
    assert_int_equal(b->lost, b->gap_samples);
    assert_int_equal(spool_stat(b->spool).ledger.lost[LOST_QUEUE], b->gap_samples);
}

static void
a_disk_that_refuses_is_told_and_is_used_again(void **state)
{
    struct bed *b = *state;
    int64_t deadline = clock_mono_ms() + DEADLINE_MS;

    append_all(b, 100);
    small_disk_fill(b->dir, true, 100000);
    while (append(b)) {
        assert_true(clock_mono_ms() < deadline);
        turn(b, 1);
    }
    assert_true(spool_stat(b->spool).files.full);
    assert_int_equal(spool_waiting_ms(b->spool), 0);
    small_disk_free(b->dir);
    while (!append(b)) {
        assert_true(clock_mono_ms() < deadline + DEADLINE_MS);
        turn(b, 5);
    }
    append_all(b, 100);
    assert_int_equal(drain(b, 1, 0), b->next);
    assert_int_equal(b->samples + b->gap_samples, bed_total(b->next));
    assert_true(b->lost > 0);
}

// Killed while it appends as fast as it can; what was told as written is there.
static void
a_kill_at_any_moment_keeps_what_was_told_as_written(void **state)
{
    struct bed *b = *state;
    uint64_t seed = 9;

    assert_int_equal(spool_close(&b->spool), 0);
    for (int round = 0; round < 15; round++) {
        const struct spool_stream *st;
        uint64_t told = 0;
        int pipe_fd[2];
        pid_t child;

        assert_int_equal(pipe(pipe_fd), 0);
        child = fork();
        if (child == 0) {
            open_spool(b);
            for (;;) {
                (void) append(b);
                turn(b, 0);
                if (write(pipe_fd[1], &b->written, sizeof b->written) < 0)
                    _exit(1);
            }
        }
        close(pipe_fd[1]);
        for (uint64_t n = 200 + seeded_below(&seed, 3000); n > 0; n--)
            assert_int_equal(read(pipe_fd[0], &told, sizeof told), sizeof told);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(pipe_fd[0], &told, sizeof told) == sizeof told)
            ;
        close(pipe_fd[0]);
        b->stream++; // the child's
        open_spool(b);
        b->stream--;
        assert_int_equal(b->found.damaged_bytes, 0);
        st = spool_book_stream(b->book, b->stream);
        assert_true(st != NULL ? st->head >= told : told == 0);
        if (st != NULL) {
            assert_int_equal(drain(b, b->stream, 0), st->head);
            assert_int_equal(b->samples + b->gap_samples, st->head_total);
            spool_end(b->spool, b->stream);
            spool_acked(b->spool, b->stream, st->head + 1, SPOOL_TOTAL_UNKNOWN, 5);
        }
        assert_int_equal(spool_close(&b->spool), 0);
    }
    open_spool(b);
    assert_int_equal(b->book->ledger.pending, 0);
}

static void
how_long_a_record_waits_is_told(void **state)
{
    struct bed *b = *state;
    struct pollfd in = { .fd = spool_fd(b->spool), .events = POLLIN };
    int64_t waited;

    assert_int_equal(spool_waiting_ms(b->spool), 0);
    assert_true(append(b));
    (void) poll(&in, 1, DEADLINE_MS); // written; but nobody has listened
    (void) poll(NULL, 0, 20);
    waited = spool_waiting_ms(b->spool);
    assert_true(waited >= 20);
    assert_true(append(b));
    assert_true(spool_waiting_ms(b->spool) >= waited);
    turn_until(b, b->written == 2);
    assert_int_equal(spool_waiting_ms(b->spool), 0);
}

static void
a_stop_does_not_wait_for_a_disk_that_hangs(void **state)
{
    struct bed *b = *state;
    int64_t before, deadline = clock_mono_ms() + DEADLINE_MS;
    int pipe, rc;

    b->opt.close_ms = 0; // as it ships
    hang(b, &pipe);
    // The thread looks at its clock each 40 ms. From then on nothing is written.
    do {
        assert_true(clock_mono_ms() < deadline);
        assert_true(append(b));
        turn(b, 10);
    } while (spool_waiting_ms(b->spool) < 100);
    before = clock_mono_ms();
    assert_int_equal(spool_close(&b->spool), -ETIMEDOUT);
    assert_true(clock_mono_ms() - before >= SPOOL_CLOSE_MS - 5);
    // It comes back, and ends by itself.
    hang_no_more(pipe);
    b->opt.now_ms = clock_real_ms;
    while ((rc = spool_open(&b->spool, &b->opt, b->book, &b->found)) == ERR_LOCKED) {
        assert_true(clock_mono_ms() < deadline);
        (void) poll(NULL, 0, 5);
    }
    assert_int_equal(rc, 0);
}

static void
what_is_known_of_others_is_in_the_book(void **state)
{
    struct bed *b = *state;
    const struct spool_note note = { 1, 2, 10, { 3, 4, 5 }, 4096 };

    append_all(b, 100);
    spool_acked(b->spool, 1, 50, bed_total(50), 5);
    spool_note(b->spool, &note);
    assert_int_equal(spool_close(&b->spool), 0);
    open_spool(b);
    assert_true(ledger_balanced(&b->book->ledger));
    assert_int_equal(b->book->ledger.acked, bed_total(50) - 10);
    assert_int_equal(b->book->ledger.lost[LOST_COLLECTOR], 10);
    assert_int_equal(b->book->ledger.elsewhere, 1);
    assert_int_equal(b->book->ledger.refused, 2);
    assert_int_equal(b->book->ledger.missed[MISSED_SUSPENDED], 5);
    assert_int_equal(b->book->frame_bytes, 4096);
}

// The thread is woken once for both; in a turn without a record, by its end.
static void
an_acknowledgement_goes_with_the_record_after_it(void **state)
{
    struct bed *b = *state;

    append_all(b, 100);
    spool_acked(b->spool, 1, 50, bed_total(50), 5);
    (void) poll(NULL, 0, 20);
    assert_int_equal(spool_stat(b->spool).ledger.acked, 0);
    assert_true(append(b));
    turn_until(b, b->written == b->next);
    assert_int_equal(spool_stat(b->spool).ledger.acked, bed_total(50));
    spool_acked(b->spool, 1, 70, bed_total(70), 5);
    spool_give(b->spool);
    turn_until(b, spool_stat(b->spool).ledger.acked == bed_total(70));
}

static void
a_folder_that_is_in_use_or_can_not_be_is_refused(void **state)
{
    struct bed *b = *state;
    struct spool_options opt = b->opt;
    spool_t *other = NULL;

    assert_int_equal(spool_open(&other, &opt, b->book, &b->found), ERR_LOCKED);
    opt.dir = "/nonexistent/spool";
    assert_int_equal(spool_open(&other, &opt, b->book, &b->found), -ENOENT);
    assert_null(other);
}

#define spool_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        spool_test(a_record_is_told_as_written_and_is_there_at_the_next_start),
        spool_test(eight_hours_of_backlog_are_read_back_in_order),
        spool_test(a_backlog_is_read_while_records_are_appended),
        spool_test(a_stop_loses_nothing),
        spool_test(a_full_queue_refuses_until_there_is_room_and_a_table),
        spool_test(a_disk_that_refuses_is_told_and_is_used_again),
        spool_test(a_kill_at_any_moment_keeps_what_was_told_as_written),
        spool_test(how_long_a_record_waits_is_told),
        spool_test(a_stop_does_not_wait_for_a_disk_that_hangs),
        spool_test(what_is_known_of_others_is_in_the_book),
        spool_test(an_acknowledgement_goes_with_the_record_after_it),
        spool_test(a_folder_that_is_in_use_or_can_not_be_is_refused),
    };
    signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
