// test_ingest_full - a journal whose disk is full: nothing is promised, nothing stands still, and
// it comes back by itself.

#include "tests/unit/collector/room.h"

#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>

#include "collector/journal_entry.h"
#include "shared/base/file.h"
#include "tests/support/small_disk.h"

#define HOST    UINT64_C(0xa1)
#define STREAM  UINT64_C(0x51)
#define T0      INT64_C(1700000000000)
#define DISK    (3u * 1024u * 1024u) // two segments and some
#define BODY    (100u * 1024u)
#define FRAMES  40u // more than the disk takes
#define UNKNOWN 99  // type of a record of a later version

static char disk[] = "/tmp/zpulse-disk-XXXXXX";
static struct fake_stream s;
static uint8_t body[BODY];

static int
setup(void **state)
{
    s = (struct fake_stream){ .id = STREAM, .metric = "m" };
    return room_setup(state);
}

static int
teardown(void **state)
{
    row_state_release(&s.rows);
    small_disk_free(disk);
    return room_teardown(state);
}

static void
begin(void)
{
    room_hello(HOST, 1, "web", STREAM);
    fake_ident(&s, HOST, "web");
    room_give(&s);
    small_disk_fill(disk, false, 0);
}

static void
give_large(void)
{
    fake_record(&s, UNKNOWN, 1, T0, body, sizeof body);
    room_give(&s);
}

static void
records_that_the_disk_does_not_take_are_asked_for_again(void **state)
{
    uint64_t next;

    (void) state;
    begin();
    for (unsigned i = 0; i < FRAMES && room.naks == 0; i++)
        give_large();
    assert_int_equal(room.naks, 1);
    assert_int_equal(room.nak.reason, NAK_STORAGE);
    // Up to the last one that is durable, and no further.
    next = ingest_welcome(room.ingest, HOST, STREAM).next;
    assert_int_equal(room.nak.next, next);
    assert_int_equal(ingest_welcome(room.ingest, HOST, STREAM).limit, next);
    assert_int_equal(next, s.seq - 1);
}

static void
frames_are_taken_off_the_socket_while_it_is_full(void **state)
{
    const unsigned frames = 2000;

    (void) state;
    begin();
    while (room.naks == 0)
        give_large();
    for (unsigned i = 0; i < frames; i++)
        room_give(&s);
    assert_int_equal(selfstat_value(STAT_FRAMES_NO_STORAGE), frames);
    assert_int_equal(room.naks, 1);
    assert_false(ingest_busy(room.ingest));
}

static void
it_comes_back_by_itself_and_nothing_is_missing(void **state)
{
    uint64_t next;

    (void) state;
    begin();
    while (room.naks == 0)
        give_large();
    next = room.nak.next;
    // Tried again, each second, in vain.
    for (int i = 0; i < 3; i++) {
        room.now.mono_ms += INGEST_FULL_MS;
        room_settle();
        assert_int_equal(ingest_welcome(room.ingest, HOST, STREAM).limit, next);
    }
    small_disk_free(disk);
    room.acks = 0;
    room.now.mono_ms += INGEST_FULL_MS;
    room_settle();
    assert_int_equal(room.acks, 1);
    assert_int_equal(room.ack.next, next);
    assert_true(room.ack.limit > next);
    // The agent goes on from there.
    s.seq = next;
    s.total = next - 1;
    for (int i = 0; i < 3; i++)
        give_large();
    assert_int_equal(room.ack.next, next + 3);
    assert_int_equal(room.ack.stored + room.ack.refused, next + 2);
    assert_int_equal(room.ack.elsewhere, 0);
}

// What the store's files have is true while the journal can not say it, and is said once it can.
static void
what_the_store_has_more_of_is_known_while_it_is_full(void **state)
{
    const uint64_t next = 1000, total = 500;
    const struct lane_entry *lane;
    struct journal_found found;

    (void) state;
    begin();
    while (room.naks == 0)
        give_large();
    ingest_stands(room.ingest, HOST, STREAM, next, total);
    assert_int_equal(ingest_welcome(room.ingest, HOST, STREAM).next, next);
    assert_int_equal(ingest_welcome(room.ingest, HOST, STREAM).limit, next);
    small_disk_free(disk);
    room.now.mono_ms += INGEST_FULL_MS;
    room_settle();
    assert_int_equal(room.ack.next, next);
    s.seq = next;
    s.total = total;
    give_large();
    assert_int_equal(room.ack.next, next + 1);
    ingest_destroy(&room.ingest);
    journal_stop(&room.journal);
    assert_int_equal(journal_start(&room.journal, &found,
                                   &(struct journal_options){ .dir = room.dir,
                                                              .owner = ROOM_COLLECTOR,
                                                              .segment_bytes = 1u << 20,
                                                              .bytes_most = UINT64_C(1) << 30,
                                                              .hold_bytes = JOURNAL_HOLD_BYTES,
                                                              .now_ms = clock_real_ms }),
                     0);
    lane = lane_table_find(journal_lanes(room.journal), HOST, STREAM);
    assert_non_null(lane);
    assert_int_equal(lane->next, next + 1);
    assert_int_equal(lane->elsewhere, 0);
}

// How often the files of the journal say that the store has the stream up to there.
static unsigned
said(uint64_t next, uint64_t total)
{
    struct buf words = { 0 }, path = { 0 }, bytes = { 0 };
    unsigned n = 0;
    glob_t files;

    journal_stands_put(&words, STREAM, next, total);
    buf_printf(&path, "%s/*", room.dir);
    assert_int_equal(glob(buf_cstr(&path), 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        const uint8_t *at;

        if (file_read(&bytes, AT_FDCWD, files.gl_pathv[i], 4u << 20) < 0)
            continue;
        at = bytes.at;
        while ((at = memmem(at, (size_t) (bytes.at + bytes.len - at), words.at, words.len)) != NULL)
            n++, at++;
    }
    globfree(&files);
    buf_release(&words);
    buf_release(&path);
    buf_release(&bytes);
    return n;
}

// What it has taken of these it has for good: a disk that fills later asks for nothing again.
static void
what_the_store_has_more_of_is_said_once(void **state)
{
    const uint64_t next = 1000, total = 500;
    unsigned before;

    (void) state;
    room_hello(HOST, 1, "web", STREAM);
    fake_ident(&s, HOST, "web");
    room_give(&s);
    ingest_stands(room.ingest, HOST, STREAM, next, total);
    room_settle();
    assert_int_equal(said(next, total), 1);
    s.seq = next;
    s.total = total;
    small_disk_fill(disk, false, 0);
    while (room.naks == 0)
        give_large();
    before = said(next, total); // segments may have been begun since, which carry it on
    small_disk_free(disk);
    room.acks = 0;
    room.now.mono_ms += INGEST_FULL_MS;
    room_settle();
    assert_int_equal(room.acks, 1);
    assert_int_equal(said(next, total), before);
}

static void
what_was_acknowledged_while_it_filled_is_there_after_a_restart(void **state)
{
    struct journal_found found;
    const struct lane_entry *lane;
    uint64_t next;

    (void) state;
    begin();
    while (room.naks == 0)
        give_large();
    next = room.nak.next;
    ingest_destroy(&room.ingest);
    journal_stop(&room.journal);
    assert_int_equal(journal_start(&room.journal, &found,
                                   &(struct journal_options){ .dir = room.dir,
                                                              .owner = ROOM_COLLECTOR,
                                                              .segment_bytes = 1u << 20,
                                                              .bytes_most = UINT64_C(1) << 30,
                                                              .hold_bytes = JOURNAL_HOLD_BYTES,
                                                              .now_ms = clock_real_ms }),
                     0);
    lane = lane_table_find(journal_lanes(room.journal), HOST, STREAM);
    assert_non_null(lane);
    assert_true(lane->next >= next);
    assert_int_equal(found.damaged_bytes, 0);
}

int
main(void)
{
#define room_test(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
    const struct CMUnitTest tests[] = {
        room_test(records_that_the_disk_does_not_take_are_asked_for_again),
        room_test(frames_are_taken_off_the_socket_while_it_is_full),
        room_test(it_comes_back_by_itself_and_nothing_is_missing),
        room_test(what_the_store_has_more_of_is_known_while_it_is_full),
        room_test(what_the_store_has_more_of_is_said_once),
        room_test(what_was_acknowledged_while_it_filled_is_there_after_a_restart),
    };
    int failed;

    if (mkdtemp(disk) == NULL)
        return 1;
    if (!small_disk_enter(disk, DISK)) {
        printf("no small file system can be had here: not tested\n");
        rmdir(disk);
        return 0;
    }
    room_base = disk;
    failed = cmocka_run_group_tests_name("ingest_full", tests, NULL, NULL);
    umount(disk);
    rmdir(disk);
    return failed;
}
